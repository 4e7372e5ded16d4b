/*
 * A tree of Maildirs as a source: users have sorted their mail, and its border hop tells who sent
 * the junk. Read only; symbolic links are not followed, because users may make them.
 */
#ifndef LOADER_SRC_MAILDIR_H
#define LOADER_SRC_MAILDIR_H

#include <stdint.h>

#include "loader/src_received.h"

/* More than this of a mail is never read: headers are far shorter. */
#define MAIL_HEAD_MAX 65536

/* What a run over a store met. */
struct mailstore_count {
    uint64_t mails, ham, spam; /* looked at; handed on by label */
    uint64_t inside;           /* no border hop: own users' mail, mail fetched elsewhere */
    uint64_t unreadable;       /* a Received line of a form not known, above the border */
    uint64_t denied;           /* files and folders that could not be opened or read */
    uint64_t maildirs;
};

/* What a folder's name says of the mails in it: false for those to leave alone, as nobody sorted
 * them (Sent, Drafts, Trash, Templates, Outbox). */
bool mail_folder_label(const char *name, size_t len, enum obs_label *out);

/* Reads one mail's head; counts. What is no evidence is ERR_OK and false in *found. */
enum err mail_observe(const char *head, size_t len, const struct conf *conf, enum obs_label label,
    struct mailstore_count *count, struct received_mail *out, bool *found) MUST_CHECK;

/* root: a Maildir, or a tree with DOMAIN/USER/Maildir, DOMAIN/USER or USER as Maildirs; folders are
 * "X/.Folder" (Maildir++) or "X/Folder". The id is made of the file name up to ':', which stays
 * when a mail is moved or flagged. ERR_IO where root itself cannot be opened; what cannot be read
 * below it is counted. An error of fn ends the walk and is handed back. count is added to. */
enum err src_maildir(const char *root, const struct conf *conf, source_fn fn, void *ctx,
    struct mailstore_count *count, struct errmsg *msg) MUST_CHECK;

#endif
