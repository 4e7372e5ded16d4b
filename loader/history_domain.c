/* history.mdb: records of sender domains. See history.h. */
#include <string.h>

#include "loader/history_record.h"

enum { KEY_SIZE = 1 + DNAME_KEY_MAX };

static struct slice
key_of(const struct dname *domain, uint8_t room[KEY_SIZE])
{
    room[0] = HISTORY_DOMAIN;
    return slice_of(room, 1 + dname_key(domain, room + 1));
}

struct slice
history_encode_domain(const struct hist_domain *domain, uint8_t room[HISTORY_DOMAIN_SIZE])
{
    struct wire_out out = wire_out_of(room, HISTORY_DOMAIN_SIZE);

    history_put_time(&out, domain->first_s);
    history_put_time(&out, domain->last_s);
    wire_put_u32(&out, domain->sessions);
    wire_put_u32(&out, domain->own);
    history_put_weight(&out, &domain->weight);
    history_put_weights(&out, domain->spf_counts.of, OBS_SPF_COUNT);
    history_put_weights(&out, domain->weights, HIST_CLASSES);
    wire_put_u32(&out, (uint32_t)domain->crowd.window);
    wire_put(&out, domain->crowd.now, sizeof domain->crowd.now);
    wire_put(&out, domain->crowd.before, sizeof domain->crowd.before);
    return slice_of(room, out.n);
}

enum err
history_decode_domain(struct slice value, struct hist_domain *out)
{
    struct wire_in in = wire_in_of(value.p, value.n);

    *out = (struct hist_domain){0};
    out->first_s = history_get_time(&in);
    out->last_s = history_get_time(&in);
    out->sessions = wire_get_u32(&in);
    out->own = wire_get_u32(&in);
    out->weight = history_get_weight(&in);
    history_get_weights(&in, out->spf_counts.of, OBS_SPF_COUNT);
    history_get_weights(&in, out->weights, HIST_CLASSES);
    out->crowd.window = (int32_t)wire_get_u32(&in);
    if (in.failed || value.n - in.at != sizeof out->crowd.now + sizeof out->crowd.before)
        return ERR_FORMAT;
    memcpy(out->crowd.now, in.p + in.at, sizeof out->crowd.now);
    memcpy(out->crowd.before, in.p + in.at + sizeof out->crowd.now, sizeof out->crowd.before);
    return ERR_OK;
}

enum err
history_domain(struct kv_txn *txn, const struct dname *domain, struct hist_domain *out)
{
    uint8_t room[KEY_SIZE];
    struct slice key = key_of(domain, room), value;
    enum err err = key.n > KV_KEY_MAX ? ERR_NOTFOUND : kv_get(txn, key, &value);

    return err < 0 ? err : history_decode_domain(value, out);
}

enum err
history_domains(struct kv_txn *txn, history_domain_fn each, void *ctx)
{
    const uint8_t table = HISTORY_DOMAIN;
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);

    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct hist_domain record;
        struct dname domain;

        err = dname_from_key((const uint8_t *)key.p + 1, key.n - 1, &domain);
        if (err == ERR_OK)
            err = history_decode_domain(value, &record);
        if (err == ERR_OK)
            err = each(ctx, &domain, &record);
        if (err < 0)
            break;
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static void
fold_session(struct hist_domain *record, const struct observation *seen, bool own, int32_t day,
    uint32_t half_life_days)
{
    struct hist_weight *active = &record->weights[HIST_ACTIVE];

    record->sessions += record->sessions != UINT32_MAX;
    hist_weight_add(&record->weight, day, 1, half_life_days);
    hist_crowd_add(&record->crowd, &seen->client, day);
    if (seen->spf != OBS_SPF_UNSEEN)
        hist_weight_add(&record->spf_counts.of[seen->spf], day, 1, half_life_days);
    if (!own)
        return;
    record->own += record->own != UINT32_MAX;
    if (active->weight == 0 || day > active->day)
        hist_weight_add(active, day, 1, half_life_days);
}

bool
history_fold_domain(
    struct kv_txn *txn, const struct observation *seen, bool own, uint32_t half_life_days)
{
    uint8_t key[KEY_SIZE], room[HISTORY_DOMAIN_SIZE];
    struct hist_domain record;
    int32_t day = hist_day(seen->when_s);
    bool is_session = seen->outcome == OBS_ACCEPTED;
    enum err err = history_domain(txn, &seen->sender_domain, &record);

    /* Of a report there was a session, before or by another log. */
    if (key_of(&seen->sender_domain, key).n > KV_KEY_MAX || (err < 0 && !is_session))
        return false;
    if (err < 0)
        record = (struct hist_domain){.first_s = seen->when_s, .last_s = seen->when_s};
    if (is_session) {
        fold_session(&record, seen, own, day, half_life_days);
        record.first_s = seen->when_s < record.first_s ? seen->when_s : record.first_s;
        record.last_s = seen->when_s > record.last_s ? seen->when_s : record.last_s;
    }
    if (own && seen->label != OBS_UNLABELLED)
        hist_weight_add(&record.weights[hist_class_of(seen->label)], day, 1, half_life_days);
    (void)kv_put(txn, key_of(&seen->sender_domain, key), history_encode_domain(&record, room));
    return err < 0;
}

void
history_take_domain(struct kv_txn *txn, const struct observation *report, uint32_t half_life_days)
{
    uint8_t key[KEY_SIZE], room[HISTORY_DOMAIN_SIZE];
    struct hist_domain record;

    if (history_domain(txn, &report->sender_domain, &record) < 0)
        return;
    hist_weight_take(
        &record.weights[hist_class_of(report->label)], hist_day(report->when_s), 1, half_life_days);
    (void)kv_put(txn, key_of(&report->sender_domain, key), history_encode_domain(&record, room));
}
