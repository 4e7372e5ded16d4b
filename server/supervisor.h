/*
 * The supervisor: binds, drops privileges, starts workers and starts them again with a growing
 * delay, watches the store's file and the configuration. It never opens LMDB.
 */
#ifndef SERVER_SUPERVISOR_H
#define SERVER_SUPERVISOR_H

#include "zones/zoneconf.h"

/* Serves until SIGTERM or SIGINT. SIGHUP reads path again; SIGUSR1 logs the counters. Takes *conf
 * over. The message says why it could not start. */
enum err supervisor_run(struct conf **conf, struct errmsg *msg) MUST_CHECK;

#endif
