/* Equal prefixes of a list; see listdup.h. */
#include "loader/listdup.h"

#include <stdlib.h>

enum { ROOM_LEAST = 1024, KEY_SIZE = sizeof(struct range) };

void
listdup_free(struct listdup *dup)
{
    free(dup->slots);
    *dup = (struct listdup){0};
}

static struct slice
key_of(const struct list_read *read, size_t i, uint32_t v4[2])
{
    const struct list_item *item = &read->items[i];
    if (list_type_info(read->file.type)->holds != LIST_HOLDS_V4)
        return slice_of(read->bytes.p + item->key_at, KEY_SIZE);
    v4[0] = item->first;
    v4[1] = item->last;
    return slice_of(v4, 2 * sizeof *v4);
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
find(const struct listdup *dup, const struct list_read *read, struct slice key)
{
    size_t at = (size_t)hash_of(key) & (dup->room - 1);
    uint32_t v4[2];
    while (dup->slots[at] != 0 && slice_cmp(key_of(read, dup->slots[at] - 1, v4), key) != 0)
        at = (at + 1) & (dup->room - 1);
    return &dup->slots[at];
}

static bool
grow(struct listdup *dup, const struct list_read *read)
{
    struct listdup larger = {
        .room = dup->room == 0 ? ROOM_LEAST : dup->room * 2, .count = dup->count};
    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < dup->room; i++) {
        uint32_t v4[2];
        if (dup->slots[i] != 0)
            *find(&larger, read, key_of(read, dup->slots[i] - 1, v4)) = dup->slots[i];
    }
    free(dup->slots);
    *dup = larger;
    return true;
}

bool
listdup_note(struct listdup *dup, const struct list_read *read)
{
    uint32_t v4[2];
    size_t last = read->count - 1;
    if (dup->count * 2 >= dup->room && !grow(dup, read))
        return false;
    uint32_t *slot = find(dup, read, key_of(read, last, v4));
    if (*slot != 0)
        return true;
    *slot = (uint32_t)(last + 1);
    dup->count++;
    return false;
}
