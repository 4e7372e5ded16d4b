/*
 * What flat SPF policies are made of, each against a simple model: sets of addresses, groups of
 * them, and the packed tables. That the policies themselves are right is spfcompare's to say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "loader/spfgroups.h"
#include "loader/spfset.h"
#include "zones/spftable.h"

static uint32_t
draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)((*seed >> 33) % below);
}

static struct ip
ip_of(const char *text)
{
    struct ip ip;

    assert_int_equal(ip_parse(text, strlen(text), &ip), ERR_OK);
    return ip;
}

/* ---- Sets ---- */

enum { SPACE = 64 }; /* of the sets below: a bit for each address */

static uint64_t
bits_of(spfset_addr lo, spfset_addr hi)
{
    uint64_t bits = 0;

    for (spfset_addr addr = lo; addr <= hi; addr++)
        bits |= UINT64_C(1) << (unsigned)addr;
    return bits;
}

/* The addresses of the ranges, none of them twice. */
static uint64_t
bits_of_set(const struct spfset *set)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < set->count; i++) {
        assert_true(set->ranges[i].lo <= set->ranges[i].hi && set->ranges[i].hi < SPACE);
        uint64_t more = bits_of(set->ranges[i].lo, set->ranges[i].hi);
        assert_true((bits & more) == 0);
        bits |= more;
    }
    return bits;
}

/* Sorted, and no two ranges touch. */
static void
assert_ordered(const struct spfset *set)
{
    for (size_t i = 1; i < set->count; i++)
        assert_true(set->ranges[i - 1].hi + 1 < set->ranges[i].lo);
}

/* Fills the set with the bits as ranges in a random order, cut up at random. */
static void
append_bits(struct spfset *set, uint64_t bits, uint64_t *seed)
{
    struct spfset_range ranges[SPACE];
    unsigned count = 0;

    for (unsigned i = 0; i < SPACE; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        if (count > 0 && ranges[count - 1].hi + 1 == i && draw(seed, 4) > 0)
            ranges[count - 1].hi = i;
        else
            ranges[count++] = (struct spfset_range){i, i};
    }
    for (; count > 0; count--) {
        unsigned at = draw(seed, count);

        assert_int_equal(spfset_append(set, ranges[at]), ERR_OK);
        ranges[at] = ranges[count - 1];
    }
}

static uint64_t
random_bits(uint64_t *seed)
{
    uint64_t bits = (uint64_t)draw(seed, UINT32_MAX) << 32 | draw(seed, UINT32_MAX);

    /* Long runs are as likely as short ones. */
    for (unsigned i = draw(seed, 4); i > 0; i--)
        bits |= bits << draw(seed, 9);
    return draw(seed, 2) == 0 ? bits : ~bits;
}

static void
test_order(void **state)
{
    struct spfset set = {0};
    uint64_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t bits = random_bits(&seed);

        set.count = 0;
        append_bits(&set, bits, &seed);
        spfset_order(&set);
        assert_ordered(&set);
        assert_true(bits_of_set(&set) == bits);
    }
    set.count = 0;
    spfset_order(&set);
    assert_int_equal(set.count, 0);
    spfset_free(&set);
    assert_null(set.ranges);
}

static void
test_take(void **state)
{
    struct spfset set = {0}, taken = {0};
    uint64_t seed = 2;

    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        uint64_t bits = random_bits(&seed), before = random_bits(&seed);
        unsigned lo = draw(&seed, SPACE), hi = lo + draw(&seed, SPACE - lo);
        uint64_t range = bits_of(lo, hi);

        set.count = taken.count = 0;
        append_bits(&set, bits, &seed);
        spfset_order(&set);
        append_bits(&taken, before & ~bits, &seed);
        spfset_order(&taken);
        assert_int_equal(spfset_take(&set, (struct spfset_range){lo, hi}, &taken), ERR_OK);
        assert_ordered(&set);
        assert_true(bits_of_set(&set) == (bits & ~range));
        assert_true(bits_of_set(&taken) == ((before & ~bits) | (bits & range)));
    }
    spfset_free(&set);
    spfset_free(&taken);
}

static void
assert_prefix(const char *address, unsigned bits, const char *first, const char *last)
{
    struct ip ip = ip_of(address), from = ip_of(first), to = ip_of(last);
    uint8_t key[16];
    size_t n = ip_key(&ip, key);
    struct spfset_range range = spfset_prefix(key, n, bits);
    struct ip lo = spfset_to_ip(range.lo, ip_family(&ip)),
              hi = spfset_to_ip(range.hi, ip_family(&ip));

    assert_int_equal(ip_cmp(&lo, &from), 0);
    assert_int_equal(ip_cmp(&hi, &to), 0);
}

