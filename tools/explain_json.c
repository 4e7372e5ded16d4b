/* repdns explain --json; see explain.h. */
#include <string.h>

#include "loader/jsonline.h"
#include "tools/explain.h"

static void
append_reasons(json_t **list, struct reason_set reasons)
{
    while (!reasons_empty(reasons)) {
        enum reason reason = reasons_take(&reasons);
        const struct jsonline_member members[] = {
            {"reason", json_string(reason_info(reason)->name)},
            {"a", jsonline_a(reason_a(reason))}};
        jsonline_append(list, jsonline_object(members, sizeof members / sizeof *members));
    }
}

static void
append_literal(json_t **list, const struct value_element *element)
{
    json_t *object = json_object();
    jsonline_set(&object, "a", jsonline_a(element->a));
    if (element->has_txt)
        jsonline_set(&object, "txt", jsonline_text(element->txt));
    jsonline_append(list, object);
}

static bool
append_found(void *ctx, const struct explain *explain, const struct explain_found *found)
{
    json_t **served = ctx, *shown = json_array();
    struct slice value = found->value;
    struct value_element element;
    while (value_next(&value, &element) == ERR_OK)
        if (element.literal)
            append_literal(&shown, &element);
        else
            append_reasons(&shown, explain_zone_shows(found->zone, element.reasons));
    if (shown != NULL && json_array_size(shown) == 0) {
        json_decref(shown);
        return false;
    }
    const struct jsonline_member members[] = {{"zone", jsonline_name(&found->zone->apex)},
        {"dataset", jsonline_string(found->dataset->name)},
        {"enabled", json_boolean(found->zone->enabled)},
        {"expired",
            json_boolean(dataset_expired(found->dataset, explain->beat_s, explain->env.now_s))},
        {"since", jsonline_time(found->has_evidence ? found->evidence.since_s : 0)},
        {"values", shown}};
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

static enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    json_t **seen = ctx, *reasons = json_array();
    const struct hist_client *client = facts->client;
    append_reasons(&reasons, judgement->reasons);
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

enum err
explain_print_json(struct explain *explain, const struct dname *domain, struct errmsg *msg)
{
    FILE *out = explain->out;
    char why[EXPLAIN_WHY_SIZE];
    json_t *object = json_object(), *client = json_null();
    const struct judging_visitor visitor = {.client = on_client, .ctx = &client};
    bool never = explain_never_ip(explain, why);
    explain->out = NULL;
    jsonline_set(&object, "address", json_string(explain->ip_text));
    jsonline_set(&object, "as_of", jsonline_time(explain->env.now_s));
    jsonline_set(&object, "never_listed", never ? jsonline_string(why) : json_null());
    jsonline_set(
        &object, "served", served_json(explain, &(struct subject){.ip = &explain->ip}, NULL));
    /* null where the history does not have it */
    enum err err =
        explain->txn == NULL ? ERR_OK : judging_walk(&explain->env, &explain->ip, &visitor);
    jsonline_set(&object, "client", client);
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
