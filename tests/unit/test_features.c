/* What a sender domain says of a client, which of several names speaks for it, by cases; and the
 * tables behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loader/country.h"
#include "loader/features.h"
#include "loader/providers.h"

static struct dname
name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return name;
}

static void
countries(void **state)
{
    static const struct {
        const char *a, *b;
        bool differs;
    } cases[] = {{"mx.isp.de", "shop.fr", true}, {"mx.isp.de", "shop.de", false},
        {"mx.isp.com", "shop.fr", false}, {"mx.isp.de", "shop.com", false},
        {"mx.isp.io", "shop.fr", false}, {"mx.isp.de", "shop.cc", false},
        {"mx.isp.eu", "shop.fr", false}, {"fr", "de", true}, {"mx.isp.ac", "shop.ws", false},
        {"mx.isp.ws", "ac.uk", false}, {"co.uk", "co.jp", true}, {".", "shop.fr", false},
        {"mx.isp.de", "shop.su", true}, {"mx.isp.ml", "shop.fr", false},
        {"mx.isp.cf", "shop.gq", false}, {"mx.isp.ga", "shop.de", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dname a = name_of(cases[i].a), b = name_of(cases[i].b);
        assert_int_equal(country_differs(&a, &b), cases[i].differs);
        assert_int_equal(country_differs(&b, &a), cases[i].differs);
    }
}

/* The tables are searched by halves. */
static void
every_provider_is_found(void **state)
{
    static const struct {
        const char *domain, *owner;
        bool helo, sender;
    } rows[] = {
#define HELO                         true, false
#define SENDER                       false, true
#define BOTH                         true, true
#define PROVIDER(domain, owner, ...) {domain, owner, __VA_ARGS__},
#include "loader/providers.def"
#undef PROVIDER
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dname name = name_of(rows[i].domain);
        const char *helo = provider_of_helo(&name), *sender = provider_of_sender(&name);
        assert_true((helo != NULL) == rows[i].helo && (sender != NULL) == rows[i].sender);
        assert_string_equal(provider_of_host(&name), rows[i].owner);
    }
}

struct look {
    const char *what;
    enum rdns_state rdns;
    const char *rdns_name, *rdns_organisation, *helo, *sender, *organisation;
    bool pass;
    enum feature has[4]; /* of the sender's; BIAS: no more */
};

