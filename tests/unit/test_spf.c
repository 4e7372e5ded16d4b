/*
 * SPF evaluation by tables, and by the suites in ../shared/data/spf where those exist. The parser
 * and the macros alone are in test_spfrecord.c.
 */
#include "tests/unit/spf_zone.h"

#include "loader/spfflat.h"

#define SUITES "../shared/data/spf/"

static const char shared_zone[] = "a.test A 192.0.2.10\n"
                                  "a.test AAAA 2001:db8::10\n"
                                  "a.test MX 10 b.test\n"
                                  "b.test A 192.0.2.20\n"
                                  "mx.test MX 20 a.test\n"
                                  "mx.test MX 10 b.test\n"
                                  "mxbad.test MX 20 a.test\n"
                                  "mxbad.test MX 10 temp.test\n"
                                  "mxnull.test MX 0 .\n"
                                  "pass.test TXT v=spf1 +all\n"
                                  "fail.test TXT v=spf1 -all\n"
                                  "soft.test TXT v=spf1 ~all\n"
                                  "neutral.test TXT v=spf1 ?all\n"
                                  "empty.test TXT v=spf1\n"
                                  "none.test TXT hello\n"
                                  "perm.test TXT v=spf1 -all a:x\n"
                                  "temp.test TIMEOUT\n"
                                  "inctemp.test TXT v=spf1 include:temp.test\n"
                                  "two.test TXT v=spf1 -all\n"
                                  "two.test TXT v=spf1 +all\n"
                                  "tworound.test TXT v=spf1 redirect=fail.test\n"
                                  "loop.test TXT v=spf1 include:loop.test\n"
                                  "rloop.test TXT v=spf1 redirect=rloop.test\n"
                                  "five.test TXT v=spf1 a:b.test a:b.test a:b.test a:b.test -all\n"
                                  "voids.test TXT v=spf1 a:n1.test a:n2.test -all\n"
                                  "exp.test TXT No mail from %{i}, see %{r}%_%{t}.\n"
                                  "explocal.test TXT %{l} is not allowed\n"
                                  "expbad.test TXT %{q}\n"
                                  "exptwo.test TXT one\n"
                                  "exptwo.test TXT two\n"
                                  "expfail.test TXT v=spf1 -all exp=exp.test\n"
                                  "10.2.0.192.in-addr.arpa PTR a.test\n"
                                  "10.2.0.192.in-addr.arpa PTR host.t.test\n"
                                  "host.t.test A 192.0.2.10\n"
                                  "20.2.0.192.in-addr.arpa PTR fake.t.test\n"
                                  "fake.t.test A 192.0.2.99\n"
                                  "30.2.0.192.in-addr.arpa TIMEOUT\n"
                                  "40.2.0.192.in-addr.arpa PTR temp.test\n"
                                  "40.2.0.192.in-addr.arpa PTR ok.t.test\n"
                                  "ok.t.test A 192.0.2.40\n"
                                  "10.2.0.192.x.test A 127.0.0.2\n"
                                  "joe.x.test A 127.0.0.2\n"
                                  "host.t.test.x.test A 127.0.0.2\n"
                                  "unknown.x.test A 127.0.0.2\n"
                                  "six.test AAAA 2001:db8::10\n";

/* ---- The evaluator by a table: the record of t.test, a client, the result, a part of why ---- */

