/* Edits of a list of names as changes of blocks; see listpatch.h. Blocks are made anew from the one
 * that an edit is in to the first border behind it that is as it was. A wildcard that changed has
 * nothing below it there, so that the context of the next block, and all that follows, is as it was
 * too. */
#include <stdlib.h>

#include "loader/listoverlay.h"
#include "loader/listpatch.h"
#include "loader/listscan.h"
#include "zones/store.h"

struct key {
    size_t n;
    uint8_t b[DNAME_KEY_MAX];
};

static void
set_key(struct key *key, const struct dname *name)
{
    key->n = dname_key(name, key->b);
}

static struct slice
slice_of_key(const struct key *key)
{
    return slice_of(key->b, key->n);
}

static bool
is_under(const struct key *key, const struct key *cover)
{
    return key->n >= cover->n && memcmp(key->b, cover->b, cover->n) == 0;
}

/* Names in the order of their keys, and how far they were passed. */
struct names {
    const struct list_flat *flat;
    size_t at;
    struct key key; /* of that one */
};

static void
names_begin(struct names *names, const struct list_flat *flat)
{
    *names = (struct names){.flat = flat};
    if (flat->count > 0)
        set_key(&names->key, &flat->names[0].name);
}

/* NULL past the last. */
static const struct nameset_entry *
names_now(const struct names *names)
{
    return names->at < names->flat->count ? &names->flat->names[names->at] : NULL;
}

static void
names_next(struct names *names)
{
    if (++names->at < names->flat->count)
        set_key(&names->key, &names->flat->names[names->at].name);
}

/* Which slots the patch is about, of names asked for in order. */
struct place {
    struct names where;
    bool covered; /* a wildcard was met */
    struct key cover;
};

/* Takes the slots out of an entry that the patch is about; with keep, all others. */
static void
place_clip(struct place *place, const struct key *key, bool keep, struct nameset_entry *entry)
{
    const struct nameset_entry *now;
    bool exact = false, wild = false;
    while ((now = names_now(&place->where)) != NULL) {
        int order = slice_cmp(slice_of_key(&place->where.key), slice_of_key(key));
        if (order > 0)
            break;
        if (now->wild.kind != NAMESET_SLOT_EMPTY &&
            !(place->covered && is_under(&place->where.key, &place->cover))) {
            place->covered = true;
            place->cover = place->where.key;
        }
        exact = order == 0 && now->exact.kind != NAMESET_SLOT_EMPTY;
        names_next(&place->where);
    }
    if (place->covered && is_under(key, &place->cover)) {
        wild = true;
        exact = exact || key->n > place->cover.n;
    }
    if (exact != keep)
        entry->exact = (struct nameset_slot){.kind = NAMESET_SLOT_EMPTY};
    if (wild != keep)
        entry->wild = (struct nameset_slot){.kind = NAMESET_SLOT_EMPTY};
}

static bool
is_empty(const struct nameset_entry *entry)
{
    return entry->exact.kind == NAMESET_SLOT_EMPTY && entry->wild.kind == NAMESET_SLOT_EMPTY;
}

static bool
is_listed(const struct nameset_entry *entry)
{
    return entry->exact.kind == NAMESET_SLOT_VALUE || entry->wild.kind == NAMESET_SLOT_VALUE;
}

/* Leaves of a layer only what the patch is about. */
static void
clip(const struct list_flat *where, struct list_flat *flat)
{
    struct place place = {.covered = false};
    size_t kept = 0;
    names_begin(&place.where, where);
    for (size_t i = 0; i < flat->count; i++) {
        struct nameset_entry entry = flat->names[i];
        struct key key;
        set_key(&key, &entry.name);
        place_clip(&place, &key, true, &entry);
        if (!is_empty(&entry))
            flat->names[kept++] = entry;
    }
    flat->count = kept;
}

static enum err
read_files(struct listpatch *patch, struct kv_txn *txn, const struct liststore_source *source)
{
    struct list_collect collect;
    enum err err = listcollect_init(&collect, source->type, &patch->arena);
    if (err == ERR_OK)
        err = listscan(txn, source, &patch->where, &collect);
    if (err == ERR_OK)
        err = listcollect_flatten(&collect, &patch->what);
    listcollect_free(&collect);
    return err;
}

