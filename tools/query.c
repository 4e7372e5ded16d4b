/* repdns query: asks a server as a mail server would, and prints what it says; see tools.h. */
#include "tools/query.h"
#include <string.h>
#include <strings.h>

#include "tools/ask.h"
#include "tools/tools.h"
#include "zones/confvalue.h"

/* What the command line asks for. */
struct question {
    struct dname name;
    ldns_rr_type type;
    bool both; /* no type was given: A, and where that is listed, TXT */
};

static bool
known_type(const char *text, ldns_rr_type *out)
{
    static const struct {
        const char *name;
        ldns_rr_type type;
    } types[] = {{"A", LDNS_RR_TYPE_A}, {"AAAA", LDNS_RR_TYPE_AAAA}, {"TXT", LDNS_RR_TYPE_TXT},
        {"SOA", LDNS_RR_TYPE_SOA}, {"NS", LDNS_RR_TYPE_NS}, {"MX", LDNS_RR_TYPE_MX},
        {"ANY", LDNS_RR_TYPE_ANY}, {"DS", LDNS_RR_TYPE_DS}, {"DNSKEY", LDNS_RR_TYPE_DNSKEY}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcasecmp(types[i].name, text) == 0) {
            *out = types[i].type;
            return true;
        }
    return false;
}

/* "4.3.2.1", then the domain if there is one, then the label and the base. */
static enum err
name_in_zone(const struct conf *conf, const struct ip *ip, const struct dname *domain,
    const char *label, struct dname *out)
{
    char reversed[IP_REVERSE_SIZE];
    struct dname left, zone;
    size_t n = ip_reverse(ip, reversed);
    enum err err = dname_parse(reversed, n, &left);
    if (err == ERR_OK && domain != NULL) {
        struct dname both;
        err = dname_join(&left, domain, &both);
        left = both;
    }
    if (err == ERR_OK)
        err = dname_parse(label, strlen(label), &zone);
    struct dname apex;
    if (err == ERR_OK)
        err = dname_join(&zone, &conf->base, &apex);
    return err < 0 ? err : dname_join(&left, &apex, out);
}

/* IP, IP DOMAIN or NAME, each with a type behind it. A word behind an address that is a type's name
 * is the type: no domain has one label. */
static enum err
read_question(const struct tool *tool, struct question *out, struct errmsg *msg)
{
    char *const *args = tool->args;
    int left = tool->arg_count - 1;
    struct ip ip;
    struct dname domain;
    enum err err;
    *out = (struct question){.type = LDNS_RR_TYPE_A, .both = true};
    if (left > 0 && known_type(args[left], &out->type)) {
        out->both = false;
        left--;
    }
    if (ip_parse(args[0], strlen(args[0]), &ip) < 0) {
        if (left > 0)
            return errmsg_set(msg, ERR_SYNTAX, "\"%s\" is no address and \"%s\" no record type",
                args[0], args[1]);
        if (dname_parse(args[0], strlen(args[0]), &out->name) < 0)
            return errmsg_set(msg, ERR_SYNTAX, "\"%s\" is no domain name", args[0]);
        return ERR_OK;
    }
    if (left == 0)
        err = name_in_zone(tool->conf, &ip, NULL, "ip", &out->name);
    else if (left > 1 || dname_parse(args[1], strlen(args[1]), &domain) < 0)
        return errmsg_set(msg, ERR_SYNTAX, "\"%s\" is no domain name or record type", args[left]);
    else
        err = name_in_zone(tool->conf, &ip, &domain, "pair", &out->name);
    return err < 0 ? errmsg_set(msg, err, "the name to ask would be too long") : ERR_OK;
}

static enum err
read_server(const struct tool *tool, struct endpoint *out, struct errmsg *msg)
{
    if (tool->server != NULL) {
        if (confvalue_endpoint(tool->server, 53, out) == ERR_OK)
            return ERR_OK;
        return errmsg_set(
            msg, ERR_SYNTAX, "\"%s\" is no address; write 127.0.0.1@5354", tool->server);
    }
    *out = tool->conf->listen[0];
    out->ip = ask_address(out);
    return ERR_OK;
}

