/* repdns dump: history.mdb; see tools.h. */
#include <string.h>

#include "loader/dnscache.h"
#include "loader/history.h"
#include "loader/policytimes.h"
#include "tools/dumpline.h"
#include "tools/tools.h"
#include "zones/kv.h"
#include "zones/wire.h"

enum { KEY_SIZE = 32 };

static void
print_use(struct dumpline *line, const struct hist_use *use)
{
    dumpline_count(line, NAMED, "count", use->count);
    if (use->folded > 0)
        dumpline_count(line, NAMED, "folded", use->folded);
    dumpline_time(line, NAMED, "first", use->first_s);
    dumpline_time(line, NAMED, "last", use->last_s);
}

/* Weights that are not zero, as they were on their last day. */
static void
print_weights(struct dumpline *line, const char *what, const char *const *names,
    const struct hist_weight *weights, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char key[KEY_SIZE];
        if (weights[i].weight == 0)
            continue;
        snprintf(key, sizeof key, "%s_%s", what, names[i]);
        dumpline_weight(line, NAMED, key, (double)weights[i].weight / HIST_UNIT);
    }
}

static void
print_spf(struct dumpline *line, const struct hist_spf *spf)
{
    const char *names[OBS_SPF_COUNT];
    for (unsigned i = 0; i < OBS_SPF_COUNT; i++)
        names[i] = obs_spf_text((enum obs_spf)i);
    print_weights(line, "spf", names, spf->of, OBS_SPF_COUNT);
}

static enum err
each_client(void *ctx, const struct hist_client *client)
{
    static const char *const seen[] = {[OBS_PTR_UNSEEN] = "unseen",
        [OBS_PTR_NONE] = "none",
        [OBS_PTR_UNVERIFIED] = "unverified",
        [OBS_PTR_VERIFIED] = "verified"};
    struct dumpline *line = ctx;
    dumpline_begin(line, "client");
    dumpline_ip(line, BARE, "address", &client->ip);
    dumpline_count(line, NAMED, "sessions", client->sessions);
    dumpline_count(line, NAMED, "accepted", client->accepted);
    dumpline_count(line, NAMED, "with_helo", client->with_helo);
    dumpline_count(line, NAMED, "ham", client->ham);
    dumpline_count(line, NAMED, "spam", client->spam);
    dumpline_count(line, NAMED, "days", client->days);
    dumpline_time(line, NAMED, "first", client->first_s);
    dumpline_time(line, NAMED, "last", client->last_s);
    dumpline_string(line, NAMED, "ptr", seen[client->ptr_seen]);
    if (client->ptr.len > 0)
        dumpline_name(line, BARE, "name", &client->ptr);
    dumpline_end(line);
    return ERR_OK;
}

static enum err
each_helo(void *ctx, const struct ip *ip, const struct helo *helo, const struct hist_use *use)
{
    struct dumpline *line = ctx;
    dumpline_begin(line, "helo");
    dumpline_ip(line, BARE, "address", ip);
    dumpline_quoted(line, BARE, "helo", slice_of(helo->text, helo->len));
    print_use(line, use);
    dumpline_end(line);
    return ERR_OK;
}

static enum err
each_pair(void *ctx, const struct ip *ip, const struct dname *domain, const struct hist_use *use)
{
    struct dumpline *line = ctx;
    dumpline_begin(line, "pair");
    dumpline_ip(line, BARE, "address", ip);
    dumpline_name(line, BARE, "domain", domain);
    print_use(line, use);
    dumpline_flag(line, "null_sender", "null-sender", use->null_sender);
    dumpline_flag(line, "sender_too", "sender-too", use->null_sender && !use->helo_only);
    if (use->has_spf)
        dumpline_string(line, NAMED, "logged", reason_info(use->spf)->name);
    print_spf(line, &use->spf_counts);
    dumpline_end(line);
    return ERR_OK;
}

static enum err
each_domain(void *ctx, const struct dname *domain, const struct hist_domain *record)
{
    static const char *const classes[HIST_CLASSES] = {
        [HIST_ACTIVE] = "days", [HIST_HAM] = "ham", [HIST_SPAM] = "spam", [HIST_TRAP] = "trap"};
    struct dumpline *line = ctx;
    dumpline_begin(line, "domain");
    dumpline_name(line, BARE, "domain", domain);
    dumpline_count(line, NAMED, "sessions", record->sessions);
    dumpline_count(
        line, NAMED, "clients", hist_crowd_size(&record->crowd, hist_day(record->last_s)));
    dumpline_time(line, NAMED, "first", record->first_s);
    dumpline_time(line, NAMED, "last", record->last_s);
    print_spf(line, &record->spf_counts);
    dumpline_count(line, NAMED, "own", record->own);
    print_weights(line, "own", classes, record->weights, HIST_CLASSES);
    dumpline_end(line);
    return ERR_OK;
}

static void
each_counter(void *ctx, const char *name, uint64_t value)
{
    struct dumpline *line = ctx;
    dumpline_begin(line, "counter");
    dumpline_quoted(line, BARE, "counter", slice_of(name, strlen(name)));
    dumpline_count(line, BARE, "count", value);
    dumpline_end(line);
}

