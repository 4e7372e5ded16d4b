/* For tests of what holds whatever was seen: histories of an IPv4 or IPv6 address or of a whole
 * /64, made from a seed, with what DNS says of them, or does not; judged in the open transaction.
 */
#ifndef TESTS_UNIT_WORLD_FIXTURE_H
#define TESTS_UNIT_WORLD_FIXTURE_H

#include "loader/network.h"
#include "tests/unit/judge_fixture.h"

enum { MAILS_MAX = 30, PEERS_MAX = 4, ONE_MORE = 1, HELOS = 9, SENDERS = 6 };

/* What DNS says of an address. */
enum dns_of {
    DNS_UNKNOWN,
    DNS_ABSENT,
    DNS_NAMED,
    DNS_DYNAMIC,
    DNS_ABROAD,
    DNS_UNCONFIRMED,
    DNS_OF_COUNT
};
static const char *const rdns_names[DNS_OF_COUNT] = {[DNS_NAMED] = "mail.a.example",
    [DNS_DYNAMIC] = "dyn-10-0-0.pool.isp.example",
    [DNS_ABROAD] = "mx.isp.br",
    [DNS_UNCONFIRMED] = "dyn-10-0-0.pool.isp.example"};

static const char *const helos[HELOS] = {"dyn-10-0-0.pool.isp.example", "pc1", "198.18.0.1",
    "mail.a.example", "localhost", "[10.1.0.7]", "hotmail.com", "bad_name!", "mx.isp.br"};
static const char *const senders[SENDERS] = {
    "hotmail.com", "isp.example", "a.example", "x9.example", "b.example", "shop.de"};
/* NULL: unknown. */
static const char *const policies[] = {NULL, "", "v=spf1 -all", "v=spf1 +all",
    "v=spf1 ip4:10.0.0.0/8 ip6:2001:db8::/32 -all", "v=spf1 ?all"};
enum { POLICIES = sizeof policies / sizeof *policies };

/* A history and its DNS. The addresses are one subject where they are of a /64 that is judged as
 * one, else the first of them is the subject. */
struct world {
    unsigned peers;
    struct ip ip[PEERS_MAX + ONE_MORE];
    enum dns_of dns[PEERS_MAX + ONE_MORE];
    enum fact resolves[HELOS];
    unsigned policy[SENDERS];
    struct observation mails[MAILS_MAX];
    size_t count;
    unsigned day; /* the last one */
    /* Names of these forms do not exist, or have an SPF policy that permits the world's addresses;
     * NULL: they are as any other. */
    const char *absent, *permitting;
};

/* Names that differ in a number, which stands for the % of the form: so many there are. */
enum { NUMBERS = 250 };

static inline void
numbered(const char *form, unsigned number, char out[64])
{
    const char *at = strchr(form, '%');
    (void)snprintf(out, 64, "%.*s%u%s", (int)(at - form), form, number, at + 1);
}

static inline struct dname
name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return name;
}

static inline struct observation
random_mail(uint64_t *seed, const struct world *world, unsigned day, bool ham)
{
    struct observation seen = {.client = world->ip[draw(seed, world->peers)]};
    const char *helo = helos[draw(seed, HELOS)];
    seen.when_s = DAYS_0 + (int64_t)day * DAY_S + draw(seed, DAY_S);
    seen.label = ham && draw(seed, 12) == 0 ? OBS_HAM
                 : draw(seed, 4) == 0       ? OBS_SPAM
                                            : OBS_UNLABELLED;
    seen.outcome = draw(seed, 5) == 0 ? OBS_ATTEMPT : OBS_ACCEPTED;
    if (draw(seed, 5) != 0)
        helo_set(&seen.helo, helo, strlen(helo));
    seen.sender = draw(seed, 6) == 0 ? OBS_SENDER_NULL : OBS_SENDER_DOMAIN;
    seen.sender_domain = name_of(senders[draw(seed, SENDERS)]);
    seen.spf = (enum obs_spf)draw(seed, OBS_SPF_COUNT);
    return seen;
}

/* Up to 20 days. kind: 0 an IPv4 address, 1 an IPv6 one, 2 addresses of a /64. dns: of which that
 * of an address is drawn. */
static inline void
random_world(
    uint64_t *seed, unsigned kind, const enum dns_of *dns, unsigned dns_count, struct world *out)
{
    bool ham = draw(seed, 2) == 0;
    *out = (struct world){.peers = kind == 2 ? 1 + draw(seed, PEERS_MAX) : 1};
    for (unsigned i = 0; i < out->peers; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, kind == 0 ? "10.1.0.%u" : "2001:db8:0:1::%u", i + 7);
        assert_int_equal(ip_parse(text, strlen(text), &out->ip[i]), ERR_OK);
        out->dns[i] = dns[draw(seed, dns_count)];
    }
    for (unsigned i = 0; i < HELOS; i++)
        out->resolves[i] = (enum fact)draw(seed, 3);
    for (unsigned i = 0; i < SENDERS; i++)
        out->policy[i] = draw(seed, POLICIES);
    out->count = 1 + draw(seed, MAILS_MAX);
    for (size_t i = 0; i < out->count; i++) {
        out->mails[i] = random_mail(seed, out, out->day, ham);
        if (i + 1 < out->count)
            out->day += draw(seed, 3) == 0;
    }
}

