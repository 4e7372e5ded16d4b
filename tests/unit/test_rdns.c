/*
 * rdns.c: the two example columns of its table, addresses in names, and what it says of names that
 * a person has classed (../shared/data/rdns, absent in most checkouts).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loader/rdns.h"

struct example {
    const char *name, *matches, *must_not_match;
};

static const struct example examples[] = {
#define RDNS_PATTERN(name, regex, matches, must_not_match) {name, matches, must_not_match},
#include "loader/rdns_patterns.def"
#undef RDNS_PATTERN
};

static int
setup(void **state)
{
    struct errmsg msg;
    struct rdns *rdns;

    if (rdns_open(&rdns, &msg) != ERR_OK) {
        print_message("%s\n", msg.text);
        return -1;
    }
    *state = rdns;
    return 0;
}

static int
teardown(void **state)
{
    struct rdns *rdns = *state;

    rdns_close(&rdns);
    assert_null(rdns);
    rdns_close(&rdns);
    return 0;
}

static const char *
look(struct rdns *rdns, const char *name, const char *address)
{
    struct dname dname;
    struct ip ip;

    assert_int_equal(dname_parse(name, strlen(name), &dname), ERR_OK);
    if (address == NULL)
        return rdns_dynamic(rdns, &dname, NULL);
    assert_int_equal(ip_parse(address, strlen(address), &ip), ERR_OK);
    return rdns_dynamic(rdns, &dname, &ip);
}

/* The first column by this very row, the second by none at all. */
static void
table_examples(void **state)
{
    size_t count = sizeof examples / sizeof examples[0];

    assert_true(count <= 20);
    for (size_t i = 0; i < count; i++) {
        const char *found = look(*state, examples[i].matches, NULL);

        if (found == NULL || strcmp(found, examples[i].name) != 0)
            fail_msg("%s: %s, not %s", examples[i].matches, found == NULL ? "none" : found,
                examples[i].name);
        found = look(*state, examples[i].must_not_match, NULL);
        if (found != NULL)
            fail_msg("%s: %s", examples[i].must_not_match, found);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(examples[k].name, examples[i].name);
    }
}

struct look_case {
    const char *name, *ip;
    bool address; /* "address in name" is found */
};

static const struct look_case looks[] = {
    /* All octets: any separator, either way round, padded, joined, in hexadecimal. */
    {"a203x0x113x207.isp.example", "203.0.113.207", true},
    {"h203_0_113_207.isp.example", "203.0.113.207", true},
    {"207x113x0x203.isp.example", "203.0.113.207", true},
    {"203z000z113z207.isp.example", "203.0.113.207", true},
    {"a2030113207z.isp.example", "203.0.113.207", true},
    {"w207.z203000113.isp.example", "203.0.113.207", true},
    {"c000203x113zzz207.isp.example", "203.0.113.207", false},
    {"cb0071cf.isp.example", "203.0.113.207", true},
    {"xCB0071CF.isp.example", "203.0.113.207", true},
    {"cf7100cb.isp.example", "203.0.113.207", true},
    {"cb0071ce.isp.example", "203.0.113.207", false},
    {"1234.isp.example", "1.2.3.4", false},
    {"x1y2y3y4.isp.example", "1.2.3.4", true},
    /* Another's address is not this one's. */
    {"a203x0x113x208.isp.example", "203.0.113.207", false},
    {"a203x0x113x2070.isp.example", "203.0.113.207", false},
    {"a1203x0x113x207.isp.example", "203.0.113.207", true}, /* its last three octets are there */
    {"a1203x10x114x207.isp.example", "203.0.113.207", false},
    /* Three and two octets. */
    {"l0-113-207.isp.example", "203.0.113.207", true},
    {"l203-113-207.isp.example", "203.0.113.207", true},
    {"l113-207.isp.example", "203.0.113.207", true},
    {"l207-113.isp.example", "203.0.113.207", true},
    {"l113207.isp.example", "203.0.113.207", true},
    {"l13017.isp.example", "203.0.13.17", false},
    {"l3-7.isp.example", "203.0.3.7", false},
    {"city.l113-207.isp.example", "203.0.113.207", false},
    {"m113-207.bulkmail.example", "203.0.113.207", false},
    {"kl-0-113-207.kmta.example", "203.0.113.207", false},
    /* Who says that the host serves is believed. */
    {"static-203-0-113-207.isp.example", "203.0.113.207", false},
    {"203-0-113-207.static.isp.example", "203.0.113.207", false},
    {"mail-203-0-113-207.isp.example", "203.0.113.207", false},
    {"mx1.adsl.isp.example", "203.0.113.207", false},
    {"mail.example", "203.0.113.207", false},
    /* IPv6. */
    {"2001-db8-1-2-a-b-c-d.v6.isp.example", "2001:db8:1:2:a:b:c:d", true},
    {"host-2001-db8--77.isp.example", "2001:db8::77", true},
    {"021122fffe334455.v6.isp.example", "2001:db8::211:22ff:fe33:4455", true},
    {"8.b.7.a.6.f.5.e.4.d.3.c.2.b.1.a.isp.example", "2001:db8::a1b2:c3d4:e5f6:a7b8", true},
    {"021122fffe334456.v6.isp.example", "2001:db8::211:22ff:fe33:4455", false},
    {"clegg.example.net", "2001:db8:f08::1", false},
    {"db8-1.example.net", "2001:db8::1", false},
    /* Odd names. */
    {".", "203.0.113.207", false},
    {"a", "203.0.113.207", false},
    {"\\000\\255\\.x.example", "203.0.113.207", false},
    {"203", "203.0.113.207", false},
};

