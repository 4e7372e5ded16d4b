/* heloident.c and helohabit.c: whose a HELO is, and what a client's HELO names do over time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loader/helohabit.h"
#include "loader/heloident.h"

static void
name_of(const char *text, struct dname *out)
{
    assert_int_equal(dname_parse(text, strlen(text), out), ERR_OK);
}

/* The client is 203.0.113.7, the own name ours.example, the own network 198.51.100.0/24. */
struct identity_case {
    const char *helo, *rdns; /* rdns: NULL none, "" not known, else confirmed */
    enum fact resolves;
    const char *spf_pass; /* a sender domain that vouches for the client */
    enum helo_identity identity;
};

static const struct identity_case identities[] = {
    /* Names of its own. */
    {"mx.example.com", "mx.example.com", FACT_NO, NULL, HELO_IDENTITY_OWN},
    {"mx.example.com", "other.example.net", FACT_YES, NULL, HELO_IDENTITY_OWN},
    {"[203.0.113.7]", NULL, FACT_NO, NULL, HELO_IDENTITY_OWN},
    {"203.0.113.7", NULL, FACT_NO, NULL, HELO_IDENTITY_OWN},
    /* Another host's name is common, another's address is a lie, a private one an accident. */
    {"mx.example.com", "other.example.net", FACT_NO, NULL, HELO_IDENTITY_STRANGE},
    {"mx.example.com", NULL, FACT_UNKNOWN, NULL, HELO_IDENTITY_UNKNOWN},
    {"[203.0.113.8]", NULL, FACT_NO, NULL, HELO_IDENTITY_ADDRESS},
    {"203.0.113.8", NULL, FACT_NO, NULL, HELO_IDENTITY_ADDRESS},
    {"[192.168.1.2]", NULL, FACT_NO, NULL, HELO_IDENTITY_PRIVATE},
    {"[127.0.0.1]", NULL, FACT_NO, NULL, HELO_IDENTITY_PRIVATE},
    /* Ours, unless it is a host of ours. */
    {"ours.example", NULL, FACT_NO, NULL, HELO_IDENTITY_OURS},
    {"mx.ours.example", "pc.example.net", FACT_UNKNOWN, NULL, HELO_IDENTITY_OURS},
    {"web.ours.example", "web.ours.example", FACT_YES, NULL, HELO_IDENTITY_OWN},
    {"notours.example", NULL, FACT_NO, NULL, HELO_IDENTITY_STRANGE},
    {"[198.51.100.1]", NULL, FACT_NO, NULL, HELO_IDENTITY_OURS},
    /* A big provider's. */
    {"smtp.gmail.com", "pc-7.isp.example", FACT_NO, NULL, HELO_IDENTITY_PROVIDER},
    {"GMAIL.com", NULL, FACT_NO, NULL, HELO_IDENTITY_PROVIDER},
    {"smtp.gmail.com", "mail-yw0.google.com", FACT_NO, NULL, HELO_IDENTITY_STRANGE},
    {"mail.yahoo.com", "n7.bullet.mail.yahoodns.net", FACT_YES, NULL, HELO_IDENTITY_OWN},
    {"smtp.gmail.com", NULL, FACT_NO, "googlemail.com", HELO_IDENTITY_STRANGE},
    {"smtp.gmail.com", NULL, FACT_NO, "example.com", HELO_IDENTITY_PROVIDER},
    {"smtp.gmail.com", "mx.hotmail.com", FACT_NO, "hotmail.com", HELO_IDENTITY_PROVIDER},
    {"notgmail.com", NULL, FACT_NO, NULL, HELO_IDENTITY_STRANGE},
    {"gmail.com.example", NULL, FACT_NO, NULL, HELO_IDENTITY_STRANGE},
    /* Unknown is never evidence. */
    {"smtp.gmail.com", "", FACT_NO, NULL, HELO_IDENTITY_UNKNOWN},
    {"smtp.gmail.com", NULL, FACT_UNKNOWN, NULL, HELO_IDENTITY_UNKNOWN},
    /* Nothing to go by. */
    {"", NULL, FACT_NO, NULL, HELO_IDENTITY_UNKNOWN},
    {"localhost", NULL, FACT_NO, NULL, HELO_IDENTITY_UNKNOWN},
    {"pc.lan", NULL, FACT_NO, NULL, HELO_IDENTITY_UNKNOWN},
    {"friend", NULL, FACT_NO, NULL, HELO_IDENTITY_UNKNOWN},
    {"my pc", NULL, FACT_NO, NULL, HELO_IDENTITY_UNKNOWN},
};

static enum helo_identity
identify(const struct identity_case *c, struct conf *conf)
{
    struct ip client = ip_from_v4(0xcb007107);
    struct dname rdns, domain;
    struct pair_fact pair = {.domain = &domain, .has_spf = true, .spf = REASON_SPF_PASS};
    struct helo_context context = {.client = &client,
        .rdns = RDNS_STATE_NONE,
        .resolves_here = c->resolves,
        .pairs = &pair,
        .pair_count = c->spf_pass != NULL,
        .conf = conf};
    struct helo helo;
    struct helo_form form;

    if (c->rdns != NULL && c->rdns[0] == '\0')
        context.rdns = RDNS_UNKNOWN;
    if (c->rdns != NULL && c->rdns[0] != '\0') {
        name_of(c->rdns, &rdns);
        context.rdns = RDNS_STATE_CONFIRMED;
        context.rdns_name = &rdns;
    }
    if (c->spf_pass != NULL)
        name_of(c->spf_pass, &domain);
    helo_set(&helo, c->helo, strlen(c->helo));
    helo_classify(&helo, &form);
    return helo_identify(&form, &context);
}

