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

enum { CASES = 6000, MORE = 4 };

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_bad_never_raises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
