/* The last line of a run: what it has done, for people or as JSON. */
#ifndef LOADER_SUMMARY_H
#define LOADER_SUMMARY_H

#include "loader/stages.h"

/* Of a stage. ERR_NOMEM. */
enum err summary_print(
    FILE *out, const struct run *run, const char *stage, double seconds) MUST_CHECK;
/* Of a change by hand; list is the list's name, NULL for another command, and entries how many of
 * it were changed. ERR_NOMEM. */
enum err summary_print_by_hand(FILE *out, const struct run *run, const char *command,
    const char *list, unsigned entries, double seconds) MUST_CHECK;

#endif
