/* A list's entries in lists.mdb, with the operator's own edits over them, as a dataset; see
 * lists.h.
 */
#include <stdlib.h>

#include "loader/listcollect.h"
#include "loader/listlayer.h"
#include "loader/listoverlay.h"
#include "loader/listparts.h"
#include "loader/lists.h"
#include "loader/liststore.h"

enum { TTL_S = 2100 /* rbldnsd's */ };

struct list_set {
    struct publish_set set;
    struct listflat_arena arena; /* bytes of values and keys */
    struct list_flat flat;
    struct list_parts parts;
    struct authority authority;
    uint64_t entries;
    bool was_published;
    struct list_measure published;
};

/* What a flattening works with. */
struct flattening {
    const struct list_source *source;
    struct list_set *set;
    const struct list_layer *layer;
    struct list_layer own;             /* the stored one, unless layer was given */
    uint8_t value[LISTFILE_VALUE_MAX]; /* the list's default */
    size_t value_n;
    uint64_t dropped; /* entries of which own dels leave nothing */
};

/* What the files' last default came to, or what is built in. */
static enum err
read_default(struct kv_txn *txn, uint16_t id, struct flattening *f)
{
    struct liststore_key key;
    struct slice value;
    liststore_key_default(&key, id);
    enum err err = kv_get(txn, liststore_slice(&key), &value);
    if (err == ERR_NOTFOUND) {
        struct listfile file;
        listfile_init(&file, f->source->type, 0);
        const struct listfile_raw raw = listfile_default(&file);
        f->value_n = listfile_value(&file, &raw, f->value);
        return ERR_OK;
    }
    if (err == ERR_OK && value.n > sizeof f->value)
        err = ERR_FORMAT;
    if (err < 0)
        return err;
    memcpy(f->value, value.p, value.n);
    f->value_n = value.n;
    return ERR_OK;
}

/* What the files said of SOA and NS. Where they left a TTL out it is that of the first zone that
 * has the list, as rbldnsd's -t. */
static enum err
read_authority(const struct conf *conf, const struct liststore_source *stored, struct list_set *set)
{
    struct authority *authority = &set->authority;
    uint32_t ttl_s = 0;
    if (stored->authority.n == 0)
        return ERR_OK;
    enum err err = authority_decode(stored->authority, authority);
    for (unsigned i = 0; i < conf->zone_count && ttl_s == 0; i++)
        for (unsigned k = 0; k < conf->zones[i].dataset_count; k++)
            if (strcmp(conf->zones[i].datasets[k], set->set.info.name) == 0)
                ttl_s = conf->zones[i].ttl_s;
    if (ttl_s == 0)
        ttl_s = TTL_S;
    if (authority->soa.ttl_s == 0)
        authority->soa.ttl_s = ttl_s;
    if (authority->ns_ttl_s == 0)
        authority->ns_ttl_s = ttl_s;
    set->set.authority = authority;
    return err;
}

