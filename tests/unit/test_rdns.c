/*
 * rdns.c: the example columns of its table, what each class is given for, and neighbours. How well
 * it does on names that a person has classed is measured by tests/rdns-score.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loader/classify.h"
#include "loader/rdns.h"
#include "loader/rdnsrows.h"

struct example {
    const char *sign, *name, *matches, *must_not_match;
};

static const struct example examples[] = {
#define RDNS_HOST(sign, name, regex, matches, must_not_match)                                      \
    {#sign, name, matches, must_not_match},
#define RDNS_DOMAIN RDNS_HOST
#include "loader/rdns_patterns.def"
#undef RDNS_HOST
#undef RDNS_DOMAIN
};

struct opened {
    struct publicname *names;
    struct rdns *rdns;
};

static int
setup(void **state)
{
    static struct opened opened;
    struct errmsg msg;

    if (publicname_open(&opened.names, &msg) != ERR_OK ||
        rdns_open(opened.names, &opened.rdns, &msg) != ERR_OK) {
        print_message("%s\n", msg.text);
        return -1;
    }
    *state = &opened;
    return 0;
}

static int
teardown(void **state)
{
    struct opened *opened = *state;

    rdns_close(&opened->rdns);
    assert_null(opened->rdns);
    rdns_close(&opened->rdns);
    publicname_close(&opened->names);
    return 0;
}

static struct rdns_verdict
look(void **state, const char *name, const char *address)
{
    const struct opened *opened = *state;
    struct rdns_verdict verdict;
    struct errmsg msg;
    struct dname dname;
    struct ip ip;

    assert_int_equal(dname_parse(name, strlen(name), &dname), ERR_OK);
    if (address != NULL)
        assert_int_equal(ip_parse(address, strlen(address), &ip), ERR_OK);
    assert_int_equal(
        rdns_classify(opened->rdns, &dname, address != NULL ? &ip : NULL, &verdict, &msg), ERR_OK);
    return verdict;
}

/* Must be the first: nothing is compiled before there is something to classify. */
static void
compiled_when_needed(void **state)
{
    const struct opened *opened = *state;

    assert_true(rdns_compile_ms(opened->rdns) == 0);
    (void)look(state, "a.example", NULL);
    assert_true(rdns_compile_ms(opened->rdns) > 0);
}

/* The first column by this very row, the second not by it. */
static void
table_examples(void **state)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        struct rdns_verdict verdict = look(state, examples[i].matches, NULL);

        if (strcmp(verdict.why, examples[i].name) != 0)
            fail_msg("%s: %s, not %s", examples[i].matches, verdict.why, examples[i].name);
        verdict = look(state, examples[i].must_not_match, NULL);
        if (strcmp(verdict.why, examples[i].name) == 0)
            fail_msg("%s: %s", examples[i].must_not_match, verdict.why);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(examples[k].name, examples[i].name);
    }
}

struct class_case {
    const char *name, *ip;
    enum rdns_class class;
};

