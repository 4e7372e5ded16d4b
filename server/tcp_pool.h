/*
 * The TCP worker's memory, all of it taken at start: a slot for each connection, and large buffers
 * for the few whose answer the kernel does not take at once. Counts connections by client, and
 * knows which one has been idle for the longest time. No I/O: who closes is told what to close.
 */
#ifndef SERVER_TCP_POOL_H
#define SERVER_TCP_POOL_H

#include <ev.h>
#include <sys/queue.h>

#include "server/answer.h"
#include "server/tcp_frame.h"
#include "zones/ip.h"

/* Answers are gathered to be sent together, until they are TCP_GATHER bytes. */
enum {
    TCP_BUFFERS = 64,
    TCP_GATHER = 16384,
    TCP_OUT_MAX = TCP_GATHER + TCP_FRAME + ANSWER_TCP_MAX
};

/* What is left to be sent. */
struct tcp_rest {
    size_t n, at;
    uint8_t bytes[TCP_OUT_MAX];
};

struct tcp_slot {
    ev_io io;
    void *service;
    struct ip client;
    uint16_t port;
    struct prefix network; /* by which connections are counted */
    double since_s;        /* the last whole query, or the begin */
    struct tcp_rest *rest; /* NULL: nothing waits to be sent */
    TAILQ_ENTRY(tcp_slot) by_age;
    LIST_ENTRY(tcp_slot) of_network;
    struct tcp_frame in;
};

TAILQ_HEAD(tcp_slots, tcp_slot);
LIST_HEAD(tcp_network, tcp_slot);

struct tcp_pool {
    unsigned size, open, per_client;
    struct tcp_slot *slots;
    struct tcp_slots free;
    struct tcp_slots used; /* the longest idle first */
    unsigned network_mask;
    struct tcp_network *networks; /* by hash */
    struct tcp_rest *rests;       /* TCP_BUFFERS */
    struct tcp_slot *holders[TCP_BUFFERS];
};

/* Memory for size connections, per_client of them from one network; it is touched only when it is
 * used. */
enum err tcp_pool_init(struct tcp_pool *pool, unsigned size, unsigned per_client) MUST_CHECK;
void tcp_pool_free(struct tcp_pool *pool);

/* Whether one more of this client is allowed. O(connections of its network). */
bool tcp_pool_allows(const struct tcp_pool *pool, const struct ip *client);
/* A slot for it, of which io is the caller's; NULL: all are used. */
struct tcp_slot *tcp_pool_take(struct tcp_pool *pool, const struct ip *client, double now_s);
void tcp_pool_give(struct tcp_pool *pool, struct tcp_slot *slot);
/* A whole query came: it is the youngest from now on. */
void tcp_pool_touch(struct tcp_pool *pool, struct tcp_slot *slot, double now_s);
/* The longest idle one, NULL: there is none. */
struct tcp_slot *tcp_pool_oldest(const struct tcp_pool *pool);

/* Gives slot a buffer, if one is free. */
bool tcp_pool_buffer(struct tcp_pool *pool, struct tcp_slot *slot);
void tcp_pool_unbuffer(struct tcp_pool *pool, struct tcp_slot *slot);
/* Who has waited the longest with a buffer. */
struct tcp_slot *tcp_pool_slowest(const struct tcp_pool *pool);

#endif
