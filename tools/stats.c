/* repdns stats: what a running server does, once or again and again; see stats.h. */
#include "tools/stats.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/clock.h"
#include "tools/tools.h"

enum { INTERVAL_MOST = 3600 };

double
stats_growth(const struct stats *stats, const char *name, const char *labels)
{
    double now = metrics_value(stats->now, name, labels);
    double before = stats->before == NULL ? 0 : metrics_value(stats->before, name, labels);
    return now >= before ? now - before : now;
}

double
stats_percent(double part, double whole)
{
    return whole > 0 ? part / whole * 100 : 0;
}

double
stats_listed(const struct stats *stats)
{
    return stats_growth(stats, "repdnsd_answers_total", "rcode=\"NOERROR\",listed=\"yes\"");
}

double
stats_latency(const struct stats *stats, double share)
{
    static const char bucket[] = "repdnsd_answer_latency_seconds_bucket";
    double wanted = stats_growth(stats, "repdnsd_answer_latency_seconds_count", "") * share,
           least = 0;
    for (size_t i = 0; i < stats->now->count && wanted > 0; i++) {
        const struct metric *metric = &stats->now->metrics[i];
        const char *most;
        if (strcmp(metric->name, bucket) != 0 || metrics_label(metric, "le", &most) == 0)
            continue;
        /* "+Inf" too: the last bound is then the best that is known. */
        double bound = most[0] == '+' ? least : strtod(most, NULL);
        if (stats_growth(stats, bucket, metric->labels) >= wanted)
            return bound;
        least = bound;
    }
    return -1;
}

/* A row of rates of all metrics of a name, by one label of theirs. */
static void
print_family(
    const struct stats *stats, const char *title, const char *name, const char *label, FILE *out)
{
    fprintf(out, "%-8s", title);
    for (size_t i = 0; i < stats->now->count; i++) {
        const struct metric *metric = &stats->now->metrics[i];
        const char *value, *listed;
        size_t n = strcmp(metric->name, name) == 0 ? metrics_label(metric, label, &value) : 0;
        bool lists = n > 0 && metrics_label(metric, "listed", &listed) == 3 && *listed == 'y';
        double growth = n > 0 ? stats_growth(stats, name, metric->labels) : 0;
        if (growth > 0)
            fprintf(out, "  %.*s%s %.1f/s", (int)n, value, lists ? " listed" : "",
                growth / stats->seconds);
    }
    fputc('\n', out);
}

static void
print_zones(const struct stats *stats, FILE *out)
{
    fprintf(out, "\n%s%-40s %12s %9s %9s%s\n", text_colour(stats->colours, TEXT_BOLD), "zone",
        "queries/s", "listed %", "missed %", text_colour(stats->colours, TEXT_PLAIN));
    for (size_t i = 0; i < stats->now->count; i++) {
        const struct metric *metric = &stats->now->metrics[i];
        const char *zone;
        size_t n = strcmp(metric->name, "repdnsd_zone_queries_total") == 0
                       ? metrics_label(metric, "zone", &zone)
                       : 0;
        if (n == 0)
            continue;
        double queries = stats_growth(stats, metric->name, metric->labels);
        double listed = stats_growth(stats, "repdnsd_zone_listed_total", metric->labels);
        double missed = stats_growth(stats, "repdnsd_zone_nxdomain_total", metric->labels);
        fprintf(out, "%-40.*s %12.1f %9.1f %9.1f\n", (int)n, zone, queries / stats->seconds,
            stats_percent(listed, queries), stats_percent(missed, queries));
    }
}

static void
print_datasets(const struct stats *stats, FILE *out)
{
    fprintf(out, "\n%s%-40s %12s %12s %9s%s\n", text_colour(stats->colours, TEXT_BOLD), "dataset",
        "entries", "serial", "age", text_colour(stats->colours, TEXT_PLAIN));
    for (size_t i = 0; i < stats->now->count; i++) {
        const struct metric *metric = &stats->now->metrics[i];
        const char *name, *labels = metric->labels;
        size_t n = strcmp(metric->name, "repdnsd_dataset_entries") == 0
                       ? metrics_label(metric, "dataset", &name)
                       : 0;
        if (n == 0)
            continue;
        bool expired = metrics_value(stats->now, "repdnsd_dataset_expired", labels) > 0;
        fprintf(out, "%s%-40.*s %12.0f %12.0f %8.0fs%s%s\n",
            expired ? text_colour(stats->colours, TEXT_RED) : "", (int)n, name, metric->value,
            metrics_value(stats->now, "repdnsd_dataset_serial", labels),
            metrics_value(stats->now, "repdnsd_dataset_age_seconds", labels),
            expired ? "  NOT SERVED" : "", expired ? text_colour(stats->colours, TEXT_PLAIN) : "");
    }
}

