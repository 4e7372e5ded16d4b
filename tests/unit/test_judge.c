/* The rules of judging, each by a case that would break it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loader/judge.h"

static const struct policy policy = {.score_threshold = 100,
    .churn_names = 8,
    .shared_clients = 10,
    .fail_habit_domains = 5,
    .min_sessions = 5};

static struct hist_client client = {.sessions = 20, .accepted = 20};
static struct helo text;
static struct hist_use use = {.count = 20};

static struct client_facts
facts_of(enum rdns_state rdns)
{
    client = (struct hist_client){.sessions = 20, .accepted = 20};
    return (struct client_facts){.client = &client, .rdns = rdns, .mature = true};
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
    judge_client(&facts, &policy, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_RDNS_NONE));
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
    /* Even labels of spam by the hundred are one kind. */
    facts = facts_of(RDNS_UNKNOWN);
    client.spam = 500;
    struct policy low = policy;
    low.score_threshold = 50;
    judge_client(&facts, &low, &judgement);
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
    judge_client(&facts, &policy, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_HELO_INVALID));
    assert_true(reasons_have(judgement.reasons, REASON_SCORE));
    assert_true(judgement.detail[0] != '\0');
    facts.mature = false; /* the first days */
    judge_client(&facts, &policy, &judgement);
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
}

static void
unknown_is_no_evidence(void **state)
{
    struct judgement judgement;
    struct client_facts facts = facts_of(RDNS_UNKNOWN);
    struct helo_fact helo = helo_of(HELO_KIND_NAME, FACT_UNKNOWN);
    struct pair_fact pair = {.use = &use, .has_spf = false, .spf = REASON_SPF_FAIL};
    struct domain_facts domain = {.exists = FACT_UNKNOWN};
    struct helo_name_facts name = {.clients = 100, .unknown = 95, .mature = true};
    (void)state;
    facts.helos = &helo;
    facts.helo_count = 1;
    facts.pairs = &pair;
    facts.pair_count = 1;
    judge_client(&facts, &policy, &judgement);
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
    judge_client(&facts, &policy, &judgement);
    assert_true(reasons_empty(judgement.reasons));
}

static void
ham_and_relays_are_safe(void **state)
{
    struct judgement judgement;
    struct client_facts facts = facts_of(RDNS_STATE_NONE);
    struct helo_fact helo = helo_of(HELO_KIND_BARE_IP, FACT_NO);
    struct pair_fact pairs[3];
    (void)state;
    facts.helos = &helo;
    facts.helo_count = 1;
    client.ham = 1;
    client.spam = 50;
    judge_client(&facts, &policy, &judgement);
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
    client.ham = 0;
    for (unsigned i = 0; i < 3; i++)
        pairs[i] = (struct pair_fact){.use = &use, .has_spf = true, .spf = REASON_SPF_PASS};
    facts.pairs = pairs;
    facts.pair_count = 3;
    judge_client(&facts, &policy, &judgement);
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
    judge_client(&facts, &policy, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_HELO_INVALID));
    assert_int_equal(judgement.kinds, 1);
    assert_false(reasons_have(judgement.reasons, REASON_SCORE));
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
        cmocka_unit_test(domains),
        cmocka_unit_test(helo_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
