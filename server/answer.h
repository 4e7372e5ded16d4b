/*
 * The answer path: a query's bytes in, a response's bytes out. Pure but for reading the snapshot:
 * no clock, no allocation, no log, no file, no lock (make check-hot). UDP, TCP and tests are only
 * callers.
 *
 * RFC 1034, 1035, 2181, 2308, 3597, 4343, 4892, 5001, 5782, 6891, 7828, 7873, 8020, 8482, 8914,
 * 9018, 9156.
 */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/snapshot.h"
#include "zones/ip.h"

struct gate;

#define ANSWER_UDP_MAX   2048 /* room for one over UDP: as rbldnsd sends them (STRICT_UDP_MAX) */
#define ANSWER_PLAIN_MAX 512  /* RFC 1035 4.2.1: a query without EDNS */
#define ANSWER_TCP_MAX   65535

struct request {
    const uint8_t *packet;
    size_t len;
    struct ip client;
    uint16_t port; /* the client's; for dnstap alone */
    bool tcp;
    struct gate *gate; /* NULL: no limits, no cookies and no keys */
};

/* Why there is no answer. */
enum drop {
#define DROP(id, name, text) DROP_##id,
#include "server/counters.def"
};

/* What the answer was, for counters and logs; the I/O loop counts, not the answer path. */
struct answer_note {
    uint8_t rcode;  /* of the response; meaningless if dropped */
    bool dropped;   /* 0 bytes: malformed beyond answering, or a response (RFC 1035 7.3) */
    enum drop drop; /* why, if dropped */
    bool listed;    /* a positive A/TXT/ANY answer from data */
    bool truncated; /* TC set */
    bool edns;
    bool stale;         /* SERVFAIL because a dataset has expired */
    bool acl;           /* dropped or refused by an access list */
    uint8_t wrong_kind; /* enum wrong_kind: what was asked of a zone of another kind */
    uint8_t refusal;    /* enum refusal: why the client is not served */
    uint8_t rate;       /* enum rrl_verdict */
    uint8_t cookie;     /* enum cookie_state */
    uint16_t qtype;
    uint16_t question_len;       /* bytes of the question, 0: none that could be read */
    const struct zone_def *zone; /* NULL: none of ours */
    struct reason_set reasons;   /* of what was found; in the answer if listed */
    bool literal;                /* likewise, a list's own value */
    uint8_t key_at, key_n;       /* where in the question the label of a key is; 0: nowhere */
    const char *key_id;          /* whose it is; NULL: nobody's */
};

/* Writes at most out_size bytes (at least ANSWER_UDP_MAX; ANSWER_TCP_MAX for TCP) and returns how
 * many, 0 for no answer. snapshot is held by the caller over the call. now_s is compared with what
 * expires. */
size_t answer(const struct view_table *views, struct snapshot *snapshot,
    const struct request *request, int64_t now_s, uint8_t *out, size_t out_size,
    struct answer_note *note);

#endif
