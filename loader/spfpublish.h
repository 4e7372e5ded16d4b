/*
 * The pair dataset on its way into answers.mdb: policies and dynamic pairs collected, what DNS
 * failed for kept as it is served now, hard limits set, all sorted.
 *
 * A hard limit is a day from which a domain's results are no more served. A policy that could be
 * made gets one of keep_s and half of it from now; the one it has stays as long as it is keep_s
 * away, so that runs do not rewrite what they find unchanged. keep_s 0 gives none. A policy with
 * unknown parts (temperror) is not published while the one before is within its limit.
 */
#ifndef LOADER_SPFPUBLISH_H
#define LOADER_SPFPUBLISH_H

#include "loader/publish.h"
#include "loader/spfpolicies.h"

struct spfpublish;

/* previous: what is served now, in the dataset of the name; NULL for nothing. It is borrowed, and
 * what it serves has to live until the set is published or copied. */
enum err spfpublish_new(struct kvread *previous, const char *dataset, uint32_t keep_s,
    int64_t now_s, struct spfpublish **out) MUST_CHECK;
void spfpublish_free(struct spfpublish **out);

/* Once a domain. The policy's tables are borrowed. */
enum err spfpublish_policy(struct spfpublish *publish, const struct dname *domain,
    const struct spfpolicy *policy) MUST_CHECK;
/* The result of a pair whose interval is dynamic; its domain's policy may come later. */
enum err spfpublish_pair(struct spfpublish *publish, const struct dname *domain,
    const struct ip *ip, enum reason reason) MUST_CHECK;
/* A pair that DNS failed for: keeps the result that is served, if there is one. */
enum err spfpublish_keep_pair(
    struct spfpublish *publish, const struct dname *domain, const struct ip *ip) MUST_CHECK;

/* policies, pairs and their counts of *out, which live until spfpublish_free. Call once. */
enum err spfpublish_finish(struct spfpublish *publish, struct publish_set *out) MUST_CHECK;

#endif