static void
print_rdata(struct dumpline *line, uint16_t type, struct slice rdata)
{
    char text[sizeof "65535:" + DNAME_TEXT_SIZE];
    const uint8_t *p = rdata.p;
    struct dname name;
    struct ip ip;
    size_t skip = type == DNS_MX ? 2 : 0;
    if ((type == DNS_A || type == DNS_AAAA) && ip_from_key(p, rdata.n, &ip) == ERR_OK) {
        dumpline_ip(line, BARE, NULL, &ip);
    } else if ((type == DNS_PTR || type == DNS_MX) && rdata.n > skip &&
               dname_from_wire(p + skip, rdata.n - skip, &name) == ERR_OK) {
        int n = type == DNS_MX ? snprintf(text, sizeof text, "%u:", (unsigned)p[0] << 8 | p[1]) : 0;
        (void)dname_format(&name, text + n);
        dumpline_string(line, BARE, NULL, text);
    } else {
        dumpline_quoted(line, BARE, NULL, rdata);
    }
}

static const char *
type_text(uint16_t type)
{
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {
        {DNS_A, "A"}, {DNS_AAAA, "AAAA"}, {DNS_MX, "MX"}, {DNS_PTR, "PTR"}, {DNS_TXT, "TXT"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].type == type)
            return names[i].name;
    return "TYPE";
}

/* The records of dnscache.c: its head says their form. */
static enum err
print_dns(struct dumpline *line, struct slice key, struct slice value)
{
    struct wire_in k = wire_in_of(key.p, key.n), v = wire_in_of(value.p, value.n);
    (void)wire_get_u8(&k);
    uint16_t type = wire_get_u16(&k);
    uint8_t status = wire_get_u8(&v);
    uint64_t high = wire_get_u32(&v);
    uint64_t expires = high << 32 | wire_get_u32(&v);
    (void)wire_get_u16(&v);
    struct dname name;
    if (k.failed || v.failed ||
        dname_from_key((const uint8_t *)key.p + k.at, key.n - k.at, &name) < 0)
        return ERR_FORMAT;
    const char *outcome = status == DNS_OK ? "ok" : status == DNS_NODATA ? "nodata" : "nxdomain";
    dumpline_begin(line, "dns");
    dumpline_name(line, BARE, "name", &name);
    dumpline_string(line, BARE, "type", type_text(type));
    dumpline_string(line, BARE, "outcome", outcome);
    dumpline_time(line, NAMED, "expires", (int64_t)expires);
    struct dns_answer answer = {
        .records = slice_of((const uint8_t *)value.p + v.at, value.n - v.at)};
    struct slice rdata;
    enum err err;
    dumpline_list_begin(line, BARE, "data");
    while ((err = dns_next(&answer, &rdata)) == ERR_OK)
        print_rdata(line, type, rdata);
    dumpline_list_end(line);
    dumpline_end(line);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
print_dns_answers(struct dumpline *line, struct kv_txn *txn)
{
    const uint8_t table = HISTORY_DNS;
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        err = print_dns(line, key, value);
        if (err < 0)
            break;
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
each_policy(void *ctx, const struct dname *domain, const struct policy_times *times)
{
    struct dumpline *line = ctx;
    dumpline_begin(line, "policy");
    dumpline_name(line, BARE, "domain", domain);
    dumpline_time(line, NAMED, "made", times->made_s);
    dumpline_time(line, NAMED, "expires", times->expires_s);
    dumpline_time(line, NAMED, "failing", times->failing_s);
    dumpline_end(line);
    return ERR_OK;
}

static enum err
print_totals(struct dumpline *line, struct kv_txn *txn)
{
    struct hist_totals totals;
    enum err err = history_totals(txn, &totals);
    if (err < 0)
        return err;
    dumpline_begin(line, "totals");
    dumpline_count(line, NAMED, "sessions", totals.sessions);
    dumpline_count(line, NAMED, "accepted", totals.accepted);
    dumpline_count(line, NAMED, "with_helo", totals.accepted_with_helo);
    dumpline_count(line, NAMED, "days", totals.days);
    dumpline_time(line, NAMED, "first", totals.first_s);
    dumpline_time(line, NAMED, "last", totals.last_s);
    dumpline_end(line);
    return ERR_OK;
}

/* Positions in logs and open sessions are left out: they are about files, not about senders, and
 * differ on every machine. */
enum err
dump_history(struct dumpline *line, const struct conf *conf, struct errmsg *msg)
{
    const struct history_visitor visitor = {
        .client = each_client, .helo = each_helo, .pair = each_pair, .ctx = line};
    struct history *history;
    struct kv_txn *txn = NULL;
    enum err err = history_open(conf->history_path, true, &history, msg);
    if (err < 0)
        return err;
    err = kv_begin(history_kv(history), false, &txn, msg);
    if (err == ERR_OK) {
        err = print_totals(line, txn);
        if (err == ERR_OK)
            err = history_walk(txn, NULL, &visitor);
        if (err == ERR_OK)
            err = history_domains(txn, each_domain, line);
        if (err == ERR_OK)
            err = history_counters(txn, each_counter, line);
        if (err == ERR_OK)
            err = print_dns_answers(line, txn);
        if (err == ERR_OK)
            err = policytimes_each(txn, each_policy, line);
        if (err < 0)
            err = errmsg_set(msg, err,
                "%s: %s; restore it, or move it away and let repdns-load "
                "begin anew",
                conf->history_path, err_text(err));
    }
    kv_abort(&txn);
    history_close(&history);
    return err;
}