static const struct class_case classes[] = {
    /* Lines, in several languages, in any case. */
    {"adsl-203-0-113-207.town.isp.example", "203.0.113.207", RDNS_CLASS_GENERIC_DYNAMIC},
    {"HOST207-113.pool203.isp.example", "203.0.113.207", RDNS_CLASS_GENERIC_DYNAMIC},
    {"207.113.klienti.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"l7-0-113.abo.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"ip-77.kabel.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"xcb0071cf.isp.example", "203.0.113.207", RDNS_CLASS_GENERIC_DYNAMIC},
    {"a203-0-113-207.isp.co.uk", "203.0.113.207", RDNS_CLASS_GENERIC_DYNAMIC},
    /* Another's numbers are numbers all the same. */
    {"198-51-100-1.isp.example", "203.0.113.207", RDNS_CLASS_GENERIC_DYNAMIC},
    {"unassigned.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    /* The word for a line is the operator's own name, or nothing is numbered. */
    {"hermes.cable.example", NULL, RDNS_CLASS_SERVER},
    {"hermes1.cable.co.uk", NULL, RDNS_CLASS_SERVER},
    {"pool.ntp.isp.example", NULL, RDNS_CLASS_SERVER},
    {"dsl.isp.example", NULL, RDNS_CLASS_SERVER},
    {"hermes12.somecable.example", NULL, RDNS_CLASS_SERVER},
    {"m12.town.somecable.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"x123.somecable.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"mx123.somecable.example", NULL, RDNS_CLASS_SERVER},
    {"cable.example", NULL, RDNS_CLASS_SERVER},
    {"home.isp.example", NULL, RDNS_CLASS_SERVER},
    {"host66.company.example", NULL, RDNS_CLASS_SERVER},
    {"1cust12.tnt3.town.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"customer-abc-3-45.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"p1234567pcs.town1.st.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"cc12345-a.town1.st.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"h197n2x31o985.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"mobile-12-34.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"asy12.town.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"203-12.town.rev.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"port1234-town.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"h12345678.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"customer.town1.pop.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"klient-64.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"abc149.abctown01.ap.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"h12-34.a163.priv.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"quickdsl-12.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"adslgp123.town.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"term12.ts3.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"ts05-012.town.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"p8.as1.town1.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    /* A company counts its servers too, and calls them after what they do. */
    {"mobile1.company.example", NULL, RDNS_CLASS_SERVER},
    {"async1.company.example", NULL, RDNS_CLASS_SERVER},
    {"term1.company.example", NULL, RDNS_CLASS_SERVER},
    {"cm1.company.example", NULL, RDNS_CLASS_SERVER},
    {"dhcp1.company.example", NULL, RDNS_CLASS_SERVER},
    {"dhcp-server12.company.example", NULL, RDNS_CLASS_SERVER},
    {"dc01.private.company.example", NULL, RDNS_CLASS_SERVER},
    {"fiberlink2.company.example", NULL, RDNS_CLASS_SERVER},
    /* Words that only begin or end like a line's. */
    {"dialog7.company.example", NULL, RDNS_CLASS_SERVER},
    {"radial7.company.example", NULL, RDNS_CLASS_SERVER},
    {"goldslot7.company.example", NULL, RDNS_CLASS_SERVER},
    {"carpool9.company.example", NULL, RDNS_CLASS_SERVER},
    {"pooling2.company.example", NULL, RDNS_CLASS_SERVER},
    {"crm-dynamics2.company.example", NULL, RDNS_CLASS_SERVER},
    {"serwer1234567.company.example", NULL, RDNS_CLASS_GENERIC_STATIC},
    {"nat1.company.example", NULL, RDNS_CLASS_SERVER},
    {"node-1-2.cluster.company.example", NULL, RDNS_CLASS_SERVER},
    {"web1.ipv6.company.example", NULL, RDNS_CLASS_SERVER},
    {"abcde1040.company.example", NULL, RDNS_CLASS_SERVER},
    {"g1t0012.town.company.example", NULL, RDNS_CLASS_SERVER},
    {"e23nrmr1307.town.uk.company.example", NULL, RDNS_CLASS_SERVER},
    {"pv50p00im-ztdg10011901.company.example", NULL, RDNS_CLASS_SERVER},
    {"m42-110.company.example", "203.0.42.110", RDNS_CLASS_SERVER},
    {"pop-a065d19.pas.sa.isp.example", NULL, RDNS_CLASS_SERVER},
    /* Without a digit only where no other word stands beside. */
    {"adsl.isp.example", NULL, RDNS_CLASS_GENERIC_DYNAMIC},
    {"adsl.company.isp.example", NULL, RDNS_CLASS_SERVER},
    /* A server's word, or a country's: the line and the whole address outweigh it. */
    {"mx-ll-203.0.113-207.dynamic.isp.example", "203.0.113.207", RDNS_CLASS_GENERIC_DYNAMIC},
    {"mx-ll-203.0.113-207.dynamic.isp.example", "198.51.100.1", RDNS_CLASS_SERVER},
    {"mx-ll-203.0.113-207.isp.example", "203.0.113.207", RDNS_CLASS_SERVER},
    {"mail-203-0-113-207.pool.platform.example", "203.0.113.207", RDNS_CLASS_SERVER},
    /* Addresses that stay, and rented machines. */
    {"static-203-0-113-207.isp.example", "203.0.113.207", RDNS_CLASS_GENERIC_STATIC},
    {"203-0-113-207.adsl.static.isp.example", "203.0.113.207", RDNS_CLASS_GENERIC_STATIC},
    {"vps-a8fe4954.isp.example", NULL, RDNS_CLASS_GENERIC_STATIC},
    {"203-0-113-207.somehosting.example", "203.0.113.207", RDNS_CLASS_GENERIC_STATIC},
    {"ip207-113.serverpark.example", "203.0.113.207", RDNS_CLASS_GENERIC_STATIC},
    /* Servers, whatever the numbers. */
    {"mail-203-0-113-207.isp.example", "203.0.113.207", RDNS_CLASS_SERVER},
    {"mx1.adsl.isp.example", NULL, RDNS_CLASS_SERVER},
    {"smtp207.dsl.isp.example", NULL, RDNS_CLASS_SERVER},
    {"m113-207.bulkmail.example", "203.0.113.207", RDNS_CLASS_SERVER},
    {"ns3.dsl.isp.example", NULL, RDNS_CLASS_SERVER},
    {"gauss.math.university.example", "203.0.113.207", RDNS_CLASS_SERVER},
    {"mail.example", "203.0.113.207", RDNS_CLASS_SERVER},
    {"localhost", "203.0.113.207", RDNS_CLASS_SERVER},
    /* Platforms. */
    {"o203-0-113-207.outbound-mail.platform.example", "203.0.113.207", RDNS_CLASS_ESP},
    {"a8-31.smtp-out.amazonses.com", "203.0.113.207", RDNS_CLASS_ESP},
    {"mta4.newsletters.shop.example", NULL, RDNS_CLASS_ESP},
    /* Odd ones. */
    {".", "203.0.113.207", RDNS_CLASS_NONE},
    {"\\000\\255\\.x.example", "203.0.113.207", RDNS_CLASS_SERVER},
    {"203", "203.0.113.207", RDNS_CLASS_SERVER},
    {"203.0.113.207", "203.0.113.207", RDNS_CLASS_GENERIC_DYNAMIC},
};

static void
class_table(void **state)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        struct rdns_verdict verdict = look(state, classes[i].name, classes[i].ip);

        if (verdict.class != classes[i].class)
            fail_msg("%s: %s (%s), not %s", classes[i].name, rdns_class_text(verdict.class),
                verdict.why, rdns_class_text(classes[i].class));
    }
}

struct line_case {
    const char *line;
    enum rdns_class class;
    const char *why; /* NULL: any */
};

static const struct line_case lines[] = {
    {"a203-0-113-207.isp.example\t203.0.113.207", RDNS_CLASS_GENERIC_DYNAMIC, "four numbers"},
    {"abc203x0x113x207.isp.example\t203.0.113.207", RDNS_CLASS_GENERIC_DYNAMIC, "address, decimal"},
    {"abc203x0x113x207.isp.example\t203.0.113.207\r", RDNS_CLASS_GENERIC_DYNAMIC, NULL},
    {"abc203x0x113x207.isp.example", RDNS_CLASS_SERVER, "a name of its own"},
    {"abc203x0x113x207.isp.example\t", RDNS_CLASS_SERVER, NULL},
    {"mail.example.com.\t2001:db8::1", RDNS_CLASS_SERVER, "mail word"},
    {"mail.example.com\t203.0.113.207\tmore", RDNS_CLASS_NONE, "not an address"},
    {"mail.example.com\t203.0.113", RDNS_CLASS_NONE, "not an address"},
    {"mail.example.com\t[203.0.113.207]", RDNS_CLASS_NONE, "not an address"},
    {"mail..example.com\t203.0.113.207", RDNS_CLASS_NONE, "not a name"},
    {"\t203.0.113.207", RDNS_CLASS_NONE, "no name"},
    {"", RDNS_CLASS_NONE, "no name"},
    {"\r", RDNS_CLASS_NONE, "no name"},
    {"\t", RDNS_CLASS_NONE, "no name"},
};

static void
line_table(void **state)
{
    static char longest[CLASSIFY_LINE_MAX + 1];
    const struct opened *opened = *state;
    struct rdns_verdict verdict;
    struct errmsg msg;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(
            classify_line(opened->rdns, lines[i].line, strlen(lines[i].line), &verdict, &msg),
            ERR_OK);
        if (verdict.class != lines[i].class ||
            (lines[i].why != NULL && strcmp(verdict.why, lines[i].why) != 0))
            fail_msg("\"%s\": %s, %s", lines[i].line, rdns_class_text(verdict.class), verdict.why);
    }
    memset(longest, 'a', sizeof longest);
    assert_int_equal(classify_line(opened->rdns, longest, sizeof longest, &verdict, &msg), ERR_OK);
    assert_string_equal(verdict.why, "line too long");
    assert_int_equal(
        classify_line(opened->rdns, longest, sizeof longest - 1, &verdict, &msg), ERR_OK);
    assert_string_equal(verdict.why, "not a name");
}

