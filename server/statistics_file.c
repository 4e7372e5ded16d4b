/* The statistics file; see statistics.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/metrics_text.h"
#include "server/statistics.h"
#include "zones/log.h"

static void
print_counts(FILE *out, const char *name, const struct zone_counts *counts)
{
    (void)fprintf(out, " %s", name);
    for (unsigned i = 0; i < ZONE_COUNTER_LINE_END; i++)
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
statistics_write(struct statistics *statistics, const struct catalog *catalog, int64_t now_s)
{
    const struct metrics_state state = {.conf = statistics->conf,
        .now = &statistics->now,
        .catalog = catalog,
        .keys = statistics->keys,
        .start_s = statistics->start_s,
        .now_s = now_s};
    const struct statistics_conf *conf = &statistics->conf->statistics;
    char *text = NULL;
    size_t n = 0;
    if (conf->path == NULL)
        return;
    FILE *out = open_memstream(&text, &n);
    if (out == NULL)
        return;
    if (conf->prometheus)
        metrics_print(&state, out);
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
