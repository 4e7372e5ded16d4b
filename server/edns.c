/* EDNS(0) in responses; see edns.h. */
#include "server/edns.h"

enum { OPT_SIZE = 11, OPTION_HEADER_SIZE = 4, CODE_SIZE = 2, KEEPALIVE_SIZE = 2 };

static size_t
cookie_size(const struct query *query)
{
    return query->cookie.state == COOKIE_NONE ? 0 : OPTION_HEADER_SIZE + COOKIE_SIZE;
}

size_t
edns_size(const struct query *query, const struct edns_options *options)
{
    size_t n = OPT_SIZE, nsid = strlen(options->nsid);
    if (!query->edns)
        return 0;
    if (options->ede.code != EDE_NONE)
        n += OPTION_HEADER_SIZE + CODE_SIZE + strlen(options->ede.text);
    if (nsid > 0)
        n += OPTION_HEADER_SIZE + nsid;
    if (options->keepalive_ds > 0)
        n += OPTION_HEADER_SIZE + KEEPALIVE_SIZE;
    return n + cookie_size(query);
}

static void
put_option(struct wire_out *out, enum edns_option code, size_t n)
{
    wire_put_u16(out, (uint16_t)code);
    wire_put_u16(out, (uint16_t)n);
}

static void
put_options(struct wire_out *out, const struct query *query, const struct edns_options *options)
{
    size_t nsid = strlen(options->nsid), text = strlen(options->ede.text);
    if (query->cookie.state != COOKIE_NONE) { /* RFC 7873 5.2.3 */
        put_option(out, OPTION_COOKIE, COOKIE_SIZE);
        wire_put(out, query->cookie.bytes, COOKIE_SIZE);
    }
    if (options->ede.code != EDE_NONE) {
        put_option(out, OPTION_EDE, CODE_SIZE + text);
        wire_put_u16(out, (uint16_t)options->ede.code);
        wire_put(out, options->ede.text, text);
    }
    if (nsid > 0) {
        put_option(out, OPTION_NSID, nsid);
        wire_put(out, options->nsid, nsid);
    }
    if (options->keepalive_ds > 0) {
        put_option(out, OPTION_KEEPALIVE, KEEPALIVE_SIZE);
        wire_put_u16(out, options->keepalive_ds);
    }
}

void
edns_put(struct wire_out *out, const struct query *query, uint16_t size_max, unsigned rcode,
    const struct edns_options *options)
{
    if (!query->edns)
        return;
    wire_put_u8(out, 0);
    wire_put_u16(out, RR_OPT);
    wire_put_u16(out, size_max);
    wire_put_u8(out, (uint8_t)(rcode >> 4));
    wire_put_u8(out, 0);
    wire_put_u16(out, query->dnssec_ok ? 0x8000 : 0); /* RFC 3225 3: DO is copied */
    wire_put_u16(out, (uint16_t)(edns_size(query, options) - OPT_SIZE));
    put_options(out, query, options);
}
