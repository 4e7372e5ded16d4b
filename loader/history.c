/* history.mdb: opening, half-life, counters. See history.h; folding is in history_fold.c, walking
 * in history_walk.c. */
#include "loader/history.h"

#include <stdlib.h>
#include <string.h>

#include "loader/history_record.h"
#include "zones/wire.h"

#define FORMAT "repdns history 4"

/* Older ones, and what makes them the next one; NULL: they are, the next one only has more. */
static const struct {
    const char *format;
    enum err (*migrate)(struct kv_txn *txn);
} older[] = {{"repdns history 1", history_migrate}, {"repdns history 2", history_migrate_2},
    {"repdns history 3", NULL}};
enum { OLDER = sizeof older / sizeof *older };

enum { HALF_LIFE_DAYS = 7 };

struct history {
    struct kv *kv;
};

/* -- opening -- */

static enum err
write_format(struct kv *kv, struct errmsg *msg)
{
    uint8_t room[32];
    struct kv_txn *txn;
    enum err err = kv_begin(kv, true, &txn, msg);

    if (err < 0)
        return err;
    (void)kv_put(txn, history_meta_key("format", room), slice_of(FORMAT, strlen(FORMAT)));
    return kv_commit(&txn, msg);
}

/* at: of the format that it has. */
static enum err
write_migrated(struct kv *kv, unsigned at, const char *path, struct errmsg *msg)
{
    uint8_t room[32];
    struct kv_txn *txn;
    enum err err = kv_begin(kv, true, &txn, msg);

    if (err < 0)
        return err;
    for (unsigned i = at; i < OLDER && err == ERR_OK; i++)
        err = older[i].migrate == NULL ? ERR_OK : older[i].migrate(txn);
    if (err < 0) {
        kv_abort(&txn);
        return errmsg_set(msg, err, "%s: its records of \"%s\" can't be read: %s; restore a copy",
            path, older[at].format, err_text(err));
    }
    (void)kv_put(txn, history_meta_key("format", room), slice_of(FORMAT, strlen(FORMAT)));
    return kv_commit(&txn, msg);
}

static bool
is_text(struct slice value, const char *text)
{
    return slice_cmp(value, slice_of(text, strlen(text))) == 0;
}

/* An empty store is one that this call has just made; one without the record is no history. Only
 * reads where all is well, so that a run with nothing new leaves the file as it is. */
static enum err
check_format(struct kv *kv, const char *path, bool read_only, struct errmsg *msg)
{
    uint8_t room[32];
    struct slice value;
    struct kv_txn *txn;
    struct kv_stat stat;
    enum err err = kv_begin(kv, false, &txn, msg);

    if (err < 0)
        return err;
    err = kv_get(txn, history_meta_key("format", room), &value);
    kv_stat(txn, &stat);
    unsigned at = 0;
    while (at < OLDER && (err < 0 || !is_text(value, older[at].format)))
        at++;
    if (err == ERR_OK && !is_text(value, FORMAT))
        err = ERR_FORMAT;
    kv_abort(&txn);
    if (at < OLDER && read_only)
        return errmsg_set(msg, ERR_FORMAT,
            "%s: a history of the version before; \"repdns-load observe\" makes it one of this",
            path);
    if (at < OLDER)
        return write_migrated(kv, at, path, msg);
    if (err == ERR_NOTFOUND && !read_only && stat.entries == 0)
        return write_format(kv, msg);
    if (err == ERR_NOTFOUND || err == ERR_FORMAT)
        return errmsg_set(msg, ERR_FORMAT,
            "%s: not a history of this version (\"%s\"); move it away and let repdns-load begin "
            "anew, or run the version that wrote it",
            path, FORMAT);
    return err == ERR_OK ? ERR_OK : errmsg_set(msg, err, "%s: %s", path, err_text(err));
}

enum err
history_open(const char *path, bool read_only, struct history **out, struct errmsg *msg)
{
    const struct kv_options options = {.create = !read_only, .read_only = read_only};

    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", path);
    enum err err = kv_open(path, &options, &(*out)->kv, msg);
    if (err == ERR_OK)
        err = check_format((*out)->kv, path, read_only, msg);
    if (err < 0)
        history_close(out);
    return err;
}

void
history_close(struct history **history)
{
    if (*history == NULL)
        return;
    kv_close(&(*history)->kv);
    free(*history);
    *history = NULL;
}

struct kv *
history_kv(struct history *history)
{
    return history->kv;
}

/* -- half-life -- */

uint32_t
history_half_life(struct kv_txn *txn)
{
    uint8_t room[32];
    struct slice value;

    if (kv_get(txn, history_meta_key("half-life", room), &value) < 0)
        return HALF_LIFE_DAYS;
    struct wire_in in = wire_in_of(value.p, value.n);
    uint32_t days = wire_get_u32(&in);
    return in.failed || days == 0 ? HALF_LIFE_DAYS : days;
}

enum err
history_set_half_life(struct history *history, uint32_t days, struct errmsg *msg)
{
    uint8_t key[32], room[4];
    struct wire_out out = wire_out_of(room, sizeof room);
    struct kv_txn *txn;
    enum err err = kv_begin(history->kv, false, &txn, msg);

    if (err < 0)
        return err;
    bool same = history_half_life(txn) == days;
    kv_abort(&txn);
    if (same)
        return ERR_OK;
    err = kv_begin(history->kv, true, &txn, msg);
    if (err < 0)
        return err;
    wire_put_u32(&out, days);
    (void)kv_put(txn, history_meta_key("half-life", key), slice_of(room, out.n));
    return kv_commit(&txn, msg);
}

/* -- counters -- */

enum { COUNTER_NAME_MAX = 64 };

void
history_count(struct kv_txn *txn, const char *name, uint64_t add)
{
    uint8_t key[1 + COUNTER_NAME_MAX] = {HISTORY_COUNTER}, room[8];
    size_t n = strnlen(name, COUNTER_NAME_MAX);
    struct slice value;

    memcpy(key + 1, name, n);
    if (kv_get(txn, slice_of(key, n + 1), &value) == ERR_OK) {
        struct wire_in in = wire_in_of(value.p, value.n);
        uint64_t before = history_get_u64(&in);

        add += in.failed ? 0 : before;
    }
    struct wire_out out = wire_out_of(room, sizeof room);
    history_put_u64(&out, add);
    (void)kv_put(txn, slice_of(key, n + 1), slice_of(room, out.n));
}

enum err
history_counters(struct kv_txn *txn, history_counter_fn each, void *ctx)
{
    const uint8_t table = HISTORY_COUNTER;
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);

    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        char name[COUNTER_NAME_MAX + 1] = "";
        size_t n = key.n - 1 < COUNTER_NAME_MAX ? key.n - 1 : COUNTER_NAME_MAX;
        struct wire_in in = wire_in_of(value.p, value.n);

        memcpy(name, (const uint8_t *)key.p + 1, n);
        each(ctx, name, history_get_u64(&in));
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
