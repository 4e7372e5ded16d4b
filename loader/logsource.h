/*
 * The sources of mail logs: one function for each format of zones/logformats.def, in the src_ file
 * of that name.
 */
#ifndef LOADER_LOGSOURCE_H
#define LOADER_LOGSOURCE_H

#include "loader/session.h"
#include "zones/logformat.h"

/* Reads one line into the table. utc_offset_s: local time minus UTC. ERR_SYNTAX for a line without
 * stamp or program. */
typedef enum err (*logsource_fn)(
    struct sessions *sessions, struct text line, int64_t now_s, int32_t utc_offset_s);

logsource_fn logsource_of(enum log_format format);

/* A line of any MTA's that goes through syslog, or of Exim's own log: its program tells the source.
 */
enum err logsource_any(
    struct sessions *sessions, struct text line, int64_t now_s, int32_t utc_offset_s) MUST_CHECK;

/* For a line of an MTA's log that another program wrote: what a filter says of one of the mails. */
void logsource_beside(struct sessions *sessions, const struct logline *head);

#define LOG_FORMAT(id, name, source)                                                               \
    enum err source##_line(struct sessions *sessions, struct text line, int64_t now_s,             \
        int32_t utc_offset_s) MUST_CHECK;
#include "zones/logformats.def"
#undef LOG_FORMAT

#endif
