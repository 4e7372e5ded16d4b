/*
 * "repdns-load backup" and "restore": history.mdb and lists.mdb, which can't be made anew. What is
 * served (answers.mdb) is made of them by the next run.
 */
#ifndef LOADER_BACKUP_H
#define LOADER_BACKUP_H

#include <stdio.h>

#include "loader/exitcode.h"
#include "zones/zoneconf.h"

/* Copies each store, as it is at one moment and without its free pages, into dir, over an earlier
 * copy. Runs may go on meanwhile. Prints a line for each, for people or of JSON. */
enum exit_code backup_write(
    const struct conf *conf, const char *dir, bool json, FILE *out, struct errmsg *msg);

/* Puts the copies of dir in the place of the stores, all or none. The caller holds the run lock
 * (runlock.h). A copy that is damaged or of another version changes nothing. */
enum exit_code backup_restore(
    const struct conf *conf, const char *dir, bool json, FILE *out, struct errmsg *msg);

#endif
