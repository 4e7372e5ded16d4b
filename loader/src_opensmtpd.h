/*
 * Messages of OpenSMTPD, through syslog, of all its ways to write them: "SESSION smtp connected
 * address=.." (since 6.4), "SESSION smtp event=connected address=.." (6.0 to 6.3), "smtp-in: New
 * session SESSION from host .." (before). Pure, but for opensmtpd_line() of logsource.h. The HELO
 * is not logged, and whether the client's name is verified neither.
 *
 * Only the session's first line names the client, so the session is the key.
 */
#ifndef LOADER_SRC_OPENSMTPD_H
#define LOADER_SRC_OPENSMTPD_H

#include "loader/logevent.h"

void opensmtpd_parse(struct text message, struct log_event *out);

#endif
