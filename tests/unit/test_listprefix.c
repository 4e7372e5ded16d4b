/*
 * Flattening prefixes against a naive model: each query looks at every prefix. In both families,
 * where IPv6 lists must stay out of ::ffff:0:0/96.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/random.h"

#include "loader/listflat.h"

enum { MOST = 40, VALUES = 4, ROUNDS = 2500 };

static uint8_t values[VALUES][5] = {
    {'L', 127, 0, 0, 2}, {'L', 127, 0, 0, 3}, {'L', 127, 0, 0, 4}, {'L', 127, 0, 0, 5}};

static struct range
range_of_prefix(const struct ip *ip, unsigned len)
{
    struct range range = {*ip, *ip};
    for (unsigned bit = len; bit < 128; bit++) {
        range.first.b[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
        range.last.b[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
    }
    return range;
}

/* Few different bytes, so that prefixes meet; v6 ones often near the mapped addresses. */
static struct listflat_prefix
random_prefix(uint32_t *seed, bool v6)
{
    static const uint8_t bytes[] = {0, 1, 127, 128, 254, 255};
    struct ip ip = ip_from_v4(0);
    unsigned from = 12;
    if (v6 && next_random(seed) % 3 > 0)
        from = next_random(seed) % 12;
    for (unsigned i = from; i < 16; i++)
        ip.b[i] = bytes[next_random(seed) % 6];
    if (v6 && from == 12 && next_random(seed) % 3 == 0)
        ip.b[11] = bytes[next_random(seed) % 6];
    unsigned least = v6 ? 0 : 96, len = least + next_random(seed) % (129 - least);
    if (next_random(seed) % 3 == 0)
        len = least + next_random(seed) % 9;
    struct listflat_prefix out = {.range = range_of_prefix(&ip, len)};
    if (next_random(seed) % 4 > 0)
        out.value = slice_of(values[next_random(seed) % VALUES], 5);
    return out;
}

static bool
in_range(const struct range *range, const struct ip *ip)
{
    return ip_cmp(&range->first, ip) <= 0 && ip_cmp(ip, &range->last) <= 0;
}

static struct slice
model_answer(const struct listflat_prefix *prefixes, size_t count, bool v6, const struct ip *ip)
{
    const struct listflat_prefix *best = NULL;
    if (v6 && ip_is4(ip))
        return slice_of(NULL, 0);
    for (size_t i = 0; i < count; i++) {
        const struct range *range = &prefixes[i].range;
        if (!in_range(range, ip))
            continue;
        /* Of prefixes around one address the longer begins or ends inside the other. */
        if (best == NULL || ip_cmp(&range->first, &best->range.first) > 0 ||
            ip_cmp(&range->last, &best->range.last) < 0)
            best = &prefixes[i];
    }
    return best == NULL ? slice_of(NULL, 0) : best->value;
}

static struct slice
flat_answer(const struct ipset_entry *flat, size_t count, const struct ip *ip)
{
    for (size_t i = 0; i < count; i++)
        if (in_range(&flat[i].range, ip))
            return flat[i].value;
    return slice_of(NULL, 0);
}

/* Steps over all 128 bits. */
static struct ip
beside(const struct ip *ip, int step)
{
    struct ip out = *ip;
    for (unsigned i = 16; step != 0 && i-- > 0;) {
        out.b[i] = (uint8_t)(out.b[i] + step);
        if (out.b[i] != (step > 0 ? 0 : 0xff))
            break;
    }
    return out;
}

static void
check_flat(const struct ipset_entry *flat, size_t count, bool v6)
{
    for (size_t i = 0; i < count; i++) {
        const struct range *range = &flat[i].range;
        struct ip mapped = ip_from_v4(0);
        assert_true(ip_cmp(&range->first, &range->last) <= 0);
        assert_int_equal(ip_is4(&range->first), !v6);
        assert_int_equal(ip_is4(&range->last), !v6);
        assert_true(!v6 || !in_range(range, &mapped));
        assert_true(flat[i].value.n > 0);
        if (i == 0)
            continue;
        struct ip after = beside(&flat[i - 1].range.last, 1);
        int order = ip_cmp(&after, &range->first);
        assert_true(order <= 0);
        assert_true(order < 0 || slice_cmp(flat[i - 1].value, flat[i].value) != 0);
    }
}

