/* The data of a zone as records; see answer_data.h. */
#include "server/answer_data.h"

#include "server/gate.h"
#include "server/lookup.h"
#include "server/refusal.h"
#include "server/strict.h"
#include "server/txt.h"
#include "zones/recordset.h"

enum { TXT_RDATA_MAX = TXT_MAX + TXT_MAX / 255 + 1 };

static uint32_t
record_ttl(const struct reply *reply, const struct recordset_rr *rr)
{
    return rr->ttl_s != 0 ? rr->ttl_s : reply->zone->ttl_s;
}

/* RFC 2181 5.2: the records of a type have one TTL, the least. */
static uint32_t
ttl_of(const struct reply *reply, const struct lookup *found, uint16_t type)
{
    uint32_t least = UINT32_MAX;
    for (unsigned i = 0; i < found->count; i++) {
        const struct lookup_item *item = &found->items[i];
        struct slice records = item->records;
        struct recordset_rr rr;
        bool has = item->records.n == 0 &&
                   (type == RR_A || (type == RR_TXT && (!item->literal || item->has_txt)));
        if (has && item->ttl_s < least)
            least = item->ttl_s;
        while (recordset_next(&records, &rr) == ERR_OK)
            if (rr.type == type && record_ttl(reply, &rr) < least)
                least = record_ttl(reply, &rr);
    }
    return least;
}

static void
put_text(
    struct reply *reply, const struct lookup *found, const struct lookup_item *item, uint32_t ttl_s)
{
    char text[TXT_MAX];
    uint8_t bytes[TXT_RDATA_MAX];
    struct wire_out rdata = wire_out_of(bytes, sizeof bytes);
    size_t n = txt_make(reply->snapshot, reply->zone, found, item, text);
    if (n == 0)
        return;
    txt_put_strings(&rdata, text, n);
    reply_put(reply, RR_TXT, ttl_s, bytes, rdata.n);
}

static void
put_item(struct reply *reply, const struct lookup *found, const struct lookup_item *item,
    uint16_t type, uint32_t ttl_s)
{
    struct slice records = item->records;
    struct recordset_rr rr;
    if (records.n == 0 && type == RR_A) {
        const uint8_t a[4] = {(uint8_t)(item->a >> 24), (uint8_t)(item->a >> 16),
            (uint8_t)(item->a >> 8), (uint8_t)item->a};
        reply_put(reply, RR_A, ttl_s, a, sizeof a);
    }
    if (records.n == 0 && type == RR_TXT)
        put_text(reply, found, item, ttl_s);
    while (!reply->out.full && recordset_next(&records, &rr) == ERR_OK)
        if (rr.type == type)
            reply_put(reply, type, ttl_s, rr.rdata.p, rr.rdata.n);
}

static void
put_type(struct reply *reply, const struct lookup *found, uint16_t type)
{
    uint32_t ttl_s = ttl_of(reply, found, type);
    for (unsigned i = 0; i < found->count && !reply->out.full; i++)
        put_item(reply, found, &found->items[i], type, ttl_s);
}

/* Records of every type, or but for A and TXT. */
static void
put_records(
    struct reply *reply, const struct lookup *found, const struct lookup_item *item, bool every)
{
    struct slice records = item->records;
    struct recordset_rr rr;
    while (!reply->out.full && recordset_next(&records, &rr) == ERR_OK)
        if (every || (rr.type != RR_A && rr.type != RR_TXT))
            reply_put(reply, rr.type, ttl_of(reply, found, rr.type), rr.rdata.p, rr.rdata.n);
}

static void
put_any(struct reply *reply, const struct lookup *found)
{
    bool as_found = strict_is(reply->conf, STRICT_ANY);
    if (!as_found) {
        put_type(reply, found, RR_A);
        put_type(reply, found, RR_TXT);
    }
    for (unsigned i = 0; i < found->count; i++) {
        const struct lookup_item *item = &found->items[i];
        put_records(reply, found, item, as_found);
        if (!as_found || item->records.n != 0)
            continue;
        put_item(reply, found, item, RR_A, ttl_of(reply, found, RR_A));
        put_item(reply, found, item, RR_TXT, ttl_of(reply, found, RR_TXT));
    }
}

/* For the counters. */
static void
note_reasons(struct answer_note *note, const struct lookup *found)
{
    for (unsigned i = 0; i < found->count; i++)
        if (found->items[i].records.n > 0 || found->items[i].literal)
            note->literal = true;
        else
            reasons_add(&note->reasons, found->items[i].reason);
}

/* RFC 8482 4.1, for the records of one type. A client over TCP is who it says, and gets all (4.4).
 */
static bool
is_small_any(const struct reply *reply)
{
    return reply->query->qtype == RR_ANY && reply->conf->protocol.any_small &&
           !reply->request->tcp && !strict_is(reply->conf, STRICT_ANY);
}

/* Of the types that a name has, A, TXT, then that of the first plain record. */
static void
put_small(struct reply *reply, const struct lookup *found)
{
    struct recordset_rr rr;
    put_type(reply, found, RR_A);
    if (reply->answers == 0)
        put_type(reply, found, RR_TXT);
    for (unsigned i = 0; i < found->count && reply->answers == 0; i++) {
        struct slice records = found->items[i].records;
        if (recordset_next(&records, &rr) == ERR_OK)
            put_type(reply, found, rr.type);
    }
}

