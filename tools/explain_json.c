/* repdns explain --json; see explain.h. */
#include <string.h>

#include "loader/jsonline.h"
#include "loader/network.h"
#include "tools/explain.h"
#include "tools/valuejson.h"

static bool
append_found(void *ctx, const struct explain *explain, const struct explain_found *found)
{
    json_t **served = ctx, *shown = json_array();
    struct slice value = found->value;
    struct value_element element;
    while (value_next(&value, &element) == ERR_OK)
        if (element.literal)
            valuejson_literal(&shown, &element);
        else
            valuejson_reasons(&shown, explain_zone_shows(found->zone, element.reasons));
    if (shown != NULL && json_array_size(shown) == 0) {
        json_decref(shown);
        return false;
    }
    char matched[PREFIX_TEXT_SIZE];
    struct prefix prefix;
    bool of_address = found->subject->ip != NULL && range_prefix(&found->range, &prefix);
    if (of_address)
        prefix_format(&prefix, matched);
    const struct jsonline_member members[] = {{"zone", jsonline_name(&found->zone->apex)},
        {"dataset", jsonline_string(found->dataset->name)},
        {"enabled", json_boolean(found->zone->enabled)},
        {"expired",
            json_boolean(dataset_expired(found->dataset, explain->beat_s, explain->env.now_s))},
        {"since", jsonline_time(found->has_evidence ? found->evidence.since_s : 0)},
        {"matched", of_address ? jsonline_string(matched) : json_null()}, {"values", shown}};
    jsonline_append(served, jsonline_object(members, sizeof members / sizeof *members));
    return true;
}

/* null: no store is published yet. */
static json_t *
served_json(const struct explain *explain, const struct subject *subject, const char *judged)
{
    if (explain->answers == NULL)
        return json_null();
    json_t *served = json_array();
    (void)explain_each_served(explain, subject, judged, append_found, &served);
    return served;
}

static json_t *
points_json(const struct judgement *judgement)
{
    json_t *points = json_object();
    for (enum feature i = 0; i < FEATURE_COUNT; i++)
        if (judgement->parts[i] != 0)
            jsonline_set(
                &points, feature_info(i)->name, jsonline_number(-10 * judgement->parts[i]));
    return points;
}

/* Of a /64 that is judged as one. */
struct network_judged {
    struct explain *explain;
    json_t *object;
};

static enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    json_t **seen = ctx, *reasons = json_array();
    const struct hist_client *client = facts->client;
    valuejson_reasons(&reasons, judgement->reasons);
    const struct jsonline_member members[] = {{"reasons", reasons},
        {"score", json_integer(judgement->score)}, {"kinds", json_integer(judgement->kinds)},
        {"because", jsonline_string(judgement->detail)}, {"mature", json_boolean(facts->mature)},
        {"sessions", json_integer(client->sessions)}, {"days", json_integer(client->days)},
        {"accepted", json_integer(client->accepted)},
        {"with_helo", json_integer(client->with_helo)}, {"ham", json_integer(client->ham)},
        {"spam", json_integer(client->spam)}, {"first", jsonline_time(client->first_s)},
        {"last", jsonline_time(client->last_s)}, {"points", points_json(judgement)}};
    json_decref(*seen);
    *seen = jsonline_object(members, sizeof members / sizeof *members);
    return ERR_OK;
}

static enum err
on_network(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct network_judged *judged = ctx;
    const struct prefix network = network_of(&facts->client->ip);
    char text[PREFIX_TEXT_SIZE];
    if (judged->explain->apart)
        return ERR_OK;
    prefix_format(&network, text);
    enum err err = on_client(&judged->object, facts, judgement);
    jsonline_set(&judged->object, "prefix", jsonline_string(text));
    jsonline_set(&judged->object, "addresses", json_integer(facts->addresses));
    return err;
}

static enum err
on_member(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct network_judged *judged = ctx;
    return explain_member(judged->explain, facts, judgement);
}

/* The client, and its /64 where that is judged as one; null for what there is not. */
static enum err
set_judged(json_t **object, struct explain *explain)
{
    const struct ip *ip = &explain->ip;
    const struct prefix alone = prefix_of(ip, ip_bits(ip_family(ip))), all = network_of(ip);
    json_t *client = json_null();
    struct network_judged network = {explain, json_null()};
    const struct judging_visitor visitor = {.client = on_client, .ctx = &client};
    const struct judging_visitor networks = {
        .client = on_member, .network = on_network, .ctx = &network};
    enum err err = ERR_OK;
    if (explain->txn != NULL && !ip_is4(ip))
        err = judging_walk(&explain->env, &all, &networks);
    if (err == ERR_OK && explain->txn != NULL)
        err = judging_walk(&explain->env, &alone, &visitor);
    jsonline_set(object, "client", client);
    jsonline_set(object, "network", network.object);
    return err;
}

enum err
explain_print_json(struct explain *explain, const struct dname *domain, struct errmsg *msg)
{
    FILE *out = explain->out;
    char why[EXPLAIN_WHY_SIZE];
    json_t *object = json_object();
    bool never = explain_never_ip(explain, why);
    explain->out = NULL;
    jsonline_set(&object, "address", json_string(explain->ip_text));
    jsonline_set(&object, "as_of", jsonline_time(explain->env.now_s));
    jsonline_set(&object, "never_listed", never ? jsonline_string(why) : json_null());
    jsonline_set(
        &object, "served", served_json(explain, &(struct subject){.ip = &explain->ip}, NULL));
    enum err err = set_judged(&object, explain);
    if (domain != NULL) {
        const struct subject name = {.name = domain};
        const struct subject pair = {.ip = &explain->ip, .name = domain, .pair = true};
        jsonline_set(&object, "domain", jsonline_name(domain));
        jsonline_set(&object, "domain_served", served_json(explain, &name, DATASET_JUDGED_DOM));
        jsonline_set(&object, "pair_served", served_json(explain, &pair, NULL));
    }
    explain->out = out;
    if (jsonline_print(out, object) < 0)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    return explain_walked(explain, err, msg);
}
