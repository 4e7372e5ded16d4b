/*
 * Response rate limiting: a flood of queries with a forged source must not become a flood of
 * answers to the forged address. What is counted, by a network of clients, is how often the same
 * response goes there; whoever asks ever other names is not limited unless that is configured. All
 * workers count in one table. On the answer path: no lock; the time comes from the caller.
 */
#ifndef SERVER_RRL_H
#define SERVER_RRL_H

#include <stdatomic.h>

#include "server/query.h"
#include "server/siphash.h"
#include "zones/ip.h"

/* The slots that an account may be in. A cache line: looking at all costs no more than at one. */
#define RRL_WAYS 8
struct rrl_row {
    _Alignas(64) _Atomic uint64_t slots[RRL_WAYS]; /* accounts, see rrl.c; 0: free */
};

struct rrl {
    const struct rate_conf *conf; /* borrowed */
    struct siphash_key key;       /* random, so that nobody aims at another's account */
    struct rrl_row *rows;         /* NULL: nothing is limited; shared by all workers */
    uint32_t row_mask;
};

enum rrl_class { RRL_DATA, RRL_NODATA, RRL_NXDOMAIN, RRL_ERROR };

struct rrl_response {
    enum rrl_class class;
    struct ip client;
    const struct dname *apex; /* of the zone; NULL: none of ours */
};

enum rrl_verdict {
    RRL_SEND,
    RRL_NOTED, /* over the limit, but rate_limit is to count only: sent */
    RRL_SLIP,  /* a truncated answer: a real client asks again over TCP */
    RRL_DROP
};

/* Of a query whose answer is to be counted: it comes over UDP, without a good cookie. Before the
 * answer is looked for, so that the account is in the processor's cache by then. */
struct rrl_mark {
    bool counts;   /* else nothing is limited */
    uint64_t hash; /* of the account by name, but for the class */
};
struct rrl_mark rrl_begin(
    const struct rrl *rrl, const struct ip *client, uint16_t qtype, const struct dname *qname);

/* Counts the response that is about to be sent. */
enum rrl_verdict rrl_count(const struct rrl *rrl, const struct rrl_mark *mark,
    const struct rrl_response *response, int64_t now_s);

/* rrl_make.c: the table, in memory that children share, of at least so many accounts. */
enum err rrl_map(const struct rate_conf *conf, struct rrl *out, struct errmsg *msg) MUST_CHECK;
void rrl_unmap(struct rrl *rrl);

#endif
