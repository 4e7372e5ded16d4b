/*
 * Random worlds of SPF policies for spfcompare.c. What comes up often is what is hard: addresses
 * that lie close together, includes within includes, limits that only some paths reach.
 */
#ifndef TESTS_TOOLS_SPFCOMPARE_WORLDS_H
#define TESTS_TOOLS_SPFCOMPARE_WORLDS_H

#include "tests/spf_world.h"

enum { POLICIES = 12, HOSTS = 14, EXPLANATIONS = 10, BASES = 3, TEXT_SIZE = 4096 };

struct maker {
    uint64_t seed;
    struct world world;
    struct ip bases[SPFFLAT_FAMILIES][BASES]; /* the networks of this world's addresses */
    unsigned policies;
    char text[TEXT_SIZE]; /* of the record being written */
    size_t n;
};

static uint32_t
draw(struct maker *m, uint32_t below)
{
    m->seed = m->seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)((m->seed >> 33) % below);
}

static bool
percent(struct maker *m, unsigned share)
{
    return draw(m, 100) < share;
}

#define PICK(m, array) ((array)[draw(m, sizeof(array) / sizeof *(array))])

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "spfcompare: %s\n", what);
    exit(2);
}

/* ---- Addresses and names ---- */

static struct ip
ip_of(const char *text)
{
    struct ip ip;

    if (ip_parse(text, strlen(text), &ip) != ERR_OK)
        die(text);
    return ip;
}

/* Near one of the bases: they share all but a few bits at the end. IPv6 bases may be mapped ones:
 * what comes out is then an IPv4 address. */
static struct ip
near_base(struct maker *m, unsigned family)
{
    static const unsigned bits[SPFFLAT_FAMILIES][9] = {
        {0, 1, 2, 3, 5, 8, 8, 17, 32}, {0, 1, 2, 3, 8, 8, 16, 80, 128}};
    struct ip ip = PICK(m, m->bases[family]);
    unsigned changed = PICK(m, bits[family]);

    for (unsigned i = 0; i < changed; i++)
        if (draw(m, 2) == 1)
            ip.b[15 - i / 8] ^= (uint8_t)(1U << i % 8);
    return ip;
}

static void
choose_bases(struct maker *m)
{
    static const char *const four[] = {"192.0.2.0", "198.51.100.128", "203.0.113.64", "10.0.0.0",
        "0.0.0.0", "255.255.255.0", "127.0.0.0"};
    static const char *const six[] = {"2001:db8::", "2001:db8:0:1::", "2001:db9::8000:0",
        "::", "::fffe:ffff:ff00", "::ffff:192.0.2.0", "::1:0:0:0",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:0", "3fff::"};

    for (unsigned i = 0; i < BASES; i++) {
        m->bases[SPFFLAT_V4][i] = ip_of(PICK(m, four));
        m->bases[SPFFLAT_V6][i] = ip_of(percent(m, 60) ? six[draw(m, 3)] : PICK(m, six));
    }
}

static struct dname PRINTF_LIKE(1, 2) name_of(const char *format, ...)
{
    struct dname name;
    char text[300];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text || spfmacro_name(text, (size_t)n, &name) != ERR_OK)
        die("a wrong name");
    return name;
}

/* ---- Hosts, exchangers and explanations ---- */

static void
add_addresses(struct maker *m, const struct dname *name, unsigned family, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct ip ip = near_base(m, family);

        world_add_ip(&m->world, name, &ip);
    }
}

/* An address of an IPv6 base that is mapped goes to A: all the same. */
static void
add_host(struct maker *m, const struct dname *name)
{
    unsigned kind = draw(m, 20);

    if (kind < 13)
        add_addresses(m, name, SPFFLAT_V4, 1 + draw(m, 3));
    if (kind < 12 && kind > 1)
        add_addresses(m, name, SPFFLAT_V6, 1 + draw(m, 3));
    if (kind == 13)
        world_add(&m->world, name, DNS_TXT, slice_of("here", 4)); /* NODATA */
    if (kind == 14) {
        world_add_failure(&m->world, name, DNS_A);
        add_addresses(m, name, SPFFLAT_V6, 1);
    }
    if (kind == 15 && percent(m, 50))
        world_add_failure(&m->world, name, DNS_AAAA);
    if (kind == 16)
        add_addresses(m, name, draw(m, 2), 30);
}

static struct dname
host_name(struct maker *m)
{
    return name_of("h%u.test", draw(m, HOSTS));
}

