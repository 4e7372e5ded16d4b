/* Lines of a combined list, and which of its sections they belong to; for listread.c. */
#ifndef LOADER_LISTSECTION_H
#define LOADER_LISTSECTION_H

#include "loader/listread.h"

/*
 * As listfile_line, of the list *read, which becomes the section that the entry is of.
 *
 * "$DATASET type[:label] sub-zone ..." opens a section; a bad one is ERR_REFUSED, as is an entry
 * before the first. $TTL and variables before that are the default of all sections; $SOA, $NS,
 * $TIMESTAMP and $MAXRANGE4 are always the whole list's. As with rbldnsd, a section ends with its
 * file, but goes on in the next one after a directive. ERR_NOMEM.
 */
enum err listsection_line(struct list_read **read, const char *line, size_t n,
    struct listfile_entry *entry, const char **what) MUST_CHECK;

/* How many sections, and different sub-zones of them. */
void listsection_count(const struct list_read *read, struct list_counts *counts);

#endif
