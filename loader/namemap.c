/*
 * An open-addressing table of numbers into an array of names.
 */
#include <stdlib.h>

#include "loader/namemap.h"
#include "zones/fnv.h"

void
namemap_free(struct namemap *map)
{
    free(map->names);
    free(map->slots);
    *map = (struct namemap){0};
}

/* FNV-1a: the table lives for one run and holds names that the resolver was asked anyway, so an
 * attacker gains nothing from collisions but a slower run. */
static size_t
hash(const struct dname *name)
{
    uint64_t h = fnv_add(FNV_START, name->b, name->len);
    return (size_t)(h ^ h >> 29);
}

static size_t
find_slot(const struct namemap *map, const struct dname *name)
{
    size_t at = hash(name) & (map->slot_count - 1);
    while (map->slots[at] != 0 && !dname_equal(&map->names[map->slots[at] - 1], name))
        at = (at + 1) & (map->slot_count - 1);
    return at;
}

static enum err
grow(struct namemap *map)
{
    size_t room = map->room == 0 ? 64 : map->room * 2;
    if (room > UINT32_MAX / 2)
        return ERR_FULL;
    struct dname *names = reallocarray(map->names, room, sizeof *names);
    if (names == NULL)
        return ERR_NOMEM;
    map->names = names;
    uint32_t *slots = calloc(room * 2, sizeof *slots);
    if (slots == NULL)
        return ERR_NOMEM;
    free(map->slots);
    map->slots = slots;
    map->slot_count = room * 2;
    map->room = room;
    for (size_t i = 0; i < map->count; i++)
        map->slots[find_slot(map, &map->names[i])] = (uint32_t)(i + 1);
    return ERR_OK;
}

enum err
namemap_number(struct namemap *map, const struct dname *name, size_t *number)
{
    if (map->count == map->room) {
        enum err err = grow(map);
        if (err < 0)
            return err;
    }
    size_t at = find_slot(map, name);
    if (map->slots[at] == 0) {
        map->names[map->count++] = *name;
        map->slots[at] = (uint32_t)map->count;
    }
    *number = map->slots[at] - 1;
    return ERR_OK;
}
