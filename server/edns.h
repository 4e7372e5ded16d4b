/*
 * EDNS(0) in responses: the OPT record and its options. On the answer path. Padding (RFC 7830) is
 * never put: no transport here is encrypted (RFC 8467 3).
 * RFC 5001, RFC 6891, RFC 7828, RFC 8914.
 */
#ifndef SERVER_EDNS_H
#define SERVER_EDNS_H

#include "server/query.h"
#include "zones/wire.h"

/* RFC 8914 4: info codes that are used here. */
enum ede {
    EDE_NONE = -1,
    EDE_OTHER = 0,
    EDE_NOT_READY = 14,
    EDE_PROHIBITED = 18,
    EDE_NOT_AUTHORITATIVE = 20,
    EDE_NOT_SUPPORTED = 21,
    EDE_INVALID_DATA = 24
};

struct ede_note {
    enum ede code;
    const char *text; /* static storage; may be "" */
};

struct edns_options {
    struct ede_note ede;
    const char *nsid;      /* "": none */
    uint16_t keepalive_ds; /* tenths of a second; 0: none */
};

/* Bytes that edns_put takes. */
size_t edns_size(const struct query *query, const struct edns_options *options);
/* size_max: bytes of UDP that we take. */
void edns_put(struct wire_out *out, const struct query *query, uint16_t size_max, unsigned rcode,
    const struct edns_options *options);

#endif
