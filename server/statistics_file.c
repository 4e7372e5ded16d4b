/* The statistics file; see statistics.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/statistics.h"
#include "zones/log.h"

static void
print_counts(FILE *out, const char *name, const struct zone_counts *counts)
{
    (void)fprintf(out, " %s", name);
    for (unsigned i = 0; i < ZONE_COUNTER_COUNT; i++)
        (void)fprintf(out, ":%llu", (unsigned long long)counts->of[i]);
}

void
statistics_print_line(struct statistics *statistics, int64_t now_s, FILE *out)
{
    const struct conf *conf = statistics->conf;
    struct tally *shown = &statistics->shown;
    char name[DNAME_TEXT_SIZE];
    tally_copy(shown, &statistics->now);
    tally_minus(shown, conf->statistics.deltas ? &statistics->written : &statistics->reset);
    (void)fprintf(out, "%lld", (long long)now_s);
    for (unsigned i = 0; i < conf->zone_count; i++) {
        if (!conf->zones[i].enabled)
            continue;
        (void)dname_format(&conf->zones[i].apex, name);
        print_counts(out, name, &shown->zones[i]);
    }
    print_counts(out, "*", &shown->zones[shown->zone_count]);
    (void)fputc('\n', out);
}

/* A metric's name has no '-'. */
static void
print_metric(FILE *out, const char *room, const char *name, const char *help)
{
    char metric[128];
    (void)snprintf(metric, sizeof metric, "repdnsd_%s%s_total", room, name);
    for (char *p = metric; *p != '\0'; p++)
        *p = *p == '-' ? '_' : *p;
    if (help != NULL)
        (void)fprintf(out, "# HELP %s %s\n# TYPE %s counter\n", metric, help, metric);
    (void)fputs(metric, out);
}

static void
print_label(FILE *out, const struct dname *apex)
{
    char name[DNAME_TEXT_SIZE];
    (void)dname_format(apex, name);
    (void)fputs("{zone=\"", out);
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '\\' || *p == '"')
            (void)fputc('\\', out);
        (void)fputc(*p, out);
    }
    (void)fputs("\"}", out);
}

void
statistics_print_prometheus(const struct statistics *statistics, FILE *out)
{
    static const struct {
        const char *name, *help;
    } counters[] =
        {
#define COUNTER(id, name, text) {name, text},
#include "server/counters.def"
        },
      zone_counters[] = {
#define ZONE_COUNTER(id, name, text) {name, text},
#include "server/counters.def"
      };
    const struct tally *now = &statistics->now;
    const struct conf *conf = statistics->conf;
    (void)fprintf(out,
        "# HELP repdnsd_start_time_seconds when the server started, since 1970\n"
        "# TYPE repdnsd_start_time_seconds gauge\nrepdnsd_start_time_seconds %lld\n",
        (long long)statistics->start_s);
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        print_metric(out, "", counters[i].name, counters[i].help);
        (void)fprintf(out, " %llu\n", (unsigned long long)now->of[i]);
    }
    for (unsigned c = 0; c < ZONE_COUNTER_COUNT; c++) {
        print_metric(out, "all_", zone_counters[c].name, zone_counters[c].help);
        (void)fprintf(out, " %llu\n", (unsigned long long)now->zones[now->zone_count].of[c]);
        bool first = true;
        for (unsigned i = 0; i < conf->zone_count; i++) {
            if (!conf->zones[i].enabled)
                continue;
            print_metric(out, "zone_", zone_counters[c].name, first ? zone_counters[c].help : NULL);
            print_label(out, &conf->zones[i].apex);
            (void)fprintf(out, " %llu\n", (unsigned long long)now->zones[i].of[c]);
            first = false;
        }
    }
    if (statistics->keys != NULL)
        quota_table_print_prometheus(statistics->keys, out);
}

/* Once, until it goes well again. */
static void
tell(struct statistics *statistics, bool good, const char *what, int why)
{
    const char *path = statistics->conf->statistics.path;
    if (!good && !statistics->failed)
        log_line(LOG_LEVEL_ERROR,
            "statistics %s: %s: %s; its folder must be writable for the user that repdnsd runs as",
            path, what, strerror(why));
    if (good && statistics->failed)
        log_line(LOG_LEVEL_INFO, "statistics %s: written again", path);
    statistics->failed = !good;
}

static bool
write_whole(int fd, const char *text, size_t n)
{
    ssize_t written = write(fd, text, n);
    if (written >= 0 && (size_t)written < n)
        errno = ENOSPC;
    return written == (ssize_t)n;
}

static bool
append(struct statistics *statistics, const char *text, size_t n)
{
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    int fd = open(statistics->conf->statistics.path, flags, 0644);
    bool good = fd >= 0 && write_whole(fd, text, n);
    tell(statistics, good, fd < 0 ? "can't be opened" : "can't be written", errno);
    if (fd >= 0)
        (void)close(fd);
    return good;
}

/* A reader sees the old state or the new one. */
static bool
replace(struct statistics *statistics, const char *text, size_t n)
{
    const char *path = statistics->conf->statistics.path;
    char beside[PATH_MAX];
    int length = snprintf(beside, sizeof beside, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof beside) {
        tell(statistics, false, "can't be opened", ENAMETOOLONG);
        return false;
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    bool good = fd >= 0 && write_whole(fd, text, n) && rename(beside, path) == 0;
    tell(statistics, good, fd < 0 ? "can't be opened" : "can't be written", errno);
    if (fd >= 0)
        (void)close(fd);
    if (fd >= 0 && !good)
        (void)unlink(beside);
    return good;
}

void
statistics_write(struct statistics *statistics, int64_t now_s)
{
    const struct statistics_conf *conf = &statistics->conf->statistics;
    char *text = NULL;
    size_t n = 0;
    if (conf->path == NULL)
        return;
    FILE *out = open_memstream(&text, &n);
    if (out == NULL)
        return;
    if (conf->prometheus)
        statistics_print_prometheus(statistics, out);
    else
        statistics_print_line(statistics, now_s, out);
    if (fclose(out) == 0 &&
        (conf->prometheus ? replace(statistics, text, n) : append(statistics, text, n)))
        tally_copy(&statistics->written, &statistics->now);
    free(text);
}

void
statistics_mark(struct statistics *statistics, int64_t now_s)
{
    const struct statistics_conf *conf = &statistics->conf->statistics;
    char text[32];
    int n = snprintf(text, sizeof text, "%lld\n", (long long)now_s);
    if (conf->path != NULL && !conf->prometheus && n > 0)
        (void)append(statistics, text, (size_t)n);
}
