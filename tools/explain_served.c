/* Explaining: what is served now, and who is never listed. See explain.h. */
#include <string.h>

#include "loader/output.h"
#include "loader/previous.h"
#include "loader/verdicts.h"
#include "tools/explain.h"
#include "zones/ipset.h"
#include "zones/nameset.h"
#include "zones/pairset.h"

static bool
prefix_why(const char *option, const struct prefix *prefixes, unsigned count, const struct ip *ip,
    char why[EXPLAIN_WHY_SIZE])
{
    for (unsigned i = 0; i < count; i++) {
        char text[PREFIX_TEXT_SIZE];
        if (!prefix_contains(&prefixes[i], ip))
            continue;
        prefix_format(&prefixes[i], text);
        (void)snprintf(why, EXPLAIN_WHY_SIZE, "%s has %s", option, text);
        return true;
    }
    return false;
}

bool
explain_never_ip(const struct explain *explain, char why[EXPLAIN_WHY_SIZE])
{
    const struct conf *conf = explain->conf;
    const struct ip *ip = &explain->ip;
    if (explain_allowed(explain, ip, NULL, why))
        return true;
    if (!verdicts_never_ip(conf, explain->allow, explain->allow_count, ip))
        return false;
    if (ip_is_special(ip))
        (void)snprintf(why, EXPLAIN_WHY_SIZE, "no address of the public Internet");
    else if (!prefix_why("own_networks", conf->own_networks, conf->own_network_count, ip, why) &&
             !prefix_why(
                 "trusted_relays", conf->trusted_relays, conf->trusted_relay_count, ip, why) &&
             !prefix_why("never_list", conf->never_list, conf->never_count, ip, why))
        (void)snprintf(why, EXPLAIN_WHY_SIZE, "a list with the role allow has it");
    return true;
}

struct reason_set
explain_zone_shows(const struct zone_def *zone, struct reason_set reasons)
{
    struct reason_set shown = reasons_filter(reasons, zone->show);
    if (reasons_have(shown, REASON_SCORE))
        shown = reasons_union(shown, reasons_filter(reasons, zone->beside_score));
    return shown;
}

static bool
has_dataset(const struct zone_def *zone, const char *dataset)
{
    for (unsigned i = 0; i < zone->dataset_count; i++)
        if (strcmp(zone->datasets[i], dataset) == 0)
            return true;
    return false;
}

void
explain_shown(const struct explain *explain, const char *dataset, struct reason_set reasons)
{
    bool any = false;
    for (unsigned i = 0; i < explain->conf->zone_count; i++) {
        const struct zone_def *zone = &explain->conf->zones[i];
        struct reason_set shown = explain_zone_shows(zone, reasons);
        char names[512];
        if (!zone->enabled || !has_dataset(zone, dataset) || reasons_empty(shown))
            continue;
        reasons_format(shown, names, sizeof names);
        fputs(any ? ", " : "", explain->out);
        text_name(explain->out, &zone->apex);
        fprintf(explain->out, " (%s)%s", names, zone->informational ? " informational" : "");
        any = true;
    }
    fputs(any ? "\n" : "no enabled zone lists it\n", explain->out);
}

/* Names stand in a section of their own. */
static unsigned
indent_of(const struct subject *subject)
{
    return subject->name == NULL ? 2 : 4;
}

/* What a dataset has of the subject, and which addresses it says that of. ERR_NOTFOUND for nothing;
 * room holds a value that is made up here. */
static enum err
find_value(const struct explain *explain, const struct dataset *dataset,
    const struct subject *subject, struct slice *value, struct range *range,
    uint8_t room[VALUE_REASONS_SIZE])
{
    if (subject->ip != NULL)
        *range = (struct range){*subject->ip, *subject->ip};
    if (dataset->kind == DATASET_PAIR && subject->pair) {
        struct pairset_hit hit;
        struct reason_set reasons = {0};
        enum err err = pairset_lookup(
            explain->answers, dataset->id, subject->ip, subject->name, explain->env.now_s, &hit);
        if (err < 0 || hit.match != PAIRSET_FOUND)
            return err < 0 ? err : ERR_NOTFOUND;
        reasons_add(&reasons, spfresult_reason(hit.result));
        value_of_reasons(reasons, room);
        *value = slice_of(room, VALUE_REASONS_SIZE);
        return ERR_OK;
    }
    if (dataset->kind == DATASET_ADDR && subject->name == NULL) {
        struct ipset_hit hit;
        enum err err = ipset_lookup(explain->answers, dataset->id, subject->ip, &hit);
        if (err == ERR_OK)
            *range = hit.range;
        *value = hit.value;
        return err;
    }
    if (dataset->kind == DATASET_NAME && subject->ip == NULL) {
        struct nameset_hit hit;
        enum err err = nameset_lookup(explain->answers, dataset->id, subject->name, &hit);
        if (err == ERR_OK && hit.match != NAMESET_EXACT && hit.match != NAMESET_WILD)
            return ERR_NOTFOUND;
        *value = hit.value;
        return err;
    }
    return ERR_NOTFOUND;
}