static const struct eval_case {
    const char *record;
    const char *ip;
    const char *result;
    const char *why;
} evals[] = {
    /* Order and qualifiers (RFC 7208 4.6.2). */
    {"v=spf1 ip4:192.0.2.1 -all", "192.0.2.1", "pass", "ip4:192.0.2.1 of t.test"},
    {"v=spf1 +ip4:192.0.2.1 -all", "192.0.2.1", "pass", "+ip4:192.0.2.1 of t.test"},
    {"v=spf1 -ip4:192.0.2.1 +all", "192.0.2.1", "fail", "-ip4:192.0.2.1 of t.test"},
    {"v=spf1 ~ip4:192.0.2.1 +all", "192.0.2.1", "softfail", "~ip4"},
    {"v=spf1 ?ip4:192.0.2.1 -all", "192.0.2.1", "neutral", "?ip4"},
    {"v=spf1 -all +all", "192.0.2.1", "fail", "-all of t.test"},
    {"v=spf1 ?all", "192.0.2.1", "neutral", "?all of t.test"},
    {"v=spf1", "192.0.2.1", "neutral", "no term of t.test matches"},
    {"v=spf1 ", "192.0.2.1", "neutral", "no term of t.test matches"},
    {"V=SPF1 ALL", "192.0.2.1", "pass", "ALL of t.test"},
    {"v=spf1 a:b.test -all", "192.0.2.1", "fail", "-all of t.test"},
    {"v=spf1   a:b.test   -all  ", "192.0.2.20", "pass", "a:b.test of t.test"},
    /* Record selection (RFC 7208 4.5). */
    {NULL, "192.0.2.1", "none", "no SPF record"},
    {"v=spf10 -all", "192.0.2.1", "none", "no SPF record"},
    {"v=spf1\x1f -all", "192.0.2.1", "fail", "-all"},
    {"v=spf1\x1f-all", "192.0.2.1", "none", "no SPF record"},
    {"v=spf2.0/pra -all", "192.0.2.1", "none", "no SPF record"},
    {"v=spf1 -all\nt.test TXT v=spf1 -all", "192.0.2.1", "permerror", "more than one SPF record"},
    {"v=spf1 -all\nt.test TXT other", "192.0.2.1", "fail", "-all"},
    {"v=spf1\001 -all", "192.0.2.1", "none", "no SPF record"},
    {"v=spf1 ip4:192.0.2.1\001 -all", "192.0.2.1", "permerror", "ip4:192.0.2.1? at column 8: "},
    {"v=spf1 -all\001", "192.0.2.1", "permerror", "-all? at column 8: a byte that is not"},
    /* ip4 and ip6 (RFC 7208 5.6). */
    {"v=spf1 ip4:192.0.2.0/25 -all", "192.0.2.127", "pass", "ip4:192.0.2.0/25"},
    {"v=spf1 ip4:192.0.2.0/25 -all", "192.0.2.128", "fail", "-all"},
    {"v=spf1 ip4:192.0.2.77/25 -all", "192.0.2.1", "pass", "ip4"},
    {"v=spf1 ip4:192.0.2.0/0 -all", "198.51.100.1", "pass", "ip4"},
    {"v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::1", "fail", "-all"},
    {"v=spf1 ip6:2001:db8::/33 -all", "2001:db8:7fff::1", "pass", "ip6"},
    {"v=spf1 ip6:2001:db8::/33 -all", "2001:db8:8000::1", "fail", "-all"},
    {"v=spf1 ip6:::/0 -all", "192.0.2.1", "fail", "-all"},
    {"v=spf1 ip6:::/0 -all", "2001:db8::1", "pass", "ip6"},
    {"v=spf1 ip6:::ffff:192.0.2.1 -all", "192.0.2.1", "fail", "-all"},
    {"v=spf1 ip6:::ffff:192.0.2.1/0 -all", "2001:db8::1", "pass", "ip6"},
    {"v=spf1 ip4:192.0.2.1 -all", "::ffff:192.0.2.1", "pass", "ip4"},
    {"v=spf1 ip4:127.0.0.0/8 -all", "127.0.0.1", "pass", "ip4"},
    {"v=spf1 -all", "127.0.0.1", "fail", "-all"},
    {"v=spf1 ~all", "::1", "softfail", "~all"},
    /* a and mx (RFC 7208 5.3, 5.4). */
    {"v=spf1 a -all\nt.test A 192.0.2.7", "192.0.2.7", "pass", "a of t.test"},
    {"v=spf1 a:a.test/28//64 -all", "192.0.2.1", "pass", "a:a.test/28//64"},
    {"v=spf1 a:a.test/28//64 -all", "192.0.2.16", "fail", "-all"},
    {"v=spf1 a:a.test/28//64 -all", "2001:db8::ffff", "pass", "a:"},
    {"v=spf1 a:a.test/28 -all", "2001:db8::ffff", "fail", "-all"},
    {"v=spf1 a:a.test//64 -all", "192.0.2.11", "fail", "-all"},
    {"v=spf1 a:a.test/0 -all", "198.51.100.1", "pass", "a:a.test/0"},
    {"v=spf1 a:n1.test/0 -all", "198.51.100.1", "fail", "-all"},
    {"v=spf1 mx:mx.test -all", "192.0.2.10", "pass", "mx:mx.test"},
    {"v=spf1 mx:mx.test//64 -all", "2001:db8::1", "pass", "mx"},
    {"v=spf1 mx:mxnull.test -all", "192.0.2.10", "fail", "-all"},
    {"v=spf1 mx:mxbad.test -all", "192.0.2.10", "temperror", "DNS failed for temp.test"},
    {"v=spf1 a:temp.test -all", "192.0.2.10", "temperror", "DNS failed for temp.test"},
    {"v=spf1 -ip4:192.0.2.10 a:temp.test -all", "192.0.2.10", "fail", "-ip4"},
    {"v=spf1 a:temp.test a:x", "192.0.2.10", "permerror", "a:x at column 20: a domain of one"},
    /* ptr (RFC 7208 5.5) and exists (5.7). */
    {"v=spf1 ptr -all", "192.0.2.10", "pass", "ptr of t.test"},
    {"v=spf1 ptr:test -all", "192.0.2.10", "permerror", "ptr:test at column 8"},
    {"v=spf1 ptr:a.test -all", "192.0.2.10", "pass", "ptr:a.test"},
    {"v=spf1 ptr:st.t.test -all", "192.0.2.10", "fail", "-all"},
    {"v=spf1 ptr -all", "192.0.2.20", "fail", "-all"},
    {"v=spf1 ptr -all", "192.0.2.30", "fail", "-all"},
    {"v=spf1 ptr -all", "192.0.2.40", "pass", "ptr"},
    {"v=spf1 exists:a.test -all", "2001:db8::1", "pass", "exists"},
    {"v=spf1 exists:six.test -all", "2001:db8::10", "fail", "-all"},
    {"v=spf1 exists:%{ir}.x.test -all", "192.0.2.10", "pass", "exists:%{ir}.x.test"},
    {"v=spf1 exists:%{ir}.x.test -all", "192.0.2.11", "fail", "-all"},
    {"v=spf1 exists:%{p}.x.test -all", "192.0.2.10", "pass", "exists"},
    {"v=spf1 exists:%{p}.x.test -all", "192.0.2.30", "pass", "exists"},
    /* include (RFC 7208 5.2) and redirect (6.1). */
    {"v=spf1 include:pass.test -all", "192.0.2.1", "pass", "include:pass.test of t.test"},
    {"v=spf1 -include:pass.test +all", "192.0.2.1", "fail", "-include:pass.test"},
    {"v=spf1 include:fail.test ~all", "192.0.2.1", "softfail", "~all of t.test"},
    {"v=spf1 include:soft.test -all", "192.0.2.1", "fail", "-all of t.test"},
    {"v=spf1 include:neutral.test -all", "192.0.2.1", "fail", "-all"},
    {"v=spf1 include:empty.test", "192.0.2.1", "neutral", "no term of t.test"},
    {"v=spf1 include:none.test -all", "192.0.2.1", "permerror",
        "include:none.test at column 8: that domain has no SPF record"},
    {"v=spf1 include:n1.test -all", "192.0.2.1", "permerror", "has no SPF record"},
    {"v=spf1 include:perm.test -all", "192.0.2.1", "permerror",
        "a:x at column 13 of perm.test: a domain of one label"},
    {"v=spf1 include:two.test -all", "192.0.2.1", "permerror",
        "more than one SPF record (RFC 7208 4.5) of two.test"},
    {"v=spf1 include:temp.test -all", "192.0.2.1", "temperror", "DNS failed"},
    {"v=spf1 include:inctemp.test -all", "192.0.2.1", "temperror", "DNS failed"},
    {"v=spf1 ip4:192.0.2.1 include:temp.test -all", "192.0.2.1", "pass", "ip4"},
    {"v=spf1 redirect=fail.test", "192.0.2.1", "fail", "-all of fail.test"},
    {"v=spf1 redirect=tworound.test", "192.0.2.1", "fail", "-all of fail.test"},
    {"v=spf1 redirect=empty.test", "192.0.2.1", "neutral", "no term of empty.test"},
    {"v=spf1 redirect=fail.test ip4:192.0.2.1", "192.0.2.1", "pass", "ip4"},
    {"v=spf1 redirect=pass.test -all", "192.0.2.1", "fail", "-all of t.test"},
    {"v=spf1 redirect=none.test", "192.0.2.1", "permerror", "redirect=none.test at column 8"},
    {"v=spf1 redirect=%{h}", "192.0.2.1", "permerror", "it expands to no possible domain"},
    {"v=spf1 include:tworound.test ?all", "192.0.2.1", "neutral", "?all of t.test"},
    /* Limits (RFC 7208 4.6.4): lookups. */
    {"v=spf1 a:b.test a:b.test a:b.test a:b.test a:b.test a:b.test a:b.test a:b.test a:b.test "
     "a:a.test -all",
        "192.0.2.10", "pass", "a:a.test"},
    {"v=spf1 a:b.test a:b.test a:b.test a:b.test a:b.test a:b.test a:b.test a:b.test a:b.test "
     "a:b.test a:a.test -all",
        "192.0.2.10", "permerror", "a:a.test at column 98: too many terms that ask DNS"},
    {"v=spf1 include:five.test include:five.test -all", "192.0.2.10", "fail", "-all"},
    {"v=spf1 include:five.test include:five.test a:b.test -all", "192.0.2.10", "permerror",
        "a:b.test at column 44: too many terms"},
    {"v=spf1 include:five.test a:b.test include:five.test -all", "192.0.2.10", "permerror",
        "a:b.test at column 35 of five.test: too many terms"},
    {"v=spf1 ip4:192.0.2.10 a:b.test a:b.test a:b.test a:b.test a:b.test a:b.test a:b.test "
     "a:b.test a:b.test a:b.test a:b.test -all",
        "192.0.2.10", "pass", "ip4"},
    {"v=spf1 include:loop.test -all", "192.0.2.10", "permerror", "of loop.test: too many terms"},
    {"v=spf1 redirect=rloop.test", "192.0.2.10", "permerror", "of rloop.test: too many terms"},
    {"v=spf1 include:t.test -all", "192.0.2.10", "permerror",
        "include:t.test at column 8: too many terms"},
    /* Limits: look-ups without an answer. */
    {"v=spf1 a:n1.test a:n2.test -all", "192.0.2.10", "fail", "-all"},
    {"v=spf1 a:n1.test exists:n2.test mx:n3.test -all", "192.0.2.10", "permerror",
        "mx:n3.test at column 33: too many look-ups without an answer"},
    {"v=spf1 include:voids.test -all", "192.0.2.10", "fail", "-all"},
    {"v=spf1 include:voids.test a:six.test -all", "192.0.2.10", "permerror",
        "a:six.test at column 27: too many look-ups"},
    {"v=spf1 a:n1.test a:n2.test ptr -all", "192.0.2.50", "permerror", "ptr at column 28"},
    /* Names that cannot be: no match, nothing asked. */
    {"v=spf1 a:a..test a:b..test a:c..test -all", "192.0.2.10", "fail", "-all"},
    {"v=spf1 a:%{h} a:%{h} a:%{h} -all", "192.0.2.10", "fail", "-all"},
    /* Syntax errors. */
    {"v=spf1 mx ip4:10.100.110.201 mx:domain.com a:pluto. domain.com "
     "include:mail.otherdomain.com -all",
        "192.0.2.1", "permerror", "a:pluto. at column 44: a domain of one label"},
    {"v=spf1 mx a:pluto .domain.com -all", "192.0.2.1", "permerror", "a:pluto at column 11"},
    {"v=spf1 a: pluto.domain.com -all", "192.0.2.1", "permerror", "a: at column 8: no domain"},
    {"v=spf1 ip4: 192.0.2.1 -all", "192.0.2.1", "permerror", "ip4: at column 8: no address"},
    {"v=spf1 ip4:192.0.2.1 , ip4:192.0.2.2 -all", "192.0.2.1", "permerror",
        ", at column 22: an unknown mechanism"},
    {"v=spf1 -all\t", "192.0.2.1", "permerror", "-all? at column 8: a byte that is not"},
};

