/* A list's entries in lists.mdb as a dataset; see lists.h. */
#include <stdlib.h>

#include "loader/listflat.h"
#include "loader/lists.h"
#include "loader/liststore.h"

enum { CACHE = 1024 };

/* A line of a list of names; key is that of dname_key. */
struct named {
    struct slice key, value;
    size_t order;
    bool excluded, exact, wild;
};

struct list_set {
    struct publish_set set;
    struct listflat_arena arena; /* bytes of values and keys */
    struct ipset_entry *addrs;
    struct nameset_entry *names;
};

/* The entries of a list, in file order. */
struct collecting {
    enum list_type type;
    enum list_overlaps overlaps;
    struct list_set *set;
    union { /* by overlaps */
        void *items;
        struct listflat_entry *levels;
        struct listflat_prefix *prefixes;
        struct named *named;
    };
    size_t count, room;
    struct slice *cache; /* CACHE values by hash, since most lists have few */
};

static enum err
keep_value(struct collecting *collecting, struct slice *value)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    const uint8_t *in = value->p;
    for (size_t i = 0; i < value->n; i++)
        hash = (hash ^ in[i]) * 16777619U;
    struct slice *cached = &collecting->cache[(hash ^ hash >> 16) % CACHE];
    if (cached->p == NULL || slice_cmp(*cached, *value) != 0)
        *cached = listflat_keep(&collecting->set->arena, *value);
    *value = *cached;
    return cached->p == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err
make_room(struct collecting *collecting)
{
    if (collecting->count < collecting->room)
        return ERR_OK;
    static const size_t sizes[] = {[LIST_OVERLAPS_LEVELS] = sizeof(struct listflat_entry),
        [LIST_OVERLAPS_LONGEST] = sizeof(struct listflat_prefix),
        [LIST_OVERLAPS_NAMES] = sizeof(struct named)};
    size_t room = collecting->room == 0 ? 1024 : collecting->room * 2;
    void *grown = reallocarray(collecting->items, room, sizes[collecting->overlaps]);
    if (grown == NULL)
        return ERR_NOMEM;
    collecting->items = grown;
    collecting->room = room;
    return ERR_OK;
}

