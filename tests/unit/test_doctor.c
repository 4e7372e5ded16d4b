/* What repdns doctor reads out of mail programs' configurations and thinks of it; repdns snippet;
 * and texts with places to fill in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/doctor.h"
#include "tools/fill.h"
#include "tools/snippet.h"

typedef void (*parse_fn)(const char *text, size_t n, mta_use_fn each, void *ctx);

struct printed {
    FILE *out;
    char *text;
    size_t size;
};

static void
begin(struct printed *p)
{
    p->out = open_memstream(&p->text, &p->size);
    assert_non_null(p->out);
}

/* Compares what was printed and frees it. */
static void
end(struct printed *p, const char *wanted)
{
    assert_int_equal(fclose(p->out), 0);
    assert_string_equal(p->text, wanted);
    free(p->text);
}

static void
print_use(void *ctx, const struct mta_use *use)
{
    static const char *const asks[] = {"address", "name", "other"};
    struct printed *p = ctx;
    const char *effect = use->effect == MTA_REJECTS  ? "rejects"
                         : use->effect == MTA_COUNTS ? "counts"
                         : use->effect == MTA_TRIES  ? "tries"
                                                     : "welcomes";
    fprintf(p->out, "%u %s %s %s%s\n", use->line, use->zone, asks[use->asks], effect,
        use->filtered ? " filtered" : "");
}

/* From memory of just that size, so that reading past it is noticed. */
static void
expect(parse_fn parse, const char *text, const char *wanted)
{
    struct printed p;
    size_t n = strlen(text);
    char *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    begin(&p);
    parse(copy, n, print_use, &p);
    end(&p, wanted);
    free(copy);
}

static void
postfix(void **state)
{
    (void)state;
    expect(mtause_postfix, "", "");
    expect(mtause_postfix, "a = reject_rbl_client", "");
    expect(mtause_postfix, "a = reject_rbl_client z.example", "1 z.example address rejects\n");
    expect(mtause_postfix,
        "smtpd_recipient_restrictions = permit_mynetworks, warn_if_reject reject_rbl_client a,\n"
        " reject_rhsbl_sender b=127.0.1.[2;10], reject_rhsbl_helo c\n"
        "x = permit_dnswl_client w=127.0.[0..255].[1..3],permit_rhswl_client v\n",
        "1 a address tries\n2 b name rejects filtered\n2 c name rejects\n"
        "3 w address welcomes filtered\n3 v name welcomes\n");
    expect(mtause_postfix,
        "postscreen_dnsbl_sites = a=127.0.0.[2..11]*3, b*2 c w*-4\npostscreen_x = d\n",
        "1 a address counts filtered\n1 b address counts\n1 c address counts\n"
        "1 w address welcomes\n");
    /* As "postconf -P" has it. */
    expect(mtause_postfix, "smtp/inet/smtpd_client_restrictions = reject_rbl_client a\n",
        "1 a address rejects\n");
}

static void
exim(void **state)
{
    (void)state;
    expect(mtause_exim, "dnslists", "");
    expect(mtause_exim, "deny dnslists = a", "1 a address rejects\n");
    expect(mtause_exim,
        "# deny dnslists = no\n"
        "acl_check_rcpt:\n"
        "  deny  message  = dnslists = no\n"
        "        dnslists = a=127.0.0.2,127.0.0.3 : \\\n"
        "                   b&8:c,d\n"
        "  warn !dnslists = <; e/$sender_address_domain ; +include_unknown; f\n"
        "  accept dnslists = w\n",
        "4 a address rejects filtered\n4 b address rejects filtered\n4 c address rejects\n"
        "6 e other counts\n6 f address counts\n7 w address welcomes\n");
    /* Braces are expanded before the list is split. */
    expect(mtause_exim, "drop\n dnslists = p=127.0.2.4/${reverse_ip:$sender_host_address}.$h : q\n",
        "2 p other rejects filtered\n2 q address rejects\n");
    /* Options of routers are no conditions. */
    expect(mtause_exim, "hosts = a:b\n", "");
}

