/* history.mdb: the bound on names of one address. See history_record.h. */
#include <string.h>

#include "loader/history_record.h"
#include "loader/nameclass.h"

uint64_t
hist_use_weight(const struct hist_use *use, int32_t day, uint32_t half_life_days)
{
    return (uint64_t)hist_weight_on(&use->weight, day, half_life_days) +
           hist_weight_on(&use->folded_weight, day, half_life_days);
}

static void
sum(uint32_t *into, uint32_t more)
{
    *into = more > UINT32_MAX - *into ? UINT32_MAX : *into + more;
}

void
hist_use_fold(struct hist_use *into, const struct hist_use *gone, uint32_t half_life_days)
{
    sum(&into->folded, gone->count);
    sum(&into->folded, gone->folded);
    hist_weight_sum(&into->folded_weight, &gone->weight, half_life_days);
    hist_weight_sum(&into->folded_weight, &gone->folded_weight, half_life_days);
    for (unsigned i = 0; i < OBS_SPF_COUNT; i++)
        hist_weight_sum(&into->spf_counts.of[i], &gone->spf_counts.of[i], half_life_days);
}

/* The names of one address, as far as they are looked at: no more than there should be. */
struct names {
    unsigned count;
    struct nameclass_row rows[HISTORY_NAMES_MAX];
    uint16_t key_n[HISTORY_NAMES_MAX];
    uint8_t keys[HISTORY_NAMES_MAX][KV_KEY_MAX];
};

static void
class_of_key(struct slice key, size_t address_n, bool helo_only, struct nameclass *out)
{
    const uint8_t *address = key.p, *name = address + address_n;
    size_t n = key.n - address_n;
    struct ip ip;

    *out = (struct nameclass){0};
    if (address[0] == HISTORY_HELO && ip_from_key(address + 2, address_n - 2, &ip) == ERR_OK) {
        struct helo helo;
        struct helo_form form;

        helo_set(&helo, (const char *)name, n);
        helo_classify(&helo, &form);
        nameclass_of_helo(&form, ip_cmp(&form.ip, &ip) == 0, out);
    } else {
        struct dname domain;

        if (dname_from_key(name, n, &domain) == ERR_OK)
            nameclass_of_sender(&domain, helo_only, out);
    }
}

static enum err
read_names(struct kv_txn *txn, struct slice address_key, int32_t day, uint32_t half_life_days,
    struct names *out)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, address_key, &cursor);

    out->count = 0;
    if (err < 0)
        return err;
    while (
        out->count < HISTORY_NAMES_MAX && (err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct nameclass_row *row = &out->rows[out->count];
        struct hist_use use;

        if (history_decode_use(value, &use) < 0)
            use = (struct hist_use){0};
        class_of_key(key, address_key.n, use.helo_only, &row->class);
        row->weight = hist_use_weight(&use, day, half_life_days);
        row->last_s = use.last_s;
        out->key_n[out->count] = (uint16_t)key.n;
        memcpy(out->keys[out->count++], key.p, key.n);
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static void
fold(struct kv_txn *txn, struct slice victim, struct slice heir, uint32_t half_life_days)
{
    uint8_t room[HISTORY_USE_SIZE];
    struct slice value;
    struct hist_use into, gone;

    if (kv_get(txn, victim, &value) < 0 || history_decode_use(value, &gone) < 0 ||
        kv_get(txn, heir, &value) < 0 || history_decode_use(value, &into) < 0)
        return; /* a damaged record says nothing */
    hist_use_fold(&into, &gone, half_life_days);
    (void)kv_put(txn, heir, history_encode_use(&into, room));
}

enum err
history_fold_name(struct kv_txn *txn, struct slice address_key, int32_t day,
    uint32_t half_life_days, uint32_t *left)
{
    struct names names;
    unsigned victim, heir;
    enum err err = read_names(txn, address_key, day, half_life_days, &names);

    if (err < 0)
        return err;
    /* Expiry takes single names without counting: the records say how many there are. */
    *left = names.count;
    if (names.count < HISTORY_NAMES_MAX)
        return ERR_OK;
    bool has_heir = nameclass_choose(names.rows, names.count, &victim, &heir);
    struct slice gone = slice_of(names.keys[victim], names.key_n[victim]);
    if (has_heir)
        fold(txn, gone, slice_of(names.keys[heir], names.key_n[heir]), half_life_days);
    (void)kv_del(txn, gone);
    --*left;
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
