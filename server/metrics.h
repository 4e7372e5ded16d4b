/*
 * The process that answers for the metrics. It sees the counters and the catalog in memory that it
 * can only read, has no DNS socket and no store, and is bounded in connections, bytes and time.
 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "server/catalog.h"
#include "server/counters.h"
#include "server/quota.h"

struct metrics {
    const struct conf *conf;
    const struct counter_slots *counters;
    struct catalog_board *catalog;
    const struct quota_table *keys; /* NULL: none */
    int listeners[2];               /* -1: none */
    int64_t start_s;                /* of the server */
};

/* In the child, with SIGTERM blocked. Loops until SIGTERM; returns the exit status. */
int metrics_run(const struct metrics *metrics);

#endif
