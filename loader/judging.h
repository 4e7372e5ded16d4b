/*
 * From history and DNS answers to facts and judgements: walks the history client by client, asks
 * the DNS cache for what the facts need, and hands the facts to judge.h. What the cache does not
 * know is on its wanted list afterwards, so a run is
 *     walk, resolve_wanted, walk, resolve_wanted ... until nothing is wanted; then a last walk.
 * No clock, no sockets, nothing written.
 */
#ifndef LOADER_JUDGING_H
#define LOADER_JUDGING_H

#include "loader/dnscache.h"
#include "loader/history.h"
#include "loader/judge.h"
#include "loader/publicname.h"
#include "loader/rdns.h"
#include "loader/spfpolicies.h"

/* All borrowed. */
struct judging_env {
    const struct conf *conf;
    struct kv_txn *txn; /* of history.mdb */
    struct dnscache *cache;
    struct spf *spf;
    struct spfpolicies *policies; /* asks judgedns_ask_fresh */
    struct rdns *rdns;
    const struct weights *weights;
    const struct publicname *names;
    const struct dname *known; /* domains whose policies are wanted, seen or not */
    size_t known_count;
    int64_t now_s;
    bool offline; /* nobody will resolve what is wanted: what the cache lacks is unknown */
};

/* What a walk yields; each may be NULL. Everything is borrowed for the call; a failure ends the
 * walk and is returned. Clients come in the order of the history, then domains, then policies, then
 * HELO names, in the order of their first use. */
struct judging_visitor {
    enum err (*client)(
        void *ctx, const struct client_facts *facts, const struct judgement *judgement);
    /* A /64 of IPv6 that is judged as one (network.h), after its clients: what is said here takes
     * the place of what is said of each. The client is the network's first address. */
    enum err (*network)(
        void *ctx, const struct client_facts *facts, const struct judgement *judgement);
    enum err (*domain)(
        void *ctx, const struct domain_facts *facts, const struct judgement *judgement);
    /* Of every public domain, those that are only known included; policy is ready. */
    enum err (*policy)(void *ctx, const struct dname *domain, const struct spfpolicy *policy);
    enum err (*helo_name)(
        void *ctx, const struct helo_name_facts *facts, const struct judgement *judgement);
    void *ctx;
};

/* only: the clients of that prefix alone (their domains and HELO names then count just their own
 * use), of a length in whole bytes, or NULL. No network is told where less than one is walked. */
enum err judging_walk(const struct judging_env *env, const struct prefix *only,
    const struct judging_visitor *visitor) MUST_CHECK;

#endif
