/*
 * Any bytes as a TCP stream: whatever the pieces that it arrives in, the messages in it are the
 * same. The first byte chooses the pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "server/tcp_frame.h"
#include "zones/fnv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t messages, bytes;
    uint64_t digest;
    enum tcp_frame_state state;
};

/* piece: bytes that arrive at once, changed by each; 0: as many as there is room for. */
static struct seen
read_stream(const uint8_t *data, size_t size, unsigned piece)
{
    struct tcp_frame frame = {0};
    struct seen seen = {.digest = FNV_START};
    struct slice message;
    unsigned step = piece;
    for (size_t at = 0; at < size && seen.state != TCP_FRAME_BAD;) {
        size_t n = sizeof frame.bytes - frame.n;
        if (n == 0)
            abort(); /* full, and nothing whole: no way on */
        n = n < size - at ? n : size - at;
        step = step * 5 + 1;
        if (piece != 0 && n > step % piece + 1)
            n = step % piece + 1;
        memcpy(frame.bytes + frame.n, data + at, n);
        frame.n = (uint16_t)(frame.n + n);
        at += n;
        while ((seen.state = tcp_frame_next(&frame, &message)) == TCP_FRAME_WHOLE) {
            seen.digest = fnv_add(seen.digest, &message.n, sizeof message.n);
            seen.digest = fnv_add(seen.digest, message.p, message.n);
            seen.messages++;
            seen.bytes += TCP_FRAME + message.n;
            tcp_frame_drop(&frame, message.n);
        }
    }
    return seen;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct seen whole = read_stream(data + 1, size - 1, 0);
    struct seen single = read_stream(data + 1, size - 1, 1);
    struct seen pieces = read_stream(data + 1, size - 1, data[0]);
    if (whole.bytes > size - 1 || whole.messages != single.messages ||
        whole.digest != single.digest || whole.state != single.state ||
        whole.messages != pieces.messages || whole.digest != pieces.digest ||
        whole.state != pieces.state)
        abort();
    return 0;
}
