/*
 * One mail more that is bad in some respect, and good in none, never raises a score nor ends a
 * listing: over thousands of histories made from a seed. The respects, each bad, neutral or good:
 *
 *   HELO    bad: never valid, or a provider's that the client is no host of. Good: it resolves to
 *           the client. Neutral: all others, and none
 *   sender  bad: a provider's from elsewhere, or of another country than the reverse name. Good:
 *           SPF passes, or it is the domain of a confirmed reverse name. Neutral: all others, one
 *           whose SPF forbids it too, for forwarders have those
 *   report  bad: the mail was reported as spam, or came to a trap. Neutral: no word of it
 */
#include "tests/unit/world_fixture.h"

enum { CASES = 6000, MORE = 4, CROWDS = 100 };

enum look { NEUTRAL, BAD, GOOD };

static bool
passes(const struct world *world, unsigned sender)
{
    const char *policy = policies[world->policy[sender]];
    return policy != NULL && (strstr(policy, "+all") != NULL || strstr(policy, "ip4") != NULL);
}

static enum look
look_of_helo(const struct world *world, enum dns_of dns, const char *text, unsigned at)
{
    struct helo helo;
    struct helo_form form;
    helo_set(&helo, text, strlen(text));
    helo_classify(&helo, &form);
    if (form.kind == HELO_KIND_LITERAL || form.local)
        return NEUTRAL;
    if (form.kind != HELO_KIND_NAME)
        return BAD;
    if (world->resolves[at] == FACT_YES || (dns >= DNS_NAMED && strcmp(text, rdns_names[dns]) == 0))
        return GOOD;
    if (strcmp(text, "hotmail.com") != 0 || world->resolves[at] == FACT_UNKNOWN ||
        dns == DNS_UNKNOWN)
        return NEUTRAL;
    return passes(world, 0) ? GOOD : BAD;
}

static bool
has_dns(const struct world *world, enum dns_of dns)
{
    for (unsigned i = 0; i < world->peers; i++)
        if (world->dns[i] == dns)
            return true;
    return false;
}

static enum look
look_of_sender(const struct world *world, enum dns_of dns, unsigned at)
{
    const char *text = senders[at];
    if (passes(world, at) || (strcmp(text, "a.example") == 0 && has_dns(world, DNS_NAMED)) ||
        (strcmp(text, "isp.example") == 0 && has_dns(world, DNS_DYNAMIC)))
        return GOOD;
    if (strcmp(text, "hotmail.com") == 0 && !has_dns(world, DNS_UNKNOWN))
        return BAD;
    return strcmp(text, "shop.de") == 0 && dns == DNS_ABROAD ? BAD : NEUTRAL;
}

static unsigned
peer_of(const struct world *world, const struct observation *mail)
{
    unsigned peer = 0;
    while (ip_cmp(&world->ip[peer], &mail->client) != 0)
        peer++;
    return peer;
}

/* At the end of the last day, from an address that was seen before, with the look of each respect.
 */
static struct observation
one_mail(uint64_t *seed, const struct world *world, enum look of[3])
{
    static const enum obs_label reports[6] = {OBS_SPAM, OBS_TRAP}; /* the others: no word */
    unsigned peer = peer_of(world, &world->mails[draw(seed, (uint32_t)world->count)]);
    unsigned helo = draw(seed, HELOS + 1), sender = draw(seed, SENDERS + 2);
    struct observation mail = {.when_s = DAYS_0 + (int64_t)world->day * DAY_S + DAY_S - 1,
        .client = world->ip[peer],
        .label = reports[draw(seed, 6)]};
    of[0] = of[1] = NEUTRAL;
    of[2] = mail.label != OBS_UNLABELLED ? BAD : NEUTRAL;
    if (helo < HELOS) {
        helo_set(&mail.helo, helos[helo], strlen(helos[helo]));
        of[0] = look_of_helo(world, world->dns[peer], helos[helo], helo);
    }
    if (sender < SENDERS) {
        mail.sender = OBS_SENDER_DOMAIN;
        mail.sender_domain = name_of(senders[sender]);
        of[1] = look_of_sender(world, world->dns[peer], sender);
    } else if (sender == SENDERS && helo == HELOS) {
        mail.sender = OBS_SENDER_NULL;
    }
    return mail;
}