static void
longest_names(void **state)
{
    const struct opened *opened = *state;
    struct dname name = {.len = DNAME_MAX};
    struct ip ip = ip_from_v4(0x01010101), v6 = {{0x20, 1}};
    struct rdns_verdict verdict;

    /* 127 labels "1", and four labels that need an escape for every byte. */
    for (size_t i = 0; i + 1 < DNAME_MAX; i += 2) {
        name.b[i] = 1;
        name.b[i + 1] = '1';
    }
    name.b[254] = 0;
    assert_int_equal(rdns_classify(opened->rdns, &name, &ip, &verdict, NULL), ERR_OK);
    assert_int_equal(verdict.class, RDNS_CLASS_GENERIC_DYNAMIC);
    memset(name.b, 0xff, sizeof name.b);
    name.b[0] = name.b[64] = name.b[128] = 63;
    name.b[192] = 61;
    name.b[254] = 0;
    assert_int_equal(rdns_classify(opened->rdns, &name, &ip, &verdict, NULL), ERR_OK);
    assert_int_equal(rdns_classify(opened->rdns, &name, &v6, &verdict, NULL), ERR_OK);
}

struct neighbour_case {
    const char *name, *ip;
};

static struct rdns_neighbours
neighbours_of(const char *own, const struct neighbour_case *cases, size_t count)
{
    struct dname names[9];
    struct ip ips[9];
    struct rdns_named named[9];
    struct rdns_neighbours neighbours;

    assert_true(count < 9);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(dname_parse(cases[i].name, strlen(cases[i].name), &names[i]), ERR_OK);
        assert_int_equal(ip_parse(cases[i].ip, strlen(cases[i].ip), &ips[i]), ERR_OK);
        named[i] = (struct rdns_named){&ips[i], &names[i]};
    }
    assert_int_equal(dname_parse(own, strlen(own), &names[8]), ERR_OK);
    ips[8] = ip_from_v4(0xcb00711e);
    named[8] = (struct rdns_named){&ips[8], &names[8]};
    rdnsneighbours_count(&named[8], named, count, &neighbours);
    return neighbours;
}

