/*
 * The logger: a process that takes what workers note of their answers out of their rings and writes
 * it to the query log. However slow its reader is, no worker waits: rings that are full refuse.
 */
#ifndef SERVER_LOGGER_H
#define SERVER_LOGGER_H

#include "server/counters.h"
#include "server/logring.h"
#include "zones/zoneconf.h"

/* In the child, with SIGTERM and SIGHUP blocked. Opens the file, and again by SIGHUP; loops until
 * SIGTERM, then writes what is left, if that can be done at once; what can't is counted in its
 * own counters. Returns the exit status. */
int logger_run(const struct query_log_conf *conf, struct logring *rings, unsigned count,
    struct counters *counters);

#endif
