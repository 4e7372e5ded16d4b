/*
 * The query log: what a worker notes of an answer, and the line that the logger makes of it.
 * Between them lies a ring (logring.h). Pure; only answered queries are logged.
 */
#ifndef SERVER_QUERYLOG_H
#define SERVER_QUERYLOG_H

#include "server/answer.h"
#include "server/logring.h"

enum { QUERYLOG_BITS4 = 24, QUERYLOG_BITS6 = 56, QUERYLOG_LINE_MAX = 1400 };
enum querylog_flag {
    QUERYLOG_CUT = 1, /* the client's address, to so many bits */
    QUERYLOG_TCP = 2,
    QUERYLOG_EDNS = 4,
    QUERYLOG_TRUNCATED = 8,
    QUERYLOG_LISTED = 16
};

/* A worker's part. */
struct querylog {
    struct logring *ring; /* NULL: there is no query log */
    bool full;            /* addresses are not cut */
    bool keys;            /* nor keys hidden */
    uint32_t sample;      /* one of so many answers */
    uint32_t passed;      /* answers since the last one that was logged */
};

/* As it lies in the ring, without the bytes after the name. */
struct querylog_record {
    int64_t time_s;
    struct ip client; /* cut already */
    uint16_t qtype, qclass, answers, bytes;
    uint8_t rcode, flags;
    uint8_t name_n;          /* 0: the query had no question that could be read */
    uint8_t name[DNAME_MAX]; /* wire form, in the case that it was asked in; of a keyed zone with
                                the key's id for the key, "-" if it is nobody's */
};

/* Notes an answer of n bytes, more than 0. False if the ring has no room. */
bool querylog_take(struct querylog *log, const struct request *request,
    const struct answer_note *note, const uint8_t *reply, size_t n, int64_t now_s) MUST_CHECK;

/* One line with its end, of n bytes of a record; returns its length, 0 for what is no record. As
 * rbldnsd writes it, or a "text" of names and values. */
size_t querylog_format(const void *record, size_t n, bool text, char out[QUERYLOG_LINE_MAX]);

#endif
