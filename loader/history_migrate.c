/*
 * A history of format 1, without weights, becomes one of format 2. See history_record.h.
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
    /* How many names there are is counted when it matters: history_drop_name. */
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
        if (count > 0) { /* the first key past the last one */
            next_n = batch[count - 1].key_n + 1U;
            memcpy(next, batch[count - 1].key, next_n - 1);
            next[next_n - 1] = 0;
        }
    } while (err == ERR_OK);
    return ERR_OK;
}

/* The totals of format 1 are the same without the last number. */
static void
convert_totals(struct kv_txn *txn, uint64_t clients)
{
    uint8_t key[32], room[HISTORY_TOTALS_SIZE];
    struct slice value;

    if (kv_get(txn, history_meta_key("totals", key), &value) < 0 || value.n + 8 > sizeof room)
        return;
    struct wire_out out = wire_out_of(room, sizeof room);
    wire_put(&out, value.p, value.n);
    history_put_u64(&out, clients);
    (void)kv_put(txn, history_meta_key("totals", key), slice_of(room, out.n));
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
