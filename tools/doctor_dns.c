/* What is answered: by the server, and through the system's resolver; see doctor.h. */
#include <string.h>

#include "tools/ask.h"
#include "tools/doctor.h"
#include "tools/snippet.h"

enum { RCODE_OK = 0, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, RCODE_REFUSED = 5 };

static void
endpoint_text(const struct endpoint *endpoint, char *out, size_t size)
{
    char ip[IP_TEXT_SIZE];
    ip_format(&endpoint->ip, ip);
    (void)snprintf(out, size, "%s port %u", ip, endpoint->port);
}

void
doctor_sockets(struct doctor *doctor)
{
    static const struct {
        const char *name;
        enum ask_way way;
    } ways[] = {{"UDP", ASK_PLAIN}, {"TCP", ASK_TCP}};
    const struct conf *conf = doctor->conf;
    for (unsigned i = 0; i < conf->listen_count; i++) {
        struct endpoint server = conf->listen[i];
        char text[IP_TEXT_SIZE + 16];
        server.ip = ask_address(&server);
        endpoint_text(&server, text, sizeof text);
        for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
            struct ask_reply reply;
            ask_once(&server, &conf->base, ASK_SOA, ways[k].way, &reply);
            if (!reply.answered)
                doctor_say(doctor, DOCTOR_FAIL, "start repdnsd, and see its log",
                    "nobody answers at %s over %s", text, ways[k].name);
            else if (reply.rcode == RCODE_SERVFAIL)
                doctor_say(doctor, DOCTOR_FAIL,
                    "see the checks privileges and stores, and the log of repdnsd",
                    "%s over %s answers SERVFAIL: repdnsd has no store that it can read", text,
                    ways[k].name);
            else if (reply.rcode != RCODE_OK || !reply.authoritative)
                doctor_say(doctor, DOCTOR_FAIL,
                    "is another server there, or repdnsd with another configuration?",
                    "%s over %s answers, but not for the base (code %u)", text, ways[k].name,
                    reply.rcode);
            else
                doctor_say(doctor, DOCTOR_OK, "", "%s answers over %s", text, ways[k].name);
        }
    }
}

/* A name left of each kind of zone for which all of its datasets are asked, whether it is listed or
 * not; the first is for the zones that are asked for addresses. */
static const struct dname *
probe_of(enum zone_kind kind)
{
    static const struct dname address = {11, "\0011\0012\0010\003192"},
                              name = {16, "\006doctor\007example"},
                              pair = {26, "\0011\0012\0010\003192\006doctor\007example"};
    return kind == ZONE_ADDR ? &address : kind == ZONE_PAIR ? &pair : &name;
}

/* Whether a zone answers with what it has, which its SOA, or a test entry, does not show. */
static bool
examine_zone(struct doctor *doctor, const struct endpoint *server, const struct zone_def *zone)
{
    static const struct {
        unsigned rcode;
        const char *what, *advice;
    } failures[] = {
        {RCODE_SERVFAIL, "answers SERVFAIL: the server misses a list of it, or one that is too old",
            "send repdnsd SIGHUP if the configuration was changed since its start; else run "
            "repdns-load run, and see the check age"},
        {RCODE_REFUSED, "is refused: repdnsd runs with another configuration",
            "send it SIGHUP, so that it reads this one"},
    };
    struct dname name;
    struct ask_reply reply;
    if (dname_join(probe_of(zone->kind), &zone->apex, &name) < 0)
        return true;
    ask_once(server, &name, ASK_A, ASK_PLAIN, &reply);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (reply.answered && reply.rcode == failures[i].rcode) {
            char text[DNAME_TEXT_SIZE];
            (void)dname_format(&zone->apex, text);
            doctor_say(doctor, DOCTOR_FAIL, failures[i].advice, "%s %s", text, failures[i].what);
            return false;
        }
    return true;
}

void
doctor_zones(struct doctor *doctor)
{
    const struct conf *conf = doctor->conf;
    struct endpoint server = conf->listen[0];
    struct ask_reply reply;
    unsigned good = 0, bad = 0;
    server.ip = ask_address(&server);
    ask_once(&server, &conf->base, ASK_SOA, ASK_PLAIN, &reply);
    if (!reply.answered || reply.rcode != RCODE_OK)
        return; /* sockets has said so */
    for (unsigned i = 0; i < conf->zone_count; i++) {
        const struct zone_def *zone = &conf->zones[i];
        /* With a key or an access list this machine need not be served. */
        if (!zone->enabled || zone->kind == ZONE_BASE || zone->keyed || zone->acl[0] != '\0' ||
            conf->acl[0] != '\0')
            continue;
        if (examine_zone(doctor, &server, zone))
            good++;
        else
            bad++;
    }
    if (good > 0 && bad == 0)
        doctor_say(doctor, DOCTOR_OK, "", "%u answer with what they have", good);
}

