/* A /64 as one client. See network.h. */
#include "loader/network.h"

#include <stdlib.h>
#include <string.h>

#include "loader/features.h"
#include "loader/nameclass.h"

/* Days that are told apart; older ones are one. No less than any retention has. */
enum { DAYS = 4096, LOOKS_MAX = 32, IDENTITIES = 2 };

/* Addresses whose reverse names look as bad. */
struct look {
    double badness;
    uint64_t sessions;
    uint64_t clean; /* of them: with nothing wrong; 0 of a bad look */
    enum rdns_state rdns;
    bool has_name;
    struct dname name, organisation;
    struct rdns_verdict verdict;
};

struct helo_row {
    struct helo text;
    struct hist_use use;
};

struct pair_row {
    struct dname domain;
    struct hist_use use;
};

struct network {
    const struct policy *policy;
    const struct weights *weights;
    struct client_facts facts;
    struct hist_client client;
    int32_t today;
    uint8_t days[DAYS / 8];  /* by days before today */
    unsigned identity_count; /* IDENTITIES: so many or more */
    struct dname identities[IDENTITIES];
    unsigned look_count;
    struct look looks[LOOKS_MAX];
    struct helo_row helo_rows[HISTORY_NAMES_MAX];
    struct helo_fact helos[HISTORY_NAMES_MAX];
    struct pair_row pair_rows[HISTORY_NAMES_MAX];
    struct pair_fact pairs[HISTORY_NAMES_MAX];
};

enum err
network_new(const struct policy *policy, const struct weights *weights, struct network **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return ERR_NOMEM;
    (*out)->policy = policy;
    (*out)->weights = weights;
    return ERR_OK;
}

void
network_free(struct network **network)
{
    free(*network);
    *network = NULL;
}

struct prefix
network_of(const struct ip *ip)
{
    return prefix_of(ip, NETWORK_BITS);
}

void
network_begin(struct network *network, const struct ip *ip, int64_t now_s)
{
    network->client = (struct hist_client){.ip = network_of(ip).addr};
    network->facts = (struct client_facts){.client = &network->client,
        .helos = network->helos,
        .pairs = network->pairs,
        .now_s = now_s};
    network->today = hist_day(now_s);
    memset(network->days, 0, sizeof network->days);
    network->identity_count = network->look_count = 0;
}

/* -- sums -- */

static uint32_t
half_life(const struct network *network)
{
    return network->policy->half_life_days > 0 ? network->policy->half_life_days : 1;
}

static void
sum(uint32_t *into, uint32_t more)
{
    *into = more > UINT32_MAX - *into ? UINT32_MAX : *into + more;
}

static void
mark_day(struct network *network, int64_t when_s)
{
    int64_t ago = (int64_t)network->today - hist_day(when_s);

    ago = ago < 0 ? 0 : ago >= DAYS ? DAYS - 1 : ago;
    network->days[ago / 8] |= (uint8_t)(1U << ago % 8);
}

/* Activity is of days, not of addresses: that of the most active one, until network_facts. */
static void
add_client(struct network *network, const struct hist_client *client)
{
    struct hist_client *into = &network->client;
    struct hist_weight *active = &into->weights[HIST_ACTIVE];
    const struct hist_weight *more = &client->weights[HIST_ACTIVE];
    bool is_first = network->facts.addresses == 1;

    into->first_s = is_first || client->first_s < into->first_s ? client->first_s : into->first_s;
    into->last_s = is_first || client->last_s > into->last_s ? client->last_s : into->last_s;
    sum(&into->sessions, client->sessions);
    sum(&into->accepted, client->accepted);
    sum(&into->with_helo, client->with_helo);
    sum(&into->ham, client->ham);
    sum(&into->spam, client->spam);
    sum(&into->helos, client->helos);
    sum(&into->pairs, client->pairs);
    into->days = client->days > into->days ? client->days : into->days;
    for (unsigned i = HIST_ACTIVE + 1; i < HIST_CLASSES; i++)
        hist_weight_sum(&into->weights[i], &client->weights[i], half_life(network));
    if (hist_weight_on(more, network->today, half_life(network)) >=
        hist_weight_on(active, network->today, half_life(network)))
        *active = *more;
    if (client->accepted == 0)
        return;
    /* Of a discounted address, the first time may be of what does not count any more. */
    if (client->days > 1)
        mark_day(network, client->first_s);
    if (client->days > 0)
        mark_day(network, client->last_s);
}

/* -- identities -- */

static void
add_identity(struct network *network, const struct dname *organisation)
{
    if (organisation->len <= 1 || network->identity_count == IDENTITIES)
        return;
    for (unsigned i = 0; i < network->identity_count; i++)
        if (dname_equal(&network->identities[i], organisation))
            return;
    network->identities[network->identity_count++] = *organisation;
}

