/*
 * What one SPF term asks of DNS, and whether it matches: a, mx, ptr, exists, the targets of include
 * and redirect, %{p} and exp; with the limits of RFC 7208 4.6.4. The flow from term to term is in
 * spf.c.
 */
#ifndef LOADER_SPFDNS_H
#define LOADER_SPFDNS_H

#include "loader/spf.h"
#include "loader/spfmacro.h"
#include "loader/spfrecord.h"

/* Why an evaluation ends before its flow does. Nothing is asked after that. */
enum spfdns_stop {
    SPFDNS_GO,
    SPFDNS_PENDING,
    SPFDNS_TEMPERROR,
    SPFDNS_PERMERROR /* out->why is written */
};

/* One evaluation. */
struct spfdns {
    const struct spf_query *query;
    struct spf_result *out; /* flags, expires_s and why are kept up to date here */
    struct spf_limits limits;
    enum spfdns_stop stop;
    unsigned lookups, voids;       /* used so far (RFC 7208 4.6.4) */
    struct spfmacro_values values; /* domain changes with the record at work */
};

void spfdns_start(struct spfdns *dns, const struct spf_query *query, struct spf_limits limits,
    struct spf_result *out);

/* Ends the evaluation with "term at column N: cause", and the domain where it is not the query's.
 * Only the first one counts. term may be NULL: only the cause. */
void spfdns_permerror(struct spfdns *dns, const struct dname *domain,
    const struct spfrecord_error *term, const char *cause);

/* Asks, and stops where the answer is pending. */
enum dns_status spfdns_ask(
    struct spfdns *dns, enum dns_type type, const struct dname *name, struct dns_answer *answer);

/* Counts a term that asks DNS; false after the one too many, which is a permerror. */
bool spfdns_count(struct spfdns *dns, const struct dname *domain, const struct spfterm *term);

/* The term's domain-spec expanded in the record of domain. false: it comes out as no possible name
 * (RFC 7208 4.3), or the evaluation has stopped. */
bool spfdns_target(struct spfdns *dns, const struct dname *domain, const struct spfterm *term,
    struct dname *target);

/* Counts and evaluates an a, mx, ptr or exists term in the record of domain; false if it stopped.
 */
bool spfdns_matches(struct spfdns *dns, const struct dname *domain, const struct spfterm *term);
/* An ip4 or ip6 term; no DNS. */
bool spfdns_ip_matches(const struct ip *ip, const struct spfterm *term);

/* Writes out->explanation for a final fail by the record of domain; "" whenever something about it
 * is wrong (RFC 7208 6.2). */
void spfdns_explain(struct spfdns *dns, const struct dname *domain, const struct spfterm *exp);

#endif
