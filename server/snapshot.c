/* The newest state of the store, as a worker sees it. On the answer path. See snapshot.h. */
#include "server/snapshot_internal.h"
#include "server/views.h"

bool
snapshot_ready(const struct snapshot *snapshot)
{
    return snapshot->ready;
}

const char *
snapshot_trouble(const struct snapshot *snapshot)
{
    return snapshot->trouble.text;
}

const struct view_state *
snapshot_view(const struct snapshot *snapshot, unsigned index)
{
    return &snapshot->view_states[index];
}

const struct acl_list *
snapshot_acl(const struct snapshot *snapshot)
{
    return &snapshot->acl;
}

struct acl_seen *
snapshot_acl_seen(struct snapshot *snapshot)
{
    return snapshot->acl_seen;
}

uint64_t
snapshot_generation(const struct snapshot *snapshot)
{
    return snapshot->generation;
}

uint32_t
snapshot_serial(const struct snapshot *snapshot)
{
    return snapshot->serial;
}

int64_t
snapshot_beat_s(const struct snapshot *snapshot)
{
    return snapshot->beat_s;
}

const struct dataset *
snapshot_datasets(const struct snapshot *snapshot, unsigned *count)
{
    *count = snapshot->dataset_count;
    return snapshot->datasets;
}

struct kvread *
snapshot_reader(struct snapshot *snapshot)
{
    return snapshot->reader;
}

const struct dataset *
snapshot_dataset(const struct snapshot *snapshot, uint16_t id)
{
    for (unsigned i = 0; i < snapshot->dataset_count; i++)
        if (snapshot->datasets[i].id == id)
            return &snapshot->datasets[i];
    return NULL;
}

bool
snapshot_expired(const struct snapshot *snapshot, const struct dataset *dataset, int64_t now_s)
{
    return dataset_expired(dataset, snapshot->beat_s, now_s);
}

void
snapshot_release(struct snapshot *snapshot)
{
    if (snapshot->reader != NULL)
        kvread_reset(snapshot->reader);
}

