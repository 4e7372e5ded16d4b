/*
 * The walk over history that turns it into facts; see judging.h.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/heloident.h"
#include "loader/helonames.h"
#include "loader/judgedns.h"
#include "loader/judging.h"
#include "loader/namemap.h"
#include "loader/network.h"
#include "loader/priors.h"

struct helo_entry {
    struct helo text;
    struct hist_use use;
};

struct pair_entry {
    struct dname domain;
    struct hist_use use;
};

struct walk {
    const struct judging_env *env;
    const struct judging_visitor *visitor;
    bool mature;
    struct priors priors;

    bool has_client; /* one is being collected */
    struct hist_client client;
    struct dname rdns_name;
    struct helo_entry *helo_entries;
    struct helo_fact *helos; /* of the entries, with the same room */
    size_t helo_count, helo_room;
    struct pair_entry *pair_entries;
    struct pair_fact *pairs;
    size_t pair_count, pair_room;

    bool has_network; /* addresses of one were added */
    struct prefix at; /* that network */
    struct network *network;
    struct prior own, own_domain; /* of these addresses */

    struct namemap domains;
    struct helonames helo_names;
};

/* array with room for wanted elements, the new ones zeroed; NULL if there is no memory, and the
 * array stays as it was. */
static void *
grown(void *array, size_t room, size_t wanted, size_t size)
{
    char *moved = reallocarray(array, wanted, size);
    if (moved != NULL && wanted > room)
        memset(moved + room * size, 0, (wanted - room) * size);
    return moved;
}

static enum err
room_for_helo(struct walk *walk)
{
    if (walk->helo_count < walk->helo_room)
        return ERR_OK;
    size_t room = walk->helo_room, wanted = room == 0 ? 16 : room * 2;
    struct helo_entry *entries = grown(walk->helo_entries, room, wanted, sizeof *entries);
    if (entries == NULL)
        return ERR_NOMEM;
    walk->helo_entries = entries;
    struct helo_fact *facts = grown(walk->helos, room, wanted, sizeof *facts);
    if (facts == NULL)
        return ERR_NOMEM;
    walk->helos = facts;
    walk->helo_room = wanted;
    return ERR_OK;
}

static enum err
room_for_pair(struct walk *walk)
{
    if (walk->pair_count < walk->pair_room)
        return ERR_OK;
    size_t room = walk->pair_room, wanted = room == 0 ? 16 : room * 2;
    struct pair_entry *entries = grown(walk->pair_entries, room, wanted, sizeof *entries);
    if (entries == NULL)
        return ERR_NOMEM;
    walk->pair_entries = entries;
    struct pair_fact *facts = grown(walk->pairs, room, wanted, sizeof *facts);
    if (facts == NULL)
        return ERR_NOMEM;
    walk->pairs = facts;
    walk->pair_room = wanted;
    return ERR_OK;
}

/* Where the policy alone does not say. */
static void
evaluate_dynamic(const struct walk *walk, struct pair_fact *pair)
{
    const struct judging_env *env = walk->env;
    /* The lookup takes the environment for reading alone. */
    struct spf_query query = {
        .ip = walk->client.ip,
        .domain = *pair->domain,
        .dns = {.lookup = judgedns_ask_fresh, .ctx = (void *)(uintptr_t)env},
        .limits = {env->conf->spf.lookup_limit, env->conf->spf.void_limit},
        .now_s = env->now_s,
    };
    struct spf_result result;
    spf_check(env->spf, &query, &result);
    /* What depends on the sender's local part or the HELO is no fact about the pair. */
    pair->has_spf =
        result.status == SPF_DONE && !result.temperror && !result.uses_local && !result.uses_helo;
    pair->spf_unknown = result.status == SPF_DONE && result.temperror;
    pair->spf = result.reason;
}

static enum err
evaluate_pair(struct walk *walk, struct pair_fact *pair)
{
    size_t number;
    struct spfpolicy policy;
    struct spftable_hit hit;
    enum err err = namemap_number(&walk->domains, pair->domain, &number);
    publicname_registrable(walk->env->names, pair->domain, &pair->organisation);
    if (err < 0 || publicname_special(pair->domain))
        return err;
    err = spfpolicies_get(walk->env->policies, pair->domain, &policy);
    if (err < 0 || !policy.ready)
        return err;
    err = spfpolicy_find(&policy, &walk->client.ip, &hit);
    if (err < 0)
        return err;
    bool dynamic = hit.result == SPFRESULT_DYNAMIC;
    /* Where DNS fails for a part of the policy, the table before is kept, which may say less. */
    pair->spf_dynamic = dynamic || policy.temperror;
    pair->spf_world = policy.passes_world;
    pair->spf_unknown = hit.result == SPFRESULT_UNKNOWN;
    pair->has_spf = hit.result <= SPFRESULT_PERMERROR;
    if (pair->has_spf)
        pair->spf = spfresult_reason(hit.result);
    if (dynamic)
        evaluate_dynamic(walk, pair);
    return ERR_OK;
}

