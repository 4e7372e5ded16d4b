/* Sections of combined lists; see listparts.h. */
#include "loader/listparts.h"

#include <stdlib.h>

void
listparts_free(struct list_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        listcollect_free_flat(&parts->parts[i].flat);
    free(parts->parts);
    free(parts->sets);
    free(parts->zones);
    *parts = (struct list_parts){0};
}

/* The part is asked below the sub-zone too; once, however often that is said. */
static enum err
add_zone(struct list_parts *parts, const struct dname *name, size_t part)
{
    size_t at = 0;
    while (at < parts->zone_count && !dname_equal(&parts->zones[at].zone, name))
        at++;
    if (at == parts->zone_count) {
        struct combined_zone *grown = reallocarray(parts->zones, at + 1, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        parts->zones = grown;
        parts->zones[parts->zone_count++] = (struct combined_zone){.zone = *name};
    }
    struct combined_zone *zone = &parts->zones[at];
    if (zone->count == 0 || zone->ids[zone->count - 1] != part)
        zone->ids[zone->count++] = (uint16_t)part;
    return ERR_OK;
}

static enum err
add_zones(struct list_parts *parts, struct slice names, size_t part)
{
    enum err err = ERR_OK;
    while (names.n > 0 && err == ERR_OK) {
        struct dname name;
        if (dname_from_wire(names.p, names.n, &name) < 0)
            return ERR_FORMAT;
        names = slice_of((const uint8_t *)names.p + name.len, names.n - name.len);
        err = add_zone(parts, &name, part);
    }
    return err;
}

/* Those with more labels first, as combined_find wants them. */
static int
by_labels(const void *a, const void *b)
{
    const struct combined_zone *x = a, *y = b;
    unsigned labels = dname_labels(&x->zone), others = dname_labels(&y->zone);
    if (labels != others)
        return labels > others ? -1 : 1;
    return slice_cmp(slice_of(x->zone.b, x->zone.len), slice_of(y->zone.b, y->zone.len));
}

static enum err
read_part(struct kv_txn *txn, const struct liststore_source *source, struct listflat_arena *arena,
    struct list_parts *out, size_t i)
{
    struct list_collect collect;
    struct publish_set *set = &out->sets[i];
    struct list_flat *flat = &out->parts[i].flat;
    enum err err = listcollect_init(&collect, source->type, arena);
    if (err == ERR_OK)
        err = listcollect_read(&collect, txn, source);
    if (err == ERR_OK)
        err = listcollect_flatten(&collect, flat);
    out->parts[i].type = source->type;
    out->entries += collect.listed;
    listcollect_free(&collect);
    set->info.kind = list_type_kind(source->type);
    set->info.ttl_s = source->ttl_s;
    set->addrs = flat->addrs;
    set->v4 = flat->v4.first != NULL ? &flat->v4.ranges : NULL;
    set->names = flat->names;
    set->rrs = flat->rrs;
    set->count = flat->count;
    return err < 0 ? err : add_zones(out, source->files, i + 1);
}

enum err
listparts_read(struct kv_txn *txn, const char *name, const struct liststore_source *head,
    struct listflat_arena *arena, struct list_parts *out)
{
    enum err err = head->count > COMBINED_PARTS_MAX ? ERR_FORMAT : ERR_OK;
    if (err < 0)
        return err;
    out->parts = calloc(head->count + 1U, sizeof *out->parts);
    out->sets = calloc(head->count + 1U, sizeof *out->sets);
    if (out->parts == NULL || out->sets == NULL)
        return ERR_NOMEM;
    out->count = head->count;
    for (size_t i = 0; err == ERR_OK && i < out->count; i++) {
        struct liststore_source source;
        struct dataset *info = &out->sets[i].info;
        liststore_part_name(name, i + 1, info->name);
        err = liststore_get(txn, info->name, &source);
        if (err == ERR_OK && source.type == LIST_COMBINED)
            err = ERR_FORMAT;
        if (err == ERR_OK)
            err = read_part(txn, &source, arena, out, i);
        info->expires_s = head->expires_s;
    }
    if (err == ERR_OK && out->zone_count > 0)
        qsort(out->zones, out->zone_count, sizeof *out->zones, by_labels);
    return err == ERR_NOTFOUND ? ERR_FORMAT : err;
}
