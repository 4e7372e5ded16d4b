/*
 * The supervisor: binds, drops privileges, starts the processes of a configuration and starts them
 * again with a growing delay, watches the store's file and the configuration, writes the
 * statistics. It never opens LMDB.
 */
#ifndef SERVER_SUPERVISOR_H
#define SERVER_SUPERVISOR_H

#include "server/ties.h"
#include "zones/zoneconf.h"

/* Serves until SIGTERM or SIGINT. SIGHUP reads the file again; SIGUSR1 tells the statistics,
 * SIGUSR2 too and counts anew. Takes *conf over. The message says why it could not start. */
enum err supervisor_run(struct conf **conf, struct ties *ties, struct errmsg *msg) MUST_CHECK;

#endif
