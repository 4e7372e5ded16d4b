/*
 * Judging a client, a sender domain, a HELO name. Pure: see judge.h.
 *
 * A client's score is a sum over independent kinds of evidence: of each kind the strongest sign
 * counts, since signs of one kind go together. Points are about 22 times the natural logarithm of
 * how much more often spam sources show the sign than others do, as measured on labelled mail, so
 * that adding them is multiplying likelihoods; 100 points are odds of about 90 to 1. What the
 * measurements speak against (localhost and .lan names are a sign of small honest servers) has its
 * reason, and no points.
 */
#include <stdarg.h>
#include <stdio.h>

#include "loader/judge.h"

enum kind { KIND_RDNS, KIND_HELO, KIND_SPF, KIND_LABEL, KIND_COUNT };

enum {
    POINTS_RDNS_NONE = 34,
    POINTS_RDNS_UNCONFIRMED = 41,
    POINTS_RDNS_DYNAMIC = 50,
    POINTS_HELO_INVALID = 69, /* an address without brackets, impossible characters */
    POINTS_HELO_SINGLE = 61,
    POINTS_HELO_FORGED = 50,
    POINTS_HELO_CHURN = 40,
    POINTS_SPF_HABIT = 30,
    POINTS_SPAM_ONCE = 50,
    POINTS_SPAM_TWICE = 60,
    POINTS_SPAM_OFTEN = 80,
    CREDIT_RDNS = 20, /* a confirmed name that does not look dynamic */
    CREDIT_HELO = 30, /* most sessions greet with a name that resolves to the client */
    CREDIT_SPF = 30,  /* a domain's owner vouches for the client */
    RELAY_DOMAINS = 3 /* so many vouching domains make it a relay that others share */
};

/* Everything a judgement of a client adds up. */
struct sum {
    int points[KIND_COUNT];
    int credit;
    bool relay;
    size_t used; /* of the detail */
    struct judgement *out;
};

static void __attribute__((format(printf, 2, 3))) note(struct sum *sum, const char *format, ...)
{
    char *to = sum->out->detail + sum->used;
    size_t room = sizeof sum->out->detail - sum->used;
    if (sum->used != 0) {
        int n = snprintf(to, room, ", ");
        if (n < 0 || (size_t)n >= room)
            return;
        to += n;
        room -= (size_t)n;
    }
    va_list args;
    va_start(args, format);
    int n = vsnprintf(to, room, format, args);
    va_end(args);
    /* A part that does not fit is left out whole. */
    if (n < 0 || (size_t)n >= room) {
        sum->out->detail[sum->used] = '\0';
        return;
    }
    sum->used = (size_t)(to - sum->out->detail) + (size_t)n;
}

static void
sign(struct sum *sum, enum reason reason, enum kind kind, int points)
{
    reasons_add(&sum->out->reasons, reason);
    if (points > sum->points[kind])
        sum->points[kind] = points;
}

static void
judge_rdns(const struct client_facts *facts, struct sum *sum)
{
    char name[DNAME_TEXT_SIZE] = "";
    if (facts->rdns_name != NULL)
        dname_format(facts->rdns_name, name);
    if (facts->rdns == RDNS_STATE_NONE) {
        sign(sum, REASON_RDNS_NONE, KIND_RDNS, POINTS_RDNS_NONE);
        note(sum, "no reverse name");
    }
    if (facts->rdns == RDNS_STATE_UNCONFIRMED) {
        sign(sum, REASON_RDNS_UNCONFIRMED, KIND_RDNS, POINTS_RDNS_UNCONFIRMED);
        note(sum, "reverse name %.100s does not resolve back", name);
    }
    if (facts->rdns_dynamic && facts->rdns >= RDNS_STATE_UNCONFIRMED) {
        sign(sum, REASON_RDNS_DYNAMIC, KIND_RDNS, POINTS_RDNS_DYNAMIC);
        note(sum, "reverse name %.100s looks dynamic (%s)", name,
            facts->rdns_pattern != NULL ? facts->rdns_pattern : "by its form");
    }
    if (facts->rdns == RDNS_STATE_CONFIRMED && !facts->rdns_dynamic) {
        sum->credit += CREDIT_RDNS;
        note(sum, "reverse name %.100s confirmed", name);
    }
}

