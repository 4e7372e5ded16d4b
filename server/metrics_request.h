/*
 * A request for the metrics: HTTP/1.0 or 1.1, of which no more is understood than Prometheus, curl
 * and repdns need. Pure. RFC 9112.
 */
#ifndef SERVER_METRICS_REQUEST_H
#define SERVER_METRICS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* A longer one is refused. */
#define METRICS_REQUEST_MAX 2048

enum metrics_verdict {
    METRICS_MORE, /* not whole yet */
    METRICS_GOOD,
    METRICS_BAD,       /* 400 */
    METRICS_NOT_FOUND, /* 404 */
    METRICS_NO_METHOD  /* 405 */
};

/* Of n bytes that have come so far; head_only is set for a HEAD. */
enum metrics_verdict metrics_request_parse(const char *bytes, size_t n, bool *head_only);

#endif
