/*
 * Pairs in answers.mdb: SPF results of (address, sender domain).
 *
 * Key: STORE_PAIR dataset 0 dname_key(domain): one record a domain, matched exactly (no parent's
 * policy). Value, big-endian:
 *     form(1, 1) reserved(1) limit-day(2) n4(4) n6(4)
 *     n4 x address(4), n4 x reason(1), n6 x address(16), n6 x reason(1)
 * Addresses are sorted. reason is one of REASON_SPF_*. limit-day: days since 1970 from which the
 * record is no more served, 0 for none; a hard limit rounded up to a day (exact times stay with the
 * loader, else every run would rewrite everything).
 *
 * pairset.c is on the answer path: nothing allocated, every length checked.
 */
#ifndef ZONES_PAIRSET_H
#define ZONES_PAIRSET_H

#include <stdint.h>

#include "dname.h"
#include "ip.h"
#include "kvread.h"
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
    enum reason reason; /* of PAIRSET_FOUND */
};

/* ip may be NULL: only the domain is asked. now_s is compared with the limit. One seek. */
enum err pairset_lookup(struct kvread *reader, uint16_t dataset, const struct ip *ip,
    const struct dname *domain, int64_t now_s, struct pairset_hit *out) MUST_CHECK;

struct pairset_entry {
    struct dname domain;
    struct ip ip;
    enum reason reason;
    uint16_t limit_day; /* the record gets the least of its domain's; 0 is none */
};

/* pairset_build.c: entries sorted by dname_key(domain), then ip_cmp; no pair twice. */
enum err pairset_build(uint16_t dataset, const struct pairset_entry *entries, size_t count,
    store_emit_fn emit, void *ctx) MUST_CHECK;

typedef enum err (*pairset_each_fn)(void *ctx, const struct pairset_entry *entry);
enum err pairset_record_each(
    struct slice key, struct slice value, pairset_each_fn each, void *ctx) MUST_CHECK;

#endif