static void
test_prefix(void **state)
{
    (void)state;
    assert_prefix("192.0.2.77", 32, "192.0.2.77", "192.0.2.77");
    assert_prefix("192.0.2.77", 31, "192.0.2.76", "192.0.2.77");
    assert_prefix("192.0.2.77", 25, "192.0.2.0", "192.0.2.127");
    assert_prefix("192.0.2.77", 1, "128.0.0.0", "255.255.255.255");
    assert_prefix("192.0.2.77", 0, "0.0.0.0", "255.255.255.255");
    assert_prefix("2001:db8::77", 128, "2001:db8::77", "2001:db8::77");
    assert_prefix("2001:db8::77", 127, "2001:db8::76", "2001:db8::77");
    assert_prefix("2001:db8::77", 65, "2001:db8::", "2001:db8::7fff:ffff:ffff:ffff");
    assert_prefix("2001:db8::77", 64, "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff");
    assert_prefix("2001:db8::77", 63, "2001:db8::", "2001:db8:0:1:ffff:ffff:ffff:ffff");
    assert_prefix("2001:db8::77", 1, "::", "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    assert_prefix("2001:db8::77", 0, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    /* 16 bytes that look like an IPv4 address are none here. */
    const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1};
    struct spfset_range range = spfset_prefix(mapped, 16, 96);
    assert_true(range.lo == (spfset_addr)0xffff << 32);
    assert_true(range.hi == ((spfset_addr)0xffff << 32 | UINT32_MAX));
}

/* No IPv6 client has a mapped address: what takes them all takes nothing of those. */
static void
test_all(void **state)
{
    const spfset_addr mapped = (spfset_addr)0xffff << 32, end = (spfset_addr)-1;
    struct spfset set = {0}, taken = {0};

    (void)state;
    assert_int_equal(spfset_all(&set, IP_V4), ERR_OK);
    assert_int_equal(set.count, 1);
    assert_true(set.ranges[0].lo == 0 && set.ranges[0].hi == UINT32_MAX);
    assert_int_equal(spfset_all(&set, IP_V6), ERR_OK);
    assert_int_equal(set.count, 2);
    assert_true(set.ranges[0].lo == 0 && set.ranges[0].hi == mapped - 1);
    assert_true(set.ranges[1].lo == mapped + UINT32_MAX + 1 && set.ranges[1].hi == end);
    struct spfset_range range = {mapped, mapped + UINT32_MAX};
    assert_int_equal(spfset_take(&set, range, &taken), ERR_OK);
    assert_int_equal(set.count, 2);
    assert_int_equal(taken.count, 0);
    assert_int_equal(spfset_take(&set, (struct spfset_range){0, end}, &taken), ERR_OK);
    assert_int_equal(set.count, 0);
    assert_int_equal(taken.count, 2);
    spfset_free(&set);
    spfset_free(&taken);
}

/* ---- Groups and pieces ---- */

static void
assert_group(struct spfgroups *groups, enum ip_family family, unsigned lookups, unsigned voids,
    uint64_t bits)
{
    size_t count = groups->count;
    struct spfgroup *group = spfgroups_find(groups, family, lookups, voids);

    assert_non_null(group);
    assert_int_equal(groups->count, count); /* it was there */
    assert_true(bits_of_set(&group->set) == bits);
    assert_ordered(&group->set);
}

static void
add_bits(struct spfgroups *groups, enum ip_family family, unsigned lookups, unsigned voids,
    uint64_t bits)
{
    struct spfgroup *group = spfgroups_find(groups, family, lookups, voids);
    uint64_t seed = bits;

    assert_non_null(group);
    append_bits(&group->set, bits, &seed);
}