static struct observation
bad_mail(uint64_t *seed, const struct world *world, enum look of[3])
{
    struct observation mail;
    bool is_bad;
    do {
        mail = one_mail(seed, world, of);
        is_bad = of[0] == BAD || of[1] == BAD || of[2] == BAD;
    } while (!is_bad || of[0] == GOOD || of[1] == GOOD);
    return mail;
}

static void
expect_no_better(const struct verdict *before, const struct verdict *after, unsigned run)
{
    if (after->judgement.score > before->judgement.score)
        fail_msg("case %u: %d: %s\nthen %d: %s", run, before->judgement.score,
            before->judgement.detail, after->judgement.score, after->judgement.detail);
    assert_true(is_listed(after) || !is_listed(before));
}

static void
more_bad_never_raises(void **state)
{
    /* Whether a sender is abroad is told by one reverse name of a network: those of it here tell no
     * two countries. */
    static const enum dns_of one_country[] = {
        DNS_UNKNOWN, DNS_ABSENT, DNS_NAMED, DNS_DYNAMIC, DNS_UNCONFIRMED};
    uint64_t seed = SEED;
    unsigned networks = 0, listed = 0, mixed = 0;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (unsigned run = 0; run < cases_of(CASES); run++) {
        struct world world;
        bool of_network = run % 3 == 2;
        random_world(&seed, run % 3, of_network ? one_country : any_dns,
            of_network ? sizeof one_country / sizeof *one_country : DNS_OF_COUNT, &world);
        begin(&f, world.mails, world.count);
        struct verdict before = judged(&f, &world, world.day);
        networks += before.of_network && world.peers > 1;
        for (unsigned i = 0; i < MORE; i++) {
            enum look of[3];
            struct observation mail = bad_mail(&seed, &world, of);
            history_add(f.txn, &mail);
            struct verdict after = judged(&f, &world, world.day);
            expect_no_better(&before, &after, run);
            mixed += of[0] != of[1];
            before = after;
        }
        listed += is_listed(&before);
        kv_abort(&f.txn);
    }
    assert_true(networks > cases_of(CASES) / 20 && listed > cases_of(CASES) / 50 &&
                mixed > cases_of(CASES));
    fixture_close(&f);
}

/* -- more names than are kept apart -- */

/* Names that differ in a number, and what each of them is. */
struct family {
    const char *form; /* % is the number */
    enum look look;
};
static const struct family helo_families[] = {{"198.18.1.%", BAD}, {"pc%", BAD}, {"bad_%!", BAD},
    {"h%.hotmail.com", NEUTRAL /* not known to be absent */}, {"h%.example", NEUTRAL},
    {"mx%.isp.br", NEUTRAL}, {"[10.2.0.%]", NEUTRAL}};
static const struct family sender_families[] = {{"s%.hotmail.com", BAD}, {"s%.de", BAD},
    {"s%.example", NEUTRAL}, {"s%.com", NEUTRAL}, {"s%.br", NEUTRAL}};
enum {
    HELO_FAMILIES = sizeof helo_families / sizeof *helo_families,
    SENDER_FAMILIES = sizeof sender_families / sizeof *sender_families
};

static void
set_names(struct observation *mail, const char *helo, const char *sender, unsigned number)
{
    char text[64];
    numbered(helo, number, text);
    helo_set(&mail->helo, text, strlen(text));
    numbered(sender, number, text);
    mail->sender = OBS_SENDER_DOMAIN;
    mail->sender_domain = name_of(text);
}

/* Abroad: a reverse name in .br that is confirmed. */
static void
begin_abroad(struct fixture *f, struct world *world)
{
    *world = (struct world){.peers = 1, .dns = {DNS_ABROAD}};
    world->ip[0] = ip_from_v4(0x0a010007);
    begin(f, NULL, 0);
}

/* Two hundred bad sessions, each with a name of its own, and then so many that are neutral,
 * likewise: less than the bad ones, and more than there is room for. */
