/* repdns explain --json; see explain.h. */
#include <string.h>

#include "tools/explain.h"
#include "tools/json.h"

static json_t *
name_text(const struct dname *name)
{
    char text[DNAME_TEXT_SIZE];
    (void)dname_format(name, text);
    return json_string(text);
}

static json_t *
a_text(uint32_t a)
{
    char text[IP_TEXT_SIZE];
    struct ip ip = ip_from_v4(a);
    ip_format(&ip, text);
    return json_string(text);
}

/* Adds {"reason", "a"} for each. */
static bool
add_reasons(json_t *array, struct reason_set reasons)
{
    bool whole = true;
    while (!reasons_empty(reasons)) {
        enum reason reason = reasons_take(&reasons);
        json_t *object = json_object();
        bool both = tool_json_add(object, "reason", json_string(reason_info(reason)->name)) &&
                    tool_json_add(object, "a", a_text(reason_a(reason)));
        whole = json_array_append_new(array, object) == 0 && both && whole;
    }
    return whole;
}

static bool
add_literal(json_t *array, const struct value_element *element)
{
    json_t *object = json_object();
    bool whole = tool_json_add(object, "a", a_text(element->a));
    if (element->has_txt)
        whole = tool_json_add(object, "txt", tool_json_text(element->txt)) && whole;
    return json_array_append_new(array, object) == 0 && whole;
}

/* Of "served": whether there was memory for all. */
struct served {
    json_t *array;
    bool whole;
};

static bool
add_found(void *ctx, const struct explain *explain, const struct explain_found *found)
{
    struct served *served = ctx;
    struct slice value = found->value;
    struct value_element element;
    json_t *shown = json_array();
    bool whole = shown != NULL;
    while (value_next(&value, &element) == ERR_OK)
        whole = (element.literal
                        ? add_literal(shown, &element)
                        : add_reasons(shown, explain_zone_shows(found->zone, element.reasons))) &&
                whole;
    if (json_array_size(shown) == 0) {
        json_decref(shown);
        served->whole = served->whole && whole;
        return false;
    }
    json_t *object = json_object();
    const struct {
        const char *key;
        json_t *value;
    } members[] = {{"zone", name_text(&found->zone->apex)},
        {"dataset", json_string(found->dataset->name)},
        {"enabled", json_boolean(found->zone->enabled)},
        {"expired",
            json_boolean(dataset_expired(found->dataset, explain->beat_s, explain->env.now_s))},
        {"since", tool_json_time(found->has_evidence ? found->evidence.since_s : 0)},
        {"values", shown}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        whole = tool_json_add(object, members[i].key, members[i].value) && whole;
    served->whole = json_array_append_new(served->array, object) == 0 && whole && served->whole;
    return true;
}

/* null: no store is published yet. */
static bool
add_served(json_t *object, const char *key, const struct explain *explain,
    const struct subject *subject, const char *judged)
{
    struct served served = {.array = json_array(), .whole = true};
    if (explain->answers == NULL) {
        json_decref(served.array);
        return tool_json_add(object, key, json_null());
    }
    (void)explain_each_served(explain, subject, judged, add_found, &served);
    return tool_json_add(object, key, served.array) && served.whole;
}

static bool
add_points(json_t *object, const struct judgement *judgement)
{
    json_t *points = json_object();
    bool whole = true;
    for (enum feature i = 0; i < FEATURE_COUNT; i++)
        if (judgement->parts[i] != 0)
            whole = tool_json_add(
                        points, feature_info(i)->name, json_real(-10 * judgement->parts[i])) &&
                    whole;
    return tool_json_add(object, "points", points) && whole;
}

struct judged {
    json_t *object;
    bool whole;
};

static enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct judged *judged = ctx;
    const struct hist_client *client = facts->client;
    json_t *reasons = json_array();
    bool whole = add_reasons(reasons, judgement->reasons);
    const struct {
        const char *key;
        json_t *value;
    } members[] = {{"reasons", reasons}, {"score", json_integer(judgement->score)},
        {"kinds", json_integer(judgement->kinds)}, {"because", json_string(judgement->detail)},
        {"mature", json_boolean(facts->mature)}, {"sessions", json_integer(client->sessions)},
        {"days", json_integer(client->days)}, {"accepted", json_integer(client->accepted)},
        {"with_helo", json_integer(client->with_helo)}, {"ham", json_integer(client->ham)},
        {"spam", json_integer(client->spam)}, {"first", tool_json_time(client->first_s)},
        {"last", tool_json_time(client->last_s)}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        whole = tool_json_add(judged->object, members[i].key, members[i].value) && whole;
    judged->whole = add_points(judged->object, judgement) && whole && judged->whole;
    return ERR_OK;
}

/* What "explain" says of the client; null for one that the history does not have. */
static enum err
add_client(json_t *object, struct explain *explain, bool *whole)
{
    struct judged judged = {.object = json_object(), .whole = true};
    const struct judging_visitor visitor = {.client = on_client, .ctx = &judged};
    enum err err =
        explain->txn == NULL ? ERR_OK : judging_walk(&explain->env, &explain->ip, &visitor);
    bool seen = json_object_size(judged.object) > 0;
    *whole = judged.whole && *whole;
    if (!seen)
        json_decref(judged.object);
    *whole = tool_json_add(object, "client", seen ? judged.object : json_null()) && *whole;
    return err;
}

enum err
explain_print_json(struct explain *explain, const struct dname *domain, struct errmsg *msg)
{
    FILE *out = explain->out;
    char why[128];
    json_t *object = json_object();
    bool never = explain_never_ip(explain, why, sizeof why);
    explain->out = NULL;
    bool whole = tool_json_add(object, "address", json_string(explain->ip_text)) &&
                 tool_json_add(object, "as_of", tool_json_time(explain->env.now_s)) &&
                 tool_json_add(object, "never_listed", never ? json_string(why) : json_null()) &&
                 add_served(object, "served", explain, &(struct subject){.ip = &explain->ip}, NULL);
    enum err err = add_client(object, explain, &whole);
    if (domain != NULL)
        whole = tool_json_add(object, "domain", name_text(domain)) &&
                add_served(object, "domain_served", explain, &(struct subject){.name = domain},
                    DATASET_JUDGED_DOM) &&
                add_served(object, "pair_served", explain,
                    &(struct subject){.ip = &explain->ip, .name = domain, .pair = true}, NULL) &&
                whole;
    explain->out = out;
    if (tool_json_line(out, object, whole) < 0)
        err = ERR_NOMEM;
    return err < 0 ? errmsg_set(msg, err, "%s: %s", explain->conf->history_path, err_text(err))
                   : ERR_OK;
}
