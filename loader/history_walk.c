/* history.mdb: walking and expiry. See history.h. */
#include <stdlib.h>
#include <string.h>

#include "loader/history_record.h"

enum { EXPIRE_BATCH = 256 };

/* -- walking -- */

/* One of the three ranges: the record that it stands at. */
struct range_at {
    struct kv_cursor *cursor;
    struct slice key, value;
    bool end;
};

static enum err
advance(struct range_at *at)
{
    enum err err = kv_cursor_next(at->cursor, &at->key, &at->value);

    at->end = err == ERR_NOTFOUND;
    if (err == ERR_OK) {
        const uint8_t *key = at->key.p;

        if (at->key.n < 2 || at->key.n < 2U + key[1])
            err = ERR_FORMAT;
    }
    return at->end ? ERR_OK : err;
}

static enum err
range_open(
    struct kv_txn *txn, enum history_table table, const struct prefix *only, struct range_at *out)
{
    uint8_t key[HISTORY_ADDRESS_KEY_MAX] = {(uint8_t)table};
    size_t n = 1;

    if (only != NULL) {
        (void)history_address_key(table, &only->addr, key);
        n = 2U + only->len / 8U;
    }
    enum err err = kv_cursor_open(txn, slice_of(key, n), &out->cursor);

    return err < 0 ? err : advance(out);
}

/* Order of the address parts: <0 when the record comes before the client. */
static int
compare(const struct range_at *at, struct slice client)
{
    const uint8_t *key = at->key.p, *wanted = client.p;
    struct slice mine = slice_of(key + 1, 1U + key[1]);

    return slice_cmp(mine, slice_of(wanted + 1, client.n - 1));
}

static enum err
give_helo(const struct history_visitor *visitor, const struct ip *ip, struct slice text,
    const struct hist_use *use)
{
    struct helo helo = {0};

    if (text.n > HELO_MAX)
        return ERR_FORMAT;
    helo.len = (uint8_t)text.n;
    memcpy(helo.text, text.p, text.n);
    return visitor->helo == NULL ? ERR_OK : visitor->helo(visitor->ctx, ip, &helo, use);
}

static enum err
give_pair(const struct history_visitor *visitor, const struct ip *ip, struct slice key,
    const struct hist_use *use)
{
    struct dname domain;

    if (dname_from_key(key.p, key.n, &domain) < 0)
        return ERR_FORMAT;
    return visitor->pair == NULL ? ERR_OK : visitor->pair(visitor->ctx, ip, &domain, use);
}

/* Hands on the records of one client, and passes over those of clients that are no more. */
static enum err
give_uses(struct range_at *at, struct slice client, const struct ip *ip,
    const struct history_visitor *visitor, bool pairs)
{
    enum err err = ERR_OK;
    int order = -1;

    while (err == ERR_OK && !at->end && (order = compare(at, client)) <= 0) {
        struct hist_use use;

        if (order == 0) {
            struct slice rest =
                slice_of((const uint8_t *)at->key.p + client.n, at->key.n - client.n);

            err = history_decode_use(at->value, &use);
            if (err == ERR_OK)
                err =
                    pairs ? give_pair(visitor, ip, rest, &use) : give_helo(visitor, ip, rest, &use);
        }
        if (err == ERR_OK)
            err = advance(at);
    }
    return err;
}

static enum err
walk(struct range_at at[3], const struct history_visitor *visitor)
{
    enum err err = ERR_OK;

    for (; err == ERR_OK && !at[0].end; err = err == ERR_OK ? advance(&at[0]) : err) {
        const uint8_t *key = at[0].key.p;
        struct hist_client client;
        struct ip ip;

        if (ip_from_key(key + 2, at[0].key.n - 2, &ip) < 0)
            return ERR_FORMAT;
        err = history_decode_client(at[0].value, &ip, &client);
        if (err == ERR_OK && visitor->client != NULL)
            err = visitor->client(visitor->ctx, &client);
        if (err == ERR_OK)
            err = give_uses(&at[1], at[0].key, &ip, visitor, false);
        if (err == ERR_OK)
            err = give_uses(&at[2], at[0].key, &ip, visitor, true);
    }
    return err;
}

