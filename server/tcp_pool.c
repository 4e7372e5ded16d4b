/* The TCP worker's memory; see tcp_pool.h. */
#include "server/tcp_pool.h"

#include <stdlib.h>

#include "zones/fnv.h"

enum { NETWORK_BITS4 = 24, NETWORK_BITS6 = 56 };

enum err
tcp_pool_init(struct tcp_pool *pool, unsigned size, unsigned per_client)
{
    unsigned heads = 1;
    while (heads < size)
        heads *= 2;
    *pool = (struct tcp_pool){.size = size, .per_client = per_client, .network_mask = heads - 1};
    pool->slots = calloc(size, sizeof *pool->slots);
    pool->networks = calloc(heads, sizeof *pool->networks);
    pool->rests = calloc(TCP_BUFFERS, sizeof *pool->rests);
    if (pool->slots == NULL || pool->networks == NULL || pool->rests == NULL) {
        tcp_pool_free(pool);
        return ERR_NOMEM;
    }
    TAILQ_INIT(&pool->free);
    TAILQ_INIT(&pool->used);
    return ERR_OK;
}

void
tcp_pool_free(struct tcp_pool *pool)
{
    free(pool->slots);
    free(pool->networks);
    free(pool->rests);
    *pool = (struct tcp_pool){0};
}

static struct prefix
network_of(const struct ip *client)
{
    return prefix_of(client, ip_is4(client) ? NETWORK_BITS4 : NETWORK_BITS6);
}

static struct tcp_network *
head_of(const struct tcp_pool *pool, const struct prefix *network)
{
    uint64_t hash = fnv_add(FNV_START, network->addr.b, sizeof network->addr.b);
    return &pool->networks[hash & pool->network_mask];
}

bool
tcp_pool_allows(const struct tcp_pool *pool, const struct ip *client)
{
    const struct prefix network = network_of(client);
    const struct tcp_slot *slot;
    unsigned count = 0;
    LIST_FOREACH(slot, head_of(pool, &network), of_network)
    count += ip_cmp(&slot->network.addr, &network.addr) == 0;
    return count < pool->per_client;
}

struct tcp_slot *
tcp_pool_take(struct tcp_pool *pool, const struct ip *client, double now_s)
{
    struct tcp_slot *slot = TAILQ_FIRST(&pool->free);
    if (slot != NULL)
        TAILQ_REMOVE(&pool->free, slot, by_age);
    else if (pool->open < pool->size)
        slot = &pool->slots[pool->open]; /* one that was never used */
    else
        return NULL;
    pool->open++;
    slot->client = *client;
    slot->network = network_of(client);
    slot->since_s = now_s;
    slot->rest = NULL;
    slot->in.n = 0;
    TAILQ_INSERT_TAIL(&pool->used, slot, by_age);
    LIST_INSERT_HEAD(head_of(pool, &slot->network), slot, of_network);
    return slot;
}

void
tcp_pool_give(struct tcp_pool *pool, struct tcp_slot *slot)
{
    tcp_pool_unbuffer(pool, slot);
    TAILQ_REMOVE(&pool->used, slot, by_age);
    LIST_REMOVE(slot, of_network);
    /* What was touched last is used first, so that a flood's memory is not spread further. */
    TAILQ_INSERT_HEAD(&pool->free, slot, by_age);
    pool->open--;
}

void
tcp_pool_touch(struct tcp_pool *pool, struct tcp_slot *slot, double now_s)
{
    slot->since_s = now_s;
    TAILQ_REMOVE(&pool->used, slot, by_age);
    TAILQ_INSERT_TAIL(&pool->used, slot, by_age);
}

struct tcp_slot *
tcp_pool_oldest(const struct tcp_pool *pool)
{
    return TAILQ_FIRST(&pool->used);
}

bool
tcp_pool_buffer(struct tcp_pool *pool, struct tcp_slot *slot)
{
    for (unsigned i = 0; i < TCP_BUFFERS; i++) {
        if (pool->holders[i] != NULL)
            continue;
        pool->holders[i] = slot;
        slot->rest = &pool->rests[i];
        return true;
    }
    return false;
}

void
tcp_pool_unbuffer(struct tcp_pool *pool, struct tcp_slot *slot)
{
    if (slot->rest != NULL)
        pool->holders[slot->rest - pool->rests] = NULL;
    slot->rest = NULL;
}

struct tcp_slot *
tcp_pool_slowest(const struct tcp_pool *pool)
{
    struct tcp_slot *slowest = NULL;
    for (unsigned i = 0; i < TCP_BUFFERS; i++) {
        struct tcp_slot *slot = pool->holders[i];
        if (slot != NULL && (slowest == NULL || slot->since_s < slowest->since_s))
            slowest = slot;
    }
    return slowest;
}