static void
names_do_not_wash(void **state)
{
    static const struct {
        const char *helo, *sender, *feature;
    } cases[] = {{"198.18.1.%", "s%.example", "helo-bare"}, {"pc%", "s%.example", "helo-single"},
        {"bad_%!", "s%.example", "helo-invalid"}, {"h%.hotmail.com", "s%.com", "helo-provider"},
        {"h%.example", "s%.hotmail.com", "sender-provider"},
        {"h%.example", "s%.de", "sender-abroad"}};
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct world world;
        enum feature feature = 0;
        while (strcmp(feature_info(feature)->name, cases[k].feature) != 0)
            feature++;
        begin_abroad(&f, &world);
        if (strcmp(cases[k].feature, "helo-provider") == 0)
            world.absent = cases[k].helo;
        for (unsigned i = 0; i < 380; i++) {
            bool bad = i < 200;
            struct observation mail = {.when_s = DAYS_0 + i, .client = world.ip[0]};
            set_names(&mail, bad ? cases[k].helo : "h.n%.example",
                bad ? cases[k].sender : "n%.example", i % NUMBERS);
            history_add(f.txn, &mail);
        }
        struct verdict verdict = judged(&f, &world, 0);
        if (verdict.judgement.parts[feature] <= 0)
            fail_msg("%s is forgotten: %s", cases[k].feature, verdict.judgement.detail);
        kv_abort(&f.txn);
    }
    fixture_close(&f);
}

/* A platform that sends for many, abroad too and permitted by their SPF but for one in forty, which
 * has not permitted it yet: whoever gave way is as those who are there. */
static void
customers_give_way(void **state)
{
    struct fixture f;
    struct world world;
    (void)state;
    fixture_open(&f);
    begin_abroad(&f, &world);
    world.permitting = "s%.de";
    for (unsigned i = 0; i < 4 * NUMBERS; i++) {
        struct observation mail = {.when_s = DAYS_0 + i, .client = world.ip[0]};
        set_names(&mail, "mx%.isp.br", i % 40 == 0 ? "new%.de" : world.permitting, i % NUMBERS);
        helo_set(&mail.helo, rdns_names[DNS_ABROAD], strlen(rdns_names[DNS_ABROAD]));
        history_add(f.txn, &mail);
    }
    struct verdict verdict = judged(&f, &world, 0);
    assert_true(verdict.judgement.parts[FEATURE_SENDER_SPF_PASS] < 0);
    assert_true(verdict.judgement.parts[FEATURE_RETURNS_OFTEN] < 0);
    assert_true(verdict.judgement.parts[FEATURE_SENDER_ABROAD] <= 0);
    kv_abort(&f.txn);
    fixture_close(&f);
}

static enum look
crowd_mail(uint64_t *seed, const struct world *world, struct observation *out)
{
    const struct family *helo = &helo_families[draw(seed, HELO_FAMILIES)],
                        *sender = &sender_families[draw(seed, SENDER_FAMILIES)];
    *out = (struct observation){
        .when_s = DAYS_0 + (int64_t)world->day * DAY_S, .client = world->ip[0]};
    set_names(out, helo->form, sender->form, draw(seed, NUMBERS));
    return helo->look == BAD || sender->look == BAD ? BAD : NEUTRAL;
}

/* The same as above where names had to give way. */
static void
more_bad_names_never_raise(void **state)
{
    uint64_t seed = SEED + 1;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (unsigned run = 0; run < cases_of(CROWDS); run++) {
        struct world world;
        struct observation mail;
        begin_abroad(&f, &world);
        for (unsigned i = 100 + draw(&seed, 300), clean = draw(&seed, 4); i > 0; i--) {
            while (crowd_mail(&seed, &world, &mail) == BAD && draw(&seed, 4) < clean)
                continue;
            history_add(f.txn, &mail);
            world.day += draw(&seed, 40) == 0;
        }
        struct verdict before = judged(&f, &world, world.day);
        for (unsigned i = 0; i < 30; i++) {
            while (crowd_mail(&seed, &world, &mail) != BAD)
                continue;
            history_add(f.txn, &mail);
            struct verdict after = judged(&f, &world, world.day);
            expect_no_better(&before, &after, run);
            before = after;
        }
        kv_abort(&f.txn);
    }
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_bad_never_raises),
        cmocka_unit_test(names_do_not_wash),
        cmocka_unit_test(customers_give_way),
        cmocka_unit_test(more_bad_names_never_raise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