/* Lines for t.test and the shared zone. */
static struct zone
zone_for(const char *record)
{
    struct zone zone = {.expires_s = 1000};

    zone_add_lines(&zone, shared_zone);
    if (record != NULL) {
        char lines[LINE_SIZE];

        (void)snprintf(lines, sizeof lines, "t.test TXT %s\n", record);
        zone_add_lines(&zone, lines);
    }
    return zone;
}

static struct spf_query
query_of(const char *domain, const char *ip)
{
    struct spf_query query = {
        .limits = {.lookups = 10, .voids = 2}, .now_s = 1700000000, .helo = "single"};

    assert_int_equal(dname_parse(domain, strlen(domain), &query.domain), ERR_OK);
    assert_int_equal(ip_parse(ip, strlen(ip), &query.ip), ERR_OK);
    return query;
}

static void
test_evaluations(void **state)
{
    struct spf *spf;

    (void)state;
    assert_int_equal(spf_open(&spf), ERR_OK);
    for (size_t i = 0; i < sizeof evals / sizeof evals[0]; i++) {
        const struct eval_case *c = &evals[i];
        struct zone zone = zone_for(c->record);
        struct spf_query query = query_of("t.test", c->ip);
        struct spf_result result;

        check(spf, &zone, &query, &result);
        if (strcmp(result_name(&result), c->result) != 0 || strstr(result.why, c->why) == NULL)
            fail_msg("%s\n  for %s: %s (%s), want %s (%s)", c->record, c->ip, result_name(&result),
                result.why, c->result, c->why);
        zone_free(&zone);
    }
    spf_close(&spf);
    assert_null(spf);
    print_message("%zu evaluations\n", sizeof evals / sizeof evals[0]);
}

