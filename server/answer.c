/* The answer path; see answer.h. */
#include "server/answer.h"

#include "server/edns.h"
#include "server/lookup.h"
#include "server/txt.h"

/* What is being answered: the response grows in out, its counts are patched at the end. */
struct reply {
    const struct view_table *views;
    struct snapshot *snapshot;
    const struct request *request;
    struct query query;
    int64_t now_s;
    struct wire_out out;
    size_t limit; /* bytes that records may fill; the OPT's room is beyond */
    const struct zone_def *zone;
    const struct view_state *view;
    unsigned rcode, answers, authority;
    bool authoritative;
    struct ede_note ede;
    struct answer_note *note;
};

enum { COUNTS_AT = 4, POINTER_TO_QNAME = 0xc00c, OWNER_IS_QNAME = QUERY_HEADER_SIZE };

static void
fail_with(struct reply *reply, enum rcode rcode, enum ede code, const char *text)
{
    reply->rcode = rcode;
    reply->authoritative = false;
    reply->ede = (struct ede_note){code, text};
}

/* Owner, type, class, TTL; returns where RDLENGTH is to be patched. */
static size_t
begin_record(struct reply *reply, const struct dname *owner, uint16_t type, uint32_t ttl_s)
{
    wire_put_name(&reply->out, owner, &reply->query.qname, OWNER_IS_QNAME);
    wire_put_u16(&reply->out, type);
    wire_put_u16(&reply->out, reply->query.qclass == CLASS_CH ? CLASS_CH : CLASS_IN);
    wire_put_u32(&reply->out, ttl_s);
    wire_put_u16(&reply->out, 0);
    return reply->out.n - 2;
}

static void
end_record(struct reply *reply, size_t length_at, unsigned *section)
{
    if (reply->out.full)
        return;
    wire_patch_u16(&reply->out, length_at, (uint16_t)(reply->out.n - length_at - 2));
    (*section)++;
}

static void
put_soa(struct reply *reply, uint32_t ttl_s, unsigned *section)
{
    const struct zone_def *zone = reply->zone;
    const struct soa *soa = &zone->soa;
    size_t at = begin_record(reply, &zone->apex, RR_SOA, ttl_s);
    wire_put_name(&reply->out, &soa->mname, &reply->query.qname, OWNER_IS_QNAME);
    wire_put_name(&reply->out, &soa->rname, &reply->query.qname, OWNER_IS_QNAME);
    wire_put_u32(&reply->out, reply->view->serial);
    wire_put_u32(&reply->out, soa->refresh_s);
    wire_put_u32(&reply->out, soa->retry_s);
    wire_put_u32(&reply->out, soa->expire_s);
    wire_put_u32(&reply->out, soa->minimum_s);
    end_record(reply, at, section);
}

static void
put_ns(struct reply *reply)
{
    for (unsigned i = 0; i < reply->zone->ns_count; i++) {
        size_t at = begin_record(reply, &reply->zone->apex, RR_NS, reply->zone->soa.ttl_s);
        wire_put_name(&reply->out, &reply->zone->ns[i], &reply->query.qname, OWNER_IS_QNAME);
        end_record(reply, at, &reply->answers);
    }
}

/* RFC 2308 3: the SOA of a negative answer, with the time it may be kept. */
static void
put_negative(struct reply *reply, enum rcode rcode)
{
    const struct soa *soa = &reply->zone->soa;
    reply->rcode = rcode;
    put_soa(reply, soa->ttl_s < soa->minimum_s ? soa->ttl_s : soa->minimum_s, &reply->authority);
}

static void
put_addresses(struct reply *reply, const struct lookup *found, uint32_t ttl_s)
{
    for (unsigned i = 0; i < found->count; i++) {
        bool seen = false;
        for (unsigned k = 0; k < i && !seen; k++)
            seen = found->items[k].a == found->items[i].a; /* RFC 2181 5: no record twice */
        if (seen)
            continue;
        size_t at = begin_record(reply, &reply->query.qname, RR_A, ttl_s);
        wire_put_u32(&reply->out, found->items[i].a);
        end_record(reply, at, &reply->answers);
    }
}

/* Equal texts have equal RDATA; those written before lie between from and the end. */
static bool
text_is_there(const struct reply *reply, size_t from, size_t rdata, size_t n)
{
    const uint8_t *p = reply->out.p;
    while (from + 12 <= rdata - 12) {
        size_t length = (size_t)p[from + 10] << 8 | p[from + 11];
        if (length == n && memcmp(p + from + 12, p + rdata, n) == 0)
            return true;
        from += 12 + length;
    }
    return false;
}

