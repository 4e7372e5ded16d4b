/* Collecting the entries of a list's layer; see listcollect.h. */
#include "loader/listcollect.h"

#include <stdlib.h>

#include "loader/listrecord.h"
#include "zones/fnv.h"

enum { CACHE = 1024 };

void
listcollect_free_flat(struct list_flat *flat)
{
    free(flat->addrs);
    free(flat->names);
    free(flat->rrs);
    listflat_free_v4(&flat->v4);
    *flat = (struct list_flat){0};
}

enum err
listcollect_init(struct list_collect *collect, enum list_type type, struct listflat_arena *arena)
{
    *collect = (struct list_collect){
        .type = type, .overlaps = list_type_info(type)->overlaps, .arena = arena};
    collect->cache = calloc(CACHE, sizeof *collect->cache);
    return collect->cache == NULL ? ERR_NOMEM : ERR_OK;
}

void
listcollect_free(struct list_collect *collect)
{
    free(collect->cache);
    free(collect->items);
    free(collect->plain);
    free(collect->plain_number);
    free(collect->plain_values);
    *collect = (struct list_collect){0};
}

enum err
listcollect_keep(struct list_collect *collect, struct slice *value)
{
    uint64_t hash = fnv_add(FNV_START, value->p, value->n);
    struct slice *cached = &collect->cache[(hash ^ hash >> 32) % CACHE];
    if (cached->p == NULL || slice_cmp(*cached, *value) != 0)
        *cached = listflat_keep(collect->arena, *value);
    *value = *cached;
    return cached->p == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err
make_room(struct list_collect *collect)
{
    if (collect->count < collect->room)
        return ERR_OK;
    static const size_t sizes[] = {[LIST_OVERLAPS_LEVELS] = sizeof(struct listflat_entry),
        [LIST_OVERLAPS_LONGEST] = sizeof(struct listflat_prefix),
        [LIST_OVERLAPS_NAMES] = sizeof(struct list_named),
        [LIST_OVERLAPS_NONE] = sizeof(struct list_record)};
    size_t room = collect->room == 0 ? 64 : collect->room * 2;
    void *grown = reallocarray(collect->items, room, sizes[collect->overlaps]);
    if (grown == NULL)
        return ERR_NOMEM;
    collect->items = grown;
    collect->room = room;
    return ERR_OK;
}

static enum err
add_name(
    struct list_collect *collect, size_t i, const struct listfile_entry *entry, struct slice value)
{
    uint8_t key[DNAME_KEY_MAX];
    struct slice kept = listflat_keep(collect->arena, slice_of(key, dname_key(&entry->name, key)));
    collect->named[i] =
        (struct list_named){kept, value, i, entry->excluded, entry->exact, entry->wild};
    return kept.p == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err
add_record(
    struct list_collect *collect, size_t i, const struct listfile_entry *entry, struct slice rr)
{
    uint8_t key[DNAME_KEY_MAX];
    struct slice kept = listflat_keep(collect->arena, slice_of(key, dname_key(&entry->name, key)));
    collect->records[i] = (struct list_record){kept, rr, i};
    return kept.p == NULL ? ERR_NOMEM : ERR_OK;
}

enum err
listcollect_add(
    struct list_collect *collect, const struct listfile_entry *entry, struct slice value)
{
    enum err err = make_room(collect);
    if (err == ERR_OK && value.n > 0)
        err = listcollect_keep(collect, &value);
    if (err < 0)
        return err;
    size_t i = collect->count++;
    collect->listed += value.n > 0;
    switch (collect->overlaps) {
    case LIST_OVERLAPS_LEVELS:
        collect->levels[i] =
            (struct listflat_entry){ip_v4(&entry->range.first), ip_v4(&entry->range.last), value};
        return ERR_OK;
    case LIST_OVERLAPS_LONGEST:
        collect->prefixes[i] = (struct listflat_prefix){.range = entry->range, .value = value};
        return ERR_OK;
    case LIST_OVERLAPS_NAMES:
        return add_name(collect, i, entry, value);
    case LIST_OVERLAPS_NONE:
        return add_record(collect, i, entry, value);
    }
    return ERR_FORMAT;
}

static int
by_key(const void *a, const void *b)
{
    const struct list_named *x = a, *y = b;
    int order = slice_cmp(x->key, y->key);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

/* One slot of the lines [from, to), which have one name: exact, or what is below it. */
static enum err
fill_slot(struct listflat_arena *arena, const struct list_named *from, const struct list_named *to,
    bool wild, struct nameset_slot *slot)
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
    return listflat_join(arena, values, n, &slot->value);
}

static enum err
flatten_names(struct list_collect *collect, struct list_flat *out)
{
    struct list_named *named = collect->named;
    size_t count = collect->count, names = 0;
    enum err err = ERR_OK;
    if (count > 0)
        qsort(named, count, sizeof *named, by_key);
    for (size_t i = 0; i < count; i++)
        names += i == 0 || slice_cmp(named[i - 1].key, named[i].key) != 0;
    out->names = calloc(names + 1, sizeof *out->names);
    if (out->names == NULL)
        return ERR_NOMEM;
    for (size_t i = 0, end; err == ERR_OK && i < count; i = end) {
        struct nameset_entry *entry = &out->names[out->count++];
        for (end = i + 1; end < count && slice_cmp(named[i].key, named[end].key) == 0;)
            end++;
        err = dname_from_key(named[i].key.p, named[i].key.n, &entry->name);
        if (err == ERR_OK)
            err = fill_slot(collect->arena, named + i, named + end, false, &entry->exact);
        if (err == ERR_OK)
            err = fill_slot(collect->arena, named + i, named + end, true, &entry->wild);
    }
    return err;
}

static int
by_owner(const void *a, const void *b)
{
    const struct list_record *x = a, *y = b;
    int order = slice_cmp(x->key, y->key);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

/* Whether a name's records, from on, have this one already, be it with another TTL. */
static bool
is_repeated(const struct recordset_entry *from, const struct recordset_entry *to)
{
    for (; from < to; from++)
        if (from->rr.type == to->rr.type && slice_cmp(from->rr.rdata, to->rr.rdata) == 0)
            return true;
    return false;
}

static enum err
flatten_records(struct list_collect *collect, struct list_flat *out)
{
    const struct list_record *records = collect->records;
    size_t first = 0;
    enum err err = ERR_OK;
    if (collect->count > 0)
        qsort(collect->records, collect->count, sizeof *records, by_owner);
    out->rrs = calloc(collect->count + 1, sizeof *out->rrs);
    if (out->rrs == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; err == ERR_OK && i < collect->count; i++) {
        struct recordset_entry *entry = &out->rrs[out->count];
        if (i > 0 && slice_cmp(records[i - 1].key, records[i].key) != 0)
            first = out->count;
        err = dname_from_key(records[i].key.p, records[i].key.n, &entry->name);
        if (err == ERR_OK)
            err = listrecord_decode(records[i].rr, &entry->rr);
        out->count += err == ERR_OK && !is_repeated(&out->rrs[first], entry);
    }
    return err;
}

static bool
is_v4(const struct range *range)
{
    return ip_is4(&range->first) && ip_is4(&range->last);
}

/* The prefixes of one family, in file order. */
static size_t
pick_family(const struct list_collect *collect, bool v4, struct listflat_prefix *out)
{
    size_t n = 0;
    for (size_t i = 0; i < collect->count; i++)
        if (is_v4(&collect->prefixes[i].range) == v4)
            out[n++] = collect->prefixes[i];
    return n;
}

/* IPv4 in the place that it has among the addresses of IPv6. */
static enum err
join_families(const struct list_flat *v4, const struct list_flat *v6, struct list_flat *out)
{
    const struct ip first_v4 = ip_from_v4(0);
    size_t below = 0;
    out->count = v4->count + v6->count;
    out->addrs = calloc(out->count + 1, sizeof *out->addrs);
    if (out->addrs == NULL)
        return ERR_NOMEM;
    while (below < v6->count && ip_cmp(&v6->addrs[below].range.first, &first_v4) < 0)
        below++;
    for (size_t i = 0; i < out->count; i++)
        out->addrs[i] = i < below               ? v6->addrs[i]
                        : i < below + v4->count ? v4->addrs[i - below]
                                                : v6->addrs[i - v4->count];
    return ERR_OK;
}

/* Each family by itself: an IPv6 prefix around ::ffff:0:0/96 has no IPv4 address. */
static enum err
flatten_clients(struct list_collect *collect, struct list_flat *out)
{
    struct list_flat families[2] = {{0}, {0}};
    struct listflat_prefix *picked = calloc(collect->count + 1, sizeof *picked);
    enum err err = picked == NULL ? ERR_NOMEM : ERR_OK;
    for (unsigned v6 = 0; v6 < 2 && err == ERR_OK; v6++) {
        size_t n = pick_family(collect, v6 == 0, picked);
        err = listflat_prefixes(picked, n, v6 == 1, &families[v6].addrs, &families[v6].count);
    }
    if (err == ERR_OK)
        err = join_families(&families[0], &families[1], out);
    free(picked);
    listcollect_free_flat(&families[0]);
    listcollect_free_flat(&families[1]);
    return err;
}

/* Single addresses with few values; where lines of one address make too many of them, as ranges
 * that have a value each. */
static enum err
flatten_numbered(struct list_collect *collect, struct list_flat *out)
{
    struct listflat_v4 *v4 = &out->v4;
    enum err err = listflat_numbered(&collect->plain, &collect->plain_number,
        &collect->plain_values, collect->plain_count, collect->arena, v4);
    out->count = v4->ranges.count;
    if (err != ERR_RANGE)
        return err;
    struct listflat_entry *entries = calloc(out->count + 1, sizeof *entries);
    if (entries == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < out->count; i++)
        entries[i] =
            (struct listflat_entry){v4->first[i], v4->last[i], ipset_v4_value(&v4->ranges, i)};
    err = listflat_ranges(entries, out->count, collect->arena, &out->addrs, &out->count);
    free(entries);
    listflat_free_v4(v4);
    return err;
}

enum err
listcollect_flatten(struct list_collect *collect, struct list_flat *out)
{
    enum list_holds holds = list_type_info(collect->type)->holds;
    *out = (struct list_flat){0};
    if (collect->plain_number != NULL)
        return flatten_numbered(collect, out);
    if (collect->plain_count > 0) {
        enum err err =
            listflat_mixed(&collect->plain, collect->plain_count, collect->plain_values->items[0],
                collect->levels, collect->count, collect->arena, &out->v4);
        out->count = out->v4.ranges.count;
        return err;
    }
    switch (collect->overlaps) {
    case LIST_OVERLAPS_LEVELS:
        return listflat_ranges(
            collect->levels, collect->count, collect->arena, &out->addrs, &out->count);
    case LIST_OVERLAPS_LONGEST:
        if (holds == LIST_HOLDS_CLIENTS)
            return flatten_clients(collect, out);
        return listflat_prefixes(
            collect->prefixes, collect->count, holds == LIST_HOLDS_V6, &out->addrs, &out->count);
    case LIST_OVERLAPS_NAMES:
        return flatten_names(collect, out);
    case LIST_OVERLAPS_NONE:
        return holds == LIST_HOLDS_RECORDS ? flatten_records(collect, out) : ERR_OK;
    }
    return ERR_FORMAT;
}
