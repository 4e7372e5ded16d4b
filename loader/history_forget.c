/* Erasing and discounting; see history_forget.h. */
#include "loader/history_forget.h"

#include <stdlib.h>
#include <string.h>

#include "loader/dnscache.h"
#include "loader/helo.h"
#include "loader/history_record.h"

enum { BATCH = 256, DNS_HEAD = 3, DNS_VALUE_HEAD = 11 };

/* Keys that one sweep is about; nothing may be written below a cursor. */
struct batch {
    size_t count;
    struct {
        uint16_t n;
        uint8_t b[KV_KEY_MAX];
    } key[BATCH];
};

struct sweep {
    struct kv_txn *txn;
    const struct word_subject *subject;
    struct batch *batch;
};

typedef bool (*about_fn)(const struct sweep *sweep, struct slice key, struct slice value);
typedef enum err (*act_fn)(const struct sweep *sweep, struct slice key);

static enum err
collect(const struct sweep *sweep, struct slice prefix, struct slice from, about_fn about)
{
    struct batch *batch = sweep->batch;
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(sweep->txn, prefix, &cursor);

    batch->count = 0;
    if (err < 0)
        return err;
    kv_cursor_seek(cursor, from);
    while (batch->count < BATCH && (err = kv_cursor_next(cursor, &key, &value)) == ERR_OK)
        if (key.n <= KV_KEY_MAX && about(sweep, key, value)) {
            batch->key[batch->count].n = (uint16_t)key.n;
            memcpy(batch->key[batch->count++].b, key.p, key.n);
        }
    kv_cursor_close(&cursor);
    return err;
}

/* Does what act says to all records with the prefix that are about the subject. */
static enum err
sweep_range(
    const struct sweep *sweep, struct slice prefix, about_fn about, act_fn act, uint64_t *count)
{
    uint8_t last[KV_KEY_MAX];
    struct slice from = prefix;
    enum err err, acted = ERR_OK;

    do {
        err = collect(sweep, prefix, from, about);
        for (size_t i = 0; i < sweep->batch->count && acted == ERR_OK; i++)
            acted = act(sweep, slice_of(sweep->batch->key[i].b, sweep->batch->key[i].n));
        *count += sweep->batch->count;
        if (sweep->batch->count > 0) {
            from = slice_of(last, sweep->batch->key[sweep->batch->count - 1].n);
            memcpy(last, sweep->batch->key[sweep->batch->count - 1].b, from.n);
            /* Behind it, should it be there still. */
            if (from.n < sizeof last)
                last[from.n++] = 0;
        }
    } while (err == ERR_OK && acted == ERR_OK);
    return acted < 0 || err == ERR_NOTFOUND ? acted : err;
}

static enum err
erase(const struct sweep *sweep, struct slice key)
{
    (void)kv_del(sweep->txn, key);
    return ERR_OK;
}

/* -- addresses -- */

/* The whole bytes of the prefix behind the table's byte. */
static struct slice
prefix_key(
    enum history_table table, const struct prefix *prefix, uint8_t room[HISTORY_ADDRESS_KEY_MAX])
{
    (void)history_address_key(table, &prefix->addr, room);
    return slice_of(room, 2 + prefix->len / 8U);
}

static bool
key_address(struct slice key, struct ip *out)
{
    const uint8_t *in = key.p;

    return key.n >= 2 && key.n >= 2U + in[1] && ip_from_key(in + 2, in[1], out) == ERR_OK;
}

static bool
is_in_prefix(const struct sweep *sweep, struct slice key, struct slice value)
{
    struct ip ip;

    (void)value;
    return key_address(key, &ip) && prefix_contains(&sweep->subject->prefix, &ip);
}

/* -- names -- */

static bool
is_name(const struct sweep *sweep, const struct dname *name)
{
    return sweep->subject->is_name && dname_under(name, &sweep->subject->name);
}

static bool
is_helo_of(const struct sweep *sweep, struct slice key, struct slice value)
{
    const uint8_t *in = key.p;
    struct dname name;

    (void)value;
    if (key.n < 2 || key.n < 2U + in[1])
        return false;
    size_t head = 2U + in[1];
    return dname_parse((const char *)in + head, key.n - head, &name) == ERR_OK &&
           is_name(sweep, &name);
}

static bool
is_pair_of(const struct sweep *sweep, struct slice key, struct slice value)
{
    const uint8_t *in = key.p;
    struct dname name;

    (void)value;
    if (key.n < 2 || key.n < 2U + in[1])
        return false;
    size_t head = 2U + in[1];
    return dname_from_key(in + head, key.n - head, &name) == ERR_OK && is_name(sweep, &name);
}