static void
rspamd(void **state)
{
    (void)state;
    expect(mtause_rspamd, "rbl = x", "");
    expect(mtause_rspamd,
        "rbls {\n"
        "  one { symbol = \"A\"; rbl = \"a\"; returncodes { X = \"127.0.0.2\"; } }\n"
        "  two { rbl: b, # } rbl = no\n ipv6 = true }\n"
        "  \"three\" { /* rbl = no } */ rbl = 'c'; returnbits = { X = 2; } }\n"
        "  off { rbl = \"d\"; enabled = false; }\n"
        "}\n",
        "2 a other counts filtered\n3 b other counts\n5 c other counts filtered\n");
    expect(mtause_rspamd, "rbl = a } }", "1 a other counts\n");
    char deep[2000];
    memset(deep, '{', 900);
    memset(deep + 900, '}', 1000);
    strcpy(deep + 1900, "r { rbl = z }");
    expect(mtause_rspamd, deep, "1 z other counts\n");
}

static struct conf *
load(const char *more)
{
    char path[] = "/tmp/repdns-doctor-XXXXXX";
    struct conf *conf;
    struct errmsg msg;
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    fprintf(file, "base = \"rep.example\"\nstate_dir = \"/tmp\"\n%s", more);
    assert_int_equal(fclose(file), 0);
    if (conf_load(path, &conf, &msg) < 0)
        fail_msg("%s", msg.text);
    assert_int_equal(unlink(path), 0);
    return conf;
}

static void
judge(void *ctx, const struct mta_use *use)
{
    doctor_judge_use(ctx, "here", use);
}

static void
judged(void **state)
{
    static const struct {
        const char *text;
        parse_fn parse;
        enum doctor_grade grade;
        const char *part;
    } cases[] = {
        {"reject_rbl_client ip.rep.example", mtause_postfix, DOCTOR_OK, "as it is meant"},
        {"warn_if_reject reject_rbl_client IP.rep.example", mtause_postfix, DOCTOR_OK, "only logs"},
        {"reject_rhsbl_helo helo.rep.example", mtause_postfix, DOCTOR_OK, "as it is meant"},
        {"reject_rbl_client dom.rep.example", mtause_postfix, DOCTOR_FAIL, "does not have"},
        {"reject_rbl_client pair.rep.example", mtause_postfix, DOCTOR_FAIL, "does not have"},
        {"reject_rhsbl_sender ip.rep.example", mtause_postfix, DOCTOR_FAIL, "does not have"},
        {"reject_rbl_client hint.rep.example", mtause_postfix, DOCTOR_FAIL, "no block list"},
        {"warn_if_reject reject_rbl_client hint.rep.example", mtause_postfix, DOCTOR_FAIL,
            "no block list"},
        {"reject_rbl_client hint.rep.example=127.0.0.10", mtause_postfix, DOCTOR_WARN,
            "is informational"},
        {"permit_dnswl_client ip.rep.example", mtause_postfix, DOCTOR_FAIL, "lets in whom"},
        {"reject_rbl_client codes.rep.example", mtause_postfix, DOCTOR_FAIL, "127.255.255.x"},
        {"reject_rbl_client codes.rep.example=127.0.0.[2..11]", mtause_postfix, DOCTOR_OK,
            "as it is meant"},
        {"reject_rbl_client off.rep.example", mtause_postfix, DOCTOR_WARN, "is off"},
        {"reject_rbl_client 0123456789abcdef.keyed.rep.example", mtause_postfix, DOCTOR_OK,
            "as it is meant"},
        {"reject_rbl_client rep.example", mtause_postfix, DOCTOR_FAIL, "no list of this"},
        {"reject_rbl_client ip.rep.example.rep.example", mtause_postfix, DOCTOR_FAIL,
            "no list of this"},
        {"reject_rbl_client other.example", mtause_postfix, DOCTOR_GRADES, ""},
        {"deny dnslists = spf.rep.example/$x", mtause_exim, DOCTOR_FAIL, "no block list"},
        {"warn dnslists = spf.rep.example=127.0.2.5/$x", mtause_exim, DOCTOR_WARN, "is off"},
        {"deny dnslists = pair.rep.example=127.0.2.4/$x", mtause_exim, DOCTOR_OK, "as it is"},
        {"a { rbl = hint.rep.example }", mtause_rspamd, DOCTOR_FAIL, "no block list"},
        {"a { rbl = hint.rep.example; returncodes { A = 127.0.0.10 } }", mtause_rspamd, DOCTOR_OK,
            "as it is meant"},
    };
    struct conf *conf =
        load("zone \"hint\" { enabled = yes }\n"
             "zone \"codes\" { kind = address  datasets = {\"judged.ip\"}  errors = codes }\n"
             "zone \"off\" { kind = address  datasets = {\"judged.ip\"}  enabled = no }\n"
             "zone \"keyed\" { kind = address  datasets = {\"judged.ip\"}  keyed = yes }\n"
             "keys { file = \"/tmp/keys\"  state = \"/tmp/keys-used\" }\n");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text;
        size_t size;
        struct doctor doctor = {.conf = conf, .check = "c", .out = open_memstream(&text, &size)};
        assert_non_null(doctor.out);
        cases[i].parse(cases[i].text, strlen(cases[i].text), judge, &doctor);
        assert_int_equal(fclose(doctor.out), 0);
        if (strstr(text, cases[i].part) == NULL)
            fail_msg("%s: wanted \"%s\" in: %s", cases[i].text, cases[i].part, text);
        for (int grade = 0; grade < DOCTOR_GRADES; grade++)
            assert_int_equal(doctor.found[grade], (int)cases[i].grade == grade);
        free(text);
    }
    conf_free(&conf);
}

