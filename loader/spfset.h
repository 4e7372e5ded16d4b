/*
 * Sets of addresses of one family, as sorted disjoint ranges: what the flattening of SPF policies
 * computes with. An address is its number, IPv4 and IPv6 alike.
 */
#ifndef LOADER_SPFSET_H
#define LOADER_SPFSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zones/err.h"
#include "zones/ip.h"

typedef unsigned __int128 spfset_addr;

struct spfset_range {
    spfset_addr lo, hi; /* both belong to it */
};

/* An empty set is all zero bytes. Sorted, disjoint, and no two ranges touch. */
struct spfset {
    struct spfset_range *ranges;
    size_t count, room;
};

void spfset_free(struct spfset *set);

struct ip spfset_to_ip(spfset_addr addr, enum ip_family family);
/* The addresses that share the first bits with key, the size (4 or 16) bytes of an address. Of 16
 * bytes, ::ffff:0:0/96 is not IPv4 here: that no client has such an address is spfset_all's work.
 */
struct spfset_range spfset_prefix(const uint8_t *key, size_t size, unsigned bits);

/* Every address: of IPv6 all but ::ffff:0:0/96, whose clients are IPv4 (RFC 4291 2.5.5.2). */
enum err spfset_all(struct spfset *set, enum ip_family family) MUST_CHECK;

/* Behind the last range; spfset_order makes a set of it again. */
enum err spfset_append(struct spfset *set, struct spfset_range range) MUST_CHECK;
void spfset_order(struct spfset *set);

/* Moves what set has of range to the end of taken, which needs no order of its own. */
enum err spfset_take(
    struct spfset *set, struct spfset_range range, struct spfset *taken) MUST_CHECK;

#endif
