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
        int32_t its = slot == 0 ? INT32_MAX : holds(slot, second, rate);
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

/* Takes a credit; true if there was none. *slips: this is one for a truncated answer. */
static bool
charge(const struct rrl *rrl, const void *name, size_t n, uint32_t rate, int64_t now_s, bool *slips)
{
    uint64_t hash;
    siphash(&rrl->key, name, n, (uint8_t *)&hash);
    uint32_t tag = (uint32_t)(hash >> TAG_SHIFT), second = (uint32_t)now_s & SECOND_MASK;
    _Atomic uint64_t *at = slot_of(&rrl->rows[(uint32_t)hash & rrl->row_mask], tag, second, rate);
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

/* What an account is named by: what kind of response, of what, and the clients' network. */
enum { KIND_SIZE = 3, SHORT_NAME = 64 };
struct name {
    size_t prefix_n, n;
    uint8_t b[KIND_SIZE + 16 + DNAME_MAX];
};

static void
begin_name(struct name *name, const struct rate_conf *conf, const struct ip *client)
{
    struct prefix prefix = prefix_of(client, ip_is4(client) ? conf->prefix4 : conf->prefix6);
    name->prefix_n = KIND_SIZE + ip_key(&prefix.addr, name->b + KIND_SIZE);
}

static void
add_name(struct name *name, uint8_t class, uint16_t type, const struct dname *dname)
{
    name->b[0] = class;
    name->b[1] = (uint8_t)(type >> 8);
    name->b[2] = (uint8_t)type;
    name->n = name->prefix_n;
    if (dname == NULL)
        return;
    /* Nearly all names are short, and a copy of a fixed length costs a tenth of another. */
    if (dname->len <= SHORT_NAME)
        memcpy(name->b + name->n, dname->b, SHORT_NAME);
    else
        memcpy(name->b + name->n, dname->b, dname->len);
    name->n += dname->len;
}

static bool
is_exempt(const struct rate_conf *conf, const struct ip *client)
{
    return conf->exempt_count == 0 ? ip_is_private(client)
                                   : prefixes_contain(conf->exempt, conf->exempt_count, client);
}

/* Account classes: those of rrl_class are of a name, these of a zone or of everything. */
enum { OF_ZONE = 0x10, OF_ALL = 0x20, OF_IPV4 = 0x40 };

enum rrl_verdict
rrl_count(const struct rrl *rrl, const struct rrl_response *response, int64_t now_s)
{
    const struct rate_conf *conf = rrl->conf;
    if (rrl->rows == NULL || is_exempt(conf, &response->client))
        return RRL_SEND;
    const uint32_t zone_rates[] = {[RRL_DATA] = 0,
        [RRL_NODATA] = conf->nodata,
        [RRL_NXDOMAIN] = conf->nxdomains,
        [RRL_ERROR] = conf->errors};
    const struct dname *zone = response->class == RRL_ERROR ? NULL : response->apex;
    const uint8_t class = (uint8_t)(response->class | (ip_is4(&response->client) ? OF_IPV4 : 0));
    const struct {
        uint32_t rate;
        uint8_t class;
        uint16_t type;
        const struct dname *dname;
    } accounts[] = {{conf->responses, class, response->qtype, response->qname},
        {zone_rates[response->class], (uint8_t)(OF_ZONE | class), 0, zone},
        {conf->all, (uint8_t)(OF_ALL | (class & OF_IPV4)), 0, NULL}};
    struct name name;
    bool over = false, slips = false;
    begin_name(&name, conf, &response->client);
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts && !over; i++) {
        if (accounts[i].rate == 0)
            continue;
        add_name(&name, accounts[i].class, accounts[i].type, accounts[i].dname);
        over = charge(rrl, name.b, name.n, accounts[i].rate, now_s, &slips);
    }
    if (!over)
        return RRL_SEND;
    if (conf->log_only)
        return RRL_NOTED;
    return slips && conf->slip != 0 ? RRL_SLIP : RRL_DROP;
}
