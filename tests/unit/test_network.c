/* The /64 of IPv6 as one client: by itself, and on the whole way to what is served. */
#include "tests/unit/whole_fixture.h"

#include "loader/history_forget.h"
#include "loader/network.h"
#include "loader/wordcmd.h"
#include "tests/unit/judge_thresholds.h"

enum { TODAY = 20000 };

static const struct policy policy = {JUDGE_THRESHOLDS};

/* One address with a session on a day, the facts of which a test may change. */
struct member {
    struct hist_client client;
    struct helo text;
    struct hist_use use;
    struct helo_fact helo;
    struct dname domain, rdns_name;
    struct pair_fact pair;
    struct client_facts facts;
};

static void
member_of(struct member *m, const char *address, int32_t day, const char *helo)
{
    int64_t when_s = (int64_t)day * DAY_S + 60;
    *m = (struct member){
        .use = {.first_s = when_s, .last_s = when_s, .count = 1, .weight = {day, HIST_UNIT}}};
    m->client = (struct hist_client){.ip = ip_of(address),
        .first_s = when_s,
        .last_s = when_s,
        .sessions = 1,
        .accepted = 1,
        .with_helo = 1,
        .days = 1,
        .weights[HIST_ACTIVE] = {day, HIST_UNIT}};
    helo_set(&m->text, helo, strlen(helo));
    m->helo = (struct helo_fact){.text = &m->text, .use = &m->use, .resolves_here = FACT_NO};
    helo_classify(&m->text, &m->helo.form);
    m->domain = name_of("s.example");
    m->pair = (struct pair_fact){.domain = &m->domain, .organisation = m->domain, .use = &m->use};
    m->facts = (struct client_facts){.client = &m->client,
        .rdns = RDNS_STATE_NONE,
        .helo_count = 1,
        .helos = &m->helo,
        .pair_count = 1,
        .pairs = &m->pair,
        .mature = true,
        .now_s = (int64_t)TODAY * DAY_S};
}

struct fixture {
    struct weights weights;
    struct network *network;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct ip ip = ip_of("2001:db8:0:1::1");
    weights_shipped(&f->weights);
    assert_int_equal(network_new(&policy, &f->weights, &f->network), ERR_OK);
    network_begin(f->network, &ip, (int64_t)TODAY * DAY_S);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    network_free(&f->network);
    free(f);
    return 0;
}

/* An address for each of three days: alone none of them may be listed, together they are. */
static void
sums_are_of_all(void **state)
{
    struct fixture *f = *state;
    struct member m;
    struct judgement judgement;
    assert_false(network_is_one(f->network));
    for (int i = 3; i > 0; i--) {
        char address[32];
        (void)snprintf(address, sizeof address, "2001:db8:0:1::%d", i);
        member_of(&m, address, TODAY - i, "198.51.100.1");
        m.client.weights[HIST_SPAM] = (struct hist_weight){TODAY - i, 3 * HIST_UNIT};
        judge_client(&m.facts, &policy, &f->weights, &judgement);
        assert_false(reasons_have(judgement.reasons, REASON_SCORE));
        network_add(f->network, &m.facts);
    }
    assert_true(network_is_one(f->network));
    const struct client_facts *facts = network_facts(f->network);
    assert_int_equal(facts->addresses, 3);
    assert_int_equal(facts->client->accepted, 3);
    assert_int_equal(facts->client->days, 3);
    assert_int_equal(facts->client->first_s, (int64_t)(TODAY - 3) * DAY_S + 60);
    assert_int_equal(facts->client->last_s, (int64_t)(TODAY - 1) * DAY_S + 60);
    assert_int_equal(facts->helo_count, 1);
    assert_int_equal(facts->helos[0].use->count, 3);
    assert_int_equal(facts->pair_count, 1);
    /* Activity is of days: 1, 2 and 3 ago. */
    uint32_t active = hist_weight_on(&facts->client->weights[HIST_ACTIVE], TODAY, 7);
    assert_in_range(active, (uint32_t)(2.4 * HIST_UNIT), (uint32_t)(2.5 * HIST_UNIT));
    judge_client(facts, &policy, &f->weights, &judgement);
    assert_true(reasons_have(judgement.reasons, REASON_SCORE));
    assert_non_null(strstr(judgement.detail, "3 addresses of the network were seen"));
}