/* The client's pairs and reverse name are known already. */
static enum helo_identity
identify(const struct walk *walk, const struct client_facts *facts, const struct helo_fact *helo)
{
    const struct helo_context context = {
        .client = &walk->client.ip,
        .rdns = facts->rdns,
        .rdns_name = facts->rdns_name,
        .resolves_here = helo->resolves_here,
        .pairs = walk->pairs,
        .pair_count = (unsigned)walk->pair_count,
        .conf = walk->env->conf,
    };
    return helo_identify(&helo->form, &context);
}

static enum err
evaluate_helo(struct walk *walk, const struct client_facts *facts, struct helo_fact *helo)
{
    helo_classify(helo->text, &helo->form);
    if (helo->form.kind == HELO_KIND_NAME)
        publicname_registrable(walk->env->names, &helo->form.name, &helo->organisation);
    helo->resolves_here = FACT_NO;
    if (helo->form.kind == HELO_KIND_LITERAL)
        helo->resolves_here = ip_cmp(&helo->form.ip, &walk->client.ip) == 0 ? FACT_YES : FACT_NO;
    if (helo->form.kind == HELO_KIND_NAME && !publicname_special(&helo->form.name))
        helo->resolves_here = judgedns_has_address(walk->env, &helo->form.name, &walk->client.ip);
    helo->identity = identify(walk, facts, helo);
    if (helo->form.kind != HELO_KIND_NAME && helo->form.kind != HELO_KIND_SINGLE)
        return ERR_OK;
    bool kin = facts->rdns == RDNS_STATE_CONFIRMED &&
               dname_equal(&facts->rdns_organisation, &helo->organisation);
    return helonames_add(&walk->helo_names, &helo->form.name, &walk->client.ip,
        kin ? FACT_YES : helo->resolves_here);
}

static enum err
evaluate_rdns(struct walk *walk, struct client_facts *facts)
{
    facts->rdns = judgedns_client(walk->env, &walk->client, &walk->rdns_name);
    if (facts->rdns < RDNS_STATE_UNCONFIRMED)
        return ERR_OK;
    facts->rdns_name = &walk->rdns_name;
    publicname_registrable(walk->env->names, &walk->rdns_name, &facts->rdns_organisation);
    return rdns_classify(
        walk->env->rdns, &walk->rdns_name, &walk->client.ip, &facts->rdns_look, NULL);
}

/* The addresses of the /64 that was being put together are complete. */
static enum err
finish_network(struct walk *walk)
{
    struct judgement judgement;

    if (!walk->has_network)
        return ERR_OK;
    walk->has_network = false;
    if (!network_is_one(walk->network) || walk->visitor->network == NULL)
        return ERR_OK;
    struct client_facts *facts = network_facts(walk->network);
    priors_fill_network(&walk->priors, facts, &walk->own, &walk->own_domain);
    judge_client(facts, &walk->env->conf->policy, walk->env->weights, &judgement);
    return walk->visitor->network(walk->visitor->ctx, facts, &judgement);
}

static void
add_to_network(struct walk *walk, const struct client_facts *facts)
{
    const struct ip *ip = &facts->client->ip;

    if (walk->network == NULL || ip_is4(ip))
        return;
    if (!walk->has_network) {
        walk->at = network_of(ip);
        walk->own = walk->own_domain = (struct prior){0};
        network_begin(walk->network, ip, facts->now_s);
    }
    walk->has_network = true;
    priors_add(&walk->priors, &walk->own, facts->client);
    if (facts->rdns == RDNS_STATE_CONFIRMED)
        priors_add(&walk->priors, &walk->own_domain, facts->client);
    network_add(walk->network, facts);
}

/* The client that was being collected is complete. */
static enum err
finish_client(struct walk *walk)
{
    if (!walk->has_client)
        return ERR_OK;
    walk->has_client = false;
    struct client_facts facts = {
        .client = &walk->client, .mature = walk->mature, .now_s = walk->env->now_s};
    enum err err = ERR_OK;
    if (walk->has_network && !prefix_contains(&walk->at, &walk->client.ip))
        err = finish_network(walk);
    if (err == ERR_OK)
        err = evaluate_rdns(walk, &facts);
    priors_fill(&walk->priors, &facts);
    for (size_t i = 0; i < walk->pair_count && err == ERR_OK; i++) {
        walk->pairs[i] = (struct pair_fact){
            .domain = &walk->pair_entries[i].domain, .use = &walk->pair_entries[i].use};
        err = evaluate_pair(walk, &walk->pairs[i]);
    }
    for (size_t i = 0; i < walk->helo_count && err == ERR_OK; i++) {
        walk->helos[i] = (struct helo_fact){
            .text = &walk->helo_entries[i].text, .use = &walk->helo_entries[i].use};
        err = evaluate_helo(walk, &facts, &walk->helos[i]);
    }
    facts.helos = walk->helos;
    facts.helo_count = (unsigned)walk->helo_count;
    facts.pairs = walk->pairs;
    facts.pair_count = (unsigned)walk->pair_count;
    if (err == ERR_OK)
        add_to_network(walk, &facts);
    if (err < 0 || walk->visitor->client == NULL)
        return err;
    struct judgement judgement;
    judge_client(&facts, &walk->env->conf->policy, walk->env->weights, &judgement);
    return walk->visitor->client(walk->visitor->ctx, &facts, &judgement);
}

