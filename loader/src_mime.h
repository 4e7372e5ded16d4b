/*
 * The mails that are attached to a mail as message/rfc822 (RFC 2046 5.1 and 5.2.1): as programs
 * hand on what a user has called junk. Pure. Of a multipart only its own parts are looked at, none
 * further inside; a mail inside must have no encoding, and so has none.
 */
#ifndef LOADER_SRC_MIME_H
#define LOADER_SRC_MIME_H

#include "loader/src_text.h"

/* The next one at or behind *at, which begins with 0; borrowed from the mail. False: no more. */
bool mime_attached(struct text mail, size_t *at, struct text *out);

#endif