/* Many addresses on one day are one day. */
static void
a_day_is_a_day(void **state)
{
    struct fixture *f = *state;
    struct member m;
    for (unsigned i = 1; i < 100; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "2001:db8:0:1::%x", i);
        member_of(&m, address, TODAY - 1, "198.51.100.1");
        m.client.accepted = i % 2; /* an attempt is nothing */
        m.client.first_s = m.client.last_s -= i % 2 == 0 ? 5 * DAY_S : 0;
        network_add(f->network, &m.facts);
    }
    const struct client_facts *facts = network_facts(f->network);
    assert_int_equal(facts->client->days, 1);
    assert_true(facts->client->weights[HIST_ACTIVE].weight <= HIST_UNIT);
}

/* Of a discounted address, first_s is of what does not count any more. */
static void
discounted_days_are_none(void **state)
{
    static const uint32_t days[] = {0, 1, 2};
    struct fixture *f = *state;
    struct member m;
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        struct ip ip = ip_of("2001:db8:0:1::1");
        network_begin(f->network, &ip, (int64_t)TODAY * DAY_S);
        member_of(&m, "2001:db8:0:1::1", TODAY - 1, "198.51.100.1");
        m.client.first_s -= 9 * DAY_S;
        m.client.days = days[i];
        m.client.accepted = 2;
        network_add(f->network, &m.facts);
        assert_int_equal(network_facts(f->network)->client->days, days[i]);
    }
}

static void
two_identities_are_apart(void **state)
{
    struct fixture *f = *state;
    struct member m;
    member_of(&m, "2001:db8:0:1::1", TODAY - 1, "mail.a.example");
    m.facts.rdns = RDNS_STATE_CONFIRMED;
    m.rdns_name = name_of("mail.a.example");
    m.facts.rdns_name = &m.rdns_name;
    m.facts.rdns_organisation = name_of("a.example");
    m.facts.rdns_look = (struct rdns_verdict){RDNS_CLASS_SERVER, "test"};
    network_add(f->network, &m.facts);
    assert_true(network_is_one(f->network));
    /* The same one again, by its HELO name. */
    member_of(&m, "2001:db8:0:1::2", TODAY - 1, "mx.a.example");
    m.helo.resolves_here = FACT_YES;
    m.helo.organisation = name_of("a.example");
    network_add(f->network, &m.facts);
    assert_true(network_is_one(f->network));
    /* A policy that passes the world verifies nobody. */
    member_of(&m, "2001:db8:0:1::3", TODAY - 1, "pc");
    m.pair.has_spf = m.pair.spf_world = true;
    m.pair.spf = REASON_SPF_PASS;
    network_add(f->network, &m.facts);
    assert_true(network_is_one(f->network));
    m.pair.spf_world = false;
    m.pair.spf = REASON_SPF_SOFTFAIL;
    network_add(f->network, &m.facts);
    assert_true(network_is_one(f->network));
    m.pair.spf = REASON_SPF_PASS;
    network_add(f->network, &m.facts);
    assert_false(network_is_one(f->network));
}

static void
any_ham_is_apart(void **state)
{
    struct fixture *f = *state;
    struct member m;
    member_of(&m, "2001:db8:0:1::1", TODAY - 80, "pc");
    m.client.ham = 1;
    network_add(f->network, &m.facts);
    member_of(&m, "2001:db8:0:1::2", TODAY - 1, "pc");
    m.client.spam = 50;
    network_add(f->network, &m.facts);
    assert_false(network_is_one(f->network));
}

/* There IPv4's addresses lie, which no IPv6 range may have. */
static void
not_where_ipv4_is(void **state)
{
    struct fixture *f = *state;
    struct member m;
    struct ip ip = ip_of("::5");
    network_begin(f->network, &ip, (int64_t)TODAY * DAY_S);
    member_of(&m, "::5", TODAY - 1, "pc");
    network_add(f->network, &m.facts);
    assert_false(network_is_one(f->network));
}

/* One address without a reverse name among three with one is a slip, two of four are not; nor is
 * one where a mail with a bad HELO is all that the others sent. */
