/* history.mdb: the bound on addresses, and on sender domains. See history.h. */
#include <stdlib.h>
#include <string.h>

#include "loader/history_record.h"

enum { LEVELS = 256, BATCH = 1024 };

struct victims {
    size_t count;
    struct {
        uint16_t n;
        uint8_t b[KV_KEY_MAX];
    } key[BATCH];
};

/* A table and what is done of it. */
struct trim {
    struct kv_txn *txn;
    enum history_table table;
    int32_t today;
    uint32_t half_life_days;
};

/* How much a record tells, in steps of a quarter of a power of two: a report is worth more than
 * weeks of sessions that say nothing. An address with attempts alone: 0. */
static unsigned
level_of(const struct trim *trim, const struct hist_weight weights[HIST_CLASSES])
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < HIST_CLASSES; i++) {
        uint64_t weight = hist_weight_on(&weights[i], trim->today, trim->half_life_days);
        sum += i == HIST_ACTIVE ? weight : weight * 64;
    }
    unsigned level = 0;
    for (; sum >= 8; sum >>= 1)
        level += 4;
    return sum < 4 ? (unsigned)sum : level + (unsigned)(sum & 3);
}

static enum err
level_of_client(const struct trim *trim, struct slice key, struct slice value, unsigned *level)
{
    const uint8_t *bytes = key.p;
    struct hist_client client;
    struct ip ip;

    if (key.n < 2 || ip_from_key(bytes + 2, key.n - 2, &ip) < 0 ||
        history_decode_client(value, &ip, &client) < 0)
        return ERR_FORMAT;
    *level = level_of(trim, client.weights);
    return ERR_OK;
}

/* Of mail in a domain's name that is not known to be its own, only how much there was. */
static enum err
level_of_domain(const struct trim *trim, struct slice key, struct slice value, unsigned *level)
{
    struct hist_domain domain;

    if (key.n > KV_KEY_MAX || history_decode_domain(value, &domain) < 0)
        return ERR_FORMAT;
    if (domain.own == 0)
        domain.weights[HIST_ACTIVE] = domain.weight;
    *level = level_of(trim, domain.weights);
    return ERR_OK;
}

static enum err
next_record(const struct trim *trim, struct kv_cursor *cursor, struct slice *key, unsigned *level)
{
    struct slice value;
    enum err err = kv_cursor_next(cursor, key, &value);

    if (err < 0)
        return err;
    return trim->table == HISTORY_CLIENT ? level_of_client(trim, *key, value, level)
                                         : level_of_domain(trim, *key, value, level);
}

/* The lowest level that stays, and how many of the level below it go. */
struct cut {
    unsigned level;
    uint64_t below;
};

static enum err
find_cut(const struct trim *trim, uint64_t excess, struct cut *out)
{
    const uint8_t table = (uint8_t)trim->table;
    uint64_t counts[LEVELS] = {0};
    struct kv_cursor *cursor;
    struct slice key;
    unsigned level;
    enum err err = kv_cursor_open(trim->txn, slice_of(&table, 1), &cursor);

    if (err < 0)
        return err;
    while ((err = next_record(trim, cursor, &key, &level)) == ERR_OK)
        counts[level]++;
    kv_cursor_close(&cursor);
    *out = (struct cut){.level = 0};
    while (out->level < LEVELS - 1 && counts[out->level] <= excess)
        excess -= counts[out->level++];
    out->below = excess;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* The next ones to drop from *from on; ERR_NOTFOUND when there are no more. */
static enum err
collect(const struct trim *trim, struct slice from, struct cut *cut, struct victims *out)
{
    const uint8_t table = (uint8_t)trim->table;
    struct kv_cursor *cursor;
    struct slice key;
    unsigned level;
    enum err err = kv_cursor_open(trim->txn, slice_of(&table, 1), &cursor);

    out->count = 0;
    if (err < 0)
        return err;
    kv_cursor_seek(cursor, from);
    while (out->count < BATCH && (err = next_record(trim, cursor, &key, &level)) == ERR_OK) {
        if (level > cut->level || (level == cut->level && cut->below == 0))
            continue;
        cut->below -= level == cut->level;
        out->key[out->count].n = (uint16_t)key.n;
        memcpy(out->key[out->count++].b, key.p, key.n);
    }
    kv_cursor_close(&cursor);
    return err;
}

/* An address with all of its names. */
static enum err
drop(const struct trim *trim, const struct victims *victims)
{
    static const enum history_table uses[] = {HISTORY_HELO, HISTORY_PAIR};
    enum err err = ERR_OK;

    for (size_t i = 0; i < victims->count && err == ERR_OK; i++) {
        uint8_t names[HISTORY_ADDRESS_KEY_MAX];
        size_t n = victims->key[i].n;

        (void)kv_del(trim->txn, slice_of(victims->key[i].b, n));
        if (trim->table != HISTORY_CLIENT)
            continue;
        memcpy(names, victims->key[i].b, n);
        for (size_t k = 0; k < sizeof uses / sizeof *uses && err == ERR_OK; k++) {
            names[0] = (uint8_t)uses[k];
            err = history_drop_names(trim->txn, slice_of(names, n));
        }
    }
    return err;
}

static enum err
trim_table(const struct trim *trim, uint64_t *stored, uint64_t most, uint64_t *dropped)
{
    uint8_t last[KV_KEY_MAX] = {(uint8_t)trim->table};
    size_t last_n = 1;
    struct cut cut;
    uint64_t gone = 0;

    if (*stored <= most)
        return ERR_OK;
    struct victims *victims = malloc(sizeof *victims);
    if (victims == NULL)
        return ERR_NOMEM;
    enum err err = find_cut(trim, *stored - most / 10 * 9, &cut);
    while (err == ERR_OK) {
        err = collect(trim, slice_of(last, last_n), &cut, victims);
        if (victims->count > 0) {
            last_n = victims->key[victims->count - 1].n;
            memcpy(last, victims->key[victims->count - 1].b, last_n);
        }
        enum err bad = drop(trim, victims);
        gone += victims->count;
        err = bad < 0 ? bad : err;
    }
    free(victims);
    *stored -= gone;
    *dropped += gone;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
history_trim(struct kv_txn *txn, uint64_t most, uint32_t half_life_days, uint64_t *dropped)
{
    struct hist_totals totals;
    enum err err = history_totals(txn, &totals);

    *dropped = 0;
    if (err < 0 || most == 0 || (totals.clients <= most && totals.domains <= most))
        return err;
    struct trim trim = {.txn = txn,
        .table = HISTORY_CLIENT,
        .today = hist_day(totals.last_s),
        .half_life_days = half_life_days};
    err = trim_table(&trim, &totals.clients, most, dropped);
    trim.table = HISTORY_DOMAIN;
    if (err == ERR_OK)
        err = trim_table(&trim, &totals.domains, most, dropped);
    if (err == ERR_OK)
        history_write_totals(txn, &totals);
    return err;
}
