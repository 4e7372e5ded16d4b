/* spfrecord.c and spfmacro.c by tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "loader/spfmacro.h"
#include "loader/spfrecord.h"

#define LINE_SIZE 65536

static const struct syntax_case {
    const char *record;
    const char *term; /* NULL: good */
    unsigned column;
    const char *cause;
} syntaxes[] = {
    {"v=spf1 a mx ptr include:a.b exists:a.b ip4:1.2.3.4 ip6:::1 all", NULL, 0, NULL},
    {"v=spf1 a/0 a//0 a/0//0 a:a.b/32//128 mx:a.b. mx/1", NULL, 0, NULL},
    {"v=spf1 x=y x1.y-z_=%{d} x= redirect=a.b exp=%{d}", NULL, 0, NULL},
    {"v=spf1 a:%{d} a:%{l1r-+,/_=}.b a:a%%b.c a:a.b%- a:%{s127}.com", NULL, 0, NULL},
    {"v=spf1 a:a.b-c a:a.1b a:_x.a.b2 a:a:b/c.de", NULL, 0, NULL},
    {"v=spf1 A MX PTR INCLUDE:A.B EXISTS:A.B IP4:1.2.3.4 IP6:A::B aLL", NULL, 0, NULL},
    {"v=spf1 all.", "all.", 8, "unknown mechanism"},
    {"v=spf1  all:a.b", "all:a.b", 9, "no argument"},
    {"v=spf1 a a/", "a/", 10, "wrong prefix length"},
    {"v=spf1 a/033", "a/033", 8, "zero in front"},
    {"v=spf1 a/33", "a/33", 8, "over 32"},
    {"v=spf1 a//129", "a//129", 8, "over 128"},
    {"v=spf1 a/99999999999999999999", "a/99999999999999999999", 8, "over 32"},
    {"v=spf1 a//24//64", "a//24//64", 8, "wrong prefix length"},
    {"v=spf1 a:a.b/24/24", "a:a.b/24/24", 8, "wrong top label"},
    {"v=spf1 a:/24", "a:/24", 8, "no domain"},
    {"v=spf1 mx:", "mx:", 8, "no domain"},
    {"v=spf1 mx:a.b:80", "mx:a.b:80", 8, "wrong top label"},
    {"v=spf1 a:1.2.3.4", "a:1.2.3.4", 8, "wrong top label"},
    {"v=spf1 a:a.-b", "a:a.-b", 8, "wrong top label"},
    {"v=spf1 a:a.b..", "a:a.b..", 8, "wrong top label"},
    {"v=spf1 a:.", "a:.", 8, "one label"},
    {"v=spf1 a:%{d}com", "a:%{d}com", 8, "one label"},
    {"v=spf1 ptr/24", "ptr/24", 8, "no prefix length"},
    {"v=spf1 include", "include", 8, "no domain"},
    {"v=spf1 include:a.b/24", "include:a.b/24", 8, "wrong top label"},
    {"v=spf1 exists", "exists", 8, "no domain"},
    {"v=spf1 ip4", "ip4", 8, "no address"},
    {"v=spf1 ip4:1.2.3", "ip4:1.2.3", 8, "not an IPv4"},
    {"v=spf1 ip4:1.2.3.04", "ip4:1.2.3.04", 8, "not an IPv4"},
    {"v=spf1 ip4:1.2.3.4/", "ip4:1.2.3.4/", 8, "not an IPv4"},
    {"v=spf1 ip4:1.2.3.4//32", "ip4:1.2.3.4//32", 8, "not an IPv4"},
    {"v=spf1 ip4:::1", "ip4:::1", 8, "not an IPv4"},
    {"v=spf1 ip4:%{i}", "ip4:%{i}", 8, "not an IPv4"},
    {"v=spf1 ip6:1.2.3.4", "ip6:1.2.3.4", 8, "not an IPv6"},
    {"v=spf1 ip6:a::b::c", "ip6:a::b::c", 8, "not an IPv6"},
    {"v=spf1 ip6:a::b/129", "ip6:a::b/129", 8, "over 128"},
    {"v=spf1 ip6:a::b%eth0", "ip6:a::b%eth0", 8, "not an IPv6"},
    {"v=spf1 --all", "--all", 8, "unknown mechanism"},
    {"v=spf1 -", "-", 8, "unknown mechanism"},
    {"v=spf1 redirect:a.b", "redirect:a.b", 8, "unknown mechanism"},
    {"v=spf1 +redirect=a.b", "+redirect=a.b", 8, "no qualifier"},
    {"v=spf1 redirect=a.b x=y redirect=a.b", "redirect=a.b", 25, "second time"},
    {"v=spf1 exp=a.b EXP=a.b", "EXP=a.b", 16, "second time"},
    {"v=spf1 exp=", "exp=", 8, "no domain"},
    {"v=spf1 1x=y", "1x=y", 8, "begins with a letter"},
    {"v=spf1 =y", "=y", 8, "begins with a letter"},
    {"v=spf1 x!=y", "x!=y", 8, "wrong character"},
    {"v=spf1 x=%a", "x=%a", 8, "begins no macro"},
    {"v=spf1 a:%", "a:%", 8, "begins no macro"},
    {"v=spf1 a:%{", "a:%{", 8, "without a letter"},
    {"v=spf1 a:%{a}", "a:%{a}", 8, "does not exist"},
    {"v=spf1 a:%{c}", "a:%{c}", 8, "explanation texts"},
    {"v=spf1 a:%{d", "a:%{d", 8, "without its }"},
    {"v=spf1 a:%{d0}", "a:%{d0}", 8, "keeps 0 parts"},
    {"v=spf1 a:%{dr1}", "a:%{dr1}", 8, "wrong transformer"},
    {"v=spf1 a:%{d!}", "a:%{d!}", 8, "wrong transformer"},
    {"v=spf1 a\x80 all", "a\x80", 8, "not printable"},
};

