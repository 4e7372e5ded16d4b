/*
 * Judging a client, a sender domain, a HELO name. Pure: see judge.h.
 *
 * A client's badness is the sum of what weights.def says its features add, in logarithms of odds,
 * so that adding is multiplying likelihoods; its score is 50 less ten times that. What the look of
 * its sessions adds to the bad counts in full while it is active, and fades when it is silent;
 * reports fade by themselves; what speaks for it stays as long as its record. So time alone never
 * lowers a score, and a client that is silent is delisted on a day that can be told.
 */
#include <stdarg.h>
#include <stdio.h>

#include "loader/features.h"
#include "loader/helohabit.h"
#include "loader/judge.h"

enum {
    RELAY_DOMAINS = 3, /* so many vouching domains make it a relay that others share */
    TRUST_SCORE = 80,  /* automatic trust: such a score, kept mail and days */
    TRUST_HAM = 3,
    TRUST_DAYS = 14,
    REPORT_DAYS = 2, /* complaints of one day are one campaign's, or one angry user's */
    QUIET_MAX = 3650,
    DAY_S = 86400
};

/* What a kind must add before it counts as one that speaks against a client. */
static const double KIND_COUNTS = 0.5;

/* The detail, part by part. */
struct notes {
    char *text; /* JUDGE_DETAIL_SIZE */
    size_t used;
};

static void __attribute__((format(printf, 2, 3))) note(struct notes *notes, const char *format, ...)
{
    char *to = notes->text + notes->used;
    size_t room = JUDGE_DETAIL_SIZE - notes->used;
    if (notes->used != 0) {
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
        notes->text[notes->used] = '\0';
        return;
    }
    notes->used = (size_t)(to - notes->text) + (size_t)n;
}

/* For "%.*s": a HELO text has no NUL. */
static int
shown(const struct helo *helo)
{
    return helo->len < 60 ? helo->len : 60;
}

bool
judge_is_churn(const struct client_facts *facts, const struct policy *policy)
{
    struct helo_habit habit;
    helohabit_of(facts->helos, facts->helo_count, facts->now_s, JUDGE_HABIT_DAYS * DAY_S, &habit);
    return habit.organisations >= policy->churn_names &&
           facts->client->accepted >= policy->min_sessions;
}

static void
count_spf(const struct client_facts *facts, unsigned *fails, unsigned *passes)
{
    *fails = *passes = 0;
    for (unsigned i = 0; i < facts->pair_count; i++) {
        if (!facts->pairs[i].has_spf)
            continue;
        *fails += facts->pairs[i].spf == REASON_SPF_FAIL;
        *passes += facts->pairs[i].spf == REASON_SPF_PASS;
    }
}

/* Domains, not sessions: of one forwarded domain all may fail. What policy services logged is told
 * and not weighed, as most sites have none, and it says no more of a domain than its policy does.
 */
bool
judge_is_fail_habit(const struct client_facts *facts, const struct policy *policy)
{
    unsigned fails, passes;
    count_spf(facts, &fails, &passes);
    return fails >= policy->fail_habit_domains && fails > passes &&
           facts->client->accepted >= policy->min_sessions;
}

static void
explain_rdns(const struct client_facts *facts, struct notes *notes)
{
    char name[DNAME_TEXT_SIZE] = "";
    if (facts->rdns_name != NULL)
        dname_format(facts->rdns_name, name);
    bool generic = facts->rdns_look.class == RDNS_CLASS_GENERIC_DYNAMIC ||
                   facts->rdns_look.class == RDNS_CLASS_GENERIC_STATIC;
    if (facts->rdns == RDNS_STATE_NONE)
        note(notes, "no reverse name");
    if (facts->rdns == RDNS_STATE_UNCONFIRMED)
        note(notes, "reverse name %.100s does not resolve back", name);
    if (facts->rdns == RDNS_STATE_CONFIRMED)
        note(notes, "reverse name %.100s confirmed", name);
    if (facts->rdns >= RDNS_STATE_UNCONFIRMED && generic)
        note(notes, "it looks %s (%s)", rdns_class_text(facts->rdns_look.class),
            facts->rdns_look.why);
}

/* Whether the HELO is one that no host may greet with: names for inside use are, and are a habit of
 * small honest servers, so that they have the reason and add nothing to the score. */
static bool
is_invalid_helo(const struct helo_fact *helo)
{
    return helo->form.kind == HELO_KIND_BARE_IP || helo->form.kind == HELO_KIND_INVALID ||
           helo->form.kind == HELO_KIND_SINGLE;
}

