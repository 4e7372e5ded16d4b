/* Charging a key's quotas; see quota.h. */
#include "server/quota.h"

/* Bits of a counter that hold what was taken; the period is in the others. The clock set back by so
 * many periods gives nothing twice; by more, it was ahead, and what was taken there counts no more:
 * else a key would get nothing until then. */
enum { SECOND_BITS = 24, DAY_BITS = 40, SECONDS_BACK = 60, DAYS_BACK = 1 };

static const struct span {
    unsigned bits;
    uint64_t back_most;
} seconds = {SECOND_BITS, SECONDS_BACK}, days = {DAY_BITS, DAYS_BACK};

_Static_assert(KEY_PER_SECOND_MOST < 1 << SECOND_BITS, "a quota per second fits");
_Static_assert(KEY_PER_DAY_MOST < UINT64_C(1) << DAY_BITS, "a quota per day fits");

enum { CHUNKS = 64, CHUNK_MOST = 256 };

/* A quota is taken in some 64 pieces, so that what lies unused with a worker is less than that. */
static uint32_t
chunk_of(uint64_t quota)
{
    uint64_t chunk = quota / CHUNKS;
    return chunk == 0 ? 1 : chunk < CHUNK_MOST ? (uint32_t)chunk : CHUNK_MOST;
}

/* As much of a chunk as is left of the period's quota; 0 if nothing. */
static uint32_t
take(_Atomic uint64_t *counter, const struct span *span, uint64_t period, uint64_t quota)
{
    const unsigned bits = span->bits;
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    for (;;) {
        bool same = (before >> bits) - period <= span->back_most;
        uint64_t now = same ? before >> bits : period;
        uint64_t used = same ? before & ((UINT64_C(1) << bits) - 1) : 0;
        uint64_t left = used < quota ? quota - used : 0;
        uint32_t chunk = left < chunk_of(quota) ? (uint32_t)left : chunk_of(quota);
        if (chunk == 0)
            return 0;
        if (atomic_compare_exchange_weak_explicit(counter, &before, now << bits | (used + chunk),
                memory_order_relaxed, memory_order_relaxed))
            return chunk;
    }
}

static bool
has_one(struct quota_chunk *chunk, _Atomic uint64_t *counter, const struct span *span,
    uint64_t period, uint64_t quota)
{
    if (quota == 0)
        return true;
    if (chunk->period != period || chunk->left == 0) {
        chunk->period = period;
        chunk->left = take(counter, span, period, quota);
    }
    return chunk->left > 0;
}

enum key_count
quota_charge(
    const struct key *key, struct quota_slot *slot, struct quota_share *share, int64_t now_s)
{
    const uint64_t second = (uint64_t)now_s, day = second / QUOTA_DAY_S;
    enum key_count result = KEY_ANSWERED;
    if (!has_one(&share->day, &slot->day, &days, day, key->per_day))
        result = KEY_OVER_DAY;
    else if (!has_one(&share->second, &slot->second, &seconds, second, key->per_second))
        result = KEY_OVER_SECOND;
    else {
        share->day.left -= key->per_day != 0;
        share->second.left -= key->per_second != 0;
    }
    atomic_fetch_add_explicit(&slot->counts[result], 1, memory_order_relaxed);
    return result;
}

uint64_t
quota_day_used(const struct quota_slot *slot, int64_t now_s)
{
    uint64_t day = atomic_load_explicit(&slot->day, memory_order_relaxed);
    bool today = day >> DAY_BITS == (uint64_t)now_s / QUOTA_DAY_S;
    return today ? day & ((UINT64_C(1) << DAY_BITS) - 1) : 0;
}

void
quota_set_day_used(struct quota_slot *slot, int64_t now_s, uint64_t used)
{
    uint64_t day = (uint64_t)now_s / QUOTA_DAY_S;
    atomic_store_explicit(&slot->day, day << DAY_BITS | used, memory_order_relaxed);
}
