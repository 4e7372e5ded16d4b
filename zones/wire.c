/* The wire cursor; see wire.h. */
#include "wire.h"

enum { POINTER = 0xc0, POINTER_REACH = 0x3fff };

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

void
wire_put_name(
    struct wire_out *out, const struct dname *name, const struct dname *known, size_t known_at)
{
    size_t at = 0;
    while (name->b[at] != 0) {
        size_t rest = (size_t)name->len - at, from = known->len - rest;
        /* Equal tails of the same length, which is a whole name in "known" only if a label begins
         * there. Most differ in their first two bytes. */
        if (rest <= known->len && name->b[at] == known->b[from] &&
            name->b[at + 1] == known->b[from + 1] &&
            memcmp(name->b + at, known->b + from, rest) == 0 && known_at + from <= POINTER_REACH) {
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
