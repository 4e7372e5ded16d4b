/* The lines of a mail's header block, for src_*.c alone. Pure. */
#ifndef LOADER_SRC_HEADER_H
#define LOADER_SRC_HEADER_H

#include "loader/src_received.h"

/* Longer headers exist (References), but none that is worth reading. */
#define MAIL_VALUE_MAX 4096

struct mail_header {
    const char *name; /* borrowed from the block */
    size_t name_len;
    char value[MAIL_VALUE_MAX]; /* unfolded, RFC 5322 2.2.3 */
    size_t len;
    bool cut;
};

/* The next header and its continuation lines; false at the empty line, where *p then is, or the
 * end. A line that is no header (mbox's "From ", a stray one) comes out with an empty name. */
bool mail_header_next(const char **p, size_t *n, struct mail_header *header);
bool mail_header_is(const struct mail_header *header, const char *name);

#endif