/* ---- What a result says beside the reason ---- */

static const struct note_case {
    const char *record;
    bool local, helo, world;
    const char *explanation;
} notes[] = {
    {"v=spf1 -all", false, false, false, ""},
    {"v=spf1 exists:%{l}.x.test -all", true, false, false, ""},
    {"v=spf1 exists:%{S}.x.test -all", true, false, false, ""},
    {"v=spf1 exists:%{h}.x.test -all", false, true, false, ""},
    {"v=spf1 exists:%{l}.%{h}.x.test -all", true, true, false, ""},
    {"v=spf1 -ip4:192.0.2.10 exists:%{l}.x.test -all", false, false, false, ""},
    {"v=spf1 -all exists:%{l}.x.test", false, false, false, ""},
    {"v=spf1 exists:%{o}.%{d}.%{i}.%{v}.x.test -all", false, false, false, ""},
    {"v=spf1 -all foo=%{l}", false, false, false, ""},
    /* passes_world */
    {"v=spf1 +all", false, false, true, ""},
    {"v=spf1 a all", false, false, true, ""},
    {"v=spf1 ?all", false, false, false, ""},
    {"v=spf1 -all +all", false, false, false, ""},
    {"v=spf1 ip4:0.0.0.0/0 -all", false, false, true, ""},
    {"v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", false, false, true, ""},
    {"v=spf1 ip4:128.0.0.0/1 -all", false, false, false, ""},
    {"v=spf1 -ip4:0.0.0.0/0 ip4:0.0.0.0/0 -all", false, false, false, ""},
    {"v=spf1 ~ip4:0.0.0.0/0", false, false, false, ""},
    {"v=spf1 -all ip4:0.0.0.0/0", false, false, false, ""},
    {"v=spf1 ip6:::/0 -all", false, false, true, ""},
    {"v=spf1 ip6:2000::/3 -all", false, false, true, ""},
    {"v=spf1 ip6:2000::/4 -all", false, false, false, ""},
    {"v=spf1 a:b.test/0 -all", false, false, true, ""},
    {"v=spf1 ?a:b.test/0 -all", false, false, false, ""},
    {"v=spf1 ip4:10.0.0.0/8 ip4:192.0.2.0/24 -all", false, false, false, ""},
    {"v=spf1 +all a:x", false, false, false, ""},
    /* explanation (RFC 7208 6.2) */
    {"v=spf1 -all exp=exp.test", false, false, false,
        "No mail from 192.0.2.10, see unknown 1700000000."},
    {"v=spf1 exp=explocal.test -all", false, false, false, "joe is not allowed"},
    {"v=spf1 ~all exp=exp.test", false, false, false, ""},
    {"v=spf1 -all exp=expbad.test", false, false, false, ""},
    {"v=spf1 -all exp=exptwo.test", false, false, false, ""},
    {"v=spf1 -all exp=temp.test", false, false, false, ""},
    {"v=spf1 -all exp=n1.test", false, false, false, ""},
    {"v=spf1 redirect=expfail.test exp=explocal.test", false, false, false,
        "No mail from 192.0.2.10, see unknown 1700000000."},
    {"v=spf1 include:expfail.test -all", false, false, false, ""},
};

