/*
 * dnstap: what a worker notes of a query and its answer, and the frames that the process for dnstap
 * makes of it. Between them lies a ring (logring.h). Nothing of it runs unless the configuration
 * asks for it.
 */
#ifndef SERVER_DNSTAP_H
#define SERVER_DNSTAP_H

#include "server/answer.h"
#include "server/counters.h"
#include "server/logring.h"

enum {
    DNSTAP_QUERY_MAX = 1536,
    /* A larger answer, over TCP alone, is left out of its message. */
    DNSTAP_REPLY_MAX = ANSWER_UDP_MAX,
    DNSTAP_FRAME_MAX = 8192
};
#define DNSTAP_CONTENT "protobuf:dnstap.Dnstap"

/* A worker's part. */
struct dnstap {
    struct logring *ring; /* NULL: there is no dnstap */
    bool full;            /* addresses are not cut to /24 and /56 */
    uint32_t sample;      /* one of so many answers */
    uint32_t passed;      /* answers since the last one that was noted */
};

/* As it lies in the ring, without what follows the bytes of both messages. */
struct dnstap_record {
    int64_t time_ns; /* since 1970, of the answer */
    struct ip client;
    uint16_t port; /* 0: not told */
    uint16_t query_n, reply_n;
    uint8_t tcp;    /* 0: no. A bool that another process wrote might be neither */
    uint8_t zone_n; /* 0: none of ours */
    uint8_t bytes[DNAME_MAX + DNSTAP_QUERY_MAX + DNSTAP_REPLY_MAX]; /* zone, query, reply */
};

/* Notes an answer of n bytes, more than 0. False if the ring has no room. */
bool dnstap_take(struct dnstap *tap, const struct request *request, const struct answer_note *note,
    const uint8_t *reply, size_t n) MUST_CHECK;

/* A frame of n bytes of a record: of the query, or of the response. Returns its length, 0 for what
 * is no record. */
size_t dnstap_frame(const void *record, size_t n, bool response, const char *identity,
    uint8_t out[DNSTAP_FRAME_MAX]);

/* In the child, with SIGTERM and SIGHUP blocked: writes what the rings have to the socket or file
 * until SIGTERM, and then what is left, if that can be done at once. Returns the exit status. */
int dnstap_run(const struct dnstap_conf *conf, struct logring *rings, unsigned count,
    struct counters *counters);

#endif