static void
test_syntax(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof syntaxes / sizeof syntaxes[0]; i++) {
        const struct syntax_case *c = &syntaxes[i];
        struct spfrecord_error error = {0};
        enum err err = spfrecord_check(slice_of(c->record, strlen(c->record)), &error);

        if (c->term == NULL ? err == ERR_OK
                            : err == ERR_SYNTAX && error.column == c->column &&
                                  slice_cmp(error.term, slice_of(c->term, strlen(c->term))) == 0 &&
                                  strstr(error.cause, c->cause) != NULL)
            continue;
        fail_msg("%s: %s %u %s", c->record, err_text(err), error.column,
            error.cause == NULL ? "-" : error.cause);
    }
    print_message("%zu records\n", sizeof syntaxes / sizeof syntaxes[0]);
}

/* ---- Macros: the table of RFC 7208 7.4, and the edges ---- */

static const struct macro_case {
    const char *macro, *ip, *local, *text;
} macros[] = {
    {"%{s}", "192.0.2.3", "strong-bad", "strong-bad@email.example.com"},
    {"%{o}", "192.0.2.3", "strong-bad", "email.example.com"},
    {"%{d4}", "192.0.2.3", "strong-bad", "email.example.com"},
    {"%{d3}", "192.0.2.3", "strong-bad", "email.example.com"},
    {"%{d2}", "192.0.2.3", "strong-bad", "example.com"},
    {"%{d1}", "192.0.2.3", "strong-bad", "com"},
    {"%{dr}", "192.0.2.3", "strong-bad", "com.example.email"},
    {"%{d2r}", "192.0.2.3", "strong-bad", "example.email"},
    {"%{l-}", "192.0.2.3", "strong-bad", "strong.bad"},
    {"%{lr}", "192.0.2.3", "strong-bad", "strong-bad"},
    {"%{lr-}", "192.0.2.3", "strong-bad", "bad.strong"},
    {"%{l1r-}", "192.0.2.3", "strong-bad", "strong"},
    {"%{ir}.%{v}._spf.%{d2}", "192.0.2.3", "strong-bad", "3.2.0.192.in-addr._spf.example.com"},
    {"%{lr-}.lp._spf.%{d2}", "192.0.2.3", "strong-bad", "bad.strong.lp._spf.example.com"},
    {"%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01", "strong-bad",
        "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com"},
    {"%{h}|%{p}", "192.0.2.3", "x", "mx.example.org|p.example"},
    {"%%%_%-", "192.0.2.3", "x", "% %20"},
    {"%{L}", "192.0.2.3", "a b/c~d", "a%20b%2Fc~d"},
    {"%{L}", "192.0.2.3", "\xc3\xa4", "%C3%A4"},
    {"%{l2r+-}", "192.0.2.3", "foo-bar+zip+quux", "bar.foo"},
    {"%{l9999999999}", "192.0.2.3", "a.b.c", "a.b.c"},
    {"%{l128}", "192.0.2.3", "a.b.c", "a.b.c"},
    {"%{l1}", "192.0.2.3", "a.b.", ""},
    {"%{l.-}", "192.0.2.3", "a-.b", "a..b"},
    {"%{c} %{r} %{t}", "2001:db8::1", "x", "2001:db8::1 unknown 77"},
};

static void
p_example(void *ctx, char out[SPFMACRO_DOMAIN_SIZE])
{
    (void)ctx;
    (void)strcpy(out, "p.example");
}

static void
test_macros(void **state)
{
    struct spfmacro_values values = {.helo = "mx.example.org",
        .sender_domain = "email.example.com",
        .domain = "email.example.com",
        .now_s = 77,
        .validated = p_example};
    char out[1024], big[LINE_SIZE];
    struct dname name;
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++) {
        const struct macro_case *c = &macros[i];

        values.local = c->local;
        assert_int_equal(ip_parse(c->ip, strlen(c->ip), &values.ip), ERR_OK);
        assert_int_equal(spfmacro_expand(slice_of(c->macro, strlen(c->macro)), SPFMACRO_EXPLAIN,
                             &values, out, sizeof out, &n),
            ERR_OK);
        assert_string_equal(out, c->text);
    }
    /* A domain keeps its right end, an explanation its left one. */
    for (size_t i = 0; i + 4 <= sizeof big; i += 4)
        memcpy(big + i, "%{s}", 4);
    memcpy(big + sizeof big - 4, ".end", 4);
    struct slice text = slice_of(big, sizeof big);
    assert_int_equal(spfmacro_expand(text, SPFMACRO_DOMAIN, &values, out, sizeof out, &n), ERR_OK);
    assert_true(n < sizeof out && n > 253);
    assert_string_equal(out + n - 8, ".com.end");
    assert_int_equal(spfmacro_name(out, n, &name), ERR_OK);
    assert_true(name.len <= 255 && name.len > 200);
    assert_int_equal(spfmacro_expand(text, SPFMACRO_EXPLAIN, &values, out, sizeof out, &n), ERR_OK);
    assert_int_equal(n, sizeof out - 1);
    print_message("%zu macros\n", sizeof macros / sizeof macros[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_macros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