/* What the flat policy says. */
static bool
passes_world(struct zone *zone, const struct spf_query *query)
{
    struct spfflat *flat;
    struct spfflat_policy policy;

    zone_forget(zone, false);
    assert_int_equal(spfflat_open(&query->dns, &query->limits, &flat), ERR_OK);
    assert_int_equal(spfflat_make(flat, &query->domain, &policy), ERR_OK);
    assert_false(policy.pending);
    spfflat_close(&flat);
    return policy.passes_world;
}

static void
test_notes(void **state)
{
    struct spf *spf;

    (void)state;
    assert_int_equal(spf_open(&spf), ERR_OK);
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        const struct note_case *c = &notes[i];
        struct zone zone = zone_for(c->record);
        struct spf_query query = query_of("t.test", "192.0.2.10");
        struct spf_result result;

        query.local = "joe";
        check(spf, &zone, &query, &result);
        bool world = passes_world(&zone, &query);
        if (result.uses_local != c->local || result.uses_helo != c->helo || world != c->world ||
            strcmp(result.explanation, c->explanation) != 0)
            fail_msg("%s: local %d helo %d world %d explanation '%s' (%s)", c->record,
                result.uses_local, result.uses_helo, world, result.explanation, result.why);
        zone_free(&zone);
    }
    spf_close(&spf);
    print_message("%zu notes\n", sizeof notes / sizeof notes[0]);
}

