/*
 * What holds of verdicts whatever was seen and whatever DNS says of it, or does not: over thousands
 * of histories each, of IPv4 and IPv6 addresses and of whole /64, made from a seed. One write
 * transaction is a case; none is committed.
 */
#include "loader/network.h"
#include "loader/wordset.h"
#include "tests/unit/judge_fixture.h"

enum { CASES = 2000, MAILS_MAX = 30, PEERS_MAX = 4, ONE_MORE = 1, HELOS = 8, SENDERS = 5 };

/* What DNS says of an address. */
enum dns_of { DNS_UNKNOWN, DNS_ABSENT, DNS_NAMED, DNS_DYNAMIC, DNS_UNCONFIRMED, DNS_OF_COUNT };

static const char *const helos[HELOS] = {"dyn-10-0-0.pool.isp.example", "pc1", "198.18.0.1",
    "mail.a.example", "localhost", "[10.1.0.7]", "hotmail.com", "bad_name!"};
static const char *const senders[SENDERS] = {
    "hotmail.com", "isp.example", "a.example", "x9.example", "b.example"};
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
};

static struct dname
name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return name;
}

static struct observation
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
static void
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

static void
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
    name = name_of(dns == DNS_NAMED ? "mail.a.example" : "dyn-10-0-0.pool.isp.example");
    put_answer(cache, DNS_PTR, &reverse, name.b, name.len);
    put_answer(cache, n == 4 ? DNS_A : DNS_AAAA, &name, key, dns == DNS_UNCONFIRMED ? 0 : n);
}

