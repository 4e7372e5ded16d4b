/*
 * Queries and replies through ldns; see resolve_wire.h. Bytes from the network are bounded here:
 * what comes out is either a conclusive answer to the very question or none.
 */
#include "loader/resolve_wire.h"

#include <ldns/ldns.h>
#include <stdlib.h>

#include "zones/wire.h"

#define HEADER_SIZE 12U

enum err
resolve_wire_query(
    const struct resolve_question *question, uint8_t out[RESOLVE_QUERY_SIZE], size_t *n)
{
    enum err err = ERR_NOMEM;
    uint8_t *wire = NULL;
    size_t size = 0;
    *n = 0;
    ldns_rdf *name =
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, question->name.len, question->name.b);
    if (name == NULL)
        return ERR_NOMEM;
    /* Takes the name over. */
    ldns_pkt *pkt =
        ldns_pkt_query_new(name, (ldns_rr_type)question->type, LDNS_RR_CLASS_IN, LDNS_RD);
    if (pkt == NULL) {
        ldns_rdf_deep_free(name);
        return ERR_NOMEM;
    }
    ldns_pkt_set_id(pkt, question->id);
    if (!question->plain)
        ldns_pkt_set_edns_udp_size(pkt, RESOLVE_EDNS_SIZE);
    if (ldns_pkt2wire(&wire, pkt, &size) == LDNS_STATUS_OK && size <= RESOLVE_QUERY_SIZE) {
        memcpy(out, wire, size);
        *n = size;
        err = ERR_OK;
    }
    free(wire);
    ldns_pkt_free(pkt);
    return err;
}

static bool
rdf_name(const ldns_rdf *rdf, struct dname *out)
{
    return rdf != NULL && ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_DNAME &&
           dname_from_wire(ldns_rdf_data(rdf), ldns_rdf_size(rdf), out) == ERR_OK;
}

static bool
owned_by(const ldns_rr *rr, const struct dname *name)
{
    struct dname owner;
    return ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN && rdf_name(ldns_rr_owner(rr), &owner) &&
           dname_equal(&owner, name);
}

/* The question comes back as it was asked, but for case (RFC 5452 9.1). */
static bool
is_question(const ldns_pkt *pkt, const struct resolve_question *question)
{
    const ldns_rr_list *list = ldns_pkt_question(pkt);
    if (ldns_rr_list_rr_count(list) != 1)
        return false;
    const ldns_rr *rr = ldns_rr_list_rr(list, 0);
    return ldns_rr_get_type(rr) == (ldns_rr_type)question->type && owned_by(rr, &question->name);
}

/* RFC 2181 8: a TTL with the top bit set is none. */
static uint32_t
ttl_of(const ldns_rr *rr)
{
    uint32_t ttl_s = ldns_rr_ttl(rr);
    return ttl_s > INT32_MAX ? 0 : ttl_s;
}

static void
lower(uint32_t *ttl_s, uint32_t other_s)
{
    if (other_s < *ttl_s)
        *ttl_s = other_s;
}

static const ldns_rr *
find_cname(const ldns_rr_list *answer, const struct dname *name)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(answer, i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && ldns_rr_rd_count(rr) == 1 &&
            owned_by(rr, name))
            return rr;
    }
    return NULL;
}

/* Moves *name to the end of its chain of CNAMEs; false for a loop or a chain that is too long. */
static bool
follow_chain(const ldns_rr_list *answer, struct dname *name, uint32_t *ttl_s)
{
    for (unsigned hops = 0; hops <= RESOLVE_CHAIN_MAX; hops++) {
        const ldns_rr *rr = find_cname(answer, name);
        if (rr == NULL)
            return true;
        lower(ttl_s, ttl_of(rr));
        if (!rdf_name(ldns_rr_rdf(rr, 0), name))
            return false;
    }
    return false;
}

