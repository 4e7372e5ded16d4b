/* What an entry lists, at the beginning of its line; for listfile.c. Quirks are rbldnsd's. */
#ifndef LOADER_LISTKEY_H
#define LOADER_LISTKEY_H

#include "loader/listfile.h"

/* One to four decimal octets, as the left part of an address in host byte order: 8, 16, 24 or 32
 * bits, 0 for none. */
unsigned listkey_octets(struct listfile_cursor *at, uint32_t *out);

/* As an address in the manner of inet_aton: "5" is 0.0.0.5, "1.2" is 1.0.0.2. Returns the bits as
 * above. */
unsigned listkey_a(struct listfile_cursor *at, uint32_t *out);
/* A whole word as a name, the root too. Unlike dname_parse, dots too many are passed over and
 * escapes may be short. */
bool listkey_name(struct listfile_cursor word, struct dname *out);

/* entry->excluded is set already; the rest of the key is set here. On failure *what says why; else
 * it is a warning or as it was. */
bool listkey_parse(const struct listfile *file, struct listfile_cursor *at,
    struct listfile_entry *entry, const char **what);

#endif