/* The client is 203.0.113.30. */
static void
neighbours_in_a_row(void **state)
{
    static const struct neighbour_case town[] = {
        {"p30.town.isp.example", "203.0.113.30"}, /* itself */
        {"p12.town.isp.example", "203.0.113.12"},
        {"p031.town.isp.example", "203.0.113.31"},
        {"p77.town.isp.example", "203.0.113.77"},
        {"p78.town.isp.example", "203.0.113.200"}, /* counts otherwise */
        {"p13.town.isp.example", "203.0.112.13"},  /* of elsewhere */
        {"mail.company.example", "203.0.113.99"},
        {"p30.town.isp.example", "2001:db8::1"},
    };
    struct rdns_verdict own = {RDNS_CLASS_SERVER, RDNS_WHY_OWN},
                        mail = {RDNS_CLASS_SERVER, "mail word"};
    struct rdns_neighbours row = neighbours_of("p30.town.isp.example", town, 8);

    (void)state;
    assert_int_equal(row.named, 5);
    assert_int_equal(row.alike, 4);
    assert_int_equal(row.counted, 3);
    assert_int_equal(rdnsneighbours_weigh(own, &row).class, RDNS_CLASS_GENERIC_STATIC);
    assert_int_equal(rdnsneighbours_weigh(mail, &row).class, RDNS_CLASS_SERVER);
    row = neighbours_of("hermes.company.example", town, 8);
    assert_int_equal(row.alike, 0);
    assert_int_equal(rdnsneighbours_weigh(own, &row).class, RDNS_CLASS_SERVER);
    /* The same name for all is no number. */
    row = neighbours_of("mail.company.example", town, 8);
    assert_int_equal(row.alike, 0);
    row = neighbours_of("p30.town.isp.example", town, 3);
    assert_int_equal(rdnsneighbours_weigh(own, &row).class, RDNS_CLASS_SERVER);
}

