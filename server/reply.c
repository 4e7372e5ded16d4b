/* A response that grows; see reply.h. */
#include "server/reply.h"

#include "server/strict.h"

enum { POINTER = 0xc000, QNAME_AT = QUERY_HEADER_SIZE, FIXED_SIZE = 10 };

/* The longest text that comes with an extended error. */
static const struct ede_note longest = {EDE_OTHER, "list not loaded yet"};

static struct edns_options
options_of(const struct reply *reply, struct ede_note ede)
{
    const struct query *query = reply->query;
    const struct conf *conf = reply->conf;
    struct edns_options out = {.ede = ede, .nsid = ""};
    if (query->wants_nsid)
        out.nsid = conf->protocol.identity;
    if (query->wants_keepalive && reply->request->tcp) /* RFC 7828 3.3.2: never over UDP */
        out.keepalive_ds = (uint16_t)(conf->tcp.idle_s * 10);
    return out;
}

/* Bytes that a response may have (RFC 6891 6.2.5, RFC 1035 4.2.1). */
static size_t
response_limit(const struct reply *reply, size_t out_size)
{
    const struct query *query = reply->query;
    size_t limit = ANSWER_PLAIN_MAX;
    size_t most = reply->conf->protocol.udp_size;
    if (strict_is(reply->conf, STRICT_LATE_OPT))
        most = STRICT_UDP_MAX;
    if (reply->request->tcp)
        limit = ANSWER_TCP_MAX;
    else if (query->edns && query->udp_size > ANSWER_PLAIN_MAX)
        limit = query->udp_size < most ? query->udp_size : most;
    return limit < out_size ? limit : out_size;
}

/* Bytes that are kept free for the OPT. rbldnsd has none up to 512. */
static size_t
opt_room(const struct reply *reply)
{
    if (!reply->query->edns)
        return 0;
    if (!strict_is(reply->conf, STRICT_LATE_OPT)) {
        const struct edns_options most = options_of(reply, longest);
        return edns_size(reply->query, &most);
    }
    size_t beyond = reply->limit - ANSWER_PLAIN_MAX;
    return beyond < STRICT_OPT_SIZE ? beyond : STRICT_OPT_SIZE;
}

void
reply_begin(struct reply *reply, uint8_t *out, size_t out_size)
{
    reply->out = wire_out_of(out, out_size);
    reply->limit = response_limit(reply, out_size);
    reply->out.n = QUERY_HEADER_SIZE;
    wire_put(&reply->out, reply->request->packet + QUERY_HEADER_SIZE, reply->query->question_len);
    reply->first = reply->out.n;
    reply->out.size = reply->limit - opt_room(reply);
}

static void
drop_records(struct reply *reply)
{
    reply->answers = reply->authority = 0;
    reply->out.n = reply->first;
    reply->out.full = false;
}

void
reply_fail(struct reply *reply, enum rcode rcode, enum ede code, const char *text)
{
    drop_records(reply);
    reply->rcode = rcode;
    reply->authoritative = false;
    reply->ede = (struct ede_note){code, text};
}

/* Where in the message a name begins that the question's name is or lies below. */
static size_t
place_of(const struct reply *reply, const struct dname *name)
{
    return QNAME_AT + (size_t)reply->query->qname.len - name->len;
}

/* The owner, which is the question's name or the zone's, type, class, TTL; returns where RDLENGTH
 * is to be patched. */
static size_t
begin_record(struct reply *reply, const struct dname *owner, uint16_t type, uint32_t ttl_s)
{
    if (owner->len > 1)
        wire_put_u16(&reply->out, (uint16_t)(POINTER | place_of(reply, owner)));
    else
        wire_put_u8(&reply->out, 0); /* the root is shorter than a pointer */
    uint8_t fixed[FIXED_SIZE];
    struct wire_out rest = wire_out_of(fixed, sizeof fixed);
    wire_put_u16(&rest, type);
    wire_put_u16(&rest, reply->query->qclass == CLASS_CH ? CLASS_CH : CLASS_IN);
    wire_put_u32(&rest, ttl_s);
    wire_put_u16(&rest, 0);
    wire_put(&reply->out, fixed, sizeof fixed);
    return reply->out.n - 2;
}

/* start is where the record began. What does not fit makes the whole answer TC in the end. */
static void
end_record(struct reply *reply, size_t start, size_t length_at, unsigned *section)
{
    bool strict = strict_is(reply->conf, STRICT_NO_TC);
    if (strict && *section == STRICT_ANSWERS_MAX)
        reply->out.full = true;
    if (!reply->out.full) {
        wire_patch_u16(&reply->out, length_at, (uint16_t)(reply->out.n - length_at - 2));
        (*section)++;
    } else if (strict) {
        reply->out.n = start;
        reply->out.full = false;
        reply->lost = true;
        reply->authoritative = false;
    }
}