static void
put_texts(struct reply *reply, const struct lookup *found, uint32_t ttl_s)
{
    char text[TXT_MAX];
    size_t from = reply->out.n;
    for (unsigned i = 0; i < found->count && !reply->out.full; i++) {
        size_t n = txt_make(reply->snapshot, reply->zone, found, &found->items[i], text);
        if (n == 0)
            continue;
        size_t start = reply->out.n;
        size_t at = begin_record(reply, &reply->query.qname, RR_TXT, ttl_s);
        txt_put_strings(&reply->out, text, n);
        if (!reply->out.full && text_is_there(reply, from, at + 2, reply->out.n - at - 2))
            reply->out.n = start;
        else
            end_record(reply, at, &reply->answers);
    }
}

static void
answer_listed(struct reply *reply, const struct lookup *found)
{
    uint32_t ttl_s = found->ttl_s != 0 ? found->ttl_s : reply->zone->ttl_s;
    uint16_t type = reply->query.qtype;
    if (type == RR_A || type == RR_ANY)
        put_addresses(reply, found, ttl_s);
    if (type == RR_TXT || type == RR_ANY)
        put_texts(reply, found, ttl_s);
    reply->note->listed = reply->answers > 0;
    if (reply->answers == 0 && !reply->out.full)
        put_negative(reply, RCODE_NOERROR);
}

static void
answer_apex(struct reply *reply)
{
    uint16_t type = reply->query.qtype;
    if (type == RR_SOA || type == RR_ANY)
        put_soa(reply, reply->zone->soa.ttl_s, &reply->answers);
    if (type == RR_NS || type == RR_ANY)
        put_ns(reply);
    if (reply->answers == 0)
        put_negative(reply, RCODE_NOERROR);
}

static void
answer_name(struct reply *reply)
{
    struct dname relative;
    struct lookup found;
    dname_relative(&reply->query.qname, &reply->zone->apex, &relative);
    lookup_name(reply->snapshot, reply->zone, reply->view, &relative, reply->now_s, &found);
    reply->note->wrong_kind = found.wrong_kind && found.status != LOOKUP_LISTED;
    /* Another zone may lie below a name that has nothing itself. */
    if (found.status == LOOKUP_NXDOMAIN && view_below(reply->views, &reply->query.qname))
        found.status = LOOKUP_NODATA;
    switch (found.status) {
    case LOOKUP_LISTED:
        answer_listed(reply, &found);
        return;
    case LOOKUP_NODATA:
        put_negative(reply, RCODE_NOERROR);
        return;
    case LOOKUP_NXDOMAIN:
        put_negative(reply, RCODE_NXDOMAIN);
        return;
    case LOOKUP_EXPIRED:
        reply->note->stale = true;
        fail_with(reply, RCODE_SERVFAIL, EDE_OTHER, "list expired");
        return;
    case LOOKUP_MISSING:
        fail_with(reply, RCODE_SERVFAIL, EDE_NOT_READY, "list not loaded yet");
        return;
    case LOOKUP_FAILED:
        fail_with(reply, RCODE_SERVFAIL, EDE_OTHER, "store damaged");
        return;
    }
}

/* version.bind and its like, in class CHAOS (RFC 4892). */
static void
answer_chaos(struct reply *reply)
{
    static const struct dname names[] = {
        {14, "\007version\004bind"}, {16, "\007version\006server"}, {11, "\002id\006server"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!dname_equal(&reply->query.qname, &names[i]))
            continue;
        reply->authoritative = true;
        if (reply->query.qtype != RR_TXT && reply->query.qtype != RR_ANY)
            return;
        size_t at = begin_record(reply, &reply->query.qname, RR_TXT, 0);
        txt_put_strings(&reply->out, "repdns", 6);
        end_record(reply, at, &reply->answers);
        return;
    }
    fail_with(reply, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, "");
}

static void
answer_zone(struct reply *reply)
{
    unsigned index;
    reply->zone = view_find(reply->views, &reply->query.qname, &index);
    reply->note->zone = reply->zone;
    if (reply->zone == NULL) {
        fail_with(reply, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, "");
        return;
    }
    if (!view_conf(reply->views)->public && !ip_is_private(&reply->request->client)) {
        fail_with(reply, RCODE_REFUSED, EDE_PROHIBITED, "not public");
        return;
    }
    if (!reply->zone->enabled) {
        fail_with(reply, RCODE_REFUSED, EDE_PROHIBITED, "zone not enabled");
        return;
    }
    if (!snapshot_ready(reply->snapshot)) {
        fail_with(reply, RCODE_SERVFAIL, EDE_NOT_READY, "no usable store");
        return;
    }
    reply->view = snapshot_view(reply->snapshot, index);
    reply->authoritative = reply->query.qclass == CLASS_IN;
    if (dname_equal(&reply->query.qname, &reply->zone->apex))
        answer_apex(reply);
    else
        answer_name(reply);
}

