/*
 * Accounts of response rates; see rrl.h.
 *
 * An account gets "rate" credits a second and holds at most one second's; a response takes one.
 * Without one it is over the limit, and goes down to (window - 1) seconds' credits below 0: with a
 * window of 1 a flood gets the rate and no more, with a larger one nothing until it ceases.
 *
 * A slot is one number, changed by compare-and-swap:
 *
 *     63    44 43     26 25        4 3     0
 *     | tag   | second  | balance   | slip |
 *
 * tag: part of the account's hash, for those of one row are told apart by it: of 2^20, so that a
 * response meets a stranger's account once in 130,000 times. second: when the balance was true,
 * modulo 2^18 (3 days). balance: BALANCE_ZERO is 0. slip: over-limit responses since the last slip.
 */
#include "server/rrl.h"

enum {
    TAG_SHIFT = 44,
    SECOND_SHIFT = 26,
    SECOND_MASK = (1 << 18) - 1,
    BALANCE_SHIFT = 4,
    BALANCE_MASK = (1 << 22) - 1,
    BALANCE_ZERO = 1 << 21,
    SLIP_MASK = 15,
    BACK_MOST_S = 60, /* the clock was set back by no more: no time has passed */
    TRIES = 4         /* then another worker counts this account so fast that it matters little */
};

_Static_assert(RATE_MOST *RATE_WINDOW_MOST < BALANCE_ZERO, "the lowest balance fits");
_Static_assert(RATE_SLIP_MOST <= SLIP_MASK, "slips fit");

struct account {
    uint32_t tag, second, slip;
    int32_t balance;
};

static uint64_t
pack(const struct account *a)
{
    return (uint64_t)a->tag << TAG_SHIFT | (uint64_t)a->second << SECOND_SHIFT |
           (uint64_t)(uint32_t)(a->balance + BALANCE_ZERO) << BALANCE_SHIFT | a->slip;
}

static struct account
unpack(uint64_t slot)
{
    return (struct account){.tag = (uint32_t)(slot >> TAG_SHIFT),
        .second = (uint32_t)(slot >> SECOND_SHIFT) & SECOND_MASK,
        .balance = (int32_t)(slot >> BALANCE_SHIFT & BALANCE_MASK) - BALANCE_ZERO,
        .slip = slot & SLIP_MASK};
}

static uint32_t
age_of(uint64_t slot, uint32_t second)
{
    uint32_t age = (second - (uint32_t)(slot >> SECOND_SHIFT)) & SECOND_MASK;
    return age > SECOND_MASK - BACK_MOST_S ? 0 : age;
}

/* What an account holds at this second, with at most a second's credits. */
static int32_t
holds(uint64_t slot, uint32_t second, uint32_t rate)
{
    int64_t balance = unpack(slot).balance + (int64_t)age_of(slot, second) * rate;
    return balance > rate ? (int32_t)rate : (int32_t)balance;
}

/* The account's slot, or the one that it shall take over: the one that holds most, since then least
 * is forgotten. So an account that is over its limit stays, however many others come. */
static _Atomic uint64_t *
slot_of(struct rrl_row *row, uint32_t tag, uint32_t second, uint32_t rate)
{
    _Atomic uint64_t *richest = &row->slots[0];
    int32_t most = INT32_MIN;
    for (unsigned i = 0; i < RRL_WAYS; i++) {
        uint64_t slot = atomic_load_explicit(&row->slots[i], memory_order_relaxed);
        if (slot != 0 && slot >> TAG_SHIFT == tag)
            return &row->slots[i];
    }
    for (unsigned i = 0; i < RRL_WAYS; i++) {
        uint64_t slot = atomic_load_explicit(&row->slots[i], memory_order_relaxed);
        if (slot == 0)
            return &row->slots[i];
        int32_t its = holds(slot, second, rate);
        if (its <= most)
            continue;
        richest = &row->slots[i];
        most = its;
    }
    return richest;
}

/* The slot's account with a credit less, or a new one of this tag. *over: there was none. */
static struct account
charged(uint64_t slot, uint32_t tag, uint32_t second, const struct rate_conf *conf, uint32_t rate,
    bool *over)
{
    bool known = slot != 0 && slot >> TAG_SHIFT == tag;
    int32_t balance = known ? holds(slot, second, rate) : (int32_t)rate;
    int32_t least = -(int32_t)((conf->window_s - 1) * rate);
    *over = balance <= 0;
    return (struct account){.tag = tag,
        .second = second,
        .balance = balance - 1 < least ? least : balance - 1,
        .slip = known ? unpack(slot).slip : 0};
}

static struct rrl_row *
row_of(const struct rrl *rrl, uint64_t hash)
{
    return &rrl->rows[(uint32_t)hash & rrl->row_mask];
}

