/* repdns query --json: a line for each question; see query.h. */
#include "tools/query.h"

#include <stdlib.h>
#include <string.h>

#include "tools/json.h"

/* What is in ldns's text, freed; NULL for none. */
static json_t *
taken(char *text)
{
    if (text == NULL)
        return json_null();
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
        n--;
    json_t *string = tool_json_text(slice_of(text, n));
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
        return tool_json_text(slice_of(ldns_rdf_data(first) + 1, size > 0 ? size - 1 : 0));
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
        json_t *object = json_object();
        bool whole = tool_json_add(object, "name", taken(ldns_rdf2str(ldns_rr_owner(rr)))) &&
                     tool_json_add(object, "type", taken(ldns_rr_type2str(ldns_rr_get_type(rr)))) &&
                     tool_json_add(object, "ttl", json_integer(ldns_rr_ttl(rr))) &&
                     tool_json_add(object, "data", record_data(rr));
        if (json_array_append_new(array, object) != 0 || !whole) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

enum err
query_print_json(FILE *out, const struct endpoint *server, const struct dname *name,
    ldns_rr_type type, const ldns_pkt *packet)
{
    char text[DNAME_TEXT_SIZE], ip[IP_TEXT_SIZE];
    json_t *object = json_object();
    (void)dname_format(name, text);
    ip_format(&server->ip, ip);
    const struct {
        const char *key;
        json_t *value;
    } members[] = {{"name", json_string(text)}, {"type", taken(ldns_rr_type2str(type))},
        {"server", json_string(ip)}, {"port", json_integer(server->port)},
        {"rcode", taken(ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet)))},
        {"authoritative", json_boolean(ldns_pkt_aa(packet))},
        {"bytes", json_integer((json_int_t)ldns_pkt_size(packet))},
        {"answer", section(ldns_pkt_answer(packet))},
        {"authority", section(ldns_pkt_authority(packet))}};
    bool whole = true;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        whole = tool_json_add(object, members[i].key, members[i].value) && whole;
    return tool_json_line(out, object, whole);
}
