/* The rules of judging, each by a case that would break it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "loader/judge.h"
#include "tests/unit/judge_thresholds.h"

enum { TODAY = 20000 };

static const struct policy policy = {JUDGE_THRESHOLDS};

static struct weights weights;
static struct hist_client client;
static struct helo text;
static struct hist_use use = {.count = 20};

static struct client_facts
facts_of(enum rdns_state rdns)
{
    weights_shipped(&weights);
    client = (struct hist_client){.sessions = 20,
        .accepted = 20,
        .with_helo = 20,
        .days = 5,
        .weights[HIST_ACTIVE] = {TODAY, 5 * HIST_UNIT}};
    return (struct client_facts){
        .client = &client, .rdns = rdns, .mature = true, .now_s = INT64_C(86400) * TODAY};
}

static struct helo_fact
helo_of(enum helo_kind kind, enum fact resolves)
{
    helo_set(&text, "some.name", 9);
    return (struct helo_fact){
        .text = &text, .use = &use, .form = {.kind = kind}, .resolves_here = resolves};
}

static void
one_sign_never_lists(void **state)
{
    struct judgement judgement;
    struct client_facts facts = facts_of(RDNS_STATE_NONE);
    (void)state;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_RDNS_NONE));
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
    /* Even labels of spam by the hundred are one kind. */
    facts = facts_of(RDNS_UNKNOWN);
    client.spam = 500;
    client.weights[HIST_SPAM] = (struct hist_weight){TODAY, 500 * HIST_UNIT};
    struct policy low = policy;
    low.score_threshold = 49;
    judge_client(&facts, &low, &weights, &judgement);
    assert_int_equal(judgement.kinds, 1);
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
}

static void
two_kinds_list(void **state)
{
    struct judgement judgement;
    struct client_facts facts = facts_of(RDNS_STATE_NONE);
    struct helo_fact helo = helo_of(HELO_KIND_BARE_IP, FACT_NO);
    (void)state;
    facts.helos = &helo;
    facts.helo_count = 1;
    client.spam = 1;
    client.weights[HIST_SPAM] = (struct hist_weight){TODAY, HIST_UNIT};
    judge_client(&facts, &policy, &weights, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_HELO_INVALID));
    assert_true(reasons_have(judgement.reasons, REASON_SCORE));
    assert_int_equal(judgement.kinds, 3);
    assert_true(judgement.detail[0] != '\0');
    assert_in_range(judgement.quiet_days, 1, 90);
    assert_non_null(strstr(judgement.detail, "quiet days"));
    client.days = 1; /* three observations on two days */
    judge_client(&facts, &policy, &weights, &judgement);
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
    client.days = 2;
    client.accepted = 2;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
    client.accepted = 20;
    facts.mature = false; /* the first days */
    judge_client(&facts, &policy, &weights, &judgement);
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
    client.weights[HIST_TRAP] = (struct hist_weight){TODAY, HIST_UNIT};
    judge_client(&facts, &policy, &weights, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_TRAP)); /* a trap even then */
}

static void
unknown_is_no_evidence(void **state)
{
    struct judgement judgement;
    struct client_facts facts = facts_of(RDNS_UNKNOWN);
    struct helo_fact helo = helo_of(HELO_KIND_NAME, FACT_UNKNOWN);
    const struct dname sender = {.len = 1};
    struct pair_fact pair = {
        .use = &use, .domain = &sender, .has_spf = false, .spf = REASON_SPF_FAIL};
    struct domain_facts domain = {.exists = FACT_UNKNOWN};
    struct helo_name_facts name = {.clients = 100, .unknown = 95, .mature = true};
    (void)state;
    facts.helos = &helo;
    facts.helo_count = 1;
    facts.pairs = &pair;
    facts.pair_count = 1;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_true(reasons_empty(judgement.reasons));
    judge_domain(&domain, &judgement);
    assert_true(reasons_empty(judgement.reasons));
    judge_helo_name(&name, &policy, &judgement);
    assert_true(reasons_empty(judgement.reasons));
}

static void
missing_helo_is_no_evidence(void **state)
{
    struct judgement judgement;
    struct client_facts facts = facts_of(RDNS_STATE_CONFIRMED);
    struct helo_fact helo = helo_of(HELO_KIND_ABSENT, FACT_UNKNOWN);
    (void)state;
    facts.helos = &helo;
    facts.helo_count = 1;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_true(reasons_empty(judgement.reasons));
}

static void
ham_and_relays_are_safe(void **state)
{
    struct judgement judgement;
    struct client_facts facts = facts_of(RDNS_STATE_NONE);
    struct helo_fact helo = helo_of(HELO_KIND_BARE_IP, FACT_NO);
    const struct dname sender = {.len = 1};
    struct pair_fact pairs[3];
    (void)state;
    facts.helos = &helo;
    facts.helo_count = 1;
    client.ham = 1;
    client.spam = 50;
    client.weights[HIST_HAM] = (struct hist_weight){TODAY - 9, HIST_UNIT};
    client.weights[HIST_SPAM] = (struct hist_weight){TODAY, 50 * HIST_UNIT};
    judge_client(&facts, &policy, &weights, &judgement);
    assert_int_equal(judgement.score, 50);
    judge_client(&facts, &policy, &weights, &judgement);
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
    assert_false(reasons_have(judgement.reasons, REASON_TRAP));
    client.weights[HIST_HAM].day = TODAY - 31; /* spam of a month after what was wanted */
    judge_client(&facts, &policy, &weights, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_SCORE));
    client.ham = 0;
    client.weights[HIST_SPAM].weight = 0;
    for (unsigned i = 0; i < 3; i++)
        pairs[i] = (struct pair_fact){
            .use = &use, .domain = &sender, .has_spf = true, .spf = REASON_SPF_PASS};
    facts.pairs = pairs;
    facts.pair_count = 3;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
}

