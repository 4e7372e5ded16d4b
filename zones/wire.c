/* The wire cursor; see wire.h. */
#include "wire.h"

enum { POINTER = 0xc0, POINTER_REACH = 0x3fff };

static bool
has(struct wire_in *in, size_t n)
{
    if (in->failed || in->n - in->at < n)
        in->failed = true;
    return !in->failed;
}

uint8_t
wire_get_u8(struct wire_in *in)
{
    return has(in, 1) ? in->p[in->at++] : 0;
}

uint16_t
wire_get_u16(struct wire_in *in)
{
    if (!has(in, 2))
        return 0;
    const uint8_t *p = in->p + in->at;
    in->at += 2;
    return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
wire_get_u32(struct wire_in *in)
{
    uint32_t high = wire_get_u16(in);
    return high << 16 | wire_get_u16(in);
}

void
wire_skip(struct wire_in *in, size_t n)
{
    if (has(in, n))
        in->at += n;
}

void
wire_get_name(struct wire_in *in, struct dname *out)
{
    if (in->failed || dname_from_wire(in->p + in->at, in->n - in->at, out) < 0) {
        in->failed = true;
        *out = (struct dname){.len = 1};
        return;
    }
    in->at += out->len;
}

void
wire_skip_name(struct wire_in *in)
{
    size_t total = 0;
    while (!in->failed) {
        uint8_t n = wire_get_u8(in);
        if (n >= POINTER) {
            wire_skip(in, 1);
            return;
        }
        total += n + 1U;
        if (n > 63 || total > DNAME_MAX)
            in->failed = true;
        wire_skip(in, n);
        if (n == 0)
            return;
    }
}

static bool
fits(struct wire_out *out, size_t n)
{
    if (out->full || out->size - out->n < n)
        out->full = true;
    return !out->full;
}

void
wire_put_u8(struct wire_out *out, uint8_t v)
{
    if (fits(out, 1))
        out->p[out->n++] = v;
}

void
wire_put_u16(struct wire_out *out, uint16_t v)
{
    if (!fits(out, 2))
        return;
    out->p[out->n++] = (uint8_t)(v >> 8);
    out->p[out->n++] = (uint8_t)v;
}

void
wire_put_u32(struct wire_out *out, uint32_t v)
{
    wire_put_u16(out, (uint16_t)(v >> 16));
    wire_put_u16(out, (uint16_t)v);
}

void
wire_put(struct wire_out *out, const void *bytes, size_t n)
{
    if (n == 0 || !fits(out, n))
        return;
    memcpy(out->p + out->n, bytes, n);
    out->n += n;
}

void
wire_patch_u16(struct wire_out *out, size_t at, uint16_t v)
{
    out->p[at] = (uint8_t)(v >> 8);
    out->p[at + 1] = (uint8_t)v;
}

void
wire_put_name(
    struct wire_out *out, const struct dname *name, const struct dname *known, size_t known_at)
{
    size_t at = 0;
    while (name->b[at] != 0) {
        size_t rest = (size_t)name->len - at, from = known->len - rest;
        /* Equal tails of the same length, which is a whole name in "known" only if a label begins
         * there. */
        if (rest <= known->len && memcmp(name->b + at, known->b + from, rest) == 0 &&
            known_at + from <= POINTER_REACH) {
            size_t label = 0;
            while (label < from)
                label += known->b[label] + 1U;
            if (label == from) {
                wire_put_u16(out, (uint16_t)(POINTER << 8 | (known_at + from)));
                return;
            }
        }
        wire_put(out, name->b + at, name->b[at] + 1U);
        at += name->b[at] + 1U;
    }
    wire_put_u8(out, 0);
}