/* Appends one rdata in the cache's form (dnscache.h). */
static bool
put_rdata(const ldns_rr *rr, enum dns_type type, struct wire_out *out)
{
    const ldns_rdf *first = ldns_rr_rdf(rr, 0);
    const ldns_rdf *last = first == NULL ? NULL : ldns_rr_rdf(rr, ldns_rr_rd_count(rr) - 1);
    size_t fixed = type == DNS_A ? 4 : type == DNS_AAAA ? 16 : 2;
    struct dname name = {.len = 0};
    if (first == NULL)
        return false;
    if (type == DNS_TXT) {
        for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
            const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
            const uint8_t *string = ldns_rdf_data(rdf);
            if (ldns_rdf_size(rdf) == 0 || ldns_rdf_size(rdf) != string[0] + 1U)
                return false;
            wire_put(out, string + 1, string[0]);
        }
        return true;
    }
    if (type != DNS_PTR) {
        if (ldns_rdf_size(first) != fixed)
            return false;
        wire_put(out, ldns_rdf_data(first), fixed);
    }
    if (type == DNS_A || type == DNS_AAAA)
        return ldns_rr_rd_count(rr) == 1;
    if (ldns_rr_rd_count(rr) != (type == DNS_MX ? 2 : 1) || !rdf_name(last, &name))
        return false;
    wire_put(out, name.b, name.len);
    return true;
}

static int
compare_records(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* Resolvers rotate the records of an answer; the same ones shall give the same verdict. */
static bool
sort_records(struct resolve_reply *reply)
{
    struct dns_answer walk = {.records = reply->records};
    size_t n = 0, at = 0;
    struct slice *list = calloc(reply->count, sizeof *list);
    uint8_t *sorted = malloc(reply->records.n);
    bool whole = list != NULL && sorted != NULL;
    while (whole && n < reply->count && dns_next(&walk, &list[n]) == ERR_OK)
        n++;
    whole = whole && n == reply->count;
    if (whole) {
        qsort(list, n, sizeof *list, compare_records);
        for (size_t i = 0; i < n; at += 2 + list[i++].n)
            memcpy(sorted + at, (const uint8_t *)list[i].p - 2, 2 + list[i].n);
        free(reply->buffer);
        reply->buffer = sorted;
        reply->records.p = sorted;
    } else {
        free(sorted);
    }
    free(list);
    return whole;
}

/* All records of the type that name has; false if one of them is malformed or memory ran out. */
static bool
take_records(const ldns_pkt *pkt, size_t room, enum dns_type type, const struct dname *name,
    struct resolve_reply *out)
{
    const ldns_rr_list *answer = ldns_pkt_answer(pkt);
    out->buffer = malloc(room);
    if (out->buffer == NULL)
        return false;
    struct wire_out to = wire_out_of(out->buffer, room);
    for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(answer, i);
        if (ldns_rr_get_type(rr) != (ldns_rr_type)type || !owned_by(rr, name))
            continue;
        size_t at = to.n;
        wire_put_u16(&to, 0);
        if (!put_rdata(rr, type, &to) || to.full || to.n - at - 2 > UINT16_MAX)
            return false;
        wire_patch_u16(&to, at, (uint16_t)(to.n - at - 2));
        lower(&out->ttl_s, ttl_of(rr));
        out->count++;
    }
    out->records = slice_of(out->buffer, to.n);
    return out->count < 2 || sort_records(out);
}

/* RFC 2308 5: the lesser of the SOA's own TTL and its last field, or 0 without a SOA. */
static uint32_t
negative_ttl(const ldns_pkt *pkt, const struct dname *name)
{
    const ldns_rr_list *authority = ldns_pkt_authority(pkt);
    for (size_t i = 0; i < ldns_rr_list_rr_count(authority); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(authority, i);
        struct dname owner;
        if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA || ldns_rr_rd_count(rr) != 7 ||
            ldns_rdf_size(ldns_rr_rdf(rr, 6)) != 4 || !rdf_name(ldns_rr_owner(rr), &owner) ||
            !dname_under(name, &owner))
            continue;
        uint32_t ttl_s = ttl_of(rr);
        lower(&ttl_s, ldns_rdf2native_int32(ldns_rr_rdf(rr, 6)));
        return ttl_s;
    }
    return 0;
}