static enum err
read_meta(struct snapshot *snapshot)
{
    struct store_key key;
    struct slice value;
    struct store_meta meta;
    store_key_meta(&key);
    enum err err = kvread_get(snapshot->reader, store_key_slice(&key), &value);
    if (err == ERR_OK)
        err = store_meta_decode(value, &meta);
    if (err < 0 || !store_format_known(meta.format))
        return ERR_FORMAT;
    snapshot->serial = meta.serial;
    store_key_beat(&key);
    err = kvread_get(snapshot->reader, store_key_slice(&key), &value);
    snapshot->beat_s = 0;
    if (err == ERR_OK)
        err = store_beat_decode(value, &snapshot->beat_s);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
read_datasets(struct snapshot *snapshot)
{
    struct store_key prefix;
    struct slice key, value;
    snapshot->dataset_count = 0;
    store_key_dataset(&prefix, "");
    enum err err = kvread_seek(snapshot->reader, store_key_slice(&prefix), &key, &value);
    while (err == ERR_OK && key.n > prefix.n && memcmp(key.p, prefix.b, prefix.n) == 0) {
        if (snapshot->dataset_count == STORE_DATASETS_MAX)
            return ERR_FORMAT;
        err = dataset_decode(key, value, &snapshot->datasets[snapshot->dataset_count++]);
        if (err < 0)
            return err;
        err = kvread_next(snapshot->reader, &key, &value);
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static const struct dataset *
find_dataset(const struct snapshot *snapshot, const char *name)
{
    for (unsigned i = 0; i < snapshot->dataset_count; i++)
        if (strcmp(snapshot->datasets[i].name, name) == 0)
            return &snapshot->datasets[i];
    return NULL;
}

/* Judged sets have both families. */
static void
note_families(struct view_state *view, const struct conf *conf, const struct dataset *dataset)
{
    bool v4 = true, v6 = true;
    if (dataset->kind != DATASET_ADDR)
        return;
    for (unsigned i = 0; i < conf->list_count; i++) {
        if (strcmp(conf->lists[i].name, dataset->name) != 0)
            continue;
        enum list_holds holds = list_type_info(conf->lists[i].type)->holds;
        v4 = holds != LIST_HOLDS_V6;
        v6 = holds != LIST_HOLDS_V4;
    }
    view->has_v4 = view->has_v4 || v4;
    view->has_v6 = view->has_v6 || v6;
}

static struct acl_list
find_acl(const struct snapshot *snapshot, const char *name)
{
    struct acl_list list = {.wanted = name[0] != '\0'};
    if (list.wanted)
        list.dataset = find_dataset(snapshot, name);
    return list;
}

/* SOA and NS each come from the first dataset that has them. */
static enum err
read_authority(struct snapshot *snapshot, const struct view_state *view, struct authority *out)
{
    *out = (struct authority){0};
    for (unsigned i = 0; i < view->count && (!out->has_soa || out->ns_count == 0); i++) {
        struct store_key key;
        struct slice value;
        struct authority one;
        store_key_authority(&key, view->datasets[i]->id);
        enum err err = kvread_get(snapshot->reader, store_key_slice(&key), &value);
        if (err == ERR_OK)
            err = authority_decode(value, &one);
        if (err == ERR_NOTFOUND)
            continue;
        if (err < 0)
            return err;
        if (!out->has_soa && one.has_soa) {
            out->has_soa = true;
            out->soa = one.soa;
            out->serial = one.serial;
        }
        if (out->ns_count == 0) {
            out->ns_count = one.ns_count;
            out->ns_ttl_s = one.ns_ttl_s;
            memcpy(out->ns, one.ns, sizeof out->ns);
        }
    }
    return ERR_OK;
}

static void
set_authority(struct view_state *view, const struct zone_def *zone)
{
    view->soa = &zone->soa;
    view->ns_count = zone->ns_count;
    view->ns = zone->ns;
    view->ns_ttl_s = zone->soa.ttl_s;
}

static void
set_authority_data(struct view_state *view, const struct authority *authority)
{
    view->soa = authority->has_soa ? &authority->soa : NULL;
    view->ns_count = authority->ns_count;
    view->ns = authority->ns;
    view->ns_ttl_s = authority->ns_ttl_s;
    if (authority->has_soa && authority->serial != 0)
        view->serial = authority->serial;
}

static bool
is_judging(const struct zone_def *zone)
{
    static const char judged[] = "judged.";
    for (unsigned i = 0; i < zone->dataset_count; i++)
        if (memcmp(zone->datasets[i], judged, sizeof judged - 1) == 0)
            return true;
    return false;
}

/* RFC 1982 3.2 */
static void
note_serial(struct view_state *view, const struct dataset *dataset)
{
    if ((int32_t)(dataset->serial - view->serial) > 0)
        view->serial = dataset->serial;
}

/* Nothing said costs no look-up, but what was said and taken back changed the zone. */
static const struct dataset *
find_word(const struct snapshot *snapshot, struct view_state *view, const char *name)
{
    const struct dataset *dataset = find_dataset(snapshot, name);
    if (dataset == NULL)
        return NULL;
    note_serial(view, dataset);
    return dataset->entries > 0 ? dataset : NULL;
}

/* A pair has an address and a domain. */
static void
find_words(const struct snapshot *snapshot, const struct zone_def *zone, struct view_state *view)
{
    if (!is_judging(zone))
        return;
    if (zone->kind == ZONE_ADDR || zone->kind == ZONE_PAIR)
        view->word_ip = find_word(snapshot, view, DATASET_WORD_IP);
    if (zone->kind == ZONE_NAME || zone->kind == ZONE_PAIR)
        view->word_name = find_word(snapshot, view, DATASET_WORD_NAME);
}

/* The zone's serial is that of the last publish that changed its definition or a dataset. */
static enum err
read_view(struct snapshot *snapshot, const struct zone_def *zone, struct view_state *view,
    struct authority **authority)
{
    struct store_key key;
    struct slice value;
    struct zone_record record = {0};
    *view = (struct view_state){0};
    store_key_zone(&key, &zone->apex);
    enum err err = kvread_get(snapshot->reader, store_key_slice(&key), &value);
    if (err == ERR_OK)
        err = zone_record_decode(value, &record);
    if (err < 0 && err != ERR_NOTFOUND)
        return err;
    view->serial = err == ERR_OK ? record.serial : snapshot->serial;
    view->acl = find_acl(snapshot, zone->acl);
    if (zone->kind == ZONE_PAIR && !zone->informational)
        view->never = find_dataset(snapshot, DATASET_NEVER);
    find_words(snapshot, zone, view);
    for (unsigned i = 0; i < zone->dataset_count; i++) {
        const struct dataset *dataset = find_dataset(snapshot, zone->datasets[i]);
        if (dataset == NULL) {
            view->missing = true;
            continue;
        }
        view->datasets[view->count++] = dataset;
        note_families(view, view_conf(snapshot->views), dataset);
        note_serial(view, dataset);
    }
    set_authority(view, zone);
    err = ERR_OK;
    if (zone->authority_data) {
        err = read_authority(snapshot, view, *authority);
        set_authority_data(view, (*authority)++);
    }
    if (view->soa != NULL)
        soa_record_make(view->soa, view->serial, &zone->apex, &view->soa_record);
    return err;
}

enum err
snapshot_read_catalog(struct snapshot *snapshot)
{
    struct authority *authority = snapshot->authorities;
    enum err err = read_meta(snapshot);
    if (err == ERR_OK)
        err = read_datasets(snapshot);
    snapshot->acl = find_acl(snapshot, view_conf(snapshot->views)->acl);
    memset(snapshot->acl_seen, 0, sizeof snapshot->acl_seen);
    for (unsigned i = 0; i < snapshot->views->count && err == ERR_OK; i++) {
        const struct view_entry *entry = &snapshot->views->entries[i];
        err = read_view(snapshot, entry->zone, &snapshot->view_states[entry->index], &authority);
    }
    return err;
}
