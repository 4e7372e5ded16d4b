/* What repdns stats tells: the difference of two readings of the metrics. */
#ifndef TOOLS_STATS_H
#define TOOLS_STATS_H

#include <stdio.h>

#include "tools/metrics_read.h"

struct stats {
    const struct metrics_reading *before; /* NULL: since the start */
    const struct metrics_reading *now;
    double seconds; /* between them */
    bool colours;
};

/* Growth of a counter; a server that has started anew meanwhile counts from nothing. */
double stats_growth(const struct stats *stats, const char *name, const char *labels);
/* part of whole in per cent, 0 of nothing. */
double stats_percent(double part, double whole);
/* Answers with a listing. */
double stats_listed(const struct stats *stats);
/* The time in seconds that this share (0 to 1) of the answers stays within, by the histogram's
 * bounds; negative: none was timed. */
double stats_latency(const struct stats *stats, double share);

/* One screen, or one line of JSON. ERR_NOMEM, or ERR_IO: it could not be written. */
void stats_print(const struct stats *stats, FILE *out);
enum err stats_print_json(const struct stats *stats, FILE *out) MUST_CHECK;

#endif