static void
add_row(struct rdnsrows *rows, unsigned net, unsigned host, const char *left, const char *right)
{
    char text[64];
    struct dname name;
    struct ip ip = ip_from_v4(0xcb007000 + net * 256 + host);
    (void)snprintf(text, sizeof text, "%s%u%s", left, host, right);
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    assert_int_equal(rdnsrows_add(rows, &ip, &name), ERR_OK);
}

/* Four networks: a whole row, one of three names, at most three alike, and a row beside another. */
static void
rows_of_a_walk(void **state)
{
    struct rdnsrows rows = {0};
    (void)state;
    for (unsigned host = 0; host < 256; host++)
        add_row(&rows, 0, host, "p", ".town.isp.example");
    for (unsigned host = 1; host < 4; host++)
        add_row(&rows, 1, host, "p", ".town.isp.example");
    for (unsigned host = 1; host < 9; host++)
        add_row(&rows, 2, host, host < 3 ? "mail.a" : "mail.b", host < 6 ? ".example" : ".test");
    add_row(&rows, 3, 9, "mail.company", ".example");
    for (unsigned host = 10; host < 14; host++)
        add_row(&rows, 3, host, "q", ".isp.example");
    assert_int_equal(rdnsrows_end(&rows), ERR_OK);
    struct {
        unsigned net, host;
        bool found;
    } const cases[] = {{0, 0, true}, {0, 255, true}, {1, 2, false}, {2, 2, false}, {3, 9, false},
        {3, 10, true}, {3, 13, true}, {3, 14, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ip ip = ip_from_v4(0xcb007000 + cases[i].net * 256 + cases[i].host);
        assert_int_equal(rdnsrows_find(&rows, &ip) != NULL, cases[i].found);
    }
    rdnsrows_free(&rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_when_needed),
        cmocka_unit_test(table_examples),
        cmocka_unit_test(class_table),
        cmocka_unit_test(line_table),
        cmocka_unit_test(longest_names),
        cmocka_unit_test(neighbours_in_a_row),
        cmocka_unit_test(rows_of_a_walk),
    };

    return cmocka_run_group_tests_name("rdns", tests, setup, teardown);
}