static void
identity_table(void **state)
{
    struct dname own;
    struct prefix net;
    struct conf conf = {
        .own_names = &own, .own_name_count = 1, .own_networks = &net, .own_network_count = 1};

    (void)state;
    name_of("ours.example", &own);
    assert_int_equal(prefix_parse("198.51.100.0/24", 15, false, &net), ERR_OK);
    for (size_t i = 0; i < sizeof identities / sizeof identities[0]; i++) {
        enum helo_identity found = identify(&identities[i], &conf);

        if (found != identities[i].identity)
            fail_msg("\"%s\" (%zu): %u, not %u", identities[i].helo, i, (unsigned)found,
                (unsigned)identities[i].identity);
        assert_int_equal(helo_identity_forged(found), found == HELO_IDENTITY_OURS ||
                                                          found == HELO_IDENTITY_ADDRESS ||
                                                          found == HELO_IDENTITY_PROVIDER);
    }
}

enum { DAY = 86400, NOW = 100 * DAY };

struct span {
    const char *helo;
    int first_day, last_day;
    enum fact resolves;
};

struct habit_case {
    const char *what;
    struct span spans[5];
    unsigned names, fresh, strange, organisations, alternating;
    const char *last;
};

static const struct habit_case habits[] = {
    {"nothing", {{0}}, 0, 0, 0, 0, 0, NULL},
    {"a steady server", {{"mx.example.com", 10, 99, FACT_YES}}, 1, 0, 0, 0, 1, "mx.example.com"},
    {"a renamed server",
        {{"old.example.com", 10, 95, FACT_YES}, {"new.example.com", 96, 99, FACT_YES}}, 2, 1, 0, 0,
        1, "new.example.com"},
    {"names in turn",
        {{"a.example.com", 10, 99, FACT_YES}, {"b.example.com", 10, 98, FACT_YES},
            {"c.example.com", 50, 60, FACT_YES}},
        2, 0, 0, 0, 2, "a.example.com"},
    {"made-up names",
        {{"a.example.com", 95, 95, FACT_NO}, {"b.example.net", 96, 96, FACT_NO},
            {"c.example.org", 97, 97, FACT_NO}, {"d.example.com", 98, 98, FACT_UNKNOWN}},
        4, 4, 3, 3, 1, "d.example.com"},
    {"hosts of one organisation",
        {{"a.example.com", 95, 99, FACT_NO}, {"b.example.com", 95, 98, FACT_NO},
            {"c.example.net", 96, 97, FACT_NO}, {"d.example.net", 10, 96, FACT_NO}},
        4, 3, 3, 2, 4, "a.example.com"},
    {"a hobby server behind a changing name",
        {{"pc-1.lan", 95, 99, FACT_NO}, {"pc-2.lan", 95, 98, FACT_NO},
            {"localhost", 97, 97, FACT_NO}},
        3, 3, 0, 0, 3, "pc-1.lan"},
    {"nothing logged", {{"", 95, 99, FACT_UNKNOWN}}, 0, 0, 0, 0, 0, NULL},
    {"what comes after the time of judging", {{"a.example.com", 101, 102, FACT_NO}}, 0, 0, 0, 0, 0,
        NULL},
    {"long ago", {{"a.example.com", 10, 69, FACT_NO}}, 0, 0, 0, 0, 0, NULL},
};

static void
habit_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof habits / sizeof habits[0]; i++) {
        const struct habit_case *c = &habits[i];
        struct helo texts[5];
        struct hist_use uses[5] = {0};
        struct helo_fact facts[5] = {0};
        struct helo_habit habit;
        size_t count = 0;

        for (; count < 5 && c->spans[count].helo != NULL; count++) {
            const struct span *span = &c->spans[count];

            helo_set(&texts[count], span->helo, strlen(span->helo));
            uses[count].first_s = span->first_day * DAY;
            uses[count].last_s = span->last_day * DAY;
            facts[count] = (struct helo_fact){
                .text = &texts[count], .use = &uses[count], .resolves_here = span->resolves};
            helo_classify(&texts[count], &facts[count].form);
            unsigned labels = dname_labels(&facts[count].form.name);
            if (labels >= 2)
                dname_strip(&facts[count].form.name, labels - 2, &facts[count].organisation);
        }
        helohabit_of(facts, count, NOW, 30 * DAY, &habit);
        if (habit.names != c->names || habit.fresh != c->fresh || habit.strange != c->strange ||
            habit.organisations != c->organisations || habit.alternating != c->alternating)
            fail_msg("%s: %u names, %u fresh, %u strange of %u, %u in turn", c->what, habit.names,
                habit.fresh, habit.strange, habit.organisations, habit.alternating);
        assert_int_equal(habit.last == NULL, c->last == NULL);
        if (c->last != NULL)
            assert_memory_equal(habit.last->text, c->last, strlen(c->last) + 1);
    }
}

/* More names than are compared. */
static void
habit_of_many(void **state)
{
    enum { MANY = HELOHABIT_COMPARED + 100 };
    static struct helo_fact facts[MANY];
    static const struct hist_use use = {.first_s = NOW - DAY, .last_s = NOW};
    struct helo text;
    struct helo_habit habit;

    (void)state;
    helo_set(&text, "a.example.com", 13);
    for (size_t i = 0; i < MANY; i++)
        facts[i] = (struct helo_fact){.text = &text, .use = &use, .form = {.kind = HELO_KIND_NAME}};
    helohabit_of(facts, MANY, NOW, 30 * DAY, &habit);
    assert_int_equal(habit.names, MANY);
    assert_int_equal(habit.alternating, HELOHABIT_COMPARED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_table),
        cmocka_unit_test(habit_table),
        cmocka_unit_test(habit_of_many),
    };

    return cmocka_run_group_tests_name("heloident", tests, NULL, NULL);
}
