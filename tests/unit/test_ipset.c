/* Address sets packed in blocks: against a plain list, at the edges of both families, byte by byte,
 * with damaged blocks, and how few blocks an edit changes. Through LMDB: test_stores.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "loader/records.h"
#include "zones/be.h"
#include "zones/ipset_internal.h"

enum { DATASET = 7, VALUES = 300, EDITS = 1000 };

/* What a random set is drawn from. */
struct shape {
    const char *name;
    size_t count;
    ipset_number base;
    unsigned spread_bits; /* addresses lie so near to base */
    unsigned align_bits;  /* ranges begin and end on multiples of 2^align_bits addresses */
    unsigned length_bits; /* one range in wide_every is up to 2^length_bits units long */
    unsigned wide_every;  /* 0: all are one unit long */
    unsigned values;
};

struct set {
    size_t count;
    struct ipset_entry *entries;
};

static char texts[VALUES][32];

static uint64_t
draw(void)
{
    static uint64_t seed = 1;
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static ipset_number
draw_number(unsigned bits)
{
    return ((ipset_number)draw() << 64 | draw()) & ipset_ones(bits);
}

static struct ip
ip_of(ipset_number n)
{
    struct ip ip;
    (void)be_put(be_put(ip.b, (uint64_t)(n >> 64), 8), (uint64_t)n, 8);
    return ip;
}

static struct slice
text(size_t i)
{
    (void)snprintf(texts[i], sizeof texts[i], "value %zu", i);
    return slice_of(texts[i], i == 1 ? 0 : strlen(texts[i])); /* an empty value is one, too */
}

static bool
entry_before(const struct ipset_entry *a, const struct ipset_entry *b)
{
    return ip_cmp(&a->range.last, &b->range.first) < 0;
}

static int
by_first(const void *a, const void *b)
{
    return ip_cmp(&((const struct ipset_entry *)a)->range.first,
        &((const struct ipset_entry *)b)->range.first);
}

/* Sorts, and leaves out what overlaps or mixes the families. */
static void
tidy(struct set *set)
{
    size_t n = 0;
    qsort(set->entries, set->count, sizeof *set->entries, by_first);
    for (size_t i = 0; i < set->count; i++) {
        const struct range *range = &set->entries[i].range;
        if (ip_is4(&range->first) == ip_is4(&range->last) &&
            (n == 0 || entry_before(&set->entries[n - 1], &set->entries[i])))
            set->entries[n++] = set->entries[i];
    }
    set->count = n;
}

static struct ipset_entry
draw_entry(const struct shape *shape)
{
    ipset_number unit = (ipset_number)1 << shape->align_bits;
    ipset_number first = shape->base + (draw_number(shape->spread_bits) & ~(unit - 1));
    ipset_number length = 1;
    if (shape->wide_every > 0 && draw() % shape->wide_every == 0)
        length += draw_number((unsigned)(draw() % (shape->length_bits + 1)));
    ipset_number last = first + (length * unit - 1);
    if (last > shape->base + ipset_ones(shape->spread_bits))
        last = shape->base + ipset_ones(shape->spread_bits);
    return (struct ipset_entry){
        {ip_of(first), ip_of(last)}, text(draw() % (shape->values > 0 ? shape->values : 1))};
}

static struct set
draw_set(const struct shape *shape)
{
    struct set set = {shape->count, calloc(shape->count + 1, sizeof *set.entries)};
    assert_non_null(set.entries);
    for (size_t i = 0; i < set.count; i++)
        set.entries[i] = draw_entry(shape);
    tidy(&set);
    return set;
}

static struct records
build(const struct set *set)
{
    struct records out = {0};
    assert_int_equal(ipset_build(DATASET, set->entries, set->count, records_add, &out), ERR_OK);
    for (size_t i = 1; i < out.count; i++)
        assert_true(slice_cmp(out.items[i - 1].key, out.items[i].key) < 0);
    return out;
}

/* As ipset_lookup does it: the first key that is not below. */
static enum err
find(const struct records *records, ipset_number n, struct ipset_hit *out)
{
    struct store_key key;
    struct ip ip = ip_of(n);
    uint8_t address[16];
    size_t from = 0, to = records->count;
    store_key_init(&key, STORE_ADDR, DATASET, (uint8_t)ip_family(&ip));
    store_key_add(&key, address, ip_key(&ip, address));
    while (from < to) {
        size_t at = from + (to - from) / 2;
        if (slice_cmp(records->items[at].key, store_key_slice(&key)) < 0)
            from = at + 1;
        else
            to = at;
    }
    if (from == records->count || memcmp(records->items[from].key.p, key.b, IPSET_KEY_FIXED) != 0)
        return ERR_NOTFOUND;
    return ipset_block_find(records->items[from].key, records->items[from].value, &ip, out);
}

static const struct ipset_entry *
plain_find(const struct set *set, const struct ip *ip)
{
    size_t from = 0, to = set->count;
    while (from < to) {
        size_t at = from + (to - from) / 2;
        if (ip_cmp(&set->entries[at].range.last, ip) < 0)
            from = at + 1;
        else
            to = at;
    }
    bool has = from < set->count && ip_cmp(&set->entries[from].range.first, ip) <= 0;
    return has ? &set->entries[from] : NULL;
}

static void
compare(const struct set *set, const struct records *records, ipset_number n)
{
    struct ipset_hit hit;
    struct ip ip = ip_of(n);
    const struct ipset_entry *want = plain_find(set, &ip);
    enum err err = find(records, n, &hit);
    assert_int_equal(err, want == NULL ? ERR_NOTFOUND : ERR_OK);
    if (want == NULL)
        return;
    assert_int_equal(slice_cmp(hit.value, want->value), 0);
    /* The entry, or the part of it in a block. */
    assert_true(ip_cmp(&hit.range.first, &ip) <= 0 && ip_cmp(&ip, &hit.range.last) <= 0);
    assert_true(ip_cmp(&want->range.first, &hit.range.first) <= 0);
    assert_true(ip_cmp(&hit.range.last, &want->range.last) <= 0);
}

/* Puts a walk's entries together again where a border cut them. IPv4 comes first in a store. */
struct walk {
    const struct set *set;
    size_t seen;
    ipset_number next; /* where the rest of the entry at work begins; 0: with a new one */
};

static enum err
see(void *ctx, const struct ipset_hit *hit)
{
    struct walk *walk = ctx;
    const struct ipset_entry *want = plain_find(walk->set, &hit->range.first);
    assert_non_null(want);
    ipset_number first = ipset_number_of(&want->range.first);
    assert_true(ipset_number_of(&hit->range.first) == (walk->next != 0 ? walk->next : first));
    assert_int_equal(slice_cmp(hit->value, want->value), 0);
    assert_true(ip_cmp(&hit->range.last, &want->range.last) <= 0);
    bool whole = ip_cmp(&hit->range.last, &want->range.last) == 0;
    walk->next = whole ? 0 : ipset_number_of(&hit->range.last) + 1;
    walk->seen += whole;
    return ERR_OK;
}

static void
check_set(const struct set *set)
{
    struct records records = build(set), again = build(set);
    struct walk walk = {.set = set};
    for (size_t i = 0; i < records.count; i++) {
        const struct record *record = &records.items[i];
        assert_int_equal(slice_cmp(record->value, again.items[i].value), 0);
        assert_int_equal(ipset_block_each(record->key, record->value, see, &walk), ERR_OK);
        bool one = be_get((const uint8_t *)record->value.p + 4, 2) == 1;
        assert_true(one || record->value.n <= IPSET_BLOCK_MAX);
    }
    assert_int_equal(walk.seen, set->count);
    for (size_t i = 0; i < set->count; i++) {
        ipset_number first = ipset_number_of(&set->entries[i].range.first);
        ipset_number last = ipset_number_of(&set->entries[i].range.last);
        compare(set, &records, first - 1);
        compare(set, &records, first);
        compare(set, &records, first + draw_number(128) % (last - first + 1));
        compare(set, &records, last);
        compare(set, &records, last + 1);
    }
    records_free(&records);
    records_free(&again);
}

#define V4   ((ipset_number)0xffff << 32)
#define DOCS ((ipset_number)0x20010db8 << 96)

static const struct shape shapes[] = {
    {"IPv4, single, one value", 30000, V4, 32, 0, 0, 0, 1},
    {"IPv4, single, dense", 12000, V4 + 0x0a000000, 16, 0, 0, 0, 1},
    {"IPv4, single, three values", 8000, V4 + 0x0a000000, 24, 0, 0, 0, 3},
    {"IPv4, ranges among single ones", 8000, V4, 32, 0, 8, 7, 2},
    {"IPv4, blocks of 256", 8000, V4, 32, 8, 0, 0, 1},
    {"IPv4, wide ranges", 5000, V4, 32, 8, 16, 1, 5},
    {"IPv4, many values", 8000, V4 + 0x0a000000, 20, 0, 4, 3, VALUES},
    {"IPv4, few", 12, V4, 32, 0, 0, 0, 2},
    {"IPv6, single, anywhere", 3000, 0, 128, 0, 0, 0, 1},
    {"IPv6, single, near", 8000, DOCS, 24, 0, 0, 0, 2},
    {"IPv6, single, one /64 of a /32", 8000, DOCS, 96, 0, 0, 0, 1},
    {"IPv6, /48 and larger", 8000, DOCS, 104, 80, 8, 2, 3},
    {"IPv6, ranges of any size", 3000, 0, 128, 0, 120, 2, 3},
    {"both families", 6000, V4 - ((ipset_number)1 << 32), 33, 0, 8, 2, 3},
};

/* IPv4 with one value, or numbers of several, given in fewer bytes: the same records. */
static void
packs_v4_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct shape shape = shapes[i];
        if (shape.base < V4 || shape.base >= DOCS)
            continue;
        shape.values = shape.values < IPSET_VALUES_MAX ? shape.values : 200;
        struct set set = draw_set(&shape);
        struct records want = build(&set), got = {0};
        uint32_t *first = calloc(set.count + 1, sizeof *first);
        uint32_t *last = calloc(set.count + 1, sizeof *last);
        uint8_t *number = calloc(set.count + 1, sizeof *number);
        struct slice values[IPSET_VALUES_MAX];
        for (unsigned k = 0; k < shape.values; k++)
            values[k] = text(k);
        for (size_t k = 0; k < set.count; k++) {
            first[k] = ip_v4(&set.entries[k].range.first);
            last[k] = ip_v4(&set.entries[k].range.last);
            while (slice_cmp(values[number[k]], set.entries[k].value) != 0)
                number[k]++;
        }
        bool several = shape.values > 1;
        struct ipset_v4 ranges = {.first = first,
            .last = last,
            .count = set.count,
            .value = text(0),
            .number = several ? number : NULL,
            .values = several ? values : NULL,
            .value_count = several ? shape.values : 0};
        assert_int_equal(ipset_build_v4(DATASET, &ranges, records_add, &got), ERR_OK);
        assert_int_equal(got.count, want.count);
        for (size_t k = 0; k < got.count; k++) {
            assert_int_equal(slice_cmp(got.items[k].key, want.items[k].key), 0);
            assert_int_equal(slice_cmp(got.items[k].value, want.items[k].value), 0);
        }
        first[1] = last[0]; /* they meet */
        assert_int_equal(ipset_build_v4(DATASET, &ranges, records_add, &got), ERR_RANGE);
        records_free(&want);
        records_free(&got);
        free(first);
        free(last);
        free(number);
        free(set.entries);
    }
}

