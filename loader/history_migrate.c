/*
 * A history of format 1, without weights, becomes one of format 2; and one of format 2, without
 * records of domains, one of format 3, which has the same records of addresses and their names.
 * See history_record.h.
 *
 * What happened when within the time of a record is not known any more: its weights are as if all
 * reports were of the last day, and as if it had been active on each of its last days.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/history_record.h"

enum { BATCH = 256, HALF_LIFE_DAYS = 7 };

struct old_record {
    uint16_t key_n, value_n;
    uint8_t key[KV_KEY_MAX], value[HISTORY_CLIENT_SIZE];
};

typedef enum err (*convert_fn)(const struct old_record *old, struct wire_out *out);

/* The times are as they were; returns the day of the last one. */
static int32_t
copy_times(struct wire_in *in, struct wire_out *out)
{
    int64_t first_s = history_get_time(in), last_s = history_get_time(in);

    history_put_time(out, first_s);
    history_put_time(out, last_s);
    return hist_day(last_s);
}

static void
put_weight(struct wire_out *out, int32_t day, uint32_t units)
{
    struct hist_weight weight = {0};

    hist_weight_add(&weight, day, units, HALF_LIFE_DAYS);
    wire_put_u32(out, (uint32_t)weight.day);
    wire_put_u32(out, weight.weight);
}

static void
put_active(struct wire_out *out, int32_t last_day, uint32_t days)
{
    struct hist_weight weight = {0};

    for (uint32_t i = days < 365 ? days : 365; i > 0; i--)
        hist_weight_add(&weight, last_day - (int32_t)(i - 1), 1, HALF_LIFE_DAYS);
    wire_put_u32(out, (uint32_t)weight.day);
    wire_put_u32(out, weight.weight);
}

static enum err
convert_client(const struct old_record *old, struct wire_out *out)
{
    enum { SESSIONS, ACCEPTED, WITH_HELO, HAM, SPAM, DAYS, NUMBERS };
    struct wire_in in = wire_in_of(old->value, old->value_n);
    int32_t last_day = copy_times(&in, out);
    uint32_t numbers[NUMBERS];

    for (unsigned i = 0; i < NUMBERS; i++) {
        numbers[i] = wire_get_u32(&in);
        wire_put_u32(out, numbers[i]);
    }
    /* How many names there are is counted when it matters: history_fold_name. */
    wire_put_u32(out, HISTORY_NAMES_MAX);
    wire_put_u32(out, HISTORY_NAMES_MAX);
    put_active(out, last_day, numbers[ACCEPTED] > 0 ? numbers[DAYS] : 0);
    put_weight(out, last_day, numbers[HAM]);
    put_weight(out, last_day, numbers[SPAM]);
    put_weight(out, last_day, 0);
    if (in.failed)
        return ERR_FORMAT;
    wire_put(out, old->value + in.at, old->value_n - in.at); /* the reverse name */
    return ERR_OK;
}

static enum err
convert_use(const struct old_record *old, struct wire_out *out)
{
    struct wire_in in = wire_in_of(old->value, old->value_n);
    int32_t last_day = copy_times(&in, out);
    uint32_t count = wire_get_u32(&in);

    wire_put_u32(out, count);
    put_weight(out, last_day, count);
    if (in.failed)
        return ERR_FORMAT;
    wire_put(out, old->value + in.at, old->value_n - in.at); /* flags and SPF */
    return ERR_OK;
}

/* The next records of a table from *from on; nothing may be written while the cursor is open. */
static enum err
read_batch(
    struct kv_txn *txn, uint8_t table, struct slice from, struct old_record *batch, size_t *count)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);

    *count = 0;
    if (err < 0)
        return err;
    kv_cursor_seek(cursor, from);
    while (*count < BATCH && (err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct old_record *old = &batch[*count];

        if (value.n > sizeof old->value) {
            err = ERR_FORMAT;
            break;
        }
        old->key_n = (uint16_t)key.n;
        old->value_n = (uint16_t)value.n;
        memcpy(old->key, key.p, key.n);
        memcpy(old->value, value.p, value.n);
        ++*count;
    }
    kv_cursor_close(&cursor);
    return err;
}

/* The first key past a record's; returns its length. */
static size_t
key_after(const struct old_record *record, uint8_t key[KV_KEY_MAX + 1])
{
    memcpy(key, record->key, record->key_n);
    key[record->key_n] = 0;
    return record->key_n + 1U;
}

