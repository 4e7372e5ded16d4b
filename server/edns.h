/*
 * EDNS(0) in responses: the OPT record with an extended error. On the answer path.
 * RFC 6891, RFC 8914.
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
    EDE_NOT_AUTHORITATIVE = 20
};

struct ede_note {
    enum ede code;
    const char *text; /* static storage; may be "" */
};

/* Bytes that edns_put takes. */
size_t edns_size(const struct query *query, const struct ede_note *note);
/* size_max: bytes of UDP that we take. */
void edns_put(struct wire_out *out, const struct query *query, uint16_t size_max, unsigned rcode,
    const struct ede_note *note);

#endif
