/* The ring between a worker and the logger: order, wrapping, fullness, damage, two processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/logring.h"

static int
begin(void **state)
{
    *state = logrings_map(1);
    return *state == NULL;
}

static int
end(void **state)
{
    struct logring *ring = *state;
    logrings_unmap(&ring, 1);
    return ring != NULL;
}

/* Record number i has 1 to LOGRING_RECORD_MAX bytes, all of them told by i. */
static size_t
make(uint32_t i, uint8_t out[LOGRING_RECORD_MAX])
{
    size_t n = 1 + i * 37 % LOGRING_RECORD_MAX;
    for (size_t k = 0; k < n; k++)
        out[k] = (uint8_t)(i + k * 7);
    return n;
}

static bool
is_record(uint32_t i, const uint8_t *got, size_t n)
{
    uint8_t wanted[LOGRING_RECORD_MAX];
    return make(i, wanted) == n && memcmp(got, wanted, n) == 0;
}

static void
first_in_first_out(void **state)
{
    struct logring *ring = *state;
    uint8_t record[LOGRING_RECORD_MAX];
    assert_int_equal(logring_get(ring, record), 0);
    uint32_t in = 0, out = 0;
    /* Many times around, with another number of records in it at each end. */
    for (unsigned round = 0; round < 2000; round++) {
        for (unsigned i = 0; i < 1 + round % 100; i++, in++)
            assert_true(logring_put(ring, record, make(in, record)));
        for (size_t n; (n = logring_get(ring, record)) > 0; out++)
            assert_true(is_record(out, record, n));
        assert_int_equal(out, in);
    }
    assert_true(ring->head > 10 * LOGRING_SIZE);
}

static void
full_refuses(void **state)
{
    struct logring *ring = *state;
    uint8_t record[LOGRING_RECORD_MAX];
    uint32_t in = 0, out = 0;
    while (logring_put(ring, record, make(in, record)))
        in++;
    assert_in_range(in, LOGRING_SIZE / (LOGRING_RECORD_MAX + 12), LOGRING_SIZE / 8);
    assert_false(logring_put(ring, record, LOGRING_RECORD_MAX));
    /* Nothing of what is in it was touched; one taken out makes room for one of its size. */
    size_t n = logring_get(ring, record);
    assert_true(is_record(out++, record, n));
    assert_true(logring_put(ring, record, n));
    for (; out < in; out++) {
        n = logring_get(ring, record);
        assert_true(is_record(out, record, n));
    }
    assert_true(logring_get(ring, record) > 0);
    assert_int_equal(logring_get(ring, record), 0);
    /* To the last byte. */
    uint64_t at = ring->head;
    while (logring_put(ring, record, 4))
        continue;
    assert_int_equal(ring->head - at, LOGRING_SIZE);
}

/* A writer that went mad leads the reader nowhere. */
static void
damage(void **state)
{
    static const uint32_t lengths[] = {0, LOGRING_RECORD_MAX + 1, 1U << 31, UINT32_MAX, 100};
    struct logring *ring = *state;
    uint8_t record[LOGRING_RECORD_MAX] = {0};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t at = (size_t)(ring->head % LOGRING_SIZE);
        assert_true(logring_put(ring, record, 20));
        memcpy(ring->bytes + at, &lengths[i], 4);
        assert_int_equal(logring_get(ring, record), 0);
        assert_true(ring->head == ring->tail);
        assert_true(logring_put(ring, record, 20));
        assert_int_equal(logring_get(ring, record), 20);
    }
    /* A head far away. */
    ring->head += 5 * (uint64_t)LOGRING_SIZE + 3;
    assert_int_equal(logring_get(ring, record), 0);
    assert_true(ring->head == ring->tail);
}

/* The writer in a process of its own, both as fast as they can; what is refused is counted. */
static void
two_processes(void **state)
{
    struct logring *ring = *state;
    enum { RECORDS = 200000 };
    uint8_t record[LOGRING_RECORD_MAX];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        uint32_t refused = 0;
        for (uint32_t i = 0; i < RECORDS; i++) {
            memcpy(record, &i, sizeof i);
            memset(record + 4, (int)i, 60);
            refused += !logring_put(ring, record, 64);
        }
        (void)!write(ends[1], &refused, sizeof refused);
        _exit(0);
    }
    uint32_t got = 0, refused = 0, number;
    int64_t last = -1;
    bool ended = false;
    for (;;) {
        size_t n = logring_get(ring, record);
        if (n == 0 && ended)
            break;
        if (n == 0) {
            ended = waitpid(pid, NULL, WNOHANG) == pid;
            continue;
        }
        memcpy(&number, record, sizeof number);
        assert_int_equal(n, 64);
        assert_true((int64_t)number > last);
        for (unsigned k = 4; k < 64; k++)
            assert_int_equal(record[k], (uint8_t)number);
        last = number;
        got++;
    }
    assert_int_equal(read(ends[0], &refused, sizeof refused), sizeof refused);
    assert_int_equal(got + refused, RECORDS);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_in_first_out, begin, end),
        cmocka_unit_test_setup_teardown(full_refuses, begin, end),
        cmocka_unit_test_setup_teardown(damage, begin, end),
        cmocka_unit_test_setup_teardown(two_processes, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