static void
put_world(struct dnscache *cache, const struct world *world)
{
    for (unsigned i = 0; i < HELOS; i++) {
        struct dname name;
        uint8_t key[16];
        size_t n = ip_key(&world->ip[0], key);
        if (world->resolves[i] != FACT_UNKNOWN && i != 2 && i != 5 && i != 7) {
            name = name_of(helos[i]);
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
}

/* -- judging in the open transaction -- */

struct verdict {
    const struct world *world;
    bool of_network;
    struct judgement judgement;
};

static enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct verdict *verdict = ctx;
    if (ip_cmp(&facts->client->ip, &verdict->world->ip[0]) == 0)
        verdict->judgement = *judgement;
    return ERR_OK;
}

static enum err
on_network(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct verdict *verdict = ctx;
    (void)facts;
    verdict->of_network = true;
    verdict->judgement = *judgement;
    return ERR_OK;
}

/* At the beginning of the day after. */
static struct verdict
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

static void
begin(struct fixture *f, const struct observation *mails, size_t count)
{
    assert_int_equal(kv_begin(history_kv(f->history), true, &f->txn, &f->msg), ERR_OK);
    for (size_t i = 0; i < count; i++)
        history_add(f->txn, &mails[i]);
}

static bool
is_listed(const struct verdict *verdict)
{
    return reasons_have(verdict->judgement.reasons, REASON_SCORE) ||
           reasons_have(verdict->judgement.reasons, REASON_TRAP);
}

static const enum dns_of any_dns[] = {
    DNS_UNKNOWN, DNS_ABSENT, DNS_NAMED, DNS_DYNAMIC, DNS_UNCONFIRMED};

/* -- the properties -- */

/* A session with a HELO that is never valid, be it not the worst, reported as spam; of a /64, from
 * another address without a reverse name, where none has a worse one. */
static void
more_bad_never_raises(void **state)
{
    static const enum dns_of no_worse[] = {DNS_UNKNOWN, DNS_ABSENT, DNS_NAMED};
    static const char *const never_valid[] = {"198.18.0.1", "pc1", "bad_name!"};
    uint64_t seed = SEED;
    unsigned networks = 0, unknown = 0;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (unsigned run = 0; run < cases_of(CASES); run++) {
        struct world world;
        unsigned kind = run % 3;
        random_world(
            &seed, kind, kind == 2 ? no_worse : any_dns, kind == 2 ? 3 : DNS_OF_COUNT, &world);
        begin(&f, world.mails, world.count);
        struct verdict before = judged(&f, &world, world.day);
        struct observation bad = {.when_s = DAYS_0 + (int64_t)world.day * DAY_S + DAY_S - 1,
            .client = world.ip[0],
            .label = OBS_SPAM};
        const char *helo = never_valid[run / 3 % 3];
        helo_set(&bad.helo, helo, strlen(helo));
        if (before.of_network && kind == 2) {
            bad.client.b[14] = 0x99;
            world.ip[world.peers] = bad.client;
            world.dns[world.peers++] = DNS_ABSENT;
        }
        networks += before.of_network && kind == 2;
        unknown += world.dns[0] == DNS_UNKNOWN;
        for (unsigned more = 0; more < 4; more++) {
            history_add(f.txn, &bad);
            struct verdict after = judged(&f, &world, world.day);
            if (after.judgement.score > before.judgement.score)
                fail_msg("case %u: %d, then %d: %s", run, before.judgement.score,
                    after.judgement.score, after.judgement.detail);
            assert_true(is_listed(&after) || !is_listed(&before));
            before = after;
        }
        kv_abort(&f.txn);
    }
    assert_true(networks > cases_of(CASES) / 10 && unknown > cases_of(CASES) / 10);
    fixture_close(&f);
}

static void
time_never_lowers(void **state)
{
    uint64_t seed = SEED + 1;
    unsigned listed = 0;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (unsigned run = 0; run < cases_of(CASES); run++) {
        struct world world;
        random_world(&seed, run % 3, any_dns, DNS_OF_COUNT, &world);
        begin(&f, world.mails, world.count);
        struct verdict before = judged(&f, &world, world.day);
        listed += is_listed(&before);
        for (unsigned later = 1; later < 60; later += 1 + later / 3) {
            struct verdict after = judged(&f, &world, world.day + later);
            if (after.judgement.score < before.judgement.score)
                fail_msg("case %u: %d, then %d: %s", run, before.judgement.score,
                    after.judgement.score, after.judgement.detail);
            assert_true(is_listed(&before) || !is_listed(&after));
            before = after;
        }
        kv_abort(&f.txn);
    }
    assert_true(listed > cases_of(CASES) / 50);
    fixture_close(&f);
}

static void
expect_same(const struct verdict *a, const struct verdict *b, unsigned run)
{
    if (a->judgement.score != b->judgement.score ||
        a->judgement.reasons.bits != b->judgement.reasons.bits ||
        a->judgement.quiet_days != b->judgement.quiet_days || a->of_network != b->of_network)
        fail_msg("case %u: %d %s\nthen %d %s", run, a->judgement.score, a->judgement.detail,
            b->judgement.score, b->judgement.detail);
}

/* The mails of each day shuffled. */
static void
order_in_a_day_is_nothing(void **state)
{
    uint64_t seed = SEED + 2;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (unsigned run = 0; run < cases_of(CASES); run++) {
        struct world world;
        random_world(&seed, run % 3, any_dns, DNS_OF_COUNT, &world);
        begin(&f, world.mails, world.count);
        struct verdict before = judged(&f, &world, world.day);
        kv_abort(&f.txn);
        for (size_t i = world.count; i-- > 1;) {
            size_t k = draw(&seed, (uint32_t)i + 1);
            struct observation one = world.mails[i];
            if (hist_day(one.when_s) != hist_day(world.mails[k].when_s))
                continue;
            world.mails[i] = world.mails[k];
            world.mails[k] = one;
        }
        begin(&f, world.mails, world.count);
        struct verdict after = judged(&f, &world, world.day);
        expect_same(&before, &after, run);
        kv_abort(&f.txn);
    }
    fixture_close(&f);
}

/* Before, among and after the mails. A client with attempts alone is nobody yet. */
static void
attempts_are_nothing(void **state)
{
    uint64_t seed = SEED + 3;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (unsigned run = 0; run < cases_of(CASES); run++) {
        struct world world;
        struct observation mixed[2 * MAILS_MAX + 8];
        size_t count = 0, kept = 0;
        random_world(&seed, run % 3, any_dns, DNS_OF_COUNT, &world);
        for (size_t i = 0; i < world.count; i++)
            if (world.mails[i].outcome == OBS_ACCEPTED)
                world.mails[kept++] = world.mails[i];
        world.count = kept;
        if (kept == 0)
            continue;
        for (size_t i = 0; i <= kept; i++) {
            struct observation attempt = world.mails[i < kept ? i : 0];
            attempt.outcome = OBS_ATTEMPT;
            attempt.label = OBS_UNLABELLED;
            attempt.when_s -= i % 3 == 0 ? 3 * DAY_S : 0;
            helo_set(&attempt.helo, "198.18.0.1", 10);
            mixed[count++] = attempt;
            if (i < kept)
                mixed[count++] = world.mails[i];
        }
        begin(&f, world.mails, kept);
        struct verdict without = judged(&f, &world, world.day);
        kv_abort(&f.txn);
        begin(&f, mixed, count);
        struct verdict with = judged(&f, &world, world.day);
        expect_same(&without, &with, run);
        kv_abort(&f.txn);
    }
    fixture_close(&f);
}

/* Whoever is listed, silent or trying all the time: to the day that was told. Every 100th tries
 * each minute, the others some times a day. */
static void
retrying_is_as_silence(void **state)
{
    uint64_t seed = SEED + 4;
    unsigned listed = 0;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (unsigned run = 0; run < cases_of(CASES); run++) {
        struct world world;
        random_world(&seed, run % 3, any_dns, DNS_OF_COUNT, &world);
        begin(&f, world.mails, world.count);
        struct verdict first = judged(&f, &world, world.day);
        uint32_t quiet = first.judgement.quiet_days;
        unsigned a_day = run % 100 == 0 ? 1440 : 10;
        if (!is_listed(&first)) {
            kv_abort(&f.txn);
            continue;
        }
        struct verdict silent_last = judged(&f, &world, world.day + quiet - 1);
        struct verdict silent_over = judged(&f, &world, world.day + quiet);
        for (unsigned i = 0; i < quiet * a_day; i++) {
            struct observation attempt = world.mails[draw(&seed, (uint32_t)world.count)];
            attempt.outcome = OBS_ATTEMPT;
            attempt.label = OBS_UNLABELLED;
            attempt.when_s = DAYS_0 + (int64_t)(world.day + 1) * DAY_S + i * (DAY_S / a_day);
            history_add(f.txn, &attempt);
        }
        struct verdict last = judged(&f, &world, world.day + quiet - 1);
        struct verdict over = judged(&f, &world, world.day + quiet);
        expect_same(&silent_last, &last, run);
        expect_same(&silent_over, &over, run);
        assert_false(is_listed(&over));
        /* What neighbours did fades, too, which nobody is told. */
        assert_true(is_listed(&last) || run % 3 == 2);
        listed++;
        kv_abort(&f.txn);
    }
    assert_true(listed > cases_of(CASES) / 50);
    fixture_close(&f);
}

/* -- the operator's word -- */

static struct prefix
random_prefix(uint64_t *seed)
{
    struct ip ip = ip_from_v4(0x0a000000 + draw(seed, 64));
    unsigned bits = 26 + draw(seed, 7);
    if (draw(seed, 2) == 0) {
        ip = (struct ip){.b = {0x20, 1, 0x0d, 0xb8, [15] = (uint8_t)draw(seed, 64)}};
        bits += 96;
    }
    return prefix_of(&ip, bits);
}

/* What a set of addresses says: -1 nothing, 0 allowed, 1 blocked. */
static int
said_of(const struct publish_set *set, const struct ip *ip)
{
    struct value_element element;
    size_t at = publish_find(set, ip);
    if (at >= set->count || ip_cmp(&set->addrs[at].range.first, ip) > 0)
        return -1;
    struct slice value = set->addrs[at].value;
    assert_int_equal(value_next(&value, &element), ERR_OK);
    return reasons_have(element.reasons, REASON_OPERATOR);
}

static void
check_address(const struct words *words, const struct publish_set *set, const struct ip *ip)
{
    bool allowed = false, blocked = false;
    for (size_t i = 0; i < words->count; i++) {
        bool here = prefix_contains(&words->items[i].subject.prefix, ip);
        allowed = allowed || (here && words->items[i].verb != WORD_BLOCK);
        blocked = blocked || (here && words->items[i].verb == WORD_BLOCK);
    }
    assert_int_equal(said_of(set, ip), allowed ? 0 : blocked ? 1 : -1);
}

static void
allow_beats_block(void **state)
{
    static const enum word_verb verbs[] = {WORD_ALLOW, WORD_BLOCK, WORD_UNLIST};
    uint64_t seed = SEED + 5;
    (void)state;
    for (unsigned run = 0; run < cases_of(CASES); run++) {
        struct word items[12];
        struct words words = {.items = items, .count = 1 + draw(&seed, 12)};
        struct wordset set = {0};
        for (size_t i = 0; i < words.count; i++)
            items[i] = (struct word){.verb = verbs[draw(&seed, 3)],
                .subject = {.prefix = random_prefix(&seed)},
                .since_s = DAYS_0};
        assert_int_equal(wordset_make(&conf, &words, false, NULL, 0, &set), ERR_OK);
        for (unsigned i = 0; i < 64; i++) {
            struct ip v4 = ip_from_v4(0x0a000000 + i),
                      v6 = {.b = {0x20, 1, 0x0d, 0xb8, [15] = (uint8_t)i}};
            check_address(&words, &set.sets[WORDSET_IP], &v4);
            check_address(&words, &set.sets[WORDSET_IP], &v6);
        }
        wordset_free(&set);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_bad_never_raises),
        cmocka_unit_test(time_never_lowers),
        cmocka_unit_test(order_in_a_day_is_nothing),
        cmocka_unit_test(attempts_are_nothing),
        cmocka_unit_test(retrying_is_as_silence),
        cmocka_unit_test(allow_beats_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
