/*
 * "repdns-load watch": a process that stays, imports and publishes lists at once, and again
 * whenever their files have changed. It judges nothing. Each round is a process of its own: what it
 * needed is free afterwards, and it can be ended at any time, since stores change by transactions.
 */
#ifndef LOADER_WATCH_H
#define LOADER_WATCH_H

#include "loader/exitcode.h"
#include "zones/zoneconf.h"

/* argv[0] is "watch". Returns the exit code. */
int watch_command(int argc, char **argv);

/* watch_round.c */
struct watch_round {
    const struct conf *conf;
    bool force;    /* publish whatever lists do */
    bool whole;    /* publish only if every list could be imported */
    bool withdraw; /* a list that can't be read is not served until it can be */
};
/* Imports what has changed and publishes what differs from what is served. Tells what it does. */
enum exit_code watch_round(const struct watch_round *round, struct errmsg *msg);

/* watch_tell.c: what was imported of a list, in rbldnsd's words. */
struct list_stats;
void watch_tell(const struct list_source *list, const struct list_stats *stats);

#endif
