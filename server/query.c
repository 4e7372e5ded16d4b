/* Parsing a query; see query.h. */
#include "server/query.h"

#include "zones/wire.h"

/* An OPT record whose owner and type were read (RFC 6891 6.1.2). */
static bool
take_opt(struct wire_in *in, struct query *out)
{
    if (out->edns)
        return false; /* RFC 6891 6.1.1: more than one is a FORMERR */
    out->edns = true;
    out->udp_size = wire_get_u16(in);
    (void)wire_get_u8(in);
    out->edns_version = wire_get_u8(in);
    out->dnssec_ok = (wire_get_u16(in) & 0x8000) != 0;
    wire_skip(in, wire_get_u16(in));
    return true;
}

static enum rcode
parse_records(struct wire_in *in, unsigned others, unsigned additional, struct query *out)
{
    for (unsigned i = 0; i < others + additional && !in->failed; i++) {
        bool root = in->at < in->n && in->p[in->at] == 0;
        wire_skip_name(in);
        uint16_t type = wire_get_u16(in);
        if (type == RR_OPT && !in->failed) {
            if (i < others || !root || !take_opt(in, out))
                return RCODE_FORMERR;
            continue;
        }
        wire_skip(in, 6);
        wire_skip(in, wire_get_u16(in));
    }
    if (in->failed)
        return RCODE_FORMERR;
    return out->edns && out->edns_version != 0 ? RCODE_BADVERS : RCODE_NOERROR;
}

enum rcode
query_parse(const uint8_t *packet, size_t len, struct query *out, bool *drop)
{
    struct wire_in in = wire_in_of(packet, len);
    out->id = wire_get_u16(&in);
    out->flags = wire_get_u16(&in);
    unsigned questions = wire_get_u16(&in);
    unsigned others = wire_get_u16(&in);
    others += wire_get_u16(&in);
    unsigned additional = wire_get_u16(&in);
    out->question_len = 0;
    out->edns = out->dnssec_ok = false;
    out->qtype = out->qclass = 0;
    *drop = in.failed || (out->flags & FLAG_QR) != 0;
    if (*drop)
        return RCODE_FORMERR;
    if ((out->flags & OPCODE_MASK) != 0)
        return RCODE_NOTIMP;
    if (questions != 1)
        return RCODE_FORMERR;
    wire_get_name(&in, &out->qname);
    out->qtype = wire_get_u16(&in);
    out->qclass = wire_get_u16(&in);
    if (in.failed)
        return RCODE_FORMERR;
    out->question_len = in.at - QUERY_HEADER_SIZE;
    return parse_records(&in, others, additional, out);
}
