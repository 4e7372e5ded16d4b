/*
 * A TCP stream of DNS messages, each behind its length (RFC 1035 4.2.2). However the stream is cut
 * into pieces, the messages are the same. Pure.
 */
#ifndef SERVER_TCP_FRAME_H
#define SERVER_TCP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zones/slice.h"

enum { TCP_FRAME = 2, TCP_QUERY_MAX = 1536 /* no query is longer */ };

/* What has arrived and is not answered yet. */
struct tcp_frame {
    uint16_t n;
    uint8_t bytes[TCP_FRAME + TCP_QUERY_MAX];
};

enum tcp_frame_state {
    TCP_FRAME_PART,  /* more has to come */
    TCP_FRAME_WHOLE, /* a message is at the front */
    TCP_FRAME_BAD    /* longer than a query may be: there is no way on in this stream */
};

/* The message at the front; borrowed until the frame changes. */
enum tcp_frame_state tcp_frame_next(const struct tcp_frame *frame, struct slice *message);
/* Drops a message of n bytes from the front. */
void tcp_frame_drop(struct tcp_frame *frame, size_t n);

#endif
