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

#define SPFDNS_WHY_SIZE 200
/* "term at column N of domain: cause", printable; the domain where it is not sender's. term may be
 * NULL: only the cause and the domain. */
void spfdns_describe(const struct dname *sender, const struct dname *domain,
    const struct spfrecord_error *term, const char *cause, char why[SPFDNS_WHY_SIZE]);
/* "DNS failed for name", printable. */
void spfdns_describe_failure(const struct dname *name, char why[SPFDNS_WHY_SIZE]);

/* Causes of a permerror (RFC 7208 4.5, 4.6.4, 5.2, 6.1). */
#define SPFDNS_TOO_MANY_TERMS "too many terms that ask DNS (RFC 7208 4.6.4)"
#define SPFDNS_TOO_MANY_VOIDS "too many look-ups without an answer (RFC 7208 4.6.4)"
#define SPFDNS_TOO_MANY_MX    "more than 10 MX hosts (RFC 7208 4.6.4)"
#define SPFDNS_TWO_RECORDS    "more than one SPF record (RFC 7208 4.5)"
#define SPFDNS_NO_TARGET      "it expands to no possible domain"
#define SPFDNS_NO_RECORD      "that domain has no SPF record"

#define SPFDNS_MX_MAX 10 /* RFC 7208 4.6.4: more are a permerror */
struct spfdns_mx {
    unsigned preference;
    struct dname host;
};
/* Sorted by preference and name, so that the result does not depend on the order of an answer; the
 * root is left out. false for more than SPFDNS_MX_MAX. */
bool spfdns_mx_hosts(
    struct dns_answer answer, struct spfdns_mx hosts[SPFDNS_MX_MAX], unsigned *count);

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

/* Asks for the name that a term mentions and lets the answer go: a pending evaluation so wants all
 * names of its records at once, and needs one round for each level of records, not for each term.
 */
void spfdns_prefetch(struct spfdns *dns, const struct dname *domain, const struct spfterm *term);

/* Writes out->explanation for a final fail by the record of domain; "" whenever something about it
 * is wrong (RFC 7208 6.2). */
void spfdns_explain(struct spfdns *dns, const struct dname *domain, const struct spfterm *exp);

#endif