static void
print_section(FILE *out, ldns_rr_list *records)
{
    for (size_t i = 0; records != NULL && i < ldns_rr_list_rr_count(records); i++)
        ldns_rr_print(out, ldns_rr_list_rr(records, i));
}

static void
print_answer(FILE *out, const struct endpoint *server, const struct question *question,
    const ldns_pkt *packet)
{
    char name[DNAME_TEXT_SIZE], ip[IP_TEXT_SIZE];
    char *type = ldns_rr_type2str(question->type);
    char *rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet));
    (void)dname_format(&question->name, name);
    ip_format(&server->ip, ip);
    fprintf(out, ";; %s. %s: %s%s from %s@%u, %zu bytes\n", name, type != NULL ? type : "?",
        rcode != NULL ? rcode : "?", ldns_pkt_aa(packet) ? ", authoritative," : "", ip,
        server->port, ldns_pkt_size(packet));
    print_section(out, ldns_pkt_answer(packet));
    print_section(out, ldns_pkt_authority(packet));
    free(type);
    free(rcode);
}

/* *listed: the answer has records of the type. ERR_REFUSED for a server that did not answer the
 * question, ERR_TIMEOUT for none. */
static enum err
ask(const struct tool *tool, ldns_resolver *resolver, const struct endpoint *server,
    const struct question *question, bool *listed, struct errmsg *msg)
{
    char text[DNAME_TEXT_SIZE], ip[IP_TEXT_SIZE];
    ldns_pkt *packet = NULL;
    *listed = false;
    ip_format(&server->ip, ip);
    ldns_rdf *name =
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, question->name.len, question->name.b);
    if (name == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    ldns_status status =
        ldns_resolver_query_status(&packet, resolver, name, question->type, LDNS_RR_CLASS_IN, 0);
    ldns_rdf_deep_free(name);
    if (status != LDNS_STATUS_OK || packet == NULL) {
        ldns_pkt_free(packet);
        return errmsg_set(msg, ERR_TIMEOUT,
            "%s@%u: %s; is repdnsd running there? Give another with -s", ip, server->port,
            status != LDNS_STATUS_OK ? ldns_get_errorstr_by_id(status) : "no answer");
    }
    enum err printed = ERR_OK;
    if (tool->json)
        printed = query_print_json(tool->out, server, &question->name, question->type, packet);
    else
        print_answer(tool->out, server, question, packet);
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(packet);
    *listed = rcode == LDNS_RCODE_NOERROR && ldns_pkt_ancount(packet) > 0;
    ldns_pkt_free(packet);
    if (printed < 0)
        return errmsg_set(msg, printed, "out of memory");
    if (rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN)
        return ERR_OK;
    (void)dname_format(&question->name, text);
    return errmsg_set(msg, ERR_REFUSED, "%s@%u: no answer to %s%s", ip, server->port, text,
        rcode == LDNS_RCODE_REFUSED ? ": not a zone of it, one that is off, or it is not public"
                                    : "; see its log, and repdns doctor");
}

enum exit_code
tool_query(const struct tool *tool, struct errmsg *msg)
{
    struct question question;
    struct endpoint server;
    bool listed;
    if (read_question(tool, &question, msg) < 0 || read_server(tool, &server, msg) < 0)
        return EXIT_USAGE;
    ldns_resolver *resolver = ask_resolver(&server);
    if (resolver == NULL)
        return tool_exit(errmsg_set(msg, ERR_NOMEM, "out of memory"));
    enum err err = ask(tool, resolver, &server, &question, &listed, msg);
    if (err == ERR_OK && listed && question.both) {
        question.type = LDNS_RR_TYPE_TXT;
        err = ask(tool, resolver, &server, &question, &listed, msg);
    }
    ldns_resolver_deep_free(resolver);
    return tool_exit(err);
}
