/* The TCP worker's memory: places, limits of a client's network, age, and buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/tcp_limit.h"
#include "server/tcp_pool.h"

static struct ip
address(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, strlen(text), &ip), ERR_OK);
    return ip;
}

static void
networks_are_counted_alone(void **state)
{
    struct tcp_pool pool;
    const struct ip a1 = address("192.0.2.1"), a2 = address("192.0.2.200"),
                    b = address("192.0.3.1"), v6 = address("2001:db8:0:aa01::1"),
                    v6_near = address("2001:db8:0:aaff::1"), v6_far = address("2001:db8:0:ab00::1");
    (void)state;
    assert_int_equal(tcp_pool_init(&pool, 10, 2), ERR_OK);
    struct tcp_slot *slot = tcp_pool_take(&pool, &a1, 1);
    assert_non_null(slot);
    assert_true(tcp_pool_allows(&pool, &a2));
    assert_non_null(tcp_pool_take(&pool, &a2, 1));
    assert_false(tcp_pool_allows(&pool, &a1));
    assert_true(tcp_pool_allows(&pool, &b));
    tcp_pool_give(&pool, slot);
    assert_true(tcp_pool_allows(&pool, &a2));
    assert_non_null(tcp_pool_take(&pool, &v6, 1));
    assert_non_null(tcp_pool_take(&pool, &v6, 1));
    assert_false(tcp_pool_allows(&pool, &v6_near));
    assert_true(tcp_pool_allows(&pool, &v6_far));
    tcp_pool_free(&pool);
}

static void
places_are_reused(void **state)
{
    enum { SIZE = 7 };
    struct tcp_pool pool;
    struct tcp_slot *slots[SIZE];
    const struct ip ip = address("192.0.2.1");
    (void)state;
    assert_int_equal(tcp_pool_init(&pool, SIZE, SIZE), ERR_OK);
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < SIZE; i++) {
            slots[i] = tcp_pool_take(&pool, &ip, round);
            assert_non_null(slots[i]);
            assert_int_equal(slots[i]->in.n, 0);
            slots[i]->in.n = 5;
        }
        assert_null(tcp_pool_take(&pool, &ip, round));
        assert_int_equal(pool.open, SIZE);
        for (unsigned i = 0; i < SIZE; i++)
            tcp_pool_give(&pool, slots[(i + round) % SIZE]);
        assert_int_equal(pool.open, 0);
        assert_null(tcp_pool_oldest(&pool));
    }
    tcp_pool_free(&pool);
}

static void
the_longest_idle_is_known(void **state)
{
    struct tcp_pool pool;
    const struct ip ip = address("2001:db8::1");
    (void)state;
    assert_int_equal(tcp_pool_init(&pool, 3, 3), ERR_OK);
    struct tcp_slot *a = tcp_pool_take(&pool, &ip, 1), *b = tcp_pool_take(&pool, &ip, 2);
    assert_ptr_equal(tcp_pool_oldest(&pool), a);
    tcp_pool_touch(&pool, a, 3);
    assert_ptr_equal(tcp_pool_oldest(&pool), b);
    tcp_pool_give(&pool, b);
    assert_ptr_equal(tcp_pool_oldest(&pool), a);
    tcp_pool_free(&pool);
}

static void
buffers_are_few(void **state)
{
    struct tcp_pool pool;
    struct tcp_slot *slots[TCP_BUFFERS + 1];
    const struct ip ip = address("192.0.2.1");
    (void)state;
    assert_int_equal(tcp_pool_init(&pool, TCP_BUFFERS + 1, TCP_BUFFERS + 1), ERR_OK);
    for (unsigned i = 0; i <= TCP_BUFFERS; i++) {
        slots[i] = tcp_pool_take(&pool, &ip, 100 - i);
        assert_int_equal(tcp_pool_buffer(&pool, slots[i]), i < TCP_BUFFERS);
    }
    assert_ptr_equal(tcp_pool_slowest(&pool), slots[TCP_BUFFERS - 1]);
    tcp_pool_give(&pool, slots[3]);
    assert_true(tcp_pool_buffer(&pool, slots[TCP_BUFFERS]));
    tcp_pool_unbuffer(&pool, slots[TCP_BUFFERS]);
    assert_null(slots[TCP_BUFFERS]->rest);
    tcp_pool_free(&pool);
}

static void
files_bound_connections(void **state)
{
    (void)state;
    assert_int_equal(tcp_limit_raise(10), 10);
    assert_in_range(tcp_limit_raise(100000), 1, 100000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_counted_alone),
        cmocka_unit_test(places_are_reused),
        cmocka_unit_test(the_longest_idle_is_known),
        cmocka_unit_test(buffers_are_few),
        cmocka_unit_test(files_bound_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
