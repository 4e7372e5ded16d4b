/*
 * Collects judgements into datasets; see verdicts.h.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/network.h"
#include "loader/neverset.h"
#include "loader/previous.h"
#include "loader/spfpublish.h"
#include "loader/verdictrows.h"
#include "loader/verdicts.h"

enum { SET_IP, SET_DOM, SET_HELO, SET_SCORE, SET_TRUST, SET_PAIR, SET_NEVER };

/* 127.0.4.N, and 127.0.10.1: DNSWL's category "special", least trust. */
enum { A_SCORE = 0x7f000400, A_TRUST = 0x7f000a00 };

struct verdicts {
    struct verdictrows rows[SET_PAIR]; /* by SET_ */
    struct spfpublish *pairs;
    struct neverset never;

    struct publish_set sets[VERDICTS_SETS];
    struct verdict_counts counts;
};

struct collector {
    const struct judging_env *env;
    const struct list_set *const *allow;
    size_t allow_count;
    struct kvread *previous;
    struct verdicts *verdicts;

    struct prefix network;   /* the IPv6 one whose addresses are being judged */
    bool never;              /* one of them is never listed */
    size_t before[SET_PAIR]; /* rows before them */
    struct verdict_counts of_addresses;
    struct previous earlier; /* what they had, together and since the first */
};

static const struct {
    const char *name;
    enum dataset_kind kind;
    uint32_t blocking; /* reasons that the shipped zones list */
} kinds[VERDICTS_SETS] = {
    [SET_IP] = {DATASET_JUDGED_IP, DATASET_ADDR, 1u << REASON_SCORE | 1u << REASON_TRAP},
    [SET_DOM] = {DATASET_JUDGED_DOM, DATASET_NAME,
        1u << REASON_DOMAIN_ABSENT | 1u << REASON_DOMAIN_NO_MAIL},
    [SET_HELO] = {DATASET_JUDGED_HELO, DATASET_NAME, 1u << REASON_HELO_SHARED},
    [SET_SCORE] = {DATASET_JUDGED_SCORE, DATASET_ADDR, 0},
    [SET_TRUST] = {DATASET_JUDGED_TRUST, DATASET_ADDR, 0},
    [SET_PAIR] = {DATASET_JUDGED_PAIR, DATASET_PAIR, 1u << REASON_SPF_FAIL},
    [SET_NEVER] = {DATASET_NEVER, DATASET_ADDR, 0},
};

bool
verdicts_never_ip(const struct conf *conf, const struct list_set *const *allow, size_t allow_count,
    const struct ip *ip)
{
    if (ip_is_special(ip) || prefixes_contain(conf->own_networks, conf->own_network_count, ip) ||
        prefixes_contain(conf->trusted_relays, conf->trusted_relay_count, ip) ||
        prefixes_contain(conf->never_list, conf->never_count, ip))
        return true;
    for (size_t i = 0; i < allow_count; i++)
        if (lists_has_ip(allow[i], ip))
            return true;
    return false;
}

bool
verdicts_never_name(const struct conf *conf, const struct list_set *const *allow,
    size_t allow_count, const struct dname *name)
{
    for (unsigned i = 0; i < conf->own_name_count; i++)
        if (dname_under(name, &conf->own_names[i]))
            return true;
    for (size_t i = 0; i < allow_count; i++)
        if (lists_has_name(allow[i], name))
            return true;
    return false;
}

bool
verdicts_too_many(const struct verdict_counts *counts, const struct policy *policy)
{
    uint64_t share = counts->subjects / 100 * policy->max_new_percent +
                     counts->subjects % 100 * policy->max_new_percent / 100;
    uint64_t most = share > policy->max_new_floor ? share : policy->max_new_floor;
    return counts->newly_listed > most;
}

static void
count_listing(
    struct verdicts *verdicts, unsigned set, struct reason_set now, struct reason_set before)
{
    struct reason_set blocking = {kinds[set].blocking};
    if (reasons_empty(reasons_filter(now, blocking)))
        return;
    verdicts->counts.listed++;
    if (reasons_empty(reasons_filter(before, blocking)))
        verdicts->counts.newly_listed++;
}

static enum err
fill_row(struct collector *collector, struct verdictrow *row, const struct judgement *judgement,
    const struct previous *before)
{
    row->reasons = judgement->reasons;
    row->since_s = before->since_s != 0 ? before->since_s : collector->env->now_s;
    row->detail = strdup(judgement->detail);
    value_of_reasons(row->reasons, row->value);
    return row->detail == NULL ? ERR_NOMEM : ERR_OK;
}