static void
agrees_with_a_plain_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct set set = draw_set(&shapes[i]);
        print_message("%s: %zu\n", shapes[i].name, set.count);
        check_set(&set);
        free(set.entries);
    }
}

static const char *const edges[][2] = {{"0.0.0.0", "0.0.0.0"}, {"255.255.255.255", NULL},
    {"0.0.0.0", "255.255.255.255"}, {"::", NULL}, {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    {"::", "::fffe:ffff:ffff"}, {"::1:0:0:0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"::1:0:0:0", "::1:0:0:0"}, {"2001:db8::1", "2001:db8::6"}, {"127.0.0.2", NULL}};

static struct ipset_entry
entry_of(const char *first, const char *last)
{
    struct ipset_entry entry = {.value = text(0)};
    last = last != NULL ? last : first;
    assert_int_equal(ip_parse(first, strlen(first), &entry.range.first), ERR_OK);
    assert_int_equal(ip_parse(last, strlen(last), &entry.range.last), ERR_OK);
    return entry;
}

static void
edges_of_the_families(void **state)
{
    (void)state;
    enum { EDGES = sizeof edges / sizeof *edges };
    struct ipset_entry entries[EDGES];
    struct set set = {1, entries};
    for (size_t i = 0; i < EDGES; i++) {
        entries[0] = entry_of(edges[i][0], edges[i][1]);
        check_set(&set);
    }
    /* What of them can be in one set. */
    static const size_t together[] = {0, 1, 3, 4, 7, 8, 9};
    set.count = sizeof together / sizeof *together;
    for (size_t i = 0; i < set.count; i++)
        entries[i] = entry_of(edges[together[i]][0], edges[together[i]][1]);
    tidy(&set);
    check_set(&set);
    /* Everything, as two and as three ranges. */
    entries[0] = entry_of("::", "::fffe:ffff:ffff");
    entries[1] = entry_of("0.0.0.0", "255.255.255.255");
    entries[2] = entry_of("::1:0:0:0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    set.count = 3;
    check_set(&set);
    set.count = 2;
    check_set(&set);
    set.count = 0;
    check_set(&set);
}

static void
refuses_what_is_no_set(void **state)
{
    (void)state;
    struct records out = {0};
    static const char *const bad[][4] = {{"::", "2001::", NULL, NULL},
        {"::", "1.2.3.4", NULL, NULL}, {"1.2.3.4", "::1:0:0:0", NULL, NULL},
        {"1.2.3.4", "1.2.3.3", NULL, NULL}, {"1.2.3.4", NULL, "1.2.3.3", NULL},
        {"1.2.3.4", "1.2.3.9", "1.2.3.9", NULL}, {"2001::", NULL, "1.2.3.4", NULL}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ipset_entry entries[2] = {entry_of(bad[i][0], bad[i][1])};
        size_t count = bad[i][2] == NULL ? 1 : 2;
        if (count == 2)
            entries[1] = entry_of(bad[i][2], bad[i][3]);
        assert_int_equal(ipset_build(DATASET, entries, count, records_add, &out), ERR_RANGE);
    }
    assert_int_equal(out.count, 0);
}

/* The format of ipset.h, by hand. */
static void
bytes_are_as_described(void **state)
{
    (void)state;
    struct ipset_entry entries[] = {entry_of("192.0.2.2", NULL), entry_of("192.0.2.4", "192.0.2.9"),
        entry_of("192.0.2.12", "192.0.2.13")};
    struct set set = {3, entries};
    /* In pairs of addresses: 1 needs a unit of one address; prefix /28, units 2, 4 and 12, lengths
     * less one 0, 5 and 1, sums 0, 5 and 6. */
    static const uint8_t key[] = {'A', 0, DATASET, 4, 192, 0, 2, 15};
    static const uint8_t single[] = {28, 0, 3, 1, 0, 3,
        /* high 2 of 4 bits: 0, 1, 3: 10 10 0 10; low 2: 2, 0, 0 */
        0xa4, 0x80,
        /* high 2 of 3 bits: 0, 2, 3: 10 0 10 10; low 1: 0, 1, 0 */
        0x94, 0x40,
        /* numbers of 1 bit: 0, 1, 0; end of the first value; both */
        0x40, 0, 1, 'x', 'y', 'z'};
    entries[0].value = entries[2].value = slice_of("x", 1);
    entries[1].value = slice_of("yz", 2);
    entries[2].range.first.b[15] = 12;
    struct records records = build(&set);
    assert_int_equal(records.count, 1);
    assert_int_equal(slice_cmp(records.items[0].key, slice_of(key, sizeof key)), 0);
    assert_int_equal(records.items[0].value.n, sizeof single);
    assert_memory_equal(records.items[0].value.p, single, sizeof single);
    records_free(&records);

    /* A prefix alone: no bits but those of the unary part. */
    static const uint8_t prefix[] = {24, 8, 0, 0, 0, 1, 0x80, 'x'};
    entries[0] = entry_of("192.0.2.0", "192.0.2.255");
    entries[0].value = slice_of("x", 1);
    set.count = 1;
    records = build(&set);
    assert_int_equal(records.items[0].value.n, sizeof prefix);
    assert_memory_equal(records.items[0].value.p, prefix, sizeof prefix);
    records_free(&records);
}

/* How many keys were put, deleted or got another value. */
static unsigned
difference(const struct records *a, const struct records *b)
{
    unsigned n = 0;
    for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
        int order = i == a->count   ? 1
                    : j == b->count ? -1
                                    : slice_cmp(a->items[i].key, b->items[j].key);
        n += order != 0 || slice_cmp(a->items[i].value, b->items[j].value) != 0;
        i += order <= 0;
        j += order >= 0;
    }
    return n;
}

/* Takes one out, two in, each an edit; returns the most records that one changed. */
static unsigned
edit(struct set *set, const struct shape *shape, unsigned edits, unsigned *total)
{
    unsigned most = 0;
    struct records before = build(set);
    for (unsigned i = 0; i < edits; i++) {
        if (i % 3 == 0)
            set->entries[draw() % set->count] = set->entries[set->count - 1];
        else
            set->entries[set->count++] = draw_entry(shape);
        set->count -= i % 3 == 0;
        tidy(set);
        struct records after = build(set);
        unsigned n = difference(&before, &after);
        most = n > most ? n : most;
        *total += n;
        records_free(&before);
        before = after;
    }
    records_free(&before);
    return most;
}

static void
edits_are_local(void **state)
{
    (void)state;
    static const struct {
        struct shape set, edit;
        unsigned most, total;
    } cases[] = {{{"single", 3600, V4, 32, 0, 0, 0, 1}, {"", 1, V4, 32, 0, 0, 0, 1}, 3, 1100},
        {{"single, dense", 3000, V4, 14, 0, 0, 0, 1}, {"", 1, V4, 14, 0, 0, 0, 1}, 3, 1100},
        {{"single, IPv6", 800, DOCS, 96, 0, 0, 0, 1}, {"", 1, DOCS, 96, 0, 0, 0, 1}, 3, 1100},
        {{"ranges", 2800, V4, 32, 0, 8, 7, 3}, {"", 1, V4, 32, 0, 8, 7, 3}, 3, 1100},
        /* The unit of a block becomes a 256th, or a 2^80th. */
        {{"single in blocks", 3000, V4, 32, 8, 0, 0, 1}, {"", 1, V4, 32, 0, 0, 0, 1}, 4, 2500},
        {{"single in /48", 2500, DOCS, 112, 80, 0, 0, 1}, {"", 1, DOCS, 112, 0, 0, 0, 1}, 7, 2500}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned total = 0;
        struct set set = draw_set(&cases[i].set);
        set.entries = reallocarray(set.entries, set.count + EDITS, sizeof *set.entries);
        assert_non_null(set.entries);
        unsigned most = edit(&set, &cases[i].edit, EDITS, &total);
        print_message(
            "%s: %d edits changed %u records, at most %u\n", cases[i].set.name, EDITS, total, most);
        assert_true(most <= cases[i].most && total <= cases[i].total);
        free(set.entries);
    }
}

static enum err
ignore(void *ctx, const struct ipset_hit *hit)
{
    (void)ctx;
    (void)hit;
    return ERR_OK;
}

/* The value has memory of its own, so that a sanitizer sees a byte read past it. */
static void
read_damaged(struct slice key, const uint8_t *bytes, size_t n)
{
    struct ipset_hit hit;
    uint8_t *copy = malloc(n + 1), *value = copy + 1;
    assert_non_null(copy);
    memcpy(value, bytes, n);
    for (unsigned i = 0; i < 8; i++) {
        struct ip ip = ip_of(V4 + 0x0a000000 + draw() % (1 << 16));
        (void)!ipset_block_find(key, slice_of(value, n), &ip, &hit);
    }
    (void)!ipset_block_each(key, slice_of(value, n), ignore, NULL);
    free(copy);
}

static void
damage_is_survived(void **state)
{
    (void)state;
    const struct shape shape = {"", 300, V4 + 0x0a000000, 16, 0, 8, 2, 4};
    struct set set = draw_set(&shape);
    struct records records = build(&set);
    struct slice key = records.items[0].key, value = records.items[0].value;
    uint8_t bytes[IPSET_BLOCK_MAX];
    for (size_t n = 0; n <= value.n; n++)
        read_damaged(key, value.p, n);
    for (unsigned i = 0; i < 6000; i++) {
        memcpy(bytes, value.p, value.n);
        for (unsigned k = 0; k <= i % 3; k++)
            bytes[draw() % (i % 2 == 0 ? IPSET_HEADER_SIZE : value.n)] = (uint8_t)draw();
        read_damaged(key, bytes, value.n);
    }
    records_free(&records);
    free(set.entries);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_plain_list),
        cmocka_unit_test(packs_v4_the_same),
        cmocka_unit_test(edges_of_the_families),
        cmocka_unit_test(refuses_what_is_no_set),
        cmocka_unit_test(bytes_are_as_described),
        cmocka_unit_test(edits_are_local),
        cmocka_unit_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
