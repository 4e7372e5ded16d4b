/*
 * Counting clients without keeping them: each sets one of HIST_CROWD_BITS by its hash, and the
 * share of those that are not set says how many there were (linear counting). See history.h.
 */
#include <math.h>
#include <string.h>

#include "loader/history.h"
#include "zones/fnv.h"

static int32_t
window_of(int32_t day)
{
    return day >= 0 ? day / HIST_WINDOW_DAYS : 0;
}

static unsigned
bit_of(const struct ip *client)
{
    const struct ip ip = ip_is4(client) ? *client : prefix_of(client, 64).addr;
    uint64_t hash = fnv_add(FNV_START, ip.b, sizeof ip.b);

    /* The highest bits of a product depend on all of its factor's. */
    return (unsigned)((hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

void
hist_crowd_add(struct hist_crowd *crowd, const struct ip *client, int32_t day)
{
    int32_t window = window_of(day);
    unsigned bit = bit_of(client);

    _Static_assert(HIST_CROWD_BITS == 256, "a bit is 8 bits of the hash");
    if (window > crowd->window) {
        if (window == crowd->window + 1)
            memcpy(crowd->before, crowd->now, sizeof crowd->before);
        else
            memset(crowd->before, 0, sizeof crowd->before);
        memset(crowd->now, 0, sizeof crowd->now);
        crowd->window = window;
    }
    if (window == crowd->window)
        crowd->now[bit / 8] |= (uint8_t)(1U << bit % 8);
    else if (window == crowd->window - 1)
        crowd->before[bit / 8] |= (uint8_t)(1U << bit % 8);
}

uint32_t
hist_crowd_size(const struct hist_crowd *crowd, int32_t day)
{
    int32_t window = window_of(day);
    unsigned set = 0;

    if (window - 1 > crowd->window)
        return 0;
    for (unsigned i = 0; i < sizeof crowd->now; i++)
        set += (unsigned)__builtin_popcount(
            crowd->now[i] | (window <= crowd->window ? crowd->before[i] : 0U));
    double clear = set < HIST_CROWD_BITS ? HIST_CROWD_BITS - set : 1;
    return (uint32_t)lround(HIST_CROWD_BITS * log(HIST_CROWD_BITS / clear));
}
