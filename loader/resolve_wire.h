/*
 * The packets of the resolver: a question made, a reply judged. ldns parses and builds; nothing
 * here touches a socket. Pure functions.
 */
#ifndef LOADER_RESOLVE_WIRE_H
#define LOADER_RESOLVE_WIRE_H

#include "loader/dnscache.h"

/* Less than the IPv6 minimum MTU less headers, so that no reply comes in fragments (the value that
 * DNS flag day 2020 settled on). */
#define RESOLVE_EDNS_SIZE  1232U
#define RESOLVE_QUERY_SIZE 300U /* header 12, name 255, type and class 4, OPT 11 */
#define RESOLVE_CHAIN_MAX  16U  /* CNAMEs followed within one reply */

struct resolve_question {
    uint16_t id;
    enum dns_type type;
    struct dname name;
    bool plain; /* without EDNS: the resolver choked on it (RFC 6891 6.2.2) */
};

/* Writes the query, RD set. Returns its size; ERR_NOMEM. */
enum err resolve_wire_query(
    const struct resolve_question *question, uint8_t out[RESOLVE_QUERY_SIZE], size_t *n) MUST_CHECK;

enum resolve_reply_kind {
    REPLY_STRANGER,  /* not an answer to this question: drop it and wait on */
    REPLY_ANSWER,    /* conclusive */
    REPLY_TRUNCATED, /* ask again over TCP */
    REPLY_PLAIN,     /* ask again without EDNS */
    REPLY_FAILED     /* SERVFAIL, REFUSED, nonsense, no memory: ask again, then unknown */
};

struct resolve_reply {
    enum dns_status status; /* OK, NODATA or NXDOMAIN */
    uint32_t ttl_s;         /* not yet bounded */
    unsigned count;
    struct slice records; /* as in struct dns_answer, in memcmp order; owned: buffer */
    void *buffer;         /* to be freed, whatever the kind was */
};

enum resolve_reply_kind resolve_wire_reply(const struct resolve_question *question,
    const uint8_t *packet, size_t n, struct resolve_reply *out);

#endif
