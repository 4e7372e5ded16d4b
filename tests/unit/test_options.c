/* Small parsers of the loader, and when a run stops for too many new listings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "loader/asof.h"
#include "loader/ownnets.h"
#include "loader/verdicts.h"

static void
times(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"1780300000", 1780300000},
        {"2026-06-01", 1780272000},
        {"2026-06-01T07:46", 1780299960},
        {"2026-06-01T07:46:40", 1780300000},
        {"2026-06-01T07:46:40Z", 1780300000},
        {"", -1},
        {"-5", -1},
        {"yesterday", -1},
        {"2026-06-01T", -1},
        {"2026-13-01", -1},
        {"999999999999", -1},
        {"12x", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = 0;
        enum err err = asof_parse(cases[i].text, &got);
        if ((err < 0) != (cases[i].want < 0) || (err == ERR_OK && got != cases[i].want))
            fail_msg("%s: %lld", cases[i].text, (long long)got);
    }
}

static void
own_networks(void **state)
{
    struct prefix out[OWNNETS_MAX];
    (void)state;
    /* The mapped form of an IPv4 network says nothing new. */
    assert_int_equal(ownnets_parse("127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\n", out), 2);
    assert_int_equal(out[1].len, 128);
    assert_int_equal(ownnets_parse("192.0.2.1, 198.51.100.7/24", out), 2);
    assert_int_equal(out[0].len, 32);
    assert_int_equal(ownnets_parse("hash:/etc/postfix/nets !192.0.2.9 $mynetworks", out), 0);
    assert_int_equal(ownnets_parse("", out), 0);
    char many[4096] = "";
    for (unsigned i = 0; i < 200; i++)
        strcat(many, "10.0.0.1 ");
    assert_int_equal(ownnets_parse(many, out), OWNNETS_MAX);
}

static void
too_many(void **state)
{
    const struct policy policy = {.max_new_percent = 20, .max_new_floor = 100};
    struct verdict_counts counts = {.subjects = 10, .newly_listed = 100};
    (void)state;
    assert_false(verdicts_too_many(&counts, &policy));
    counts.newly_listed = 101;
    assert_true(verdicts_too_many(&counts, &policy));
    counts.subjects = 10000;
    counts.newly_listed = 2000;
    assert_false(verdicts_too_many(&counts, &policy));
    counts.newly_listed = 2001;
    assert_true(verdicts_too_many(&counts, &policy));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(own_networks),
        cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
