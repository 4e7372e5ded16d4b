/* Times of policies; see policytimes.h. */
#include "loader/policytimes.h"

#include <stdlib.h>

#include "loader/history.h"
#include "zones/be.h"

enum { VALUE_SIZE = 24, DROPPED_MAX = 1024, KEEP_EXPIRED_S = 30 * 86400 };

struct policytimes_item {
    struct dname domain;
    struct policy_times times;
};

void
policytimes_free(struct policytimes *list)
{
    free(list->items);
    *list = (struct policytimes){0};
}

static struct slice
make_key(const struct dname *domain, uint8_t key[1 + DNAME_KEY_MAX])
{
    key[0] = HISTORY_POLICY;
    return slice_of(key, 1 + dname_key(domain, key + 1));
}

static enum err
decode(struct slice value, struct policy_times *out)
{
    const uint8_t *in = value.p;
    if (value.n != VALUE_SIZE)
        return ERR_FORMAT;
    out->made_s = (int64_t)be_get(in, 8);
    out->expires_s = (int64_t)be_get(in + 8, 8);
    out->failing_s = (int64_t)be_get(in + 16, 8);
    return ERR_OK;
}

enum err
policytimes_get(struct kv_txn *txn, const struct dname *domain, struct policy_times *out)
{
    uint8_t key[1 + DNAME_KEY_MAX];
    struct slice value;
    enum err err = kv_get(txn, make_key(domain, key), &value);
    return err < 0 ? err : decode(value, out);
}

enum err
policytimes_each(struct kv_txn *txn, policytimes_each_fn each, void *ctx)
{
    static const uint8_t table = HISTORY_POLICY;
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct dname domain;
        struct policy_times times;
        err = dname_from_key((const uint8_t *)key.p + 1, key.n - 1, &domain);
        if (err == ERR_OK)
            err = decode(value, &times);
        if (err == ERR_OK)
            err = each(ctx, &domain, &times);
        if (err < 0)
            break;
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
policytimes_note(struct policytimes *list, struct kv_txn *txn, int64_t now_s,
    const struct dname *domain, const struct spfpolicy *policy)
{
    struct policy_times before = {0}, now;
    enum err err = policytimes_get(txn, domain, &before);
    if (err < 0 && err != ERR_NOTFOUND && err != ERR_FORMAT)
        return err;
    bool same = !policy->temperror && before.expires_s == policy->expires_s;
    now = before;
    if (policy->temperror)
        now.failing_s = before.failing_s != 0 ? before.failing_s : now_s;
    else
        now = (struct policy_times){same ? before.made_s : now_s, policy->expires_s, 0};
    if (err == ERR_OK && now.made_s == before.made_s && now.expires_s == before.expires_s &&
        now.failing_s == before.failing_s)
        return ERR_OK;
    if (list->count == list->room) {
        size_t room = list->room * 2 + 64;
        struct policytimes_item *grown = reallocarray(list->items, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        list->items = grown;
        list->room = room;
    }
    list->items[list->count++] = (struct policytimes_item){*domain, now};
    return ERR_OK;
}

/* A bounded number of them each time: no writing while the cursor is open. */
static enum err
drop_old(struct kv_txn *txn, int64_t now_s)
{
    static const uint8_t table = HISTORY_POLICY;
    struct kv_cursor *cursor;
    struct slice key, value;
    uint8_t(*doomed)[1 + DNAME_KEY_MAX] = calloc(DROPPED_MAX, sizeof *doomed);
    size_t lengths[DROPPED_MAX], count = 0;
    if (doomed == NULL)
        return ERR_NOMEM;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);
    while (err == ERR_OK && count < DROPPED_MAX &&
           (err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct policy_times times;
        bool keep =
            decode(value, &times) == ERR_OK &&
            (times.expires_s > now_s - KEEP_EXPIRED_S || times.failing_s > now_s - KEEP_EXPIRED_S);
        if (keep || key.n > sizeof *doomed)
            continue;
        memcpy(doomed[count], key.p, key.n);
        lengths[count++] = key.n;
    }
    kv_cursor_close(&cursor);
    err = err == ERR_NOTFOUND ? ERR_OK : err;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = kv_del(txn, slice_of(doomed[i], lengths[i]));
    free(doomed);
    return err;
}

enum err
policytimes_save(const struct policytimes *list, struct kv_txn *txn, int64_t now_s)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < list->count && err == ERR_OK; i++) {
        const struct policy_times *times = &list->items[i].times;
        uint8_t key[1 + DNAME_KEY_MAX], value[VALUE_SIZE];
        uint8_t *out = be_put(value, (uint64_t)times->made_s, 8);
        out = be_put(out, (uint64_t)times->expires_s, 8);
        (void)be_put(out, (uint64_t)times->failing_s, 8);
        err = kv_put(txn, make_key(&list->items[i].domain, key), slice_of(value, sizeof value));
    }
    return err < 0 ? err : drop_old(txn, now_s);
}