static inline void
put_address(struct dnscache *cache, const struct ip *ip, enum dns_of dns)
{
    struct dname reverse, name;
    uint8_t key[16];
    size_t n = ip_key(ip, key);
    dns_reverse_name(ip, &reverse);
    if (dns == DNS_UNKNOWN)
        return;
    if (dns == DNS_ABSENT) {
        put_answer(cache, DNS_PTR, &reverse, NULL, 0);
        return;
    }
    name = name_of(rdns_names[dns]);
    put_answer(cache, DNS_PTR, &reverse, name.b, name.len);
    put_answer(cache, n == 4 ? DNS_A : DNS_AAAA, &name, key, dns == DNS_UNCONFIRMED ? 0 : n);
}

static inline void
put_world(struct dnscache *cache, const struct world *world)
{
    for (unsigned i = 0; i < HELOS; i++) {
        struct dname name;
        uint8_t key[16];
        size_t n = ip_key(&world->ip[0], key);
        if (world->resolves[i] != FACT_UNKNOWN &&
            dname_parse(helos[i], strlen(helos[i]), &name) == ERR_OK) {
            put_answer(cache, n == 4 ? DNS_A : DNS_AAAA, &name, key,
                world->resolves[i] == FACT_YES ? n : 0);
        }
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        const char *policy = policies[world->policy[i]];
        struct dname name = name_of(senders[i]);
        if (policy != NULL)
            put_answer(cache, DNS_TXT, &name, policy, strlen(policy));
    }
    for (unsigned i = 0; i < world->peers; i++)
        put_address(cache, &world->ip[i], world->dns[i]);
    for (unsigned i = 0; i < NUMBERS; i++) {
        static const char policy[] = "v=spf1 ip4:10.0.0.0/8 -all";
        char text[64];
        struct dname name;
        if (world->absent != NULL) {
            numbered(world->absent, i, text);
            name = name_of(text);
            put_answer(cache, DNS_A, &name, NULL, 0);
        }
        if (world->permitting != NULL) {
            numbered(world->permitting, i, text);
            name = name_of(text);
            put_answer(cache, DNS_TXT, &name, policy, sizeof policy - 1);
        }
    }
}

/* -- judging in the open transaction -- */

struct verdict {
    const struct world *world;
    bool of_network;
    struct judgement judgement;
};

static inline enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct verdict *verdict = ctx;
    if (ip_cmp(&facts->client->ip, &verdict->world->ip[0]) == 0)
        verdict->judgement = *judgement;
    return ERR_OK;
}

static inline enum err
on_network(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct verdict *verdict = ctx;
    (void)facts;
    verdict->of_network = true;
    verdict->judgement = *judgement;
    return ERR_OK;
}

/* At the beginning of the day after. */
static inline struct verdict
judged(struct fixture *f, const struct world *world, unsigned day)
{
    int64_t now_s = DAYS_0 + (int64_t)(day + 1) * DAY_S;
    struct verdict out = {.world = world, .judgement.score = 50};
    struct judging_visitor visitor = {.client = on_client, .network = on_network, .ctx = &out};
    struct dnscache *cache;
    struct spfpolicies *flat;
    assert_int_equal(dnscache_new(f->txn, now_s, &cache), ERR_OK);
    put_world(cache, world);
    struct judging_env env = {.conf = &conf,
        .txn = f->txn,
        .cache = cache,
        .spf = f->spf,
        .rdns = f->rdns,
        .names = f->names,
        .weights = &f->weights,
        .now_s = now_s,
        .offline = true};
    struct spf_dns dns = {.lookup = judgedns_ask_fresh, .ctx = &env};
    struct spf_limits limits = {.lookups = 10, .voids = 2};
    assert_int_equal(spfpolicies_new(&dns, &limits, &flat), ERR_OK);
    env.policies = flat;
    assert_int_equal(judging_walk(&env, NULL, &visitor), ERR_OK);
    spfpolicies_free(&flat);
    dnscache_free(&cache);
    return out;
}

static inline void
begin(struct fixture *f, const struct observation *mails, size_t count)
{
    assert_int_equal(kv_begin(history_kv(f->history), true, &f->txn, &f->msg), ERR_OK);
    for (size_t i = 0; i < count; i++)
        history_add(f->txn, &mails[i]);
}

static inline bool
is_listed(const struct verdict *verdict)
{
    return reasons_have(verdict->judgement.reasons, REASON_SCORE) ||
           reasons_have(verdict->judgement.reasons, REASON_TRAP);
}

static const enum dns_of any_dns[] = {
    DNS_UNKNOWN, DNS_ABSENT, DNS_NAMED, DNS_DYNAMIC, DNS_ABROAD, DNS_UNCONFIRMED};

#endif
