/*
 * The head of a syslog line: when, which host, which program; RFC 3164, RFC 5424 and RFC 3339
 * stamps as rsyslog, syslog-ng, Solaris, FreeBSD and Postfix's own postlogd write them. Pure.
 *
 * Borrows from the line. A stamp without a year gets the latest year that does not put it more than
 * a day past now; a stamp without an offset is local time.
 */
#ifndef LOADER_LOGLINE_H
#define LOADER_LOGLINE_H

#include <stdint.h>

#include "loader/src_text.h"
#include "zones/err.h"

struct logline {
    int64_t when_s;
    struct text host;    /* n 0: none was written */
    struct text program; /* "postfix/smtpd" */
    uint32_t pid;        /* 0: none */
    struct text text;    /* what the program said; out of "message repeated N times: [ ]" too */
};

/* utc_offset_s: local time minus UTC. ERR_SYNTAX for a line without stamp or program. */
enum err logline_parse(const char *line, size_t len, int64_t now_s, int32_t utc_offset_s,
    struct logline *out) MUST_CHECK;

/* The stamp alone, which *in is then behind. ERR_SYNTAX where none stands there, with a blank or
 * the end behind it. */
enum err logline_stamp(
    struct text *in, int64_t now_s, int32_t utc_offset_s, int64_t *when_s) MUST_CHECK;

#endif
