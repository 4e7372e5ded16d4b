/* dnstap: what a worker notes, and the frames made of it. What they say is decoded end to end. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

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
    /* Any byte may lie where there is a yes or no. */
    memset(record + offsetof(struct dnstap_record, tcp), 0x55, 1);
    assert_true(dnstap_frame(record, n, true, "", frame) > 0);
    logrings_unmap(&tap.ring, 1);
}

/* What the process for dnstap says of a socket at the end of a path that is too long for one. */
static void
a_long_path(void **state)
{
    char dir[] = "/tmp/test_dnstap.XXXXXX", path[256], said[512] = "";
    const struct sockaddr_un here = {.sun_family = AF_UNIX, .sun_path = "s"};
    int ends[2], listener = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/%0120d", dir, 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chdir(path), 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(pipe(ends), 0);
    strcat(path, "/s");
    pid_t child = fork();
    if (child == 0) {
        const struct dnstap_conf conf = {.path = path, .identity = ""};
        (void)dup2(ends[1], STDERR_FILENO);
        _exit(dnstap_run(&conf, NULL, 0, NULL));
    }
    assert_true(child > 0);
    assert_true(read(ends[0], said, sizeof said - 1) > 0);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    assert_non_null(strstr(said, strerror(ENAMETOOLONG)));
    assert_int_equal(unlink("s"), 0);
    path[strlen(path) - 2] = '\0';
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(dir), 0);
    (void)close(listener);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(keys),
        cmocka_unit_test(samples),
        cmocka_unit_test(damaged_records),
        cmocka_unit_test(a_long_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
