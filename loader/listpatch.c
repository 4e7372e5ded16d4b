/* Edits as changes of blocks; see listpatch.h. */
#include "loader/listpatch.h"

#include <stdlib.h>

#include "loader/listoverlay.h"
#include "loader/listscan.h"
#include "zones/store.h"

/* One call of listpatch_blocks. */
struct patching {
    struct listpatch *patch;
    struct kv_txn *txn;
    struct kv_cursor *cursor; /* over the dataset's blocks of the family */
    uint16_t dataset;
    uint8_t family;
    struct range *places; /* whose blocks are made anew: aligned prefixes, in order */
    size_t place_count, place_room;
    struct list_flat served; /* the entries of these, and what is beside them */
    size_t served_room;
    unsigned blocks;
    struct records before, after;
};

void
listpatch_free(struct listpatch *patch)
{
    listcollect_free_flat(&patch->where);
    listcollect_free_flat(&patch->what);
    listflat_free(&patch->arena);
}

/* Makes room for one more of size bytes each. */
static enum err
grow(void *items, size_t count, size_t *room, size_t size)
{
    void *now, *grown;
    if (count < *room)
        return ERR_OK;
    size_t more = *room * 2 + 64;
    memcpy(&now, items, sizeof now);
    grown = reallocarray(now, more, size);
    if (grown == NULL)
        return ERR_NOMEM;
    memcpy(items, &grown, sizeof grown);
    *room = more;
    return ERR_OK;
}

/* At the end; one with what touches it and has the same value. */
static enum err
append(struct list_flat *flat, size_t *room, const struct range *range, struct slice value)
{
    struct ipset_entry *last = flat->count == 0 ? NULL : &flat->addrs[flat->count - 1];
    struct ip next;
    if (last != NULL && slice_cmp(last->value, value) == 0 &&
        (next = last->range.last, ip_next(&next)) && ip_cmp(&next, &range->first) == 0) {
        last->range.last = range->last;
        return ERR_OK;
    }
    enum err err = grow(&flat->addrs, flat->count, room, sizeof *flat->addrs);
    if (err == ERR_OK)
        flat->addrs[flat->count++] = (struct ipset_entry){*range, value};
    return err;
}

/* Appends what of from lies within a range. */
static enum err
clip(const struct list_flat *from, const struct range *within, struct list_flat *out, size_t *room)
{
    enum err err = ERR_OK;
    for (size_t i = listflat_find(from->addrs, from->count, &within->first);
         err == ERR_OK && i < from->count; i++) {
        struct range range = from->addrs[i].range;
        if (ip_cmp(&range.first, &within->last) > 0)
            break;
        if (ip_cmp(&range.first, &within->first) < 0)
            range.first = within->first;
        if (ip_cmp(&range.last, &within->last) > 0)
            range.last = within->last;
        err = append(out, room, &range, from->addrs[i].value);
    }
    return err;
}

static bool
meets(const struct list_flat *flat, const struct range *range)
{
    size_t i = listflat_find(flat->addrs, flat->count, &range->first);
    return i < flat->count && ip_cmp(&flat->addrs[i].range.first, &range->last) <= 0;
}

/* Those of the layer's edits of one kind that meet the place, flattened. */
static enum err
flatten_layer(struct listpatch *patch, const struct list_layer *layer, enum list_type type,
    enum list_edit_kind kind, struct slice value, struct list_flat *out)
{
    struct list_collect collect;
    enum err err = listcollect_init(&collect, type, &patch->arena);
    *out = (struct list_flat){0};
    for (size_t i = 0; err == ERR_OK && i < layer->count; i++) {
        const struct list_edit *edit = &layer->edits[i];
        if (edit->type == type && edit->kind == kind && meets(&patch->where, &edit->entry.range))
            err = listcollect_add(&collect, &edit->entry, edit->value.n > 0 ? edit->value : value);
    }
    if (err == ERR_OK)
        err = listcollect_flatten(&collect, out);
    listcollect_free(&collect);
    return err;
}

/* The addresses that are edited, whatever becomes of them. */
static enum err
flatten_change(struct listpatch *patch, const struct list_change *change, struct slice value)
{
    struct list_collect collect;
    enum err err = listcollect_init(&collect, change->edits[0].type, &patch->arena);
    for (size_t i = 0; err == ERR_OK && i < change->count; i++)
        err = listcollect_add(&collect, &change->edits[i].entry, value);
    if (err == ERR_OK)
        err = listcollect_flatten(&collect, &patch->where);
    listcollect_free(&collect);
    return err;
}

/* What of a layer lies where the patch is. */
static enum err
clip_all(const struct listpatch *patch, const struct list_flat *from, struct list_flat *out)
{
    size_t room = 0;
    enum err err = ERR_OK;
    *out = (struct list_flat){0};
    for (size_t i = 0; err == ERR_OK && i < patch->where.count; i++)
        err = clip(from, &patch->where.addrs[i].range, out, &room);
    return err;
}

