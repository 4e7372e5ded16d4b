/* What Prometheus reads; see metrics_text.h. */
#include "server/metrics_text.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_SIZE = 96 };

/* A metric's name has no '-'. */
static void
make_name(char out[NAME_SIZE], const char *room, const char *name, const char *unit)
{
    (void)snprintf(
        out, NAME_SIZE, "repdnsd_%s%s%s%s_total", room, name, unit[0] != '\0' ? "_" : "", unit);
    for (char *p = out; *p != '\0'; p++)
        *p = *p == '-' ? '_' : *p;
}

static void
print_head(FILE *out, const char *metric, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
}

/* In a label's quotes. */
static void
print_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"')
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

static void
print_counters(const struct tally *now, FILE *out)
{
    const char *before = "";
    for (unsigned i = 0; i < COUNTER_BATCHES; i++) {
        const struct counter_info info = counter_info((enum counter)i);
        char metric[NAME_SIZE];
        make_name(metric, "", info.metric, "");
        if (strcmp(before, info.metric) != 0)
            print_head(out, metric, "counter", info.help);
        before = info.metric;
        (void)fprintf(out, "%s%s%s%s %" PRIu64 "\n", metric, info.labels != NULL ? "{" : "",
            info.labels != NULL ? info.labels : "", info.labels != NULL ? "}" : "", now->of[i]);
    }
}

/* Buckets count what is in those before them too. */
static uint64_t
print_buckets(
    const uint64_t *of, const char *metric, const char *const *most, unsigned count, FILE *out)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += of[i];
        (void)fprintf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", metric, most[i], sum);
    }
    return sum;
}

static void
print_histograms(const struct tally *now, FILE *out)
{
    static const char batches[] = "repdnsd_batch_queries";
    static const char latencies[] = "repdnsd_answer_latency_seconds";
    static const char *const sizes[] = {
#define BATCH(most) #most,
#include "server/counters.def"
        "+Inf"};
    static const char *const times[] = {
#define LATENCY(ns, seconds) seconds,
#include "server/counters.def"
        "+Inf"};
    const uint64_t *of = now->of, ns = of[COUNTER_LATENCY_SUM];
    /* Nothing is past the largest batch. */
    unsigned size_count = COUNTER_BATCH_SUM - COUNTER_BATCHES;
    print_head(out, batches, "histogram", "queries that came over UDP at once");
    uint64_t count = print_buckets(of + COUNTER_BATCHES, batches, sizes, size_count, out);
    (void)fprintf(out,
        "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %" PRIu64 "\n%s_count %" PRIu64 "\n", batches,
        count, batches, of[COUNTER_BATCH_SUM], batches, count);
    print_head(
        out, latencies, "histogram", "how long a batch of queries over UDP took, measured of some");
    count = print_buckets(
        of + COUNTER_LATENCIES, latencies, times, COUNTER_LATENCY_SUM - COUNTER_LATENCIES, out);
    (void)fprintf(out, "%s_sum %" PRIu64 ".%09" PRIu64 "\n%s_count %" PRIu64 "\n", latencies,
        ns / 1000000000, ns % 1000000000, latencies, count);
}

static void
print_zone_counter(const struct metrics_state *state, unsigned counter, const char *name,
    const char *unit, const char *help, FILE *out)
{
    const struct tally *now = state->now;
    char metric[NAME_SIZE], zone[DNAME_TEXT_SIZE];
    make_name(metric, "all_", name, unit);
    print_head(out, metric, "counter", help);
    (void)fprintf(out, "%s %" PRIu64 "\n", metric, now->zones[now->zone_count].of[counter]);
    make_name(metric, "zone_", name, unit);
    print_head(out, metric, "counter", help);
    for (unsigned i = 0; i < state->conf->zone_count; i++) {
        if (!state->conf->zones[i].enabled)
            continue;
        (void)dname_format(&state->conf->zones[i].apex, zone);
        (void)fprintf(out, "%s{zone=\"", metric);
        print_escaped(out, zone);
        (void)fprintf(out, "\"} %" PRIu64 "\n", now->zones[i].of[counter]);
    }
}