static enum err
on_client(void *ctx, const struct hist_client *client)
{
    struct walk *walk = ctx;
    enum err err = finish_client(walk);
    walk->client = *client;
    walk->has_client = true;
    walk->helo_count = walk->pair_count = 0;
    return err;
}

static enum err
on_helo(void *ctx, const struct ip *ip, const struct helo *helo, const struct hist_use *use)
{
    (void)ip;
    struct walk *walk = ctx;
    enum err err = room_for_helo(walk);
    if (err == ERR_OK)
        walk->helo_entries[walk->helo_count++] = (struct helo_entry){.text = *helo, .use = *use};
    return err;
}

static enum err
on_pair(void *ctx, const struct ip *ip, const struct dname *domain, const struct hist_use *use)
{
    (void)ip;
    struct walk *walk = ctx;
    enum err err = room_for_pair(walk);
    if (err == ERR_OK)
        walk->pair_entries[walk->pair_count++] =
            (struct pair_entry){.domain = *domain, .use = *use};
    return err;
}

static enum err
finish_domain(const struct walk *walk, const struct dname *domain)
{
    struct domain_facts facts = {.domain = domain};
    struct judgement judgement;
    struct spfpolicy policy = {0};
    if (!publicname_special(domain)) {
        enum err err = spfpolicies_get(walk->env->policies, domain, &policy);
        if (err < 0)
            return err;
    }
    facts.spf_world = policy.passes_world;
    judgedns_domain(walk->env, domain, &facts);
    if (walk->visitor->domain == NULL)
        return ERR_OK;
    judge_domain(&facts, &judgement);
    return walk->visitor->domain(walk->visitor->ctx, &facts, &judgement);
}

static enum err
finish_policy(const struct walk *walk, const struct dname *domain)
{
    struct spfpolicy policy;
    if (publicname_special(domain))
        return ERR_OK;
    enum err err = spfpolicies_get(walk->env->policies, domain, &policy);
    if (err < 0 || !policy.ready || walk->visitor->policy == NULL)
        return err;
    return walk->visitor->policy(walk->visitor->ctx, domain, &policy);
}

/* The domains that mail was seen of are judged; the policies of those that are known, too, are
 * made. */
static enum err
finish_domains(struct walk *walk)
{
    size_t seen = walk->domains.count, number;
    enum err err = ERR_OK;
    for (size_t i = 0; i < seen && err == ERR_OK; i++)
        err = finish_domain(walk, &walk->domains.names[i]);
    for (size_t i = 0; i < walk->env->known_count && err == ERR_OK; i++)
        err = namemap_number(&walk->domains, &walk->env->known[i], &number);
    for (size_t i = 0; i < walk->domains.count && err == ERR_OK; i++)
        err = finish_policy(walk, &walk->domains.names[i]);
    return err;
}

static void
walk_free(struct walk *walk)
{
    free(walk->helo_entries);
    free(walk->helos);
    free(walk->pair_entries);
    free(walk->pairs);
    namemap_free(&walk->domains);
    helonames_free(&walk->helo_names);
    priors_free(&walk->priors);
    network_free(&walk->network);
}

enum err
judging_walk(
    const struct judging_env *env, const struct prefix *only, const struct judging_visitor *visitor)
{
    struct hist_totals totals;
    enum err err = history_totals(env->txn, &totals);
    if (err < 0)
        return err;
    const struct policy *policy = &env->conf->policy;
    struct walk walk = {
        .env = env,
        .visitor = visitor,
        .mature = totals.sessions >= policy->learn_sessions && totals.days >= policy->learn_days,
    };
    spfpolicies_again(env->policies);
    struct history_visitor history = {
        .client = on_client, .helo = on_helo, .pair = on_pair, .ctx = &walk};
    if (visitor->client != NULL || visitor->network != NULL)
        err = priors_make(env, &walk.priors);
    if (err == ERR_OK && visitor->network != NULL && (only == NULL || only->len <= NETWORK_BITS))
        err = network_new(policy, env->weights, &walk.network);
    if (err == ERR_OK)
        err = history_walk(env->txn, only, &history);
    if (err == ERR_OK)
        err = finish_client(&walk);
    if (err == ERR_OK)
        err = finish_network(&walk);
    if (err == ERR_OK)
        err = finish_domains(&walk);
    if (err == ERR_OK)
        err = helonames_judge(&walk.helo_names, env, walk.mature, visitor);
    walk_free(&walk);
    return err;
}
