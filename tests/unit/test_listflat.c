/*
 * Flattening: against a model with rbldnsd's four tables, and the ways for plain and numbered
 * addresses against the one for all.
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

/* rbldnsd's own way on a small world: which of four tables has the unit of the address, exploding
 * every entry; the answer is the elements in file order, empty if it is not listed. */
static struct slice
model_answer(const struct listflat_entry *entries, size_t count, uint32_t at, uint8_t out[4096])
{
    static const unsigned bits[] = {0, 8, 16, 24};
    for (unsigned level = 0; level < 4; level++) {
        uint64_t unit = UINT64_C(1) << bits[level], base = at / unit * unit;
        size_t n = 0;
        bool found = false, excluded = false;
        for (size_t i = 0; i < count; i++) {
            uint64_t first = entries[i].first, last = entries[i].last;
            /* The entry has the unit on this level if it covers it, but not the one above. */
            bool covers = first <= base && base + unit - 1 <= last;
            uint64_t above = unit * 256, above_base = at / above * above;
            if (!covers || (level < 3 && first <= above_base && above_base + above - 1 <= last))
                continue;
            found = true;
            excluded = excluded || entries[i].value.n == 0;
            bool twice = false;
            for (size_t k = 0; k < n; k += 5)
                twice = twice ||
                        (entries[i].value.n == 5 && memcmp(out + k, entries[i].value.p, 5) == 0);
            if (!twice && entries[i].value.n == 5) {
                memcpy(out + n, entries[i].value.p, 5);
                n += 5;
            }
        }
        if (found)
            return slice_of(out, excluded ? 0 : n);
    }
    return slice_of(out, 0);
}

static struct slice
flat_answer(const struct ipset_entry *flat, size_t count, uint32_t at)
{
    for (size_t i = 0; i < count; i++)
        if (ip_v4(&flat[i].range.first) <= at && at <= ip_v4(&flat[i].range.last))
            return flat[i].value;
    return slice_of(NULL, 0);
}

static void
check_flat(const struct ipset_entry *flat, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(ip_cmp(&flat[i].range.first, &flat[i].range.last) <= 0);
        assert_true(flat[i].value.n > 0);
        if (i == 0)
            continue;
        uint64_t before = ip_v4(&flat[i - 1].range.last), first = ip_v4(&flat[i].range.first);
        assert_true(before < first);
        assert_true(before + 1 < first || slice_cmp(flat[i - 1].value, flat[i].value) != 0);
    }
}

enum { VALUES = 5 };

/* Ends that like to meet borders of units. */
static uint32_t
random_end(uint32_t *seed, bool last)
{
    static const uint32_t hosts[] = {0, 1, 2, 128, 254, 255};
    uint32_t a = 1 + next_random(seed) % 3;
    for (unsigned i = 0; i < 3; i++)
        a = a << 8 | hosts[next_random(seed) % 6];
    unsigned fill = 8 * (next_random(seed) % 4);
    uint32_t low = (uint32_t)((UINT64_C(1) << fill) - 1);
    return last ? a | low : a & ~low;
}

static void
like_a_model(void **state)
{
    enum { MOST = 40 };
    uint8_t values[VALUES][5] = {{'L', 127, 0, 0, 2}, {'L', 127, 0, 0, 3}, {'L', 127, 0, 0, 4},
        {'L', 127, 0, 0, 5}, {'L', 127, 0, 0, 6}};
    uint32_t seed = 7;
    (void)state;
    for (unsigned round = 0; round < 600; round++) {
        struct listflat_entry entries[MOST];
        size_t count = 1 + next_random(&seed) % MOST, flat_count;
        struct listflat_arena arena = {0};
        struct ipset_entry *flat;
        for (size_t i = 0; i < count; i++) {
            uint32_t a = random_end(&seed, false), b = random_end(&seed, true);
            struct listflat_entry *e = &entries[i];
            if (next_random(&seed) % 3 == 0)
                b = a | (uint32_t)((UINT64_C(1) << 8 * (next_random(&seed) % 4)) - 1);
            *e = (struct listflat_entry){
                a < b ? a : b, a < b ? b : a, slice_of(values[next_random(&seed) % VALUES], 5)};
            if (next_random(&seed) % 5 == 0)
                e->value = slice_of(NULL, 0);
        }
        assert_int_equal(listflat_ranges(entries, count, &arena, &flat, &flat_count), ERR_OK);
        check_flat(flat, flat_count);
        /* Every border of every entry, one address on either side, and the borders of the result.
         */
        for (size_t i = 0; i < count + flat_count; i++) {
            uint32_t ends[2] = {i < count ? entries[i].first : ip_v4(&flat[i - count].range.first),
                i < count ? entries[i].last : ip_v4(&flat[i - count].range.last)};
            for (unsigned k = 0; k < 6; k++) {
                uint8_t model[4096];
                uint32_t at = ends[k / 3] + k % 3 - 1;
                struct slice want = model_answer(entries, count, at, model);
                struct slice got = flat_answer(flat, flat_count, at);
                if (slice_cmp(want, got) != 0)
                    fail_msg(
                        "round %u, address %08x: %zu bytes, wanted %zu", round, at, got.n, want.n);
            }
        }
        free(flat);
        listflat_free(&arena);
    }
}