/* Policies answer for every address: only what they leave open is published pair by pair. */
static enum err
add_pair(
    struct collector *collector, const struct client_facts *facts, const struct pair_fact *pair)
{
    struct verdicts *verdicts = collector->verdicts;
    const struct ip *ip = &facts->client->ip;
    struct reason_set now = {0}, before = {0};
    if (pair->spf_unknown)
        return spfpublish_keep_pair(verdicts->pairs, pair->domain, ip);
    if (!pair->has_spf)
        return ERR_OK;
    reasons_add(&now, pair->spf);
    enum err err = previous_pair(collector->previous, kinds[SET_PAIR].name, ip, pair->domain,
        collector->env->now_s, &before);
    count_listing(verdicts, SET_PAIR, now, before);
    if (err < 0 || !pair->spf_dynamic)
        return err;
    return spfpublish_pair(verdicts->pairs, pair->domain, ip, pair->spf);
}

static enum err
on_policy(void *ctx, const struct dname *domain, const struct spfpolicy *policy)
{
    struct collector *collector = ctx;
    return spfpublish_policy(collector->verdicts->pairs, domain, policy);
}

static enum err
add_literal(struct collector *collector, unsigned set, const struct range *range, uint32_t a)
{
    struct verdictrow *row = verdictrows_add(&collector->verdicts->rows[set]);
    const struct value_element element = {.literal = true, .a = a};
    size_t n = 0;
    if (row == NULL)
        return ERR_NOMEM;
    row->range = *range;
    return value_append(row->value, sizeof row->value, &n, &element);
}

/* What informs alone. */
static enum err
add_score(struct collector *collector, const struct range *range, const struct judgement *judgement)
{
    enum err err = add_literal(collector, SET_SCORE, range, A_SCORE | (uint32_t)judgement->score);
    if (err < 0 || judgement->trust == 0)
        return err;
    return add_literal(collector, SET_TRUST, range, A_TRUST | judgement->trust);
}

static void
remember_earlier(struct previous *earlier, const struct previous *before)
{
    earlier->reasons = reasons_union(earlier->reasons, before->reasons);
    if (before->since_s != 0 && (earlier->since_s == 0 || before->since_s < earlier->since_s))
        earlier->since_s = before->since_s;
}

/* An address, or a network, which is not listed anew if its addresses were by themselves. */
static enum err
add_judgement(
    struct collector *collector, const struct range *range, const struct judgement *judgement)
{
    struct verdicts *verdicts = collector->verdicts;
    struct previous before;
    bool network = ip_cmp(&range->first, &range->last) != 0;
    enum err err = add_score(collector, range, judgement);
    if (err < 0 || reasons_empty(judgement->reasons))
        return err;
    err = previous_ip(collector->previous, kinds[SET_IP].name, &range->first, &before);
    if (err < 0)
        return err;
    if (!network)
        remember_earlier(&collector->earlier, &before);
    else if (reasons_empty(before.reasons))
        before = collector->earlier;
    count_listing(verdicts, SET_IP, judgement->reasons, before.reasons);
    struct verdictrow *row = verdictrows_add(&verdicts->rows[SET_IP]);
    if (row == NULL)
        return ERR_NOMEM;
    row->range = *range;
    return fill_row(collector, row, judgement, &before);
}

/* Remembers what there is before the addresses of an IPv6 network. */
static void
enter_network(struct collector *collector, const struct ip *ip)
{
    struct prefix network = network_of(ip);
    if (collector->network.len != 0 && ip_cmp(&network.addr, &collector->network.addr) == 0)
        return;
    collector->network = network;
    collector->never = false;
    collector->of_addresses = (struct verdict_counts){0};
    collector->earlier = (struct previous){0};
    for (unsigned set = 0; set < SET_PAIR; set++)
        collector->before[set] = collector->verdicts->rows[set].count;
}

static enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct collector *collector = ctx;
    struct verdicts *verdicts = collector->verdicts;
    const struct ip *ip = &facts->client->ip;
    if (!ip_is4(ip))
        enter_network(collector, ip);
    verdicts->counts.subjects += 1 + facts->pair_count;
    if (verdicts_never_ip(collector->env->conf, collector->allow, collector->allow_count, ip)) {
        collector->never = true;
        return ERR_OK;
    }
    struct verdict_counts counts = verdicts->counts;
    enum err err = add_judgement(collector, &(struct range){*ip, *ip}, judgement);
    collector->of_addresses.listed += verdicts->counts.listed - counts.listed;
    collector->of_addresses.newly_listed += verdicts->counts.newly_listed - counts.newly_listed;
    for (unsigned i = 0; i < facts->pair_count && err == ERR_OK; i++)
        err = add_pair(collector, facts, &facts->pairs[i]);
    return err;
}

/* The network's verdict takes the place of its addresses', unless one of them is never listed. */
static enum err
on_network(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    static const unsigned sets[] = {SET_IP, SET_SCORE, SET_TRUST};
    struct collector *collector = ctx;
    struct range range = prefix_range(&collector->network);
    struct verdict_counts *counts = &collector->verdicts->counts;
    (void)facts;
    if (collector->never)
        return ERR_OK;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        verdictrows_cut(&collector->verdicts->rows[sets[i]], collector->before[sets[i]]);
    counts->listed -= collector->of_addresses.listed;
    counts->newly_listed -= collector->of_addresses.newly_listed;
    return add_judgement(collector, &range, judgement);
}

