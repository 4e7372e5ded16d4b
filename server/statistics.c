/* What is counted, and since when; see statistics.h. */
#include "server/statistics.h"

#include "zones/log.h"

enum { TALLIES = 5 };

static void
tallies_of(struct statistics *statistics, struct tally *out[TALLIES])
{
    out[0] = &statistics->ended;
    out[1] = &statistics->now;
    out[2] = &statistics->reset;
    out[3] = &statistics->written;
    out[4] = &statistics->shown;
}

static void
set_due(struct statistics *statistics, int64_t clock_s)
{
    uint32_t every_s = statistics->conf->statistics.every_s;
    statistics->due_s = every_s == 0 ? INT64_MAX : clock_s + every_s;
}

enum err
statistics_init(
    struct statistics *statistics, const struct conf *conf, int64_t now_s, int64_t clock_s)
{
    struct tally *tallies[TALLIES];
    *statistics = (struct statistics){.conf = conf, .start_s = now_s, .since_s = now_s};
    set_due(statistics, clock_s);
    tallies_of(statistics, tallies);
    enum err err = ERR_OK;
    for (unsigned i = 0; i < TALLIES && err == ERR_OK; i++)
        err = tally_init(tallies[i], conf->zone_count);
    return err;
}

void
statistics_free(struct statistics *statistics)
{
    struct tally *tallies[TALLIES];
    tallies_of(statistics, tallies);
    for (unsigned i = 0; i < TALLIES; i++)
        tally_free(tallies[i]);
}

bool
statistics_adopt(struct statistics *statistics, const struct conf *conf, int64_t clock_s)
{
    struct statistics other;
    struct tally *from[TALLIES], *to[TALLIES];
    if (statistics_init(&other, conf, statistics->start_s, clock_s) < 0) {
        statistics_free(&other);
        return false;
    }
    tallies_of(statistics, from);
    tallies_of(&other, to);
    for (unsigned i = 0; i < TALLIES; i++)
        tally_add(to[i], conf, from[i], statistics->conf);
    other.keys = statistics->keys;
    other.since_s = statistics->since_s;
    if (conf->statistics.every_s == statistics->conf->statistics.every_s)
        other.due_s = statistics->due_s;
    statistics_free(statistics);
    *statistics = other;
    return true;
}

void
statistics_collect(struct statistics *statistics)
{
    tally_copy(&statistics->now, &statistics->ended);
}

void
statistics_add(
    struct statistics *statistics, const struct counter_slots *slots, const struct conf *slots_conf)
{
    tally_add_slots(&statistics->now, statistics->conf, slots, slots_conf);
}

void
statistics_retire(
    struct statistics *statistics, const struct counter_slots *slots, const struct conf *slots_conf)
{
    tally_add_slots(&statistics->ended, statistics->conf, slots, slots_conf);
}

static void
log_counters(const struct tally *tally)
{
    char line[2048];
    size_t n = 0;
    for (unsigned i = 0; i < COUNTER_LINE_END && n < sizeof line; i++) {
        int k = snprintf(line + n, sizeof line - n, "%s%s=%llu", i == 0 ? "" : " ",
            counter_info((enum counter)i).name, (unsigned long long)tally->of[i]);
        n += k > 0 ? (size_t)k : 0;
    }
    log_line(LOG_LEVEL_INFO, "%s", line);
}

static void
log_zone(const struct zone_counts *counts, const char *begin)
{
    const uint64_t *of = counts->of;
    uint64_t good = of[ZONE_COUNTER_OK] + of[ZONE_COUNTER_NXDOMAIN];
    log_line(LOG_LEVEL_INFO, "%s tot=%llu ok=%llu nxd=%llu err=%llu in=%llu out=%llu", begin,
        (unsigned long long)of[ZONE_COUNTER_QUERIES], (unsigned long long)of[ZONE_COUNTER_OK],
        (unsigned long long)of[ZONE_COUNTER_NXDOMAIN],
        (unsigned long long)(of[ZONE_COUNTER_QUERIES] > good ? of[ZONE_COUNTER_QUERIES] - good : 0),
        (unsigned long long)of[ZONE_COUNTER_BYTES_IN],
        (unsigned long long)of[ZONE_COUNTER_BYTES_OUT]);
}

/* rbldnsd's words, with its "secs" and "sec". */
void
statistics_log(struct statistics *statistics, int64_t now_s)
{
    const struct conf *conf = statistics->conf;
    struct tally *shown = &statistics->shown;
    char begin[DNAME_TEXT_SIZE + 64], name[DNAME_TEXT_SIZE];
    long long age_s = (long long)(now_s - statistics->since_s);
    tally_copy(shown, &statistics->now);
    tally_minus(shown, &statistics->reset);
    log_counters(shown);
    for (unsigned i = 0; i < conf->zone_count; i++) {
        if (!conf->zones[i].enabled)
            continue;
        (void)dname_format(&conf->zones[i].apex, name);
        (void)snprintf(begin, sizeof begin, "stats for %lldsecs zone %s:", age_s, name);
        log_zone(&shown->zones[i], begin);
    }
    (void)snprintf(begin, sizeof begin, "stats for %lldsec:", age_s);
    log_zone(&shown->zones[shown->zone_count], begin);
    if (statistics->keys != NULL)
        quota_table_log(statistics->keys, now_s);
}

void
statistics_reset(struct statistics *statistics, int64_t now_s)
{
    tally_copy(&statistics->reset, &statistics->now);
    tally_copy(&statistics->written, &statistics->now);
    statistics->since_s = now_s;
}

bool
statistics_due(struct statistics *statistics, int64_t clock_s)
{
    if (clock_s < statistics->due_s)
        return false;
    set_due(statistics, clock_s);
    return true;
}
