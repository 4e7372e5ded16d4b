/*
 * Flattening an ip4set: entries on four levels into disjoint ranges, by a sweep over the borders of
 * the entries, so that a range costs the same whatever its size. For lists_flatten and its tests.
 */
#ifndef LOADER_LISTFLAT_H
#define LOADER_LISTFLAT_H

#include <stdint.h>

#include "zones/err.h"
#include "zones/ipset.h"
#include "zones/slice.h"

/* Values of an answer: more than the server would give (LOOKUP_ITEMS_MAX) are left out. */
#define LISTFLAT_VALUES_MAX 32

struct listflat_entry {
    uint32_t first, last; /* both belong to it, host byte order */
    struct slice value;   /* one element; empty: an exclusion */
};

/* Bytes that stay where they are until all are freed. All zero bytes at first. */
struct listflat_arena {
    struct listflat_chunk *chunks;
};
struct slice listflat_keep(struct listflat_arena *arena, struct slice bytes); /* p NULL: no room */
void listflat_free(struct listflat_arena *arena);

/* Values one after the other, each once; new bytes come from the arena. One value comes back as it
 * is. */
enum err listflat_join(struct listflat_arena *arena, const struct slice *values, size_t count,
    struct slice *out) MUST_CHECK;

/* Entries in file order to sorted disjoint ranges: the most specific of the levels /32, /24, /16
 * and /8 that covers an address decides, with all its values in file order; an exclusion among
 * these is not listed. Neighbours of equal value are one range. *out is the caller's to free, its
 * values are the entries' or the arena's. O(n log n), and more only for values that overlap. */
enum err listflat_ranges(const struct listflat_entry *entries, size_t count,
    struct listflat_arena *arena, struct ipset_entry **out, size_t *out_count) MUST_CHECK;

#endif