static void
reverse_name_of_the_middle(void **state)
{
    static const enum rdns_state states[] = {
        RDNS_STATE_CONFIRMED, RDNS_STATE_NONE, RDNS_STATE_CONFIRMED, RDNS_STATE_NONE};
    static const enum rdns_state chosen[][4] = {
        {RDNS_STATE_CONFIRMED, RDNS_STATE_NONE, RDNS_STATE_CONFIRMED, RDNS_STATE_NONE},
        {RDNS_STATE_CONFIRMED, RDNS_STATE_NONE, RDNS_STATE_NONE, RDNS_STATE_NONE}};
    struct fixture *f = *state;
    struct member m;
    struct ip ip = ip_of("2001:db8:0:1::1");
    for (unsigned k = 0; k < 8; k++) {
        unsigned i = k % 4, bad = k / 4;
        char address[32];
        (void)snprintf(address, sizeof address, "2001:db8:0:1::%x", i);
        if (i == 0)
            network_begin(f->network, &ip, (int64_t)TODAY * DAY_S);
        member_of(&m, address, TODAY - 1, bad ? "pc" : "mail.s.example");
        m.facts.rdns = states[i];
        if (states[i] == RDNS_STATE_CONFIRMED) {
            m.rdns_name = name_of("mail.a.example");
            m.facts.rdns_name = &m.rdns_name;
            m.facts.rdns_look = (struct rdns_verdict){RDNS_CLASS_SERVER, "test"};
        }
        network_add(f->network, &m.facts);
        assert_int_equal(network_facts(f->network)->rdns, chosen[bad][i]);
    }
}

/* No more names than of one address, the least used ones give way. */
static void
names_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct member m;
    for (unsigned i = 0; i < 1000; i++) {
        char address[32], helo[32];
        (void)snprintf(address, sizeof address, "2001:db8:0:1::%x", i);
        (void)snprintf(helo, sizeof helo, "h%u.example", i % 500 == 7 ? 7 : i);
        member_of(&m, address, TODAY - 1, helo);
        if (i == 7)
            m.use.weight.weight = 2 * HIST_UNIT;
        m.domain = name_of(helo);
        network_add(f->network, &m.facts);
    }
    const struct client_facts *facts = network_facts(f->network);
    assert_int_equal(facts->helo_count, HISTORY_NAMES_MAX);
    assert_int_equal(facts->pair_count, HISTORY_NAMES_MAX);
    unsigned kept = 0;
    for (unsigned i = 0; i < facts->helo_count; i++)
        if (facts->helos[i].text->len == 10 && memcmp(facts->helos[i].text->text, "h7.", 3) == 0)
            kept = facts->helos[i].use->count;
    assert_int_equal(kept, 2);
}

/* -- the whole way -- */

/* Ten bad addresses of a /64 with a session each, on as many days. */
static void
rotate(struct whole *w, const char *prefix)
{
    char address[64];
    struct observation seen = {.outcome = OBS_ACCEPTED, .label = OBS_SPAM};
    helo_set(&seen.helo, "198.51.100.1", 12);
    for (unsigned i = 1; i <= 10; i++) {
        (void)snprintf(address, sizeof address, "%s:%u:99", prefix, i);
        whole_reverse(w, address, NULL);
        seen.client = ip_of(address);
        seen.when_s = NOW_S - (int64_t)(11 - i) * DAY_S + 60;
        history_add(w->txn, &seen);
    }
}

static void
one_entry_is_served(void **state)
{
    struct whole w;
    char prefix[64];
    (void)state;
    whole_open(&w, "");
    rotate(&w, "2001:db8:bad:1:0:0");
    whole_judge(&w);
    assert_true(whole_has(&w, "2001:db8:bad:1::3:99", REASON_SCORE, prefix));
    assert_string_equal(prefix, "2001:db8:bad:1::/64");
    /* An address that never came. */
    assert_true(whole_has(&w, "2001:db8:bad:1:ffff::1", REASON_SCORE, prefix));
    assert_false(whole_has(&w, "2001:db8:bad:2::1", REASON_SCORE, prefix));
    assert_string_equal(prefix, "");
    (void)whole_explain(&w, "2001:db8:bad:1::3:99", false);
    whole_expect(
        &w, "network: 2001:db8:bad:1::/64 is judged as one, 10 of its addresses were seen");
    whole_expect(&w, "127.0.0.3    2001:db8:bad:1::/64 has a bad record");
    whole_expect(&w, "of the network 2001:db8:bad:1::/64, since 2026-01-01");
    (void)whole_explain(&w, "2001:db8:bad:1:ffff::1", false);
    whole_expect(&w, "network: 2001:db8:bad:1::/64 is judged as one");
    whole_expect(&w, "the history does not have this address");
    (void)whole_explain(&w, "2001:db8:bad:1::3:99", true);
    whole_expect(&w, "\"prefix\": \"2001:db8:bad:1::/64\"");
    whole_expect(&w, "\"matched\": \"2001:db8:bad:1::/64\"");
    whole_close(&w);
}