enum err
history_walk(struct kv_txn *txn, const struct prefix *only, const struct history_visitor *visitor)
{
    static const enum history_table tables[3] = {HISTORY_CLIENT, HISTORY_HELO, HISTORY_PAIR};
    struct range_at at[3] = {0};
    enum err err = ERR_OK;

    for (unsigned i = 0; i < 3 && err == ERR_OK; i++)
        err = range_open(txn, tables[i], only, &at[i]);
    if (err == ERR_OK)
        err = walk(at, visitor);
    for (unsigned i = 0; i < 3; i++)
        kv_cursor_close(&at[i].cursor);
    return err;
}

/* -- expiry -- */

struct expired {
    size_t count;
    struct {
        uint16_t n;
        uint8_t b[KV_KEY_MAX];
    } key[EXPIRE_BATCH];
};

static bool
is_expired(struct slice value, int64_t before_s)
{
    struct wire_in in = wire_in_of(value.p, value.n);

    (void)history_get_time(&in);
    int64_t last_s = history_get_time(&in);
    return !in.failed && last_s < before_s;
}

/* Collects the next expired keys from *from on; ERR_NOTFOUND when the range is done. The cursor is
 * closed again, as nothing may be deleted below it. */
static enum err
collect_expired(struct kv_txn *txn, struct slice prefix, struct slice from, int64_t before_s,
    struct expired *out)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, prefix, &cursor);

    out->count = 0;
    if (err < 0)
        return err;
    kv_cursor_seek(cursor, from);
    while (out->count < EXPIRE_BATCH && (err = kv_cursor_next(cursor, &key, &value)) == ERR_OK)
        if (is_expired(value, before_s) && key.n <= KV_KEY_MAX) {
            out->key[out->count].n = (uint16_t)key.n;
            memcpy(out->key[out->count++].b, key.p, key.n);
        }
    kv_cursor_close(&cursor);
    return err;
}

static enum err
expire_range(struct kv_txn *txn, struct slice prefix, int64_t before_s, struct expired *batch,
    uint64_t *dropped)
{
    uint8_t last[KV_KEY_MAX];
    struct slice from = prefix;
    enum err err;

    do {
        err = collect_expired(txn, prefix, from, before_s, batch);
        for (size_t i = 0; i < batch->count; i++)
            (void)kv_del(txn, slice_of(batch->key[i].b, batch->key[i].n));
        *dropped += batch->count;
        if (batch->count > 0) {
            from = slice_of(last, batch->key[batch->count - 1].n);
            memcpy(last, batch->key[batch->count - 1].b, from.n);
        }
    } while (err == ERR_OK);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
history_expire(struct kv_txn *txn, int64_t before_s, uint64_t *dropped)
{
    /* 'o' 'i': ids of mails seen in a store, see observe_store.c, 'r' and 'q': of reported mails,
     * and reporters' counts, see report.c; older mails are not looked at again. */
    static const struct {
        char prefix[3];
        enum dropped { OTHERS, CLIENTS, DOMAINS, SORTS } sort;
    } ranges[] = {{"c", CLIENTS}, {"e", DOMAINS}, {"h", OTHERS}, {"p", OTHERS}, {"oi", OTHERS},
        {"or", OTHERS}, {"oq", OTHERS}};
    struct expired *batch = malloc(sizeof *batch);
    enum err err = batch == NULL ? ERR_NOMEM : ERR_OK;
    uint64_t counts[SORTS] = {0};

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0] && err == ERR_OK; i++) {
        err = expire_range(txn, slice_of(ranges[i].prefix, strlen(ranges[i].prefix)), before_s,
            batch, &counts[ranges[i].sort]);
    }
    free(batch);
    *dropped = counts[CLIENTS];
    struct hist_totals totals;
    if (err < 0 || counts[CLIENTS] + counts[DOMAINS] == 0)
        return err;
    err = history_totals(txn, &totals);
    if (err < 0)
        return err;
    totals.clients -= counts[CLIENTS];
    totals.domains -= counts[DOMAINS];
    history_write_totals(txn, &totals);
    return ERR_OK;
}
