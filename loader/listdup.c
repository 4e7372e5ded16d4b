/* Equal prefixes of a list; see listdup.h. */
#include "loader/listdup.h"

#include <stdlib.h>

#include "zones/slice.h"

enum { ROOM_LEAST = 1024, V4_SIZE = 2 * sizeof(uint32_t) };

void
listdup_free(struct listdup *dup)
{
    listbytes_free(&dup->keys);
    free(dup->slots);
    *dup = (struct listdup){0};
}

static struct slice
key_of(const struct listdup *dup, size_t i, size_t size)
{
    return slice_of(dup->keys.p + i * size, size);
}

/* Multiplied by words: this runs for each line. */
static uint64_t
hash_of(struct slice key)
{
    const uint8_t *p = key.p;
    uint64_t hash = 0;
    for (size_t i = 0; i + sizeof(uint64_t) <= key.n; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, p + i, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return hash;
}

/* The slot of an equal key, or an empty one. */
static uint32_t *
find(const struct listdup *dup, struct slice key)
{
    size_t at = (size_t)hash_of(key) & (dup->room - 1);
    while (dup->slots[at] != 0 && slice_cmp(key_of(dup, dup->slots[at] - 1, key.n), key) != 0)
        at = (at + 1) & (dup->room - 1);
    return &dup->slots[at];
}

static bool
grow(struct listdup *dup, size_t size)
{
    struct listdup larger = *dup;
    larger.room = dup->room == 0 ? ROOM_LEAST : dup->room * 2;
    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < dup->room; i++)
        if (dup->slots[i] != 0)
            *find(&larger, key_of(dup, dup->slots[i] - 1, size)) = dup->slots[i];
    free(dup->slots);
    *dup = larger;
    return true;
}

bool
listdup_note(struct listdup *dup, bool v4, const struct range *range)
{
    const uint32_t ends[2] = {v4 ? ip_v4(&range->first) : 0, v4 ? ip_v4(&range->last) : 0};
    struct slice key = v4 ? slice_of(ends, V4_SIZE) : slice_of(range, sizeof *range);
    if (dup->count * 2 >= dup->room && !grow(dup, key.n))
        return false;
    uint32_t *slot = find(dup, key);
    if (*slot != 0)
        return true;
    if (!listbytes_append(&dup->keys, key.p, key.n))
        return false;
    *slot = (uint32_t)++dup->count;
    return false;
}
