/* Parsing a query; see query.h. */
#include "server/query.h"

#include "server/strict.h"
#include "zones/wire.h"

/* False if their lengths are not those of the record. Unknown ones are passed over (RFC 6891
 * 6.1.2), and so is what a client may not put into known ones (RFC 5001 2.2). */
static bool
take_options(struct wire_in options, struct query *out)
{
    while (options.at < options.n && !options.failed) {
        uint16_t code = wire_get_u16(&options);
        wire_skip(&options, wire_get_u16(&options));
        out->wants_nsid |= code == OPTION_NSID;
        out->wants_keepalive |= code == OPTION_KEEPALIVE;
    }
    return !options.failed;
}

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
    size_t n = wire_get_u16(in);
    out->options = slice_of(in->p + in->at, n);
    wire_skip(in, n);
    /* Of another version nothing is known but the version. */
    return in->failed || out->edns_version != 0 || take_options(wire_in_of(out->options.p, n), out);
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

/* An OPT is the single record of the additional section, right behind the question, or it is not
 * looked at, as nothing else is (STRICT_OPT). */
static void
find_opt(struct wire_in *in, unsigned authority, unsigned additional, struct query *out)
{
    if (authority != 0 || additional != 1 || wire_get_u8(in) != 0 || wire_get_u16(in) != RR_OPT)
        return;
    out->udp_size = wire_get_u16(in);
    out->edns = !in->failed;
}

static void
parse_question(struct wire_in *in, struct query *out)
{
    wire_get_name(in, &out->qname);
    out->qtype = wire_get_u16(in);
    out->qclass = wire_get_u16(in);
    if (!in->failed)
        out->question_len = in->at - QUERY_HEADER_SIZE;
}

/* As rbldnsd reads a query (STRICT_DROPS, STRICT_NOTIMP, STRICT_CD). */
static enum rcode
parse_strict(struct wire_in *in, const unsigned counts[4], struct query *out, bool *drop)
{
    const unsigned unwanted = OPCODE_MASK | FLAG_AA | FLAG_TC;
    if (counts[0] == 1)
        parse_question(in, out);
    *drop = out->question_len == 0;
    if (*drop)
        return RCODE_FORMERR;
    find_opt(in, counts[2], counts[3], out);
    enum rcode rcode = (out->flags & unwanted) != 0 ? RCODE_NOTIMP : RCODE_NOERROR;
    out->flags &= rcode == RCODE_NOTIMP ? 0 : (uint16_t)~FLAG_CD;
    return rcode;
}

enum rcode
query_parse(
    const struct conf *conf, const uint8_t *packet, size_t len, struct query *out, bool *drop)
{
    struct wire_in in = wire_in_of(packet, len);
    unsigned counts[4];
    out->id = wire_get_u16(&in);
    out->flags = wire_get_u16(&in);
    for (unsigned i = 0; i < 4; i++)
        counts[i] = wire_get_u16(&in);
    out->question_len = 0;
    out->edns = out->dnssec_ok = out->wants_nsid = out->wants_keepalive = false;
    out->qname.len = 1;
    out->qname.b[0] = 0;
    out->qtype = out->qclass = out->udp_size = out->edns_version = 0;
    out->options = slice_of(NULL, 0);
    out->cookie.state = COOKIE_NONE;
    *drop = in.failed || (out->flags & FLAG_QR) != 0;
    if (*drop)
        return RCODE_FORMERR;
    if (strict_is(conf, STRICT_DROPS))
        return parse_strict(&in, counts, out, drop);
    bool query = (out->flags & OPCODE_MASK) == 0;
    enum rcode rcode = RCODE_FORMERR;
    if (counts[0] == 1)
        parse_question(&in, out);
    if (counts[0] == 0 || out->question_len != 0)
        rcode = parse_records(&in, counts[1] + counts[2], counts[3], out);
    bool asks = counts[0] == 1 || out->options.n > 0;
    if (!asks && rcode == RCODE_NOERROR)
        rcode = RCODE_FORMERR; /* RFC 9619 4 */
    /* Sections mean something else there, if they have this form at all. */
    return query || rcode == RCODE_BADVERS ? rcode : RCODE_NOTIMP;
}
