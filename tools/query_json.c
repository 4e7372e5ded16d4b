/* repdns query --json: a line for each question; see query.h. */
#include "tools/query.h"

#include <stdlib.h>
#include <string.h>

#include "loader/jsonline.h"

/* What is in ldns's text, freed; NULL for none. */
static json_t *
taken(char *text)
{
    if (text == NULL)
        return json_null();
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
        n--;
    json_t *string = jsonline_text(slice_of(text, n));
    free(text);
    return string;
}

/* The data is as a zone file has it, but that of one TXT is its text. */
static json_t *
record_data(const ldns_rr *rr)
{
    ldns_rdf *first = ldns_rr_rd_count(rr) > 0 ? ldns_rr_rdf(rr, 0) : NULL;
    char *text = NULL;
    size_t n = 0;
    if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT && ldns_rr_rd_count(rr) == 1) {
        /* A character-string has its length before it (RFC 1035 3.3). */
        size_t size = ldns_rdf_size(first);
        return jsonline_text(slice_of(ldns_rdf_data(first) + 1, size > 0 ? size - 1 : 0));
    }
    FILE *out = open_memstream(&text, &n);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        fputs(i > 0 ? " " : "", out);
        ldns_rdf_print(out, ldns_rr_rdf(rr, i));
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return taken(text);
}

static json_t *
section(const ldns_rr_list *records)
{
    json_t *array = json_array();
    for (size_t i = 0; records != NULL && i < ldns_rr_list_rr_count(records); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(records, i);
        const struct jsonline_member members[] = {{"name", taken(ldns_rdf2str(ldns_rr_owner(rr)))},
            {"type", taken(ldns_rr_type2str(ldns_rr_get_type(rr)))},
            {"ttl", json_integer(ldns_rr_ttl(rr))}, {"data", record_data(rr)}};
        jsonline_append(&array, jsonline_object(members, sizeof members / sizeof *members));
    }
    return array;
}

enum err
query_print_json(FILE *out, const struct endpoint *server, const struct dname *name,
    ldns_rr_type type, const ldns_pkt *packet)
{
    const struct jsonline_member members[] = {{"name", jsonline_name(name)},
        {"type", taken(ldns_rr_type2str(type))}, {"server", jsonline_ip(&server->ip)},
        {"port", json_integer(server->port)},
        {"rcode", taken(ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet)))},
        {"authoritative", json_boolean(ldns_pkt_aa(packet))},
        {"bytes", json_integer((json_int_t)ldns_pkt_size(packet))},
        {"answer", section(ldns_pkt_answer(packet))},
        {"authority", section(ldns_pkt_authority(packet))}};
    return jsonline_print_members(out, members, sizeof members / sizeof *members);
}
