/*
 * SPF results of any (address, sender domain) in answers.mdb. A dataset has three tables:
 *     STORE_NAME           the known domains, a name set (nameset.h) of exact names; the value is
 *                          table4(4) table6(4) limit-day(2)
 *     STORE_POLICY 4|6 id(4)   an interval table of a family (spftable.h); domains with equal
 *                          tables share one, found by the id in their value
 *     STORE_PAIR 0 dname_key(domain)   the results of pairs that were seen, where the domain's
 *                          interval is dynamic: form(1, 2) reserved(3) n4(4) n6(4)
 *                          n4 x address(4), n4 x reason(1), n6 x address(16), n6 x reason(1)
 * Numbers are big-endian, addresses sorted, reason is one of REASON_SPF_*. The domain is matched
 * exactly: no parent's policy. An id is the hash of the table's content, or the next free one, so
 * that it stays as long as the content does. limit-day: days since 1970 from which the domain's
 * results are no more served, 0 for none; exact times stay with the loader, else every run would
 * rewrite everything.
 *
 * pairset.c is on the answer path: nothing allocated, every length checked. A look-up is two seeks,
 * three where the interval is dynamic.
 */
#ifndef ZONES_PAIRSET_H
#define ZONES_PAIRSET_H

#include <stdint.h>

#include "dname.h"
#include "ip.h"
#include "kvread.h"
#include "nameset.h"
#include "spftable.h"
#include "store.h"
#include "verdict.h"

enum pairset_match {
    PAIRSET_NONE,   /* the domain is not in the set, nor is a name below it */
    PAIRSET_BELOW,  /* the domain is not, but names below it are */
    PAIRSET_DOMAIN, /* the domain is, with no result for the address (or ip was NULL) */
    PAIRSET_FOUND
};

struct pairset_hit {
    enum pairset_match match;
    enum spfresult result; /* of PAIRSET_FOUND; of PAIRSET_DOMAIN with an address why there is none:
                              SPFRESULT_DYNAMIC, else SPFRESULT_UNKNOWN */
    bool seen;             /* the result is of the pair itself, not of an interval */
    struct slice text;     /* see struct spftable_hit */
};

/* ip may be NULL: only the domain is asked. now_s is compared with the limit. */
enum err pairset_lookup(struct kvread *reader, uint16_t dataset, const struct ip *ip,
    const struct dname *domain, int64_t now_s, struct pairset_hit *out) MUST_CHECK;

enum { PAIRSET_V4, PAIRSET_V6, PAIRSET_FAMILIES };

struct pairset_policy {
    struct dname domain;
    struct slice tables[PAIRSET_FAMILIES]; /* as spftable_build makes them */
    uint16_t limit_day;
};

/* What the store has of a domain; tables are borrowed until the snapshot goes. ERR_NOTFOUND. */
enum err pairset_policy(struct kvread *reader, uint16_t dataset, const struct dname *domain,
    struct pairset_policy *out) MUST_CHECK;

struct pairset_entry {
    struct dname domain;
    struct ip ip;
    enum reason reason;
};

/* pairset_build.c: policies sorted by dname_key(domain), no domain twice; entries by that and
 * ip_cmp, no pair twice, each of a domain that has a policy. Emits in key order. */
enum err pairset_build(uint16_t dataset, const struct pairset_policy *policies, size_t policy_count,
    const struct pairset_entry *entries, size_t count, store_emit_fn emit, void *ctx) MUST_CHECK;

/* For dumps: a domain's value in STORE_NAME, and a record of STORE_PAIR. */
struct pairset_value {
    uint32_t tables[PAIRSET_FAMILIES];
    uint16_t limit_day;
};
enum err pairset_value_decode(struct slice value, struct pairset_value *out) MUST_CHECK;
typedef enum err (*pairset_each_fn)(void *ctx, const struct pairset_entry *entry);
enum err pairset_record_each(
    struct slice key, struct slice value, pairset_each_fn each, void *ctx) MUST_CHECK;
/* The key of a table. */
void pairset_table_key(struct store_key *key, uint16_t dataset, unsigned family, uint32_t id);

#define PAIRSET_VALUE_SIZE 10

#endif
