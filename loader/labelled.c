/* Labelled mail. See labelled.h. */
#include "loader/labelled.h"

#include <stdlib.h>
#include <string.h>

#include "loader/heloident.h"

enum { FIELDS = 6 };

static bool
parse_name(const char *text, struct dname *out)
{
    *out = (struct dname){0};
    return *text == '\0' || dname_parse(text, strlen(text), out) == ERR_OK;
}

/* NULL or what is wrong with the line. */
static const char *
parse_line(char *line, struct labelled_mail *out)
{
    static const char *const states[] = {[RDNS_STATE_NONE] = "none",
        [RDNS_STATE_UNCONFIRMED] = "forged",
        [RDNS_STATE_CONFIRMED] = "name"};
    char *field[FIELDS];

    line[strcspn(line, "\r\n")] = '\0';
    for (unsigned i = 0; i < FIELDS; i++)
        if ((field[i] = strsep(&line, "\t")) == NULL)
            return "too few fields";
    *out = (struct labelled_mail){.spam = strcmp(field[0], "spam") == 0};
    if (!out->spam && strcmp(field[0], "ham") != 0)
        return "the label is neither ham nor spam";
    if (ip_parse(field[1], strlen(field[1]), &out->ip) < 0)
        return "the client is no address";
    for (enum rdns_state i = RDNS_STATE_NONE; i <= RDNS_STATE_CONFIRMED; i++)
        if (strcmp(field[2], states[i]) == 0)
            out->rdns = i;
    /* A name that is none is as if nothing were known of it. */
    if (!parse_name(field[3], &out->rdns_name) ||
        (out->rdns > RDNS_STATE_NONE && out->rdns_name.len == 0))
        out->rdns = RDNS_UNKNOWN;
    if (!parse_name(field[5], &out->sender))
        out->sender = (struct dname){0};
    helo_set(&out->helo, field[4], strlen(field[4]));
    return NULL;
}

static int
by_ip(const void *a, const void *b)
{
    const struct labelled_mail *x = a, *y = b;
    int order = ip_cmp(&x->ip, &y->ip);

    if (order != 0)
        return order;
    order = memcmp(x->helo.text, y->helo.text, HELO_MAX);
    return order != 0 ? order : memcmp(x->sender.b, y->sender.b, sizeof x->sender.b);
}

static enum err
read_lines(FILE *in, const char *path, struct labelled *out, struct errmsg *msg)
{
    char line[4096];

    for (unsigned number = 1; fgets(line, sizeof line, in) != NULL; number++) {
        if (out->count == out->room) {
            size_t room = out->room == 0 ? 1024 : out->room * 2;
            struct labelled_mail *grown = reallocarray(out->mails, room, sizeof *grown);
            if (grown == NULL)
                return errmsg_set(msg, ERR_NOMEM, "out of memory");
            out->mails = grown;
            out->room = room;
        }
        const char *wrong = parse_line(line, &out->mails[out->count]);
        if (wrong != NULL)
            return errmsg_set(msg, ERR_SYNTAX,
                "%s:%u: %s; write label, address, none|forged|name, reverse name, HELO, sender "
                "domain, with tabs",
                path, number, wrong);
        out->count++;
    }
    return ferror(in) != 0 ? errmsg_set(msg, ERR_IO, "%s: it can't be read", path) : ERR_OK;
}

enum err
labelled_read(FILE *in, const char *name, struct labelled *out, struct errmsg *msg)
{
    *out = (struct labelled){0};
    enum err err = read_lines(in, name, out, msg);
    if (err < 0)
        labelled_free(out);
    else if (out->count > 0)
        qsort(out->mails, out->count, sizeof *out->mails, by_ip);
    return err;
}

void
labelled_free(struct labelled *labelled)
{
    free(labelled->mails);
    *labelled = (struct labelled){0};
}

static void
add_helo(const struct labelled_mail *mail, const struct labelled_tools *tools,
    struct labelled_client *to)
{
    unsigned n = to->facts.helo_count, i = 0;

