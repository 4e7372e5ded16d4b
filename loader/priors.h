/*
 * What the neighbours of a client did, as a prior for it: the addresses of its /24 (of IPv6, its
 * /48), and those whose confirmed reverse names have the same registered domain. An address counts
 * once, whatever it sent, so that one can't colour its network; a prior is no kind of evidence.
 */
#ifndef LOADER_PRIORS_H
#define LOADER_PRIORS_H

#include "loader/judging.h"
#include "loader/namemap.h"
#include "loader/rdnsrows.h"

struct prior {
    uint32_t all;
    double bad; /* each reported as spam, with nobody who kept its mail: 1, or less when it faded */
};

struct network_prior {
    struct ip first;
    struct prior prior;
};

struct priors {
    const struct judging_env *env;
    struct network_prior *networks; /* in the order of a walk over history */
    size_t count, room, at;
    struct namemap domains;
    struct prior *domain_rows; /* beside domains.names */
    size_t domain_room;
    struct rdnsrows rows; /* reverse names that their neighbours have, too */
};

/* One pass over the history. */
enum err priors_make(const struct judging_env *env, struct priors *out) MUST_CHECK;
/* Fills near_bad and domain_bad of facts whose client and rdns are filled, and makes a named host
 * in a row of such a static one. Clients in the order of a walk over history; O(1) on the average.
 * Priors that are all zero say nothing. */
void priors_fill(struct priors *priors, struct client_facts *facts);
/* Likewise near_bad and domain_bad of a /64 judged as one, after its addresses: what they did is
 * its own doing. own: of all of them, own_domain: of those whose reverse name is confirmed, each
 * put in by priors_add. */
void priors_fill_network(struct priors *priors, struct client_facts *facts, const struct prior *own,
    const struct prior *own_domain);
void priors_add(const struct priors *priors, struct prior *own, const struct hist_client *client);
void priors_free(struct priors *priors);

#endif