/* Edits of one kind, or of both where that is NULL, flattened. */
static enum err
flatten(struct listpatch *patch, const struct list_edit *edits, size_t count,
    const enum list_edit_kind *kind, struct slice value, struct list_flat *out)
{
    struct list_collect collect;
    enum err err = listcollect_init(&collect, LIST_DNSET, &patch->arena);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        const struct list_edit *edit = &edits[i];
        if (edit->type == LIST_DNSET && (kind == NULL || edit->kind == *kind))
            err = listcollect_add(&collect, &edit->entry, edit->value.n > 0 ? edit->value : value);
    }
    if (err == ERR_OK)
        err = listcollect_flatten(&collect, out);
    listcollect_free(&collect);
    return err;
}

/* As listset.c lays the layer over all entries; here what of it is elsewhere goes in the end. */
static enum err
overlay_layer(struct listpatch *patch, const struct list_layer *layer, enum list_edit_kind kind,
    struct slice value)
{
    struct list_flat upper = {0};
    uint64_t dropped;
    enum err err = flatten(patch, layer->edits, layer->count, &kind, value, &upper);
    if (err == ERR_OK)
        err = listoverlay(&patch->what, &upper, kind == LIST_EDIT_DEL, &dropped);
    listcollect_free_flat(&upper);
    return err;
}

enum err
listpatch_names_init(struct listpatch *patch, const struct list_change *change,
    const struct list_layer *layer, struct slice value, struct kv_txn *txn,
    const struct liststore_source *source)
{
    enum err err = flatten(patch, change->edits, change->count, NULL, value, &patch->where);
    if (err == ERR_OK && change->undone)
        err = read_files(patch, txn, source);
    if (err == ERR_OK)
        err = overlay_layer(patch, layer, LIST_EDIT_ADD, value);
    if (err == ERR_OK)
        err = overlay_layer(patch, layer, LIST_EDIT_DEL, value);
    if (err == ERR_OK)
        clip(&patch->where, &patch->what);
    return err;
}

/* One call of listpatch_names_blocks. */
struct patching {
    struct listpatch *patch;
    struct kv_cursor *cursor; /* over the dataset's blocks */
    uint16_t dataset;
    struct nameset_builder *builder;
    struct place place;
    struct names what; /* what was not put yet */
    uint64_t put;      /* entries of the present run */
    unsigned blocks;
    struct records before, after;
};

static enum err
put(struct patching *p, const struct nameset_entry *entry)
{
    p->patch->entries++;
    p->put++;
    return nameset_builder_add(p->builder, entry);
}

/* Puts what is listed now before a name, or all of it. */
static enum err
put_before(struct patching *p, const struct key *key)
{
    const struct nameset_entry *now;
    enum err err = ERR_OK;
    while (err == ERR_OK && (now = names_now(&p->what)) != NULL &&
           (key == NULL || slice_cmp(slice_of_key(&p->what.key), slice_of_key(key)) < 0)) {
        err = put(p, now);
        names_next(&p->what);
    }
    return err;
}

/* An entry that is served. */
static enum err
replace(void *ctx, const struct nameset_entry *served)
{
    struct patching *p = ctx;
    struct key key;
    struct nameset_entry entry = *served;
    set_key(&key, &entry.name);
    enum err err = put_before(p, &key);
    if (err < 0)
        return err;
    place_clip(&p->place, &key, false, &entry);
    const struct nameset_entry *what = names_now(&p->what);
    if (what != NULL && slice_cmp(slice_of_key(&p->what.key), slice_of_key(&key)) == 0) {
        if (what->exact.kind != NAMESET_SLOT_EMPTY)
            entry.exact = what->exact;
        if (what->wild.kind != NAMESET_SLOT_EMPTY)
            entry.wild = what->wild;
        names_next(&p->what);
    }
    p->patch->entries--;
    p->patch->dropped += is_listed(served) && !is_listed(&entry);
    return is_empty(&entry) ? ERR_OK : put(p, &entry);
}

