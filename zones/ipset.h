/*
 * Address sets in answers.mdb: disjoint ranges with values, packed in blocks.
 *
 * A block covers an aligned prefix of any length; IPv4 and IPv6 are packed alike, in two key
 * spaces. A prefix with more than one entry is split in halves exactly when its encoding exceeds
 * IPSET_BLOCK_MAX bytes or it has more than IPSET_VALUES_MAX values; a half without entries has no
 * block, and a block's prefix is the longest one with the same entries. The encoding of a part is
 * never larger than that of the whole, so block borders are a function of the content inside the
 * prefix and an edit changes blocks locally: among single addresses with one value it changes one
 * record, or up to three where a block splits, two merge or a block's prefix becomes another. A
 * range that a border crosses is cut there, and a look-up yields the part in its block. Where only
 * an edit was published (loader/listpatch.h), blocks may be smaller than that until the next
 * publish of the whole list; their prefixes are disjoint all the same, which is all that a look-up
 * needs.
 *
 * Key: STORE_ADDR dataset family last address of the prefix (4 or 16 bytes). So the first key >=
 * the one of an address is its block or lies past it: a look-up is one seek and a search in the
 * block.
 *
 * Value. Numbers are big-endian and bits are counted from a byte's highest; each part begins at a
 * whole byte. Addresses are counted from the prefix's first one in units of 2^unit addresses, the
 * largest on which every entry of the block begins and ends.
 *     plen(1) unit(1) length-width(1) values(1: the number less one) count(2)
 *     column of the first units of the entries, width = bits of the family - plen - unit
 *     column of the sums of (length in units - 1) up to and with each entry, width = length-width;
 *         none if length-width is 0: all entries are one unit long
 *     value numbers: count x (bits of the number of values less one)
 *     end of each value but the last, from the first value's start: 2 bytes each
 *     values, distinct, in order of first use; a value is that of verdict.h
 *
 * A column holds count numbers below 2^width that never fall (Elias and Fano's code). With h = bits
 * of (count - 1), but at most width, the highest h bits of a number are its bucket:
 *     buckets: for each of the 2^h buckets as many 1 bits as it has numbers, then a 0
 *     the lowest width - h bits of each number
 * So a number of n in a universe of u takes about 2 + log2(u / n) bits: of a random set of 1
 * million single IPv4 addresses 14.1, of 10 million 10.7.
 *
 * IPSET_BLOCK_MAX: three of the largest records fill a page of LMDB (4096 bytes, 16 of them its
 * header; 10 bytes of each record are LMDB's, 8 or 20 the key). Larger blocks leave more of a page
 * empty, smaller ones repeat a long value more often.
 *
 * ipset.c is on the answer path: nothing allocated, every length checked against the record.
 */
#ifndef ZONES_IPSET_H
#define ZONES_IPSET_H

#include <stdint.h>

#include "ip.h"
#include "kvread.h"
#include "store.h"

#define IPSET_BLOCK_MAX   1330
#define IPSET_HEADER_SIZE 6
#define IPSET_KEY_FIXED   4 /* key bytes before the address */
#define IPSET_VALUES_MAX  256
#define IPSET_ENTRIES_MAX 65535

struct ipset_hit {
    struct slice value; /* borrowed until the snapshot goes */
    struct range range; /* the entry that matched */
};

/* ERR_NOTFOUND when no entry covers ip, ERR_FORMAT for a damaged block. One seek, then in the block
 * a count of bits, 64 at a time, and a search of O(log entries) steps. */
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

/* Disjoint IPv4 ranges in order, in host byte order, which all have one value or few different
 * ones: a long list in a sixth of the memory. Borrowed until the build ends. */
struct ipset_v4 {
    const uint32_t *first, *last; /* both belong to the range */
    size_t count;
    struct slice value;         /* of all, unless they have numbers */
    const uint8_t *number;      /* of each one's value, or NULL */
    const struct slice *values; /* by these: IPSET_VALUES_MAX at most */
    size_t value_count;
};
static inline struct slice
ipset_v4_value(const struct ipset_v4 *ranges, size_t i)
{
    return ranges->number != NULL ? ranges->values[ranges->number[i]] : ranges->value;
}
/* As ipset_build, with the same records. */
enum err ipset_build_v4(
    uint16_t dataset, const struct ipset_v4 *ranges, store_emit_fn emit, void *ctx) MUST_CHECK;

/* Walk a block's entries for dumps: calls each in order. */
typedef enum err (*ipset_each_fn)(void *ctx, const struct ipset_hit *entry);
enum err ipset_block_each(
    struct slice key, struct slice value, ipset_each_fn each, void *ctx) MUST_CHECK;
/* The bounds of a block's prefix. An IPv6 one's may have the look of IPv4. */
enum err ipset_block_range(struct slice key, struct slice value, struct range *out) MUST_CHECK;

#endif
