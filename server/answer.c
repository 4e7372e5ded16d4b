/* The answer path; see answer.h. */
#include "server/answer.h"

#include "server/answer_data.h"
#include "server/gate.h"
#include "server/probes.h"
#include "server/refusal.h"
#include "server/strict.h"
#include "server/txt.h"

enum { VERSION_RDATA_MAX = 256 };

/* What a name of class CHAOS tells: of the program, or of this server (RFC 4892 2). NULL: nothing.
 */
static const char *
chaos_text(const struct reply *reply)
{
    const struct {
        struct dname name;
        const char *text;
        bool strict; /* in strict_rbldnsd too */
    } names[] = {{{14, "\007version\004bind"}, reply->conf->version, true},
        {{16, "\007version\006server"}, reply->conf->version, true},
        {{15, "\010hostname\004bind"}, reply->conf->protocol.identity, false},
        {{11, "\002id\006server"}, reply->conf->protocol.identity, false}};
    bool strict = strict_is(reply->conf, STRICT_VERSION);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (dname_equal(&reply->query->qname, &names[i].name) && (names[i].strict || !strict))
            return names[i].text;
    return NULL;
}

static void
answer_chaos(struct reply *reply)
{
    const char *text = chaos_text(reply);
    const uint16_t type = reply->query->qtype;
    bool strict = strict_is(reply->conf, STRICT_VERSION);
    if (text == NULL || text[0] == '\0' || (strict && type != RR_TXT)) {
        reply_fail(reply, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, "");
        return;
    }
    reply->authoritative = !strict;
    uint8_t bytes[VERSION_RDATA_MAX];
    struct wire_out rdata = wire_out_of(bytes, sizeof bytes);
    txt_put_strings(&rdata, text, strlen(text));
    if (type == RR_TXT || type == RR_ANY)
        reply_put(reply, RR_TXT, 0, bytes, rdata.n);
}

/* An access list that can't be asked lets nobody through. */
static bool
fail_acl(struct reply *reply)
{
    switch (reply->acl.trouble) {
    case ACL_FINE:
        return false;
    case ACL_MISSING:
        reply_fail(reply, RCODE_SERVFAIL, EDE_NOT_READY, "list not loaded yet");
        return true;
    case ACL_EXPIRED:
        reply->note->stale = true;
        reply_fail(reply, RCODE_SERVFAIL, EDE_INVALID_DATA, "list expired");
        return true;
    case ACL_DAMAGED:
        break;
    }
    reply_fail(reply, RCODE_SERVFAIL, EDE_INVALID_DATA, "store damaged");
    return true;
}

static void
answer_zone(struct reply *reply)
{
    unsigned index;
    reply->zone = view_find(reply->views, &reply->query->qname, &index);
    reply->note->zone = reply->zone;
    if (reply->zone == NULL) {
        reply_fail(reply, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, "");
        return;
    }
    gate_find_key(reply);
    if (!reply->conf->public && !ip_is_private(&reply->request->client)) {
        refuse(reply, REFUSAL_PUBLIC);
        return;
    }
    if (!reply->zone->enabled) {
        reply_fail(reply, RCODE_REFUSED, EDE_PROHIBITED, "zone not enabled");
        return;
    }
    if (!snapshot_ready(reply->snapshot)) {
        reply_fail(reply, RCODE_SERVFAIL, EDE_NOT_READY, "no usable store");
        return;
    }
    reply->view = snapshot_view(reply->snapshot, index);
    acl_ask(reply->snapshot, &reply->view->acl, &reply->request->client, reply->now_s, &reply->acl);
    if (reply->acl.action == ACL_IGNORE || fail_acl(reply))
        return;
    reply->authoritative = reply->query->qclass == CLASS_IN;
    answer_data(reply);
}

static bool
is_meta(const struct reply *reply, uint16_t type)
{
    if (strict_is(reply->conf, STRICT_TYPES))
        return type >= RR_TSIG && type != RR_ANY;
    return type == RR_OPT || (type >= RR_META_FIRST && type < RR_ANY);
}

static void
answer_question(struct reply *reply)
{
    uint16_t type = reply->query->qtype, class = reply->query->qclass;
    bool transfer = type == RR_AXFR || type == RR_IXFR;
    bool internet = class == CLASS_IN || class == CLASS_ANY;
    /* rbldnsd looks at the class first. */
    bool meta = is_meta(reply, type) && (internet || !strict_is(reply->conf, STRICT_TYPES));
    if (transfer && !strict_is(reply->conf, STRICT_TYPES))
        reply_fail(reply, RCODE_REFUSED, EDE_NOT_SUPPORTED, "");
    else if (meta)
        reply_fail(reply, RCODE_NOTIMP, EDE_NOT_SUPPORTED, "");
    else if (class == CLASS_CH)
        answer_chaos(reply);
    else if (internet)
        answer_zone(reply);
    else
        reply_fail(reply, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, "");
}

static size_t
drop_for_acl(struct answer_note *note)
{
    note->dropped = note->acl = true;
    note->drop = DROP_ACL;
    return 0;
}

static void
answer_query(struct reply *reply)
{
    if (reply->rcode == RCODE_NOERROR)
        reply->rcode = gate_cookie(reply);
    gate_begin(reply);
    /* RFC 7873 5.4: nothing but a cookie is asked for. */
    bool asks = reply->query->question_len > 0;
    if (reply->rcode == RCODE_NOERROR && !asks && reply->query->cookie.state == COOKIE_NONE)
        reply->rcode = RCODE_FORMERR;
    if (reply->rcode == RCODE_NOERROR && asks)
        answer_question(reply);
}

size_t
answer(const struct view_table *views, struct snapshot *snapshot, const struct request *request,
    int64_t now_s, uint8_t *out, size_t out_size, struct answer_note *note)
{
    struct query query;
    struct reply reply = {.views = views,
        .conf = view_conf(views),
        .snapshot = snapshot,
        .request = request,
        .query = &query,
        .now_s = now_s,
        .ede = {EDE_NONE, ""},
        .note = note};
    *note = (struct answer_note){0};
    PROBE_RECEIVED(request->packet, request->len, request->tcp);
    if (snapshot_ready(snapshot))
        acl_ask(snapshot, snapshot_acl(snapshot), &request->client, now_s, &reply.acl);
    if (reply.acl.action == ACL_IGNORE)
        return drop_for_acl(note);
    reply.rcode = query_parse(reply.conf, request->packet, request->len, &query, &note->dropped);
    if (note->dropped) {
        note->drop = request->len < QUERY_HEADER_SIZE ? DROP_SHORT : DROP_RESPONSE;
        return 0;
    }
    note->qtype = query.qtype;
    note->question_len = (uint16_t)query.question_len;
    note->edns = query.edns;
    reply_begin(&reply, out, out_size);
    answer_query(&reply);
    if (reply.acl.action == ACL_IGNORE)
        return drop_for_acl(note);
    note->dropped = reply.dropped || !gate_limit(&reply);
    note->drop = reply.dropped ? DROP_ERRORS : DROP_RATE;
    return note->dropped ? 0 : reply_finish(&reply);
}
