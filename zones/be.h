/* Big-endian numbers in the stores' records. Of packets: wire.h, which checks bounds as well. */
#ifndef ZONES_BE_H
#define ZONES_BE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* bytes: at most 8. The caller has checked that they are there. Those widths that the answer path
 * reads all the time are one load. */
static inline uint64_t
be_get(const uint8_t *in, unsigned bytes)
{
    uint64_t n = 0;
    if (bytes == 2) {
        uint16_t word;
        memcpy(&word, in, sizeof word);
        return be16toh(word);
    }
    if (bytes == 4) {
        uint32_t word;
        memcpy(&word, in, sizeof word);
        return be32toh(word);
    }
    for (unsigned i = 0; i < bytes; i++)
        n = n << 8 | in[i];
    return n;
}

/* Returns the byte behind. */
static inline uint8_t *
be_put(uint8_t *out, uint64_t n, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;)
        *out++ = (uint8_t)(n >> 8 * i);
    return out;
}

#endif
