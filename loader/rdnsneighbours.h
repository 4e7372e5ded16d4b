/*
 * Whether an address' neighbours have the same name but for its numbers: then nobody named the host
 * ("p30.town.isp.example" among p12, p31 and p77). Pure; the caller knows the neighbours. It says
 * that the names are made in rows, not what stands behind: large mail farms number their hosts too,
 * so it decides only where neither words nor the address do.
 */
#ifndef LOADER_RDNSNEIGHBOURS_H
#define LOADER_RDNSNEIGHBOURS_H

#include <stddef.h>

#include "loader/rdns.h"

/* Both borrowed. */
struct rdns_named {
    const struct ip *ip;
    const struct dname *name;
};

struct rdns_neighbours {
    unsigned named;   /* others of the /24, or /64, that have a name */
    unsigned alike;   /* of them: the name differs in its numbers alone */
    unsigned counted; /* of them: its last differing number is as far off as the address is */
};

/* So many alike make a row. */
#define RDNS_NEIGHBOURS_ROW 3

/* Whether two addresses are of one network: a /24, or a /64 of IPv6. */
bool rdnsneighbours_share(const struct ip *a, const struct ip *b);

/* others may hold the address itself and addresses of elsewhere, which are passed over. */
void rdnsneighbours_count(const struct rdns_named *own, const struct rdns_named *others,
    size_t count, struct rdns_neighbours *out);

/* A name of its own becomes GENERIC_STATIC in a row; every other verdict stays. */
struct rdns_verdict rdnsneighbours_weigh(
    struct rdns_verdict verdict, const struct rdns_neighbours *neighbours);

#endif
