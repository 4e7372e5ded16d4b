/* Publishing into answers.mdb; see publish.h. */
#include "loader/publish.h"

#include <stdlib.h>

#include "loader/records.h"

/* How far before the last run a clock may be without being doubted. */
enum { BEAT_AHEAD_S = 1800 };

/* What one call works on: everything is compared with the snapshot txn, then written at once. */
struct job {
    const struct conf *conf;
    const struct publish_set *sets;
    size_t count;
    int64_t now_s;
    struct kv_txn *txn;
    struct store_meta meta;
    uint32_t next_serial;
    struct records changes;
    bool changed;                     /* more than the heartbeat */
    uint16_t ids[STORE_DATASETS_MAX]; /* of the sets, and which of them are */
    bool set_changed[STORE_DATASETS_MAX];
};

static const enum store_table dataset_tables[] = {STORE_ADDR, STORE_NAME, STORE_PAIR, STORE_POLICY,
    STORE_RECORD, STORE_AUTHORITY, STORE_COMBINED, STORE_EVIDENCE};

size_t
publish_find(const struct publish_set *set, const struct ip *ip)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct ipset_entry entry = publish_range(set, middle);
        if (ip_cmp(&entry.range.last, ip) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum err
read_meta(struct job *job, struct errmsg *msg)
{
    struct store_key key;
    struct slice value;
    store_key_meta(&key);
    enum err err = kv_get(job->txn, store_key_slice(&key), &value);
    job->meta = (struct store_meta){0};
    if (err == ERR_OK)
        err = store_meta_decode(value, &job->meta);
    if (err == ERR_OK && !store_format_known(job->meta.format))
        return errmsg_set(msg, ERR_FORMAT,
            "%s: a store of format %u, this version writes format %d; delete it and run again",
            job->conf->answers_path, job->meta.format, STORE_FORMAT);
    if (err == ERR_NOTFOUND)
        err = ERR_OK;
    job->meta.format = STORE_FORMAT;
    job->next_serial = store_next_serial(job->meta.serial, job->now_s);
    return err < 0 ? errmsg_set(
                         msg, err, "%s: damaged; delete it and run again", job->conf->answers_path)
                   : ERR_OK;
}

static enum err
stored_dataset(struct job *job, const char *name, struct dataset *out)
{
    struct store_key key;
    struct slice value;
    store_key_dataset(&key, name);
    enum err err = kv_get(job->txn, store_key_slice(&key), &value);
    return err < 0 ? err : dataset_decode(store_key_slice(&key), value, out);
}

static enum err
build_evidence(const struct publish_set *set, uint16_t id, struct records *out)
{
    for (size_t i = 0; i < set->evidence_count; i++) {
        const struct evidence_entry *entry = &set->evidence[i];
        struct store_key key;
        uint8_t value[8 + EVIDENCE_DETAIL_MAX];
        const char *detail = entry->detail != NULL ? entry->detail : "";
        const struct evidence evidence = {entry->since_s, slice_of(detail, strlen(detail))};
        if (entry->is_ip)
            store_key_evidence_ip(&key, id, &entry->ip);
        else
            store_key_evidence_name(&key, id, &entry->name);
        size_t n = evidence_encode(&evidence, value, sizeof value);
        enum err err = records_add(out, store_key_slice(&key), slice_of(value, n));
        if (err < 0)
            return err;
    }
    return ERR_OK;
}

static enum err
build_authority(const struct authority *authority, uint16_t id, struct records *out)
{
    struct store_key key;
    uint8_t value[AUTHORITY_SIZE_MAX];
    size_t n = authority_encode(authority, value);
    store_key_authority(&key, id);
    return records_add(out, store_key_slice(&key), slice_of(value, n));
}

/* parts: the ids of the sections. */
static enum err
build_combined(
    const struct publish_set *set, uint16_t id, const uint16_t *parts, struct records *out)
{
    struct store_key key;
    size_t n = 0;
    uint8_t *value = malloc(set->zone_count * COMBINED_ZONE_SIZE + 1);
    if (value == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < set->zone_count; i++) {
        struct combined_zone zone = set->zones[i];
        for (unsigned k = 0; k < zone.count; k++)
            zone.ids[k] = parts[zone.ids[k] - 1];
        n += combined_encode(&zone, value + n);
    }
    store_key_combined(&key, id);
    enum err err = records_add(out, store_key_slice(&key), slice_of(value, n));
    free(value);
    return err;
}

static enum err
build_records(
    const struct publish_set *set, uint16_t id, const uint16_t *parts, struct records *out)
{
    enum err err = ERR_OK;
    if (set->info.kind == DATASET_ADDR && set->v4 != NULL)
        err = ipset_build_v4(id, set->v4, records_add, out);
    else if (set->info.kind == DATASET_ADDR)
        err = ipset_build(id, set->addrs, set->count, records_add, out);
    else if (set->info.kind == DATASET_NAME)
        err = nameset_build(id, set->names, set->count, records_add, out);
    else if (set->info.kind == DATASET_RECORDS)
        err = recordset_build(id, set->rrs, set->count, records_add, out);
    else if (set->info.kind == DATASET_COMBINED)
        err = build_combined(set, id, parts, out);
    else
        err = pairset_build(
            id, set->policies, set->policy_count, set->pairs, set->count, records_add, out);
    if (err == ERR_OK && set->authority != NULL)
        err = build_authority(set->authority, id, out);
    if (err == ERR_OK)
        err = build_evidence(set, id, out);
    records_sort(out);
    return err;
}

/* Differences of one dataset's records; want may be NULL to remove them all. */
static enum err
diff_dataset(struct job *job, uint16_t id, const struct records *want)
{
    static const struct records nothing;
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof dataset_tables / sizeof *dataset_tables && err == ERR_OK; i++) {
        struct store_key prefix;
        const struct records *list = want != NULL ? want : &nothing;
        size_t from = 0, to;
        store_key_init(&prefix, dataset_tables[i], id, 0);
        prefix.n = 3; /* any family */
        while (from < list->count &&
               ((const uint8_t *)list->items[from].key.p)[0] != (uint8_t)dataset_tables[i])
            from++;
        for (to = from; to < list->count; to++)
            if (((const uint8_t *)list->items[to].key.p)[0] != (uint8_t)dataset_tables[i])
                break;
        err = records_diff(list, from, to, job->txn, store_key_slice(&prefix), &job->changes);
    }
    return err;
}

