/*
 * What somebody gets who is not served, or whose query can only be a mistake: by the zone's choice
 * REFUSED with an extended error (RFC 8914), an address of 127.255.255.0/24 with a text, or
 * nothing. On the answer path.
 */
#ifndef SERVER_REFUSAL_H
#define SERVER_REFUSAL_H

#include "server/reply.h"

enum refusal {
    REFUSAL_NONE,
#define REFUSAL(id, a, error, text) REFUSAL_##id,
#include "server/refusal.def"
#undef REFUSAL
    REFUSAL_COUNT
};

/* Instead of an answer; what was written goes. reply->zone is set. */
void refuse(struct reply *reply, enum refusal why);

#endif
