/*
 * Facts from DNS answers; see judgedns.h.
 */
#include <string.h>

#include "loader/judgedns.h"

/* Postfix's own limit of like kind: nobody honest has more reverse names or exchanges. */
enum { NAMES_TRIED = 10 };

void
judgedns_ask(const struct judging_env *env, enum dns_type type, const struct dname *name,
    struct dns_answer *out)
{
    dnscache_lookup(env->cache, type, name, out);
    if (out->status == DNS_PENDING && !env->offline)
        return;
    if (out->status != DNS_PENDING && out->status != DNS_FAIL)
        return;
    struct dns_answer stale;
    if (dnscache_stale(env->cache, type, name, &stale))
        *out = stale;
    else
        out->status = DNS_FAIL;
}

void
judgedns_ask_fresh(void *ctx, enum dns_type type, const struct dname *name, struct dns_answer *out)
{
    const struct judging_env *env = ctx;
    dnscache_lookup(env->cache, type, name, out);
    if (out->status == DNS_PENDING && env->offline)
        out->status = DNS_FAIL;
}

static bool
is_unknown(const struct dns_answer *answer)
{
    return answer->status == DNS_PENDING || answer->status == DNS_FAIL;
}

enum fact
judgedns_has_address(const struct judging_env *env, const struct dname *name, const struct ip *ip)
{
    struct dns_answer answer;
    judgedns_ask(env, ip_is4(ip) ? DNS_A : DNS_AAAA, name, &answer);
    if (is_unknown(&answer))
        return FACT_UNKNOWN;
    uint8_t key[16];
    size_t n = ip_key(ip, key);
    struct slice rdata;
    while (answer.status == DNS_OK && dns_next(&answer, &rdata) == ERR_OK)
        if (rdata.n == n && memcmp(rdata.p, key, n) == 0)
            return FACT_YES;
    return FACT_NO;
}

enum rdns_state
judgedns_rdns(const struct judging_env *env, const struct ip *ip, struct dname *name)
{
    struct dname reverse;
    dns_reverse_name(ip, &reverse);
    struct dns_answer answer;
    judgedns_ask(env, DNS_PTR, &reverse, &answer);
    if (is_unknown(&answer))
        return RDNS_UNKNOWN;
    if (answer.status != DNS_OK)
        return RDNS_STATE_NONE;
    struct slice rdata;
    unsigned tried = 0;
    bool unknown = false, first = true;
    while (tried++ < NAMES_TRIED && dns_next(&answer, &rdata) == ERR_OK) {
        struct dname candidate;
        if (dname_from_wire(rdata.p, rdata.n, &candidate) < 0)
            continue;
        enum fact has = judgedns_has_address(env, &candidate, ip);
        if (first || has == FACT_YES)
            *name = candidate;
        first = false;
        if (has == FACT_YES)
            return RDNS_STATE_CONFIRMED;
        unknown = unknown || has == FACT_UNKNOWN;
    }
    if (first)
        return RDNS_STATE_NONE;
    return unknown ? RDNS_UNKNOWN : RDNS_STATE_UNCONFIRMED;
}

enum rdns_state
judgedns_client(const struct judging_env *env, const struct hist_client *client, struct dname *name)
{
    enum rdns_state state = judgedns_rdns(env, &client->ip, name);
    /* The mail server saw a confirmed name: good for a client that DNS is silent about today. */
    if (state != RDNS_UNKNOWN || client->ptr_seen != OBS_PTR_VERIFIED)
        return state;
    *name = client->ptr;
    return RDNS_STATE_CONFIRMED;
}

/* Whether a host has any address of either family. */
static enum fact
has_any_address(const struct judging_env *env, const struct dname *host)
{
    struct dns_answer v4, v6;
    judgedns_ask(env, DNS_A, host, &v4);
    if (v4.status == DNS_OK)
        return FACT_YES;
    judgedns_ask(env, DNS_AAAA, host, &v6);
    if (v6.status == DNS_OK)
        return FACT_YES;
    return is_unknown(&v4) || is_unknown(&v6) ? FACT_UNKNOWN : FACT_NO;
}

/* RFC 5321 5.1: with MX records, only their hosts count; a null MX says "none" (RFC 7505). */
static enum fact
exchanges_receive(const struct judging_env *env, struct dns_answer *mx)
{
    struct slice rdata;
    unsigned tried = 0;
    bool unknown = false;
    while (tried++ < NAMES_TRIED && dns_next(mx, &rdata) == ERR_OK) {
        struct dname host;
        if (rdata.n < 3 || dname_from_wire(rdata.p + 2, rdata.n - 2, &host) < 0)
            continue;
        if (host.len == 1)
            continue;
        enum fact has = has_any_address(env, &host);
        if (has == FACT_YES)
            return FACT_YES;
        unknown = unknown || has == FACT_UNKNOWN;
    }
    return unknown || tried > NAMES_TRIED ? FACT_UNKNOWN : FACT_NO;
}

/* A top level that neither the Public Suffix List nor DNS knows. */
static enum fact
top_is_public(const struct judging_env *env, const struct dname *domain)
{
    unsigned labels = dname_labels(domain);
    if (labels == 0)
        return FACT_UNKNOWN;
    if (publicname_known_top(env->names, domain))
        return FACT_YES;
    struct dname top;
    dname_strip(domain, labels - 1, &top);
    struct dns_answer answer;
    judgedns_ask(env, DNS_A, &top, &answer);
    if (is_unknown(&answer))
        return FACT_UNKNOWN;
    return answer.status == DNS_NXDOMAIN ? FACT_NO : FACT_YES;
}

void
judgedns_domain(const struct judging_env *env, const struct dname *domain, struct domain_facts *out)
{
    /* A reason of its own, which strict zones show: DNS is not asked. */
    if (publicname_special(domain)) {
        out->public_name = FACT_NO;
        return;
    }
    out->public_name = top_is_public(env, domain);
    struct dns_answer mx;
    judgedns_ask(env, DNS_MX, domain, &mx);
    out->exists = is_unknown(&mx) ? FACT_UNKNOWN : mx.status == DNS_NXDOMAIN ? FACT_NO : FACT_YES;
    if (mx.status == DNS_OK)
        out->receives = exchanges_receive(env, &mx);
    else if (mx.status == DNS_NODATA)
        out->receives = has_any_address(env, domain); /* RFC 5321 5.1: the implicit MX */
}
