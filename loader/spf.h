/*
 * SPF by RFC 7208 for one (address, domain): record selection, strict syntax, limits and macros are
 * ours (spfrecord.c, spfmacro.c); libspf2 does the flow over a rewritten token record and never
 * sees a byte of fetched text (CVE-2023-42118 is open in Debian's library).
 */
#ifndef LOADER_SPF_H
#define LOADER_SPF_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/dnscache.h"
#include "zones/dname.h"
#include "zones/ip.h"
#include "zones/verdict.h"

/* Where the evaluator gets DNS from: dnscache_lookup, or a table in tests. */
struct spf_dns {
    void (*lookup)(void *ctx, enum dns_type type, const struct dname *name, struct dns_answer *out);
    void *ctx;
};

#define SPF_LOOKUPS_MAX 20
struct spf_limits {
    unsigned lookups; /* RFC 7208 4.6.4: 10; a limit above SPF_LOOKUPS_MAX is taken as this */
    unsigned voids;   /* RFC 7208 4.6.4: 2 */
};

struct spf_query {
    struct ip ip;
    struct dname domain; /* of the identity checked */
    const char *local;   /* local part, NULL: "postmaster" */
    const char *helo;    /* for %{h}, NULL: the domain's text */
    struct spf_dns dns;
    struct spf_limits limits;
    int64_t now_s; /* for %{t} */
};

enum spf_status { SPF_PENDING, SPF_DONE };

struct spf_result {
    enum spf_status status; /* PENDING: DNS answers are missing, evaluate again after resolving */
    bool temperror;         /* then reason means nothing */
    enum reason reason;     /* REASON_SPF_NONE .. REASON_SPF_PERMERROR */
    bool uses_local;        /* depends on %{l} or %{s} (but for the explanation): not published */
    bool uses_helo;         /* depends on %{h}: likewise */
    int64_t expires_s;      /* least expiry of the answers used */
    char why[200];          /* permerror: term, column and cause; else the mechanism that matched */
    char explanation[500];  /* fail with exp=: expanded (RFC 7208 6.2), printable; else "" */
};

struct spf; /* libspf2's server object and our state; one per thread */
enum err spf_open(struct spf **out) MUST_CHECK;
void spf_close(struct spf **spf);
/* Pure but for the lookups it makes through query->dns. */
void spf_check(struct spf *spf, const struct spf_query *query, struct spf_result *out);

#endif
