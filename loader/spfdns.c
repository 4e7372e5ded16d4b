/* DNS for SPF terms. See spfdns.h. */
#include "loader/spfdns.h"

#include <stdio.h>
#include <string.h>

#define PTR_MAX 10 /* RFC 7208 4.6.4: the first ten count, the rest is ignored */

#define TERM_SHOWN 60 /* bytes of a term in a message */

/* Fetched bytes on their way into a message. */
static void
printable(struct slice text, char *out, size_t size)
{
    const char *p = text.p;
    size_t n = text.n < size - 1 ? text.n : size - 1;

    for (size_t i = 0; i < n; i++)
        out[i] = p[i] >= ' ' && p[i] <= '~' ? p[i] : '?';
    out[n] = '\0';
}

void
spfdns_describe(const struct dname *sender, const struct dname *domain,
    const struct spfrecord_error *term, const char *cause, char why[SPFDNS_WHY_SIZE])
{
    char shown[TERM_SHOWN + 1], of[SPFMACRO_DOMAIN_SIZE] = "";

    if (!dname_equal(domain, sender)) {
        char text[SPFMACRO_DOMAIN_SIZE];

        spfmacro_domain(domain, text);
        printable(slice_of(text, strlen(text)), of, sizeof of);
    }
    const char *joint = of[0] == '\0' ? "" : " of ";
    if (term == NULL) {
        (void)snprintf(why, SPFDNS_WHY_SIZE, "%s%s%.80s", cause, joint, of);
        return;
    }
    printable(term->term, shown, sizeof shown);
    (void)snprintf(
        why, SPFDNS_WHY_SIZE, "%s at column %u%s%.50s: %s", shown, term->column, joint, of, cause);
}

void
spfdns_describe_failure(const struct dname *name, char why[SPFDNS_WHY_SIZE])
{
    char text[SPFMACRO_DOMAIN_SIZE], shown[SPFMACRO_DOMAIN_SIZE];

    spfmacro_domain(name, text);
    printable(slice_of(text, strlen(text)), shown, sizeof shown);
    (void)snprintf(why, SPFDNS_WHY_SIZE, "DNS failed for %.150s", shown);
}

void
spfdns_permerror(struct spfdns *dns, const struct dname *domain, const struct spfrecord_error *term,
    const char *cause)
{
    if (dns->stop != SPFDNS_GO)
        return;
    dns->stop = SPFDNS_PERMERROR;
    spfdns_describe(&dns->query->domain, domain, term, cause, dns->out->why);
}

static void
term_error(
    struct spfdns *dns, const struct dname *domain, const struct spfterm *term, const char *cause)
{
    struct spfrecord_error error = {.term = term->text, .column = term->column};

    spfdns_permerror(dns, domain, &error, cause);
}

enum dns_status
spfdns_ask(
    struct spfdns *dns, enum dns_type type, const struct dname *name, struct dns_answer *answer)
{
    *answer = (struct dns_answer){.status = DNS_FAIL, .expires_s = INT64_MAX};
    if (dns->stop != SPFDNS_GO)
        return DNS_FAIL;
    dns->query->dns.lookup(dns->query->dns.ctx, type, name, answer);
    if (answer->status == DNS_PENDING)
        dns->stop = SPFDNS_PENDING;
    else if (answer->expires_s < dns->out->expires_s)
        dns->out->expires_s = answer->expires_s;
    return answer->status;
}

/* As spfdns_ask for a term that needs its answer: failure is a temperror, an empty answer is
 * counted. true: there are records. */
static bool
ask_for_term(struct spfdns *dns, const struct dname *domain, const struct spfterm *term,
    enum dns_type type, const struct dname *name, struct dns_answer *answer)
{
    enum dns_status status = spfdns_ask(dns, type, name, answer);

