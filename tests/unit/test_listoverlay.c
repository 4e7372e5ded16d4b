/* Layers of lists, of addresses and of names, against a model of one over the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/random.h"

#include "loader/listcollect.h"
#include "loader/listflat.h"
#include "loader/listoverlay.h"
#include "loader/publish.h"

enum { MOST = 12, VALUES = 4, LAYERS = 3 };

static const uint8_t values[VALUES][5] = {
    {'L', 127, 0, 0, 2}, {'L', 127, 0, 0, 3}, {'L', 127, 0, 0, 4}, {'L', 127, 0, 0, 5}};

/* What a layer says of an address; count 0: nothing. */
static struct slice
answer_of(const struct list_flat *flat, uint32_t at)
{
    for (size_t i = 0; i < flat->count; i++)
        if (ip_v4(&flat->addrs[i].range.first) <= at && at <= ip_v4(&flat->addrs[i].range.last))
            return flat->addrs[i].value;
    return slice_of(NULL, 0);
}

static void
copy_flat(const struct list_flat *from, struct list_flat *to)
{
    *to = (struct list_flat){.count = from->count};
    if (from->names != NULL) {
        to->names = calloc(from->count + 1, sizeof *to->names);
        assert_non_null(to->names);
        memcpy(to->names, from->names, from->count * sizeof *to->names);
        return;
    }
    to->addrs = calloc(from->count + 1, sizeof *to->addrs);
    assert_non_null(to->addrs);
    if (from->count > 0)
        memcpy(to->addrs, from->addrs, from->count * sizeof *to->addrs);
}

/* Layers are files, adds and dels. */
static void
merge(const struct list_flat layers[LAYERS], struct list_flat *out)
{
    uint64_t dropped;
    copy_flat(&layers[0], out);
    assert_int_equal(listoverlay(out, &layers[1], false, &dropped), ERR_OK);
    assert_int_equal(listoverlay(out, &layers[2], true, &dropped), ERR_OK);
}

static void
check_addrs(const struct list_flat layers[LAYERS])
{
    struct list_flat out;
    merge(layers, &out);
    for (size_t i = 0; i < out.count; i++) {
        const struct range *range = &out.addrs[i].range;
        assert_true(ip_cmp(&range->first, &range->last) <= 0);
        if (i == 0)
            continue;
        const struct ipset_entry *before = &out.addrs[i - 1];
        assert_true(ip_v4(&before->range.last) < ip_v4(&range->first));
        assert_true(ip_v4(&before->range.last) + 1 < ip_v4(&range->first) ||
                    slice_cmp(before->value, out.addrs[i].value) != 0);
    }
    for (uint32_t at = 0x01000000; at < 0x01000000 + 600; at++) {
        struct slice want = answer_of(&layers[0], at), add = answer_of(&layers[1], at);
        if (add.n > 0)
            want = add;
        if (answer_of(&layers[2], at).n > 0)
            want = slice_of(NULL, 0);
        if (slice_cmp(want, answer_of(&out, at)) != 0)
            fail_msg("address %08x", at);
    }
    listcollect_free_flat(&out);
}

static void
layers_of_addresses(void **state)
{
    uint32_t seed = 11;
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        struct listflat_arena arena = {0};
        struct list_flat layers[LAYERS];
        for (unsigned l = 0; l < LAYERS; l++) {
            struct list_collect collect;
            assert_int_equal(listcollect_init(&collect, LIST_IP4SET, &arena), ERR_OK);
            for (unsigned n = next_random(&seed) % MOST; n > 0; n--) {
                uint32_t a = 0x01000000 + next_random(&seed) % 550;
                struct listfile_entry entry = {
                    .range = {ip_from_v4(a), ip_from_v4(a + next_random(&seed) % 40)}};
                struct slice value = slice_of(values[next_random(&seed) % VALUES], 5);
                if (l == 0 && next_random(&seed) % 5 == 0)
                    value = slice_of(NULL, 0);
                assert_int_equal(listcollect_add(&collect, &entry, value), ERR_OK);
            }
            assert_int_equal(listcollect_flatten(&collect, &layers[l]), ERR_OK);
            listcollect_free(&collect);
        }
        check_addrs(layers);
        for (unsigned l = 0; l < LAYERS; l++)
            listcollect_free_flat(&layers[l]);
        listflat_free(&arena);
    }
}

/* What a layer says of a name: the name itself, else the nearest wildcard above it. */
static struct nameset_slot
slot_of(const struct list_flat *flat, const struct dname *name)
{
    for (unsigned strip = 0; strip <= dname_labels(name); strip++) {
        struct dname above;
        dname_strip(name, strip, &above);
        for (size_t i = 0; i < flat->count; i++) {
            if (!dname_equal(&flat->names[i].name, &above))
                continue;
            const struct nameset_slot *slot =
                strip == 0 ? &flat->names[i].exact : &flat->names[i].wild;
            if (slot->kind != NAMESET_SLOT_EMPTY)
                return *slot;
        }
    }
    return (struct nameset_slot){.kind = NAMESET_SLOT_EMPTY};
}

/* One to four labels of a and b. */
static struct dname
random_name(uint32_t *seed)
{
    char text[16];
    size_t n = 0;
    struct dname name;
    for (unsigned labels = 1 + next_random(seed) % 4; labels > 0; labels--) {
        text[n++] = (char)('a' + next_random(seed) % 2);
        text[n++] = '.';
    }
    assert_int_equal(dname_parse(text, n, &name), ERR_OK);
    return name;
}