    if (mail->helo.len == 0)
        return;
    to->client.with_helo++;
    while (i < n && memcmp(to->helos[i].text->text, mail->helo.text, HELO_MAX) != 0)
        i++;
    if (i == HISTORY_NAMES_MAX)
        return;
    to->helo_uses[i].count++;
    if (i < n)
        return;
    struct helo_fact *helo = &to->helos[to->facts.helo_count++];
    *helo = (struct helo_fact){.text = &mail->helo, .use = &to->helo_uses[i]};
    helo_classify(&mail->helo, &helo->form);
    if (helo->form.kind == HELO_KIND_NAME)
        publicname_registrable(tools->names, &helo->form.name, &helo->organisation);
}

static void
add_sender(const struct labelled_mail *mail, const struct labelled_tools *tools,
    struct labelled_client *to)
{
    unsigned n = to->facts.pair_count, i = 0;

    if (mail->sender.len == 0)
        return;
    while (i < n && !dname_equal(to->pairs[i].domain, &mail->sender))
        i++;
    if (i == HISTORY_NAMES_MAX)
        return;
    to->pair_uses[i].count++;
    if (i < n)
        return;
    struct pair_fact *pair = &to->pairs[to->facts.pair_count++];
    *pair = (struct pair_fact){.domain = &mail->sender, .use = &to->pair_uses[i]};
    publicname_registrable(tools->names, &mail->sender, &pair->organisation);
}

static enum err
set_rdns(const struct labelled_mail *mail, const struct labelled_tools *tools,
    struct client_facts *facts, struct errmsg *msg)
{
    if (mail->rdns == RDNS_UNKNOWN || facts->rdns != RDNS_UNKNOWN)
        return ERR_OK;
    facts->rdns = mail->rdns;
    if (mail->rdns == RDNS_STATE_NONE)
        return ERR_OK;
    facts->rdns_name = &mail->rdns_name;
    publicname_registrable(tools->names, &mail->rdns_name, &facts->rdns_organisation);
    return rdns_classify(tools->rdns, &mail->rdns_name, &mail->ip, &facts->rdns_look, msg);
}

/* DNS of its time is gone. A name that is not the reverse name counts as one that does not resolve
 * to the client, where that is known. */
static void
identify(struct labelled_client *client)
{
    static const struct conf nothing_is_ours;
    struct client_facts *facts = &client->facts;

    for (unsigned i = 0; i < facts->helo_count; i++) {
        struct helo_fact *helo = &client->helos[i];
        helo->resolves_here = facts->rdns == RDNS_UNKNOWN ? FACT_UNKNOWN : FACT_NO;
        const struct helo_context context = {.client = &client->client.ip,
            .rdns = facts->rdns,
            .rdns_name = facts->rdns_name,
            .resolves_here = helo->resolves_here,
            .pairs = client->pairs,
            .pair_count = facts->pair_count,
            .conf = &nothing_is_ours};
        helo->identity = helo_identify(&helo->form, &context);
    }
}

enum err
labelled_next(const struct labelled *labelled, const struct labelled_tools *tools, size_t *at,
    struct labelled_client *out, struct errmsg *msg)
{
    const struct labelled_mail *first = &labelled->mails[*at];
    enum err err = ERR_OK;

    *out = (struct labelled_client){.spam = true, .client = {.ip = first->ip}};
    for (; *at < labelled->count && ip_cmp(&labelled->mails[*at].ip, &first->ip) == 0; ++*at) {
        const struct labelled_mail *mail = &labelled->mails[*at];
        out->spam = out->spam && mail->spam;
        out->client.accepted++;
        if (err == ERR_OK)
            err = set_rdns(mail, tools, &out->facts, msg);
        add_helo(mail, tools, out);
        add_sender(mail, tools, out);
    }
    identify(out);
    out->facts.client = &out->client;
    out->facts.helos = out->helos;
    out->facts.pairs = out->pairs;
    return err;
}
