/* Lines for the operator; see log.h. The sink is the tree's one mutable global. */
#include "log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *program;
    enum log_level most;
    bool journal;
} sink = {.program = "repdns", .most = LOG_LEVEL_INFO};

void
log_open(const char *program, enum log_level most)
{
    sink.program = program;
    sink.most = most;
    /* sd-daemon(3): the journal reads a priority in front of a line. */
    sink.journal = getenv("JOURNAL_STREAM") != NULL && !isatty(STDERR_FILENO);
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
    n += escape(text, line + n, sizeof line - n - 1);
    line[n++] = '\n';
    /* One write a line, so that lines of several processes do not mix. */
    (void)!write(STDERR_FILENO, line, n);
}
