/* Questions by DNS; see ask.h. */
#include "tools/ask.h"

#include <ldns/ldns.h>

enum { TIMEOUT_S = 2, TRIES = 2, EDNS_SIZE = 1232 };

struct ip
ask_address(const struct endpoint *listen)
{
    static const struct ip any6;
    struct ip any4 = ip_from_v4(0), loopback6 = {.b[15] = 1};
    if (ip_cmp(&listen->ip, &any4) == 0)
        return ip_from_v4(0x7f000001);
    return ip_cmp(&listen->ip, &any6) == 0 ? loopback6 : listen->ip;
}

static ldns_resolver *
resolver_for(const struct endpoint *server)
{
    uint8_t key[16];
    size_t n = ip_key(&server->ip, key);
    ldns_resolver *resolver = ldns_resolver_new();
    ldns_rdf *address =
        ldns_rdf_new_frm_data(n == 4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA, n, key);
    bool done = resolver != NULL && address != NULL &&
                ldns_resolver_push_nameserver(resolver, address) == LDNS_STATUS_OK;
    ldns_rdf_deep_free(address); /* the resolver has a copy */
    if (!done) {
        ldns_resolver_free(resolver);
        return NULL;
    }
    ldns_resolver_set_port(resolver, server->port);
    ldns_resolver_set_recursive(resolver, false);
    return resolver;
}

ldns_resolver *
ask_resolver(const struct endpoint *server)
{
    ldns_resolver *resolver = NULL;
    if (server != NULL)
        resolver = resolver_for(server);
    else if (ldns_resolver_new_frm_file(&resolver, NULL) != LDNS_STATUS_OK)
        resolver = NULL;
    if (resolver == NULL)
        return NULL;
    ldns_resolver_set_dnsrch(resolver, false);
    ldns_resolver_set_defnames(resolver, false);
    ldns_resolver_set_fallback(resolver, true); /* TCP after a truncated answer */
    ldns_resolver_set_edns_udp_size(resolver, EDNS_SIZE);
    ldns_resolver_set_retry(resolver, TRIES);
    ldns_resolver_set_timeout(resolver, (struct timeval){.tv_sec = TIMEOUT_S});
    return resolver;
}

static void
take_record(const ldns_rr *rr, ldns_rr_type type, struct ask_reply *out)
{
    const ldns_rdf *rdf = ldns_rr_rdf(rr, 0);
    if (ldns_rr_get_type(rr) != type || rdf == NULL || out->count == ASK_MOST)
        return;
    const uint8_t *data = ldns_rdf_data(rdf);
    size_t n = ldns_rdf_size(rdf);
    if (type == LDNS_RR_TYPE_A && n == 4)
        out->a[out->count] =
            (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
    else if (type == LDNS_RR_TYPE_NS && dname_from_wire(data, n, &out->names[out->count]) < 0)
        return;
    out->count++;
}

void
ask_once(const struct endpoint *server, const struct dname *name, enum ask_type type,
    enum ask_way way, struct ask_reply *out)
{
    ldns_pkt *packet = NULL;
    *out = (struct ask_reply){.answered = false};
    ldns_resolver *resolver = ask_resolver(server);
    ldns_rdf *owner = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, name->len, name->b);
    if (resolver == NULL || owner == NULL) {
        ldns_resolver_deep_free(resolver);
        ldns_rdf_deep_free(owner);
        return;
    }
    uint16_t flags = server == NULL ? LDNS_RD : 0;
    if ((way & ASK_UNCHECKED) != 0)
        flags |= LDNS_CD;
    ldns_resolver_set_usevc(resolver, (way & ASK_TCP) != 0);
    ldns_status status = ldns_resolver_query_status(
        &packet, resolver, owner, (ldns_rr_type)type, LDNS_RR_CLASS_IN, flags);
    if (status == LDNS_STATUS_OK && packet != NULL) {
        const ldns_rr_list *answer = ldns_pkt_answer(packet);
        out->answered = true;
        out->rcode = (unsigned)ldns_pkt_get_rcode(packet);
        out->authoritative = ldns_pkt_aa(packet);
        for (size_t i = 0; answer != NULL && i < ldns_rr_list_rr_count(answer); i++)
            take_record(ldns_rr_list_rr(answer, i), (ldns_rr_type)type, out);
    }
    ldns_pkt_free(packet);
    ldns_rdf_deep_free(owner);
    ldns_resolver_deep_free(resolver);
}
