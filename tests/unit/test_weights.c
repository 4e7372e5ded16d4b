/* Days, weights and windows at the ends of their ranges, as a damaged record may have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loader/history.h"

enum { DAY_S = 86400 };

static void
days(void **state)
{
    static const struct {
        int64_t when_s;
        int32_t day;
    } cases[] = {{0, 0}, {DAY_S - 1, 0}, {DAY_S, 1}, {-1, -1}, {-DAY_S, -1}, {-DAY_S - 1, -2},
        {INT64_MAX, INT32_MAX}, {INT64_MIN, INT32_MIN}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(hist_day(cases[i].when_s), cases[i].day);
}

static void
windows(void **state)
{
    static const int32_t numbers[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    const struct ip client = ip_from_v4(0xc0000201);
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct hist_crowd crowd = {.window = numbers[i]};
        assert_int_equal(hist_crowd_size(&crowd, INT32_MAX), 0);
        assert_int_equal(hist_crowd_size(&crowd, INT32_MIN), 0);
        hist_crowd_add(&crowd, &client, 20000);
        /* One of a later time than it is says nothing. */
        assert_int_equal(hist_crowd_size(&crowd, 20000), numbers[i] != INT32_MAX);
    }
}

static void
sums(void **state)
{
    struct hist_weight oldest = {INT32_MIN, UINT32_MAX}, newest = {INT32_MAX, UINT32_MAX};
    (void)state;
    assert_int_equal(hist_weight_on(&oldest, INT32_MAX, 7), 0);
    assert_int_equal(hist_weight_on(&newest, INT32_MIN, 7), UINT32_MAX);
    hist_weight_sum(&oldest, &newest, 7);
    assert_int_equal(oldest.day, INT32_MAX);
    assert_int_equal(oldest.weight, UINT32_MAX);
    hist_weight_add(&newest, INT32_MIN, UINT32_MAX, 7);
    assert_int_equal(newest.weight, UINT32_MAX);
    hist_weight_take(&newest, INT32_MIN, 1, 7);
    assert_int_equal(newest.weight, UINT32_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days),
        cmocka_unit_test(windows),
        cmocka_unit_test(sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
