/* history.mdb: observations become counts. See history.h. */
#include <string.h>

#include "loader/helo.h"
#include "loader/history_record.h"
#include "zones/wire.h"

/* Counts stop at their top instead of beginning anew. */
static void
count(uint32_t *counter, bool add)
{
    *counter += add && *counter != UINT32_MAX;
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
        .half_life_days = history_half_life(txn),
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
    hist_weight_take(&client.weights[hist_class_of(report->label)], hist_day(report->when_s), 1,
        history_half_life(txn));
    (void)kv_put(txn, slice_of(key, n), history_encode_client(&client, room));
    if (report->sender == OBS_SENDER_DOMAIN && is_own(txn, report))
        history_take_domain(txn, report, history_half_life(txn));
}