static void
test_groups(void **state)
{
    struct spfgroups groups = {0};
    struct spfpieces pieces = {0};

    (void)state;
    for (unsigned round = 0; round < 3; round++) { /* with memory of the round before */
        groups.count = pieces.count = 0;
        add_bits(&groups, IP_V4, 1, 0, 0x0f0);
        add_bits(&groups, IP_V6, 1, 0, 0x00f);
        add_bits(&groups, IP_V4, 2, 0, 0x00f);
        add_bits(&groups, IP_V4, 2, 1, 0x100);
        add_bits(&groups, IP_V4, 3, 0, 0);
        add_bits(&groups, IP_V4, 1, 0, 0xf00f000);
        assert_int_equal(groups.count, 5);
        /* A term has cost the first group a look-up: now it is equal to the third. */
        groups.items[0].lookups++;
        assert_int_equal(spfgroups_settle(&groups), ERR_OK);
        assert_int_equal(groups.count, 3);
        assert_group(&groups, IP_V4, 2, 0, 0xf00f0ff);
        assert_group(&groups, IP_V4, 2, 1, 0x100);
        assert_group(&groups, IP_V6, 1, 0, 0x00f);
        struct spfgroup *group = spfgroups_find(&groups, IP_V4, 2, 0);
        assert_int_equal(spfpieces_decide(&pieces, group, SPFRESULT_FAIL, 7), ERR_OK);
        assert_int_equal(group->set.count, 0);
        assert_int_equal(pieces.count, 3);
        group = spfgroups_find(&groups, IP_V6, 1, 0);
        assert_int_equal(spfpieces_decide(&pieces, group, SPFRESULT_PASS, 0), ERR_OK);
        assert_int_equal(spfgroups_settle(&groups), ERR_OK);
        assert_int_equal(groups.count, 1);
        assert_group(&groups, IP_V4, 2, 1, 0x100);
        const struct spfpiece last = {.family = IP_V4, .range = {8, 8}};
        assert_int_equal(spfpieces_add(&pieces, &last), ERR_OK);
        spfpieces_sort(&pieces);
        const unsigned starts[] = {0, 8, 12, 24, 0};
        assert_int_equal(pieces.count, 5);
        for (unsigned i = 0; i < 5; i++) {
            const struct spfpiece *piece = &pieces.items[i];

            assert_true(piece->range.lo == starts[i]);
            assert_int_equal(piece->family, i < 4 ? IP_V4 : IP_V6);
            assert_int_equal(piece->text, i < 4 && i != 1 ? 7 : 0);
            assert_int_equal(piece->lookups, i == 1 ? 0 : i < 4 ? 2 : 1);
        }
    }
    spfgroups_free(&groups);
    spfpieces_free(&pieces);
    assert_null(groups.items);
    assert_null(pieces.items);
}

/* ---- Tables ---- */

enum { SPANS_MAX = 3000, TEXTS = 5 };

struct table {
    enum ip_family family;
    struct spftable_span spans[SPANS_MAX];
    size_t count;
    struct slice texts[TEXTS], packed;
    size_t at; /* the next span, of a walk */
};

static bool
same_answer(const struct spftable_span *a, const struct spftable_span *b)
{
    return a->result == b->result && a->text == b->text;
}

static void
assert_hit(
    const struct table *table, const struct spftable_span *span, const struct spftable_hit *hit)
{
    struct slice text = span->text == 0 ? slice_of(NULL, 0) : table->texts[span->text - 1];

    assert_int_equal(hit->result, span->result);
    assert_int_equal(slice_cmp(hit->text, text), 0);
}

/* The span that has the address. */
static const struct spftable_span *
search(const struct table *table, const struct ip *ip)
{
    size_t at = table->count;

    while (ip_cmp(&table->spans[--at].start, ip) > 0)
        continue;
    return &table->spans[at];
}

static void
assert_found(const struct table *table, const struct ip *ip)
{
    struct spftable_hit hit;

    assert_int_equal(spftable_find(table->packed, ip, &hit), ERR_OK);
    assert_hit(table, search(table, ip), &hit);
}

static enum err
see_interval(void *ctx, const struct range *range, const struct spftable_hit *hit)
{
    struct table *table = ctx;
    const struct spftable_span *span = &table->spans[table->at];

    assert_true(table->at < table->count);
    assert_int_equal(ip_cmp(&range->first, &span->start), 0);
    assert_int_equal(ip_family(&range->first), table->family);
    assert_int_equal(ip_family(&range->last), table->family);
    assert_hit(table, span, hit);
    do
        table->at++;
    while (table->at < table->count && same_answer(&table->spans[table->at], span));
    struct ip next = range->last;
    assert_int_equal(ip_next(&next), table->at < table->count);
    if (ip_family(&next) != table->family)
        next = ip_of("::1:0:0:0"); /* between them lie the mapped addresses */
    if (table->at < table->count)
        assert_int_equal(ip_cmp(&next, &table->spans[table->at].start), 0);
    return ERR_OK;
}