/* The name that a block ends with; false: the last block, whose key has none. */
static bool
last_name(struct slice key, struct key *out)
{
    struct store_key bare;
    store_key_init(&bare, STORE_NAME, 0, NAMESET_INNER);
    const uint8_t *bytes = key.p;
    if (key.n < bare.n || key.n - bare.n > sizeof out->b || bytes[bare.n - 1] == NAMESET_LAST)
        return false;
    out->n = key.n - bare.n;
    memcpy(out->b, bytes + bare.n, out->n);
    return true;
}

/* Whether all that the patch is about in this run lies up to and with the name. */
static bool
is_over(const struct patching *p, const struct key *last)
{
    if (names_now(&p->place.where) != NULL &&
        slice_cmp(slice_of_key(&p->place.where.key), slice_of_key(last)) <= 0)
        return false;
    return !p->place.covered || !is_under(last, &p->place.cover);
}

/* With the set's last block. Where nothing is left of the run, the block before it would be the
 * last, which it does not know. */
static enum err
end_set(struct patching *p)
{
    enum err err = put_before(p, NULL);
    while (names_now(&p->place.where) != NULL)
        names_next(&p->place.where);
    if (err == ERR_OK && p->put == 0)
        return ERR_RANGE;
    return err == ERR_OK ? nameset_builder_end(p->builder, true) : err;
}

/* A block as it becomes. *over: the run ends with it; else key and value are the next one's. */
static enum err
remake_block(struct patching *p, struct slice *key, struct slice *value, bool *over)
{
    struct key last;
    if (++p->blocks > LISTPATCH_NAME_BLOCKS_MAX)
        return ERR_RANGE;
    enum err err = records_add(&p->before, *key, *value);
    if (err < 0)
        return err;
    const struct record *copy = &p->before.items[p->before.count - 1];
    err = nameset_block_each(copy->key, copy->value, replace, p);
    *over = !last_name(copy->key, &last);
    if (err < 0)
        return err;
    if (*over)
        return end_set(p);
    *over = is_over(p, &last) && nameset_builder_ends(p->builder, slice_of_key(&last));
    return *over ? nameset_builder_end(p->builder, false) : kv_cursor_next(p->cursor, key, value);
}

/* From the block on that the next name to be changed is in or belongs into. */
static enum err
remake_run(struct patching *p)
{
    struct store_key from;
    struct slice key, value;
    bool over = false;
    store_key_init(&from, STORE_NAME, p->dataset, NAMESET_INNER);
    store_key_add(&from, p->place.where.key.b, p->place.where.key.n);
    kv_cursor_seek(p->cursor, store_key_slice(&from));
    p->put = 0;
    enum err err = kv_cursor_next(p->cursor, &key, &value);
    if (err == ERR_NOTFOUND)
        return end_set(p);
    if (err == ERR_OK)
        err = nameset_builder_begin(p->builder, value);
    while (err == ERR_OK && !over)
        err = remake_block(p, &key, &value, &over);
    return err;
}

static enum err
patch_blocks(struct patching *p, struct records *changes)
{
    enum err err = nameset_builder_open(p->dataset, records_add, &p->after, &p->builder);
    while (err == ERR_OK && names_now(&p->place.where) != NULL)
        err = remake_run(p);
    return err == ERR_OK ? records_compare(&p->before, &p->after, changes) : err;
}

enum err
listpatch_names_blocks(
    struct listpatch *patch, struct kv_txn *txn, uint16_t dataset, struct records *changes)
{
    struct store_key prefix;
    struct patching *p = calloc(1, sizeof *p);
    if (p == NULL)
        return ERR_NOMEM;
    p->patch = patch;
    p->dataset = dataset;
    patch->entries = 0;
    patch->dropped = 0;
    names_begin(&p->place.where, &patch->where);
    names_begin(&p->what, &patch->what);
    /* Of both families. */
    store_key_init(&prefix, STORE_NAME, dataset, NAMESET_INNER);
    enum err err = kv_cursor_open(txn, slice_of(prefix.b, prefix.n - 1), &p->cursor);
    if (err == ERR_OK)
        err = patch_blocks(p, changes);
    kv_cursor_close(&p->cursor);
    nameset_builder_close(&p->builder);
    records_free(&p->before);
    records_free(&p->after);
    free(p);
    return err;
}