static bool
has_record(const struct reply *reply, uint16_t type, const void *rdata, size_t n)
{
    struct wire_in in = wire_in_of(reply->out.p, reply->out.n);
    in.at = reply->first;
    while (in.at < in.n && !in.failed) {
        wire_skip_name(&in);
        uint16_t its_type = wire_get_u16(&in);
        wire_skip(&in, 6);
        size_t its_n = wire_get_u16(&in);
        if (its_type == type && its_n == n && n <= in.n - in.at &&
            memcmp(in.p + in.at, rdata, n) == 0)
            return true;
        wire_skip(&in, its_n);
    }
    return false;
}

void
reply_put(struct reply *reply, uint16_t type, uint32_t ttl_s, const void *rdata, size_t n)
{
    size_t start = reply->out.n;
    if (reply->out.full || has_record(reply, type, rdata, n))
        return;
    size_t at = begin_record(reply, &reply->query->qname, type, ttl_s);
    wire_put(&reply->out, rdata, n);
    end_record(reply, start, at, &reply->answers);
}

static void
put_soa(struct reply *reply, uint32_t ttl_s, unsigned *section)
{
    size_t start = reply->out.n;
    size_t at = begin_record(reply, &reply->zone->apex, RR_SOA, ttl_s);
    soa_record_put(&reply->view->soa_record, place_of(reply, &reply->zone->apex), &reply->out);
    end_record(reply, start, at, section);
}

void
reply_put_soa(struct reply *reply)
{
    put_soa(reply, reply->view->soa->ttl_s, &reply->answers);
}

static void
put_ns(struct reply *reply, unsigned *section)
{
    const struct view_state *view = reply->view;
    for (unsigned i = 0; i < view->ns_count; i++) {
        size_t start = reply->out.n;
        size_t at = begin_record(reply, &reply->zone->apex, RR_NS, view->ns_ttl_s);
        wire_put_name(&reply->out, &view->ns[i], &reply->query->qname, QNAME_AT);
        end_record(reply, start, at, section);
    }
}

void
reply_put_ns(struct reply *reply)
{
    put_ns(reply, &reply->answers);
}

void
reply_put_negative(struct reply *reply, enum rcode rcode)
{
    const struct soa *soa = reply->view->soa;
    reply->rcode = rcode;
    if (soa == NULL)
        return;
    bool authoritative = reply->authoritative;
    bool least = !strict_is(reply->conf, STRICT_NEGATIVE_TTL) && soa->ttl_s < soa->minimum_s;
    put_soa(reply, least ? soa->ttl_s : soa->minimum_s, &reply->authority);
    reply->authoritative = authoritative; /* it is the answer's records that AA speaks of */
}

void
reply_put_ns_authority(struct reply *reply)
{
    struct wire_out out = reply->out;
    unsigned authority = reply->authority;
    bool lost = reply->lost, authoritative = reply->authoritative;
    if (out.full)
        return;
    reply->lost = false;
    put_ns(reply, &reply->authority);
    bool whole = !reply->out.full && !reply->lost;
    reply->lost = lost;
    reply->authoritative = authoritative;
    if (whole)
        return;
    reply->out = out;
    reply->authority = authority;
}

/* RFC 2181 9: what does not fit is left out whole, with TC set. */
static void
truncate_reply(struct reply *reply)
{
    drop_records(reply);
    reply->note->truncated = true;
    reply->note->listed = false;
}

/* Returns how many records it added. */
static unsigned
put_opt(struct reply *reply)
{
    reply->out.size = reply->limit;
    if (!reply->query->edns)
        return 0;
    if (!strict_is(reply->conf, STRICT_LATE_OPT)) {
        const struct edns_options options = options_of(reply, reply->ede);
        edns_put(&reply->out, reply->query, reply->conf->protocol.udp_size, reply->rcode, &options);
        return 1;
    }
    static const struct query plain = {.edns = true};
    static const struct edns_options none = {.ede = {EDE_NONE, ""}, .nsid = ""};
    if (reply->out.n <= ANSWER_PLAIN_MAX)
        return 0;
    edns_put(&reply->out, &plain, STRICT_UDP_MAX, RCODE_NOERROR, &none);
    return 1;
}

size_t
reply_finish(struct reply *reply)
{
    if (reply->out.full)
        truncate_reply(reply);
    unsigned additional = put_opt(reply);
    struct wire_out header = wire_out_of(reply->out.p, QUERY_HEADER_SIZE);
    uint16_t flags =
        (uint16_t)(FLAG_QR | (reply->query->flags & (OPCODE_MASK | FLAG_RD | FLAG_CD)));
    flags |= reply->authoritative ? FLAG_AA : 0;
    flags |= reply->note->truncated ? FLAG_TC : 0;
    wire_put_u16(&header, reply->query->id);
    wire_put_u16(&header, (uint16_t)(flags | (reply->rcode & 15)));
    wire_put_u16(&header, reply->query->question_len > 0);
    wire_put_u16(&header, (uint16_t)reply->answers);
    wire_put_u16(&header, (uint16_t)reply->authority);
    wire_put_u16(&header, (uint16_t)additional);
    reply->note->rcode = (uint8_t)reply->rcode;
    return reply->out.n;
}
