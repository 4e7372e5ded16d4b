/*
 * Flattening lists of addresses: entries that overlap into disjoint ranges, at a cost that does not
 * depend on how many addresses they have. For lists_flatten and its tests.
 *
 * An ip4set has entries on four levels (listflat.c: a sweep over their borders); the other types
 * have prefixes, which lie one in the other or apart (listflat_prefix.c).
 */
#ifndef LOADER_LISTFLAT_H
#define LOADER_LISTFLAT_H

#include <stdbool.h>
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

/* In sorted disjoint ranges, the number of the first that does not end before ip; count: none. */
size_t listflat_find(const struct ipset_entry *entries, size_t count, const struct ip *ip);

/* Few different values, by number. All zero bytes at first. */
enum { LISTFLAT_NUMBER_SLOTS = 4 * IPSET_VALUES_MAX };
struct listflat_values {
    size_t count;
    struct slice items[IPSET_VALUES_MAX];
    uint16_t slots[LISTFLAT_NUMBER_SLOTS]; /* number + 1; 0: free */
};
/* The number of a value, which is borrowed where it is new. ERR_RANGE: there are too many. */
enum err listflat_number(
    struct listflat_values *values, struct slice value, uint8_t *out) MUST_CHECK;

/* Ranges as above of which all have one value, or which have numbers of few, in few bytes. */
struct listflat_v4 {
    struct ipset_v4 ranges;
    uint32_t *first, *last; /* of the ranges */
    uint8_t *number;
    struct listflat_values *values;
};
void listflat_free_v4(struct listflat_v4 *flat);

/* Single addresses with one value, in any order: what listflat_ranges makes of them. Takes *addrs,
 * which becomes NULL. Free *out whatever is returned. O(n). */
enum err listflat_plain(
    uint32_t **addrs, size_t count, struct slice value, struct listflat_v4 *out) MUST_CHECK;
/* Single addresses with a value of these each, in file order: what listflat_ranges makes of them.
 * Takes all three, which become NULL. Free *out whatever is returned. ERR_RANGE: too many values
 * come of it; of its ranges some overlap then, and listflat_ranges is to make the best of them.
 * O(n). */
enum err listflat_numbered(uint32_t **addrs, uint8_t **numbers, struct listflat_values **values,
    size_t count, struct listflat_arena *arena, struct listflat_v4 *out) MUST_CHECK;
/* Of one value: single addresses among other entries, which have it too or are exclusions. O(n + m
 * log m) for m others and the addresses inside them. */
enum err listflat_mixed(uint32_t **addrs, size_t count, struct slice value,
    const struct listflat_entry *others, size_t other_count, struct listflat_arena *arena,
    struct listflat_v4 *out) MUST_CHECK;
/* The ranges under others, sorted and disjoint, or with cut without them. *dropped: ranges of which
 * nothing is left. ERR_RANGE: there are too many values, and flat is as it was. */
enum err listflat_over(struct listflat_v4 *flat, const struct ipset_entry *upper, size_t count,
    bool cut, uint64_t *dropped) MUST_CHECK;
/* As ranges with a value each; the caller's to free. NULL: no memory. */
struct ipset_entry *listflat_unpack(const struct ipset_v4 *ranges);

struct listflat_prefix {
    struct range range; /* one prefix; IPv4 as mapped addresses, or in an IPv6 list any */
    struct slice value; /* as above */
    uint32_t order;     /* set here */
};

/* Prefixes in file order, which are sorted in place, to ranges as above: the longest that covers an
 * address decides, of equal ones the first; an exclusion is not listed. v6: a list of IPv6, so that
 * nothing in ::ffff:0:0/96 is listed. ERR_FORMAT: not a prefix. O(n log n). */
enum err listflat_prefixes(struct listflat_prefix *prefixes, size_t count, bool v6,
    struct ipset_entry **out, size_t *out_count) MUST_CHECK;

#endif