    if (dns->stop != SPFDNS_GO || status == DNS_OK)
        return dns->stop == SPFDNS_GO;
    if (status == DNS_FAIL) {
        spfdns_describe_failure(name, dns->out->why);
        dns->stop = SPFDNS_TEMPERROR;
    } else if (++dns->voids > dns->limits.voids) {
        term_error(dns, domain, term, SPFDNS_TOO_MANY_VOIDS);
    }
    return false;
}

bool
spfdns_count(struct spfdns *dns, const struct dname *domain, const struct spfterm *term)
{
    if (dns->stop != SPFDNS_GO)
        return false;
    if (++dns->lookups > dns->limits.lookups)
        term_error(dns, domain, term, SPFDNS_TOO_MANY_TERMS);
    return dns->stop == SPFDNS_GO;
}

bool
spfdns_target(struct spfdns *dns, const struct dname *domain, const struct spfterm *term,
    struct dname *target)
{
    char text[1024];
    size_t n;

    if (term->domain.n == 0) {
        *target = *domain;
        return dns->stop == SPFDNS_GO;
    }
    spfmacro_domain(domain, dns->values.domain);
    if (spfmacro_expand(term->domain, SPFMACRO_DOMAIN, &dns->values, text, sizeof text, &n) !=
        ERR_OK)
        return false;
    return dns->stop == SPFDNS_GO && spfmacro_name(text, n, target) == ERR_OK &&
           dname_labels(target) > 1;
}

/* The first bits of two addresses, both of one family. */
static bool
same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool
spfdns_ip_matches(const struct ip *ip, const struct spfterm *term)
{
    if (ip_is4(ip))
        return term->kind == SPFTERM_IP4 && same_prefix(ip->b + 12, term->ip.b + 12, term->cidr4);
    return term->kind == SPFTERM_IP6 && same_prefix(ip->b, term->ip.b, term->cidr6);
}

/* Whether one of the address records lies with the client in a block of bits bits. */
static bool
has_address(struct dns_answer answer, const struct ip *ip, unsigned bits)
{
    size_t size = ip_is4(ip) ? 4 : 16;
    struct slice rdata;

    while (dns_next(&answer, &rdata) == ERR_OK)
        if (rdata.n == size && same_prefix(rdata.p, ip->b + 16 - size, bits))
            return true;
    return false;
}

static enum dns_type
address_type(const struct ip *ip)
{
    return ip_is4(ip) ? DNS_A : DNS_AAAA;
}

/* RFC 7208 5.3, and 5.4 for each host of an mx. */
static bool
host_matches(struct spfdns *dns, const struct dname *domain, const struct spfterm *term,
    const struct dname *host)
{
    const struct ip *ip = &dns->query->ip;
    struct dns_answer answer;

    return ask_for_term(dns, domain, term, address_type(ip), host, &answer) &&
           has_address(answer, ip, ip_is4(ip) ? term->cidr4 : term->cidr6);
}

bool
spfdns_mx_hosts(struct dns_answer answer, struct spfdns_mx hosts[SPFDNS_MX_MAX], unsigned *count)
{
    struct slice rdata;

    *count = 0;
    while (dns_next(&answer, &rdata) == ERR_OK) {
        const uint8_t *p = rdata.p;
        struct spfdns_mx mx;

        /* RFC 7505: the root is "no mail", no host to ask for. */
        if (rdata.n < 3 || dname_from_wire(p + 2, rdata.n - 2, &mx.host) != ERR_OK ||
            mx.host.len == 1)
            continue;
        if (*count == SPFDNS_MX_MAX)
            return false;
        mx.preference = (unsigned)p[0] << 8 | p[1];
        unsigned at = (*count)++;
        for (; at > 0; at--) {
            const struct spfdns_mx *before = &hosts[at - 1];
            struct slice a = slice_of(mx.host.b, mx.host.len),
                         b = slice_of(before->host.b, before->host.len);

            if (before->preference < mx.preference ||
                (before->preference == mx.preference && slice_cmp(b, a) <= 0))
                break;
            hosts[at] = *before;
        }
        hosts[at] = mx;
    }
    return true;
}