static void
address_in_name(void **state)
{
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        const char *found = look(*state, looks[i].name, looks[i].ip);

        if ((found != NULL && strcmp(found, "address in name") == 0) != looks[i].address ||
            (found != NULL && !looks[i].address))
            fail_msg("%s %s: %s", looks[i].name, looks[i].ip, found == NULL ? "none" : found);
        /* Without the address only a pattern could match; none of these has one. */
        assert_null(look(*state, looks[i].name, NULL));
    }
}

static void
longest_names(void **state)
{
    struct dname name = {.len = DNAME_MAX};
    struct ip ip = ip_from_v4(0x01010101), v6 = {{0x20, 1}};

    /* 127 labels "1", and four labels that need an escape for every byte. */
    for (size_t i = 0; i + 1 < DNAME_MAX; i += 2) {
        name.b[i] = 1;
        name.b[i + 1] = '1';
    }
    name.b[254] = 0;
    assert_non_null(rdns_dynamic(*state, &name, &ip));
    memset(name.b, 0xff, sizeof name.b);
    name.b[0] = name.b[64] = name.b[128] = 63;
    name.b[192] = 61;
    name.b[254] = 0;
    assert_null(rdns_dynamic(*state, &name, &ip));
    assert_null(rdns_dynamic(*state, &name, &v6));
}

static void
gold_numbers(void **state)
{
    static const char path[] = "../shared/data/rdns/gold.tsv";
    unsigned named = 0, named_hit = 0, generic = 0, generic_hit = 0;
    char line[1024], name[512], ip[64], class[32];
    FILE *f = fopen(path, "r");

    if (f == NULL) {
        print_message("%s is absent: recall and false alarms not measured\n", path);
        return;
    }
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%511s %63s %31s", name, ip, class) != 3 || strcmp(ip, "ip") == 0)
            continue;
        bool hit = look(*state, name, ip) != NULL;
        if (strcmp(class, "named") == 0) {
            named++;
            named_hit += hit;
            if (hit)
                print_message("false alarm: %s %s\n", name, ip);
        } else if (strcmp(class, "generic") == 0) {
            generic++;
            generic_hit += hit;
        }
    }
    (void)fclose(f);
    print_message("gold: %u of %u server names flagged, %u of %u generic names found\n", named_hit,
        named, generic_hit, generic);
    assert_int_equal(named, 186);
    assert_int_equal(generic, 100);
    assert_int_equal(named_hit, 0);
    assert_true(generic_hit > 60);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_examples),
        cmocka_unit_test(address_in_name),
        cmocka_unit_test(longest_names),
        cmocka_unit_test(gold_numbers),
    };

    return cmocka_run_group_tests_name("rdns", tests, setup, teardown);
}