static void
add_exchangers(struct maker *m, const struct dname *name)
{
    static const unsigned counts[] = {0, 1, 1, 1, 2, 2, 3, 4, 9, 10, 11, 12};
    unsigned count = PICK(m, counts);
    static const struct dname root = {.len = 1};

    for (unsigned i = 0; i < count; i++) {
        /* More than a few at random would always be void too often. */
        struct dname host =
            count > 4 ? name_of("x%u.test", draw(m, 10) == 0 ? 90 : i) : host_name(m);

        world_add_mx(&m->world, name, draw(m, 3), &host);
    }
    if (percent(m, 10))
        world_add_mx(&m->world, name, 0, &root);
    if (percent(m, 3))
        world_add_failure(&m->world, name, DNS_MX);
}

static const char *const explanations[] = {"not from here", "%{d} forbids %{c}",
    FLATCHECK_DOTTED " %{i} of %{o}", "%{d2r} %{V} %{r}%_%% %{o1r-}", "%{c} %{c} %{d1}",
    FLATCHECK_SENDER " %{s}", FLATCHECK_SENDER " %{l}%{d}", FLATCHECK_SENDER " %{h}",
    FLATCHECK_SENDER " at %{t}", FLATCHECK_SENDER " %{ir}", FLATCHECK_SENDER " %{p}",
    FLATCHECK_SENDER " %{c2}", "%{x}", "50%", "", "tab\there", "h\xc3\xb6\xc3\xb6 %{d}", "\1",
    "%{D} %{O} %-%{c}"};

static void
add_explanation(struct maker *m, const struct dname *name, const char *before)
{
    char text[700];
    int n = snprintf(text, sizeof text, "%s%s", before, PICK(m, explanations));

    /* Too long, with an address of the client before the cut or across it. */
    if (percent(m, 12))
        n = snprintf(text, sizeof text, "%s%s%*s%%{c}, %%{c}; %*s.", before,
            percent(m, 50) ? "%{c}" : "", 440 + (int)draw(m, 62), "", (int)draw(m, 80), "");
    world_add(&m->world, name, DNS_TXT, slice_of(text, (size_t)n));
    if (percent(m, 8))
        world_add(&m->world, name, DNS_TXT, slice_of("another", 7));
}

/* ---- Terms ---- */

static void PRINTF_LIKE(2, 3) say(struct maker *m, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(m->text + m->n, sizeof m->text - m->n, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof m->text - m->n)
        die("a record that is too long");
    m->n += (size_t)n;
}

static void
say_qualifier(struct maker *m)
{
    static const char *const qualifiers[] = {"", "", "", "", "+", "-", "-", "~", "~", "?"};

    say(m, " %s", PICK(m, qualifiers));
}

static void
say_cidr4(struct maker *m)
{
    static const unsigned lengths[] = {31, 30, 29, 28, 27, 26, 24, 24, 16, 8, 1, 0};
    unsigned length = percent(m, 70) ? PICK(m, lengths) : draw(m, 33);

    if (percent(m, 55))
        say(m, "/%u", length);
}

static void
say_cidr6(struct maker *m, const char *slash)
{
    static const unsigned lengths[] = {127, 126, 125, 120, 112, 96, 80, 64, 48, 32, 3, 1, 0};
    unsigned length = percent(m, 70) ? PICK(m, lengths) : draw(m, 129);

    if (percent(m, 55))
        say(m, "%s%u", slash, length);
}

static void
term_ip4(struct maker *m)
{
    char text[IP_TEXT_SIZE];
    struct ip ip = near_base(m, SPFFLAT_V4);

    ip_format(&ip, text);
    say_qualifier(m);
    say(m, "ip4:%s", text);
    say_cidr4(m);
}

static void
term_ip6(struct maker *m)
{
    char text[IP_TEXT_SIZE];
    struct ip ip = near_base(m, SPFFLAT_V6);

    ip_format(&ip, text);
    say_qualifier(m);
    say(m, "ip6:%s%s", ip_is4(&ip) ? "::ffff:" : "", text);
    say_cidr6(m, "/");
}

static void
say_cidrs(struct maker *m)
{
    if (percent(m, 40))
        return;
    say_cidr4(m);
    say_cidr6(m, "//");
}

static void
term_a(struct maker *m)
{
    say_qualifier(m);
    say(m, "a");
    if (percent(m, 90))
        say(m, ":h%u.test", draw(m, HOSTS));
    say_cidrs(m);
}

static void
term_mx(struct maker *m)
{
    say_qualifier(m);
    say(m, "mx");
    if (percent(m, 90))
        say(m, ":m%u.test", draw(m, HOSTS));
    say_cidrs(m);
}

static void
term_exists(struct maker *m)
{
    say_qualifier(m);
    say(m, "exists:h%u.test", draw(m, HOSTS));
}

/* Mostly of a policy with a higher number, so that most includes end; policy says whose this is. */
static void
say_policy(struct maker *m, unsigned policy)
{
    unsigned later = m->policies - policy - 1;

    if (later > 0 && percent(m, 93))
        policy += 1 + (percent(m, 70) ? draw(m, later > 3 ? 3 : later) : draw(m, later));
    else if (later == 0 || percent(m, 70))
        policy = draw(m, m->policies + 1); /* the last number is nobody's */
    say(m, "%s%u.test", percent(m, 10) ? "D" : "d", policy);
}

