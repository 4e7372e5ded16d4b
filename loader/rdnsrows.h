/*
 * Which addresses of the history have a reverse name in a row of their neighbours' (see
 * rdnsneighbours.h): collected network by network in one walk, looked up in a second one.
 */
#ifndef LOADER_RDNSROWS_H
#define LOADER_RDNSROWS_H

#include "loader/rdnsneighbours.h"

/* Names of one network that are kept, and that a name is compared with. */
enum { RDNSROWS_KEPT = 256, RDNSROWS_COMPARED = 64 };

struct rdnsrow {
    struct ip ip;
    struct rdns_neighbours neighbours;
};

/* Zeroed to begin with. */
struct rdnsrows {
    struct rdnsrow *rows; /* of those with a row of neighbours alone, in the order of addresses */
    size_t count, room, at;
    struct ip *ips; /* of the network that is being collected, with room for RDNSROWS_KEPT */
    struct dname *names;
    unsigned kept;
};

/* Addresses come in order; the last network is complete after rdnsrows_end. */
enum err rdnsrows_add(
    struct rdnsrows *rows, const struct ip *ip, const struct dname *name) MUST_CHECK;
enum err rdnsrows_end(struct rdnsrows *rows) MUST_CHECK;
/* NULL if it has no row. Addresses in order; O(1) on the average. Borrowed. */
const struct rdns_neighbours *rdnsrows_find(struct rdnsrows *rows, const struct ip *ip);
void rdnsrows_free(struct rdnsrows *rows);

#endif