/* Of a table whose keys are names alone. */
static bool
is_key_of(const struct sweep *sweep, struct slice key, struct slice value)
{
    struct dname name;

    (void)value;
    return dname_from_key((const uint8_t *)key.p + 1, key.n - 1, &name) == ERR_OK &&
           is_name(sweep, &name);
}

static bool
has_reverse_name(const struct sweep *sweep, struct slice key, struct slice value)
{
    struct hist_client client;
    struct ip ip;

    return key_address(key, &ip) && history_decode_client(value, &ip, &client) == ERR_OK &&
           client.ptr.len > 1 && is_name(sweep, &client.ptr);
}

static enum err
read_client(const struct sweep *sweep, struct slice key, struct hist_client *out)
{
    struct slice value;
    struct ip ip;
    enum err err = kv_get(sweep->txn, key, &value);

    if (err == ERR_OK && !key_address(key, &ip))
        err = ERR_FORMAT;
    return err < 0 ? err : history_decode_client(value, &ip, out);
}

static enum err
erase_reverse_name(const struct sweep *sweep, struct slice key)
{
    struct hist_client client;
    uint8_t room[HISTORY_CLIENT_SIZE];
    enum err err = read_client(sweep, key, &client);

    if (err < 0)
        return err;
    client.ptr_seen = OBS_PTR_UNSEEN;
    client.ptr = (struct dname){0};
    (void)kv_put(sweep->txn, key, history_encode_client(&client, room));
    return ERR_OK;
}

/* -- DNS answers -- */

static bool
is_reverse_of(const struct sweep *sweep, const struct dname *name)
{
    static const char *const tops[] = {"in-addr.arpa", "ip6.arpa"};
    struct dname top, relative;
    struct ip ip;

    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) {
        if (dname_parse(tops[i], strlen(tops[i]), &top) < 0 || !dname_under(name, &top))
            continue;
        dname_relative(name, &top, &relative);
        return ip_from_labels(relative.b, dname_labels(&relative), &ip, NULL) == IP_LABELS_FULL &&
               prefix_contains(&sweep->subject->prefix, &ip);
    }
    return false;
}

/* What one record says (struct dns_answer): an address, or a name behind so many bytes. */
static bool
says(const struct sweep *sweep, enum dns_type type, struct slice rdata)
{
    size_t head = type == DNS_MX ? 2 : 0;
    struct dname name;
    struct ip ip;

    if (type == DNS_A || type == DNS_AAAA)
        return !sweep->subject->is_name && ip_from_key(rdata.p, rdata.n, &ip) == ERR_OK &&
               prefix_contains(&sweep->subject->prefix, &ip);
    if ((type != DNS_PTR && type != DNS_MX) || rdata.n <= head)
        return false;
    return dname_from_wire((const uint8_t *)rdata.p + head, rdata.n - head, &name) == ERR_OK &&
           is_name(sweep, &name);
}

/* Key and value as dnscache.c has them. */
static bool
is_answer_about(const struct sweep *sweep, struct slice key, struct slice value)
{
    const uint8_t *in = key.p;
    struct dname name;

    if (key.n < DNS_HEAD || dname_from_key(in + DNS_HEAD, key.n - DNS_HEAD, &name) < 0)
        return false;
    if (sweep->subject->is_name ? is_name(sweep, &name) : is_reverse_of(sweep, &name))
        return true;
    if (value.n < DNS_VALUE_HEAD)
        return false;
    struct dns_answer answer = {
        .records = slice_of((const uint8_t *)value.p + DNS_VALUE_HEAD, value.n - DNS_VALUE_HEAD)};
    struct slice rdata;
    while (dns_next(&answer, &rdata) == ERR_OK)
        if (says(sweep, (enum dns_type)(in[1] << 8 | in[2]), rdata))
            return true;
    return false;
}

/* -- the whole -- */

static enum err
count_out(const struct sweep *sweep, const struct history_forgotten *out)
{
    struct hist_totals totals;
    enum err err = history_totals(sweep->txn, &totals);

    if (err < 0 || out->clients + out->domains == 0)
        return err;
    totals.clients -= out->clients;
    totals.domains -= out->domains;
    history_write_totals(sweep->txn, &totals);
    return ERR_OK;
}

static enum err
forget_clients(const struct sweep *sweep, struct history_forgotten *out)
{
    const struct prefix *prefix = &sweep->subject->prefix;
    const struct {
        enum history_table table;
        uint64_t *count;
    } tables[] = {
        {HISTORY_CLIENT, &out->clients}, {HISTORY_HELO, &out->helos}, {HISTORY_PAIR, &out->pairs}};
    enum err err = ERR_OK;

    for (size_t i = 0; i < sizeof tables / sizeof *tables && err == ERR_OK; i++) {
        uint8_t room[HISTORY_ADDRESS_KEY_MAX];

        err = sweep_range(
            sweep, prefix_key(tables[i].table, prefix, room), is_in_prefix, erase, tables[i].count);
    }
    return err < 0 ? err : count_out(sweep, out);
}

