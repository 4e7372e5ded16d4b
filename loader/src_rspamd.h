/*
 * rspamd's line for each mail, "rspamd_task_write_log: ..", in its own file or through syslog: what
 * it says of the message (spam or ham), for the session that the queue id names. Pure, but for
 * rspamd_line() of logsource.h.
 *
 * The message id stands first in the line and is a stranger's text, as are the sender and what
 * symbols quote. So what occurs twice is not used. The message id itself is never handed out.
 */
#ifndef LOADER_SRC_RSPAMD_H
#define LOADER_SRC_RSPAMD_H

#include "loader/logevent.h"

/* LOG_EVENT_CLASS with mail, client, sender and label. */
void rspamd_parse(struct text message, struct log_event *out);

#endif