static bool
has_name(const struct ask_reply *reply, const struct dname *name)
{
    for (unsigned i = 0; i < reply->count; i++)
        if (dname_equal(&reply->names[i], name))
            return true;
    return false;
}

void
doctor_delegation(struct doctor *doctor)
{
    const struct conf *conf = doctor->conf;
    const struct zone_def *zone = &conf->zones[0]; /* the base */
    struct ask_reply reply;
    if (snippet_private(&conf->base)) {
        doctor_say(doctor, DOCTOR_OK, "", "none is needed: the base is a private name");
        return;
    }
    ask_once(NULL, &conf->base, ASK_NS, ASK_PLAIN, &reply);
    if (!reply.answered || reply.rcode != RCODE_OK || reply.count == 0) {
        doctor_say(doctor, conf->public ? DOCTOR_FAIL : DOCTOR_WARN,
            "publish what repdns snippet delegation prints, or give resolvers a stub",
            "the system's resolver finds no name servers of the base");
        return;
    }
    for (unsigned i = 0; i < zone->ns_count; i++)
        if (!has_name(&reply, &zone->ns[i])) {
            char name[DNAME_TEXT_SIZE];
            (void)dname_format(&zone->ns[i], name);
            doctor_say(doctor, DOCTOR_WARN,
                "make the delegation and nameservers of the configuration the same",
                "%s is a name server by the configuration, but not in DNS", name);
            return;
        }
    doctor_say(doctor, DOCTOR_OK, "", "DNS and configuration name the same servers");
}

/* "2.0.0.127" and a label before the base; false where the name is too long. */
static bool
test_name(const struct conf *conf, struct dname *out)
{
    static const struct dname test = {14, "\0012\0010\0010\003127\002ip"};
    return dname_join(&test, &conf->base, out) == ERR_OK;
}

/* Why the entry that every list has did not come through the resolver, by what came. */
static void
name_cause(struct doctor *doctor, const struct dname *name, const struct ask_reply *reply)
{
    /* Every resolver answers this by itself (RFC 6761 6.3), however long the base takes. */
    static const struct dname localhost = {11, "\011localhost"};
    struct ask_reply unchecked, base, local;
    ask_once(NULL, &localhost, ASK_A, ASK_PLAIN, &local);
    ask_once(NULL, &doctor->conf->base, ASK_SOA, ASK_PLAIN, &base);
    ask_once(NULL, name, ASK_A, ASK_UNCHECKED, &unchecked);
    bool only_unchecked = reply->rcode == RCODE_SERVFAIL && unchecked.answered &&
                          unchecked.rcode == RCODE_OK && unchecked.count > 0;
    bool base_there = base.answered && base.rcode == RCODE_OK && base.count > 0;
    const struct {
        bool fits;
        const char *what, *advice;
    } causes[] = {
        {!reply->answered && !local.answered, "the system's resolver does not answer at all",
            "see /etc/resolv.conf, and whether the resolver there runs"},
        {only_unchecked, "DNSSEC: the answer fails its check, because nothing proves the base",
            "exempt the base: domain-insecure in unbound, validate-except in BIND; see repdns "
            "snippet"},
        {base_there && reply->answered && reply->rcode != RCODE_SERVFAIL,
            "the base is answered, but 127.0.0.2 is missing: protection against rebinding strips "
            "addresses in 127/8",
            "exempt the base: private-domain in unbound, rebind-domain-ok in dnsmasq; see repdns "
            "snippet"},
        {reply->rcode == RCODE_NXDOMAIN, "the resolver does not know the base",
            "give it a stub, or publish the delegation; see repdns snippet"},
        {true, "the resolver gets no answer for the base",
            "see whether its stub or the delegation leads to repdnsd, and the check sockets"},
    };
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (causes[i].fits) {
            doctor_say(doctor, DOCTOR_FAIL, causes[i].advice, "%s", causes[i].what);
            return;
        }
}

/* RFC 5782 5: every list has 127.0.0.2, and clients shall look for it (7). */
void
doctor_resolver(struct doctor *doctor)
{
    struct dname name;
    struct ask_reply reply;
    if (doctor->conf->retired) {
        doctor_say(doctor, DOCTOR_WARN, "see repdns snippet shutdown",
            "retired: no zone lists anything, nor the test entry");
        return;
    }
    if (!test_name(doctor->conf, &name))
        return;
    ask_once(NULL, &name, ASK_A, ASK_PLAIN, &reply);
    for (unsigned i = 0; i < reply.count; i++)
        if (reply.a[i] == 0x7f000002) {
            doctor_say(doctor, DOCTOR_OK, "", "the test entry comes through the system's resolver");
            return;
        }
    name_cause(doctor, &name, &reply);
}
