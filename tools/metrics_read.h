/*
 * The metrics of a running repdnsd, asked for over its socket. What comes is believed as little as
 * anything from outside.
 */
#ifndef TOOLS_METRICS_READ_H
#define TOOLS_METRICS_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "zones/zoneconf.h"

struct metric {
    const char *name;   /* all within the text; printable ASCII */
    const char *labels; /* as they stand between the braces; "" for none */
    double value;
};

struct metrics_reading {
    char *text;
    size_t count;
    struct metric *metrics;
};

/* Asks the unix socket or the address of the configuration; 5 seconds at most. ERR_NOTFOUND: the
 * configuration has neither, or nobody answers there. The message says what to do. */
enum err metrics_read(
    const struct metrics_conf *conf, struct metrics_reading *out, struct errmsg *msg) MUST_CHECK;
/* Of the text of an answer's body, which is taken over in any case. ERR_FORMAT: it is none. */
enum err metrics_parse(char *text, struct metrics_reading *out) MUST_CHECK;
void metrics_reading_free(struct metrics_reading *reading);

/* 0 if there is none. */
double metrics_value(const struct metrics_reading *reading, const char *name, const char *labels);
/* The value of the label of that name, unescaped but for its end; its length, 0 if there is none.
 */
size_t metrics_label(const struct metric *metric, const char *label, const char **out);

#endif
