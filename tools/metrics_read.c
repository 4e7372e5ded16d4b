/* Metrics of a running server; see metrics_read.h. */
#include "tools/metrics_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zones/socketaddr.h"

enum { TEXT_MAX = 16 << 20, FIRST_SIZE = 64 << 10, WAIT_S = 5 };

/* All that comes until the end, terminated; NULL if that failed or is too much. */
static char *
read_all(int fd)
{
    size_t size = FIRST_SIZE, n = 0;
    char *text = malloc(size);
    while (text != NULL) {
        ssize_t got = recv(fd, text + n, size - n - 1, 0);
        if (got == 0) {
            text[n] = '\0';
            return text;
        }
        if (got < 0 && errno == EINTR)
            continue;
        n += got > 0 ? (size_t)got : 0;
        bool full = n + 1 == size;
        char *more = got < 0 || (full && size >= TEXT_MAX) ? NULL
                     : full                                ? realloc(text, size * 2)
                                                           : text;
        if (more == NULL)
            free(text);
        size *= full ? 2 : 1;
        text = more;
    }
    return NULL;
}

static char *
ask(int fd)
{
    static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
    const struct timeval wait = {.tv_sec = WAIT_S};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    bool sent = send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1;
    return sent ? read_all(fd) : NULL;
}

/* The body moves to the text's begin; false if the answer is another one. */
static bool
strip_head(char *text)
{
    const char *body = strstr(text, "\r\n\r\n");
    if (strncmp(text, "HTTP/1.0 200 ", 13) != 0 || body == NULL)
        return false;
    memmove(text, body + 4, strlen(body + 4) + 1);
    return true;
}

enum err
metrics_read(const struct metrics_conf *conf, struct metrics_reading *out, struct errmsg *msg)
{
    *out = (struct metrics_reading){0};
    if (conf->path == NULL && !conf->has_listen)
        return errmsg_set(msg, ERR_NOTFOUND,
            "the configuration has no section metrics; say where repdnsd answers: "
            "metrics { path = \"...\" }");
    struct socketaddr address;
    int fd = -1;
    if (conf->path == NULL)
        socketaddr_of(&conf->listen, &address);
    if (conf->path == NULL || socketaddr_of_path(conf->path, &address))
        fd = socketaddr_connect(&address, 0);
    if (fd < 0)
        return errmsg_set(msg, ERR_NOTFOUND, "%s: %s; is repdnsd running, and may you ask it?",
            conf->path != NULL ? conf->path : "metrics", strerror(errno));
    char *text = ask(fd);
    (void)close(fd);
    if (text == NULL || !strip_head(text)) {
        free(text);
        return errmsg_set(msg, ERR_IO, "metrics: no answer; does repdnsd listen there?");
    }
    enum err err = metrics_parse(text, out);
    return err < 0 ? errmsg_set(msg, err, "metrics: the answer is not of repdnsd") : ERR_OK;
}

/* One line, cut to pieces in place. */
static bool
parse_line(char *line, struct metric *out)
{
    static char none[] = "";
    char *blank = strrchr(line, ' '), *end;
    if (blank == NULL)
        return false;
    *blank = '\0';
    out->value = strtod(blank + 1, &end);
    out->name = line;
    out->labels = none;
    char *brace = strchr(line, '{');
    size_t n = strlen(line);
    if (brace != NULL) {
        if (line[n - 1] != '}')
            return false;
        line[n - 1] = '\0';
        *brace = '\0';
        out->labels = brace + 1;
    }
    return end != blank + 1 && *end == '\0' && line[0] != '\0';
}

static bool
printable(const char *line)
{
    while (*line >= ' ' && *line <= '~')
        line++;
    return *line == '\0';
}

enum err
metrics_parse(char *text, struct metrics_reading *out)
{
    size_t lines = 1;
    for (const char *p = text; *p != '\0'; p++)
        lines += *p == '\n';
    *out = (struct metrics_reading){.text = text, .metrics = calloc(lines, sizeof *out->metrics)};
    enum err err = out->metrics == NULL ? ERR_NOMEM : ERR_OK;
    for (char *line = text; err == ERR_OK && *line != '\0';) {
        char *end = strchrnul(line, '\n'), *next = end + (*end == '\n');
        *end = '\0';
        if (!printable(line))
            err = ERR_FORMAT;
        else if (line[0] != '#' && line[0] != '\0' &&
                 !parse_line(line, &out->metrics[out->count++]))
            err = ERR_FORMAT;
        line = next;
    }
    if (err < 0)
        metrics_reading_free(out);
    return err;
}

void
metrics_reading_free(struct metrics_reading *reading)
{
    free(reading->text);
    free(reading->metrics);
    *reading = (struct metrics_reading){0};
}

double
metrics_value(const struct metrics_reading *reading, const char *name, const char *labels)
{
    for (size_t i = 0; i < reading->count; i++)
        if (strcmp(reading->metrics[i].name, name) == 0 &&
            strcmp(reading->metrics[i].labels, labels) == 0)
            return reading->metrics[i].value;
    return 0;
}

size_t
metrics_label(const struct metric *metric, const char *label, const char **out)
{
    size_t n = strlen(label);
    for (const char *p = metric->labels; *p != '\0';) {
        const char *value = strstr(p, "=\"");
        if (value == NULL)
            return 0;
        const char *end = value + 2;
        while (*end != '\0' && *end != '"')
            end += 1 + (end[0] == '\\' && end[1] != '\0');
        if (*end == '\0')
            return 0;
        *out = value + 2;
        if ((size_t)(value - p) == n && memcmp(p, label, n) == 0)
            return (size_t)(end - *out);
        p = end + 1 + (end[1] == ',');
    }
    return 0;
}