static enum err
take_name(
    struct collecting *collecting, size_t i, const struct listfile_entry *entry, struct slice value)
{
    uint8_t key[DNAME_KEY_MAX];
    struct slice kept =
        listflat_keep(&collecting->set->arena, slice_of(key, dname_key(&entry->name, key)));
    collecting->named[i] =
        (struct named){kept, value, i, entry->excluded, entry->exact, entry->wild};
    return kept.p == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err
take_entry(struct collecting *collecting, struct slice record)
{
    struct listfile_entry entry;
    struct slice value;
    enum err err = liststore_entry_decode(record, collecting->type, &entry, &value);
    if (err == ERR_OK)
        err = make_room(collecting);
    if (err == ERR_OK && value.n > 0)
        err = keep_value(collecting, &value);
    if (err < 0)
        return err;
    size_t i = collecting->count++;
    switch (collecting->overlaps) {
    case LIST_OVERLAPS_LEVELS:
        collecting->levels[i] =
            (struct listflat_entry){ip_v4(&entry.range.first), ip_v4(&entry.range.last), value};
        return ERR_OK;
    case LIST_OVERLAPS_LONGEST:
        collecting->prefixes[i] = (struct listflat_prefix){.range = entry.range, .value = value};
        return ERR_OK;
    case LIST_OVERLAPS_NAMES:
        return take_name(collecting, i, &entry, value);
    }
    return ERR_FORMAT;
}

static enum err
collect(struct kv_txn *txn, const struct list_source *source, struct collecting *collecting)
{
    struct liststore_source stored;
    struct liststore_key prefix;
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = liststore_get(txn, source->name, &stored);
    if (err < 0)
        return err;
    /* After its type was changed in the configuration, a list counts as never imported. */
    if (stored.type != source->type)
        return ERR_NOTFOUND;
    collecting->set->set.info.ttl_s = stored.ttl_s;
    collecting->set->set.info.expires_s = stored.expires_s;
    liststore_key_entries(&prefix, stored.id);
    err = kv_cursor_open(txn, liststore_slice(&prefix), &cursor);
    if (err < 0)
        return err;
    while (err == ERR_OK && (err = kv_cursor_next(cursor, &key, &value)) == ERR_OK)
        err = take_entry(collecting, value);
    kv_cursor_close(&cursor);
    if (err == ERR_NOTFOUND)
        err = collecting->count == stored.count ? ERR_OK : ERR_FORMAT;
    return err;
}

static int
by_key(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = slice_cmp(x->key, y->key);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

/* One slot of the lines [from, to), which have one name: exact, or what is below it. */
static enum err
fill_slot(struct list_set *set, const struct named *from, const struct named *to, bool wild,
    struct nameset_slot *slot)
{
    struct slice values[LISTFLAT_VALUES_MAX];
    size_t n = 0;
    *slot = (struct nameset_slot){.kind = NAMESET_SLOT_EMPTY};
    for (; from < to; from++) {
        if (!(wild ? from->wild : from->exact))
            continue;
        if (from->excluded) {
            slot->kind = NAMESET_SLOT_EXCLUDED;
            return ERR_OK;
        }
        size_t k = 0;
        while (k < n && slice_cmp(values[k], from->value) != 0)
            k++;
        if (k == n && n < LISTFLAT_VALUES_MAX)
            values[n++] = from->value;
    }
    if (n == 0)
        return ERR_OK;
    slot->kind = NAMESET_SLOT_VALUE;
    return listflat_join(&set->arena, values, n, &slot->value);
}

static enum err
flatten_names(struct list_set *set, struct named *named, size_t count)
{
    enum err err = ERR_OK;
    size_t names = 0;
    if (count > 0)
        qsort(named, count, sizeof *named, by_key);
    for (size_t i = 0; i < count; i++)
        names += i == 0 || slice_cmp(named[i - 1].key, named[i].key) != 0;
    set->names = calloc(names + 1, sizeof *set->names);
    if (set->names == NULL)
        return ERR_NOMEM;
    for (size_t i = 0, end; err == ERR_OK && i < count; i = end) {
        struct nameset_entry *entry = &set->names[set->set.count++];
        for (end = i + 1; end < count && slice_cmp(named[i].key, named[end].key) == 0;)
            end++;
        err = dname_from_key(named[i].key.p, named[i].key.n, &entry->name);
        if (err == ERR_OK)
            err = fill_slot(set, named + i, named + end, false, &entry->exact);
        if (err == ERR_OK)
            err = fill_slot(set, named + i, named + end, true, &entry->wild);
    }
    set->set.names = set->names;
    return err;
}

static enum err
read_set(const struct conf *conf, const struct list_source *source, struct collecting *collecting,
    struct errmsg *msg)
{
    struct kv *kv;
    struct kv_txn *txn;
    enum err err = kv_open(conf->lists_path, &(struct kv_options){.read_only = true}, &kv, msg);
    if (err < 0)
        return err;
    err = kv_begin(kv, false, &txn, msg);
    if (err == ERR_OK) {
        err = collect(txn, source, collecting);
        kv_abort(&txn);
        if (err == ERR_NOTFOUND)
            (void)errmsg_set(
                msg, err, "list %s was never imported; run repdns-load import", source->name);
        else if (err < 0)
            (void)errmsg_set(msg, err,
                "%s: list %s: %s; delete the file and run repdns-load "
                "import",
                conf->lists_path, source->name, err_text(err));
    }
    kv_close(&kv);
    return err;
}

static enum err
flatten(struct list_set *set, struct collecting *collecting, struct errmsg *msg)
{
    enum err err = ERR_FORMAT;
    bool v6 = list_type_info(collecting->type)->holds == LIST_HOLDS_V6;
    switch (collecting->overlaps) {
    case LIST_OVERLAPS_LEVELS:
        err = listflat_ranges(
            collecting->levels, collecting->count, &set->arena, &set->addrs, &set->set.count);
        break;
    case LIST_OVERLAPS_LONGEST:
        err = listflat_prefixes(
            collecting->prefixes, collecting->count, v6, &set->addrs, &set->set.count);
        break;
    case LIST_OVERLAPS_NAMES:
        err = flatten_names(set, collecting->named, collecting->count);
        break;
    }
    set->set.addrs = set->addrs;
    return err < 0 ? errmsg_set(msg, err, "list %s: %s", set->set.info.name, err_text(err))
                   : ERR_OK;
}

enum err
lists_flatten(const struct conf *conf, const struct list_source *source, struct list_set **out,
    struct errmsg *msg)
{
    struct collecting collecting = {
        .type = source->type, .overlaps = list_type_info(source->type)->overlaps};
    *out = calloc(1, sizeof **out);
    collecting.set = *out;
    collecting.cache = calloc(CACHE, sizeof *collecting.cache);
    enum err err = ERR_OK;
    if (*out == NULL || collecting.cache == NULL)
        err = errmsg_set(msg, ERR_NOMEM, "list %s: out of memory", source->name);
    if (err == ERR_OK) {
        struct dataset *info = &(*out)->set.info;
        memcpy(info->name, source->name, sizeof info->name);
        info->kind = list_type_kind(source->type);
        err = read_set(conf, source, &collecting, msg);
    }
    if (err == ERR_OK)
        err = flatten(*out, &collecting, msg);
    free(collecting.cache);
    free(collecting.items);
    if (err < 0)
        lists_free(out);
    return err;
}

const struct publish_set *
lists_set(const struct list_set *set)
{
    return &set->set;
}

void
lists_free(struct list_set **set)
{
    if (*set == NULL)
        return;
    listflat_free(&(*set)->arena);
    free((*set)->addrs);
    free((*set)->names);
    free(*set);
    *set = NULL;
}

bool
lists_has_ip(const struct list_set *set, const struct ip *ip)
{
    size_t lo = 0, hi = set->addrs == NULL ? 0 : set->set.count;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (ip_cmp(&set->addrs[middle].range.last, ip) < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    return set->addrs != NULL && lo < set->set.count &&
           ip_cmp(&set->addrs[lo].range.first, ip) <= 0;
}

static const struct nameset_entry *
find_name(const struct list_set *set, const struct dname *name)
{
    uint8_t want[DNAME_KEY_MAX], have[DNAME_KEY_MAX];
    struct slice key = slice_of(want, dname_key(name, want));
    size_t lo = 0, hi = set->names == NULL ? 0 : set->set.count;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        const struct nameset_entry *entry = &set->names[middle];
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
