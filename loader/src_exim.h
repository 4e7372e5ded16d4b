/*
 * Lines of Exim's main log, with its own stamp or through syslog, and of the reject log, which has
 * the same lines. Pure, but for exim_line() of logsource.h.
 *
 * "H=name (HELO) [address]": the name only where it is verified, the HELO only where it differs
 * from the name. The HELO is what a stranger sent; helo_accept_junk_hosts lets it hold anything,
 * and senders and commands may be made to look like fields too. So a line that could be read in two
 * ways names no client.
 */
#ifndef LOADER_SRC_EXIM_H
#define LOADER_SRC_EXIM_H

#include "loader/logevent.h"
#include "loader/logline.h"

/* host: n 0 without syslog. pid is 0 always: lines without one are the rule. text: behind the pid
 * and the message's id, empty for a piece of a line that is not its first. */
enum err exim_head(
    struct text line, int64_t now_s, int32_t utc_offset_s, struct logline *out) MUST_CHECK;
void exim_parse(struct text message, struct log_event *out);

#endif
