/* Messages of a TCP stream; see tcp_frame.h. */
#include "server/tcp_frame.h"

#include <string.h>

enum tcp_frame_state
tcp_frame_next(const struct tcp_frame *frame, struct slice *message)
{
    if (frame->n < TCP_FRAME)
        return TCP_FRAME_PART;
    size_t n = (size_t)frame->bytes[0] << 8 | frame->bytes[1];
    if (n > TCP_QUERY_MAX)
        return TCP_FRAME_BAD;
    if (frame->n < TCP_FRAME + n)
        return TCP_FRAME_PART;
    *message = slice_of(frame->bytes + TCP_FRAME, n);
    return TCP_FRAME_WHOLE;
}

void
tcp_frame_drop(struct tcp_frame *frame, size_t n)
{
    n += TCP_FRAME;
    frame->n = (uint16_t)(frame->n - n);
    memmove(frame->bytes, frame->bytes + n, frame->n);
}