static bool
same_terms(const struct dataset *a, const struct dataset *b)
{
    return a->kind == b->kind && a->expires_s == b->expires_s && a->max_age_s == b->max_age_s &&
           a->ttl_s == b->ttl_s && a->entries == b->entries;
}

static enum err
put_dataset(struct job *job, const struct dataset *dataset)
{
    struct store_key key;
    uint8_t value[DATASET_RECORD_SIZE];
    size_t n = dataset_encode(dataset, value);
    store_key_dataset(&key, dataset->name);
    return records_add(&job->changes, store_key_slice(&key), slice_of(value, n));
}

static enum err
publish_dataset(struct job *job, size_t i)
{
    const struct publish_set *set = &job->sets[i];
    struct dataset stored, info = set->info;
    const size_t parts = set->part_count <= i ? i - set->part_count : i;
    if (set->keep)
        return ERR_OK;
    enum err err = stored_dataset(job, set->info.name, &stored);
    bool known = err == ERR_OK && stored.kind == info.kind;
    if (err == ERR_OK && !known)
        err = diff_dataset(job, stored.id, NULL);
    if (err < 0 && err != ERR_NOTFOUND)
        return err;
    if (!known && job->meta.last_id == UINT16_MAX)
        return ERR_FULL;
    info.id = known ? stored.id : ++job->meta.last_id;
    info.entries = (uint32_t)(set->policy_count + set->count);
    size_t before = job->changes.count;
    struct records want = {0};
    job->ids[i] = info.id;
    err = build_records(set, info.id, job->ids + parts, &want);
    if (err == ERR_OK)
        err = diff_dataset(job, info.id, &want);
    records_free(&want);
    if (err < 0)
        return err;
    /* A combined list's serial is that of its sections too. */
    bool changed = !known || job->changes.count != before || !same_terms(&info, &stored);
    for (size_t k = parts; k < i; k++)
        changed = changed || job->set_changed[k];
    if (!changed)
        return ERR_OK;
    job->changed = job->set_changed[i] = true;
    info.serial = job->next_serial;
    info.built_s = job->now_s;
    return put_dataset(job, &info);
}

static bool
wanted(const struct job *job, const char *name)
{
    size_t list = strcspn(name, "#");
    for (size_t i = 0; i < job->count; i++) {
        const struct publish_set *set = &job->sets[i];
        if (strcmp(set->info.name, name) == 0)
            return true;
        if (set->keep && strncmp(set->info.name, name, list) == 0 && set->info.name[list] == '\0')
            return true;
    }
    return false;
}

static enum err
remove_datasets(struct job *job)
{
    struct store_key prefix;
    struct kv_cursor *cursor;
    struct slice key, value;
    struct dataset gone[STORE_DATASETS_MAX];
    size_t count = 0;
    store_key_dataset(&prefix, "");
    enum err err = kv_cursor_open(job->txn, store_key_slice(&prefix), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK && count < STORE_DATASETS_MAX) {
        err = dataset_decode(key, value, &gone[count]);
        if (err < 0)
            break;
        count += !wanted(job, gone[count].name);
    }
    kv_cursor_close(&cursor);
    if (err < 0 && err != ERR_NOTFOUND)
        return err;
    err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        job->changed = true;
        err = diff_dataset(job, gone[i].id, NULL);
        store_key_dataset(&prefix, gone[i].name);
        if (err == ERR_OK)
            err = records_add(&job->changes, store_key_slice(&prefix), slice_of(NULL, 0));
    }
    return err;
}