/* Localhost and .lan names are a sign of small honest servers. */
static void
local_names_get_no_points(void **state)
{
    struct judgement judgement;
    struct client_facts facts = facts_of(RDNS_STATE_UNCONFIRMED);
    struct helo_fact helo = helo_of(HELO_KIND_SINGLE, FACT_NO);
    (void)state;
    helo.form.local = true;
    facts.helos = &helo;
    facts.helo_count = 1;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_HELO_INVALID));
    assert_int_equal(judgement.kinds, 1);
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
}

/* Good is said of what is verified alone, bad of what is known alone. */
static void
providers(void **state)
{
    struct judgement judgement;
    struct client_facts facts = facts_of(RDNS_STATE_NONE);
    struct helo_fact helo = helo_of(HELO_KIND_NAME, FACT_NO);
    struct dname provider, other;
    (void)state;
    assert_int_equal(dname_parse("yahoo.com", 9, &provider), ERR_OK);
    assert_int_equal(dname_parse("mx.yahoo.com", 12, &other), ERR_OK);
    struct pair_fact pair = {.use = &use, .domain = &provider, .organisation = provider};
    helo.form.name = other;
    helo.organisation = provider;
    helo.identity = HELO_IDENTITY_PROVIDER;
    facts.helos = &helo;
    facts.helo_count = 1;
    facts.pairs = &pair;
    facts.pair_count = 1;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_HELO_FORGED));
    assert_true(reasons_have(judgement.reasons, REASON_SCORE));
    facts.rdns = RDNS_UNKNOWN; /* a dead resolver is nobody's fault */
    helo.identity = HELO_IDENTITY_UNKNOWN;
    helo.resolves_here = FACT_UNKNOWN;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_true(reasons_empty(judgement.reasons));
    facts.rdns = RDNS_STATE_CONFIRMED; /* its own */
    facts.rdns_name = &other;
    facts.rdns_organisation = provider;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_true(reasons_empty(judgement.reasons));
    assert_true(judgement.score > 80);
}

/* Automatic trust is the least there is, and takes weeks and mail that somebody kept. */
static void
trust(void **state)
{
    struct judgement judgement;
    struct client_facts facts = facts_of(RDNS_STATE_CONFIRMED);
    struct dname name;
    (void)state;
    assert_int_equal(dname_parse("mx.example.org", 14, &name), ERR_OK);
    facts.rdns_name = &name;
    client.days = 14;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_int_equal(judgement.trust, 0);
    client.ham = 3;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_int_equal(judgement.trust, 1);
    client.days = 13;
    judge_client(&facts, &policy, &weights, &judgement);
    assert_int_equal(judgement.trust, 0);
}

static void
domains(void **state)
{
    struct judgement judgement;
    (void)state;
    judge_domain(&(struct domain_facts){.exists = FACT_NO}, &judgement);
    assert_int_equal(judgement.reasons.bits, 1u << REASON_DOMAIN_ABSENT);
    judge_domain(&(struct domain_facts){.exists = FACT_YES, .receives = FACT_NO}, &judgement);
    assert_int_equal(judgement.reasons.bits, 1u << REASON_DOMAIN_NO_MAIL);
}

static void
helo_names(void **state)
{
    struct judgement judgement;
    struct helo_name_facts facts = {.clients = 10, .mature = true, .public_name = FACT_YES};
    (void)state;
    judge_helo_name(&facts, &policy, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_HELO_SHARED));
    /* The name's own host uses it too. */
    facts.resolving_to = 1;
    facts.clients = 1000;
    judge_helo_name(&facts, &policy, &judgement);
    assert_true(reasons_empty(judgement.reasons));
    /* Who borrows the name of a mail domain or provider does not harm its owner. */
    facts.resolving_to = 0;
    facts.owned = true;
    judge_helo_name(&facts, &policy, &judgement);
    assert_true(reasons_empty(judgement.reasons));
    /* Small honest servers say localhost. */
    facts.owned = false;
    facts.public_name = FACT_NO;
    judge_helo_name(&facts, &policy, &judgement);
    assert_int_equal(judgement.reasons.bits, 1u << REASON_DOMAIN_NOT_PUBLIC);
    facts.public_name = FACT_YES;
    /* "localhost" of a hundred small servers. */
    facts.inside = true;
    judge_helo_name(&facts, &policy, &judgement);
    assert_false(reasons_have(judgement.reasons, REASON_HELO_SHARED));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sign_never_lists),
        cmocka_unit_test(two_kinds_list),
        cmocka_unit_test(unknown_is_no_evidence),
        cmocka_unit_test(missing_helo_is_no_evidence),
        cmocka_unit_test(ham_and_relays_are_safe),
        cmocka_unit_test(local_names_get_no_points),
        cmocka_unit_test(providers),
        cmocka_unit_test(trust),
        cmocka_unit_test(domains),
        cmocka_unit_test(helo_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
