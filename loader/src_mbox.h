/*
 * One mbox file as a source (RFC 4155 appendix A). A file named like junk or spam holds spam, one
 * named like sent or trash is left alone, any other holds wanted mail.
 *
 * A mail begins at "From " after an empty line, or at the file's start: so programs that write mbox
 * without quoting such lines in bodies (mboxcl2) let a sender smuggle in a mail. Use Maildir there.
 * No lock is taken: a mail that is being written has no end of its header yet and is left out.
 */
#ifndef LOADER_SRC_MBOX_H
#define LOADER_SRC_MBOX_H

#include "loader/src_maildir.h"

/* The id is made of our own Received lines, which no mail program rewrites. ERR_IO where the file
 * cannot be opened or is no regular file, ERR_FORMAT where it does not begin with "From ". An error
 * of fn ends the run and is handed back. count is added to. */
enum err src_mbox(const char *path, const struct conf *conf, source_fn fn, void *ctx,
    struct mailstore_count *count, struct errmsg *msg) MUST_CHECK;

#endif
