/*
 * repdns whatif: which mail of the last days the zones would have been rejected, as they are served
 * now; mail that was accepted first, and of that, mail of clients that somebody kept mail of.
 *
 * The history has no single sessions but counts of each client, of its HELO names and its sender
 * domains: a line is one of these, with all its sessions since the first, the last of them in the
 * window. What was rejected then has left no HELO and no sender.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/history.h"
#include "loader/jsonline.h"
#include "tools/explain.h"
#include "zones/confvalue.h"

enum { LAST_S = 7 * 86400 };

enum outcome { OUTCOME_KEPT, OUTCOME_ACCEPTED, OUTCOME_ATTEMPT };
static const char *const outcomes[] = {
    [OUTCOME_KEPT] = "kept", [OUTCOME_ACCEPTED] = "accepted", [OUTCOME_ATTEMPT] = "attempt"};

/* What one zone would have rejected. */
struct row {
    enum outcome outcome;
    const struct zone_def *zone;
    struct ip ip;
    struct dname name; /* len 0: none */
    uint32_t count;
    int64_t first_s, last_s;
    struct reason_set reasons;
};

struct whatif {
    struct explain explain;
    const struct tool *tool;
    const struct zone_def *only; /* NULL: all that may be rejected for */
    int64_t since_s;
    struct hist_client client; /* at work */
    struct row *rows;
    size_t count, room;
    uint64_t sessions[OUTCOME_ATTEMPT + 1];
};

static enum err
add_row(struct whatif *whatif, const struct row *row)
{
    if (whatif->count == whatif->room) {
        size_t room = whatif->room * 2 + 256;
        struct row *grown = reallocarray(whatif->rows, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        whatif->rows = grown;
        whatif->room = room;
    }
    whatif->rows[whatif->count++] = *row;
    whatif->sessions[row->outcome] += row->count;
    return ERR_OK;
}

static bool
is_asked(const struct whatif *whatif, const struct zone_def *zone)
{
    return whatif->only != NULL ? zone == whatif->only : zone->enabled && !zone->informational;
}

/* In every zone that would list it, of the address alone or with a name. */
static enum err
check(struct whatif *whatif, const struct row *like, const char *judged, bool pair)
{
    const struct conf *conf = whatif->tool->conf;
    const struct dname *name = like->name.len > 0 ? &like->name : NULL;
    enum err err = ERR_OK;
    for (unsigned i = 0; i < conf->zone_count && err == ERR_OK; i++) {
        struct row row = *like;
        row.zone = &conf->zones[i];
        if (is_asked(whatif, row.zone) &&
            explain_lists(&whatif->explain, row.zone, &like->ip, name, pair, judged, &row.reasons))
            err = add_row(whatif, &row);
    }
    return err;
}

static enum outcome
outcome_of(const struct hist_client *client)
{
    return client->ham > 0        ? OUTCOME_KEPT
           : client->accepted > 0 ? OUTCOME_ACCEPTED
                                  : OUTCOME_ATTEMPT;
}

static enum err
on_client(void *ctx, const struct hist_client *client)
{
    struct whatif *whatif = ctx;
    struct row row = {.outcome = outcome_of(client),
        .ip = client->ip,
        .count = client->accepted > 0 ? client->accepted : client->sessions,
        .first_s = client->first_s,
        .last_s = client->last_s};
    whatif->client = *client;
    return client->last_s < whatif->since_s ? ERR_OK : check(whatif, &row, NULL, false);
}

static struct row
row_of(const struct whatif *whatif, const struct hist_use *use)
{
    return (struct row){.outcome = whatif->client.ham > 0 ? OUTCOME_KEPT : OUTCOME_ACCEPTED,
        .ip = whatif->client.ip,
        .count = use->count,
        .first_s = use->first_s,
        .last_s = use->last_s};
}

static enum err
on_helo(void *ctx, const struct ip *ip, const struct helo *helo, const struct hist_use *use)
{
    struct whatif *whatif = ctx;
    struct helo_form form;
    struct row row = row_of(whatif, use);
    (void)ip;
    helo_classify(helo, &form);
    if (use->last_s < whatif->since_s ||
        (form.kind != HELO_KIND_NAME && form.kind != HELO_KIND_SINGLE))
        return ERR_OK;
    row.name = form.name;
    return check(whatif, &row, DATASET_JUDGED_HELO, false);
}

/* A null sender has no domain that is asked for. */
static enum err
on_pair(void *ctx, const struct ip *ip, const struct dname *domain, const struct hist_use *use)
{
    struct whatif *whatif = ctx;
    struct row row = row_of(whatif, use);
    (void)ip;
    if (use->last_s < whatif->since_s)
        return ERR_OK;
    row.name = *domain;
    enum err err = check(whatif, &row, DATASET_JUDGED_PAIR, true);
    return err < 0 || use->helo_only ? err : check(whatif, &row, DATASET_JUDGED_DOM, false);
}

static int
by_harm(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->outcome != y->outcome)
        return x->outcome < y->outcome ? -1 : 1;
    if (x->last_s != y->last_s)
        return x->last_s > y->last_s ? -1 : 1;
    return ip_cmp(&x->ip, &y->ip);
}

