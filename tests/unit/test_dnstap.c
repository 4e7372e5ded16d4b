/* dnstap: what a worker notes, and the frames made of it. What they say is decoded end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/dnstap.h"

static const uint8_t bytes[ANSWER_TCP_MAX];

/* A record of a query and an answer of these sizes, taken out of the ring. */
static size_t
take(struct dnstap *tap, size_t query_n, size_t reply_n, const struct zone_def *zone,
    uint8_t record[LOGRING_RECORD_MAX])
{
    const struct request request = {
        .packet = bytes, .len = query_n, .client = ip_from_v4(0xc0000207), .port = 5353};
    const struct answer_note note = {.zone = zone};
    assert_true(dnstap_take(tap, &request, &note, bytes, reply_n));
    return logring_get(tap->ring, record);
}

static bool
contains(const uint8_t *frame, size_t n, const char *text, size_t text_n)
{
    return memmem(frame, n, text, text_n) != NULL;
}

static void
sizes(void **state)
{
    struct dnstap tap = {.ring = logrings_map(1), .sample = 1};
    struct zone_def zone = {.apex = {.len = DNAME_MAX}};
    uint8_t record[LOGRING_RECORD_MAX], frame[DNSTAP_FRAME_MAX];
    (void)state;
    size_t n = take(&tap, DNSTAP_QUERY_MAX, DNSTAP_REPLY_MAX, &zone, record);
    assert_in_range(
        dnstap_frame(record, n, false, "x", frame), DNSTAP_QUERY_MAX + 255, DNSTAP_FRAME_MAX);
    assert_in_range(
        dnstap_frame(record, n, true, "x", frame), DNSTAP_REPLY_MAX + 255, DNSTAP_FRAME_MAX);
    /* One over TCP that is larger is told without itself. */
    n = take(&tap, 30, ANSWER_TCP_MAX, NULL, record);
    assert_in_range(dnstap_frame(record, n, true, "", frame), 20, 100);
    /* Addresses, cut or not. */
    assert_true(contains(frame, dnstap_frame(record, n, true, "", frame), "\xc0\0\2\0", 4));
    tap.full = true;
    n = take(&tap, 30, 30, NULL, record);
    assert_true(contains(frame, dnstap_frame(record, n, true, "ns1", frame), "\xc0\0\2\7", 4));
    assert_true(contains(frame, dnstap_frame(record, n, true, "ns1", frame), "ns1", 3));
    logrings_unmap(&tap.ring, 1);
}

/* No key of a keyed zone gets into either message. */
static void
keys(void **state)
{
    static const uint8_t packet[] = "\0\1\0\0\0\1\0\0\0\0\0\0\1a\6secret\2ip\0\0\1\0";
    struct dnstap tap = {.ring = logrings_map(1), .sample = 1};
    const struct request request = {.packet = packet, .len = sizeof packet};
    const struct answer_note note = {.key_at = 2, .key_n = 6};
    uint8_t record[LOGRING_RECORD_MAX], frame[DNSTAP_FRAME_MAX];
    (void)state;
    assert_true(dnstap_take(&tap, &request, &note, packet, sizeof packet));
    size_t n = logring_get(tap.ring, record);
    for (unsigned response = 0; response < 2; response++) {
        size_t frame_n = dnstap_frame(record, n, response == 1, "", frame);
        assert_false(contains(frame, frame_n, "secret", 6));
        assert_true(contains(frame, frame_n, "\1a\6xxxxxx\2ip", 12));
    }
    /* A message without a question. */
    const struct request empty = {.packet = packet, .len = 12};
    assert_true(dnstap_take(&tap, &empty, &note, packet, 12));
    assert_true(logring_get(tap.ring, record) > 0);
    logrings_unmap(&tap.ring, 1);
}

static void
samples(void **state)
{
    struct dnstap tap = {.ring = logrings_map(1), .sample = 3};
    uint8_t record[LOGRING_RECORD_MAX];
    unsigned taken = 0;
    (void)state;
    for (unsigned i = 0; i < 9; i++)
        taken += take(&tap, 12, 12, NULL, record) > 0;
    assert_int_equal(taken, 3);
    logrings_unmap(&tap.ring, 1);
}

static void
damaged_records(void **state)
{
    struct dnstap tap = {.ring = logrings_map(1), .sample = 1};
    uint8_t record[LOGRING_RECORD_MAX] = {0}, frame[DNSTAP_FRAME_MAX];
    struct dnstap_record damaged;
    (void)state;
    size_t n = take(&tap, 30, 40, NULL, record);
    assert_true(dnstap_frame(record, n, true, "", frame) > 0);
    for (size_t short_n = 0; short_n < n; short_n++)
        assert_int_equal(dnstap_frame(record, short_n, true, "", frame), 0);
    assert_int_equal(dnstap_frame(record, sizeof record, true, "", frame), 0);
    memcpy(&damaged, record, n);
    damaged.query_n = UINT16_MAX;
    assert_int_equal(dnstap_frame(&damaged, n, true, "", frame), 0);
    memcpy(&damaged, record, n);
    damaged.time_ns = -1;
    assert_int_equal(dnstap_frame(&damaged, n, true, "", frame), 0);
    logrings_unmap(&tap.ring, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(keys),
        cmocka_unit_test(samples),
        cmocka_unit_test(damaged_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
