/* Features of a client. See features.h. */
#include "loader/features.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "loader/country.h"
#include "loader/providers.h"

enum { HAM_DAYS = 30, RETURNS = 2, RETURNS_OFTEN = 4, REPORT_DOUBLINGS = 5 };

/* -- one HELO name -- */

static bool
is_kin(const struct client_facts *facts, const struct dname *organisation)
{
    return facts->rdns == RDNS_STATE_CONFIRMED && organisation->len > 1 &&
           dname_equal(&facts->rdns_organisation, organisation);
}

/* A provider has several domains. */
static bool
is_host_of(const struct client_facts *facts, const char *provider)
{
    const char *owner =
        facts->rdns == RDNS_STATE_CONFIRMED ? provider_of_host(&facts->rdns_organisation) : NULL;

    return owner != NULL && strcmp(owner, provider) == 0;
}

static void
name_signs(const struct client_facts *facts, const struct helo_fact *helo, double *of)
{
    const struct dname *name = &helo->form.name;

    if (helo->resolves_here == FACT_YES) {
        of[FEATURE_HELO_RESOLVES] = 1;
        return;
    }
    /* Its reverse name, or one of that organisation, as ordinary spammers have, too: no sign. */
    if (is_kin(facts, &helo->organisation))
        return;
    /* What DNS or the reverse name has not said yet is no evidence. */
    if (helo->resolves_here == FACT_UNKNOWN && facts->rdns == RDNS_UNKNOWN)
        return;
    of[FEATURE_HELO_NAME] = !helo->form.local;
    of[FEATURE_HELO_PROVIDER] = helo->identity == HELO_IDENTITY_PROVIDER;
    of[FEATURE_HELO_BARE_DOMAIN] = !helo->form.local && dname_equal(name, &helo->organisation);
}

static void
helo_signs(const struct client_facts *facts, const struct helo_fact *helo, double *of)
{
    static const enum feature of_kind[] = {[HELO_KIND_SINGLE] = FEATURE_HELO_SINGLE,
        [HELO_KIND_BARE_IP] = FEATURE_HELO_BARE,
        [HELO_KIND_INVALID] = FEATURE_HELO_INVALID};
    enum helo_kind kind = helo->form.kind;

    of[FEATURE_HELO_FORGED] =
        helo->identity == HELO_IDENTITY_OURS || helo->identity == HELO_IDENTITY_ADDRESS;
    if (kind == HELO_KIND_NAME)
        name_signs(facts, helo, of);
    else if (kind != HELO_KIND_LITERAL && kind != HELO_KIND_ABSENT && !helo->form.local)
        of[of_kind[kind]] = 1;
}

static bool
is_bad_helo(const double *of)
{
    return of[FEATURE_HELO_FORGED] + of[FEATURE_HELO_SINGLE] + of[FEATURE_HELO_BARE] +
               of[FEATURE_HELO_INVALID] + of[FEATURE_HELO_PROVIDER] >
           0;
}

/* -- one sender domain -- */

/* A name that it greets with, and that nothing shows to be its own. */
static const struct dname *
unverified_name(const struct client_facts *facts, const struct helo_fact *helo)
{
    double of[FEATURE_COUNT] = {0};

    if (helo->form.kind != HELO_KIND_NAME)
        return NULL;
    helo_signs(facts, helo, of);
    return of[FEATURE_HELO_NAME] > 0 ? &helo->form.name : NULL;
}

static bool
is_unverified_helo(const struct client_facts *facts, const struct dname *domain)
{
    for (unsigned i = 0; i < facts->helo_count; i++) {
        const struct dname *name = unverified_name(facts, &facts->helos[i]);

        if (name != NULL && dname_equal(name, domain))
            return true;
    }
    return false;
}

/* A reverse name that does not resolve back tells where the line is nevertheless. Where there is
 * none, any name said as HELO: one at home does not make up for one that is not. */