static void
add_identities(struct network *network, const struct client_facts *facts)
{
    if (facts->rdns == RDNS_STATE_CONFIRMED)
        add_identity(network, &facts->rdns_organisation);
    for (unsigned i = 0; i < facts->helo_count; i++)
        if (facts->helos[i].form.kind == HELO_KIND_NAME &&
            facts->helos[i].resolves_here == FACT_YES)
            add_identity(network, &facts->helos[i].organisation);
    for (unsigned i = 0; i < facts->pair_count; i++)
        if (facts->pairs[i].has_spf && facts->pairs[i].spf == REASON_SPF_PASS &&
            !facts->pairs[i].spf_world)
            add_identity(network, &facts->pairs[i].organisation);
}

/* -- reverse names -- */

static double
rdns_badness(const struct network *network, const struct features *features)
{
    double badness = 0;

    for (enum feature i = 0; i < FEATURE_COUNT; i++)
        if (feature_info(i)->kind == KIND_RDNS)
            badness += features->of[i] * network->weights->of[i];
    return badness;
}

/* The worst first. There are fewer different ones than LOOKS_MAX: states by classes. */
static void
add_look(struct network *network, const struct client_facts *facts)
{
    struct features features;
    unsigned at = 0;

    features_of(facts, network->policy, network->weights, &features);
    double badness = rdns_badness(network, &features);
    while (at < network->look_count && network->looks[at].badness > badness)
        at++;
    if (at == network->look_count || network->looks[at].badness < badness) {
        if (network->look_count == LOOKS_MAX)
            return;
        memmove(&network->looks[at + 1], &network->looks[at],
            (network->look_count - at) * sizeof *network->looks);
        network->look_count++;
        network->looks[at] = (struct look){.badness = badness,
            .rdns = facts->rdns,
            .has_name = facts->rdns_name != NULL,
            .organisation = facts->rdns_organisation,
            .verdict = facts->rdns_look};
        if (facts->rdns_name != NULL)
            network->looks[at].name = *facts->rdns_name;
    }
    network->looks[at].sessions += facts->client->accepted;
    if (badness <= 0)
        network->looks[at].clean += features.clean;
}

static void
take_look(const struct look *look, struct client_facts *out)
{
    out->rdns = look->rdns;
    out->rdns_name = look->has_name ? &look->name : NULL;
    out->rdns_organisation = look->organisation;
    out->rdns_look = look->verdict;
}

/* Which one speaks, as features.h says it of names. */
static unsigned
speaking_look(const struct network *network)
{
    uint64_t before = 0, after = 0;
    unsigned at = 0;

    for (unsigned i = 0; i < network->look_count; i++)
        after += network->looks[i].clean;
    for (; at + 1 < network->look_count; at++) {
        before += network->looks[at].sessions;
        after -= network->looks[at].clean;
        if (before >= after)
            break;
    }
    return at;
}

/* Or one that is no worse by itself, but with the senders: having no name, or one of another
 * country. After the names. */
static void
choose_look(struct network *network)
{
    double worst = 0;
    unsigned chosen = speaking_look(network);

    for (unsigned at = chosen; at < network->look_count; at++) {
        struct features features;

        take_look(&network->looks[at], &network->facts);
        features_of(&network->facts, network->policy, network->weights, &features);
        double badness = weights_badness(network->weights, features.of);
        chosen = at == chosen || badness > worst ? at : chosen;
        worst = at == chosen ? badness : worst;
    }
    take_look(&network->looks[chosen], &network->facts);
}

/* -- names -- */

static void
merge_use(const struct network *network, struct hist_use *into, const struct hist_use *more)
{
    into->first_s = more->first_s < into->first_s ? more->first_s : into->first_s;
    into->last_s = more->last_s > into->last_s ? more->last_s : into->last_s;
    sum(&into->count, more->count);
    sum(&into->folded, more->folded);
    hist_weight_sum(&into->weight, &more->weight, half_life(network));
    hist_weight_sum(&into->folded_weight, &more->folded_weight, half_life(network));
    for (unsigned i = 0; i < OBS_SPF_COUNT; i++)
        hist_weight_sum(&into->spf_counts.of[i], &more->spf_counts.of[i], half_life(network));
    into->null_sender |= more->null_sender;
    into->helo_only &= more->helo_only;
}

static void
row_of(const struct network *network, const struct hist_use *use, struct nameclass_row *out)
{
    out->weight = hist_use_weight(use, network->today, half_life(network));
    out->last_s = use->last_s;
}

static bool
same_helo(const struct helo_fact *a, const struct helo_fact *b)
{
    return a->resolves_here == b->resolves_here && a->identity == b->identity &&
           a->text->len == b->text->len && memcmp(a->text->text, b->text->text, a->text->len) == 0;
}

