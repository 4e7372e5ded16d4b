/* $SOA and $NS of a list's files (zones/authority.h); for listspecial.c. Quirks are rbldnsd's. */
#ifndef LOADER_LISTAUTHORITY_H
#define LOADER_LISTAUTHORITY_H

#include "loader/listfile.h"

/* What follows "$SOA " or "$NS ". The first of each counts, later ones are not looked at. A TTL of
 * 0 is the last $TTL. ERR_NOTFOUND, or ERR_SYNTAX with *what. */
enum err listauthority_soa(
    struct listfile *file, struct listfile_cursor at, const char **what) MUST_CHECK;
enum err listauthority_ns(
    struct listfile *file, struct listfile_cursor at, const char **what) MUST_CHECK;

#endif