/* The least expiry is that of the shortest name asked for, see zone_lookup. */
static void
test_expiry_and_limits(void **state)
{
    struct zone zone = zone_for("v=spf1 a:a.test a:mxnull.test -all");
    struct spf_query query = query_of("t.test", "192.0.2.1");
    struct spf_result result;
    struct spf *spf;
    char record[2000] = "v=spf1";

    (void)state;
    assert_int_equal(spf_open(&spf), ERR_OK);
    check(spf, &zone, &query, &result);
    assert_int_equal(result.expires_s, 1000 + 8);
    query.domain = query_of("single", "192.0.2.1").domain;
    check(spf, &zone, &query, &result);
    assert_string_equal(result_name(&result), "none");
    assert_int_equal(result.expires_s, INT64_MAX);
    query.domain = query_of(".", "192.0.2.1").domain;
    check(spf, &zone, &query, &result);
    assert_string_equal(result_name(&result), "none");
    zone_free(&zone);

    /* Other limits than the RFC's: as many terms as asked for, and never past the tokens' room. */
    for (unsigned i = 0; i < 60; i++)
        (void)strcat(record, i % 2 == 0 ? " include:fail.test" : " a:b.test");
    zone = zone_for(record);
    static const struct {
        unsigned lookups, column;
    } limits[] = {{0, 8}, {1, 26}, {2, 35}, {20, 8 + 10 * 27}, {21, 8 + 10 * 27},
        {1000000, 8 + 10 * 27}, {UINT32_MAX, 8 + 10 * 27}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        char want[40];

        query = query_of("t.test", "192.0.2.1");
        query.limits.lookups = limits[i].lookups;
        check(spf, &zone, &query, &result);
        (void)snprintf(want, sizeof want, " at column %u: too many", limits[i].column);
        assert_string_equal(result_name(&result), "permerror");
        assert_non_null(strstr(result.why, want));
    }
    zone_free(&zone);
    spf_close(&spf);
}