/* What the files list of the addresses: entries that meet them say so, as in the whole list. */
static enum err
read_files(struct listpatch *patch, struct kv_txn *txn, const struct liststore_source *source)
{
    struct list_collect collect;
    struct list_flat found = {0};
    enum err err = listcollect_init(&collect, source->type, &patch->arena);
    if (err == ERR_OK)
        err = listscan(txn, source, &patch->where, &collect);
    if (err == ERR_OK)
        err = listcollect_flatten(&collect, &found);
    if (err == ERR_OK)
        err = clip_all(patch, &found, &patch->what);
    listcollect_free_flat(&found);
    listcollect_free(&collect);
    return err;
}

static enum err
overlay_layer(struct listpatch *patch, const struct list_layer *layer, enum list_type type,
    enum list_edit_kind kind, struct slice value)
{
    struct list_flat all = {0}, inside = {0};
    uint64_t dropped;
    enum err err = flatten_layer(patch, layer, type, kind, value, &all);
    if (err == ERR_OK)
        err = clip_all(patch, &all, &inside);
    if (err == ERR_OK)
        err = listoverlay(&patch->what, &inside, kind == LIST_EDIT_DEL, &dropped);
    listcollect_free_flat(&all);
    listcollect_free_flat(&inside);
    return err;
}

enum err
listpatch_init(struct listpatch *patch, const struct list_change *change,
    const struct list_layer *layer, struct slice value, struct kv_txn *txn,
    const struct liststore_source *source)
{
    enum list_type type = change->edits[0].type;
    *patch = (struct listpatch){0};
    if (list_type_info(type)->holds == LIST_HOLDS_NAMES)
        return listpatch_names_init(patch, change, layer, value, txn, source);
    enum err err = flatten_change(patch, change, value);
    /* Where somebody takes off, nothing is left, whatever was added. */
    if (err < 0 || (!change->undone && change->edits[0].kind == LIST_EDIT_DEL))
        return err;
    if (change->undone)
        err = read_files(patch, txn, source);
    if (err == ERR_OK)
        err = overlay_layer(patch, layer, type, LIST_EDIT_ADD, value);
    return err == ERR_OK ? overlay_layer(patch, layer, type, LIST_EDIT_DEL, value) : err;
}

static void
set_key(const struct patching *p, const struct ip *ip, struct store_key *key)
{
    size_t n = p->family == 4 ? 4 : 16;
    store_key_init(key, STORE_ADDR, p->dataset, p->family);
    store_key_add(key, ip->b + sizeof ip->b - n, n);
}

/* The block that has the address or is the first after it. */
static enum err
seek(struct patching *p, const struct ip *ip, struct slice *key, struct slice *value,
    struct range *range)
{
    struct store_key from;
    set_key(p, ip, &from);
    kv_cursor_seek(p->cursor, store_key_slice(&from));
    enum err err = kv_cursor_next(p->cursor, key, value);
    return err == ERR_OK ? ipset_block_range(*key, *value, range) : err;
}

/* The largest aligned prefix from first on that does not reach beyond last. */
static struct range
aligned(const struct ip *first, const struct ip *last)
{
    struct range range = {*first, *first};
    for (unsigned bit = 0; bit < 8 * sizeof first->b; bit++) {
        uint8_t mask = (uint8_t)(1U << bit % 8);
        struct ip wider = range.last;
        wider.b[sizeof wider.b - 1 - bit / 8] |= mask;
        if ((first->b[sizeof wider.b - 1 - bit / 8] & mask) != 0 || ip_cmp(&wider, last) > 0)
            break;
        range.last = wider;
    }
    return range;
}

static enum err
add_served(void *ctx, const struct ipset_hit *entry)
{
    struct patching *p = ctx;
    return append(&p->served, &p->served_room, &entry->range, entry->value);
}