/* A zone's own record changes with its definition alone. */
static enum err
publish_zones(struct job *job)
{
    struct records want = {0};
    enum err err = ERR_OK;
    for (unsigned i = 0; i < job->conf->zone_count && err == ERR_OK; i++) {
        const struct zone_def *zone = &job->conf->zones[i];
        struct store_key key;
        struct slice value;
        struct zone_record record = {0};
        uint8_t bytes[ZONE_RECORD_SIZE];
        uint64_t digest = zone_digest(zone);
        store_key_zone(&key, &zone->apex);
        err = kv_get(job->txn, store_key_slice(&key), &value);
        if (err == ERR_OK)
            err = zone_record_decode(value, &record);
        if (err < 0 || record.digest != digest)
            record = (struct zone_record){digest, job->next_serial};
        size_t n = zone_record_encode(&record, bytes);
        err = records_add(&want, store_key_slice(&key), slice_of(bytes, n));
    }
    records_sort(&want);
    const uint8_t table = STORE_ZONE;
    size_t before = job->changes.count;
    if (err == ERR_OK)
        err = records_diff(&want, 0, want.count, job->txn, slice_of(&table, 1), &job->changes);
    job->changed = job->changed || job->changes.count != before;
    records_free(&want);
    return err;
}

/* Meta and heartbeat, where they are to change. */
static enum err
publish_head(struct job *job, bool beat)
{
    struct store_key key;
    struct slice value;
    uint8_t bytes[STORE_META_SIZE];
    int64_t beat_s = 0;
    enum err err = ERR_OK;
    if (job->changed) {
        job->meta.serial = job->next_serial;
        job->meta.publishes++;
        store_key_meta(&key);
        err = records_add(&job->changes, store_key_slice(&key),
            slice_of(bytes, store_meta_encode(&job->meta, bytes)));
    }
    store_key_beat(&key);
    if (err < 0 || !beat)
        return err;
    /* A clock that is set back a little writes nothing. A run far in the future was none: what it
     * served would outlive all that comes after it. */
    if (kv_get(job->txn, store_key_slice(&key), &value) == ERR_OK &&
        store_beat_decode(value, &beat_s) == ERR_OK && beat_s >= job->now_s &&
        beat_s - job->now_s <= BEAT_AHEAD_S)
        return ERR_OK;
    return records_add(&job->changes, store_key_slice(&key),
        slice_of(bytes, store_beat_encode(job->now_s, bytes)));
}

static enum err
compare(struct job *job, bool beat, struct errmsg *msg)
{
    enum err err = read_meta(job, msg);
    if (err < 0)
        return err;
    for (size_t i = 0; i < job->count && err == ERR_OK; i++) {
        err = publish_dataset(job, i);
        if (err < 0)
            return errmsg_set(msg, err, "%s: dataset %s: %s", job->conf->answers_path,
                job->sets[i].info.name, err_text(err));
    }
    err = remove_datasets(job);
    if (err == ERR_OK)
        err = publish_zones(job);
    if (err == ERR_OK)
        err = publish_head(job, beat);
    return err < 0 ? errmsg_set(msg, err, "%s: %s", job->conf->answers_path, err_text(err))
                   : ERR_OK;
}

static enum err
write_changes(struct job *job, struct kv *kv, struct errmsg *msg)
{
    struct kv_txn *txn;
    records_sort(&job->changes);
    enum err err = kv_begin(kv, true, &txn, msg);
    if (err < 0)
        return err;
    err = records_apply(&job->changes, job->txn, txn);
    if (err == ERR_OK)
        return kv_commit(&txn, msg);
    kv_abort(&txn);
    return errmsg_set(msg, err, "%s: %s", job->conf->answers_path, err_text(err));
}

enum err
publish(const struct conf *conf, const struct publish_set *sets, size_t count, int64_t now_s,
    bool beat, struct publish_result *out, struct errmsg *msg)
{
    struct job job = {.conf = conf, .sets = sets, .count = count, .now_s = now_s};
    struct kv *kv;
    *out = (struct publish_result){0};
    if (count > STORE_DATASETS_MAX)
        return errmsg_set(msg, ERR_RANGE,
            "more than %d lists and sections of combined lists; take some out", STORE_DATASETS_MAX);
    enum err err = kv_open(conf->answers_path, &(struct kv_options){.create = true}, &kv, msg);
    if (err < 0)
        return err;
    err = kv_begin(kv, false, &job.txn, msg);
    if (err == ERR_OK)
        err = compare(&job, beat, msg);
    if (err == ERR_OK && job.changes.count > 0)
        err = write_changes(&job, kv, msg);
    kv_abort(&job.txn);
    kv_close(&kv);
    out->changed = job.changed;
    out->serial = job.meta.serial;
    for (size_t i = 0; i < job.changes.count; i++) {
        out->records_put += job.changes.items[i].value.p != NULL;
        out->records_deleted += job.changes.items[i].value.p == NULL;
    }
    records_free(&job.changes);
    return err;
}