/* The whole space costs one entry, and its end is no overflow. */
static void
whole_space(void **state)
{
    const uint8_t value[] = {'L', 127, 0, 0, 2};
    struct listflat_entry entries[] = {{0, UINT32_MAX, slice_of(value, 5)},
        {UINT32_MAX, UINT32_MAX, slice_of(NULL, 0)}, {0, 0, slice_of(NULL, 0)}};
    struct listflat_arena arena = {0};
    struct ipset_entry *flat;
    size_t count;
    (void)state;
    assert_int_equal(listflat_ranges(entries, 1, &arena, &flat, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(ip_v4(&flat[0].range.last), UINT32_MAX);
    free(flat);
    assert_int_equal(listflat_ranges(entries, 3, &arena, &flat, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(ip_v4(&flat[0].range.first), 1);
    assert_int_equal(ip_v4(&flat[0].range.last), UINT32_MAX - 1);
    free(flat);
    assert_int_equal(listflat_ranges(NULL, 0, &arena, &flat, &count), ERR_OK);
    assert_int_equal(count, 0);
    free(flat);
    listflat_free(&arena);
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Against the flattening that knows every form of entry. */
static void
plain_ones_are_flattened_as_all(void **state)
{
    uint64_t seed = 0;
    (void)state;
    enum { MOST = 3000 };
    static const uint8_t bytes[] = {'L', 127, 0, 0, 2};
    struct slice value = slice_of(bytes, sizeof bytes);
    struct listflat_entry *entries = calloc(MOST, sizeof *entries);
    for (unsigned round = 0; round < 60; round++) {
        struct listflat_arena arena = {0};
        struct listflat_v4 flat;
        struct ipset_entry *want;
        size_t count = 1 + draw(&seed) % MOST, want_count;
        uint32_t *addrs = calloc(count, sizeof *addrs);
        unsigned bits = 1 + round % 32;
        for (size_t i = 0; i < count; i++)
            addrs[i] = (uint32_t)(draw(&seed) << (32 - bits));
        if (round % 3 == 0) /* from the last on, or beside each other */
            for (size_t i = 0; i < count; i++)
                addrs[i] = UINT32_MAX - (uint32_t)draw(&seed) % (uint32_t)count;
        if (round % 5 == 0)
            qsort(addrs, count, sizeof *addrs, by_number);
        for (size_t i = 0; i < count; i++)
            entries[i] = (struct listflat_entry){addrs[i], addrs[i], value};
        assert_int_equal(listflat_ranges(entries, count, &arena, &want, &want_count), ERR_OK);
        assert_int_equal(listflat_plain(&addrs, count, value, &flat), ERR_OK);
        assert_null(addrs);
        assert_int_equal(flat.ranges.count, want_count);
        for (size_t i = 0; i < want_count; i++) {
            assert_int_equal(flat.ranges.first[i], ip_v4(&want[i].range.first));
            assert_int_equal(flat.ranges.last[i], ip_v4(&want[i].range.last));
        }
        listflat_free_v4(&flat);
        listflat_free(&arena);
        free(want);
    }
    free(entries);
}

/* The lines of one address come together with all their values. */
static void
numbered_ones_are_flattened_as_all(void **state)
{
    uint64_t seed = 0;
    (void)state;
    enum { MOST = 300 };
    static const uint8_t bytes[4][5] = {
        {'L', 127, 0, 0, 2}, {'L', 127, 0, 0, 3}, {'L', 127, 0, 0, 4}, {'L', 127, 0, 0, 5}};
    struct listflat_entry entries[MOST];
    for (unsigned round = 0; round < 2000; round++) {
        struct listflat_arena arena = {0};
        struct listflat_v4 flat;
        struct ipset_entry *want;
        size_t count = 1 + draw(&seed) % MOST, want_count;
        uint32_t *addrs = calloc(count, sizeof *addrs);
        uint8_t *numbers = calloc(count, sizeof *numbers);
        struct listflat_values *values = calloc(1, sizeof *values);
        unsigned bits = 5 + round % 28;
        for (size_t i = 0; i < count; i++) {
            struct slice value = slice_of(bytes[draw(&seed) % (1 + round % 4)], 5);
            addrs[i] = (uint32_t)(draw(&seed) << (32 - bits)) >> round % 2 * (32 - bits);
            entries[i] = (struct listflat_entry){addrs[i], addrs[i], value};
            assert_int_equal(listflat_number(values, value, &numbers[i]), ERR_OK);
        }
        assert_int_equal(listflat_ranges(entries, count, &arena, &want, &want_count), ERR_OK);
        enum err err = listflat_numbered(&addrs, &numbers, &values, count, &arena, &flat);
        assert_null(addrs);
        assert_int_equal(err, ERR_OK);
        assert_int_equal(flat.ranges.count, want_count);
        for (size_t i = 0; i < want_count; i++) {
            assert_int_equal(flat.ranges.first[i], ip_v4(&want[i].range.first));
            assert_int_equal(flat.ranges.last[i], ip_v4(&want[i].range.last));
            assert_int_equal(slice_cmp(ipset_v4_value(&flat.ranges, i), want[i].value), 0);
        }
        listflat_free_v4(&flat);
        listflat_free(&arena);
        free(want);
    }
}

/* More values than have numbers, all at once or when lines of one address come together. */
static void
too_many_values(void **state)
{
    (void)state;
    enum { MANY = IPSET_VALUES_MAX };
    struct listflat_arena arena = {0};
    struct listflat_v4 flat;
    uint8_t bytes[MANY + 1][5], number;
    uint32_t *addrs = calloc(MANY, sizeof *addrs);
    uint8_t *numbers = calloc(MANY, sizeof *numbers);
    struct listflat_values *values = calloc(1, sizeof *values);
    for (unsigned i = 0; i <= MANY; i++) {
        memcpy(bytes[i], (uint8_t[]){'L', 127, 0, (uint8_t)(i >> 8), (uint8_t)i}, 5);
        enum err err = listflat_number(values, slice_of(bytes[i], 5), &number);
        assert_int_equal(err, i < MANY ? ERR_OK : ERR_RANGE);
        if (i < MANY) {
            addrs[i] = i / 2;
            numbers[i] = number;
        }
    }
    enum err err = listflat_numbered(&addrs, &numbers, &values, MANY, &arena, &flat);
    assert_int_equal(err, ERR_RANGE);
    assert_int_equal(flat.ranges.count, MANY);
    listflat_free_v4(&flat);
    listflat_free(&arena);
}

/* Exclusions and ranges among them, on borders of levels too. */
static void
mixed_ones_are_flattened_as_all(void **state)
{
    uint64_t seed = 0;
    (void)state;
    enum { MOST = 120 };
    static const uint8_t bytes[] = {'L', 127, 0, 0, 2};
    struct slice value = slice_of(bytes, sizeof bytes);
    for (unsigned round = 0; round < 4000; round++) {
        struct listflat_arena arena = {0};
        struct listflat_entry all[MOST], others[MOST];
        struct listflat_v4 flat;
        struct ipset_entry *want;
        size_t count = 0, other_count = 0, want_count;
        uint32_t *addrs = calloc(MOST, sizeof *addrs);
        uint32_t base = round % 7 == 0 ? UINT32_MAX - 1023 : 0x01ffff00;
        for (size_t i = 0; i < MOST; i++) {
            uint32_t first = base + (uint32_t)(draw(&seed) % 1024), last = first;
            bool excluded = draw(&seed) % 9 == 0;
            if (draw(&seed) % 6 == 0) {
                first &= ~255U;
                last = first | 255;
            } else if (draw(&seed) % 6 == 0) {
                last |= (uint32_t)(draw(&seed) % 512);
            }
            all[i] = (struct listflat_entry){first, last, excluded ? slice_of(NULL, 0) : value};
            if (excluded || first != last)
                others[other_count++] = all[i];
            else
                addrs[count++] = first;
        }
        assert_int_equal(listflat_ranges(all, MOST, &arena, &want, &want_count), ERR_OK);
        assert_int_equal(
            listflat_mixed(&addrs, count, value, others, other_count, &arena, &flat), ERR_OK);
        assert_int_equal(flat.ranges.count, want_count);
        for (size_t i = 0; i < want_count; i++) {
            assert_int_equal(flat.ranges.first[i], ip_v4(&want[i].range.first));
            assert_int_equal(flat.ranges.last[i], ip_v4(&want[i].range.last));
        }
        listflat_free_v4(&flat);
        listflat_free(&arena);
        free(want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_a_model),
        cmocka_unit_test(whole_space),
        cmocka_unit_test(plain_ones_are_flattened_as_all),
        cmocka_unit_test(numbered_ones_are_flattened_as_all),
        cmocka_unit_test(too_many_values),
        cmocka_unit_test(mixed_ones_are_flattened_as_all),
    };
    return cmocka_run_group_tests_name("listflat", tests, NULL, NULL);
}