static bool
is_abroad(const struct client_facts *facts, const struct dname *domain)
{
    if (facts->rdns >= RDNS_STATE_UNCONFIRMED)
        return country_differs(facts->rdns_name, domain);
    for (unsigned i = 0; facts->rdns == RDNS_STATE_NONE && i < facts->helo_count; i++) {
        const struct dname *name = unverified_name(facts, &facts->helos[i]);

        if (name != NULL && country_differs(name, domain))
            return true;
    }
    return false;
}

/* In the label that somebody registered, not in a public suffix below which they did. */
static bool
has_digits(const struct dname *organisation)
{
    for (unsigned i = 1; i <= organisation->b[0] && i < organisation->len; i++)
        if (isdigit(organisation->b[i]))
            return true;
    return false;
}

static void
sender_signs(const struct client_facts *facts, const struct pair_fact *pair, double *of)
{
    const char *provider = provider_of_sender(&pair->organisation);
    bool kin = is_kin(facts, &pair->organisation);
    bool own = kin || (provider != NULL && is_host_of(facts, provider));
    bool pass = pair->has_spf && pair->spf == REASON_SPF_PASS;

    /* A domain below it is one host's, as those are that only send. */
    of[FEATURE_SENDER_OWN] = own && dname_equal(pair->domain, &pair->organisation);
    of[FEATURE_SENDER_OWN_DIGITS] = kin && provider == NULL && has_digits(&pair->organisation);
    of[FEATURE_SENDER_PROVIDER_OWN] = own && provider != NULL;
    of[FEATURE_SENDER_SPF_PASS] = pass;
    if (own || pass)
        return;
    /* Unknown is not "elsewhere". */
    of[FEATURE_SENDER_PROVIDER] = provider != NULL && facts->rdns != RDNS_UNKNOWN;
    of[FEATURE_SENDER_PROVIDER_UNNAMED] = provider != NULL && facts->rdns == RDNS_STATE_NONE;
    of[FEATURE_SENDER_IS_HELO] = is_unverified_helo(facts, pair->domain);
    of[FEATURE_SENDER_ABROAD] = is_abroad(facts, pair->domain);
}

static bool
is_bad_sender(const struct pair_fact *pair, const double *of)
{
    return of[FEATURE_SENDER_PROVIDER] > 0 || (pair->has_spf && pair->spf == REASON_SPF_FAIL);
}

/* -- which one speaks -- */

/* It says nothing for the client. Forwarders fail SPF by nature: that does not make a look bad. */
static bool
is_bad_look(const double *of)
{
    return is_bad_helo(of) || of[FEATURE_SENDER_PROVIDER] > 0 || of[FEATURE_SENDER_ABROAD] > 0;
}

/* Sessions by how bad they look, the worst first: at most HISTORY_NAMES_MAX rows are told apart. */
struct looks {
    unsigned count;
    struct {
        double badness, weight, other; /* the weight, if it is no bad look; else 0 */
        unsigned index;
    } row[HISTORY_NAMES_MAX];
    double others;
    uint64_t good_sessions, bad_sessions;
};

static void
add_look(struct looks *looks, const struct weights *weights, const double *of, double weight,
    unsigned index)
{
    double badness = weights_badness(weights, of), other = is_bad_look(of) ? 0 : weight;
    unsigned at = looks->count;

    if (at == HISTORY_NAMES_MAX)
        return;
    for (; at > 0 && looks->row[at - 1].badness < badness; at--)
        looks->row[at] = looks->row[at - 1];
    looks->row[at].badness = badness;
    looks->row[at].weight = weight;
    looks->row[at].other = other;
    looks->row[at].index = index;
    looks->count++;
    looks->others += other;
}

/* The index of the first that, with those before it, weighs as much as what follows and is not bad;
 * only if there are some. A bad one that follows weighs nothing: it says nothing for the client. */