/* Returns the number of queries. */
static unsigned
compare(const struct listflat_prefix *prefixes, size_t count, const struct ipset_entry *flat,
    size_t flat_count, bool v6)
{
    unsigned asked = 0;
    for (size_t i = 0; i < count + flat_count; i++) {
        const struct range *range = i < count ? &prefixes[i].range : &flat[i - count].range;
        for (int k = 0; k < 6; k++, asked++) {
            struct ip at = beside(k < 3 ? &range->first : &range->last, k % 3 - 1);
            struct slice want = model_answer(prefixes, count, v6, &at);
            struct slice got = flat_answer(flat, flat_count, &at);
            char text[IP_TEXT_SIZE];
            ip_format(&at, text);
            if (slice_cmp(want, got) != 0)
                fail_msg("%s: %zu bytes, wanted %zu", text, got.n, want.n);
        }
    }
    return asked;
}

static void
run_model(bool v6, uint32_t seed)
{
    unsigned asked = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct listflat_prefix prefixes[MOST], sorted[MOST];
        struct ipset_entry *flat;
        size_t count = 1 + next_random(&seed) % MOST, flat_count;
        for (size_t i = 0; i < count; i++) {
            prefixes[i] = random_prefix(&seed, v6);
            if (i > 0 && next_random(&seed) % 8 == 0)
                prefixes[i].range = prefixes[next_random(&seed) % i].range;
        }
        memcpy(sorted, prefixes, sizeof prefixes);
        assert_int_equal(listflat_prefixes(sorted, count, v6, &flat, &flat_count), ERR_OK);
        check_flat(flat, flat_count, v6);
        asked += compare(prefixes, count, flat, flat_count, v6);
        free(flat);
    }
    assert_true(asked > 200000);
}

static void
test_model_v4(void **state)
{
    (void)state;
    run_model(false, 3);
}

static void
test_model_v6(void **state)
{
    (void)state;
    run_model(true, 4);
}

/* 129 prefixes, one in the other, twice; and nothing at all. */
static void
test_depth(void **state)
{
    struct listflat_prefix prefixes[2 * 129];
    struct ipset_entry *flat;
    size_t count;
    (void)state;
    for (unsigned end = 0; end < 2; end++) {
        struct ip ip;
        memset(&ip, end == 0 ? 0 : 0xff, sizeof ip);
        for (unsigned i = 0; i < 2 * 129; i++)
            prefixes[i] = (struct listflat_prefix){.range = range_of_prefix(&ip, i % 129),
                .value = slice_of(values[i < 129 ? i % 2 : 2], 5)};
        assert_int_equal(listflat_prefixes(prefixes, 2 * 129, true, &flat, &count), ERR_OK);
        check_flat(flat, count, true);
        /* Values alternate. The gap of IPv4 lies at the end of a range, or in one. */
        assert_int_equal(count, end == 0 ? 129 : 130);
        free(flat);
    }
    assert_int_equal(listflat_prefixes(NULL, 0, true, &flat, &count), ERR_OK);
    assert_int_equal(count, 0);
    free(flat);
}

/* What a damaged store could bring. */
static void
test_no_prefix(void **state)
{
    static const struct range bad[] = {{{{0}}, {{[15] = 2}}}, {{{[15] = 1}}, {{[15] = 3}}},
        {{{0}}, {{[14] = 1}}}, {{{[14] = 1}}, {{[14] = 1, [15] = 0xfe}}}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct listflat_prefix prefix = {.range = bad[i], .value = slice_of(values[0], 5)};
        struct ipset_entry *flat;
        size_t count;
        assert_int_equal(listflat_prefixes(&prefix, 1, true, &flat, &count), ERR_FORMAT);
        assert_null(flat);
        assert_int_equal(count, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_v4),
        cmocka_unit_test(test_model_v6),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_no_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
