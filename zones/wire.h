/*
 * The wire cursor: bounded reading and writing of DNS messages, with a sticky error, so that a
 * caller checks once at the end. Big-endian (RFC 1035 2.3.2). Pure; on the answer path.
 */
#ifndef ZONES_WIRE_H
#define ZONES_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dname.h"
#include "slice.h"

struct wire_in {
    const uint8_t *p;
    size_t n, at;
    bool failed; /* something was asked beyond the end, or was malformed */
};

static inline struct wire_in
wire_in_of(const void *p, size_t n)
{
    return (struct wire_in){.p = p, .n = n};
}

/* Whether n more bytes are there; if not, the cursor has failed. */
static inline bool
wire_has(struct wire_in *in, size_t n)
{
    if (in->failed || in->n - in->at < n)
        in->failed = true;
    return !in->failed;
}

/* These give 0 after a failure. */
static inline uint8_t
wire_get_u8(struct wire_in *in)
{
    return wire_has(in, 1) ? in->p[in->at++] : 0;
}

static inline uint16_t
wire_get_u16(struct wire_in *in)
{
    if (!wire_has(in, 2))
        return 0;
    const uint8_t *p = in->p + in->at;
    in->at += 2;
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
wire_get_u32(struct wire_in *in)
{
    uint32_t high = wire_get_u16(in);
    return high << 16 | wire_get_u16(in);
}

static inline void
wire_skip(struct wire_in *in, size_t n)
{
    if (wire_has(in, n))
        in->at += n;
}

/* A name without compression, folded to lower case. */
void wire_get_name(struct wire_in *in, struct dname *out);
/* Passes over a name that may end in a compression pointer (RFC 1035 4.1.4). */
void wire_skip_name(struct wire_in *in);

struct wire_out {
    uint8_t *p;
    size_t size, n;
    bool full; /* something did not fit; nothing was written from there on */
};

static inline struct wire_out
wire_out_of(void *p, size_t size)
{
    return (struct wire_out){.p = p, .size = size};
}

/* Whether n more bytes fit; if not, the message is full. */
static inline bool
wire_fits(struct wire_out *out, size_t n)
{
    if (out->full || out->size - out->n < n)
        out->full = true;
    return !out->full;
}

static inline void
wire_put_u8(struct wire_out *out, uint8_t v)
{
    if (wire_fits(out, 1))
        out->p[out->n++] = v;
}

static inline void
wire_put_u16(struct wire_out *out, uint16_t v)
{
    if (!wire_fits(out, 2))
        return;
    v = htobe16(v);
    memcpy(out->p + out->n, &v, sizeof v);
    out->n += sizeof v;
}

static inline void
wire_put_u32(struct wire_out *out, uint32_t v)
{
    if (!wire_fits(out, sizeof v))
        return;
    v = htobe32(v);
    memcpy(out->p + out->n, &v, sizeof v);
    out->n += sizeof v;
}

static inline void
wire_put(struct wire_out *out, const void *bytes, size_t n)
{
    if (n == 0 || !wire_fits(out, n))
        return;
    memcpy(out->p + out->n, bytes, n);
    out->n += n;
}

/* Overwrites two bytes written before. */
static inline void
wire_patch_u16(struct wire_out *out, size_t at, uint16_t v)
{
    out->p[at] = (uint8_t)(v >> 8);
    out->p[at + 1] = (uint8_t)v;
}

/* The name, its longest common ancestor with "known" as a pointer to where that begins: known's
 * first byte lies at known_at (RFC 1035 4.1.4). */
void wire_put_name(
    struct wire_out *out, const struct dname *name, const struct dname *known, size_t known_at);

#endif