static const struct look looks[] = {
    {"its own domain", RDNS_STATE_CONFIRMED, "mx.shop.de", "shop.de", "mx.shop.de", "shop.de",
        "shop.de", false, {FEATURE_SENDER_OWN}},
    {"a domain below its own", RDNS_STATE_CONFIRMED, "mx.shop.de", "shop.de", "mx.shop.de",
        "news.shop.de", "shop.de", false, {FEATURE_BIAS}},
    {"its own, numbered", RDNS_STATE_CONFIRMED, "mx.shop24.de", "shop24.de", "mx.shop24.de",
        "shop24.de", "shop24.de", false, {FEATURE_SENDER_OWN, FEATURE_SENDER_OWN_DIGITS}},
    {"below its own, numbered", RDNS_STATE_CONFIRMED, "mx.shop24.de", "shop24.de", "mx.shop24.de",
        "a.shop24.de", "shop24.de", false, {FEATURE_SENDER_OWN_DIGITS}},
    {"a number elsewhere", RDNS_STATE_CONFIRMED, "mx.isp.de", "isp.de", "mx.isp.de", "shop24.de",
        "shop24.de", false, {FEATURE_BIAS}},
    {"a number that is a provider's", RDNS_STATE_CONFIRMED, "m1.163.com", "163.com", "m1.163.com",
        "163.com", "163.com", false, {FEATURE_SENDER_OWN, FEATURE_SENDER_PROVIDER_OWN}},
    {"another domain of the provider's", RDNS_STATE_CONFIRMED, "a.outlook.com", "outlook.com",
        "a.outlook.com", "hotmail.com", "hotmail.com", false,
        {FEATURE_SENDER_OWN, FEATURE_SENDER_PROVIDER_OWN}},
    {"an owner's name that anybody wrote", RDNS_STATE_UNCONFIRMED, "a.outlook.com", "outlook.com",
        "a.outlook.com", "hotmail.com", "hotmail.com", false, {FEATURE_SENDER_PROVIDER}},
    {"a provider's, from elsewhere", RDNS_STATE_CONFIRMED, "mx.shop.de", "shop.de", "mx.shop.de",
        "hotmail.com", "hotmail.com", false, {FEATURE_SENDER_PROVIDER}},
    {"and permitted", RDNS_STATE_CONFIRMED, "mx.shop.de", "shop.de", "mx.shop.de", "hotmail.com",
        "hotmail.com", true, {FEATURE_SENDER_SPF_PASS}},
    {"abroad", RDNS_STATE_CONFIRMED, "mx.isp.br", "isp.br", "mx.isp.br", "shop.de", "shop.de",
        false, {FEATURE_SENDER_ABROAD}},
    {"abroad, unconfirmed", RDNS_STATE_UNCONFIRMED, "mx.isp.br", "isp.br", "mx.shop.de", "shop.de",
        "shop.de", false, {FEATURE_SENDER_ABROAD}},
    {"abroad, and permitted", RDNS_STATE_CONFIRMED, "mx.isp.br", "isp.br", "mx.isp.br", "shop.de",
        "shop.de", true, {FEATURE_SENDER_SPF_PASS}},
    {"the HELO is abroad", RDNS_STATE_NONE, NULL, NULL, "mx.isp.br", "shop.de", "shop.de", false,
        {FEATURE_SENDER_ABROAD}},
    {"the HELO is at home", RDNS_STATE_NONE, NULL, NULL, "mx.isp.de", "shop.de", "shop.de", false,
        {FEATURE_BIAS}},
    {"only the HELO is known", RDNS_UNKNOWN, NULL, NULL, "mx.isp.br", "shop.de", "shop.de", false,
        {FEATURE_BIAS}},
    {"it greets with the very domain", RDNS_STATE_NONE, NULL, NULL, "shop.de", "shop.de", "shop.de",
        false, {FEATURE_SENDER_IS_HELO}},
};

static void
check_look(const struct look *look)
{
    static const struct policy policy = {
        .half_life_days = 7, .churn_names = UINT32_MAX, .fail_habit_domains = UINT32_MAX};
    static const struct hist_client client = {.accepted = 1, .with_helo = 1};
    static const struct hist_use use = {.count = 1};
    bool expected[FEATURE_COUNT] = {false};
    struct weights weights;
    struct features features;
    struct helo text;
    struct dname rdns_name, sender = name_of(look->sender);
    struct helo_fact helo = {.text = &text, .use = &use, .resolves_here = FACT_NO};
    struct pair_fact pair = {.domain = &sender,
        .organisation = name_of(look->organisation),
        .use = &use,
        .has_spf = look->pass,
        .spf = REASON_SPF_PASS};
    struct client_facts facts = {.client = &client,
        .rdns = look->rdns,
        .helo_count = 1,
        .helos = &helo,
        .pair_count = 1,
        .pairs = &pair};
    helo_set(&text, look->helo, strlen(look->helo));
    helo_classify(&text, &helo.form);
    if (look->rdns_name != NULL) {
        rdns_name = name_of(look->rdns_name);
        facts.rdns_name = &rdns_name;
        facts.rdns_organisation = name_of(look->rdns_organisation);
    }
    for (size_t i = 0; i < 4; i++)
        expected[look->has[i]] = true;
    weights_shipped(&weights);
    features_of(&facts, &policy, &weights, &features);
    for (enum feature i = FEATURE_SENDER_PROVIDER; i <= FEATURE_SENDER_SPF_PASS; i++) {
        if ((features.of[i] > 0) != expected[i])
            print_message("%s: %s\n", look->what, feature_info(i)->name);
        assert_true((features.of[i] > 0) == expected[i]);
    }
}

static void
senders(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        check_look(&looks[i]);
}