/* RFC 7208 5.4. */
static bool
mx_matches(struct spfdns *dns, const struct dname *domain, const struct spfterm *term,
    const struct dname *target)
{
    struct spfdns_mx hosts[SPFDNS_MX_MAX];
    struct dns_answer answer;
    unsigned count;

    if (!ask_for_term(dns, domain, term, DNS_MX, target, &answer))
        return false;
    if (!spfdns_mx_hosts(answer, hosts, &count)) {
        term_error(dns, domain, term, SPFDNS_TOO_MANY_MX);
        return false;
    }
    for (unsigned i = 0; i < count && dns->stop == SPFDNS_GO; i++)
        if (host_matches(dns, domain, term, &hosts[i].host))
            return true;
    return false;
}

/* How well a name serves as the client's: other, below the domain, or the domain itself. */
enum name_rank { RANK_NONE, RANK_OTHER, RANK_BELOW, RANK_SAME };

/* The best name of the client that has the client's address (RFC 7208 5.5), in *best if it is
 * better than least; none better than enough is looked for. Failures are no names, and nothing here
 * is void: it is the client's DNS and not the domain's. */
static enum name_rank
validated_name(struct spfdns *dns, struct dns_answer answer, const struct dname *target,
    enum name_rank least, enum name_rank enough, struct dname *best)
{
    const struct ip *ip = &dns->query->ip;
    enum name_rank reached = least;
    struct slice rdata;

    for (unsigned i = 0; i < PTR_MAX && dns_next(&answer, &rdata) == ERR_OK; i++) {
        struct dname name;
        struct dns_answer addresses;

        if (dname_from_wire(rdata.p, rdata.n, &name) != ERR_OK || name.len == 1)
            continue;
        enum name_rank rank = dname_equal(&name, target)   ? RANK_SAME
                              : dname_under(&name, target) ? RANK_BELOW
                                                           : RANK_OTHER;
        if (rank <= reached)
            continue;
        bool good = spfdns_ask(dns, address_type(ip), &name, &addresses) == DNS_OK &&
                    has_address(addresses, ip, ip_bits(ip_family(ip)));
        if (dns->stop != SPFDNS_GO)
            return RANK_NONE;
        if (!good)
            continue;
        reached = rank;
        *best = name;
        if (reached >= enough)
            break;
    }
    return reached;
}

/* RFC 7208 5.5. */
static bool
ptr_matches(struct spfdns *dns, const struct dname *domain, const struct spfterm *term,
    const struct dname *target)
{
    struct dname reverse, name;
    struct dns_answer answer;

    dns_reverse_name(&dns->query->ip, &reverse);
    enum dns_status status = spfdns_ask(dns, DNS_PTR, &reverse, &answer);
    if (dns->stop == SPFDNS_GO && (status == DNS_NODATA || status == DNS_NXDOMAIN) &&
        ++dns->voids > dns->limits.voids)
        term_error(dns, domain, term, SPFDNS_TOO_MANY_VOIDS);
    return status == DNS_OK &&
           validated_name(dns, answer, target, RANK_OTHER, RANK_BELOW, &name) >= RANK_BELOW;
}

/* RFC 7208 7.3 on "p": the domain itself, else a name below it, else any. Not counted as a term:
 * it is one PTR question for the whole evaluation, however often it is written. */
static void
expand_validated(void *ctx, char out[SPFMACRO_DOMAIN_SIZE])
{
    struct spfdns *dns = ctx;
    struct dname reverse, domain, name;
    struct dns_answer answer;

    (void)snprintf(out, SPFMACRO_DOMAIN_SIZE, "unknown");
    if (spfmacro_name(dns->values.domain, strlen(dns->values.domain), &domain) != ERR_OK)
        return;
    dns_reverse_name(&dns->query->ip, &reverse);
    if (spfdns_ask(dns, DNS_PTR, &reverse, &answer) != DNS_OK)
        return;
    if (validated_name(dns, answer, &domain, RANK_NONE, RANK_SAME, &name) != RANK_NONE)
        spfmacro_domain(&name, out);
}