static enum err
add_name(struct collector *collector, unsigned set, const struct dname *name,
    const struct judgement *judgement)
{
    struct verdicts *verdicts = collector->verdicts;
    verdicts->counts.subjects++;
    if (reasons_empty(judgement->reasons) ||
        verdicts_never_name(collector->env->conf, collector->allow, collector->allow_count, name))
        return ERR_OK;
    struct previous before;
    enum err err = previous_name(collector->previous, kinds[set].name, name, &before);
    if (err < 0)
        return err;
    count_listing(verdicts, set, judgement->reasons, before.reasons);
    struct verdictrow *row = verdictrows_add(&verdicts->rows[set]);
    if (row == NULL)
        return ERR_NOMEM;
    err = verdictrow_set_name(row, name);
    return err < 0 ? err : fill_row(collector, row, judgement, &before);
}

static enum err
on_domain(void *ctx, const struct domain_facts *facts, const struct judgement *judgement)
{
    return add_name(ctx, SET_DOM, facts->domain, judgement);
}

static enum err
on_helo_name(void *ctx, const struct helo_name_facts *facts, const struct judgement *judgement)
{
    return add_name(ctx, SET_HELO, facts->name, judgement);
}

static void
describe_set(struct verdicts *verdicts, unsigned set, const struct policy *policy, size_t count)
{
    struct publish_set *out = &verdicts->sets[set];
    *out = (struct publish_set){
        .info = {.kind = kinds[set].kind, .max_age_s = policy->max_age_s}, .count = count};
    strcpy(out->info.name, kinds[set].name);
}

static enum err
make_rows_set(struct verdicts *verdicts, unsigned set, const struct policy *policy)
{
    struct verdictrows *rows = &verdicts->rows[set];
    bool has_evidence = set != SET_SCORE && set != SET_TRUST;
    describe_set(verdicts, set, policy, rows->count);
    return verdictrows_make(rows, has_evidence, &verdicts->sets[set]);
}

/* What the operator says holds without an end. */
static enum err
make_never_set(struct collector *collector)
{
    struct verdicts *verdicts = collector->verdicts;
    struct publish_set *out = &verdicts->sets[SET_NEVER];
    enum err err = neverset_make(
        collector->env->conf, collector->allow, collector->allow_count, &verdicts->never);
    describe_set(verdicts, SET_NEVER, &collector->env->conf->policy, verdicts->never.count);
    out->info.max_age_s = 0;
    out->addrs = verdicts->never.entries;
    return err;
}

static enum err
make_pair_set(struct verdicts *verdicts, const struct policy *policy)
{
    describe_set(verdicts, SET_PAIR, policy, 0);
    return spfpublish_finish(verdicts->pairs, &verdicts->sets[SET_PAIR]);
}

enum err
verdicts_collect(const struct judging_env *env, const struct list_set *const *allow,
    size_t allow_count, struct kvread *previous, struct verdicts **out, struct errmsg *msg)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    struct collector collector = {.env = env,
        .allow = allow,
        .allow_count = allow_count,
        .previous = previous,
        .verdicts = *out};
    struct judging_visitor visitor = {.client = on_client,
        .network = on_network,
        .domain = on_domain,
        .policy = on_policy,
        .helo_name = on_helo_name,
        .ctx = &collector};
    enum err err = spfpublish_new(
        previous, kinds[SET_PAIR].name, env->conf->spf.keep_s, env->now_s, &(*out)->pairs);
    if (err == ERR_OK)
        err = judging_walk(env, NULL, &visitor);
    for (unsigned set = SET_IP; set < SET_PAIR && err == ERR_OK; set++)
        err = make_rows_set(*out, set, &env->conf->policy);
    if (err == ERR_OK)
        err = make_pair_set(*out, &env->conf->policy);
    if (err == ERR_OK)
        err = make_never_set(&collector);
    if (err == ERR_OK)
        return ERR_OK;
    verdicts_free(out);
    return errmsg_set(msg, err, "judging the history failed: %s", err_text(err));
}

const struct publish_set *
verdicts_sets(const struct verdicts *verdicts)
{
    return verdicts->sets;
}

struct verdict_counts
verdicts_count(const struct verdicts *verdicts)
{
    return verdicts->counts;
}

void
verdicts_free(struct verdicts **verdicts)
{
    struct verdicts *v = *verdicts;
    if (v == NULL)
        return;
    for (unsigned set = SET_IP; set < SET_PAIR; set++)
        verdictrows_free(&v->rows[set]);
    spfpublish_free(&v->pairs);
    neverset_free(&v->never);
    free(v);
    *verdicts = NULL;
}