/* However short the half-life, and in whatever year: the look of most sessions speaks. */
static void
shares_have_no_end(void **state)
{
    static const struct policy policy = {
        .half_life_days = 1, .churn_names = UINT32_MAX, .fail_habit_domains = UINT32_MAX};
    static const struct hist_client client = {.accepted = 11, .with_helo = 11};
    static const int32_t days[] = {0, 20000, 21100, 100000};
    struct weights weights;
    struct features features;
    struct helo texts[2];
    struct dname domains[2] = {name_of("hotmail.com"), name_of("shop.de")};
    (void)state;
    weights_shipped(&weights);
    for (size_t d = 0; d < sizeof days / sizeof *days; d++) {
        const struct hist_use uses[2] = {{.count = 1, .weight = {days[d], HIST_UNIT}},
            {.count = 10, .weight = {days[d], 10 * HIST_UNIT}}};
        struct helo_fact helos[2];
        struct pair_fact pairs[2];
        for (unsigned i = 0; i < 2; i++) {
            helos[i] = (struct helo_fact){.text = &texts[i], .use = &uses[i]};
            helo_set(&texts[i], i == 0 ? "pc" : "mx.shop.de", i == 0 ? 2 : 10);
            helo_classify(&texts[i], &helos[i].form);
            pairs[i] = (struct pair_fact){
                .domain = &domains[i], .organisation = domains[i], .use = &uses[i]};
        }
        const struct client_facts facts = {.client = &client,
            .rdns = RDNS_STATE_NONE,
            .helo_count = 2,
            .helos = helos,
            .pair_count = 2,
            .pairs = pairs};
        features_of(&facts, &policy, &weights, &features);
        assert_ptr_equal(features.helo, &helos[1]);
        assert_ptr_equal(features.sender, &pairs[1]);
    }
}

/* -- which of several speaks -- */

enum { SAID_MAX = 3 };

struct said {
    const char *what;
    struct {
        const char *name;
        uint32_t sessions;
    } of[SAID_MAX];
    const char *speaker;
};

static const struct said said_helos[] = {
    {"a slip of a busy server", {{"mx.shop.br", 10}, {"pc1", 1}}, "mx.shop.br"},
    {"as many as are not bad", {{"mx.shop.br", 2}, {"pc1", 2}}, "pc1"},
    {"less bad ones say nothing for it", {{"mx.shop.br", 2}, {"pc1", 2}, {"bad_name!", 9}}, "pc1"},
    {"nor where all are bad", {{"bad_name!", 9}, {"pc1", 1}}, "pc1"},
    {"the worst too few", {{"mx.shop.br", 5}, {"pc1", 2}, {"bad_name!", 3}}, "bad_name!"},
    {"all of them too few", {{"mx.shop.br", 6}, {"pc1", 2}, {"bad_name!", 3}}, "mx.shop.br"},
};

/* Greeting with a name in .br and without a reverse name. */
static const struct said said_senders[] = {
    {"a forwarder", {{"hotmail.com", 1}, {"a.com", 8}}, "a.com"},
    {"as many as are not bad", {{"hotmail.com", 2}, {"a.com", 2}}, "hotmail.com"},
    {"one abroad says nothing for it", {{"hotmail.com", 2}, {"a.com", 2}, {"shop.de", 9}},
        "hotmail.com"},
    {"the worst too few", {{"hotmail.com", 2}, {"a.com", 5}, {"shop.de", 3}}, "shop.de"},
};

/* SPF fails for all of the senders. */
static void
speaker_of(const struct said *said, bool senders, struct features *out, struct dname *domain)
{
    static const struct policy policy = {
        .half_life_days = 7, .churn_names = UINT32_MAX, .fail_habit_domains = UINT32_MAX};
    static const struct hist_client client = {.accepted = 20, .with_helo = 20};
    static struct hist_use uses[SAID_MAX];
    static struct helo texts[SAID_MAX];
    static struct helo_fact helos[SAID_MAX];
    static struct pair_fact pairs[SAID_MAX];
    struct client_facts facts = {
        .client = &client, .rdns = RDNS_STATE_NONE, .helos = helos, .pairs = pairs};
    struct weights weights;
    for (unsigned i = 0; i < SAID_MAX && said->of[i].name != NULL; i++) {
        const char *helo = senders ? "mx.shop.br" : said->of[i].name;
        uses[i] = (struct hist_use){.count = said->of[i].sessions};
        helo_set(&texts[i], helo, strlen(helo));
        helos[i] = (struct helo_fact){.text = &texts[i], .use = &uses[i], .resolves_here = FACT_NO};
        helo_classify(&texts[i], &helos[i].form);
        facts.helo_count++;
        if (!senders)
            continue;
        domain[i] = name_of(said->of[i].name);
        pairs[i] = (struct pair_fact){.domain = &domain[i],
            .organisation = domain[i],
            .use = &uses[i],
            .has_spf = true,
            .spf = REASON_SPF_FAIL};
        facts.pair_count++;
    }
    weights_shipped(&weights);
    features_of(&facts, &policy, &weights, out);
}