/* Makes room for one more, as the history does; returns where. */
static unsigned
fold_helo(struct network *network)
{
    struct nameclass_row rows[HISTORY_NAMES_MAX];
    unsigned victim, heir;

    for (unsigned i = 0; i < HISTORY_NAMES_MAX; i++) {
        const struct helo_fact *helo = &network->helos[i];
        nameclass_of_helo(&helo->form, helo->resolves_here == FACT_YES, &rows[i].class);
        row_of(network, &network->helo_rows[i].use, &rows[i]);
    }
    if (nameclass_choose(rows, HISTORY_NAMES_MAX, &victim, &heir))
        hist_use_fold(
            &network->helo_rows[heir].use, &network->helo_rows[victim].use, half_life(network));
    return victim;
}

/* What differs in how it looks stays apart, so that no bad session counts as a good one's. */
static void
add_helo(struct network *network, const struct helo_fact *helo)
{
    unsigned count = network->facts.helo_count, at = 0;

    while (at < count && !same_helo(&network->helos[at], helo))
        at++;
    if (at < count) {
        merge_use(network, &network->helo_rows[at].use, helo->use);
        return;
    }
    if (at == HISTORY_NAMES_MAX)
        at = fold_helo(network);
    else
        network->facts.helo_count++;
    network->helo_rows[at] = (struct helo_row){.text = *helo->text, .use = *helo->use};
    network->helos[at] = *helo;
    network->helos[at].text = &network->helo_rows[at].text;
    network->helos[at].use = &network->helo_rows[at].use;
}

static bool
same_pair(const struct pair_fact *a, const struct pair_fact *b)
{
    return a->has_spf == b->has_spf && a->spf == b->spf && a->use->helo_only == b->use->helo_only &&
           dname_equal(a->domain, b->domain);
}

static unsigned
fold_pair(struct network *network)
{
    struct nameclass_row rows[HISTORY_NAMES_MAX];
    unsigned victim, heir;

    for (unsigned i = 0; i < HISTORY_NAMES_MAX; i++) {
        const struct pair_row *pair = &network->pair_rows[i];
        nameclass_of_sender(&pair->domain, pair->use.helo_only, &rows[i].class);
        row_of(network, &pair->use, &rows[i]);
    }
    if (nameclass_choose(rows, HISTORY_NAMES_MAX, &victim, &heir))
        hist_use_fold(
            &network->pair_rows[heir].use, &network->pair_rows[victim].use, half_life(network));
    return victim;
}

static void
add_pair(struct network *network, const struct pair_fact *pair)
{
    unsigned count = network->facts.pair_count, at = 0;

    while (at < count && !same_pair(&network->pairs[at], pair))
        at++;
    if (at < count) {
        merge_use(network, &network->pair_rows[at].use, pair->use);
        return;
    }
    if (at == HISTORY_NAMES_MAX)
        at = fold_pair(network);
    else
        network->facts.pair_count++;
    network->pair_rows[at] = (struct pair_row){.domain = *pair->domain, .use = *pair->use};
    network->pairs[at] = *pair;
    network->pairs[at].domain = &network->pair_rows[at].domain;
    network->pairs[at].use = &network->pair_rows[at].use;
}

/* -- the whole -- */

void
network_add(struct network *network, const struct client_facts *facts)
{
    struct client_facts *into = &network->facts;

    sum(&into->addresses, 1);
    into->mature = facts->mature;
    add_client(network, facts->client);
    add_identities(network, facts);
    add_look(network, facts);
    for (unsigned i = 0; i < facts->helo_count; i++)
        add_helo(network, &facts->helos[i]);
    for (unsigned i = 0; i < facts->pair_count; i++)
        add_pair(network, &facts->pairs[i]);
}

/* In ::/64 lie the mapped addresses, which are IPv4's. */
bool
network_is_one(const struct network *network)
{
    const struct ip zero = {{0}};

    return ip_cmp(&network->client.ip, &zero) != 0 && network->facts.addresses > 0 &&
           network->identity_count < IDENTITIES && network->client.ham == 0;
}

struct client_facts *
network_facts(struct network *network)
{
    struct hist_client *client = &network->client;
    struct hist_weight active = {0};
    uint32_t days = 0;

    for (int32_t ago = DAYS - 1; ago >= 0; ago--)
        if ((network->days[ago / 8] >> ago % 8 & 1) != 0) {
            hist_weight_add(&active, network->today - ago, 1, half_life(network));
            days++;
        }
    client->days = days > client->days ? days : client->days;
    if (hist_weight_on(&active, network->today, half_life(network)) >
        hist_weight_on(&client->weights[HIST_ACTIVE], network->today, half_life(network)))
        client->weights[HIST_ACTIVE] = active;
    choose_look(network);
    return &network->facts;
}