/* For "%.*s": a HELO text has no NUL. */
static int
shown(const struct helo *helo)
{
    return helo->len < 60 ? helo->len : 60;
}

/* What one HELO text is worth by its form alone; -1: nothing wrong with it. */
static int
form_points(const struct helo_fact *helo)
{
    switch (helo->form.kind) {
    case HELO_KIND_BARE_IP:
    case HELO_KIND_INVALID:
        return POINTS_HELO_INVALID;
    case HELO_KIND_SINGLE:
        return helo->form.local ? 0 : POINTS_HELO_SINGLE;
    case HELO_KIND_ABSENT:
    case HELO_KIND_NAME:
    case HELO_KIND_LITERAL:
        return -1;
    }
    return -1;
}

/* Sessions of a client by what is to be said of their HELO, and an example of each. */
struct helo_tally {
    uint64_t all, invalid, forged, resolving;
    int invalid_points;
    const struct helo *invalid_example, *forged_example;
};

static struct helo_tally
tally_helos(const struct client_facts *facts)
{
    struct helo_tally tally = {0};
    for (unsigned i = 0; i < facts->helo_count; i++) {
        const struct helo_fact *helo = &facts->helos[i];
        uint32_t count = helo->use->count;
        if (helo->form.kind == HELO_KIND_ABSENT)
            continue; /* not logged: never evidence */
        tally.all += count;
        int points = form_points(helo);
        if (points >= 0) {
            tally.invalid += count;
            if (points >= tally.invalid_points || tally.invalid_example == NULL) {
                tally.invalid_points = points;
                tally.invalid_example = helo->text;
            }
        }
        if (helo->forged == FACT_YES) {
            tally.forged += count;
            tally.forged_example = helo->text;
        }
        if (helo->resolves_here == FACT_YES)
            tally.resolving += count;
    }
    return tally;
}

static void
judge_helos(const struct client_facts *facts, const struct policy *policy, struct sum *sum)
{
    struct helo_tally tally = tally_helos(facts);
    if (tally.all == 0)
        return;
    /* A habit is what at least half of the sessions do: one slip of a busy server says nothing. */
    if (tally.invalid * 2 >= tally.all) {
        sign(sum, REASON_HELO_INVALID, KIND_HELO, tally.invalid_points);
        note(sum, "HELO \"%.*s\" is never valid (%llu of %llu sessions)",
            shown(tally.invalid_example), tally.invalid_example->text,
            (unsigned long long)tally.invalid, (unsigned long long)tally.all);
    }
    if (tally.forged * 2 >= tally.all && tally.forged > 0) {
        sign(sum, REASON_HELO_FORGED, KIND_HELO, POINTS_HELO_FORGED);
        note(sum, "HELO \"%.*s\" belongs to another (%llu of %llu sessions)",
            shown(tally.forged_example), tally.forged_example->text,
            (unsigned long long)tally.forged, (unsigned long long)tally.all);
    }
    if (facts->unrelated_helos >= policy->churn_names &&
        facts->client->accepted >= policy->min_sessions) {
        sign(sum, REASON_HELO_CHURN, KIND_HELO, POINTS_HELO_CHURN);
        note(sum, "HELO names of %u organisations", facts->unrelated_helos);
    }
    if (tally.resolving * 2 >= tally.all) {
        sum->credit += CREDIT_HELO;
        note(sum, "HELO resolves to it (%llu of %llu sessions)",
            (unsigned long long)tally.resolving, (unsigned long long)tally.all);
    }
}

