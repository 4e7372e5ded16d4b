/* Features of a client. See features.h. */
#include "loader/features.h"

#include <math.h>
#include <string.h>

#include "loader/looks.h"
#include "loader/signs.h"

enum { HAM_DAYS = 30, RETURNS = 2, RETURNS_OFTEN = 4, REPORT_DOUBLINGS = 5 };

/* A trap that was hit is forgotten when half of that is left. */
static const double TRAP_COUNTS = 0.5;

/* -- which one speaks -- */

/* Where the names are added up. Weights are as of the last day of all, not of today, so that time
 * alone changes no order. */
struct adding {
    const struct client_facts *facts;
    const struct weights *weights;
    double half_life;
    int32_t last_day;
    bool has_folded;
    struct looks helos, senders;
};

static double
weight_of(const struct adding *adding, const struct hist_weight *weight)
{
    if (weight->weight == 0)
        return 0;
    return weight->weight * exp2(((double)weight->day - adding->last_day) / adding->half_life) /
           HIST_UNIT;
}

static double
share(const struct adding *adding, const struct hist_use *use)
{
    return use->weight.weight == 0 ? use->count : weight_of(adding, &use->weight);
}

static void
note_day(struct adding *adding, const struct hist_weight *weight)
{
    if (weight->weight != 0 && weight->day > adding->last_day)
        adding->last_day = weight->day;
}

static void
note_use(struct adding *adding, const struct hist_use *use)
{
    note_day(adding, &use->weight);
    note_day(adding, &use->folded_weight);
    adding->has_folded |= use->folded > 0;
}

static void
begin(struct adding *adding)
{
    const struct client_facts *facts = adding->facts;

    adding->last_day = INT32_MIN;
    for (unsigned i = 0; i < facts->helo_count; i++)
        note_use(adding, facts->helos[i].use);
    for (unsigned i = 0; i < facts->pair_count; i++)
        note_use(adding, facts->pairs[i].use);
    note_day(adding, &facts->client->weights[HIST_SPAM]);
    note_day(adding, &facts->client->weights[HIST_TRAP]);
}

/* Sessions under a name; where some of the names have others folded in, by class. */
static struct look
look_of(const struct adding *adding, const struct hist_use *use, const double *of)
{
    return (struct look){.badness = weights_badness(adding->weights, of),
        .weight = share(adding, use),
        .sessions = use->count,
        .folded_weight = weight_of(adding, &use->folded_weight),
        .folded_sessions = use->folded};
}

static void
add_helos(struct adding *adding, struct features *out)
{
    const struct client_facts *facts = adding->facts;
    uint32_t with_helo = facts->client->with_helo, accepted = facts->client->accepted;
    double good = accepted > with_helo ? accepted - with_helo : 0, bad = 0;

    for (unsigned i = 0; i < facts->helo_count; i++) {
        double of[FEATURE_COUNT] = {0};
        const struct helo_fact *helo = &facts->helos[i];

        if (helo->form.kind == HELO_KIND_ABSENT)
            continue; /* not logged: never evidence */
        signs_of_helo(facts, helo, of);
        struct look look = look_of(adding, helo->use, of);
        look.bad = signs_bad_helo(of);
        look.index = i;
        if (adding->has_folded)
            nameclass_of_helo(&helo->form, helo->resolves_here == FACT_YES, &look.class);
        looks_add(&adding->helos, &look);
    }
    looks_unfold(&adding->helos);
    for (unsigned i = 0; i < adding->helos.count; i++)
        *(adding->helos.of[i].bad ? &bad : &good) += adding->helos.of[i].sessions;
    out->bad_helos = (uint64_t)ceil(bad);
    out->good_helos = (uint64_t)good;
}

/* What was folded is not known to be permitted by SPF: it is no clean session. */
static void
add_senders(struct adding *adding, struct features *out)
{
    const struct client_facts *facts = adding->facts;

    for (unsigned i = 0; i < facts->pair_count; i++) {
        double of[FEATURE_COUNT] = {0};
        const struct pair_fact *pair = &facts->pairs[i];

        if (pair->use->helo_only)
            continue; /* the HELO name in the place of a domain */
        signs_of_sender(facts, pair, of);
        bool fails = pair->has_spf && pair->spf == REASON_SPF_FAIL;
        struct look look = look_of(adding, pair->use, of);
        look.bad = signs_bad_sender(of);
        look.index = i;
        if (adding->has_folded)
            nameclass_of_sender(pair->domain, false, &look.class);
        looks_add(&adding->senders, &look);
        out->bad_senders += pair->use->folded + (look.bad || fails ? pair->use->count : 0U);
    }
    looks_unfold(&adding->senders);
}