/* Packs, and reads all of it in both ways. Cut anywhere, it is damaged or says something else, but
 * nothing is read past its end (for the sanitizers to see). */
static void
assert_round_trip(struct table *table)
{
    uint8_t *packed;
    size_t n;

    assert_int_equal(
        spftable_build(table->family, table->spans, table->count, table->texts, TEXTS, &packed, &n),
        ERR_OK);
    table->packed = slice_of(packed, n);
    table->at = 0;
    assert_int_equal(spftable_each(table->packed, table->family, see_interval, table), ERR_OK);
    assert_int_equal(table->at, table->count);
    for (size_t i = 0; i < table->count; i++) {
        struct ip ip = table->spans[i].start;

        assert_found(table, &ip);
        if (ip_next(&ip) && ip_family(&ip) == table->family)
            assert_found(table, &ip);
        ip = table->spans[i].start;
        if (ip_prev(&ip) && ip_family(&ip) == table->family)
            assert_found(table, &ip);
    }
    struct ip last = table->family == IP_V4 ? ip_from_v4(UINT32_MAX) : ip_of("ffff::");
    assert_found(table, &last);
    free(packed);
}

/* Sorted starts, in clusters as networks lie, and answers of which neighbours may be equal. */
static void
fill(struct table *table, size_t count, uint64_t *seed, bool distinct)
{
    struct ip ip = table->family == IP_V4 ? ip_from_v4(0) : (struct ip){{0}};

    table->count = count;
    for (size_t i = 0; i < count; i++) {
        struct spftable_span *span = &table->spans[i];

        span->start = ip;
        span->result = (enum spfresult)draw(seed, 8);
        span->text = (uint8_t)(draw(seed, 3) == 0 ? draw(seed, TEXTS + 1) : 0);
        if (distinct && i > 0 && same_answer(span, span - 1))
            span->result = (enum spfresult)((span->result + 1) & 7);
        /* The next one: a byte further on, or a higher byte that clears those behind it. */
        unsigned least = table->family == IP_V4 ? 13 : 6, byte = 15;
        while (byte > least && draw(seed, 3) == 0)
            byte--;
        memset(ip.b + byte + 1, 0, 15 - byte);
        unsigned more = byte == 15 ? 1 + draw(seed, 20) : 1;
        for (; byte > 0; byte--) {
            more += ip.b[byte];
            ip.b[byte] = (uint8_t)more;
            more >>= 8;
        }
        if (table->family == IP_V6 && ip_is4(&ip))
            ip = ip_of("::1:0:0:0");
    }
}

static struct table *
new_table(enum ip_family family)
{
    static const char *const texts[TEXTS] = {"", "not from \1", "a b", "c", "\1\1"};
    struct table *table = calloc(1, sizeof *table);

    assert_non_null(table);
    table->family = family;
    for (unsigned i = 0; i < TEXTS; i++)
        table->texts[i] = slice_of(texts[i], strlen(texts[i]));
    return table;
}

static void
test_table(void **state)
{
    static const size_t counts[] = {1, 2, 31, 32, 33, 63, 64, 65, 66, 96, 97, 1000};
    uint64_t seed = 4;

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        struct table *table = new_table(f == 0 ? IP_V4 : IP_V6);

        for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++)
            for (unsigned round = 0; round < 20; round++) {
                fill(table, counts[i], &seed, round % 2 == 0);
                assert_round_trip(table);
            }
        free(table);
    }
}

static enum err
see_nothing(void *ctx, const struct range *range, const struct spftable_hit *hit)
{
    (void)ctx;
    (void)range;
    (void)hit;
    return ERR_OK;
}

/* A table cut anywhere, in memory of just its size: nothing is read past its end. */
static void
test_table_damaged(void **state)
{
    uint64_t seed = 5;

    (void)state;
    for (unsigned f = 0; f < 2; f++) {
        struct table *table = new_table(f == 0 ? IP_V4 : IP_V6);
        struct ip last = f == 0 ? ip_from_v4(UINT32_MAX) : ip_of("ffff::");
        struct spftable_hit hit;
        uint8_t *packed;
        size_t n;

        fill(table, 100, &seed, true);
        assert_int_equal(spftable_build(table->family, table->spans, table->count, table->texts,
                             TEXTS, &packed, &n),
            ERR_OK);
        for (size_t size = 0; size < n; size++) {
            uint8_t *cut = malloc(size + 1);

            assert_non_null(cut);
            memcpy(cut + 1, packed, size);
            enum err err = spftable_find(slice_of(cut + 1, size), &last, &hit);
            assert_true(err == ERR_FORMAT || err == ERR_OK);
            err = spftable_each(slice_of(cut + 1, size), table->family, see_nothing, NULL);
            assert_true(err == ERR_FORMAT || err == ERR_OK);
            free(cut);
        }
        packed[0]++;
        assert_int_equal(spftable_find(slice_of(packed, n), &last, &hit), ERR_FORMAT);
        free(packed);
        free(table);
    }
}