static unsigned
speaker(const struct looks *looks)
{
    double before = 0, after = looks->others;
    unsigned i = 0;

    for (; i + 1 < looks->count; i++) {
        before += looks->row[i].weight;
        after -= looks->row[i].other;
        if (before >= after)
            break;
    }
    return looks->row[i].index;
}

static int32_t
later(int32_t day, const struct hist_use *use)
{
    return use->weight.day > day ? use->weight.day : day;
}

/* As of the last day of all uses, not of today, so that time alone changes no order. */
static double
share(const struct hist_use *use, int32_t last_day, const struct policy *policy)
{
    double half_life = policy->half_life_days > 0 ? policy->half_life_days : 1;

    if (use->weight.weight == 0)
        return use->count;
    return use->weight.weight * exp2(((double)use->weight.day - last_day) / half_life);
}

static void
add_helos(const struct client_facts *facts, const struct policy *policy,
    const struct weights *weights, struct features *out)
{
    struct looks looks = {0};
    uint32_t with_helo = facts->client->with_helo, accepted = facts->client->accepted;
    int32_t last_day = INT32_MIN;

    for (unsigned i = 0; i < facts->helo_count; i++)
        last_day = later(last_day, facts->helos[i].use);
    for (unsigned i = 0; i < facts->helo_count; i++) {
        double of[FEATURE_COUNT] = {0};
        const struct helo_fact *helo = &facts->helos[i];

        if (helo->form.kind == HELO_KIND_ABSENT)
            continue; /* not logged: never evidence */
        helo_signs(facts, helo, of);
        add_look(&looks, weights, of, share(helo->use, last_day, policy), i);
        *(is_bad_helo(of) ? &looks.bad_sessions : &looks.good_sessions) += helo->use->count;
    }
    if (looks.count > 0) {
        out->helo = &facts->helos[speaker(&looks)];
        helo_signs(facts, out->helo, out->of);
    }
    out->bad_sessions = looks.bad_sessions;
    out->good_helos = looks.good_sessions + (accepted > with_helo ? accepted - with_helo : 0);
}

static void
add_senders(const struct client_facts *facts, const struct policy *policy,
    const struct weights *weights, struct features *out)
{
    struct looks looks = {0};
    int32_t last_day = INT32_MIN;

    for (unsigned i = 0; i < facts->pair_count; i++)
        last_day = later(last_day, facts->pairs[i].use);
    for (unsigned i = 0; i < facts->pair_count; i++) {
        double of[FEATURE_COUNT] = {0};
        const struct pair_fact *pair = &facts->pairs[i];

        if (pair->use->null_sender)
            continue; /* the HELO name in the place of a domain */
        sender_signs(facts, pair, of);
        add_look(&looks, weights, of, share(pair->use, last_day, policy), i);
        looks.bad_sessions += is_bad_sender(pair, of) ? pair->use->count : 0U;
    }
    if (looks.count > 0) {
        out->sender = &facts->pairs[speaker(&looks)];
        sender_signs(facts, out->sender, out->of);
    }
    out->bad_senders = looks.bad_sessions;
    out->bad_sessions += looks.bad_sessions;
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
    uint64_t of_all = less(facts->client->accepted, features->bad_sessions);
    uint64_t of_stored = less(features->good_helos, features->bad_senders);

    return of_all < of_stored ? of_all : of_stored;
}

static void
add_record(const struct client_facts *facts, const struct policy *policy, struct features *out)
{
    uint64_t clean = clean_sessions(facts, out);
    double spam = log2(1 + features_weight(facts, policy, HIST_SPAM));

    out->of[FEATURE_RETURNS] = clean >= RETURNS;
    out->of[FEATURE_RETURNS_OFTEN] = clean >= RETURNS_OFTEN;
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
    add_helos(facts, policy, weights, out);
    add_senders(facts, policy, weights, out);
    out->of[FEATURE_HELO_CHURN] = judge_is_churn(facts, policy);
    out->of[FEATURE_SENDER_SPF_FAIL] = judge_is_fail_habit(facts, policy);
    add_record(facts, policy, out);
}