/* The elements of a value that the zone shows; false for none. */
static bool
print_shown(const struct explain *explain, unsigned indent, const struct zone_def *zone,
    const struct dataset *dataset, struct slice value)
{
    struct value_element element;
    bool any = false;
    while (value_next(&value, &element) == ERR_OK) {
        struct reason_set shown =
            element.literal ? reasons_none() : explain_zone_shows(zone, element.reasons);
        if (!element.literal && reasons_empty(shown))
            continue;
        if (!any) {
            fprintf(explain->out, "%*s", (int)indent, "");
            text_name(explain->out, &zone->apex);
            fprintf(explain->out, ", by %s:", dataset->name);
        }
        any = true;
        while (!reasons_empty(shown)) {
            enum reason reason = reasons_take(&shown);
            fputc(' ', explain->out);
            text_a(explain->out, reason_a(reason));
            fprintf(explain->out, " %s", reason_info(reason)->name);
        }
        if (element.literal) {
            fputc(' ', explain->out);
            text_a(explain->out, element.a);
        }
        if (element.literal && element.has_txt) {
            fputc(' ', explain->out);
            output_quoted(explain->out, element.txt);
        }
    }
    return any;
}

static void
find_evidence(const struct explain *explain, struct explain_found *found)
{
    const struct subject *subject = found->subject;
    struct store_key key;
    struct slice value;
    if (subject->name == NULL)
        store_key_evidence_ip(&key, found->dataset->id, &found->range.first);
    else
        store_key_evidence_name(&key, found->dataset->id, subject->name);
    found->has_evidence = !subject->pair &&
                          kvread_get(explain->answers, store_key_slice(&key), &value) == ERR_OK &&
                          evidence_decode(value, &found->evidence) == ERR_OK;
}

static bool
print_found(void *ctx, const struct explain *explain, const struct explain_found *found)
{
    FILE *out = explain->out;
    (void)ctx;
    if (!print_shown(explain, indent_of(found->subject), found->zone, found->dataset, found->value))
        return false;
    struct prefix network;
    if (found->has_evidence && ip_cmp(&found->range.first, &found->range.last) != 0 &&
        range_prefix(&found->range, &network)) {
        char text[PREFIX_TEXT_SIZE];
        prefix_format(&network, text);
        fprintf(out, ", of the network %s", text);
    }
    if (found->has_evidence) {
        fputs(", since ", out);
        text_time(out, found->evidence.since_s);
    }
    if (found->has_evidence && found->evidence.detail.n > 0) {
        fputs(", for ", out);
        output_quoted(out, found->evidence.detail);
    }
    fprintf(out, "%s%s\n", found->zone->enabled ? "" : " (the zone is off)",
        dataset_expired(found->dataset, explain->beat_s, explain->env.now_s)
            ? " (NOT SERVED: the dataset is out of date)"
            : "");
    return true;
}

static bool
served_by(const struct explain *explain, const char *name, struct explain_found found,
    explain_found_fn each, void *ctx)
{
    struct dataset dataset;
    uint8_t room[VALUE_REASONS_SIZE];
    enum err err = previous_dataset(explain->answers, name, &dataset);
    found.dataset = &dataset;
    if (err == ERR_OK)
        err = find_value(explain, &dataset, found.subject, &found.value, &found.range, room);
    if (err < 0 && err != ERR_NOTFOUND && explain->out != NULL)
        fprintf(explain->out, "  dataset %s: %s; run repdns check\n", name, err_text(err));
    if (err < 0)
        return false;
    find_evidence(explain, &found);
    return each(ctx, explain, &found);
}

/* Zones of names: dom and helo have each their own judged set, so that the subject decides. */
static bool
zone_fits(const struct zone_def *zone, const struct subject *subject, const char *judged)
{
    if (zone->kind == ZONE_LIST)
        return true;
    if (subject->pair)
        return zone->kind == ZONE_PAIR;
    if (subject->name == NULL)
        return zone->kind == ZONE_ADDR;
    return zone->kind == ZONE_NAME &&
           (has_dataset(zone, judged) ||
               (!has_dataset(zone, DATASET_JUDGED_DOM) && !has_dataset(zone, DATASET_JUDGED_HELO)));
}

