/* Names from the wire: every byte of every length is folded as RFC 4343 3 has it, no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "zones/dname.h"

static uint8_t
folded(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static void
all_bytes_at_all_places(void **state)
{
    (void)state;
    uint8_t wire[DNAME_MAX + 8];
    for (unsigned len = 1; len <= 63; len++)
        for (unsigned c = 0; c < 256; c++) {
            struct dname name;
            wire[0] = (uint8_t)len;
            for (unsigned i = 1; i <= len; i++)
                wire[i] = (uint8_t)(c + i * 7);
            wire[len + 1] = 0;
            memset(wire + len + 2, 'A', 6); /* of what comes behind */
            assert_int_equal(dname_from_wire(wire, sizeof wire, &name), ERR_OK);
            assert_int_equal(name.len, len + 2);
            assert_int_equal(name.b[0], len);
            for (unsigned i = 1; i <= len; i++)
                assert_int_equal(name.b[i], folded(wire[i]));
            assert_int_equal(name.b[len + 1], 0);
            assert_int_equal(dname_from_wire(wire, len + 1, &name), ERR_SYNTAX);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_bytes_at_all_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