/* One address of an entry that touches a place from outside: they may be one range. */
static enum err
add_beside(struct patching *p, const struct ip *ip)
{
    struct slice key, value;
    struct range range;
    struct ipset_hit hit;
    const struct list_flat *served = &p->served;
    if (served->count > 0 && ip_cmp(&served->addrs[served->count - 1].range.last, ip) >= 0)
        return ERR_OK;
    enum err err = seek(p, ip, &key, &value, &range);
    if (err == ERR_OK)
        err = ipset_block_find(key, value, ip, &hit);
    if (err == ERR_OK)
        err = append(&p->served, &p->served_room, &(struct range){*ip, *ip}, hit.value);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* What touches the last place and the one that comes next, or none where that is NULL. */
static enum err
add_neighbours(struct patching *p, const struct range *next)
{
    enum err err = ERR_OK;
    if (p->place_count > 0) {
        struct ip after = p->places[p->place_count - 1].last;
        bool more = ip_next(&after);
        if (more && next != NULL && ip_cmp(&after, &next->first) == 0)
            return ERR_OK;
        err = more ? add_beside(p, &after) : ERR_OK;
    }
    if (err < 0 || next == NULL)
        return err;
    struct ip before = next->first;
    return ip_prev(&before) ? add_beside(p, &before) : ERR_OK;
}

/* Every block from the one that was found to the end of the place. */
static enum err
add_blocks(struct patching *p, const struct range *place)
{
    struct slice key, value;
    struct range range;
    enum err err = seek(p, &place->first, &key, &value, &range);
    while (err == ERR_OK && ip_cmp(&range.first, &place->last) <= 0) {
        if (++p->blocks > LISTPATCH_BLOCKS_MAX)
            return ERR_RANGE;
        err = records_add(&p->before, key, value);
        if (err == ERR_OK)
            err = ipset_block_each(key, value, add_served, p);
        if (err == ERR_OK)
            err = kv_cursor_next(p->cursor, &key, &value);
        if (err == ERR_OK)
            err = ipset_block_range(key, value, &range);
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* The place with ip, of the edited addresses from ip to last: a block that has all of an aligned
 * prefix of these, else that prefix. Prefixes lie one in the other or apart, so the other blocks
 * that meet the place lie inside it, and are taken; and the blocks that are made of its entries,
 * whose prefixes are the longest ones with these, lie inside it too. So none of them can cover
 * a block from elsewhere, nor be covered by one. */
static enum err
add_place(struct patching *p, const struct ip *ip, const struct ip *last)
{
    struct slice key, value;
    struct range block, range = aligned(ip, last);
    enum err err = seek(p, ip, &key, &value, &block);
    if (err == ERR_OK && ip_cmp(&block.first, &range.first) <= 0 &&
        ip_cmp(&block.last, &range.last) >= 0)
        range = block;
    if (err == ERR_NOTFOUND)
        err = ERR_OK;
    if (err == ERR_OK)
        err = add_neighbours(p, &range);
    if (err == ERR_OK)
        err = add_blocks(p, &range);
    if (err == ERR_OK)
        err = grow(&p->places, p->place_count, &p->place_room, sizeof *p->places);
    if (err == ERR_OK)
        p->places[p->place_count++] = range;
    return err;
}

/* All places in order, with what is served there. */
static enum err
find_places(struct patching *p)
{
    const struct list_flat *where = &p->patch->where;
    for (size_t i = 0; i < where->count; i++) {
        struct ip at = where->addrs[i].range.first;
        const struct ip last = where->addrs[i].range.last;
        const struct range *before = p->place_count == 0 ? NULL : &p->places[p->place_count - 1];
        bool more = true;
        if (before != NULL && ip_cmp(&before->last, &at) >= 0) {
            at = before->last;
            more = ip_next(&at);
        }
        while (more && ip_cmp(&at, &last) <= 0) {
            enum err err = add_place(p, &at, &last);
            if (err < 0)
                return err;
            at = p->places[p->place_count - 1].last;
            more = ip_next(&at);
        }
    }
    return add_neighbours(p, NULL);
}

/* The new blocks of every place, from all its entries. */
static enum err
build_places(struct patching *p, const struct list_flat *all)
{
    struct list_flat inside = {0};
    size_t room = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < p->place_count; i++) {
        inside.count = 0;
        err = clip(all, &p->places[i], &inside, &room);
        if (err == ERR_OK)
            err = ipset_build(p->dataset, inside.addrs, inside.count, records_add, &p->after);
    }
    listcollect_free_flat(&inside);
    return err;
}

static enum err
patch_blocks(struct patching *p, struct records *changes)
{
    struct listpatch *patch = p->patch;
    uint64_t covered;
    enum err err = find_places(p);
    size_t ranges = p->served.count;
    if (err == ERR_OK)
        err = listoverlay(&p->served, &patch->where, true, &patch->dropped);
    if (err == ERR_OK)
        err = listoverlay(&p->served, &patch->what, false, &covered);
    patch->entries = (int64_t)p->served.count - (int64_t)ranges;
    if (err == ERR_OK)
        err = build_places(p, &p->served);
    return err == ERR_OK ? records_compare(&p->before, &p->after, changes) : err;
}

enum err
listpatch_blocks(
    struct listpatch *patch, struct kv_txn *txn, uint16_t dataset, struct records *changes)
{
    struct patching p = {.patch = patch, .txn = txn, .dataset = dataset};
    struct store_key prefix;
    patch->entries = 0;
    patch->dropped = 0;
    if (patch->where.names != NULL)
        return listpatch_names_blocks(patch, txn, dataset, changes);
    if (patch->where.count == 0)
        return ERR_OK;
    p.family = ip_is4(&patch->where.addrs[0].range.first) ? 4 : 6;
    store_key_init(&prefix, STORE_ADDR, dataset, p.family);
    enum err err = kv_cursor_open(txn, store_key_slice(&prefix), &p.cursor);
    if (err < 0)
        return err;
    err = patch_blocks(&p, changes);
    kv_cursor_close(&p.cursor);
    listcollect_free_flat(&p.served);
    records_free(&p.before);
    records_free(&p.after);
    free(p.places);
    return err;
}
