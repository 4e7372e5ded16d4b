/* repdns snippet: lines for other programs; see snippet.h. tests/e2e/init.sh gives each to the
 * program that it is for. */
#include "tools/snippet.h"

#include <string.h>

#include "tools/ask.h"
#include "tools/fill.h"

/* Postfix only logs first: what it would have rejected is in the log as "reject_warning". */
static const char postfix[] =
    "# main.cf; where you have such restrictions, add what is new to them, the last line at the "
    "end.\n"
    "# While warn_if_reject stands before them, the lists only log \"reject_warning\"; take it "
    "off\n"
    "# when the log has had no mail among these that you want. Who is listed can always write to\n"
    "# the address that the page names.\n"
    "smtpd_recipient_restrictions = permit_mynetworks,\n"
    "    permit_sasl_authenticated,\n"
    "    reject_unauth_destination,\n"
    "    check_recipient_access inline:{@CONTACT@=permit},\n"
    "    warn_if_reject reject_rbl_client ip.@BASE@,\n"
    "    warn_if_reject reject_rhsbl_sender dom.@BASE@,\n"
    "    warn_if_reject reject_rhsbl_helo helo.@BASE@,\n"
    "    check_client_access static:{INFO repdns}\n";

/* RFC 1034 4.2.1: the delegation stands in the zone above, with the server's address where the
 * server's name lies in that zone too. */
static const char delegation[] =
    "; Into the zone above @BASE@, and nothing else. The @TYPE@ record is there already if the\n"
    "; host has one.\n"
    "@BASE@. 86400 IN NS @HOST@.\n"
    "@HOST@. 86400 IN @TYPE@ @ADDRESS@\n";
static const char delegation_private[] =
    "; Nothing: @BASE@ is a private name, which nobody can delegate. Give your resolvers the\n"
    "; lines for them.\n";
static const char delegation_local[] =
    "; Nothing yet: the server listens on @ADDRESS@ port @PORT@, where nobody outside can ask it.\n"
    "; Give your own resolvers the lines for them; or set listen to a public address with port "
    "53,\n"
    "; public = yes, and print this again.\n";

static const char unbound[] = "# /etc/unbound/unbound.conf.d/repdns.conf\n"
                              "server:\n"
                              "    do-not-query-localhost: no\n"
                              "    # Answers in 127/8 are no attack in this zone.\n"
                              "    private-domain: \"@BASE@\"\n"
                              "stub-zone:\n"
                              "    name: \"@BASE@\"\n"
                              "    stub-addr: @ADDRESS@@@PORT@\n";
/* Without domain-insecure the root's signed proof that there is no such name counts (RFC 4035 5.4).
 */
static const char unbound_insecure[] =
    "# /etc/unbound/unbound.conf.d/repdns.conf\n"
    "server:\n"
    "    do-not-query-localhost: no\n"
    "    # DNSSEC says that a name without delegation can't exist.\n"
    "    domain-insecure: \"@BASE@\"\n"
    "    # Answers in 127/8 are no attack in this zone.\n"
    "    private-domain: \"@BASE@\"\n"
    "stub-zone:\n"
    "    name: \"@BASE@\"\n"
    "    stub-addr: @ADDRESS@@@PORT@\n";

/* A static-stub can't have a port. */
static const char bind[] = "// named.conf.local\n"
                           "zone \"@BASE@\" {\n"
                           "    type forward;\n"
                           "    forward only;\n"
                           "    forwarders { @ADDRESS@ port @PORT@; };\n"
                           "};\n";
static const char bind_insecure[] =
    "// named.conf.local. If DNSSEC is validated, which is the default, named.conf.options needs\n"
    "//     validate-except { \"@BASE@\"; };\n"
    "// in its options: DNSSEC says that a name without delegation can't exist.\n"
    "zone \"@BASE@\" {\n"
    "    type forward;\n"
    "    forward only;\n"
    "    forwarders { @ADDRESS@ port @PORT@; };\n"
    "};\n";

static const char dnsmasq[] = "# /etc/dnsmasq.d/repdns.conf\n"
                              "server=/@BASE@/@ADDRESS@#@PORT@\n"
                              "# Answers in 127/8 are no attack in this zone.\n"
                              "rebind-domain-ok=/@BASE@/\n";

static const char resolved[] =
    "# /etc/systemd/resolved.conf.d/repdns.conf. Only with a DNS server on the network link: else\n"
    "# resolved sends this one everything, which it refuses.\n"
    "[Resolve]\n"
    "DNS=@ADDRESS_RESOLVED@:@PORT@\n"
    "Domains=~@BASE@\n";
static const char resolved_insecure[] =
    "# /etc/systemd/resolved.conf.d/repdns.conf. Only with a DNS server on the network link: else\n"
    "# resolved sends this one everything, which it refuses. With DNSSEC=yes also write the line\n"
    "#     @BASE@\n"
    "# into /etc/dnssec-trust-anchors.d/repdns.negative.\n"
    "[Resolve]\n"
    "DNS=@ADDRESS_RESOLVED@:@PORT@\n"
    "Domains=~@BASE@\n";

/* RFC 6471 3.4: nothing is ever listed, queries lead to addresses that are nobody's (RFC 5737) and
 * stay there, and the names are kept. */