void
stats_print(const struct stats *stats, FILE *out)
{
    double queries = stats_growth(stats, "repdnsd_queries_total", "");
    double tcp = stats_growth(stats, "repdnsd_tcp_total", "");
    double half = stats_latency(stats, 0.5), most = stats_latency(stats, 0.99);
    fprintf(out, "%s%.1f queries/s%s over %.1f s, TCP %.1f/s, listed %.1f %%\n",
        text_colour(stats->colours, TEXT_BOLD), queries / stats->seconds,
        text_colour(stats->colours, TEXT_PLAIN), stats->seconds, tcp / stats->seconds,
        stats_percent(stats_listed(stats), queries));
    print_family(stats, "answers", "repdnsd_answers_total", "rcode", out);
    print_family(stats, "reasons", "repdnsd_listings_total", "reason", out);
    print_family(stats, "drops", "repdnsd_drops_total", "cause", out);
    if (half >= 0)
        fprintf(out, "latency   p50 %.0f us  p99 %.0f us\n", half * 1e6, most * 1e6);
    if (metrics_value(stats->now, "repdnsd_store_usable", "") == 0)
        fprintf(out, "%sNO USABLE STORE%s\n", text_colour(stats->colours, TEXT_RED),
            text_colour(stats->colours, TEXT_PLAIN));
    print_zones(stats, out);
    print_datasets(stats, out);
}

static enum err
show(const struct tool *tool, const struct stats *stats, struct errmsg *msg)
{
    if (!tool->json) {
        if (tool->screen && !tool->once)
            fputs("\033[H\033[2J", tool->out); /* from the top of an empty screen */
        stats_print(stats, tool->out);
        if (!tool->screen && !tool->once)
            fputc('\n', tool->out);
    } else if (stats_print_json(stats, tool->out) < 0) {
        return errmsg_set(msg, ERR_NOMEM, "stats: out of memory");
    }
    return fflush(tool->out) == 0 ? ERR_OK : errmsg_set(msg, ERR_IO, "writing failed");
}

static enum err
once(const struct tool *tool, struct stats *stats, struct errmsg *msg)
{
    struct metrics_reading now;
    enum err err = metrics_read(&tool->conf->metrics, &now, msg);
    if (err < 0)
        return err;
    stats->now = &now;
    stats->seconds = (double)tool->now_s - metrics_value(&now, "repdnsd_start_time_seconds", "");
    stats->seconds = stats->seconds < 1 ? 1 : stats->seconds;
    err = show(tool, stats, msg);
    metrics_reading_free(&now);
    return err;
}

/* Until it fails: the server has ended, or nobody reads. */
static enum err
again_and_again(
    const struct tool *tool, struct stats *stats, unsigned interval_s, struct errmsg *msg)
{
    struct metrics_reading before, now;
    double then_s = clock_seconds(CLOCK_MONOTONIC);
    enum err err = metrics_read(&tool->conf->metrics, &before, msg);
    while (err == ERR_OK) {
        (void)sleep(interval_s);
        double now_s = clock_seconds(CLOCK_MONOTONIC);
        err = metrics_read(&tool->conf->metrics, &now, msg);
        if (err < 0)
            break;
        stats->before = &before;
        stats->now = &now;
        stats->seconds = now_s - then_s;
        err = show(tool, stats, msg);
        metrics_reading_free(&before);
        before = now;
        then_s = now_s;
    }
    metrics_reading_free(&before);
    return err;
}

enum exit_code
tool_stats(const struct tool *tool, struct errmsg *msg)
{
    struct stats stats = {.colours = tool->colours};
    unsigned long interval_s = 1;
    char *end;
    if (tool->arg_count > 0) {
        interval_s = strtoul(tool->args[0], &end, 10);
        if (end == tool->args[0] || *end != '\0' || interval_s < 1 || interval_s > INTERVAL_MOST) {
            (void)errmsg_set(msg, ERR_SYNTAX,
                "stats: \"%.50s\" is no interval; use 1 to %d seconds", tool->args[0],
                INTERVAL_MOST);
            return EXIT_USAGE;
        }
    }
    enum err err = tool->once ? once(tool, &stats, msg)
                              : again_and_again(tool, &stats, (unsigned)interval_s, msg);
    return err < 0 ? EXIT_FAILED : EXIT_DONE;
}