static void
explain_helo(const struct client_facts *facts, const struct features *features, struct notes *notes)
{
    const struct helo_fact *helo = features->helo;
    struct helo_habit habit;
    unsigned names = 0;
    if (helo == NULL)
        return;
    for (unsigned i = 0; i < facts->helo_count; i++)
        names += facts->helos[i].form.kind != HELO_KIND_ABSENT;
    const char *what = is_invalid_helo(helo)                     ? "is never valid"
                       : features->of[FEATURE_HELO_FORGED] > 0   ? "belongs to another"
                       : helo->resolves_here == FACT_YES         ? "resolves to it"
                       : features->of[FEATURE_HELO_PROVIDER] > 0 ? "is a provider's"
                       : features->of[FEATURE_HELO_NAME] > 0     ? "is not known to be its own"
                                                                 : "is not spoken against";
    note(notes, "HELO \"%.*s\" %s (%u of %u sessions, %u %s)", shown(helo->text), helo->text->text,
        what, helo->use->count, facts->client->with_helo, names, names == 1 ? "name" : "names");
    helohabit_of(facts->helos, facts->helo_count, facts->now_s, JUDGE_HABIT_DAYS * DAY_S, &habit);
    if (habit.fresh > 1)
        note(notes, "%u new HELO names in %d days, last \"%.*s\", of %u organisations not its own",
            habit.fresh, JUDGE_HABIT_DAYS, shown(habit.last), habit.last->text,
            habit.organisations);
}

/* What policy services said of its sessions, as far as it has not faded. */
static void
explain_logged(const struct client_facts *facts, const struct policy *policy, struct notes *notes)
{
    uint32_t half_life = policy->half_life_days > 0 ? policy->half_life_days : 1;
    double sums[OBS_SPF_COUNT] = {0};
    for (unsigned i = 0; i < facts->pair_count; i++)
        for (unsigned k = 0; k < OBS_SPF_COUNT; k++)
            sums[k] += hist_weight_on(
                &facts->pairs[i].use->spf_counts.of[k], hist_day(facts->now_s), half_life);
    for (unsigned k = 0; k < OBS_SPF_COUNT; k++)
        if (sums[k] >= HIST_UNIT / 2)
            note(notes, "SPF %s logged %.0f times lately", obs_spf_text((enum obs_spf)k),
                sums[k] / HIST_UNIT);
}

static void
explain_record(const struct client_facts *facts, const struct policy *policy,
    const struct features *features, struct notes *notes)
{
    unsigned fails, passes;
    char name[DNAME_TEXT_SIZE];
    count_spf(facts, &fails, &passes);
    if (fails > 0)
        note(notes, "SPF forbids it for %u of %u sender domains", fails, facts->pair_count);
    if (passes > 0)
        note(notes, "SPF permits it for %u of %u sender domains", passes, facts->pair_count);
    explain_logged(facts, policy, notes);
    if (features->of[FEATURE_SENDER_PROVIDER] > 0) {
        dname_format(features->sender->domain, name);
        note(notes, "sends for %.60s from elsewhere", name);
    }
    if (facts->client->spam > 0)
        note(notes, "%u messages filed as spam", facts->client->spam);
    if (facts->client->ham > 0)
        note(notes, "%u messages kept", facts->client->ham);
}

static void
add_reasons(const struct client_facts *facts, const struct policy *policy,
    const struct features *features, struct judgement *out)
{
    const struct {
        bool holds;
        enum reason reason;
    } rules[] = {
        {features->of[FEATURE_RDNS_NONE] > 0, REASON_RDNS_NONE},
        {features->of[FEATURE_RDNS_UNCONFIRMED] > 0, REASON_RDNS_UNCONFIRMED},
        {features->of[FEATURE_RDNS_DYNAMIC] > 0, REASON_RDNS_DYNAMIC},
        {features->helo != NULL && is_invalid_helo(features->helo), REASON_HELO_INVALID},
        {features->of[FEATURE_HELO_FORGED] + features->of[FEATURE_HELO_PROVIDER] > 0,
            REASON_HELO_FORGED},
        {judge_is_churn(facts, policy), REASON_HELO_CHURN},
        {judge_is_fail_habit(facts, policy), REASON_SPF_HABIT},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].holds)
            reasons_add(&out->reasons, rules[i].reason);
}

/* What fades with a client's silence: bad looks, not what fades by itself. */
static bool
is_look(const struct feature_info *info)
{
    return info->side == SIDE_BAD && info->kind < KIND_REPORT;
}

static void
add_up(const struct client_facts *facts, const struct policy *policy, const struct weights *weights,
    const struct features *features, struct judgement *out)
{
    double confidence = features_confidence(facts, policy);
    double badness = 0, kinds[KIND_EVIDENCE] = {0};
    for (enum feature i = 0; i < FEATURE_COUNT; i++) {
        const struct feature_info *info = feature_info(i);
        double part = features->of[i] * weights->of[i] * (is_look(info) ? confidence : 1);
        out->parts[i] = part;
        badness += part;
        if (info->side == SIDE_BAD && info->kind < KIND_EVIDENCE)
            kinds[info->kind] += part;
    }
    for (unsigned i = 0; i < KIND_EVIDENCE; i++)
        out->kinds += kinds[i] >= KIND_COUNTS;
    out->score = weights_score(badness);
    /* A client with both labels is ham. */
    if (features_has_ham(facts->client) && out->score < WEIGHTS_EVEN)
        out->score = WEIGHTS_EVEN;
}

