/* What somebody gets who is not served; see refusal.h. */
#include "server/refusal.h"

#include "server/txt.h"

/* Short, since it ends with the trouble, and kept at all, since most who get it never look. */
enum { TTL_S = 60, RDATA_MAX = 128 };

static const struct {
    uint32_t a;
    const char *error, *text;
} refusals[] = {
    [REFUSAL_NONE] = {0, "", ""},
#define REFUSAL(id, a, error, text) [REFUSAL_##id] = {a, error, text},
#include "server/refusal.def"
#undef REFUSAL
};

static void
put_code(struct reply *reply, enum refusal why)
{
    const uint32_t a = refusals[why].a;
    const uint16_t type = reply->query->qtype;
    const uint8_t address[4] = {
        (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a};
    uint8_t bytes[RDATA_MAX];
    struct wire_out rdata = wire_out_of(bytes, sizeof bytes);
    txt_put_strings(&rdata, refusals[why].text, strlen(refusals[why].text));
    if (type == RR_A || type == RR_ANY)
        reply_put(reply, RR_A, TTL_S, address, sizeof address);
    if (type == RR_TXT || type == RR_ANY)
        reply_put(reply, RR_TXT, TTL_S, bytes, rdata.n);
}

void
refuse(struct reply *reply, enum refusal why)
{
    const uint16_t type = reply->query->qtype;
    const enum zone_errors errors = reply->zone->errors;
    bool shows = type == RR_A || type == RR_TXT || type == RR_ANY;
    reply->note->refusal = (uint8_t)why;
    reply->dropped = errors == ZONE_DROPS;
    bool code = errors == ZONE_CODES && shows;
    bool exists = errors == ZONE_CODES && why == REFUSAL_KIND; /* the name has an A and a TXT */
    reply_fail(reply, code || exists ? RCODE_NOERROR : RCODE_REFUSED,
        refusals[why].error[0] == '\0' ? EDE_NONE : EDE_PROHIBITED, refusals[why].error);
    reply->authoritative = code || exists;
    if (code)
        put_code(reply, why);
}