static void
judge_pairs(const struct client_facts *facts, const struct policy *policy, struct sum *sum)
{
    unsigned fails = 0, passes = 0;
    for (unsigned i = 0; i < facts->pair_count; i++) {
        if (!facts->pairs[i].has_spf)
            continue;
        fails += facts->pairs[i].spf == REASON_SPF_FAIL;
        passes += facts->pairs[i].spf == REASON_SPF_PASS;
    }
    if (fails >= policy->fail_habit_domains && fails > passes &&
        facts->client->accepted >= policy->min_sessions)
        sign(sum, REASON_SPF_HABIT, KIND_SPF, POINTS_SPF_HABIT);
    if (fails > 0)
        note(sum, "SPF forbids it for %u of %u sender domains", fails, facts->pair_count);
    if (passes > 0) {
        sum->credit += CREDIT_SPF;
        note(sum, "SPF permits it for %u of %u sender domains", passes, facts->pair_count);
    }
    sum->relay = passes >= RELAY_DOMAINS;
}

static void
judge_labels(const struct hist_client *client, struct sum *sum)
{
    static const int points[] = {0, POINTS_SPAM_ONCE, POINTS_SPAM_TWICE, POINTS_SPAM_OFTEN};
    if (client->spam > 0)
        note(sum, "%u messages filed as spam", client->spam);
    if (client->ham > 0)
        note(sum, "%u messages kept", client->ham);
    /* A client with both labels is ham. */
    if (client->ham == 0)
        sum->points[KIND_LABEL] = points[client->spam < 3 ? client->spam : 3];
}

void
judge_client(const struct client_facts *facts, const struct policy *policy, struct judgement *out)
{
    *out = (struct judgement){0};
    struct sum sum = {.out = out};
    judge_rdns(facts, &sum);
    judge_helos(facts, policy, &sum);
    judge_pairs(facts, policy, &sum);
    judge_labels(facts->client, &sum);

    int score = -sum.credit;
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        score += sum.points[kind];
        out->kinds += sum.points[kind] > 0;
    }
    out->score = score < 0 || facts->client->ham > 0 ? 0 : score;
    /* No single kind lists anybody, nor does history in the first days; a relay that several
     * domains vouch for is shared by people who did nothing. */
    if (out->score >= (int)policy->score_threshold && out->kinds >= 2 && facts->mature &&
        !sum.relay)
        reasons_add(&out->reasons, REASON_SCORE);
}

void
judge_domain(const struct domain_facts *facts, struct judgement *out)
{
    const struct {
        bool holds;
        enum reason reason;
        const char *why;
    } rules[] = {
        {facts->exists == FACT_NO, REASON_DOMAIN_ABSENT, "it does not exist"},
        {facts->receives == FACT_NO, REASON_DOMAIN_NO_MAIL, "neither MX nor address, or a null MX"},
        {facts->public_name == FACT_NO, REASON_DOMAIN_NOT_PUBLIC, "not a name of public DNS"},
        {facts->spf_world, REASON_SPF_WORLD, "its SPF passes every address"},
    };
    *out = (struct judgement){0};
    struct sum sum = {.out = out};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].holds) {
            reasons_add(&out->reasons, rules[i].reason);
            note(&sum, "%s", rules[i].why);
        }
}

void
judge_helo_name(
    const struct helo_name_facts *facts, const struct policy *policy, struct judgement *out)
{
    *out = (struct judgement){0};
    struct sum sum = {.out = out};
    unsigned known = facts->resolving_to + facts->unknown;
    unsigned strangers = facts->clients > known ? facts->clients - known : 0;
    /* A name that really is one of its clients' must not suffer from those who borrow it. */
    if (facts->mature && facts->resolving_to == 0 && strangers >= policy->shared_clients) {
        reasons_add(&out->reasons, REASON_HELO_SHARED);
        note(&sum, "used by %u clients, resolves to none", facts->clients);
    }
    if (facts->public_name == FACT_NO) {
        reasons_add(&out->reasons, REASON_DOMAIN_NOT_PUBLIC);
        note(&sum, "not a name of public DNS");
    }
}
