/* repdns stats --json: one object a line; see stats.h. */
#include <string.h>

#include "loader/jsonline.h"
#include "tools/stats.h"

/* Numbers of all metrics of a name, by one label; growth, or as they are. */
static json_t *
family(const struct stats *stats, const char *name, const char *label, bool growth)
{
    json_t *object = json_object();
    for (size_t i = 0; i < stats->now->count; i++) {
        const struct metric *metric = &stats->now->metrics[i];
        const char *value;
        size_t n = strcmp(metric->name, name) == 0 ? metrics_label(metric, label, &value) : 0;
        if (n == 0)
            continue;
        char key[512];
        (void)snprintf(key, sizeof key, "%.*s", (int)n, value);
        double number = growth ? stats_growth(stats, name, metric->labels) : metric->value;
        /* Answers of one code are listed or not. */
        number += json_number_value(json_object_get(object, key));
        jsonline_set(&object, key, jsonline_number(number));
    }
    return object;
}

static json_t *
latency(const struct stats *stats, double share)
{
    double s = stats_latency(stats, share);
    return s < 0 ? json_null() : jsonline_number(s);
}

enum err
stats_print_json(const struct stats *stats, FILE *out)
{
    const struct jsonline_member members[] = {{"seconds", jsonline_number(stats->seconds)},
        {"queries", jsonline_number(stats_growth(stats, "repdnsd_queries_total", ""))},
        {"tcp", jsonline_number(stats_growth(stats, "repdnsd_tcp_total", ""))},
        {"listed", jsonline_number(stats_listed(stats))},
        {"answers", family(stats, "repdnsd_answers_total", "rcode", true)},
        {"reasons", family(stats, "repdnsd_listings_total", "reason", true)},
        {"drops", family(stats, "repdnsd_drops_total", "cause", true)},
        {"latency_p50", latency(stats, 0.5)}, {"latency_p99", latency(stats, 0.99)},
        {"zone_queries", family(stats, "repdnsd_zone_queries_total", "zone", true)},
        {"zone_listed", family(stats, "repdnsd_zone_listed_total", "zone", true)},
        {"store_usable", json_boolean(metrics_value(stats->now, "repdnsd_store_usable", "") > 0)},
        {"dataset_entries", family(stats, "repdnsd_dataset_entries", "dataset", false)},
        {"dataset_serial", family(stats, "repdnsd_dataset_serial", "dataset", false)},
        {"dataset_age", family(stats, "repdnsd_dataset_age_seconds", "dataset", false)},
        {"dataset_expired", family(stats, "repdnsd_dataset_expired", "dataset", false)}};
    return jsonline_print_members(out, members, sizeof members / sizeof *members);
}
