/*
 * Asks the resolver for everything a dnscache wants: ldns packets over libev, a bounded window in
 * flight, retries per name, TCP on truncation, a canary before and after. Nothing else in the tree
 * sends a DNS query to a resolver.
 */
#ifndef LOADER_RESOLVE_H
#define LOADER_RESOLVE_H

#include "loader/dnscache.h"
#include "zones/zoneconf.h"

struct resolve_stats {
    uint64_t asked, answered, retried, tcp, failed,
        mismatched; /* packets with a wrong id, port or question: dropped */
    double seconds;
};

/* Called about once a second with how many were done of how many are known. May be NULL. */
typedef void (*resolve_progress_fn)(void *ctx, uint64_t done, uint64_t known);

struct resolver;

/* conf gives address, window, tries, time-out and TTL bounds; without one the system's first
 * nameserver (resolv.conf) is used. */
enum err resolver_open(
    const struct conf *conf, struct resolver **out, struct errmsg *msg) MUST_CHECK;
void resolver_close(struct resolver **resolver);

/* Asks all wanted questions once; those it could not get are DNS_FAIL in the cache. Bounded in
 * time: (tries x time-out) for each window's worth, and gives up early, failing the rest, when the
 * resolver answers nothing at all. Returns ERR_OK even if some failed. */
enum err resolve_wanted(struct resolver *resolver, struct dnscache *cache,
    resolve_progress_fn progress, void *ctx, struct errmsg *msg) MUST_CHECK;

/* The canary: conf->canary must have an A record, and "nx-<random>." under a name that cannot exist
 * must be NXDOMAIN (a resolver that rewrites NXDOMAIN would make every domain exist). ERR_REFUSED
 * with the reason in msg if either fails: then nothing may be concluded from DNS in this run. */
enum err resolve_canary(struct resolver *resolver, struct errmsg *msg) MUST_CHECK;

void resolver_stats(const struct resolver *resolver, struct resolve_stats *out);

#endif