static void
filled(void **state)
{
    const struct fill fills[] = {{"A", "<\"&'>"}, {"AB", "@A@"}, {0}};
    struct printed p;
    (void)state;
    begin(&p);
    fill_print(p.out, "x@AB@@y @A@ @C@ @", fills, false);
    end(&p, "x@A@@y <\"&'> @C@ @");
    begin(&p);
    fill_print(p.out, "@A@", fills, true);
    end(&p, "&lt;&quot;&amp;&#39;&gt;");
}

static bool
is_private(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return snippet_private(&name);
}

static void
private_names(void **state)
{
    (void)state;
    assert_true(is_private("rep.internal"));
    assert_true(is_private("a.b.home.arpa"));
    assert_false(is_private("rep.example.org"));
    assert_false(is_private("internal.example.org"));
    assert_false(is_private("2.0.192.in-addr.arpa"));
}

static void
delegations(void **state)
{
    static const struct {
        const char *conf, *wanted;
    } cases[] = {
        {"listen = {\"192.0.2.1\"}\npublic = yes\nnameservers = {\"mx.example\"}\n",
            "rep.example. 86400 IN NS mx.example.\nmx.example. 86400 IN A 192.0.2.1\n"},
        {"listen = {\"2001:db8::1\"}\npublic = yes\n",
            "rep.example. 86400 IN NS ns.rep.example.\nns.rep.example. 86400 IN AAAA "
            "2001:db8::1\n"},
        {"listen = {\"127.0.0.1\"}\npublic = yes\n", "; Nothing yet"},
        {"listen = {\"192.0.2.1@5354\"}\npublic = yes\n", "; Nothing yet"},
        {"listen = {\"192.0.2.1\"}\n", "; Nothing yet"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text, word[] = "delegation", *args[] = {word};
        size_t size;
        struct errmsg msg;
        struct conf *conf = load(cases[i].conf);
        struct tool tool = {
            .conf = conf, .out = open_memstream(&text, &size), .arg_count = 1, .args = args};
        assert_non_null(tool.out);
        assert_int_equal(tool_snippet(&tool, &msg), EXIT_DONE);
        word[0] = 'x';
        assert_int_equal(tool_snippet(&tool, &msg), EXIT_USAGE);
        assert_int_equal(fclose(tool.out), 0);
        if (strstr(text, cases[i].wanted) == NULL)
            fail_msg("wanted \"%s\" in: %s", cases[i].wanted, text);
        free(text);
        conf_free(&conf);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(postfix), cmocka_unit_test(exim),
        cmocka_unit_test(rspamd), cmocka_unit_test(judged), cmocka_unit_test(filled),
        cmocka_unit_test(private_names), cmocka_unit_test(delegations)};
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
