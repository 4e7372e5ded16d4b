/* Lines for the operator; see log.h. The sink is the tree's one mutable global. */
#include "log.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static struct {
    const char *program;
    enum log_level most;
    bool journal;
    bool split;    /* what is no warning goes to standard output */
    bool syslog;   /* and everything to syslog too */
    bool detached; /* there only */
    int nowhere;   /* /dev/null, which a chroot may not have */
} sink = {.program = "repdns", .most = LOG_LEVEL_INFO, .nowhere = -1};

void
log_open(const char *program, enum log_level most)
{
    sink.program = program;
    sink.most = most;
    /* sd-daemon(3): the journal reads a priority in front of a line. */
    sink.journal = getenv("JOURNAL_STREAM") != NULL && !isatty(STDERR_FILENO);
}

static const struct {
    const char *name;
    int facility;
} facilities[] = {{"auth", LOG_AUTH}, {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},
    {"daemon", LOG_DAEMON}, {"ftp", LOG_FTP}, {"kern", LOG_KERN}, {"lpr", LOG_LPR},
    {"mail", LOG_MAIL}, {"news", LOG_NEWS}, {"syslog", LOG_SYSLOG}, {"user", LOG_USER},
    {"uucp", LOG_UUCP}, {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7}};

static size_t
find_facility(const char *name)
{
    size_t i = 0, count = sizeof facilities / sizeof *facilities;
    while (i < count && strcmp(facilities[i].name, name) != 0)
        i++;
    return i;
}

bool
log_is_facility(const char *name)
{
    return find_facility(name) < sizeof facilities / sizeof *facilities;
}

enum err
log_to(const char *where)
{
    sink.split = true;
    if (strcmp(where, "stdout") == 0)
        return ERR_OK;
    if (!log_is_facility(where))
        return ERR_SYNTAX;
    sink.nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    openlog(sink.program, LOG_PID | LOG_NDELAY, facilities[find_facility(where)].facility);
    sink.syslog = true;
    return ERR_OK;
}

void
log_syslog(const char *facility, const char *line, size_t n)
{
    syslog(facilities[find_facility(facility)].facility | LOG_INFO, "%.*s", (int)n, line);
}

void
log_detach(void)
{
    if (!sink.syslog || sink.nowhere < 0)
        return;
    sink.detached = true;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        (void)!dup2(sink.nowhere, fd);
}

/* Printable ASCII stays; nothing else can end a line or forge one. */
static size_t
escape(const char *text, char *out, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    for (; *text != '\0' && n + 5 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= ' ' && c < 127 && c != '\\') {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '\\';
        out[n++] = 'x';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return n;
}

void
log_line(enum log_level level, const char *format, ...)
{
    if (level > sink.most)
        return;
    char text[2048], line[4096];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int head = sink.journal ? snprintf(line, sizeof line, "<%d>%s: ", (int)level, sink.program)
                            : snprintf(line, sizeof line, "%s: ", sink.program);
    size_t n = head < 0 ? 0 : (size_t)head;
    size_t head_n = n;
    n += escape(text, line + n, sizeof line - n - 1);
    if (sink.syslog)
        syslog((int)level, "%.*s", (int)(n - head_n), line + head_n);
    line[n++] = '\n';
    /* One write a line, so that lines of several processes do not mix. */
    if (!sink.detached)
        (void)!write(
            sink.split && level > LOG_LEVEL_WARNING ? STDOUT_FILENO : STDERR_FILENO, line, n);
}
