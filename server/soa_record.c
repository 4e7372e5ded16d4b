/* SOA records; see soa_record.h. */
#include "server/soa_record.h"

enum { POINTER = 0xc000 };

static void
put_name(const struct dname *name, const struct dname *apex, struct wire_out *wire,
    struct soa_record *out)
{
    size_t start = wire->n;
    wire_put_name(wire, name, apex, 0);
    bool shorter = wire->n - start < name->len;
    if (shorter)
        out->pointer_at[out->pointers++] = (uint16_t)(wire->n - 2);
}

void
soa_record_make(
    const struct soa *soa, uint32_t serial, const struct dname *apex, struct soa_record *out)
{
    struct wire_out wire = wire_out_of(out->bytes, sizeof out->bytes);
    out->pointers = 0;
    put_name(&soa->mname, apex, &wire, out);
    put_name(&soa->rname, apex, &wire, out);
    wire_put_u32(&wire, serial);
    wire_put_u32(&wire, soa->refresh_s);
    wire_put_u32(&wire, soa->retry_s);
    wire_put_u32(&wire, soa->expire_s);
    wire_put_u32(&wire, soa->minimum_s);
    out->n = (uint16_t)wire.n;
}

void
soa_record_put(const struct soa_record *soa, size_t apex_at, struct wire_out *out)
{
    size_t start = out->n;
    wire_put(out, soa->bytes, soa->n);
    for (unsigned i = 0; i < soa->pointers && !out->full; i++) {
        const uint8_t *pointer = soa->bytes + soa->pointer_at[i];
        size_t into = (size_t)(pointer[0] << 8 | pointer[1]) - POINTER;
        wire_patch_u16(out, start + soa->pointer_at[i], (uint16_t)(POINTER | (apex_at + into)));
    }
}
