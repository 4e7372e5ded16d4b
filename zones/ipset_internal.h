/* What packing and look-up of address sets share: numbers of 128 bits, and where a block's columns
 * lie. Private to ipset.c and ipset_build.c; the format is described in ipset.h. */
#ifndef ZONES_IPSET_INTERNAL_H
#define ZONES_IPSET_INTERNAL_H

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "ipset.h"

/* An address of either family as a number: the 16 bytes of struct ip. */
typedef unsigned __int128 ipset_number;

static inline uint64_t
ipset_load64(const uint8_t *in)
{
    uint64_t word;
    memcpy(&word, in, sizeof word);
    return be64toh(word);
}

static inline ipset_number
ipset_number_of(const struct ip *ip)
{
    return (ipset_number)ipset_load64(ip->b) << 64 | ipset_load64(ip->b + 8);
}

/* Shifts that may be as wide as the number. */
static inline ipset_number
ipset_shr(ipset_number n, unsigned bits)
{
    return bits < 128 ? n >> bits : 0;
}

static inline ipset_number
ipset_shl(ipset_number n, unsigned bits)
{
    return bits < 128 ? n << bits : 0;
}

/* The lowest bits of a number, all set. */
static inline ipset_number
ipset_ones(unsigned bits)
{
    return bits < 128 ? ((ipset_number)1 << bits) - 1 : ~(ipset_number)0;
}

/* Bits that n takes; 0 for 0. */
static inline unsigned
ipset_width(ipset_number n)
{
    uint64_t high = (uint64_t)(n >> 64), low = (uint64_t)n;

    if (high != 0)
        return 128 - (unsigned)__builtin_clzll(high);
    return low != 0 ? 64 - (unsigned)__builtin_clzll(low) : 0;
}

static inline unsigned
ipset_width32(uint32_t n)
{
    return n != 0 ? 32 - (unsigned)__builtin_clz(n) : 0;
}

/* What a block's header says. */
struct ipset_head {
    unsigned bits;         /* of the family: 32 or 128 */
    unsigned plen;         /* of the prefix */
    unsigned unit_bits;    /* entries begin and end on multiples of 2^unit_bits addresses */
    unsigned length_width; /* bits of the sum of all lengths less one; 0: all are one unit long */
    unsigned values;       /* distinct ones: 1..IPSET_VALUES_MAX */
    unsigned count;        /* entries: 1..IPSET_ENTRIES_MAX */
};

/* A sequence of count numbers that never falls, each below 2^width. Offsets are bytes from the
 * record's start, sizes bits. */
struct ipset_column {
    size_t buckets, buckets_size; /* unary */
    size_t low;                   /* count x low_bits */
    unsigned low_bits;
};

struct ipset_layout {
    struct ipset_column first, length; /* length: only if length_width > 0 */
    size_t number;                     /* count x number_bits */
    unsigned number_bits;
    size_t ends, values; /* end of each value but the last, then the values */
};

static inline size_t
ipset_bytes(size_t bits)
{
    return (bits + 7) / 8;
}

/* Returns the offset behind the column. Its buckets are the least power of two that is not below
 * count, or as many as the width allows: that takes the fewest bits. */
static inline size_t
ipset_column_at(size_t at, unsigned count, unsigned width, struct ipset_column *out)
{
    unsigned high_bits = ipset_width32(count - 1);

    if (high_bits > width)
        high_bits = width;
    out->low_bits = width - high_bits;
    out->buckets = at;
    out->buckets_size = count + ((size_t)1 << high_bits);
    out->low = at + ipset_bytes(out->buckets_size);
    return out->low + ipset_bytes((size_t)count * out->low_bits);
}

/* Only for a head within its bounds, with plen + unit_bits <= bits. */
static inline void
ipset_layout(const struct ipset_head *head, struct ipset_layout *out)
{
    size_t at = ipset_column_at(
        IPSET_HEADER_SIZE, head->count, head->bits - head->plen - head->unit_bits, &out->first);

    out->length = (struct ipset_column){0};
    if (head->length_width > 0)
        at = ipset_column_at(at, head->count, head->length_width, &out->length);
    out->number = at;
    out->number_bits = ipset_width32(head->values - 1);
    out->ends = at + ipset_bytes((size_t)head->count * out->number_bits);
    out->values = out->ends + 2 * (size_t)(head->values - 1);
}

#endif