/* Everything that is read of the list. */
static enum err
read_list(
    const struct conf *conf, struct kv_txn *txn, struct flattening *f, struct list_collect *files)
{
    struct liststore_source stored;
    struct list_set *set = f->set;
    enum err err = liststore_get(txn, f->source->name, &stored);
    if (err < 0)
        return err;
    /* After its type was changed in the configuration, a list counts as never imported. */
    if (stored.type != f->source->type)
        return ERR_NOTFOUND;
    set->set.info.ttl_s = stored.ttl_s;
    set->set.info.expires_s = stored.expires_s;
    if (stored.type == LIST_COMBINED)
        err = listparts_read(txn, f->source->name, &stored, &set->arena, &set->parts);
    else
        err = listcollect_read(files, txn, &stored);
    if (err == ERR_OK)
        err = read_authority(conf, &stored, set);
    if (err == ERR_OK)
        err = read_default(txn, stored.id, f);
    if (err == ERR_OK && f->layer == &f->own)
        err = listlayer_read(txn, f->source->name, &f->own);
    if (err < 0)
        return err;
    err = liststore_get_published(txn, f->source->name, f->source->type, &set->published);
    set->was_published = err == ERR_OK;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
read_store(
    const struct conf *conf, struct flattening *f, struct list_collect *files, struct errmsg *msg)
{
    struct kv *kv;
    struct kv_txn *txn;
    const char *name = f->source->name;
    enum err err = kv_open(conf->lists_path, &(struct kv_options){.read_only = true}, &kv, msg);
    if (err < 0)
        return err;
    err = kv_begin(kv, false, &txn, msg);
    if (err == ERR_OK) {
        err = read_list(conf, txn, f, files);
        kv_abort(&txn);
        if (err == ERR_NOTFOUND)
            (void)errmsg_set(msg, err, "list %s was never imported; run repdns-load import", name);
        else if (err < 0)
            (void)errmsg_set(msg, err,
                "%s: list %s: %s; delete the file and run repdns-load "
                "import",
                conf->lists_path, name, err_text(err));
    }
    kv_close(&kv);
    return err;
}

/* The edits of one kind over what lies below them. */
static enum err
overlay_edits(struct flattening *f, enum list_edit_kind kind)
{
    struct list_collect collect;
    struct list_flat upper = {0};
    uint64_t dropped = 0;
    enum err err = listcollect_init(&collect, f->source->type, &f->set->arena);
    for (size_t i = 0; err == ERR_OK && i < f->layer->count; i++) {
        const struct list_edit *edit = &f->layer->edits[i];
        struct slice value = edit->value.n > 0 ? edit->value : slice_of(f->value, f->value_n);
        if (edit->type == f->source->type && edit->kind == kind)
            err = listcollect_add(&collect, &edit->entry, value);
    }
    if (err == ERR_OK)
        err = listcollect_flatten(&collect, &upper);
    if (err == ERR_OK)
        err = listoverlay(&f->set->flat, &upper, kind == LIST_EDIT_DEL, &dropped);
    if (kind == LIST_EDIT_ADD)
        f->set->entries += collect.listed;
    else
        f->dropped = dropped;
    listcollect_free_flat(&upper);
    listcollect_free(&collect);
    return err;
}

static enum err
flatten(const struct conf *conf, struct flattening *f, struct errmsg *msg)
{
    struct list_collect files;
    struct list_set *set = f->set;
    enum err err = listcollect_init(&files, f->source->type, &set->arena);
    if (err == ERR_OK)
        err = read_store(conf, f, &files, msg);
    else
        (void)errmsg_set(msg, err, "list %s: out of memory", f->source->name);
    if (err < 0) {
        listcollect_free(&files);
        return err;
    }
    set->entries = files.listed + set->parts.entries;
    err = listcollect_flatten(&files, &set->flat);
    listcollect_free(&files);
    if (err == ERR_OK)
        err = overlay_edits(f, LIST_EDIT_ADD);
    if (err == ERR_OK)
        err = overlay_edits(f, LIST_EDIT_DEL);
    set->entries -= f->dropped < set->entries ? f->dropped : set->entries;
    set->set.addrs = set->flat.addrs;
    set->set.v4 = set->flat.v4.first != NULL ? &set->flat.v4.ranges : NULL;
    set->set.names = set->flat.names;
    set->set.rrs = set->flat.rrs;
    set->set.zones = set->parts.zones;
    set->set.zone_count = set->parts.zone_count;
    set->set.part_count = set->parts.count;
    set->set.count = set->flat.count;
    return err < 0 ? errmsg_set(msg, err, "list %s: %s", f->source->name, err_text(err)) : ERR_OK;
}

enum err
lists_flatten_under(const struct conf *conf, const struct list_source *source,
    const struct list_layer *layer, struct list_set **out, struct errmsg *msg)
{
    struct flattening *f = calloc(1, sizeof *f);
    *out = calloc(1, sizeof **out);
    if (f == NULL || *out == NULL) {
        free(f);
        free(*out);
        *out = NULL;
        return errmsg_set(msg, ERR_NOMEM, "list %s: out of memory", source->name);
    }
    struct dataset *info = &(*out)->set.info;
    memcpy(info->name, source->name, sizeof info->name);
    info->kind = list_type_kind(source->type);
    f->source = source;
    f->set = *out;
    f->layer = layer != NULL ? layer : &f->own;
    enum err err = flatten(conf, f, msg);
    listlayer_free(&f->own);
    free(f);
    if (err < 0)
        lists_free(out);
    return err;
}

enum err
lists_flatten(const struct conf *conf, const struct list_source *source, struct list_set **out,
    struct errmsg *msg)
{
    return lists_flatten_under(conf, source, NULL, out, msg);
}

uint64_t
lists_entries(const struct list_set *set)
{
    return set->entries;
}

const struct list_measure *
lists_published(const struct list_set *set)
{
    return set->was_published ? &set->published : NULL;
}

const struct publish_set *
lists_set(const struct list_set *set)
{
    return &set->set;
}

const struct publish_set *
lists_parts(const struct list_set *set, size_t *count)
{
    *count = set->parts.count;
    return set->parts.sets;
}

enum list_type
lists_part_type(const struct list_set *set, size_t part)
{
    return set->parts.parts[part].type;
}

void
lists_free(struct list_set **set)
{
    if (*set == NULL)
        return;
    listflat_free(&(*set)->arena);
    listcollect_free_flat(&(*set)->flat);
    listparts_free(&(*set)->parts);
    free(*set);
    *set = NULL;
}

bool
lists_has_ip(const struct list_set *set, const struct ip *ip)
{
    size_t i = publish_has_ranges(&set->set) ? publish_find(&set->set, ip) : set->set.count;
    if (i == set->set.count)
        return false;
    const struct ipset_entry entry = publish_range(&set->set, i);
    return ip_cmp(&entry.range.first, ip) <= 0;
}

static const struct nameset_entry *
find_name(const struct list_set *set, const struct dname *name)
{
    uint8_t want[DNAME_KEY_MAX], have[DNAME_KEY_MAX];
    struct slice key = slice_of(want, dname_key(name, want));
    size_t lo = 0, hi = set->flat.names == NULL ? 0 : set->set.count;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        const struct nameset_entry *entry = &set->flat.names[middle];
        int order = slice_cmp(slice_of(have, dname_key(&entry->name, have)), key);
        if (order == 0)
            return entry;
        if (order < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    return NULL;
}

bool
lists_has_name(const struct list_set *set, const struct dname *name)
{
    const struct nameset_entry *entry = find_name(set, name);
    if (entry != NULL && entry->exact.kind != NAMESET_SLOT_EMPTY)
        return entry->exact.kind == NAMESET_SLOT_VALUE;
    for (unsigned strip = 1; strip < dname_labels(name); strip++) {
        struct dname above;
        dname_strip(name, strip, &above);
        entry = find_name(set, &above);
        if (entry != NULL && entry->wild.kind != NAMESET_SLOT_EMPTY)
            return entry->wild.kind == NAMESET_SLOT_VALUE;
    }
    return false;
}