/* RFC 7208 4.6.4: ten MX hosts are evaluated, eleven are a permerror; of PTR names ten count. */
static void
test_many_hosts(void **state)
{
    struct spf_query query = query_of("t.test", "192.0.2.250");
    struct spf_result result;
    struct spf *spf;

    (void)state;
    assert_int_equal(spf_open(&spf), ERR_OK);
    for (unsigned hosts = 10; hosts <= 11; hosts++) {
        struct zone zone = zone_for("v=spf1 -mx:many.test ?ptr ~all");

        for (unsigned i = 1; i <= hosts; i++) {
            char lines[300];

            (void)snprintf(lines, sizeof lines,
                "many.test MX %u h%u.t.test\nh%u.t.test A 192.0.2.%u\n"
                "250.2.0.192.in-addr.arpa PTR h%u.t.test\n",
                i, i, i, i == hosts ? 251 : i, i);
            zone_add_lines(&zone, lines);
        }
        query.ip = query_of("t.test", "192.0.2.251").ip;
        check(spf, &zone, &query, &result);
        assert_string_equal(result_name(&result), hosts == 10 ? "fail" : "permerror");
        assert_non_null(strstr(result.why, hosts == 10 ? "-mx:many.test of" : "more than 10 MX"));
        zone_free(&zone);

        zone = zone_for("v=spf1 ptr ~all");
        for (unsigned i = 1; i <= hosts; i++) {
            char lines[300];

            (void)snprintf(lines, sizeof lines,
                "251.2.0.192.in-addr.arpa PTR h%u.t.test\nh%u.t.test A 192.0.2.%u\n", i, i,
                i == hosts ? 251 : i);
            zone_add_lines(&zone, lines);
        }
        check(spf, &zone, &query, &result);
        assert_string_equal(result_name(&result), hosts == 10 ? "pass" : "softfail");
        zone_free(&zone);
    }
    spf_close(&spf);
}

/* ---- The suites ---- */

/* %XX, and '%' alone is nothing. Works in place, returns the length, terminates. */
static size_t
decode(char *text)
{
    size_t n = 0;

    for (const char *p = text; *p != '\0'; p++) {
        unsigned byte;

        if (*p != '%') {
            text[n++] = *p;
        } else if (sscanf(p + 1, "%2x", &byte) == 1) {
            text[n++] = (char)byte;
            p += 2;
        }
    }
    text[n] = '\0';
    return n;
}

/* "pass|fail" has the result. */
static bool
is_one_of(const char *result, const char *wanted)
{
    size_t n = strlen(result);

    for (const char *p = wanted; p != NULL; p = strchr(p, '|')) {
        p += *p == '|';
        if (strncmp(p, result, n) == 0 && (p[n] == '\0' || p[n] == '|'))
            return true;
    }
    return false;
}

