/* history.mdb: opening, folding, counters. See history.h; walking is in history_walk.c. */
#include "loader/history.h"

#include <stdlib.h>
#include <string.h>

#include "loader/helo.h"
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

/* Counts stop at their top instead of beginning anew. */
static void
count(uint32_t *counter, bool add)
{
    *counter += add && *counter != UINT32_MAX;
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

/* -- folding -- */

static uint32_t
half_life(struct kv_txn *txn)
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
    bool same = half_life(txn) == days;
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

/* An observation on its way into the records. */
struct fold {
    struct kv_txn *txn;
    const struct observation *seen;
    struct hist_client client;
    int32_t day;
    uint32_t half_life_days;
    bool accepted, is_new, is_new_domain;
};

/* An attempt moves no time, so that a listed client that retries fades like a silent one. */
static void
fold_accepted(struct fold *fold)
{
    struct hist_client *client = &fold->client;
    struct hist_weight *active = &client->weights[HIST_ACTIVE];
    int64_t when_s = fold->seen->when_s;

    /* What came before was attempts and reports; 0 days: it was discounted. */
    if (client->accepted == 1 && client->days > 0) {
        client->first_s = client->last_s = when_s;
        client->days = 1;
    }
    count(&client->days,
        fold->day > hist_day(client->last_s) || fold->day < hist_day(client->first_s));
    if (active->weight == 0 || fold->day > active->day)
        hist_weight_add(active, fold->day, 1, fold->half_life_days);
    if (when_s < client->first_s)
        client->first_s = when_s;
    if (when_s > client->last_s)
        client->last_s = when_s;
}

enum hist_class
hist_class_of(enum obs_label label)
{
    static const enum hist_class classes[OBS_LABEL_COUNT] = {
        [OBS_HAM] = HIST_HAM, [OBS_SPAM] = HIST_SPAM, [OBS_TRAP] = HIST_TRAP};

    return classes[label];
}

static void
fold_client(struct fold *fold)
{
    const struct observation *seen = fold->seen;
    struct hist_client *client = &fold->client;

    count(&client->sessions, seen->outcome != OBS_REPORT);
    count(&client->accepted, fold->accepted);
    count(&client->with_helo, fold->accepted && seen->helo.len > 0);
    count(&client->ham, seen->label == OBS_HAM);
    count(&client->spam, seen->label == OBS_SPAM);
    if (seen->label != OBS_UNLABELLED)
        hist_weight_add(
            &client->weights[hist_class_of(seen->label)], fold->day, 1, fold->half_life_days);
    if (seen->ptr_seen != OBS_PTR_UNSEEN && seen->when_s >= client->last_s) {
        client->ptr_seen = seen->ptr_seen;
        client->ptr = seen->ptr_seen == OBS_PTR_NONE ? (struct dname){0} : seen->ptr;
    }
    if (fold->accepted)
        fold_accepted(fold);
}

static void
fold_spf(const struct fold *fold, struct hist_use *use)
{
    static const enum reason reasons[OBS_SPF_COUNT] = {[OBS_SPF_NONE] = REASON_SPF_NONE,
        [OBS_SPF_NEUTRAL] = REASON_SPF_NEUTRAL,
        [OBS_SPF_PASS] = REASON_SPF_PASS,
        [OBS_SPF_FAIL] = REASON_SPF_FAIL,
        [OBS_SPF_SOFTFAIL] = REASON_SPF_SOFTFAIL,
        [OBS_SPF_PERMERROR] = REASON_SPF_PERMERROR};
    const struct observation *seen = fold->seen;

    if (seen->spf == OBS_SPF_UNSEEN)
        return;
    hist_weight_add(&use->spf_counts.of[seen->spf], fold->day, 1, fold->half_life_days);
    /* A temporary error says nothing of what there is. */
    if (seen->spf == OBS_SPF_TEMPERROR || (use->has_spf && seen->when_s < use->last_s))
        return;
    use->has_spf = true;
    use->spf = reasons[seen->spf];
}

/* stored: of this address in the key's table. */
static void
fold_use(struct fold *fold, struct slice key, size_t address_n, bool pair, uint32_t *stored)
{
    const struct observation *seen = fold->seen;
    uint8_t room[HISTORY_USE_SIZE];
    struct slice value;
    struct hist_use use;

    if (kv_get(fold->txn, key, &value) != ERR_OK || history_decode_use(value, &use) < 0) {
        use = (struct hist_use){.first_s = seen->when_s, .last_s = seen->when_s, .helo_only = pair};
        if (*stored >= HISTORY_NAMES_MAX && history_fold_name(fold->txn, slice_of(key.p, address_n),
                                                fold->day, fold->half_life_days, stored) < 0)
            return;
        count(stored, true);
    }
    count(&use.count, true);
    hist_weight_add(&use.weight, fold->day, 1, fold->half_life_days);
    if (pair)
        fold_spf(fold, &use);
    use.null_sender |= pair && seen->sender == OBS_SENDER_NULL;
    use.helo_only &= seen->sender == OBS_SENDER_NULL;
    if (seen->when_s < use.first_s)
        use.first_s = seen->when_s;
    if (seen->when_s > use.last_s)
        use.last_s = seen->when_s;
    (void)kv_put(fold->txn, key, history_encode_use(&use, room));
}

static void
fold_helo(struct fold *fold)
{
    uint8_t key[HISTORY_ADDRESS_KEY_MAX + HELO_MAX];
    const struct helo *helo = &fold->seen->helo;

    if (helo->len == 0)
        return;
    size_t n = history_address_key(HISTORY_HELO, &fold->seen->client, key);
    memcpy(key + n, helo->text, helo->len);
    fold_use(fold, slice_of(key, n + helo->len), n, false, &fold->client.helos);
}

static void
fold_pair(struct fold *fold)
{
    uint8_t key[HISTORY_ADDRESS_KEY_MAX + DNAME_KEY_MAX];
    const struct observation *seen = fold->seen;
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
    size_t address_n = history_address_key(HISTORY_PAIR, &seen->client, key);
    size_t n = address_n + dname_key(domain, key + address_n);
    /* Only a name full of escaped bytes is as long as this, and no host name has those. */
    if (n <= KV_KEY_MAX)
        fold_use(fold, slice_of(key, n), address_n, true, &fold->client.pairs);
}

/* Whether SPF passes for an observation's domain: by its own result, or where there is none by the
 * last one that was logged of the pair. */
static bool
is_own(struct kv_txn *txn, const struct observation *seen)
{
    uint8_t key[HISTORY_ADDRESS_KEY_MAX + DNAME_KEY_MAX];
    struct slice value;
    struct hist_use use;

    if (seen->spf != OBS_SPF_UNSEEN)
        return seen->spf == OBS_SPF_PASS;
    size_t n = history_address_key(HISTORY_PAIR, &seen->client, key);
    n += dname_key(&seen->sender_domain, key + n);
    return n <= KV_KEY_MAX && kv_get(txn, slice_of(key, n), &value) == ERR_OK &&
           history_decode_use(value, &use) == ERR_OK && use.has_spf && use.spf == REASON_SPF_PASS;
}

/* After the pair. */
static void
fold_domain(struct fold *fold)
{
    const struct observation *seen = fold->seen;

    if (seen->sender != OBS_SENDER_DOMAIN || (!fold->accepted && seen->label == OBS_UNLABELLED))
        return;
    fold->is_new_domain =
        history_fold_domain(fold->txn, seen, is_own(fold->txn, seen), fold->half_life_days);
}

/* True for the first session of its day. */
static bool
mark_day(struct kv_txn *txn, int64_t when_s)
{
    uint8_t room[32];
    size_t n = history_meta_key("day", room).n;
    struct wire_out out = wire_out_of(room + n, sizeof room - n);
    struct slice value;

    wire_put_u32(&out, (uint32_t)hist_day(when_s));
    struct slice key = slice_of(room, n + out.n);
    if (kv_get(txn, key, &value) == ERR_OK)
        return false;
    (void)kv_put(txn, key, slice_of("", 0));
    return true;
}

static void
fold_totals(const struct fold *fold)
{
    const struct observation *seen = fold->seen;
    struct hist_totals totals;

    if (history_totals(fold->txn, &totals) < 0)
        totals = (struct hist_totals){0};
    totals.clients += fold->is_new;
    totals.domains += fold->is_new_domain;
    if (seen->outcome == OBS_REPORT) {
        history_write_totals(fold->txn, &totals);
        return;
    }
    if (totals.sessions == 0 || seen->when_s < totals.first_s)
        totals.first_s = seen->when_s;
    if (totals.sessions == 0 || seen->when_s > totals.last_s)
        totals.last_s = seen->when_s;
    totals.sessions++;
    totals.accepted += fold->accepted;
    totals.accepted_with_helo += fold->accepted && seen->helo.len > 0;
    count(&totals.days, mark_day(fold->txn, seen->when_s));
    history_write_totals(fold->txn, &totals);
}

/* Whether a filter's verdict is one of that day's first so many of its label. Of a day that is
 * past, the last one's count stands. */
static bool
count_verdict(struct hist_client *client, bool ham, int32_t day, uint32_t most)
{
    uint32_t *counter = ham ? &client->filter_ham : &client->filter_spam;

    if ((client->filter_spam == 0 && client->filter_ham == 0) || day > client->filter_day) {
        client->filter_day = day;
        client->filter_spam = client->filter_ham = 0;
    }
    if (*counter >= most)
        return false;
    ++*counter;
    return true;
}

bool
history_add_bounded(struct kv_txn *txn, const struct observation *observation, uint32_t filter_most)
{
    uint8_t key[HISTORY_ADDRESS_KEY_MAX], room[HISTORY_CLIENT_SIZE];
    size_t n = history_address_key(HISTORY_CLIENT, &observation->client, key);
    struct slice value;
    struct observation plain;
    struct fold fold = {.txn = txn,
        .seen = observation,
        .day = hist_day(observation->when_s),
        .half_life_days = half_life(txn),
        .accepted = observation->outcome == OBS_ACCEPTED};

    fold.is_new = kv_get(txn, slice_of(key, n), &value) != ERR_OK ||
                  history_decode_client(value, &observation->client, &fold.client) < 0;
    if (fold.is_new)
        fold.client = (struct hist_client){.ip = observation->client,
            .first_s = observation->when_s,
            .last_s = observation->when_s,
            .days = 1};
    bool over = observation->by_filter && observation->label != OBS_UNLABELLED &&
                !count_verdict(&fold.client, observation->label == OBS_HAM, fold.day, filter_most);
    if (over) {
        plain = *observation;
        plain.label = OBS_UNLABELLED;
        fold.seen = &plain;
    }
    fold_client(&fold);
    if (fold.accepted) {
        fold_helo(&fold);
        fold_pair(&fold);
    }
    fold_domain(&fold);
    (void)kv_put(txn, slice_of(key, n), history_encode_client(&fold.client, room));
    fold_totals(&fold);
    return over;
}

void
history_add(struct kv_txn *txn, const struct observation *observation)
{
    (void)history_add_bounded(txn, observation, UINT32_MAX);
}

void
history_take_report(struct kv_txn *txn, const struct observation *report)
{
    uint8_t key[HISTORY_ADDRESS_KEY_MAX], room[HISTORY_CLIENT_SIZE];
    size_t n = history_address_key(HISTORY_CLIENT, &report->client, key);
    struct slice value;
    struct hist_client client;

    if (kv_get(txn, slice_of(key, n), &value) != ERR_OK ||
        history_decode_client(value, &report->client, &client) < 0)
        return;
    client.ham -= report->label == OBS_HAM && client.ham > 0;
    client.spam -= report->label == OBS_SPAM && client.spam > 0;
    hist_weight_take(
        &client.weights[hist_class_of(report->label)], hist_day(report->when_s), 1, half_life(txn));
    (void)kv_put(txn, slice_of(key, n), history_encode_client(&client, room));
    if (report->sender == OBS_SENDER_DOMAIN && is_own(txn, report))
        history_take_domain(txn, report, half_life(txn));
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