/* What the operator takes off does not return, though its neighbours did as bad. */
static void
unlisted_does_not_return(void **state)
{
    struct whole w;
    struct errmsg msg;
    char prefix[64];
    char *subject = (char[]){"2001:db8:bad:1::3:99"};
    const struct word_request request = {
        .act = WORD_SAY, .verb = WORD_UNLIST, .subjects = &subject, .count = 1, .note = "x"};
    (void)state;
    whole_open(&w, "");
    rotate(&w, "2001:db8:bad:1:0:0");
    rotate(&w, "2001:db8:bad:2:0:0");
    whole_judge(&w);
    assert_true(whole_has(&w, subject, REASON_SCORE, prefix));
    struct run run = {.conf = w.conf, .now_s = NOW_S, .force = true};
    FILE *out = tmpfile();
    assert_non_null(out);
    if (word_command(&run, &request, out, &msg) != EXIT_DONE)
        fail_msg("%s", msg.text);
    assert_int_equal(fclose(out), 0);
    run_close(&run);
    run = (struct run){.conf = w.conf, .now_s = NOW_S + 60, .force = true};
    if (stage_publish(&run, &msg) != EXIT_DONE)
        fail_msg("%s", msg.text);
    run_close(&run);
    assert_false(whole_has(&w, subject, REASON_SCORE, prefix));
    assert_true(whole_has(&w, "2001:db8:bad:2::3:99", REASON_SCORE, prefix));
    whole_close(&w);
}

/* Addresses that were listed by themselves are no new listing when their network is, and it is
 * listed since they were. */
static void
listed_before_by_addresses(void **state)
{
    struct whole w;
    struct errmsg msg;
    struct kvread *reader;
    struct previous previous;
    struct history_forgotten gone;
    struct ip later = ip_of("2001:db8:bad:1::77"), ham = ip_of("2001:db8:bad:1::25");
    const struct word_subject kept = {.prefix = prefix_of(&ham, 128)};
    char prefix[64];
    (void)state;
    whole_open(&w, "");
    whole_reverse(&w, "2001:db8:bad:1::9", NULL);
    whole_seen(&w, "2001:db8:bad:1::9", "198.51.100.1", NULL, 10, OBS_SPAM);
    whole_seen(&w, "2001:db8:bad:1::25", "pc", NULL, 1, OBS_HAM);
    whole_judge(&w);
    assert_true(whole_has(&w, "2001:db8:bad:1::9", REASON_SCORE, prefix));
    assert_string_equal(prefix, "2001:db8:bad:1::9");
    assert_int_equal(history_forget(w.conf, &kept, &gone, &msg), ERR_OK);
    struct run run = {.conf = w.conf, .now_s = NOW_S + DAY_S};
    if (stage_publish(&run, &msg) != EXIT_DONE)
        fail_msg("%s", msg.text);
    assert_int_equal(run.verdicts.listed, 1);
    assert_int_equal(run.verdicts.newly_listed, 0);
    run_close(&run);
    assert_int_equal(kvread_open(w.conf->answers_path, &reader, &msg), ERR_OK);
    assert_int_equal(previous_ip(reader, DATASET_JUDGED_IP, &later, &previous), ERR_OK);
    assert_true(reasons_have(previous.reasons, REASON_SCORE));
    assert_int_equal(previous.since_s, NOW_S);
    kvread_close(&reader);
    whole_close(&w);
}

/* A neighbour whose mail is kept, one who is verified beside another, and one who is never
 * listed. */