static enum err
forget_names(const struct sweep *sweep, struct history_forgotten *out)
{
    const struct {
        enum history_table table;
        about_fn about;
        act_fn act;
        uint64_t *count;
    } tables[] = {{HISTORY_HELO, is_helo_of, erase, &out->helos},
        {HISTORY_PAIR, is_pair_of, erase, &out->pairs},
        {HISTORY_DOMAIN, is_key_of, erase, &out->domains},
        {HISTORY_CLIENT, has_reverse_name, erase_reverse_name, &out->reverse_names},
        {HISTORY_POLICY, is_key_of, erase, &out->policies}};
    enum err err = ERR_OK;

    for (size_t i = 0; i < sizeof tables / sizeof *tables && err == ERR_OK; i++) {
        const uint8_t table = (uint8_t)tables[i].table;

        err = sweep_range(
            sweep, slice_of(&table, 1), tables[i].about, tables[i].act, tables[i].count);
    }
    return err < 0 ? err : count_out(sweep, out);
}

static enum err
forget_all(const struct sweep *sweep, void *ctx)
{
    struct history_forgotten *out = ctx;
    const uint8_t dns = HISTORY_DNS;
    enum err err = sweep->subject->is_name ? forget_names(sweep, out) : forget_clients(sweep, out);

    return err < 0 ? err
                   : sweep_range(sweep, slice_of(&dns, 1), is_answer_about, erase, &out->answers);
}

/* A day with sessions counts again only when it is another one. */
static enum err
discount_client(const struct sweep *sweep, struct slice key)
{
    static const enum history_table uses[] = {HISTORY_HELO, HISTORY_PAIR};
    static const enum hist_class bad[] = {HIST_ACTIVE, HIST_SPAM, HIST_TRAP};
    struct hist_client client;
    uint8_t room[HISTORY_CLIENT_SIZE], names[HISTORY_ADDRESS_KEY_MAX];
    enum err err = read_client(sweep, key, &client);

    for (size_t i = 0; i < sizeof uses / sizeof *uses && err == ERR_OK; i++) {
        size_t n = history_address_key(uses[i], &client.ip, names);

        err = history_drop_names(sweep->txn, slice_of(names, n));
    }
    if (err < 0)
        return err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        client.weights[bad[i]].weight = 0;
    client.accepted = client.with_helo = client.spam = client.days = 0;
    client.helos = client.pairs = 0;
    (void)kv_put(sweep->txn, key, history_encode_client(&client, room));
    return ERR_OK;
}

static enum err
discount_all(const struct sweep *sweep, void *ctx)
{
    uint8_t room[HISTORY_ADDRESS_KEY_MAX];

    return sweep_range(sweep, prefix_key(HISTORY_CLIENT, &sweep->subject->prefix, room),
        is_in_prefix, discount_client, ctx);
}

/* One write transaction. */
static enum err
write_history(const struct conf *conf, const struct word_subject *subject,
    enum err (*each)(const struct sweep *sweep, void *ctx), void *ctx, struct errmsg *msg)
{
    struct history *history;
    struct sweep sweep = {.subject = subject};
    enum err err = history_open(conf->history_path, true, &history, msg);

    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    history_close(&history);
    err = history_open(conf->history_path, false, &history, msg);
    if (err < 0)
        return err;
    sweep.batch = malloc(sizeof *sweep.batch);
    err = sweep.batch == NULL ? errmsg_set(msg, ERR_NOMEM, "out of memory")
                              : kv_begin(history_kv(history), true, &sweep.txn, msg);
    if (err == ERR_OK && (err = each(&sweep, ctx)) < 0) {
        kv_abort(&sweep.txn);
        err = errmsg_set(msg, err, "%s: %s; run repdns check", conf->history_path, err_text(err));
    } else if (err == ERR_OK) {
        err = kv_commit(&sweep.txn, msg);
    }
    free(sweep.batch);
    history_close(&history);
    return err;
}

enum err
history_forget(const struct conf *conf, const struct word_subject *subject,
    struct history_forgotten *out, struct errmsg *msg)
{
    *out = (struct history_forgotten){0};
    return write_history(conf, subject, forget_all, out, msg);
}

enum err
history_discount(
    const struct conf *conf, const struct prefix *prefix, uint64_t *clients, struct errmsg *msg)
{
    const struct word_subject subject = {.prefix = *prefix};

    return write_history(conf, &subject, discount_all, clients, msg);
}