static void
put_found(struct reply *reply, const struct lookup *found)
{
    if (is_small_any(reply))
        put_small(reply, found);
    else if (reply->query->qtype == RR_ANY)
        put_any(reply, found);
    else
        put_type(reply, found, reply->query->qtype);
}

static void
fail_with(struct reply *reply, enum lookup_status status)
{
    reply->note->stale = status == LOOKUP_EXPIRED;
    if (status == LOOKUP_EXPIRED)
        reply_fail(reply, RCODE_SERVFAIL, EDE_INVALID_DATA, "list expired");
    else if (status == LOOKUP_MISSING)
        reply_fail(reply, RCODE_SERVFAIL, EDE_NOT_READY, "list not loaded yet");
    else
        reply_fail(reply, RCODE_SERVFAIL, EDE_INVALID_DATA, "store damaged");
}

/* As rbldnsd: SOA, NS and ANY need what they ask for. */
static void
put_authority(struct reply *reply, bool soa, bool ns)
{
    if ((soa && reply->view->soa == NULL) || (ns && reply->view->ns_count == 0)) {
        reply_fail(reply, RCODE_REFUSED, EDE_OTHER, "no SOA or NS here");
        return;
    }
    if (soa)
        reply_put_soa(reply);
    if (ns)
        reply_put_ns(reply);
    if (reply->lost)
        reply_fail(reply, RCODE_REFUSED, EDE_NONE, "");
}

static void
answer_apex(struct reply *reply, const struct lookup_ask *ask)
{
    static const struct dname apex = {1, {0}};
    struct lookup found;
    uint16_t type = reply->query->qtype;
    bool small = is_small_any(reply);
    bool soa = type == RR_SOA || type == RR_ANY, ns = type == RR_NS || (type == RR_ANY && !small);
    put_authority(reply, soa, ns);
    if (reply->rcode != RCODE_NOERROR || small)
        return;
    found.status = LOOKUP_NODATA;
    if (reply->zone->kind == ZONE_LIST && !reply->zone->keyed)
        lookup_name(ask, &apex, &found);
    if (found.status == LOOKUP_LISTED)
        put_found(reply, &found);
    else if (found.status >= LOOKUP_EXPIRED && !soa && !ns)
        fail_with(reply, found.status);
}

static void
answer_name(struct reply *reply, const struct lookup_ask *ask, const struct dname *apex)
{
    struct dname relative;
    struct lookup found;
    dname_relative(&reply->query->qname, apex, &relative);
    lookup_name(ask, &relative, &found);
    if (found.status != LOOKUP_LISTED)
        reply->note->wrong_kind = (uint8_t)found.wrong_kind;
    if (found.status >= LOOKUP_EXPIRED) {
        fail_with(reply, found.status);
        return;
    }
    /* Another zone may lie below a name that has nothing itself. */
    bool below =
        !strict_is(reply->conf, STRICT_NXDOMAIN) && view_below(reply->views, &reply->query->qname);
    if (found.status == LOOKUP_NXDOMAIN && !below && reply->note->wrong_kind != WRONG_NONE &&
        reply->zone->errors == ZONE_CODES) {
        refuse(reply, REFUSAL_KIND);
        return;
    }
    if (found.status == LOOKUP_NXDOMAIN && !below) {
        reply_put_negative(reply, RCODE_NXDOMAIN);
        return;
    }
    put_found(reply, &found);
    note_reasons(reply->note, &found);
    reply->note->listed = reply->answers > 0;
}

void
answer_data(struct reply *reply)
{
    const struct lookup_ask ask = {.snapshot = reply->snapshot,
        .conf = reply->conf,
        .zone = reply->zone,
        .view = reply->view,
        .acl = &reply->acl,
        .client = reply->request->client,
        .now_s = reply->now_s};
    bool needs_all = reply->acl.action == ACL_REFUSE || strict_is(reply->conf, STRICT_WHOLE_ZONE);
    if (needs_all && !lookup_loaded(&ask)) {
        fail_with(reply, reply->view->missing ? LOOKUP_MISSING : LOOKUP_EXPIRED);
        return;
    }
    if (reply->acl.action == ACL_REFUSE) {
        reply->note->acl = true;
        refuse(reply, REFUSAL_ACL);
        return;
    }
    struct dname apex;
    if (reply->zone->keyed && !gate_take_key(reply, &apex))
        return;
    if (dname_equal(&reply->query->qname, &reply->zone->apex))
        answer_apex(reply, &ask);
    else
        answer_name(reply, &ask, reply->zone->keyed ? &apex : &reply->zone->apex);
    if (reply->rcode != RCODE_NOERROR)
        return;
    if (reply->answers == 0 && !reply->out.full)
        reply_put_negative(reply, RCODE_NOERROR);
    else if (reply->answers > 0 && reply->zone->ns_in_answers)
        reply_put_ns_authority(reply);
}
