/*
 * systemd's journal in its export format ("Journal Export Formats"), as lines of syslog: what
 * "journalctl -o export" prints. Entries without identifier or message yield none.
 *
 * A field is "NAME=value", or where the value holds control bytes "NAME", then its length in 8
 * bytes, the lowest first, and the value. Only the fields that journald itself or libsyslog
 * writes are read; of one that occurs twice the first counts.
 */
#ifndef LOADER_SRC_JOURNAL_H
#define LOADER_SRC_JOURNAL_H

#include "loader/logread.h"

/* Whether a line may be the first of an export. */
bool journal_begins(struct text line);

struct journal;

enum err journal_new(struct journal **out) MUST_CHECK;
void journal_free(struct journal **journal);
/* The next entry; first: the line that is already read, n 0 for none. False at the end. Borrowed
 * until the next call. */
bool journal_line(
    struct journal *journal, struct logread *reader, struct text first, struct text *line);

#endif
