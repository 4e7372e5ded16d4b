/* history.mdb: the bound on names of one address. See history_record.h. */
#include <string.h>

#include "loader/history_record.h"

enum err
history_drop_name(struct kv_txn *txn, struct slice address_key, int32_t day,
    uint32_t half_life_days, uint32_t *left)
{
    uint8_t least[KV_KEY_MAX];
    size_t least_n = 0;
    uint32_t least_weight = 0, count = 0;
    int64_t least_s = 0;
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, address_key, &cursor);

    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct hist_use use;

        if (history_decode_use(value, &use) < 0)
            use = (struct hist_use){0};
        uint32_t weight = hist_weight_on(&use.weight, day, half_life_days);
        if (count++ > 0 &&
            (weight > least_weight || (weight == least_weight && use.last_s >= least_s)))
            continue;
        least_weight = weight;
        least_s = use.last_s;
        least_n = key.n;
        memcpy(least, key.p, key.n);
    }
    kv_cursor_close(&cursor);
    if (err != ERR_NOTFOUND)
        return err;
    /* Expiry takes single names without counting: the records say how many there are. */
    if (count >= HISTORY_NAMES_MAX) {
        (void)kv_del(txn, slice_of(least, least_n));
        count--;
    }
    *left = count;
    return ERR_OK;
}

enum err
history_drop_names(struct kv_txn *txn, struct slice address_key)
{
    enum err err;

    do {
        struct kv_cursor *cursor;
        struct slice key, value;
        uint8_t room[KV_KEY_MAX];

        err = kv_cursor_open(txn, address_key, &cursor);
        if (err < 0)
            return err;
        err = kv_cursor_next(cursor, &key, &value);
        if (err == ERR_OK)
            memcpy(room, key.p, key.n);
        kv_cursor_close(&cursor);
        if (err == ERR_OK)
            err = kv_del(txn, slice_of(room, key.n));
    } while (err == ERR_OK);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