static void
print_zones(const struct metrics_state *state, FILE *out)
{
    static const struct {
        const char *name, *unit, *help;
    } rows[] = {
#define ZONE_COUNTER(id, name, unit, text) {name, unit, text},
#include "server/counters.def"
    };
    for (unsigned i = 0; i < ZONE_COUNTER_COUNT; i++)
        print_zone_counter(state, i, rows[i].name, rows[i].unit, rows[i].help, out);
}

enum gauge {
#define GAUGE(id, name, text) GAUGE_##id,
#include "server/counters.def"
    GAUGE_COUNT
};
enum dataset_gauge {
#define DATASET_GAUGE(id, name, text) DATASET_GAUGE_##id,
#include "server/counters.def"
    DATASET_GAUGE_COUNT
};

static void
print_store(const struct catalog *catalog, FILE *out)
{
    static const char *const names[][2] = {
#define GAUGE(id, name, text) {"repdnsd_" name, text},
#include "server/counters.def"
    };
    const int64_t values[GAUGE_COUNT] = {[GAUGE_USABLE] = catalog->usable,
        [GAUGE_SERIAL] = catalog->serial,
        [GAUGE_CHECKED] = catalog->checked_s};
    for (unsigned i = 0; i < GAUGE_COUNT; i++) {
        print_head(out, names[i][0], "gauge", names[i][1]);
        (void)fprintf(out, "%s %" PRId64 "\n", names[i][0], values[i]);
    }
}

static int64_t
dataset_value(
    const struct metrics_state *state, const struct dataset *dataset, enum dataset_gauge gauge)
{
    int64_t checked_s = state->catalog->checked_s;
    switch (gauge) {
    case DATASET_GAUGE_ENTRIES:
        return dataset->entries;
    case DATASET_GAUGE_SERIAL:
        return dataset->serial;
    case DATASET_GAUGE_BUILT:
        return dataset->built_s;
    case DATASET_GAUGE_AGE:
        return state->now_s - dataset->built_s;
    case DATASET_GAUGE_EXPIRES:
        return dataset_expires_s(dataset, checked_s);
    case DATASET_GAUGE_EXPIRED:
        return dataset_expired(dataset, checked_s, state->now_s);
    case DATASET_GAUGE_COUNT:
        break;
    }
    return 0;
}

static void
print_datasets(const struct metrics_state *state, FILE *out)
{
    static const char *const names[][2] = {
#define DATASET_GAUGE(id, name, text) {"repdnsd_" name, text},
#include "server/counters.def"
    };
    const struct catalog *catalog = state->catalog;
    for (unsigned g = 0; g < DATASET_GAUGE_COUNT; g++) {
        print_head(out, names[g][0], "gauge", names[g][1]);
        for (unsigned i = 0; i < catalog->count; i++) {
            const struct dataset *dataset = &catalog->datasets[i];
            int64_t value = dataset_value(state, dataset, (enum dataset_gauge)g);
            if (g == DATASET_GAUGE_EXPIRES && value == 0)
                continue;
            (void)fprintf(out, "%s{dataset=\"", names[g][0]);
            print_escaped(out, dataset->name);
            (void)fprintf(out, "\"} %" PRId64 "\n", value);
        }
    }
}

void
metrics_print(const struct metrics_state *state, FILE *out)
{
    print_head(out, "repdnsd_build_info", "gauge", "1; the version is the label");
    (void)fputs("repdnsd_build_info{version=\"" REPDNS_VERSION "\"} 1\n", out);
    print_head(out, "repdnsd_start_time_seconds", "gauge", "when the server started, since 1970");
    (void)fprintf(out, "repdnsd_start_time_seconds %" PRId64 "\n", state->start_s);
    print_counters(state->now, out);
    print_histograms(state->now, out);
    print_zones(state, out);
    print_store(state->catalog, out);
    print_datasets(state, out);
    if (state->keys != NULL)
        quota_table_print_prometheus(state->keys, out);
}