/* T id ip helo mailfrom result explanation. */
static bool
run_case(struct spf *spf, struct zone *zone, char *fields[7])
{
    struct spf_query query = {.limits = {.lookups = 10, .voids = 2}, .now_s = 1700000000};
    struct spf_result result = {.status = SPF_DONE, .reason = REASON_SPF_NONE};
    size_t n[7];

    for (unsigned i = 2; i < 7; i++)
        n[i] = decode(fields[i]);
    const char *at = strrchr(fields[4], '@');
    const char *domain = at != NULL ? at + 1 : n[4] > 0 ? fields[4] : fields[3];
    if (at != NULL)
        fields[4][at - fields[4]] = '\0';
    query.local = at != NULL ? fields[4] : NULL;
    query.helo = fields[3];
    assert_int_equal(ip_parse(fields[2], n[2], &query.ip), ERR_OK);
    /* What is no name at all is none by the caller (RFC 7208 4.3). */
    if (dname_parse(domain, strlen(domain), &query.domain) == ERR_OK)
        check(spf, zone, &query, &result);
    bool good = is_one_of(result_name(&result), fields[5]);
    if (strcmp(fields[6], "-") != 0) {
        const char *explanation = strcmp(fields[6], "DEFAULT") == 0 ? "" : fields[6];

        good &= strcmp(result.explanation, explanation) == 0;
    }
    if (!good)
        print_message("%s: %s (%s) '%s', want %s '%s'\n", fields[1], result_name(&result),
            result.why, result.explanation, fields[5], fields[6]);
    return good;
}

static bool
read_line(FILE *f, char line[LINE_SIZE], char *fields[7])
{
    if (fgets(line, LINE_SIZE, f) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    for (unsigned i = 0; i < 7; i++) {
        fields[i] = strsep(&line, "\t");
        if (fields[i] == NULL)
            fields[i] = (char[1]){""};
    }
    return true;
}

/* In hazards.txt records and cases alternate: all records of a scenario hold for all its cases. */
static void
run_suite(const char *file, unsigned *passed, unsigned *cases)
{
    char path[200], *fields[7];
    char *line = malloc(LINE_SIZE);
    struct spf *spf;

    assert_non_null(line);
    assert_int_equal(spf_open(&spf), ERR_OK);
    (void)snprintf(path, sizeof path, SUITES "%s", file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    long scenario = 0;
    bool more = true;
    while (more) {
        struct zone zone = {.expires_s = 1000};
        long end = -1;

        /* First the records up to the next scenario, then from its start the cases. */
        for (unsigned pass = 0; pass < 2; pass++) {
            assert_int_equal(fseek(f, scenario, SEEK_SET), 0);
            more = read_line(f, line, fields); /* S */
            for (;;) {
                end = ftell(f);
                more = read_line(f, line, fields);
                if (!more || fields[0][0] == 'S')
                    break;
                if (pass == 0 && fields[0][0] == 'Z') {
                    (void)decode(fields[1]);
                    zone_add(&zone, fields[1], fields[2], fields[3], decode(fields[3]));
                } else if (pass == 1 && fields[0][0] == 'T') {
                    ++*cases;
                    *passed += run_case(spf, &zone, fields);
                }
            }
        }
        scenario = end;
        zone_free(&zone);
    }
    (void)fclose(f);
    spf_close(&spf);
    free(line);
}

static void
test_suites(void **state)
{
    static const struct {
        const char *file;
        unsigned cases;
    } suites[] = {{"rfc4408.txt", 191}, {"hazards.txt", 19}, {"cve-2023-42118.txt", 2},
        {"cve-exp-300.txt", 1}, {"cve-exp-500.txt", 1}, {"cve-exp-600.txt", 1},
        {"cve-exp-900.txt", 1}, {"cve-exp-1500.txt", 1}};
    FILE *f = fopen(SUITES "rfc4408.txt", "r");

    (void)state;
    if (f == NULL) {
        print_message("absent, so not run: the SPF suites of " SUITES "\n");
        return;
    }
    (void)fclose(f);
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        unsigned passed = 0, cases = 0;

        run_suite(suites[i].file, &passed, &cases);
        print_message("%s: %u of %u\n", suites[i].file, passed, cases);
        assert_int_equal(cases, suites[i].cases);
        assert_int_equal(passed, cases);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluations),
        cmocka_unit_test(test_notes),

        cmocka_unit_test(test_expiry_and_limits),
        cmocka_unit_test(test_many_hosts),
        cmocka_unit_test(test_suites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
