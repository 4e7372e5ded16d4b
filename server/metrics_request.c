/* A request for the metrics; see metrics_request.h. */
#include "server/metrics_request.h"

#include <string.h>

struct text {
    const char *p;
    size_t n;
};

static bool
is(struct text text, const char *wanted)
{
    return text.n == strlen(wanted) && memcmp(text.p, wanted, text.n) == 0;
}

/* Up to the next blank, which is passed over. */
static struct text
take_word(struct text *line)
{
    const char *blank = memchr(line->p, ' ', line->n);
    struct text word = {line->p, blank == NULL ? line->n : (size_t)(blank - line->p)};
    size_t passed = word.n + (blank != NULL);
    line->p += passed;
    line->n -= passed;
    return word;
}

/* The line without its end, LF or CRLF (RFC 9112 2.2); false if its end has not come. */
static bool
take_line(struct text *rest, struct text *line)
{
    const char *end = memchr(rest->p, '\n', rest->n);
    if (end == NULL)
        return false;
    *line = (struct text){rest->p, (size_t)(end - rest->p)};
    rest->p += line->n + 1;
    rest->n -= line->n + 1;
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

static enum metrics_verdict
judge(struct text line, bool *head_only)
{
    struct text method = take_word(&line), target = take_word(&line), version = take_word(&line);
    bool http = is(version, "HTTP/1.0") || is(version, "HTTP/1.1");
    if (!http || line.n > 0 || method.n == 0 || target.n == 0 || target.p[0] != '/')
        return METRICS_BAD;
    *head_only = is(method, "HEAD");
    if (!*head_only && !is(method, "GET"))
        return METRICS_NO_METHOD;
    const char *question = memchr(target.p, '?', target.n);
    if (question != NULL)
        target.n = (size_t)(question - target.p);
    return is(target, "/metrics") ? METRICS_GOOD : METRICS_NOT_FOUND;
}

enum metrics_verdict
metrics_request_parse(const char *bytes, size_t n, bool *head_only)
{
    struct text rest = {bytes, n}, first, line;
    *head_only = false;
    if (!take_line(&rest, &first))
        return n >= METRICS_REQUEST_MAX ? METRICS_BAD : METRICS_MORE;
    /* Fields are read to their end, and mean nothing here. */
    while (take_line(&rest, &line))
        if (line.n == 0)
            return judge(first, head_only);
    return n >= METRICS_REQUEST_MAX ? METRICS_BAD : METRICS_MORE;
}