static bool
judges(const struct zone_def *zone)
{
    static const char judged[] = "judged.";
    for (unsigned i = 0; i < zone->dataset_count; i++)
        if (strncmp(zone->datasets[i], judged, sizeof judged - 1) == 0)
            return true;
    return false;
}

/* What the zone shows of a dataset's value; false for nothing. */
static bool
add_shown(const struct explain *explain, const struct zone_def *zone, const char *name,
    const struct subject *subject, struct reason_set *reasons)
{
    struct dataset dataset;
    struct slice value;
    struct range range;
    struct value_element element;
    uint8_t room[VALUE_REASONS_SIZE];
    bool any = false;
    if (previous_dataset(explain->answers, name, &dataset) < 0 ||
        find_value(explain, &dataset, subject, &value, &range, room) < 0)
        return false;
    while (value_next(&value, &element) == ERR_OK) {
        struct reason_set shown =
            element.literal ? reasons_none() : explain_zone_shows(zone, element.reasons);
        any = any || element.literal || !reasons_empty(shown);
        *reasons = reasons_union(*reasons, shown);
    }
    return any;
}

bool
explain_lists(const struct explain *explain, const struct zone_def *zone, const struct ip *ip,
    const struct dname *name, bool pair, const char *judged, struct reason_set *reasons)
{
    const struct subject subject = {
        .ip = name == NULL || pair ? ip : NULL, .name = name, .pair = pair};
    const struct conf *conf = explain->conf;
    char why[EXPLAIN_WHY_SIZE];
    bool any = false;
    *reasons = reasons_none();
    if (!zone_fits(zone, &subject, judged) || zone->kind == ZONE_BASE)
        return false;
    if (judges(zone) && !zone->informational) {
        bool never = pair && verdicts_never_ip(conf, explain->allow, explain->allow_count, ip);
        if (never || explain_allowed(explain, ip, NULL, why) ||
            (name != NULL && explain_allowed(explain, NULL, name, why)))
            return false;
    }
    if (judges(zone) && !pair)
        any = add_shown(
            explain, zone, name == NULL ? DATASET_WORD_IP : DATASET_WORD_NAME, &subject, reasons);
    for (unsigned i = 0; i < zone->dataset_count; i++)
        any = add_shown(explain, zone, zone->datasets[i], &subject, reasons) || any;
    return any;
}

/* Where the zone judges, the operator's word comes before what it lists; what he allows is told by
 * the verdict. */
static bool
word_served(const struct explain *explain, const struct explain_found *one, explain_found_fn found,
    void *ctx)
{
    const struct subject *subject = one->subject;
    const char *dataset = subject->name == NULL ? DATASET_WORD_IP : DATASET_WORD_NAME;
    return judges(one->zone) && !subject->pair && one->zone->kind != ZONE_LIST &&
           served_by(explain, dataset, *one, found, ctx);
}

bool
explain_each_served(const struct explain *explain, const struct subject *subject,
    const char *judged, explain_found_fn found, void *ctx)
{
    const struct conf *conf = explain->conf;
    bool any = false;
    for (unsigned i = 0; i < conf->zone_count; i++) {
        struct explain_found one = {.zone = &conf->zones[i], .subject = subject};
        if (!zone_fits(one.zone, subject, judged))
            continue;
        any = word_served(explain, &one, found, ctx) || any;
        for (unsigned k = 0; k < one.zone->dataset_count; k++)
            any = served_by(explain, one.zone->datasets[k], one, found, ctx) || any;
    }
    return any;
}

static void
print_served(const struct explain *explain, const struct subject *subject, const char *judged)
{
    int indent = (int)indent_of(subject);
    if (explain->answers == NULL)
        fprintf(explain->out, "%*snothing: no store is published yet\n", indent, "");
    else if (!explain_each_served(explain, subject, judged, print_found, NULL))
        fprintf(explain->out, "%*snot listed in any zone\n", indent, "");
}

void
explain_served_ip(const struct explain *explain)
{
    fprintf(explain->out, "served now:\n");
    print_served(explain, &(struct subject){.ip = &explain->ip}, NULL);
}

void
explain_served_name(const struct explain *explain, const struct dname *name, const char *dataset)
{
    fprintf(explain->out, "  served now:\n");
    print_served(explain, &(struct subject){.name = name}, dataset);
}

void
explain_served_pair(const struct explain *explain, const struct dname *domain)
{
    fprintf(explain->out, "  the pair, served now:\n");
    print_served(
        explain, &(struct subject){.ip = &explain->ip, .name = domain, .pair = true}, NULL);
}
