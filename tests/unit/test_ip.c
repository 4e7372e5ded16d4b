/* Addresses against what the C library and plain comparisons say of them. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/random.h"

#include "zones/ip.h"

enum { CASES = 100000 };

static struct ip
random_ip(uint64_t *seed)
{
    struct ip ip;
    uint64_t high = draw(seed), low = draw(seed);
    if (draw(seed) % 2 == 0)
        return ip_from_v4((uint32_t)low);
    memcpy(ip.b, &high, sizeof high);
    memcpy(ip.b + sizeof high, &low, sizeof low);
    return ip;
}

/* In most cases near the prefix, some with a single bit changed. */
static void
a_prefix_contains_its_range(void **state)
{
    uint64_t seed = 1;
    unsigned inside = 0;
    (void)state;
    for (unsigned i = 0; i < CASES; i++) {
        struct ip ip = random_ip(&seed), other = draw(&seed) % 8 == 0 ? random_ip(&seed) : ip;
        unsigned bits = ip_bits(ip_family(&ip));
        const struct prefix prefix = prefix_of(&ip, (unsigned)(draw(&seed) % (bits + 1)));
        const struct range range = prefix_range(&prefix);
        unsigned bit = (unsigned)(draw(&seed) % bits) + 128 - bits;
        if (draw(&seed) % 2 == 0)
            other.b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        bool want = ip_family(&other) == ip_family(&ip) && ip_cmp(&other, &range.first) >= 0 &&
                    ip_cmp(&other, &range.last) <= 0;
        assert_int_equal(prefix_contains(&prefix, &other), want);
        inside += want;
    }
    assert_in_range(inside, CASES / 4, CASES * 7 / 8);
}

/* Each octet of each length, in each place. */
static void
a_quad_is_written_as_inet_ntop_does(void **state)
{
    char text[IP_TEXT_SIZE], want[INET_ADDRSTRLEN], reverse[IP_REVERSE_SIZE];
    (void)state;
    for (uint32_t i = 0; i < 1024; i++) {
        uint8_t quad[4] = {0, 99, 100, 255};
        quad[i / 256] = (uint8_t)i;
        uint32_t v4 =
            (uint32_t)quad[0] << 24 | (uint32_t)quad[1] << 16 | (uint32_t)quad[2] << 8 | quad[3];
        struct ip ip = ip_from_v4(v4);
        ip_format(&ip, text);
        assert_string_equal(text, inet_ntop(AF_INET, quad, want, sizeof want));
        const uint8_t turned[4] = {quad[3], quad[2], quad[1], quad[0]};
        size_t n = ip_reverse(&ip, reverse);
        assert_int_equal(n, strlen(reverse));
        assert_string_equal(reverse, inet_ntop(AF_INET, turned, want, sizeof want));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_contains_its_range),
        cmocka_unit_test(a_quad_is_written_as_inet_ntop_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
