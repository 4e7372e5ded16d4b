/* EDNS(0) in responses; see edns.h. */
#include "server/edns.h"

enum { OPT_SIZE = 11, OPTION_HEADER_SIZE = 4, OPTION_COOKIE = 10, OPTION_EDE = 15 };

static size_t
option_size(const struct ede_note *note)
{
    return note->code == EDE_NONE ? 0 : OPTION_HEADER_SIZE + 2 + strlen(note->text);
}

static size_t
cookie_size(const struct query *query)
{
    return query->cookie.state == COOKIE_NONE ? 0 : OPTION_HEADER_SIZE + COOKIE_SIZE;
}

/* RFC 7873 5.2.3 */
static void
put_cookie(struct wire_out *out, const struct query *query)
{
    if (query->cookie.state == COOKIE_NONE)
        return;
    wire_put_u16(out, OPTION_COOKIE);
    wire_put_u16(out, COOKIE_SIZE);
    wire_put(out, query->cookie.bytes, COOKIE_SIZE);
}

size_t
edns_size(const struct query *query, const struct ede_note *note)
{
    return query->edns ? OPT_SIZE + cookie_size(query) + option_size(note) : 0;
}

void
edns_put(struct wire_out *out, const struct query *query, uint16_t size_max, unsigned rcode,
    const struct ede_note *note)
{
    if (!query->edns)
        return;
    size_t option = option_size(note);
    wire_put_u8(out, 0);
    wire_put_u16(out, RR_OPT);
    wire_put_u16(out, size_max);
    wire_put_u8(out, (uint8_t)(rcode >> 4));
    wire_put_u8(out, 0);
    wire_put_u16(out, query->dnssec_ok ? 0x8000 : 0); /* RFC 3225 3: DO is copied */
    wire_put_u16(out, (uint16_t)(cookie_size(query) + option));
    put_cookie(out, query);
    if (option == 0)
        return;
    wire_put_u16(out, OPTION_EDE);
    wire_put_u16(out, (uint16_t)(option - OPTION_HEADER_SIZE));
    wire_put_u16(out, (uint16_t)note->code);
    wire_put(out, note->text, strlen(note->text));
}
