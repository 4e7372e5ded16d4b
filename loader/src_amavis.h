/*
 * amavis' line for each mail, "(01234-05) Passed CLEAN {RelayedInbound}, ..": what it says of the
 * message (spam or ham), for the session that the queue id names. Pure, but for amavis_line() of
 * logsource.h. Mail of own users and networks, which it names in capitals, has no class here.
 *
 * Verdict and client stand before the sender, the first text of a stranger; what follows is used
 * where it occurs once. The message id is never handed out.
 */
#ifndef LOADER_SRC_AMAVIS_H
#define LOADER_SRC_AMAVIS_H

#include "loader/logevent.h"

/* LOG_EVENT_CLASS with label, and mail, client and sender where they are known: without its
 * XFORWARD setting amavis knows no client. */
void amavis_parse(struct text message, struct log_event *out);

#endif
