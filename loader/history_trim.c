/* history.mdb: the bound on addresses. See history.h. */
#include <stdlib.h>
#include <string.h>

#include "loader/history_record.h"

enum { LEVELS = 256, BATCH = 1024 };

struct victims {
    size_t count;
    struct {
        uint8_t n, b[HISTORY_ADDRESS_KEY_MAX];
    } key[BATCH];
};

/* How much an address's record tells, in steps of a quarter of a power of two: a report is worth
 * more than weeks of sessions that say nothing. Only attempts: 0. */
static unsigned
level_of(const struct hist_client *client, int32_t today, uint32_t half_life_days)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < HIST_CLASSES; i++) {
        uint64_t weight = hist_weight_on(&client->weights[i], today, half_life_days);
        sum += i == HIST_ACTIVE ? weight : weight * 64;
    }
    unsigned level = 0;
    for (; sum >= 8; sum >>= 1)
        level += 4;
    return sum < 4 ? (unsigned)sum : level + (unsigned)(sum & 3);
}

static enum err
next_client(struct kv_cursor *cursor, struct slice *key, struct hist_client *client)
{
    struct slice value;
    struct ip ip;
    enum err err = kv_cursor_next(cursor, key, &value);

    if (err < 0)
        return err;
    const uint8_t *bytes = key->p;
    if (key->n < 2 || ip_from_key(bytes + 2, key->n - 2, &ip) < 0)
        return ERR_FORMAT;
    return history_decode_client(value, &ip, client);
}

/* The lowest level that stays, and how many of the level below it go. */
struct cut {
    unsigned level;
    uint64_t below;
};

static enum err
find_cut(
    struct kv_txn *txn, uint64_t excess, int32_t today, uint32_t half_life_days, struct cut *out)
{
    const uint8_t table = HISTORY_CLIENT;
    uint64_t counts[LEVELS] = {0};
    struct hist_client client;
    struct kv_cursor *cursor;
    struct slice key;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);

    if (err < 0)
        return err;
    while ((err = next_client(cursor, &key, &client)) == ERR_OK)
        counts[level_of(&client, today, half_life_days)]++;
    kv_cursor_close(&cursor);
    *out = (struct cut){.level = 0};
    while (out->level < LEVELS - 1 && counts[out->level] <= excess)
        excess -= counts[out->level++];
    out->below = excess;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* The next ones to drop from *from on; ERR_NOTFOUND when there are no more. */
static enum err
collect(struct kv_txn *txn, struct slice from, struct cut *cut, int32_t today,
    uint32_t half_life_days, struct victims *out)
{
    const uint8_t table = HISTORY_CLIENT;
    struct hist_client client;
    struct kv_cursor *cursor;
    struct slice key;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);

    out->count = 0;
    if (err < 0)
        return err;
    kv_cursor_seek(cursor, from);
    while (out->count < BATCH && (err = next_client(cursor, &key, &client)) == ERR_OK) {
        unsigned level = level_of(&client, today, half_life_days);
        if (level > cut->level || (level == cut->level && cut->below == 0))
            continue;
        cut->below -= level == cut->level;
        out->key[out->count].n = (uint8_t)key.n;
        memcpy(out->key[out->count++].b, key.p, key.n);
    }
    kv_cursor_close(&cursor);
    return err;
}

static enum err
drop(struct kv_txn *txn, struct victims *victims)
{
    static const enum history_table uses[] = {HISTORY_HELO, HISTORY_PAIR};
    enum err err = ERR_OK;

    for (size_t i = 0; i < victims->count && err == ERR_OK; i++) {
        struct slice key = slice_of(victims->key[i].b, victims->key[i].n);

        (void)kv_del(txn, key);
        for (size_t k = 0; k < sizeof uses / sizeof *uses && err == ERR_OK; k++) {
            victims->key[i].b[0] = (uint8_t)uses[k];
            err = history_drop_names(txn, key);
        }
        victims->key[i].b[0] = HISTORY_CLIENT;
    }
    return err;
}

enum err
history_trim(struct kv_txn *txn, uint64_t most, uint32_t half_life_days, uint64_t *dropped)
{
    uint8_t last[HISTORY_ADDRESS_KEY_MAX] = {HISTORY_CLIENT};
    size_t last_n = 1;
    struct hist_totals totals;
    struct cut cut;
    enum err err = history_totals(txn, &totals);

    *dropped = 0;
    if (err < 0 || most == 0 || totals.clients <= most)
        return err;
    int32_t today = hist_day(totals.last_s);
    struct victims *victims = malloc(sizeof *victims);
    if (victims == NULL)
        return ERR_NOMEM;
    err = find_cut(txn, totals.clients - most / 10 * 9, today, half_life_days, &cut);
    while (err == ERR_OK) {
        err = collect(txn, slice_of(last, last_n), &cut, today, half_life_days, victims);
        if (victims->count > 0) {
            last_n = victims->key[victims->count - 1].n;
            memcpy(last, victims->key[victims->count - 1].b, last_n);
        }
        enum err bad = drop(txn, victims);
        *dropped += victims->count;
        err = bad < 0 ? bad : err;
    }
    free(victims);
    if (err != ERR_NOTFOUND)
        return err;
    totals.clients -= *dropped;
    history_write_totals(txn, &totals);
    return ERR_OK;
}