static void
answer_question(struct reply *reply)
{
    uint16_t type = reply->query.qtype;
    if (type == RR_AXFR || type == RR_IXFR)
        fail_with(reply, RCODE_REFUSED, EDE_NONE, "");
    else if (type == RR_OPT || (type >= RR_META_FIRST && type < RR_ANY))
        fail_with(reply, RCODE_NOTIMP, EDE_NONE, "");
    else if (reply->query.qclass == CLASS_CH)
        answer_chaos(reply);
    else if (reply->query.qclass == CLASS_IN || reply->query.qclass == CLASS_ANY)
        answer_zone(reply);
    else
        fail_with(reply, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, "");
}

/* Bytes that a response may have (RFC 6891 6.2.5, RFC 1035 4.2.1). */
static size_t
response_limit(const struct request *request, const struct query *query, size_t out_size)
{
    size_t limit = ANSWER_PLAIN_MAX;
    if (request->tcp)
        limit = ANSWER_TCP_MAX;
    else if (query->edns && query->udp_size > ANSWER_PLAIN_MAX)
        limit = query->udp_size < ANSWER_UDP_MAX ? query->udp_size : ANSWER_UDP_MAX;
    return limit < out_size ? limit : out_size;
}

/* RFC 2181 9: what does not fit is left out whole, with TC set. */
static void
truncate_reply(struct reply *reply, size_t limit)
{
    reply->answers = reply->authority = 0;
    reply->note->truncated = true;
    reply->note->listed = false;
    reply->out.n = QUERY_HEADER_SIZE + reply->query.question_len;
    reply->out.size = limit;
    reply->out.full = false;
}

static size_t
finish(struct reply *reply, size_t limit)
{
    if (reply->out.full)
        truncate_reply(reply, limit);
    reply->out.size = limit;
    edns_put(&reply->out, &reply->query, reply->rcode, &reply->ede);
    struct wire_out header = wire_out_of(reply->out.p, QUERY_HEADER_SIZE);
    uint16_t flags = (uint16_t)(FLAG_QR | (reply->query.flags & (OPCODE_MASK | FLAG_RD | FLAG_CD)));
    flags |= reply->authoritative ? FLAG_AA : 0;
    flags |= reply->note->truncated ? FLAG_TC : 0;
    wire_put_u16(&header, reply->query.id);
    wire_put_u16(&header, (uint16_t)(flags | (reply->rcode & 15)));
    wire_put_u16(&header, reply->query.question_len > 0);
    wire_put_u16(&header, (uint16_t)reply->answers);
    wire_put_u16(&header, (uint16_t)reply->authority);
    wire_put_u16(&header, reply->query.edns);
    reply->note->rcode = (uint8_t)reply->rcode;
    return reply->out.n;
}

size_t
answer(const struct view_table *views, struct snapshot *snapshot, const struct request *request,
    int64_t now_s, uint8_t *out, size_t out_size, struct answer_note *note)
{
    struct reply reply = {.views = views,
        .snapshot = snapshot,
        .request = request,
        .now_s = now_s,
        .out = wire_out_of(out, out_size),
        .ede = {EDE_NONE, ""},
        .note = note};
    *note = (struct answer_note){0};
    reply.rcode = query_parse(request->packet, request->len, &reply.query, &note->dropped);
    if (note->dropped)
        return 0;
    note->qtype = reply.query.qtype;
    note->edns = reply.query.edns;
    size_t limit = response_limit(request, &reply.query, out_size);
    /* Room for the OPT with any of the extended errors is kept free. */
    static const struct ede_note longest = {EDE_OTHER, "list not loaded yet"};
    reply.out.n = QUERY_HEADER_SIZE;
    wire_put(&reply.out, request->packet + QUERY_HEADER_SIZE, reply.query.question_len);
    reply.out.size = limit - edns_size(&reply.query, &longest);
    if (reply.rcode == RCODE_NOERROR)
        answer_question(&reply);
    return finish(&reply, limit);
}