static void
add_names(const struct client_facts *facts, const struct policy *policy,
    const struct weights *weights, struct features *out)
{
    struct adding adding = {.facts = facts,
        .weights = weights,
        .half_life = policy->half_life_days > 0 ? policy->half_life_days : 1};

    begin(&adding);
    add_helos(&adding, out);
    add_senders(&adding, out);
    const struct looks *helos = &adding.helos, *senders = &adding.senders;
    double reported = weight_of(&adding, &facts->client->weights[HIST_SPAM]) +
                      weight_of(&adding, &facts->client->weights[HIST_TRAP]);
    if (helos->count > 0) {
        out->helo = &facts->helos[looks_speaker(helos, looks_bad(senders) + reported)];
        signs_of_helo(facts, out->helo, out->of);
    }
    if (senders->count > 0) {
        out->sender = &facts->pairs[looks_speaker(senders, looks_bad(helos) + reported)];
        signs_of_sender(facts, out->sender, out->of);
    }
}

/* -- the whole -- */

double
features_weight(
    const struct client_facts *facts, const struct policy *policy, enum hist_class class)
{
    uint32_t half_life = policy->half_life_days > 0 ? policy->half_life_days : 1;

    return (double)hist_weight_on(
               &facts->client->weights[class], hist_day(facts->now_s), half_life) /
           HIST_UNIT;
}

double
features_confidence(const struct client_facts *facts, const struct policy *policy)
{
    /* Activity of so many days in a row is more than this in any half-life of 3 days or more. */
    double sure = policy->list_days > 1 ? policy->list_days - 0.25 : 0.75;
    double active = features_weight(facts, policy, HIST_ACTIVE) / sure;

    return active < 1 ? active : 1;
}

bool
features_is_trapped(const struct client_facts *facts, const struct policy *policy)
{
    return features_weight(facts, policy, HIST_TRAP) >= TRAP_COUNTS;
}

bool
features_has_ham(const struct hist_client *client)
{
    const struct hist_weight *ham = &client->weights[HIST_HAM], *spam = &client->weights[HIST_SPAM];

    return client->ham > 0 && (client->spam == 0 || (int64_t)spam->day - ham->day <= HAM_DAYS);
}

static uint64_t
less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Sessions with nothing wrong: by what is left of all, and by those of names that are still stored,
 * so that a flood of names is not forgotten to its maker's good. No bad session makes it more. */
static uint64_t
clean_sessions(const struct client_facts *facts, const struct features *features)
{
    uint64_t bad = features->bad_senders + facts->client->spam;
    uint64_t of_all = less(facts->client->accepted, features->bad_helos + bad);
    uint64_t of_stored = less(features->good_helos, bad);

    return of_all < of_stored ? of_all : of_stored;
}

static void
add_record(const struct client_facts *facts, const struct policy *policy, struct features *out)
{
    double spam = log2(1 + features_weight(facts, policy, HIST_SPAM));

    out->clean = features_is_trapped(facts, policy) ? 0 : clean_sessions(facts, out);
    out->of[FEATURE_RETURNS] = out->clean >= RETURNS;
    out->of[FEATURE_RETURNS_OFTEN] = out->clean >= RETURNS_OFTEN;
    out->of[FEATURE_REPORT_SPAM] = spam < REPORT_DOUBLINGS ? spam : REPORT_DOUBLINGS;
    out->of[FEATURE_REPORT_HAM] = features_has_ham(facts->client);
    out->of[FEATURE_NEAR_BAD] = facts->near_bad;
    out->of[FEATURE_DOMAIN_BAD] = facts->domain_bad;
}

static void
add_look_of_name(const struct client_facts *facts, struct features *out)
{
    enum rdns_class class = facts->rdns_look.class;

    if (facts->rdns < RDNS_STATE_UNCONFIRMED)
        return;
    out->of[FEATURE_RDNS_DYNAMIC] = class == RDNS_CLASS_GENERIC_DYNAMIC;
    out->of[FEATURE_RDNS_STATIC] = class == RDNS_CLASS_GENERIC_STATIC;
    /* Anybody may write another's name into a reverse zone. */
    out->of[FEATURE_RDNS_ESP] = class == RDNS_CLASS_ESP && facts->rdns == RDNS_STATE_CONFIRMED;
}

void
features_of(const struct client_facts *facts, const struct policy *policy,
    const struct weights *weights, struct features *out)
{
    *out = (struct features){.of = {[FEATURE_BIAS] = 1}};
    out->of[FEATURE_RDNS_NONE] = facts->rdns == RDNS_STATE_NONE;
    out->of[FEATURE_RDNS_UNCONFIRMED] = facts->rdns == RDNS_STATE_UNCONFIRMED;
    add_look_of_name(facts, out);
    add_names(facts, policy, weights, out);
    out->of[FEATURE_HELO_CHURN] = judge_is_churn(facts, policy);
    out->of[FEATURE_SENDER_SPF_FAIL] = judge_is_fail_habit(facts, policy);
    add_record(facts, policy, out);
}