static void
neighbours_are_not_hurt(void **state)
{
    struct whole w;
    char prefix[64];
    (void)state;
    whole_open(&w, "never_list = {\"2001:db8:bad:3::/96\"}\n");
    rotate(&w, "2001:db8:bad:1:0:0");
    whole_seen(&w, "2001:db8:bad:1::25", "pc", NULL, 1, OBS_HAM);
    rotate(&w, "2001:db8:bad:2:0:0");
    whole_reverse(&w, "2001:db8:bad:2::25", "mail.a.example");
    whole_reverse(&w, "2001:db8:bad:2::26", "mail.b.example");
    whole_seen(&w, "2001:db8:bad:2::25", "mail.a.example", NULL, 3, OBS_UNLABELLED);
    whole_seen(&w, "2001:db8:bad:2::26", "mail.b.example", NULL, 3, OBS_UNLABELLED);
    rotate(&w, "2001:db8:bad:3:0:0");
    whole_seen(&w, "2001:db8:bad:3::25", "pc", NULL, 3, OBS_UNLABELLED);
    whole_judge(&w);
    static const char *const good[] = {"2001:db8:bad:1::25", "2001:db8:bad:1::26",
        "2001:db8:bad:2::25", "2001:db8:bad:2::27", "2001:db8:bad:3::25", "2001:db8:bad:3::26"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_false(whole_has(&w, good[i], REASON_SCORE, prefix));
    /* Each address by itself. */
    (void)whole_has(&w, "2001:db8:bad:1::3:99", REASON_RDNS_NONE, prefix);
    assert_string_equal(prefix, "2001:db8:bad:1::3:99");
    assert_null(strstr(whole_explain(&w, "2001:db8:bad:1::3:99", false), "network: "));
    assert_null(strstr(whole_explain(&w, "2001:db8:bad:3::3:99", false), "network: "));
    whole_expect(&w, "no reverse name");
    whole_close(&w);
}

/* Who has a /64 may say a HELO name from each of its addresses: that is one client of the name. */
static void
a_name_has_one_client_of_a_network(void **state)
{
    struct whole w;
    struct errmsg msg;
    struct kvread *reader;
    struct previous previous;
    struct dname owned = name_of("mx1.victim.example"), shared = name_of("pc1.lan.example");
    (void)state;
    whole_open(&w, "");
    whole_dns(&w, DNS_AAAA, &owned, NULL, 0);
    whole_dns(&w, DNS_AAAA, &shared, NULL, 0);
    for (unsigned i = 1; i <= 40; i++) {
        char address[64];
        (void)snprintf(address, sizeof address, "2001:db8:bad:1::%x", i);
        whole_reverse(&w, address, NULL);
        whole_seen(&w, address, "mx1.victim.example", NULL, 1, OBS_UNLABELLED);
        (void)snprintf(address, sizeof address, "2001:db8:bad:%x::1", i + 100);
        whole_reverse(&w, address, NULL);
        whole_seen(&w, address, "pc1.lan.example", NULL, 1, OBS_UNLABELLED);
    }
    whole_judge(&w);
    assert_int_equal(kvread_open(w.conf->answers_path, &reader, &msg), ERR_OK);
    assert_int_equal(previous_name(reader, DATASET_JUDGED_HELO, &owned, &previous), ERR_OK);
    assert_false(reasons_have(previous.reasons, REASON_HELO_SHARED));
    assert_int_equal(previous_name(reader, DATASET_JUDGED_HELO, &shared, &previous), ERR_OK);
    assert_true(reasons_have(previous.reasons, REASON_HELO_SHARED));
    kvread_close(&reader);
    whole_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_are_of_all, setup, teardown),
        cmocka_unit_test_setup_teardown(a_day_is_a_day, setup, teardown),
        cmocka_unit_test_setup_teardown(discounted_days_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(two_identities_are_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(any_ham_is_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(not_where_ipv4_is, setup, teardown),
        cmocka_unit_test_setup_teardown(reverse_name_of_the_middle, setup, teardown),
        cmocka_unit_test_setup_teardown(names_are_bounded, setup, teardown),
        cmocka_unit_test(one_entry_is_served),
        cmocka_unit_test(unlisted_does_not_return),
        cmocka_unit_test(listed_before_by_addresses),
        cmocka_unit_test(neighbours_are_not_hurt),
        cmocka_unit_test(a_name_has_one_client_of_a_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
