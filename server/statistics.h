/*
 * Statistics: counts since the start, told as lines of the log, as rbldnsd's statistics file, or as
 * Prometheus reads them. The supervisor's; it hands over what its generations have counted.
 */
#ifndef SERVER_STATISTICS_H
#define SERVER_STATISTICS_H

#include <stdio.h>

#include "server/catalog.h"
#include "server/quota.h"
#include "server/tally.h"

/* All tallies are of conf's zones. */
struct statistics {
    const struct conf *conf;        /* borrowed */
    const struct quota_table *keys; /* borrowed; NULL: none */
    int64_t start_s, since_s;       /* since 1970; of the counts: start, or the last reset */
    int64_t due_s;                  /* monotonic: the next line */
    struct tally ended;             /* by generations that are gone */
    struct tally now;               /* by all, as last collected */
    struct tally reset;             /* when the counts began */
    struct tally written;           /* when the last line was written, for deltas */
    struct tally shown;             /* scratch */
    bool failed;                    /* and said so */
};

/* now_s since 1970, clock_s monotonic. */
enum err statistics_init(struct statistics *statistics, const struct conf *conf, int64_t now_s,
    int64_t clock_s) MUST_CHECK;
void statistics_free(struct statistics *statistics);
/* Another configuration from now on; false, and no change, if memory is out. */
bool statistics_adopt(
    struct statistics *statistics, const struct conf *conf, int64_t clock_s) MUST_CHECK;

/* Sets now to what ended generations have counted, then adds each that runs. */
void statistics_collect(struct statistics *statistics);
void statistics_add(struct statistics *statistics, const struct counter_slots *slots,
    const struct conf *slots_conf);
/* The generation is gone: its counts are kept. */
void statistics_retire(struct statistics *statistics, const struct counter_slots *slots,
    const struct conf *slots_conf);

/* These tell what was last collected. The counters' line and a line for each zone, to the log: */
void statistics_log(struct statistics *statistics, int64_t now_s);
/* A line or a new state of the file. Trouble is logged once. Nothing without a path. catalog is
 * what a worker last said of the store, for Prometheus. */
void statistics_write(struct statistics *statistics, const struct catalog *catalog, int64_t now_s);
/* rbldnsd's mark of start, end and reset: a time alone. Prometheus has no such thing. */
void statistics_mark(struct statistics *statistics, int64_t now_s);
/* Counting starts again, but for Prometheus. */
void statistics_reset(struct statistics *statistics, int64_t now_s);
/* Whether the time for the next write has come; then the one after is set. */
bool statistics_due(struct statistics *statistics, int64_t clock_s);

/* The texts, for tests too. */
void statistics_print_line(struct statistics *statistics, int64_t now_s, FILE *out);

#endif