static void
print_row(FILE *out, const struct row *row)
{
    char reasons[512], ip[IP_TEXT_SIZE];
    reasons_format(row->reasons, reasons, sizeof reasons);
    ip_format(&row->ip, ip);
    fprintf(out, "%s %s ", outcomes[row->outcome], ip);
    if (row->name.len > 0)
        text_name(out, &row->name);
    else
        fputc('-', out);
    fprintf(out, " %u sessions ", row->count);
    text_time(out, row->first_s);
    fputs(" to ", out);
    text_time(out, row->last_s);
    fputs(" by ", out);
    text_name(out, &row->zone->apex);
    fprintf(out, " %s\n", reasons_empty(row->reasons) ? "list" : reasons);
}

/* A list's entry has no reasons. */
static enum err
print_row_json(FILE *out, const struct row *row)
{
    const struct jsonline_member members[] = {{"outcome", json_string(outcomes[row->outcome])},
        {"address", jsonline_ip(&row->ip)},
        {"name", row->name.len > 0 ? jsonline_name(&row->name) : json_null()},
        {"sessions", json_integer(row->count)}, {"first", jsonline_time(row->first_s)},
        {"last", jsonline_time(row->last_s)}, {"zone", jsonline_name(&row->zone->apex)},
        {"reasons", jsonline_reasons(row->reasons)}};
    return jsonline_print_members(out, members, sizeof members / sizeof *members);
}

static enum err
print_counts_json(const struct whatif *whatif)
{
    json_t *counts = json_object();
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        jsonline_set(&counts, outcomes[i], jsonline_count(whatif->sessions[i]));
    return jsonline_print(whatif->tool->out, counts);
}

static enum err
print(struct whatif *whatif)
{
    FILE *out = whatif->tool->out;
    bool json = whatif->tool->json;
    enum err err = ERR_OK;
    if (whatif->count > 1)
        qsort(whatif->rows, whatif->count, sizeof *whatif->rows, by_harm);
    for (size_t i = 0; i < whatif->count && err == ERR_OK; i++)
        if (json)
            err = print_row_json(out, &whatif->rows[i]);
        else
            print_row(out, &whatif->rows[i]);
    if (err < 0 || json)
        return err < 0 ? err : print_counts_json(whatif);
    fprintf(out,
        "%llu sessions of clients with kept mail, %llu other accepted ones, %llu attempts; "
        "sessions before the window count where one is in it\n",
        (unsigned long long)whatif->sessions[OUTCOME_KEPT],
        (unsigned long long)whatif->sessions[OUTCOME_ACCEPTED],
        (unsigned long long)whatif->sessions[OUTCOME_ATTEMPT]);
    return ERR_OK;
}

/* By its whole name or what stands before the base. */
static enum err
find_zone(struct whatif *whatif, struct errmsg *msg)
{
    const struct conf *conf = whatif->tool->conf;
    const char *wanted = whatif->tool->zone;
    struct dname name, whole;
    if (wanted == NULL)
        return ERR_OK;
    bool good = dname_parse(wanted, strlen(wanted), &name) == ERR_OK &&
                dname_join(&name, &conf->base, &whole) == ERR_OK;
    for (unsigned i = 0; good && i < conf->zone_count; i++)
        if (dname_equal(&conf->zones[i].apex, &name) || dname_equal(&conf->zones[i].apex, &whole))
            whatif->only = &conf->zones[i];
    return whatif->only != NULL
               ? ERR_OK
               : errmsg_set(msg, ERR_SYNTAX, "--zone: there is no zone \"%.200s\"", wanted);
}

static enum err
read_window(struct whatif *whatif, struct errmsg *msg)
{
    uint32_t last_s = LAST_S;
    const char *text = whatif->tool->last;
    if (text != NULL && (confvalue_duration(text, &last_s) < 0 || last_s == 0))
        return errmsg_set(
            msg, ERR_SYNTAX, "--last: \"%.100s\" is no duration; write 7d or 12h", text);
    whatif->since_s = whatif->tool->now_s - last_s;
    return ERR_OK;
}

enum exit_code
tool_whatif(const struct tool *tool, struct errmsg *msg)
{
    struct whatif whatif = {.explain = {.out = tool->out, .conf = tool->conf}, .tool = tool};
    const struct history_visitor visitor = {
        .client = on_client, .helo = on_helo, .pair = on_pair, .ctx = &whatif};
    if (read_window(&whatif, msg) < 0 || find_zone(&whatif, msg) < 0)
        return EXIT_USAGE;
    enum err err = explain_open(&whatif.explain, tool->now_s, false, msg);
    if (err == ERR_OK && whatif.explain.answers == NULL)
        err = errmsg_set(msg, ERR_NOTFOUND, "%s: nothing is published; run repdns-load",
            tool->conf->answers_path);
    if (err == ERR_OK && whatif.explain.txn != NULL &&
        (err = history_walk(whatif.explain.txn, NULL, &visitor)) < 0)
        err = errmsg_set(
            msg, err, "%s: %s; run repdns check", tool->conf->history_path, err_text(err));
    if (err == ERR_OK && (err = print(&whatif)) < 0)
        (void)errmsg_set(msg, err, "out of memory");
    free(whatif.rows);
    explain_close(&whatif.explain);
    return tool_exit(err);
}
