/*
 * DNS answers with their TTL, in memory for a run and kept in history.mdb between runs.
 *
 * Consumers (SPF, rDNS, domain checks) ask dnscache_lookup and get DNS_PENDING for what is not
 * known yet; the question is then on the wanted list. resolve_wanted() (resolve.h) asks all of
 * them, hundreds in flight, and the consumer evaluates again: repeat until nothing is pending.
 *
 * DNS_FAIL is "unknown": time-out, SERVFAIL, dead network. It is final for one run, never stored as
 * evidence, and an expired stored answer is kept beside it (stale) for those who want yesterday's
 * verdict.
 */
#ifndef LOADER_DNSCACHE_H
#define LOADER_DNSCACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "zones/dname.h"
#include "zones/err.h"
#include "zones/ip.h"
#include "zones/kv.h"
#include "zones/slice.h"

enum dns_type { DNS_A = 1, DNS_MX = 15, DNS_PTR = 12, DNS_TXT = 16, DNS_AAAA = 28 };

enum dns_status {
    DNS_PENDING, /* wanted, not asked yet */
    DNS_OK,      /* at least one record of the type */
    DNS_NODATA,  /* the name exists, no record of the type */
    DNS_NXDOMAIN,
    DNS_FAIL
};

/* rdata of one record, uncompressed: A 4 bytes, AAAA 16, PTR a wire name, MX preference(2) and a
 * wire name, TXT its character-strings joined. CNAMEs are followed by the resolver and not kept. */
struct dns_answer {
    enum dns_status status;
    int64_t expires_s; /* when the answer is to be asked again, by its least TTL */
    unsigned count;
    struct slice records; /* size(2) rdata, count times; borrowed until the cache is freed */
};
/* Takes the first record off answer->records; ERR_NOTFOUND at the end. */
enum err dns_next(struct dns_answer *answer, struct slice *rdata) MUST_CHECK;

struct dnscache;

/* now_s decides what has expired. txn (may be NULL: nothing stored) is only read here. */
enum err dnscache_new(struct kv_txn *txn, int64_t now_s, struct dnscache **out) MUST_CHECK;
void dnscache_free(struct dnscache **cache);

/* O(1). Fills *out. Never fails: out of memory is DNS_FAIL. A name that is no possible query (over
 * 253 characters of text) is DNS_NXDOMAIN. */
void dnscache_lookup(
    struct dnscache *cache, enum dns_type type, const struct dname *name, struct dns_answer *out);
/* An expired stored answer, where the lookup says DNS_FAIL or DNS_PENDING; false if there is none.
 */
bool dnscache_stale(
    struct dnscache *cache, enum dns_type type, const struct dname *name, struct dns_answer *out);

/* For the resolver: the wanted questions, and what became of them. */
size_t dnscache_wanted(const struct dnscache *cache);
bool dnscache_take_wanted(struct dnscache *cache, enum dns_type *type, struct dname *name);
/* records encoded as in struct dns_answer, copied. ttl_s is bounded by the caller. */
enum err dnscache_put(struct dnscache *cache, enum dns_type type, const struct dname *name,
    enum dns_status status, uint32_t ttl_s, unsigned count, struct slice records) MUST_CHECK;

/* Writes what changed in this run (never DNS_FAIL) and drops what expired long ago. */
enum err dnscache_save(struct dnscache *cache, struct kv_txn *txn) MUST_CHECK;
/* Whether dnscache_save would write anything. */
bool dnscache_dirty(const struct dnscache *cache);

/* The reverse name of an address below in-addr.arpa or ip6.arpa. */
void dns_reverse_name(const struct ip *ip, struct dname *out);

#endif
