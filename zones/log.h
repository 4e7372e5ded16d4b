/*
 * Lines for the operator: to stderr (with systemd's <N> priority prefix when stderr is the journal)
 * or syslog. Text from outside is escaped here, so that no log line can be forged: control bytes,
 * backslash and bytes past 126 come out as \xHH.
 */
#ifndef ZONES_LOG_H
#define ZONES_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* Once at start, from main. program is borrowed for ever. */
void log_open(const char *program, enum log_level most);

/* "stdout": lines that are no warning go to standard output. The name of a facility of syslog(3):
 * they do, and all lines go to syslog as well, over a connection made now, so that a chroot may
 * follow. ERR_SYNTAX: neither. */
enum err log_to(const char *where) MUST_CHECK;
bool log_is_facility(const char *name);
/* One line of n bytes to this facility, whose name is good, and nowhere else. Waits while syslog's
 * socket is full. */
void log_syslog(const char *facility, const char *line, size_t n);
/* Where lines go to syslog: from now on only there. The standard descriptors become /dev/null. */
void log_detach(void);

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