bool
spfdns_matches(struct spfdns *dns, const struct dname *domain, const struct spfterm *term)
{
    struct dname target;
    struct dns_answer answer;

    if (!spfdns_count(dns, domain, term) || !spfdns_target(dns, domain, term, &target))
        return false;
    switch (term->kind) {
    case SPFTERM_A:
        return host_matches(dns, domain, term, &target);
    case SPFTERM_MX:
        return mx_matches(dns, domain, term, &target);
    case SPFTERM_PTR:
        return ptr_matches(dns, domain, term, &target);
    case SPFTERM_EXISTS: /* RFC 7208 5.7: always A, whatever the client's family */
        return ask_for_term(dns, domain, term, DNS_A, &target, &answer);
    default:
        return false;
    }
}

void
spfdns_prefetch(struct spfdns *dns, const struct dname *domain, const struct spfterm *term)
{
    static const struct {
        enum spfterm_kind kind;
        enum dns_type type;
    } types[] = {{SPFTERM_INCLUDE, DNS_TXT}, {SPFTERM_REDIRECT, DNS_TXT}, {SPFTERM_MX, DNS_MX},
        {SPFTERM_EXISTS, DNS_A}, {SPFTERM_A, DNS_A}};
    enum spfdns_stop stop = dns->stop;
    struct dname target;
    struct dns_answer answer;

    /* What needs the validated name waits for it. */
    if ((spfmacro_letters(term->domain, SPFMACRO_DOMAIN) & SPFMACRO_LETTER('p')) != 0)
        return;
    dns->stop = SPFDNS_GO;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].kind != term->kind || !spfdns_target(dns, domain, term, &target))
            continue;
        enum dns_type type = types[i].type;
        if (term->kind == SPFTERM_A)
            type = address_type(&dns->query->ip);
        dns->query->dns.lookup(dns->query->dns.ctx, type, &target, &answer);
    }
    dns->stop = stop;
}

void
spfdns_explain(struct spfdns *dns, const struct dname *domain, const struct spfterm *exp)
{
    char *out = dns->out->explanation;
    struct dname target;
    struct dns_answer answer;
    struct slice text;
    const char *cause;
    size_t n;

    if (!spfdns_target(dns, domain, exp, &target) ||
        spfdns_ask(dns, DNS_TXT, &target, &answer) != DNS_OK || answer.count != 1 ||
        dns_next(&answer, &text) != ERR_OK ||
        spfmacro_check(text, SPFMACRO_EXPLAIN, &cause) != ERR_OK)
        return;
    if (spfmacro_expand(
            text, SPFMACRO_EXPLAIN, &dns->values, out, sizeof dns->out->explanation, &n) != ERR_OK)
        n = 0;
    /* The text is ASCII, what the HELO or a local part put in need not be. */
    for (size_t i = 0; i < n; i++)
        if (out[i] < ' ' || out[i] > '~')
            out[i] = '?';
    out[n] = '\0';
}

void
spfdns_start(struct spfdns *dns, const struct spf_query *query, struct spf_limits limits,
    struct spf_result *out)
{
    *dns = (struct spfdns){.query = query, .limits = limits, .out = out};
    struct spfmacro_values *values = &dns->values;

    values->ip = query->ip;
    values->now_s = query->now_s;
    values->validated = expand_validated;
    values->ctx = dns;
    spfmacro_domain(&query->domain, values->sender_domain);
    memcpy(values->domain, values->sender_domain, sizeof values->domain);
    /* RFC 7208 4.3: a sender without a local part is "postmaster". */
    bool has_local = query->local != NULL && query->local[0] != '\0';
    values->local = has_local ? query->local : "postmaster";
    values->helo = query->helo != NULL ? query->helo : values->sender_domain;
}