/* An empty answer that only points elsewhere (RFC 2308 2.2): the server does not recurse for us, so
 * nothing is known. */
static bool
is_referral(const ldns_pkt *pkt)
{
    const ldns_rr_list *authority = ldns_pkt_authority(pkt);
    bool ns = false;
    if (ldns_pkt_ra(pkt) || ldns_pkt_aa(pkt))
        return false;
    for (size_t i = 0; i < ldns_rr_list_rr_count(authority); i++) {
        ldns_rr_type type = ldns_rr_get_type(ldns_rr_list_rr(authority, i));
        if (type == LDNS_RR_TYPE_SOA)
            return false;
        ns = ns || type == LDNS_RR_TYPE_NS;
    }
    return ns;
}

static enum resolve_reply_kind
judge(const struct resolve_question *question, const ldns_pkt *pkt, size_t packet_size,
    struct resolve_reply *out)
{
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(pkt);
    struct dname name = question->name;
    if (rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL ||
        (ldns_pkt_edns(pkt) && ldns_pkt_edns_extended_rcode(pkt) != 0))
        return question->plain ? REPLY_FAILED : REPLY_PLAIN;
    if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
        return REPLY_FAILED;
    if (ldns_pkt_tc(pkt))
        return REPLY_TRUNCATED;

    out->ttl_s = UINT32_MAX;
    if (!follow_chain(ldns_pkt_answer(pkt), &name, &out->ttl_s))
        return REPLY_FAILED;
    /* Names come out uncompressed: at most 255 bytes for each record, which takes at least 12. */
    size_t room = packet_size * 24 + DNAME_MAX;
    if (!take_records(pkt, room, question->type, &name, out))
        return REPLY_FAILED;
    /* RFC 6604 3: the rcode speaks of the chain's end, which cannot both be there and not. */
    if (out->count > 0) {
        out->status = DNS_OK;
        return rcode == LDNS_RCODE_NOERROR ? REPLY_ANSWER : REPLY_FAILED;
    }
    if (rcode == LDNS_RCODE_NOERROR && is_referral(pkt))
        return REPLY_FAILED;
    out->status = rcode == LDNS_RCODE_NXDOMAIN ? DNS_NXDOMAIN : DNS_NODATA;
    lower(&out->ttl_s, negative_ttl(pkt, &name));
    return REPLY_ANSWER;
}

enum resolve_reply_kind
resolve_wire_reply(const struct resolve_question *question, const uint8_t *packet, size_t n,
    struct resolve_reply *out)
{
    struct wire_in in = wire_in_of(packet, n);
    ldns_pkt *pkt = NULL;
    *out = (struct resolve_reply){.status = DNS_FAIL};
    /* Before ldns allocates anything for a packet that is not ours. */
    if (wire_get_u16(&in) != question->id || n < HEADER_SIZE)
        return REPLY_STRANGER;
    if (ldns_wire2pkt(&pkt, packet, n) != LDNS_STATUS_OK)
        return REPLY_STRANGER;
    /* A server that cannot parse EDNS may send back its header alone. */
    bool bare = ldns_pkt_get_rcode(pkt) == LDNS_RCODE_FORMERR &&
                ldns_rr_list_rr_count(ldns_pkt_question(pkt)) == 0;
    bool ours = ldns_pkt_qr(pkt) && ldns_pkt_get_opcode(pkt) == LDNS_PACKET_QUERY &&
                (bare || is_question(pkt, question));
    enum resolve_reply_kind kind = ours ? judge(question, pkt, n, out) : REPLY_STRANGER;
    ldns_pkt_free(pkt);
    return kind;
}