static enum err
convert_table(struct kv_txn *txn, uint8_t table, convert_fn convert, struct old_record *batch,
    uint64_t *records)
{
    uint8_t next[KV_KEY_MAX + 1] = {table}, room[HISTORY_CLIENT_SIZE];
    size_t next_n = 1, count;
    enum err err;

    do {
        err = read_batch(txn, table, slice_of(next, next_n), batch, &count);
        if (err < 0 && err != ERR_NOTFOUND)
            return err;
        for (size_t i = 0; i < count; i++) {
            struct wire_out out = wire_out_of(room, sizeof room);
            enum err bad = convert(&batch[i], &out);

            if (bad < 0 || out.full)
                return ERR_FORMAT;
            (void)kv_put(txn, slice_of(batch[i].key, batch[i].key_n), slice_of(room, out.n));
        }
        *records += count;
        if (count > 0)
            next_n = key_after(&batch[count - 1], next);
    } while (err == ERR_OK);
    return ERR_OK;
}

/* The totals of the format before are the same without the last number. */
static void
convert_totals(struct kv_txn *txn, uint64_t last)
{
    uint8_t key[32], room[HISTORY_TOTALS_SIZE];
    struct slice value;

    if (kv_get(txn, history_meta_key("totals", key), &value) < 0 || value.n + 8 > sizeof room)
        return;
    struct wire_out out = wire_out_of(room, sizeof room);
    wire_put(&out, value.p, value.n);
    history_put_u64(&out, last);
    (void)kv_put(txn, history_meta_key("totals", key), slice_of(room, out.n));
}

/* What the pairs say of their domain: sessions, of which it is not known whose they were. */
static enum err
add_domain(struct kv_txn *txn, const struct old_record *pair, uint64_t *domains)
{
    uint8_t key[1 + DNAME_KEY_MAX], room[HISTORY_DOMAIN_SIZE];
    size_t head = 2U + pair->key[1], n = pair->key_n - head + 1;
    struct hist_domain record = {0};
    struct hist_use use;
    struct slice value;
    struct ip ip;

    if (pair->key_n <= head || ip_from_key(pair->key + 2, pair->key[1], &ip) < 0 ||
        history_decode_use(slice_of(pair->value, pair->value_n), &use) < 0)
        return ERR_FORMAT;
    if (use.helo_only)
        return ERR_OK; /* a HELO name */
    key[0] = HISTORY_DOMAIN;
    memcpy(key + 1, pair->key + head, n - 1);
    if (kv_get(txn, slice_of(key, n), &value) == ERR_OK) {
        if (history_decode_domain(value, &record) < 0)
            return ERR_FORMAT;
    } else {
        record.first_s = use.first_s;
        ++*domains;
    }
    record.first_s = use.first_s < record.first_s ? use.first_s : record.first_s;
    record.last_s = use.last_s > record.last_s ? use.last_s : record.last_s;
    record.sessions += use.count < UINT32_MAX - record.sessions ? use.count : 0;
    hist_weight_sum(&record.weight, &use.weight, HALF_LIFE_DAYS);
    hist_crowd_add(&record.crowd, &ip, hist_day(use.last_s));
    (void)kv_put(txn, slice_of(key, n), history_encode_domain(&record, room));
    return ERR_OK;
}

enum err
history_migrate_2(struct kv_txn *txn)
{
    uint8_t next[KV_KEY_MAX + 1] = {HISTORY_PAIR};
    size_t next_n = 1, count;
    struct old_record *batch = calloc(BATCH, sizeof *batch);
    uint64_t domains = 0;
    enum err err = batch == NULL ? ERR_NOMEM : ERR_OK;

    while (err == ERR_OK) {
        enum err bad = ERR_OK;

        err = read_batch(txn, HISTORY_PAIR, slice_of(next, next_n), batch, &count);
        for (size_t i = 0; i < count && bad == ERR_OK; i++)
            bad = add_domain(txn, &batch[i], &domains);
        if (count > 0)
            next_n = key_after(&batch[count - 1], next);
        err = bad < 0 ? bad : err;
    }
    if (err == ERR_NOTFOUND) {
        convert_totals(txn, domains);
        err = ERR_OK;
    }
    free(batch);
    return err;
}

enum err
history_migrate(struct kv_txn *txn)
{
    static const struct {
        enum history_table table;
        convert_fn convert;
    } tables[] = {
        {HISTORY_HELO, convert_use}, {HISTORY_PAIR, convert_use}, {HISTORY_CLIENT, convert_client}};
    struct old_record *batch = calloc(BATCH, sizeof *batch);
    uint64_t records = 0;
    enum err err = batch == NULL ? ERR_NOMEM : ERR_OK;

    for (size_t i = 0; i < sizeof tables / sizeof *tables && err == ERR_OK; i++) {
        records = 0;
        err = convert_table(txn, (uint8_t)tables[i].table, tables[i].convert, batch, &records);
    }
    if (err == ERR_OK)
        convert_totals(txn, records); /* the clients were the last */
    free(batch);
    return err;
}