static const char shutdown[] =
    "; 1. Announce the end on the page and to who asks, for a month or more, with\n"
    ";        retired = yes\n"
    ";    in repdns.conf and kill -HUP: no zone lists anything, nor its test entry.\n"
    "; 2. Then put this in the place of the delegation, and stop repdnsd: queries go to an "
    "address\n"
    ";    that nobody has, so who still asks notices by the delay. Never list everybody instead.\n"
    "; 3. Keep the domain: who gets it next could reject the mail of all who still ask.\n"
    "@BASE@. 604800 IN NS ns.retired.@BASE@.\n"
    "ns.retired.@BASE@. 604800 IN A 192.0.2.1\n";
static const char shutdown_private[] =
    "# Take the lists out of your mail servers, then the stub out of your resolvers, then stop\n"
    "# repdnsd. Until then retired = yes in repdns.conf makes no zone list anything.\n";

static const struct snippet {
    const char *name, *what;
    const char *text;
    const char *undelegated; /* for a server that nobody outside can ask; NULL: the same */
    const char *private;     /* for a base that is no public name; NULL: as undelegated */
} snippets[] = {
    {"postfix", "Ask it from Postfix", postfix, NULL, NULL},
    {"delegation", "The one delegation to publish", delegation, delegation_local,
        delegation_private},
    {"unbound", "A stub for unbound", unbound, unbound_insecure, NULL},
    {"bind", "The same for BIND", bind, bind_insecure, NULL},
    {"dnsmasq", "The same for dnsmasq", dnsmasq, NULL, NULL},
    {"resolved", "The same for systemd-resolved", resolved, resolved_insecure, NULL},
    {"shutdown", "One day, the end of the lists", shutdown, shutdown_private, NULL},
};

bool
snippet_private(const struct dname *base)
{
    static const char *const lasts[] = {"internal", "home.arpa", "intranet", "private", "corp",
        "home", "lan", "localdomain", "localhost"};
    for (size_t i = 0; i < sizeof lasts / sizeof *lasts; i++) {
        struct dname last;
        if (dname_parse(lasts[i], strlen(lasts[i]), &last) == ERR_OK && dname_under(base, &last))
            return true;
    }
    return false;
}

/* The mailbox of an SOA: its first label is the local part (RFC 1035 3.3.13). One that would end
 * the line or the braces becomes postmaster, whom each domain has (RFC 5321 4.5.1). */
static void
mailbox_text(const struct dname *rname, char *out, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789._+-";
    struct dname domain = {.len = (uint8_t)(rname->len - rname->b[0] - 1)};
    char local[64] = "", text[DNAME_TEXT_SIZE];
    memcpy(local, rname->b + 1, rname->b[0]);
    memcpy(domain.b, rname->b + 1 + rname->b[0], domain.len);
    (void)dname_format(&domain, text);
    bool is_plain = local[0] != '\0' && strspn(local, plain) == rname->b[0];
    (void)snprintf(out, size, "%s@%s", is_plain ? local : "postmaster", text);
}

static void
print_snippet(FILE *out, const struct conf *conf, const struct snippet *snippet)
{
    char base[DNAME_TEXT_SIZE], host[DNAME_TEXT_SIZE], address[IP_TEXT_SIZE], port[8];
    char bracketed[IP_TEXT_SIZE + 2], contact[DNAME_TEXT_SIZE + 64];
    struct ip asked = ask_address(&conf->listen[0]);
    bool v4 = ip_is4(&asked);
    const struct zone_def *zone = &conf->zones[0]; /* the base */
    (void)dname_format(&conf->base, base);
    (void)dname_format(zone->ns_count > 0 ? &zone->ns[0] : &zone->soa.mname, host);
    ip_format(&asked, address);
    (void)snprintf(bracketed, sizeof bracketed, v4 ? "%s" : "[%s]", address);
    mailbox_text(&zone->soa.rname, contact, sizeof contact);
    (void)snprintf(port, sizeof port, "%u", conf->listen[0].port);
    const struct fill fills[] = {{"BASE", base}, {"HOST", host}, {"ADDRESS", address},
        {"PORT", port}, {"TYPE", v4 ? "A" : "AAAA"}, {"ADDRESS_RESOLVED", bracketed},
        {"CONTACT", contact}, {0}};
    const char *text = snippet->text;
    bool private = snippet_private(&conf->base);
    bool asked_by_all = !ip_is_special(&asked) && conf->listen[0].port == 53 && conf->public;
    if (private && snippet->private != NULL)
        text = snippet->private;
    else if ((private || !asked_by_all) && snippet->undelegated != NULL)
        text = snippet->undelegated;
    fill_print(out, text, fills, false);
}

void
snippet_all(FILE *out, const struct conf *conf)
{
    for (size_t i = 0; i < sizeof snippets / sizeof *snippets; i++) {
        fprintf(out, "\n== %s (repdns snippet %s)\n\n", snippets[i].what, snippets[i].name);
        print_snippet(out, conf, &snippets[i]);
    }
}

enum exit_code
tool_snippet(const struct tool *tool, struct errmsg *msg)
{
    if (tool->arg_count == 0) {
        snippet_all(tool->out, tool->conf);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof snippets / sizeof *snippets; i++)
        if (strcmp(snippets[i].name, tool->args[0]) == 0) {
            print_snippet(tool->out, tool->conf, &snippets[i]);
            return EXIT_DONE;
        }
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof snippets / sizeof *snippets && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, " %s", snippets[i].name);
    (void)errmsg_set(
        msg, ERR_NOTFOUND, "no snippet is called \"%.100s\"; there are:%s", tool->args[0], names);
    return EXIT_USAGE;
}
