/* SOA records made once: in a message they read as the zone's, whatever their names are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "server/soa_record.h"

static struct dname
name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return name;
}

/* A message with a question below the apex and the SOA as its authority; returns the SOA as text.
 */
static char *
read_back(const struct dname *qname, const struct dname *apex, const struct soa_record *soa)
{
    uint8_t message[1500];
    struct wire_out out = wire_out_of(message, sizeof message);
    ldns_pkt *packet;
    wire_put(&out, "\0\1\x84\0\0\1\0\0\0\1\0\0", 12);
    wire_put(&out, qname->b, qname->len);
    wire_put_u32(&out, 0x00010001);
    size_t apex_at = 12U + qname->len - apex->len;
    wire_put_name(&out, apex, qname, 12);
    wire_put_u32(&out, 0x00060001);
    wire_put_u32(&out, 300);
    wire_put_u16(&out, soa->n);
    soa_record_put(soa, apex_at, &out);
    assert_false(out.full);
    assert_int_equal(ldns_wire2pkt(&packet, message, out.n), LDNS_STATUS_OK);
    assert_int_equal(ldns_rr_list_rr_count(ldns_pkt_authority(packet)), 1);
    char *text = ldns_rr2str(ldns_rr_list_rr(ldns_pkt_authority(packet), 0));
    ldns_pkt_free(packet);
    return text;
}

static void
names_of_all_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *apex, *mname, *rname;
        unsigned pointers;
    } cases[] = {
        {"bl.example", "bl.example", "bl.example", 2},
        {"bl.example", "ns.bl.example", "hostmaster.example", 2},
        {"bl.example", "ns.other.test", "hostmaster.other.test", 0},
        {"bl.example", "example", "postmaster.ns.bl.example", 2},
        {"bl.example", ".", "a.xbl.example", 1},
        {"bl.example", "a.b\\255", "\\255", 0},
        {"bl.b\\192", "b\\192", "c.b\\192", 2},
        {"bl.example", "l.example", "notbl.example", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dname apex = name_of(cases[i].apex), qname = name_of("4.3.2.1"), left = qname;
        struct soa soa = {.mname = name_of(cases[i].mname),
            .rname = name_of(cases[i].rname),
            .refresh_s = 7200,
            .retry_s = 900,
            .expire_s = 604800,
            .minimum_s = 60};
        struct soa_record record;
        char wanted[4000], mname[DNAME_TEXT_SIZE], rname[DNAME_TEXT_SIZE], zone[DNAME_TEXT_SIZE];
        assert_int_equal(dname_join(&left, &apex, &qname), ERR_OK);
        soa_record_make(&soa, 2026, &apex, &record);
        assert_int_equal(record.pointers, cases[i].pointers);
        char *text = read_back(&qname, &apex, &record);
        (void)dname_format(&apex, zone);
        (void)dname_format(&soa.mname, mname);
        (void)dname_format(&soa.rname, rname);
        (void)snprintf(wanted, sizeof wanted,
            "%s.\t300\tIN\tSOA\t%s%s %s. 2026 7200 900 604800 60\n", zone, mname,
            soa.mname.len > 1 ? "." : "", rname);
        assert_string_equal(text, wanted);
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_all_kinds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
