/* history.mdb: opening, folding, counters. See history.h; walking is in history_walk.c. */
#include "loader/history.h"

#include <stdlib.h>
#include <string.h>

#include "loader/helo.h"
#include "loader/history_record.h"
#include "zones/wire.h"

#define FORMAT "repdns history 1"

enum { TOTALS_SIZE = 8 * 5 + 4, DAY_S = 86400 };

struct history {
    struct kv *kv;
};

/* Counts stop at their top instead of beginning anew. */
static void
count(uint32_t *counter, bool add)
{
    *counter += add && *counter != UINT32_MAX;
}

static int32_t
day_of(int64_t when_s)
{
    int64_t day = when_s >= 0 ? when_s / DAY_S : (when_s - DAY_S + 1) / DAY_S;

    return day < INT32_MIN ? INT32_MIN : day > INT32_MAX ? INT32_MAX : (int32_t)day;
}

static struct slice
meta_key(const char *name, uint8_t out[32])
{
    size_t n = strlen(name);

    out[0] = HISTORY_META;
    memcpy(out + 1, name, n);
    return slice_of(out, n + 1);
}

/* -- opening -- */

static enum err
write_format(struct kv *kv, struct errmsg *msg)
{
    uint8_t room[32];
    struct kv_txn *txn;
    enum err err = kv_begin(kv, true, &txn, msg);

    if (err < 0)
        return err;
    (void)kv_put(txn, meta_key("format", room), slice_of(FORMAT, strlen(FORMAT)));
    return kv_commit(&txn, msg);
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
    err = kv_get(txn, meta_key("format", room), &value);
    kv_stat(txn, &stat);
    if (err == ERR_OK && slice_cmp(value, slice_of(FORMAT, strlen(FORMAT))) != 0)
        err = ERR_FORMAT;
    kv_abort(&txn);
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

/* -- folding -- */

static void
fold_client(struct kv_txn *txn, const struct observation *seen)
{
    uint8_t key[HISTORY_ADDRESS_KEY_MAX], room[HISTORY_CLIENT_SIZE];
    struct slice k = slice_of(key, history_address_key(HISTORY_CLIENT, &seen->client, key)), value;
    struct hist_client client;
    bool accepted = seen->outcome == OBS_ACCEPTED;

    if (kv_get(txn, k, &value) != ERR_OK ||
        history_decode_client(value, &seen->client, &client) < 0)
        client = (struct hist_client){
            .ip = seen->client, .first_s = seen->when_s, .last_s = seen->when_s, .days = 1};
    count(&client.sessions, true);
    count(&client.accepted, accepted);
    count(&client.with_helo, accepted && seen->helo.len > 0);
    count(&client.ham, seen->label == OBS_HAM);
    count(&client.spam, seen->label == OBS_SPAM);
    /* An attempt moves no time, so that a listed client that retries fades like a silent one. */
    if (accepted) {
        count(&client.days, day_of(seen->when_s) > day_of(client.last_s) ||
                                day_of(seen->when_s) < day_of(client.first_s));
        if (seen->when_s < client.first_s)
            client.first_s = seen->when_s;
    }
    if (seen->ptr_seen != OBS_PTR_UNSEEN && seen->when_s >= client.last_s) {
        client.ptr_seen = seen->ptr_seen;
        client.ptr = seen->ptr_seen == OBS_PTR_NONE ? (struct dname){0} : seen->ptr;
    }
    if (accepted && seen->when_s > client.last_s)
        client.last_s = seen->when_s;
    (void)kv_put(txn, k, history_encode_client(&client, room));
}

static void
fold_use(struct kv_txn *txn, struct slice key, const struct observation *seen, bool pair)
{
    uint8_t room[HISTORY_USE_SIZE];
    struct slice value;
    struct hist_use use;

    if (kv_get(txn, key, &value) != ERR_OK || history_decode_use(value, &use) < 0)
        use = (struct hist_use){.first_s = seen->when_s, .last_s = seen->when_s};
    count(&use.count, true);
    if (pair && seen->has_spf && (!use.has_spf || seen->when_s >= use.last_s)) {
        use.has_spf = true;
        use.spf = seen->spf;
    }
    use.null_sender |= pair && seen->sender == OBS_SENDER_NULL;
    if (seen->when_s < use.first_s)
        use.first_s = seen->when_s;
    if (seen->when_s > use.last_s)
        use.last_s = seen->when_s;
    (void)kv_put(txn, key, history_encode_use(&use, room));
}

static void
fold_helo(struct kv_txn *txn, const struct observation *seen)
{
    uint8_t key[HISTORY_ADDRESS_KEY_MAX + HELO_MAX];

    if (seen->helo.len == 0)
        return;
    size_t n = history_address_key(HISTORY_HELO, &seen->client, key);
    memcpy(key + n, seen->helo.text, seen->helo.len);
    fold_use(txn, slice_of(key, n + seen->helo.len), seen, false);
}

static void
fold_pair(struct kv_txn *txn, const struct observation *seen)
{
    uint8_t key[HISTORY_ADDRESS_KEY_MAX + DNAME_KEY_MAX];
    struct helo_form form;
    const struct dname *domain = &seen->sender_domain;

    if (seen->sender == OBS_SENDER_NULL) {
        helo_classify(&seen->helo, &form);
        if (form.kind != HELO_KIND_NAME)
            return;
        domain = &form.name;
    } else if (seen->sender != OBS_SENDER_DOMAIN) {
        return;
    }
    size_t n = history_address_key(HISTORY_PAIR, &seen->client, key);
    n += dname_key(domain, key + n);
    /* Only a name full of escaped bytes is as long as this, and no host name has those. */
    if (n <= KV_KEY_MAX)
        fold_use(txn, slice_of(key, n), seen, true);
}

/* True for the first session of its day. */
static bool
mark_day(struct kv_txn *txn, int64_t when_s)
{
    uint8_t room[32];
    size_t n = meta_key("day", room).n;
    struct wire_out out = wire_out_of(room + n, sizeof room - n);
    struct slice value;

    wire_put_u32(&out, (uint32_t)day_of(when_s));
    struct slice key = slice_of(room, n + out.n);
    if (kv_get(txn, key, &value) == ERR_OK)
        return false;
    (void)kv_put(txn, key, slice_of("", 0));
    return true;
}

static enum err
read_totals(struct kv_txn *txn, struct hist_totals *out)
{
    uint8_t room[32];
    struct slice value;
    enum err err = kv_get(txn, meta_key("totals", room), &value);

    *out = (struct hist_totals){0};
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    if (err < 0)
        return err;
    struct wire_in in = wire_in_of(value.p, value.n);
    out->sessions = history_get_u64(&in);
    out->accepted = history_get_u64(&in);
    out->accepted_with_helo = history_get_u64(&in);
    out->first_s = history_get_time(&in);
    out->last_s = history_get_time(&in);
    out->days = wire_get_u32(&in);
    return in.failed ? ERR_FORMAT : ERR_OK;
}

static void
fold_totals(struct kv_txn *txn, const struct observation *seen)
{
    uint8_t key[32], room[TOTALS_SIZE];
    struct wire_out out = wire_out_of(room, sizeof room);
    struct hist_totals totals;

    if (read_totals(txn, &totals) < 0)
        totals = (struct hist_totals){0};
    if (totals.sessions == 0 || seen->when_s < totals.first_s)
        totals.first_s = seen->when_s;
    if (totals.sessions == 0 || seen->when_s > totals.last_s)
        totals.last_s = seen->when_s;
    totals.sessions++;
    totals.accepted += seen->outcome == OBS_ACCEPTED;
    totals.accepted_with_helo += seen->outcome == OBS_ACCEPTED && seen->helo.len > 0;
    count(&totals.days, mark_day(txn, seen->when_s));
    history_put_u64(&out, totals.sessions);
    history_put_u64(&out, totals.accepted);
    history_put_u64(&out, totals.accepted_with_helo);
    history_put_time(&out, totals.first_s);
    history_put_time(&out, totals.last_s);
    wire_put_u32(&out, totals.days);
    (void)kv_put(txn, meta_key("totals", key), slice_of(room, out.n));
}

void
history_add(struct kv_txn *txn, const struct observation *observation)
{
    fold_client(txn, observation);
    if (observation->outcome == OBS_ACCEPTED) {
        fold_helo(txn, observation);
        fold_pair(txn, observation);
    }
    fold_totals(txn, observation);
}

enum err
history_totals(struct kv_txn *txn, struct hist_totals *out)
{
    return read_totals(txn, out);
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
