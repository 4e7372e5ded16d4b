/* Weights from a site's own history: what is learnt, how much it takes, and whom it must spare. */
#include <math.h>
#include <string.h>

#include "loader/features.h"
#include "loader/learnhistory.h"
#include "tests/unit/judge_fixture.h"

/* Addresses of 8.0.0.0/8, each in a network of its own; the last few of the ham ones greet as told,
 * and everybody else as is usual of its label. */
struct site {
    unsigned ham, spam;
    unsigned odd;
    const char *odd_helo;
};

static void
add_site(struct fixture *f, const struct site *site)
{
    struct kv_txn *txn;
    assert_int_equal(kv_begin(history_kv(f->history), true, &txn, &f->msg), ERR_OK);
    for (unsigned i = 0; i < site->ham + site->spam; i++) {
        bool ham = i < site->ham, odd = ham && i + site->odd >= site->ham;
        const char *helo = odd ? site->odd_helo : ham ? "localhost" : "pc1";
        struct observation seen = {.when_s = DAYS_0 + (int64_t)(i % 5) * DAY_S,
            .client = ip_from_v4(UINT32_C(8) << 24 | i << 8 | 1),
            .label = ham ? OBS_HAM : OBS_SPAM,
            .outcome = OBS_ACCEPTED,
            .sender = OBS_SENDER_NULL};
        helo_set(&seen.helo, helo, strlen(helo));
        history_add(txn, &seen);
    }
    assert_int_equal(kv_commit(&txn, &f->msg), ERR_OK);
}

static enum err
fit(struct fixture *f, double penalty, struct learnhistory *out)
{
    struct kv_txn *txn;
    struct dnscache *cache;
    struct spfpolicies *policies;
    int64_t now_s = DAYS_0 + 6 * DAY_S;
    struct judging_env env = {
        .conf = &conf, .rdns = f->rdns, .names = f->names, .spf = f->spf, .offline = true};
    struct spf_dns dns = {.lookup = judgedns_ask_fresh, .ctx = &env};
    struct spf_limits limits = {.lookups = 10, .voids = 2};

    assert_int_equal(kv_begin(history_kv(f->history), false, &txn, &f->msg), ERR_OK);
    assert_int_equal(dnscache_new(txn, now_s, &cache), ERR_OK);
    assert_int_equal(spfpolicies_new(&dns, &limits, &policies), ERR_OK);
    env.txn = txn;
    env.cache = cache;
    env.policies = policies;
    env.weights = &f->weights;
    env.now_s = now_s;
    enum err err = learnhistory_fit(&env, penalty, out, &f->msg);
    spfpolicies_free(&policies);
    dnscache_free(&cache);
    kv_abort(&txn);
    return err;
}

static void
too_few_are_refused(void **state)
{
    static const struct site sites[] = {{LEARNHISTORY_HAM_MIN - 1, LEARNHISTORY_SPAM_MIN, 0, NULL},
        {LEARNHISTORY_HAM_MIN, LEARNHISTORY_SPAM_MIN - 1, 0, NULL}, {0, 0, 0, NULL}};
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        struct learnhistory learnt;
        char figures[64];
        fixture_renew(&f);
        add_site(&f, &sites[i]);
        assert_int_equal(fit(&f, LEARNHISTORY_PENALTY, &learnt), ERR_REFUSED);
        (void)snprintf(figures, sizeof figures, "knows %u addresses of which mail was kept and %u",
            sites[i].ham, sites[i].spam);
        assert_non_null(strstr(f.msg.text, figures));
    }
    fixture_close(&f);
}

/* The more is seen, and the less the pull, the more a weight moves; what is set does not. */
static void
what_is_seen_moves_weights(void **state)
{
    static const struct site few = {100, 100, 0, NULL}, many = {1000, 1000, 0, NULL};
    struct learnhistory gentle, of_few, of_many;
    struct weights shipped;
    struct fixture f;
    (void)state;
    weights_shipped(&shipped);
    fixture_open(&f);
    add_site(&f, &few);
    assert_int_equal(fit(&f, LEARNHISTORY_PENALTY, &of_few), ERR_OK);
    assert_int_equal(fit(&f, 1000, &gentle), ERR_OK);
    add_site(&f, &many);
    assert_int_equal(fit(&f, LEARNHISTORY_PENALTY, &of_many), ERR_OK);
    fixture_close(&f);
    double was = shipped.of[FEATURE_HELO_SINGLE];
    assert_true(gentle.weights.of[FEATURE_HELO_SINGLE] > was);
    assert_true(
        of_few.weights.of[FEATURE_HELO_SINGLE] > gentle.weights.of[FEATURE_HELO_SINGLE] + 0.05);
    assert_true(
        of_many.weights.of[FEATURE_HELO_SINGLE] > of_few.weights.of[FEATURE_HELO_SINGLE] + 0.05);
    assert_true(of_many.ham == 1000 && of_many.spam == 1000 && of_many.listed_ham == 0);
    for (enum feature i = 0; i < FEATURE_COUNT; i++) {
        assert_true(weights_allow(i, of_many.weights.of[i]));
        if (feature_info(i)->origin == ORIGIN_SET)
            assert_true(of_many.weights.of[i] == shipped.of[i]);
    }
}

/* Some honest hosts look as all spammers do: the pull grows until these are not listed. */
static void
honest_ones_are_spared(void **state)
{
    static const struct site site = {1000, 1000, 6, "pc7"};
    struct learnhistory learnt;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    add_site(&f, &site);
    assert_int_equal(fit(&f, 1e-3, &learnt), ERR_OK);
    fixture_close(&f);
    assert_true(learnt.penalty > 1e-3);
    assert_true(learnt.listed_ham <= 1000 / LEARNHISTORY_OF);
    double badness = learnt.weights.of[FEATURE_BIAS] + learnt.weights.of[FEATURE_HELO_SINGLE];
    assert_true(weights_score(badness) > (int)conf.policy.score_threshold);
}

/* Not even the weights to begin with spare them, for what is bad in them is set. */
static void
harmful_weights_are_refused(void **state)
{
    static const struct site site = {200, 200, 2, "[8.8.8.8]"};
    struct learnhistory learnt;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    add_site(&f, &site);
    f.weights.of[FEATURE_HELO_FORGED] = 9;
    assert_int_equal(fit(&f, LEARNHISTORY_PENALTY, &learnt), ERR_REFUSED);
    assert_non_null(strstr(f.msg.text, "of 200 addresses of which mail was kept, 2 look so bad"));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(too_few_are_refused),
        cmocka_unit_test(what_is_seen_moves_weights), cmocka_unit_test(honest_ones_are_spared),
        cmocka_unit_test(harmful_weights_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