/* The second interval has a text that does not exist. */
static void
test_table_no_text(void **state)
{
    const uint8_t table[] = {1, 1, 0, 0, 0, 1, 'x', 0x70, 0, 1, 0x70, 1, 200};
    const struct ip low = ip_from_v4(0), high = ip_from_v4(0x01000000);
    struct spftable_hit hit;

    (void)state;
    assert_int_equal(spftable_find(slice_of(table, sizeof table), &low, &hit), ERR_FORMAT);
    assert_int_equal(spftable_find(slice_of(table, sizeof table), &high, &hit), ERR_FORMAT);
    assert_int_equal(spftable_find(slice_of(table, sizeof table - 3), &high, &hit), ERR_OK);
    assert_int_equal(hit.result, SPFRESULT_FAIL);
    assert_int_equal(hit.text.n, 1);
    assert_int_equal(
        spftable_each(slice_of(table, sizeof table), IP_V4, see_nothing, NULL), ERR_FORMAT);
}

/* Equal neighbours are one interval, and unused texts take no room. */
static void
test_table_size(void **state)
{
    static char text[UINT16_MAX + 1];
    const struct slice texts[] = {slice_of(text, sizeof text), slice_of("x", 1)};
    struct spftable_span spans[40];
    struct slice many[UINT8_MAX + 1] = {{0}};
    uint8_t *packed;
    size_t n;

    (void)state;
    for (unsigned i = 0; i < 40; i++)
        spans[i] = (struct spftable_span){ip_from_v4(i << 24), SPFRESULT_FAIL, 0};
    assert_int_equal(spftable_build(IP_V4, spans, 40, texts, 2, &packed, &n), ERR_OK);
    assert_int_equal(n, 4 + 2);
    free(packed);
    spans[1].text = 2;
    assert_int_equal(spftable_build(IP_V4, spans, 40, texts, 2, &packed, &n), ERR_OK);
    assert_int_equal(n, 4 + 3 + 2 + 3 + 2);
    free(packed);
    spans[2].text = 1;
    assert_int_equal(spftable_build(IP_V4, spans, 40, texts, 2, &packed, &n), ERR_RANGE);
    spans[2].text = 3;
    assert_int_equal(spftable_build(IP_V4, spans, 40, texts, 2, &packed, &n), ERR_RANGE);
    assert_int_equal(spftable_build(IP_V4, spans, 0, texts, 2, &packed, &n), ERR_RANGE);
    assert_int_equal(spftable_build(IP_V4, spans, 1, many, UINT8_MAX + 1, &packed, &n), ERR_RANGE);
}

static void
test_table_text(void **state)
{
    static const struct {
        const char *text, *ip;
        size_t size;
        const char *wanted;
    } cases[] = {{"", "192.0.2.1", 10, ""}, {"plain", "192.0.2.1", 10, "plain"},
        {"plain", "192.0.2.1", 6, "plain"}, {"plain", "192.0.2.1", 5, "plai"},
        {"plain", "192.0.2.1", 1, ""}, {"not \1.", "192.0.2.1", 50, "not 192.0.2.1."},
        {"not \1.", "2001:db8::1", 50, "not 2001:db8::1."},
        {"\1\1", "192.0.2.1", 12, "192.0.2.119"}, {"a\2b\x7f\xff\n", "192.0.2.1", 12, "a?b???"}};

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ip ip = ip_of(cases[i].ip);
        char out[50];
        size_t n =
            spftable_text(slice_of(cases[i].text, strlen(cases[i].text)), &ip, out, cases[i].size);

        assert_string_equal(out, cases[i].wanted);
        assert_int_equal(n, strlen(cases[i].wanted));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_damaged),
        cmocka_unit_test(test_table_no_text),
        cmocka_unit_test(test_table_size),
        cmocka_unit_test(test_table_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