static void
term_macro(struct maker *m)
{
    static const char *const terms[] = {"a:%{v}.v.test", "a:%{v}.v.test//64", "mx:%{v}.m.test",
        "exists:%{v}.v.test", "a:%{d}", "mx:%{o}/24", "exists:%{d2}.h.test", "a:%{d1r}.h.test",
        "a:%{o2r-}.h.test/28", "a:h%{d1rdt}.test", "a:h1.%{d1}",
        "a:%{d}.%{d}.%{D}.%{o}.%{d}.h.test", "include:%{v}.p.test", "a:h2.test%%.test",
        "a:%{v1}.v.test/8//32", "a:h%-.test"};

    say_qualifier(m);
    say(m, "%s", PICK(m, terms));
}

static void
term_no_target(struct maker *m)
{
    static const char *const terms[] = {"a:h1..test", "mx:%{d1}", "exists:%{v}", "a:%{d1}/0",
        "exists:.%{d}",
        "a:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test"};

    say_qualifier(m);
    say(m, "%s",
        percent(m, 80)   ? PICK(m, terms)
        : percent(m, 50) ? "include:%{d1}"
                         : "include:a..b");
}

static void
term_sender(struct maker *m)
{
    static const char *const terms[] = {"ptr", "ptr:h1.test", "exists:%{i}.x.test",
        "exists:%{ir}.%{v}.x.test", "a:%{l}.x.test", "include:%{h}", "exists:%{s}", "a:%{p}",
        "mx:%{d}.%{L1r+}.x.test", "exists:%{p2}.x.test"};

    say_qualifier(m);
    say(m, "%s", PICK(m, terms));
}

static void
term_void(struct maker *m)
{
    static const char *const kinds[] = {"a", "a", "exists", "mx"};

    say_qualifier(m);
    say(m, "%s:n%u.test", PICK(m, kinds), draw(m, 9));
}

static void
term_other(struct maker *m)
{
    static const char *const terms[] = {
        " x=1", " ra=joe", " match_subdomains=yes", "   ", " a.b-c="};

    say(m, "%s", PICK(m, terms));
}

/* ---- Policies ---- */

enum { TERM_KINDS = 11, TERM_INCLUDE = 4 };

static void (*const put_term[TERM_KINDS])(struct maker *m) = {term_ip4, term_ip6, term_a, term_mx,
    NULL /* include */, term_exists, term_macro, term_no_target, term_sender, term_void,
    term_other};

/* How often each kind of term comes up, and how many there are at most. */
static const struct profile {
    unsigned most;
    unsigned weights[TERM_KINDS];
} profiles[] = {
    {8, {30, 22, 10, 6, 14, 1, 4, 1, 0, 3, 2}},
    {40, {50, 40, 0, 0, 1, 0, 0, 0, 0, 0, 1}},
    {9, {15, 10, 25, 20, 5, 1, 5, 1, 0, 0, 1}},
    {6, {20, 10, 3, 0, 60, 0, 2, 0, 0, 0, 0}},
    {5, {30, 30, 0, 0, 30, 0, 0, 0, 0, 0, 0}},
    {12, {30, 15, 5, 1, 10, 0, 0, 1, 0, 30, 0}},
    {14, {10, 8, 30, 5, 12, 0, 4, 2, 0, 0, 0}},
    {7, {40, 35, 6, 2, 8, 0, 2, 0, 20, 0, 1}},
};

static void
put_terms(struct maker *m, unsigned policy)
{
    const struct profile *profile = &PICK(m, profiles);
    unsigned count = draw(m, profile->most + 1), sum = 0;

    for (unsigned i = 0; i < TERM_KINDS; i++)
        sum += profile->weights[i];
    for (; count > 0; count--) {
        unsigned at = draw(m, sum), kind = 0;

        while (at >= profile->weights[kind])
            at -= profile->weights[kind++];
        if (kind != TERM_INCLUDE) {
            put_term[kind](m);
            continue;
        }
        say(m, " %sinclude:", percent(m, 75) ? "" : draw(m, 2) == 0 ? "-" : "?");
        say_policy(m, policy);
    }
}

static void
put_end(struct maker *m, unsigned policy)
{
    static const char *const ends[] = {
        "-all", "-all", "-all", "~all", "~all", "?all", "+all", "all", "-ALL", "~all"};
    static const char *const explained[] = {
        "e", "e", "e", "e", "e", "%{v}.e", "%{l}.e", "%{d}.e", "n", "s"};

    if (percent(m, 40))
        say(m, " exp=%s%u.test", PICK(m, explained), draw(m, EXPLANATIONS));
    if (percent(m, 25)) {
        say(m, " redirect=");
        say_policy(m, policy);
    }
    if (percent(m, 65))
        say(m, " %s", PICK(m, ends));
}

