/*
 * What holds of verdicts whatever was seen and whatever DNS says of it, or does not: over thousands
 * of histories each, of IPv4 and IPv6 addresses and of whole /64, made from a seed. One write
 * transaction is a case; none is committed.
 */
#include "loader/wordset.h"
#include "tests/unit/world_fixture.h"

enum { CASES = 2000 };

/* -- the properties -- */

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
        cmocka_unit_test(time_never_lowers),
        cmocka_unit_test(order_in_a_day_is_nothing),
        cmocka_unit_test(attempts_are_nothing),
        cmocka_unit_test(retrying_is_as_silence),
        cmocka_unit_test(allow_beats_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