/* Takes a credit; true if there was none. *slips: this is one for a truncated answer. */
static bool
charge(const struct rrl *rrl, uint64_t hash, uint32_t rate, int64_t now_s, bool *slips)
{
    uint32_t tag = (uint32_t)(hash >> TAG_SHIFT), second = (uint32_t)now_s & SECOND_MASK;
    _Atomic uint64_t *at = slot_of(row_of(rrl, hash), tag, second, rate);
    uint64_t slot = atomic_load_explicit(at, memory_order_relaxed);
    for (unsigned i = 0; i < TRIES; i++) {
        bool over;
        struct account account = charged(slot, tag, second, rrl->conf, rate, &over);
        if (over)
            account.slip++;
        *slips = over && account.slip >= rrl->conf->slip;
        if (*slips || !over)
            account.slip = 0;
        if (atomic_compare_exchange_weak_explicit(
                at, &slot, pack(&account), memory_order_relaxed, memory_order_relaxed))
            return over;
    }
    *slips = false;
    return slot >> TAG_SHIFT == tag && unpack(slot).balance <= 0;
}

/* What an account is named by: its sort, a type, the clients' network, and a name. */
enum { OF_NAME, OF_ZONE, OF_ALL };

static uint64_t
load(const uint8_t *in)
{
    uint64_t word;
    memcpy(&word, in, sizeof word);
    return word;
}

/* Both halves of a product: each bit of the result hangs on all of both. */
static uint64_t
mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Keyed, but no SipHash, which took a fifteenth of an answer's time in process
 * (tests/perf/answer-cost): whoever found names of one account would gain no more than by asking
 * for one name. */
static uint64_t
hash_of(const struct rrl *rrl, const struct ip *client, uint8_t sort, uint16_t type,
    const struct dname *name)
{
    const struct rate_conf *conf = rrl->conf;
    const struct prefix network = prefix_of(client, ip_is4(client) ? conf->prefix4 : conf->prefix6);
    const uint64_t key = load(rrl->key.b), other = load(rrl->key.b + 8);
    size_t n = name == NULL ? 0 : name->len, at = 0;
    uint64_t hash = mix(key ^ load(network.addr.b), other ^ load(network.addr.b + 8)), tail = 0;
    hash = mix(hash ^ ((uint64_t)type << 32 | n << 8 | sort), other);
    for (; at + sizeof tail < n; at += sizeof tail)
        hash = mix(hash ^ load(name->b + at), other);
    if (n >= sizeof tail)
        tail = load(name->b + n - sizeof tail); /* some again */
    else if (n > 0)
        memcpy(&tail, name->b, n);
    return mix(hash ^ tail, other);
}

/* The class is known after the hash: it changes the tag, not the row. */
static uint64_t
with_class(uint64_t hash, enum rrl_class class)
{
    return hash ^ (uint64_t) class << TAG_SHIFT;
}

static bool
is_exempt(const struct rate_conf *conf, const struct ip *client)
{
    return conf->exempt_count == 0 ? ip_is_private(client)
                                   : prefixes_contain(conf->exempt, conf->exempt_count, client);
}

struct rrl_mark
rrl_begin(const struct rrl *rrl, const struct ip *client, uint16_t qtype, const struct dname *qname)
{
    struct rrl_mark mark = {.counts = rrl->rows != NULL && !is_exempt(rrl->conf, client)};
    if (!mark.counts || rrl->conf->responses == 0)
        return mark;
    mark.hash = hash_of(rrl, client, OF_NAME, qtype, qname);
    __builtin_prefetch(row_of(rrl, mark.hash), 1);
    return mark;
}

/* The accounts over all names, where they are wanted. */
static bool
charge_wide(const struct rrl *rrl, const struct rrl_response *response, int64_t now_s, bool *slips)
{
    const struct rate_conf *conf = rrl->conf;
    const enum rrl_class class = response->class;
    const uint32_t rates[] = {[RRL_DATA] = 0,
        [RRL_NODATA] = conf->nodata,
        [RRL_NXDOMAIN] = conf->nxdomains,
        [RRL_ERROR] = conf->errors};
    const struct dname *zone = class == RRL_ERROR ? NULL : response->apex;
    if (rates[class] != 0) {
        uint64_t hash = hash_of(rrl, &response->client, OF_ZONE, 0, zone);
        if (charge(rrl, with_class(hash, class), rates[class], now_s, slips))
            return true;
    }
    return conf->all != 0 &&
           charge(rrl, hash_of(rrl, &response->client, OF_ALL, 0, NULL), conf->all, now_s, slips);
}

enum rrl_verdict
rrl_count(const struct rrl *rrl, const struct rrl_mark *mark, const struct rrl_response *response,
    int64_t now_s)
{
    const struct rate_conf *conf = rrl->conf;
    bool slips = false;
    if (!mark->counts)
        return RRL_SEND;
    bool over = conf->responses != 0 && charge(rrl, with_class(mark->hash, response->class),
                                            conf->responses, now_s, &slips);
    if (!over && !charge_wide(rrl, response, now_s, &slips))
        return RRL_SEND;
    if (conf->log_only)
        return RRL_NOTED;
    return slips && conf->slip != 0 ? RRL_SLIP : RRL_DROP;
}