static void
check_names(const struct list_flat layers[LAYERS], uint32_t *seed)
{
    struct list_flat out;
    merge(layers, &out);
    for (size_t i = 1; i < out.count; i++) {
        uint8_t a[DNAME_KEY_MAX], b[DNAME_KEY_MAX];
        assert_true(slice_cmp(slice_of(a, dname_key(&out.names[i - 1].name, a)),
                        slice_of(b, dname_key(&out.names[i].name, b))) < 0);
    }
    for (unsigned i = 0; i < 60; i++) {
        struct dname name = random_name(seed);
        struct nameset_slot want = slot_of(&layers[0], &name), add = slot_of(&layers[1], &name);
        struct nameset_slot got = slot_of(&out, &name);
        if (add.kind != NAMESET_SLOT_EMPTY)
            want = add;
        if (slot_of(&layers[2], &name).kind != NAMESET_SLOT_EMPTY)
            want.kind = NAMESET_SLOT_EXCLUDED;
        bool listed = want.kind == NAMESET_SLOT_VALUE;
        assert_int_equal(got.kind == NAMESET_SLOT_VALUE, listed);
        assert_true(!listed || slice_cmp(got.value, want.value) == 0);
    }
    listcollect_free_flat(&out);
}

static void
layers_of_names(void **state)
{
    uint32_t seed = 5;
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        struct listflat_arena arena = {0};
        struct list_flat layers[LAYERS];
        for (unsigned l = 0; l < LAYERS; l++) {
            struct list_collect collect;
            assert_int_equal(listcollect_init(&collect, LIST_DNSET, &arena), ERR_OK);
            for (unsigned n = next_random(&seed) % MOST; n > 0; n--) {
                struct listfile_entry entry = {.name = random_name(&seed)};
                unsigned form = 1 + next_random(&seed) % 3;
                entry.exact = (form & 1) != 0;
                entry.wild = (form & 2) != 0;
                struct slice value = slice_of(values[next_random(&seed) % VALUES], 5);
                entry.excluded = l == 0 && next_random(&seed) % 4 == 0;
                if (entry.excluded)
                    value = slice_of(NULL, 0);
                assert_int_equal(listcollect_add(&collect, &entry, value), ERR_OK);
            }
            assert_int_equal(listcollect_flatten(&collect, &layers[l]), ERR_OK);
            listcollect_free(&collect);
        }
        check_names(layers, &seed);
        for (unsigned l = 0; l < LAYERS; l++)
            listcollect_free_flat(&layers[l]);
        listflat_free(&arena);
    }
}

/* A layer over plain entries is as one over those that have a value each. */
static void
layers_over_plain_ones(void **state)
{
    uint64_t seed = 0;
    (void)state;
    enum { LOWER = 60, UPPER = 12 };
    for (unsigned round = 0; round < 4000; round++) {
        struct listflat_arena arena = {0};
        struct list_flat lower[2] = {{0}, {0}}, upper = {0};
        struct listflat_entry entries[UPPER];
        uint32_t base = round % 7 == 0 ? UINT32_MAX - 200 : 0x01000000;
        uint32_t *addrs = calloc(LOWER, sizeof *addrs);
        uint64_t dropped[2];
        bool cut = round % 2 == 0, differ = round % 5 == 0;
        for (size_t i = 0; i < LOWER; i++)
            addrs[i] = base + (uint32_t)(draw(&seed) % 200);
        for (size_t i = 0; i < UPPER; i++) {
            uint32_t first = base + (uint32_t)(draw(&seed) % 200),
                     length = (uint32_t)(draw(&seed) % 30);
            if (length > UINT32_MAX - first)
                length = UINT32_MAX - first;
            entries[i] = (struct listflat_entry){
                first, first + length, slice_of(values[differ && i % 2 == 1], 5)};
        }
        if (round % 3 == 0) {
            uint8_t *numbers = calloc(LOWER, sizeof *numbers);
            struct listflat_values *known = calloc(1, sizeof *known);
            for (size_t i = 0; i < LOWER; i++)
                assert_int_equal(
                    listflat_number(known, slice_of(values[2 * (addrs[i] % 2)], 5), &numbers[i]),
                    ERR_OK);
            enum err err = listflat_numbered(&addrs, &numbers, &known, LOWER, &arena, &lower[0].v4);
            assert_int_equal(err, ERR_OK);
        } else {
            struct slice value = slice_of(values[0], 5);
            assert_int_equal(listflat_plain(&addrs, LOWER, value, &lower[0].v4), ERR_OK);
        }
        lower[0].count = lower[1].count = lower[0].v4.ranges.count;
        lower[1].addrs = listflat_unpack(&lower[0].v4.ranges);
        assert_int_equal(
            listflat_ranges(entries, draw(&seed) % UPPER, &arena, &upper.addrs, &upper.count),
            ERR_OK);
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(listoverlay(&lower[i], &upper, cut, &dropped[i]), ERR_OK);
        struct publish_set sets[2] = {
            {.addrs = lower[0].addrs,
                .v4 = lower[0].v4.first != NULL ? &lower[0].v4.ranges : NULL,
                .count = lower[0].count},
            {.addrs = lower[1].addrs, .count = lower[1].count}};
        assert_int_equal(dropped[0], dropped[1]);
        assert_int_equal(sets[0].count, sets[1].count);
        for (size_t i = 0; i < sets[0].count; i++) {
            const struct ipset_entry p = publish_range(&sets[0], i), q = publish_range(&sets[1], i);
            assert_memory_equal(&p.range, &q.range, sizeof p.range);
            assert_int_equal(slice_cmp(p.value, q.value), 0);
        }
        listcollect_free_flat(&lower[0]);
        listcollect_free_flat(&lower[1]);
        listcollect_free_flat(&upper);
        listflat_free(&arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(layers_of_addresses),
        cmocka_unit_test(layers_of_names), cmocka_unit_test(layers_over_plain_ones)};
    return cmocka_run_group_tests_name("listoverlay", tests, NULL, NULL);
}
