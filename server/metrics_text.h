/*
 * All that is counted and the state of the store, as Prometheus reads it (text format 0.0.4). Pure.
 */
#ifndef SERVER_METRICS_TEXT_H
#define SERVER_METRICS_TEXT_H

#include <stdio.h>

#include "server/catalog.h"
#include "server/quota.h"
#include "server/tally.h"

struct metrics_state {
    const struct conf *conf;
    const struct tally *now; /* of conf's zones */
    const struct catalog *catalog;
    const struct quota_table *keys; /* NULL: none */
    int64_t start_s, now_s;         /* since 1970 */
};

/* Prints all of it; what out could not take, its owner sees. */
void metrics_print(const struct metrics_state *state, FILE *out);

#endif