static void
speakers(void **state)
{
    struct features features;
    struct dname domains[SAID_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof said_helos / sizeof *said_helos; i++) {
        const struct said *said = &said_helos[i];
        speaker_of(said, false, &features, domains);
        if (strncmp(features.helo->text->text, said->speaker, features.helo->text->len) != 0)
            fail_msg("HELO, %s: %.*s", said->what, features.helo->text->len,
                (const char *)features.helo->text->text);
    }
    for (size_t i = 0; i < sizeof said_senders / sizeof *said_senders; i++) {
        const struct said *said = &said_senders[i];
        struct dname wanted = name_of(said->speaker);
        char text[DNAME_TEXT_SIZE];
        speaker_of(said, true, &features, domains);
        (void)dname_format(features.sender->domain, text);
        if (!dname_equal(features.sender->domain, &wanted))
            fail_msg("sender, %s: %s", said->what, text);
    }
}

/* What is bad in its HELO or was reported is no clean session, whatever its sender is. */
static void
bad_in_another_way(void **state)
{
    static const struct policy policy = {
        .half_life_days = 7, .churn_names = UINT32_MAX, .fail_habit_domains = UINT32_MAX};
    static const struct {
        uint32_t clean_helos, bad_helos, reports;
        bool bad_speaks;
    } cases[] = {{6, 0, 0, false}, {3, 3, 0, true}, {5, 1, 0, false}, {6, 0, 1, false},
        {6, 0, 2, true}, {5, 1, 1, true}};
    static const char *const names[2] = {"mx.shop.de", "pc1"};
    struct dname domains[2] = {name_of("hotmail.com"), name_of("a.com")};
    struct weights weights;
    (void)state;
    weights_shipped(&weights);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const struct hist_client client = {.accepted = 6,
            .with_helo = 6,
            .weights[HIST_SPAM] = {.weight = cases[k].reports * HIST_UNIT}};
        const uint32_t helo_counts[2] = {cases[k].clean_helos, cases[k].bad_helos};
        const uint32_t counts[2] = {2, 4};
        struct hist_use uses[4];
        struct helo texts[2];
        struct helo_fact helos[2];
        struct pair_fact pairs[2];
        struct features features;
        for (unsigned i = 0; i < 2; i++) {
            uses[i] = (struct hist_use){
                .count = helo_counts[i], .weight = {.weight = helo_counts[i] * HIST_UNIT}};
            uses[2 + i] =
                (struct hist_use){.count = counts[i], .weight = {.weight = counts[i] * HIST_UNIT}};
            helos[i] =
                (struct helo_fact){.text = &texts[i], .use = &uses[i], .resolves_here = FACT_NO};
            helo_set(&texts[i], names[i], strlen(names[i]));
            helo_classify(&texts[i], &helos[i].form);
            pairs[i] = (struct pair_fact){
                .domain = &domains[i], .organisation = domains[i], .use = &uses[2 + i]};
        }
        const struct client_facts facts = {.client = &client,
            .rdns = RDNS_STATE_NONE,
            .helo_count = cases[k].bad_helos > 0 ? 2 : 1,
            .helos = helos,
            .pair_count = 2,
            .pairs = pairs};
        features_of(&facts, &policy, &weights, &features);
        assert_ptr_equal(features.sender, &pairs[cases[k].bad_speaks ? 0 : 1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(countries),
        cmocka_unit_test(every_provider_is_found), cmocka_unit_test(senders),
        cmocka_unit_test(shares_have_no_end), cmocka_unit_test(speakers),
        cmocka_unit_test(bad_in_another_way)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
