/* The gate; see gate.h. */
#include "server/gate.h"

#include "server/refusal.h"

enum rcode
gate_cookie(struct reply *reply)
{
    const struct gate *gate = reply->request->gate;
    if (gate == NULL || reply->query->options.n == 0)
        return RCODE_NOERROR;
    enum rcode rcode =
        cookie_take(&gate->cookies, &reply->request->client, reply->now_s, reply->query);
    reply->note->cookie = (uint8_t)reply->query->cookie.state;
    return rcode;
}

/* Labels left of the zone's name. */
static unsigned
labels_left(const struct reply *reply)
{
    return dname_labels(&reply->query->qname) - dname_labels(&reply->zone->apex);
}

void
gate_find_key(struct reply *reply)
{
    const uint8_t *name = reply->query->qname.b;
    unsigned left = reply->zone->keyed ? labels_left(reply) : 0;
    if (left == 0)
        return;
    uint8_t at = 0;
    for (unsigned i = 1; i < left; i++)
        at = (uint8_t)(at + name[at] + 1);
    reply->note->key_at = at;
    reply->note->key_n = name[at];
}

/* left: labels of the query's name left of the zone's. */
static enum refusal
admit(struct reply *reply, unsigned left)
{
    struct gate *gate = reply->request->gate;
    const uint8_t *label = reply->query->qname.b + reply->note->key_at + 1;
    if (gate == NULL)
        return REFUSAL_KEY_UNKNOWN;
    const struct key *key = keys_find(&gate->keys, label, reply->note->key_n);
    if (key == NULL)
        return REFUSAL_KEY_UNKNOWN;
    reply->note->key_id = key->id;
    if (!key->on)
        return REFUSAL_KEY_OFF;
    if (left == 1)
        return REFUSAL_NONE; /* resolvers that minimise names ask for it (RFC 9156): no charge */
    enum key_count count =
        quota_charge(key, &gate->quotas[key->slot], &gate->shares[key->slot], reply->now_s);
    return count == KEY_ANSWERED ? REFUSAL_NONE : REFUSAL_QUOTA;
}

bool
gate_take_key(struct reply *reply, struct dname *apex)
{
    const unsigned left = labels_left(reply);
    *apex = reply->zone->apex;
    if (left == 0)
        return true;
    enum refusal why = admit(reply, left);
    if (why != REFUSAL_NONE) {
        refuse(reply, why);
        return false;
    }
    dname_strip(&reply->query->qname, left - 1, apex);
    if (left > 1)
        return true;
    reply_put_negative(reply, RCODE_NOERROR);
    return false;
}

static enum rrl_class
class_of(const struct reply *reply)
{
    if (reply->rcode == RCODE_NXDOMAIN)
        return RRL_NXDOMAIN;
    if (reply->rcode != RCODE_NOERROR)
        return RRL_ERROR;
    return reply->answers > 0 ? RRL_DATA : RRL_NODATA;
}

/* Too small to be worth a forged query, and a client that is no forgery can go on: with our cookie,
 * if it knows cookies and the configuration has it so, else over TCP. */
static void
slip(struct reply *reply)
{
    const enum cookie_state state = reply->query->cookie.state;
    bool asks = reply->request->gate->conf->cookies.badcookie && state != COOKIE_NONE;
    reply_fail(reply, asks ? RCODE_BADCOOKIE : RCODE_NOERROR, EDE_OTHER, "rate limited");
    reply->note->truncated = !asks;
}

void
gate_begin(struct reply *reply)
{
    const struct request *request = reply->request;
    const struct query *query = reply->query;
    /* Who has finished TCP's handshake, or returns our cookie, is where it says. */
    if (request->gate != NULL && !request->tcp && query->cookie.state != COOKIE_GOOD)
        reply->rate = rrl_begin(&request->gate->rrl, &request->client, query->qtype,
            query->question_len > 0 ? &query->qname : NULL);
}

bool
gate_limit(struct reply *reply)
{
    if (!reply->rate.counts)
        return true;
    const struct rrl_response response = {.class = class_of(reply),
        .client = reply->request->client,
        .apex = reply->zone == NULL ? NULL : &reply->zone->apex};
    enum rrl_verdict verdict =
        rrl_count(&reply->request->gate->rrl, &reply->rate, &response, reply->now_s);
    reply->note->rate = (uint8_t)verdict;
    if (verdict == RRL_SLIP)
        slip(reply);
    if (verdict >= RRL_SLIP)
        reply->note->listed = false;
    return verdict != RRL_DROP;
}
