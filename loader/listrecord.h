/* Lines of a generic list, "name [ttl] [IN] A|TXT|MX value"; for listfile.c. Quirks are rbldnsd's,
 * but that a bad TTL or MX costs its line and not the whole list. */
#ifndef LOADER_LISTRECORD_H
#define LOADER_LISTRECORD_H

#include "loader/listfile.h"
#include "zones/recordset.h"

/* The whole line: entry's name and record. A TTL of 0 or none is the last $TTL. ERR_SYNTAX: *what
 * says why; ERR_OK may come with a warning. */
enum err listrecord_parse(const struct listfile *file, struct listfile_cursor at,
    struct listfile_entry *entry, const char **what) MUST_CHECK;

/* An entry's record as it is kept. ERR_FORMAT for damaged bytes. */
enum err listrecord_decode(struct slice bytes, struct recordset_rr *out) MUST_CHECK;

#endif
