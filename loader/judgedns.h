/*
 * The facts that DNS gives, read from a dnscache: rDNS of a client, whether a HELO name is its own,
 * whether a domain exists and can receive mail. Unknown is FACT_UNKNOWN, never "no".
 */
#ifndef LOADER_JUDGEDNS_H
#define LOADER_JUDGEDNS_H

#include "loader/judging.h"

/* The cache's answer; where it failed, the expired one that it keeps. DNS_PENDING stays, so that
 * the question gets asked, but for an offline environment, where it is DNS_FAIL. */
void judgedns_ask(const struct judging_env *env, enum dns_type type, const struct dname *name,
    struct dns_answer *out);

/* The same without expired answers. ctx is the environment, for reading alone: a lookup function of
 * struct spf_dns. */
void judgedns_ask_fresh(
    void *ctx, enum dns_type type, const struct dname *name, struct dns_answer *out);

/* FCrDNS (RFC 8499 calls it forward-confirmed): *name is set for UNCONFIRMED and CONFIRMED. */
enum rdns_state judgedns_rdns(
    const struct judging_env *env, const struct ip *ip, struct dname *name);

/* The same of a client in the history: where DNS is silent today, what the mail server saw. */
enum rdns_state judgedns_client(
    const struct judging_env *env, const struct hist_client *client, struct dname *name);

/* Whether the name has the client's address. */
enum fact judgedns_has_address(
    const struct judging_env *env, const struct dname *name, const struct ip *ip);

/* exists, receives and public_name of out. */
void judgedns_domain(
    const struct judging_env *env, const struct dname *domain, struct domain_facts *out);

#endif