static void
put_error(struct maker *m)
{
    static const char *const errors[] = {"ip4:1.2.3", "a:b", "foo", "-exp=a.test",
        "redirect=", "include", "ip4:192.0.2.1/33", "a/032", "%{d}", "exists:%{d", "mx:%{c}.test",
        "\x80", "=1", "all:d", "exp=e0.test exp=e0.test"};

    say(m, " %s", PICK(m, errors));
}

static void
add_text(struct maker *m, const struct dname *name)
{
    world_add(&m->world, name, DNS_TXT, slice_of(m->text, m->n));
}

static void
add_policy(struct maker *m, const struct dname *name, unsigned policy)
{
    static const char *const versions[] = {"v=spf1", "v=spf1", "v=spf1", "V=SPF1"};
    unsigned kind = draw(m, 100);

    m->n = 0;
    if (kind < 4)
        return;
    if (kind < 7)
        say(m, "v=spf10 +all"); /* none */
    else
        say(m, "%s", PICK(m, versions));
    if (kind >= 7 && kind < 10) {
        world_add_failure(&m->world, name, DNS_TXT);
        return;
    }
    put_terms(m, policy);
    if (kind == 10 || kind == 11)
        put_error(m);
    if (percent(m, 95))
        put_end(m, policy);
    add_text(m, name);
    if (kind == 12)
        add_text(m, name);
    if (percent(m, 10))
        world_add(&m->world, name, DNS_TXT, slice_of("something else", 14));
}

/* Not all are names that a policy can write: anybody may send from them. */
static struct dname
policy_name(struct maker *m, unsigned policy)
{
    if (policy > 0 || percent(m, 85))
        return name_of("d%u.test", policy);
    switch (draw(m, 3)) {
    case 0:
        return name_of("a\1b.d%u.test", policy);
    case 1:
        return name_of("a b%%.d%u.test", policy);
    default:
        return name_of("\xff+x.d%u.test", policy);
    }
}

/* What terms with macros come to. */
static void
add_macro_targets(struct maker *m)
{
    static const char *const hosts[] = {"in-addr.v.test", "ip6.v.test", "test.h.test", "joe.x.test",
        "d1.test.h.test", "h1.test", "test.test"};
    static const char *const explained[] = {"in-addr", "ip6", "d0.test", "d1.test", "d2.test"};

    for (unsigned i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct dname name = name_of("%s", hosts[i]);

        add_host(m, &name);
    }
    for (unsigned i = 0; i < sizeof explained / sizeof *explained; i++) {
        struct dname name = name_of("%s.e%u.test", explained[i], draw(m, EXPLANATIONS));

        add_explanation(m, &name, "");
    }
    struct dname joe = name_of("joe.e%u.test", draw(m, EXPLANATIONS));
    add_explanation(m, &joe, FLATCHECK_SENDER);

    struct dname four = name_of("in-addr.m.test"), six = name_of("ip6.m.test");
    add_exchangers(m, &four);
    add_exchangers(m, &six);
    four = name_of("in-addr.p.test");
    six = name_of("ip6.p.test");
    add_policy(m, &four, m->policies / 2);
    add_policy(m, &six, m->policies / 2);
}

/* Another world, and the domains that may have a policy in it; returns how many. */
static unsigned
make_world(struct maker *m, struct dname names[POLICIES])
{
    world_clear(&m->world);
    m->world.client = name_of("x.test");
    choose_bases(m);
    m->policies = 1 + draw(m, POLICIES);
    for (unsigned i = 0; i < HOSTS; i++) {
        struct dname host = name_of("h%u.test", i), mx = name_of("m%u.test", i);

        add_host(m, &host);
        add_exchangers(m, &mx);
    }
    for (unsigned i = 0; i < 12; i++) {
        struct dname name = name_of("x%u.test", i);

        add_addresses(m, &name, SPFFLAT_V4, 1);
        add_addresses(m, &name, SPFFLAT_V6, 1);
    }
    for (unsigned i = 0; i < EXPLANATIONS; i++) {
        struct dname name = name_of("e%u.test", i);

        add_explanation(m, &name, "");
    }
    add_macro_targets(m);
    struct dname failing = name_of("s%u.test", draw(m, EXPLANATIONS));
    world_add_failure(&m->world, &failing, DNS_TXT);
    for (unsigned i = 0; i < m->policies; i++) {
        names[i] = policy_name(m, i);
        add_policy(m, &names[i], i);
        if (percent(m, 30))
            add_host(m, &names[i]);
        if (percent(m, 30))
            add_exchangers(m, &names[i]);
    }
    return m->policies;
}

#endif
