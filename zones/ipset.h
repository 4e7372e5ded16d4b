/*
 * Address sets in answers.mdb: disjoint ranges with values, packed in blocks.
 *
 * A block covers an aligned prefix of any length; IPv4 and IPv6 are packed alike, in two key
 * spaces. A prefix is split in halves exactly when its encoding exceeds IPSET_BLOCK_MAX bytes and
 * it has more than one entry, so block borders are a function of the content inside the prefix and
 * an edit changes blocks locally. Empty prefixes have no block. A range that a border crosses is
 * cut there, and a look-up yields the part in its block.
 *
 * Key: STORE_ADDR dataset family last address of the prefix (4 or 16 bytes). So the first key >=
 * the one of an address is its block or lies past it: a look-up is one seek and a search in the
 * block.
 *
 * Value, big-endian, w = number of address bytes not fixed by the prefix length (ceil of
 * (bits - plen) / 8):
 *     plen(1) flags(1) count(2) dictionary-bytes(2)
 *     dictionary: size(2) bytes ... (distinct values in order of first use)
 *     first addresses: count x w       (low w bytes)
 *     last addresses: count x w        (IPSET_RANGES: some entry is wider than one address)
 *     value numbers: count x 1 or 2    (IPSET_NUMBERS_1: the dictionary has more than one value;
 *                                       IPSET_NUMBERS_2: more than 256)
 * A value is that of verdict.h.
 *
 * ipset.c is on the answer path: nothing allocated, every length checked against the record.
 */
#ifndef ZONES_IPSET_H
#define ZONES_IPSET_H

#include <stdint.h>

#include "ip.h"
#include "kvread.h"
#include "store.h"

#define IPSET_BLOCK_MAX   1800
#define IPSET_HEADER_SIZE 6
#define IPSET_KEY_FIXED   4 /* key bytes before the address */

enum ipset_flag { IPSET_RANGES = 1, IPSET_NUMBERS_1 = 2, IPSET_NUMBERS_2 = 4 };

struct ipset_hit {
    struct slice value; /* borrowed until the snapshot goes */
    struct range range; /* the entry that matched */
};

/* ERR_NOTFOUND when no entry covers ip, ERR_FORMAT for a damaged block. O(log entries). */
enum err ipset_lookup(
    struct kvread *reader, uint16_t dataset, const struct ip *ip, struct ipset_hit *out) MUST_CHECK;

/* The search inside one block. ERR_NOTFOUND also for an address outside the block's prefix. */
enum err ipset_block_find(
    struct slice key, struct slice value, const struct ip *ip, struct ipset_hit *out) MUST_CHECK;

/* One entry to pack; value is borrowed until the build ends. */
struct ipset_entry {
    struct range range;
    struct slice value;
};

/* ipset_build.c: entries sorted by first address, disjoint, IPv4 (as mapped addresses) and IPv6
 * mixed as ip_cmp orders them; an IPv6 range must not contain ::ffff:0:0/96 (ERR_RANGE). Emits
 * records in key order. Deterministic: the same entries give the same bytes. */
enum err ipset_build(uint16_t dataset, const struct ipset_entry *entries, size_t count,
    store_emit_fn emit, void *ctx) MUST_CHECK;

/* Walk a block's entries for dumps: calls each in order. */
typedef enum err (*ipset_each_fn)(void *ctx, const struct ipset_hit *entry);
enum err ipset_block_each(
    struct slice key, struct slice value, ipset_each_fn each, void *ctx) MUST_CHECK;

#endif