/* No single kind lists anybody, nor does history in the first days, nor a first look; a relay that
 * several domains vouch for is shared by people who did nothing. */
static bool
score_lists(const struct client_facts *facts, const struct policy *policy,
    const struct judgement *judgement)
{
    const struct hist_client *client = facts->client;
    unsigned fails, passes;
    count_spf(facts, &fails, &passes);
    return judgement->score <= (int)policy->score_threshold && judgement->kinds >= 2 &&
           facts->mature && passes < RELAY_DOMAINS && !features_has_ham(client) &&
           client->accepted >= policy->list_sessions && client->days >= policy->list_days;
}

/* A trap lists by itself; complaints do when they are several, of more than a day, with nobody who
 * wanted its mail. */
static bool
reports_list(const struct client_facts *facts, const struct policy *policy)
{
    const struct hist_client *client = facts->client;
    bool trapped = features_is_trapped(facts, policy);
    bool complained = policy->complaints > 0 &&
                      features_weight(facts, policy, HIST_SPAM) >= policy->complaints &&
                      client->days >= REPORT_DAYS && facts->mature;
    return (trapped || complained) && !features_has_ham(client);
}

static bool
judge_once(const struct client_facts *facts, const struct policy *policy,
    const struct weights *weights, struct features *features, struct judgement *out)
{
    *out = (struct judgement){0};
    features_of(facts, policy, weights, features);
    add_reasons(facts, policy, features, out);
    add_up(facts, policy, weights, features, out);
    bool scored = score_lists(facts, policy, out), reported = reports_list(facts, policy);
    if (scored)
        reasons_add(&out->reasons, REASON_SCORE);
    if (reported)
        reasons_add(&out->reasons, REASON_TRAP);
    out->trust = out->score >= TRUST_SCORE && facts->rdns == RDNS_STATE_CONFIRMED &&
                 facts->client->ham >= TRUST_HAM && facts->client->days >= TRUST_DAYS;
    return scored || reported;
}

/* Time alone never lowers a score, so that the day can be searched for. The record itself goes
 * after the retention. */
static uint32_t
quiet_days(
    const struct client_facts *facts, const struct policy *policy, const struct weights *weights)
{
    uint32_t low = 0,
             high = policy->retention_days < QUIET_MAX ? policy->retention_days : QUIET_MAX;
    struct client_facts later = *facts;
    while (high - low > 1) {
        struct features features;
        struct judgement judgement;
        uint32_t middle = low + (high - low) / 2;
        later.now_s = facts->now_s + (int64_t)middle * DAY_S;
        if (judge_once(&later, policy, weights, &features, &judgement))
            low = middle;
        else
            high = middle;
    }
    return high;
}

void
judge_client(const struct client_facts *facts, const struct policy *policy,
    const struct weights *weights, struct judgement *out)
{
    struct features features;
    struct notes notes = {.text = out->detail};
    bool listed = judge_once(facts, policy, weights, &features, out);
    if (facts->addresses > 1)
        note(&notes, "%u addresses of the network were seen", facts->addresses);
    explain_rdns(facts, &notes);
    explain_helo(facts, &features, &notes);
    explain_record(facts, policy, &features, &notes);
    if (!listed)
        return;
    out->quiet_days = quiet_days(facts, policy, weights);
    note(&notes, "ends after %u quiet days", out->quiet_days);
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
    struct notes notes = {.text = out->detail};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].holds) {
            reasons_add(&out->reasons, rules[i].reason);
            note(&notes, "%s", rules[i].why);
        }
}

void
judge_helo_name(
    const struct helo_name_facts *facts, const struct policy *policy, struct judgement *out)
{
    *out = (struct judgement){0};
    struct notes notes = {.text = out->detail};
    unsigned known = facts->resolving_to + facts->unknown;
    unsigned strangers = facts->clients > known ? facts->clients - known : 0;
    /* A name that really is one of its clients', or whose owner sends mail with it as the sender's
     * domain, must not suffer from those who borrow it; and a name that is no public one says
     * little. */
    bool owned =
        facts->owned || facts->inside || facts->resolving_to > 0 || facts->public_name == FACT_NO;
    if (facts->mature && !owned && strangers >= policy->shared_clients) {
        reasons_add(&out->reasons, REASON_HELO_SHARED);
        note(&notes, "used by %u clients, resolves to none", facts->clients);
    }
    if (facts->public_name == FACT_NO) {
        reasons_add(&out->reasons, REASON_DOMAIN_NOT_PUBLIC);
        note(&notes, "not a name of public DNS");
    }
}
