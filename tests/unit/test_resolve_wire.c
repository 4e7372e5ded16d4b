/* The resolver's packets: queries as they go out, and the judging of replies made here by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "loader/resolve_wire.h"
#include "zones/wire.h"

static struct dname
name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return name;
}

/* A reply to example.test A, made by hand: flags, and the records' counts and bytes. */
static size_t
make_packet(uint8_t *packet, size_t size, uint16_t flags, uint16_t answers, uint16_t authority,
    struct slice records)
{
    struct dname name = name_of("example.test");
    struct wire_out out = wire_out_of(packet, size);
    const uint16_t head[] = {4711, flags, 1, answers, authority, 0};
    for (unsigned i = 0; i < 6; i++)
        wire_put_u16(&out, head[i]);
    wire_put(&out, name.b, name.len);
    wire_put_u16(&out, DNS_A);
    wire_put_u16(&out, 1);
    wire_put(&out, records.p, records.n);
    assert_false(out.full);
    return out.n;
}

#define OWNER    "\xc0\x0c"
#define A_RR     OWNER "\0\1\0\1\0\0\0\x64\0\4\xc0\0\2\1"
#define A_RR_OLD OWNER "\0\1\0\1\x80\0\0\1\0\4\xc0\0\2\1"
#define A_CHAOS  OWNER "\0\1\0\3\0\0\0\x64\0\4\xc0\0\2\1"
#define A_SHORT  OWNER "\0\1\0\1\0\0\0\x64\0\3\xc0\0\2"
#define NS_RR    OWNER "\0\2\0\1\0\0\0\x64\0\2" OWNER
#define SOA_TAIL "\0\x16\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x28"
#define SOA_RR   OWNER "\0\6\0\1\0\0\0\x1e" SOA_TAIL
#define SOA_ELSE "\1x" OWNER "\0\6\0\1\0\0\0\x1e" SOA_TAIL
#define BYTES(s)                                                                                   \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

enum { REPLY = 0x8180, CLEAR_RA = 0x80, TC = 0x200 };

static void
test_wire(void **state)
{
    static const struct {
        const char *what;
        uint16_t flags, answers, authority;
        struct slice records;
        enum resolve_reply_kind kind;
        enum dns_status status;
        uint32_t ttl_s;
    } cases[] = {
        {"an address", REPLY, 1, 0, BYTES(A_RR), REPLY_ANSWER, DNS_OK, 100},
        {"a TTL with the top bit", REPLY, 1, 0, BYTES(A_RR_OLD), REPLY_ANSWER, DNS_OK, 0},
        {"a query", 0x100, 1, 0, BYTES(A_RR), REPLY_STRANGER, DNS_FAIL, 0},
        {"another opcode", REPLY | 0x2000, 1, 0, BYTES(A_RR), REPLY_STRANGER, DNS_FAIL, 0},
        {"another class", REPLY, 1, 0, BYTES(A_CHAOS), REPLY_ANSWER, DNS_NODATA, 0},
        {"three bytes of address", REPLY, 1, 0, BYTES(A_SHORT), REPLY_STRANGER, DNS_FAIL, 0},
        {"fewer records than said", REPLY, 2, 0, BYTES(A_RR), REPLY_STRANGER, DNS_FAIL, 0},
        {"NXDOMAIN with the address", REPLY | 3, 1, 0, BYTES(A_RR), REPLY_FAILED, DNS_OK, 100},
        {"NXDOMAIN", REPLY | 3, 0, 1, BYTES(SOA_RR), REPLY_ANSWER, DNS_NXDOMAIN, 30},
        {"NODATA", REPLY, 0, 1, BYTES(SOA_RR), REPLY_ANSWER, DNS_NODATA, 30},
        {"the SOA of a child", REPLY, 0, 1, BYTES(SOA_ELSE), REPLY_ANSWER, DNS_NODATA, 0},
        {"no SOA", REPLY, 0, 0, BYTES(""), REPLY_ANSWER, DNS_NODATA, 0},
        {"a referral", REPLY & ~CLEAR_RA, 0, 1, BYTES(NS_RR), REPLY_FAILED, DNS_FAIL, 0},
        {"truncation", REPLY | TC, 0, 0, BYTES(""), REPLY_TRUNCATED, DNS_FAIL, 0},
        {"SERVFAIL", REPLY | 2, 0, 0, BYTES(""), REPLY_FAILED, DNS_FAIL, 0},
        {"REFUSED", REPLY | 5, 0, 0, BYTES(""), REPLY_FAILED, DNS_FAIL, 0},
        {"FORMERR", REPLY | 1, 0, 0, BYTES(""), REPLY_PLAIN, DNS_FAIL, 0},
    };
    struct resolve_question question = {.id = 4711, .type = DNS_A, .name = name_of("example.test")};
    uint8_t packet[512];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = make_packet(packet, sizeof packet, cases[i].flags, cases[i].answers,
            cases[i].authority, cases[i].records);
        struct resolve_reply reply;
        enum resolve_reply_kind kind = resolve_wire_reply(&question, packet, n, &reply);
        if (kind != cases[i].kind)
            fail_msg("%s: kind %d", cases[i].what, (int)kind);
        if (kind == REPLY_ANSWER &&
            (reply.status != cases[i].status || reply.ttl_s != cases[i].ttl_s))
            fail_msg("%s: status %d TTL %u", cases[i].what, (int)reply.status, reply.ttl_s);
        free(reply.buffer);
    }
}

/* Every cut and every changed byte of a reply: a verdict, never harm. */
static void
test_wire_damage(void **state)
{
    static const struct slice records = BYTES(A_RR SOA_RR);
    struct resolve_question question = {.id = 4711, .type = DNS_A, .name = name_of("example.test")};
    struct resolve_reply reply;
    uint8_t packet[512];
    size_t n = make_packet(packet, sizeof packet, REPLY, 1, 1, records);
    (void)state;
    assert_int_equal(resolve_wire_reply(&question, packet, n, &reply), REPLY_ANSWER);
    free(reply.buffer);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *copy = malloc(cut + 1); /* of its own, for the sanitizer */
        assert_non_null(copy);
        memcpy(copy, packet, cut);
        assert_int_equal(resolve_wire_reply(&question, copy, cut, &reply), REPLY_STRANGER);
        free(reply.buffer);
        free(copy);
    }
    for (size_t at = 0; at < n; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t kept = packet[at];
            packet[at] = (uint8_t)value;
            enum resolve_reply_kind kind = resolve_wire_reply(&question, packet, n, &reply);
            if (at < 2 && value != kept) /* the id; over TCP nobody else looks at it */
                assert_int_equal(kind, REPLY_STRANGER);
            free(reply.buffer);
            packet[at] = kept;
        }
    }
}

static void
test_wire_query(void **state)
{
    static const uint8_t want[] = "\x12\x67\1\0\0\1\0\0\0\0\0\1\7example\4test\0\0\1\0\1"
                                  "\0\0\x29\4\xd0\0\0\0\0\0\0";
    struct resolve_question question = {
        .id = 0x1267, .type = DNS_A, .name = name_of("example.test")};
    uint8_t packet[RESOLVE_QUERY_SIZE];
    size_t n;
    (void)state;
    assert_int_equal(resolve_wire_query(&question, packet, &n), ERR_OK);
    assert_int_equal(n, sizeof want - 1);
    assert_memory_equal(packet, want, n);
    question.plain = true;
    assert_int_equal(resolve_wire_query(&question, packet, &n), ERR_OK);
    assert_int_equal(n, sizeof want - 1 - 11);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_wire_damage),
        cmocka_unit_test(test_wire_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
