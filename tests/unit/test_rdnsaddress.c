/* rdnsaddress.c: each way to spell an address, and what is none, by a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loader/rdnsaddress.h"

struct spelling_case {
    const char *name, *ip;
    enum rdnsaddress spelling;
};

static const struct spelling_case spellings[] = {
    /* All octets: any separator, several orders, padded, joined. */
    {"a203x0x113x207.isp.example", "203.0.113.207", RDNSADDRESS_DECIMAL},
    {"h203_0_113_207.isp.example", "203.0.113.207", RDNSADDRESS_DECIMAL},
    {"207.113.0.203.isp.example", "203.0.113.207", RDNSADDRESS_DECIMAL},
    {"203z000z113z207.isp.example", "203.0.113.207", RDNSADDRESS_DECIMAL},
    {"a203000113207z.isp.example", "203.0.113.207", RDNSADDRESS_DECIMAL},
    {"a2030113207z.isp.example", "203.0.113.207", RDNSADDRESS_DECIMAL},
    {"w207.z203000113.isp.example", "203.0.113.207", RDNSADDRESS_DECIMAL},
    {"l113-207.w203-0.isp.example", "203.0.113.207", RDNSADDRESS_DECIMAL},
    {"x1y2y3y4.isp.example", "1.2.3.4", RDNSADDRESS_DECIMAL},
    {"h4.isp1-2-3.example", "1.2.3.4", RDNSADDRESS_DECIMAL},
    {"1234.isp.example", "1.2.3.4", RDNSADDRESS_NONE},
    /* Octal. */
    {"0313-00-0161-0317.isp.example", "203.0.113.207", RDNSADDRESS_OCTAL},
    {"313.000.161.317.isp.example", "203.0.113.207", RDNSADDRESS_OCTAL},
    {"317161000313.isp.example", "203.0.113.207", RDNSADDRESS_OCTAL},
    /* One number: decimal, either way round, octal. */
    {"l3405803983.isp.example", "203.0.113.207", RDNSADDRESS_NUMBER},
    {"l03405803983.isp.example", "203.0.113.207", RDNSADDRESS_NUMBER},
    {"l3480289483.isp.example", "203.0.113.207", RDNSADDRESS_NUMBER},
    {"l31300070717.isp.example", "203.0.113.207", RDNSADDRESS_NUMBER},
    {"l13405803983.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    {"l16909060.isp.example", "1.2.3.4", RDNSADDRESS_NUMBER},
    {"l66051.isp.example", "0.1.2.3", RDNSADDRESS_NONE}, /* too few digits */
    /* Hexadecimal. */
    {"cb0071cf.isp.example", "203.0.113.207", RDNSADDRESS_HEXADECIMAL},
    {"pcb0071cf.isp.example", "203.0.113.207", RDNSADDRESS_HEXADECIMAL},
    {"0xcb0071cf.isp.example", "203.0.113.207", RDNSADDRESS_HEXADECIMAL},
    {"cf7100cb.isp.example", "203.0.113.207", RDNSADDRESS_HEXADECIMAL},
    {"cb-00-71-cf.isp.example", "203.0.113.207", RDNSADDRESS_HEXADECIMAL},
    {"cb00.71cf.isp.example", "203.0.113.207", RDNSADDRESS_HEXADECIMAL},
    {"cb0071ce.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    {"x71cf.isp.example", "203.0.113.207", RDNSADDRESS_HEX_OCTETS},
    {"x0071cf.isp.example", "203.0.113.207", RDNSADDRESS_HEX_OCTETS},
    {"d71cf.isp.example", "203.0.113.207", RDNSADDRESS_HEX_OCTETS},
    {"x771cf.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    {"node71cf.isp.example", "203.0.113.207", RDNSADDRESS_HEX_OCTETS},
    {"x0b71cf.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    {"x.y71cf.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    /* Another's address is not this one's. */
    {"a203x1x113x208.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    {"a203x1x113x2070.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    {"a1203x0x113x207.isp.example", "203.0.113.207", RDNSADDRESS_THREE_OCTETS},
    {"a1203x10x114x207.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    {"c000203x113zzz208.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    /* Three and two octets. */
    {"l0-113-207.isp.example", "203.0.113.207", RDNSADDRESS_THREE_OCTETS},
    {"l207-113-0.isp.example", "203.0.113.207", RDNSADDRESS_THREE_OCTETS},
    {"l203-113-207.isp.example", "203.0.113.207", RDNSADDRESS_THREE_OCTETS},
    {"l0-3-7.isp.example", "203.0.3.7", RDNSADDRESS_THREE_OCTETS},
    {"l9.203-0-113.isp.example", "203.0.113.207", RDNSADDRESS_THREE_OCTETS},
    {"l9.113-0-203.isp.example", "203.0.113.207", RDNSADDRESS_THREE_OCTETS},
    {"l9.1-2-3.isp.example", "1.2.3.4", RDNSADDRESS_NONE},
    {"l113-207.isp.example", "203.0.113.207", RDNSADDRESS_TWO_OCTETS},
    {"l207-113.isp.example", "203.0.113.207", RDNSADDRESS_TWO_OCTETS},
    {"l113207.isp.example", "203.0.113.207", RDNSADDRESS_TWO_OCTETS},
    {"cm10.town77.isp.example", "203.0.77.10", RDNSADDRESS_TWO_OCTETS},
    {"l3-17.isp.example", "203.0.3.17", RDNSADDRESS_TWO_OCTETS},
    {"l3-7.isp.example", "203.0.3.7", RDNSADDRESS_NONE},
    {"l37.isp.example", "203.0.3.7", RDNSADDRESS_NONE},
    {"city.l113-207.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    {"l207.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    {"l113-quitealongword207.isp.example", "203.0.113.207", RDNSADDRESS_NONE},
    /* One octet, of a town in an area. */
    {"p30.town.area.isp.example", "203.0.113.30", RDNSADDRESS_LAST_OCTET},
    {"pt130.small-town.area.isp.example", "203.0.113.130", RDNSADDRESS_LAST_OCTET},
    {"p30.town.isp.example", "203.0.113.30", RDNSADDRESS_NONE},
    {"cvg-134.town.isp.example", "203.0.113.134", RDNSADDRESS_LAST_OCTET},
    {"cvg-134.isp.example", "203.0.113.134", RDNSADDRESS_NONE},
    {"cvg-134.town2.isp.example", "203.0.113.134", RDNSADDRESS_NONE},
    {"cluster-134.town.isp.example", "203.0.113.134", RDNSADDRESS_NONE},
    {"p31.town.area.isp.example", "203.0.113.30", RDNSADDRESS_NONE},
    {"p30a.town.area.isp.example", "203.0.113.30", RDNSADDRESS_NONE},
    {"p30.farm2.area.isp.example", "203.0.113.30", RDNSADDRESS_NONE},
    {"30.town.area.isp.example", "203.0.113.30", RDNSADDRESS_NONE},
    {"node30.town.area.isp.example", "203.0.113.30", RDNSADDRESS_NONE},
    {"p3.town.area.isp.example", "203.0.113.3", RDNSADDRESS_NONE},
    {"p30", "203.0.113.30", RDNSADDRESS_NONE},
    /* IPv6: short form with dashes, either half, either way round. */
    {"2001-db8-1-2-a-b-c-d.v6.isp.example", "2001:db8:1:2:a:b:c:d", RDNSADDRESS_IPV6},
    {"host-2001-db8--77.isp.example", "2001:db8::77", RDNSADDRESS_IPV6},
    {"021122fffe334455.v6.isp.example", "2001:db8::211:22ff:fe33:4455", RDNSADDRESS_IPV6},
    {"8.b.7.a.6.f.5.e.4.d.3.c.2.b.1.a.isp.example", "2001:db8::a1b2:c3d4:e5f6:a7b8",
        RDNSADDRESS_IPV6},
    {"20010db800010002.isp.example", "2001:db8:1:2::77", RDNSADDRESS_IPV6},
    {"021122fffe334456.v6.isp.example", "2001:db8::211:22ff:fe33:4455", RDNSADDRESS_NONE},
    {"0000000000000001.isp.example", "2001:db8::1", RDNSADDRESS_NONE},
    {"db8-1.example.net", "2001:db8::1", RDNSADDRESS_NONE},
    {"203-0-113-207.isp.example", "2001:db8::1", RDNSADDRESS_NONE},
    /* No number at all. */
    {"mail.example.com", "203.0.113.207", RDNSADDRESS_NONE},
    {"", "203.0.113.207", RDNSADDRESS_NONE},
};

/* Of a name whose registered domain has two labels. */
static enum rdnsaddress
find(const char *name, const struct ip *ip)
{
    size_t len = strlen(name), host = len;

    for (unsigned dots = 0; host > 0; host--)
        if (name[host] == '.' && ++dots == 2)
            break;
    return rdnsaddress_find(name, len, host, ip);
}

static void
spelling_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        const struct spelling_case *c = &spellings[i];
        struct ip ip;

        assert_int_equal(ip_parse(c->ip, strlen(c->ip), &ip), ERR_OK);
        enum rdnsaddress found = find(c->name, &ip);
        if (found != c->spelling)
            fail_msg("%s %s: %s, not %s", c->name, c->ip, rdnsaddress_text(found),
                rdnsaddress_text(c->spelling));
    }
}

/* Every address is found in the names that are made of it, by each of the usual ways. */
static void
all_ways(void **state)
{
    uint32_t v4 = 0x0b000000;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned o[4];
        char names[6][64];

        v4 = v4 * 1664525U + 1013904223U;
        for (unsigned k = 0; k < 4; k++)
            o[k] = v4 >> (24 - 8 * k) & 255;
        (void)snprintf(names[0], 64, "h-%u-%u-%u-%u.x.example", o[0], o[1], o[2], o[3]);
        (void)snprintf(names[1], 64, "%u.%u.%u.%u.x.example", o[3], o[2], o[1], o[0]);
        (void)snprintf(names[2], 64, "l%03u%03u%03u%03u.x.example", o[0], o[1], o[2], o[3]);
        (void)snprintf(names[3], 64, "p%02x%02x%02x%02x.x.example", o[0], o[1], o[2], o[3]);
        (void)snprintf(names[4], 64, "%04o.%04o.%04o.%04o.x.example", o[0], o[1], o[2], o[3]);
        (void)snprintf(names[5], 64, "ip%u.x.example", v4 | 1U << 31);
        struct ip ip = ip_from_v4(v4), high = ip_from_v4(v4 | 1U << 31);
        for (unsigned k = 0; k < 6; k++)
            if (find(names[k], k == 5 ? &high : &ip) == RDNSADDRESS_NONE)
                fail_msg("%s", names[k]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spelling_table),
        cmocka_unit_test(all_ways),
    };

    return cmocka_run_group_tests_name("rdnsaddress", tests, NULL, NULL);
}
