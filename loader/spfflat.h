/*
 * SPF policies made flat: the result of every address at once (RFC 7208), exactly as an evaluation
 * of each one by itself would give it, limits included. Addresses whose result depends on more than
 * the address and the domain (ptr, macros of the sender or client) come out as
 * SPFRESULT_DYNAMIC: only those that get as far as such a term.
 *
 * The policy is walked once with groups of undecided addresses (spfgroups.h). Look-ups that are
 * pending are skipped, so that one walk wants every name that it can: resolve, and make it again.
 * Pure but for the look-ups.
 */
#ifndef LOADER_SPFFLAT_H
#define LOADER_SPFFLAT_H

#include "loader/spf.h"
#include "zones/slice.h"
#include "zones/spftable.h"

enum { SPFFLAT_V4, SPFFLAT_V6, SPFFLAT_FAMILIES };

/* Intervals as spftable_build takes them, by SPFFLAT_ family; the texts are for both. */
struct spfflat_policy {
    bool pending;      /* answers are missing: the rest means nothing */
    bool temperror;    /* some addresses are SPFRESULT_UNKNOWN */
    bool dynamic;      /* some are SPFRESULT_DYNAMIC */
    bool passes_world; /* practically every IPv4 or every IPv6 address passes */
    int64_t expires_s; /* least expiry of the answers used */
    const struct spftable_span *spans[SPFFLAT_FAMILIES];
    size_t span_counts[SPFFLAT_FAMILIES];
    const struct slice *texts;
    unsigned text_count;
};

struct spfflat; /* memory that is used again, and records that are parsed; one per thread */
enum err spfflat_open(
    const struct spf_dns *dns, const struct spf_limits *limits, struct spfflat **out) MUST_CHECK;
void spfflat_close(struct spfflat **flat);

/* What is in *out is borrowed until the next call. A policy of more than SPFFLAT_PIECES_MAX
 * intervals or of more than SPFFLAT_LOOKUPS_MAX look-ups is dynamic as a whole: one address makes
 * at most some 110 (RFC 7208 4.6.4), but groups that leave an include by different paths could be
 * led to ever other names, thousands of them. ERR_NOMEM. */
#define SPFFLAT_PIECES_MAX  16384
#define SPFFLAT_LOOKUPS_MAX 500
enum err spfflat_make(
    struct spfflat *flat, const struct dname *domain, struct spfflat_policy *out) MUST_CHECK;

#endif
