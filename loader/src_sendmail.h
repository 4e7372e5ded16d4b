/*
 * Messages of Sendmail, through syslog, at its LogLevel of 9. Pure, but for sendmail_line() of
 * logsource.h. The HELO is not logged.
 *
 * A mail is accepted by its "from=" line with recipients; a filter may still turn it away.
 * "relay=[ident@]name [address] (may be forged)" stands last there, so that it is read from the
 * right; in "ruleset=" lines a stranger's text stands on both sides of it, and one that could be
 * read in two ways names no client.
 */
#ifndef LOADER_SRC_SENDMAIL_H
#define LOADER_SRC_SENDMAIL_H

#include "loader/logevent.h"

bool sendmail_program(struct text name);
void sendmail_parse(struct text message, struct log_event *out);

#endif
