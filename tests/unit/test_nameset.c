/* Name sets against plain search, through a real LMDB file. */
#include "tests/unit/store_fixture.h"

#include "zones/be.h"
#include "zones/nameset.h"

enum { NAMES = 6000 };

/* Few labels of few letters, so that names lie below one another; odd bytes too. */
static struct dname
random_name(struct fixture *f)
{
    static const char *const labels[] = {
        "a", "b", "ab", "com", "x-y", "\001", "\000\001", "\377", "\377\377", "z.z", "com2"};
    static const uint8_t sizes[] = {1, 1, 2, 3, 3, 1, 2, 1, 2, 3, 4};
    struct dname name = {.len = 0};
    for (unsigned n = 1 + draw(f, 5); n > 0; n--) {
        uint32_t i = draw(f, sizeof sizes);
        name.b[name.len++] = sizes[i];
        memcpy(name.b + name.len, labels[i], sizes[i]);
        name.len = (uint8_t)(name.len + sizes[i]);
    }
    name.b[name.len++] = 0;
    return name;
}

static int
name_cmp(const void *a, const void *b)
{
    uint8_t x[DNAME_KEY_MAX], y[DNAME_KEY_MAX];
    size_t xn = dname_key(&((const struct nameset_entry *)a)->name, x);
    size_t yn = dname_key(&((const struct nameset_entry *)b)->name, y);
    return slice_cmp(slice_of(x, xn), slice_of(y, yn));
}

static struct nameset_slot
random_slot(struct fixture *f)
{
    static const char *const values[] = {"R\0\0\0\1", "R\0\0\0\2", "R\0\0\0\3"};
    uint32_t n = draw(f, 8);
    if (n < 4)
        return (struct nameset_slot){.kind = NAMESET_SLOT_EMPTY};
    if (n == 4)
        return (struct nameset_slot){.kind = NAMESET_SLOT_EXCLUDED};
    return (struct nameset_slot){.kind = NAMESET_SLOT_VALUE, .value = slice_of(values[n - 5], 5)};
}

/* By its definition, entry by entry. */
static void
plain_name(const struct nameset_entry *entries, size_t count, const struct dname *name,
    struct nameset_hit *out)
{
    const struct nameset_slot *slot = NULL;
    bool exact = false;
    size_t best = 0;
    *out = (struct nameset_hit){.match = NAMESET_NONE};
    for (size_t i = 0; i < count; i++) {
        const struct nameset_entry *entry = &entries[i];
        if (dname_under(&entry->name, name))
            out->exists = true;
        if (!dname_under(name, &entry->name))
            continue;
        bool same = dname_equal(&entry->name, name);
        if (entry->wild.kind != NAMESET_SLOT_EMPTY)
            out->exists = true;
        if (same && entry->exact.kind != NAMESET_SLOT_EMPTY) {
            slot = &entry->exact;
            exact = true;
            out->above = 0;
        }
        if (!same && !exact && entry->wild.kind != NAMESET_SLOT_EMPTY && entry->name.len > best) {
            best = entry->name.len;
            slot = &entry->wild;
            out->above = dname_labels(name) - dname_labels(&entry->name);
        }
    }
    if (slot == NULL)
        return;
    out->match = slot->kind == NAMESET_SLOT_EXCLUDED ? NAMESET_EXCLUDED
                 : exact                             ? NAMESET_EXACT
                                                     : NAMESET_WILD;
    out->value = slot->value;
}

struct set {
    uint16_t dataset;
    struct nameset_entry *entries;
    size_t count;
};

static void
compare(struct fixture *f, const struct set *set, const struct dname *name)
{
    struct nameset_hit want, got;
    plain_name(set->entries, set->count, name, &want);
    assert_int_equal(nameset_lookup(f->reader, set->dataset, name, &got), ERR_OK);
    assert_int_equal(got.match, want.match);
    assert_int_equal(got.exists, want.exists);
    if (want.match < NAMESET_EXACT)
        return;
    assert_int_equal(slice_cmp(got.value, want.value), 0);
    assert_int_equal(got.above, want.above);
}

typedef struct dname (*name_fn)(struct fixture *f);

/* one_value: names alone, all of one value, as most lists are. */
static struct set
make_set(struct fixture *f, uint16_t dataset, size_t count, name_fn name, bool one_value)
{
    static const struct nameset_slot value = {NAMESET_SLOT_VALUE, {"R\0\0\0\1", 5}};
    struct set set = {dataset, calloc(count, sizeof *set.entries), 0};
    for (size_t i = 0; i < count; i++) {
        struct nameset_entry *entry = &set.entries[i];
        entry->name = name(f);
        if (!one_value) {
            entry->exact = random_slot(f);
            entry->wild = random_slot(f);
        }
        if (entry->wild.kind == NAMESET_SLOT_EMPTY && entry->exact.kind == NAMESET_SLOT_EMPTY)
            entry->exact = value;
    }
    qsort(set.entries, count, sizeof *set.entries, name_cmp);
    for (size_t i = 0; i < count; i++)
        if (set.count == 0 || !dname_equal(&set.entries[set.count - 1].name, &set.entries[i].name))
            set.entries[set.count++] = set.entries[i];
    return set;
}

static void
nameset_matches_plain_search(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    struct set set = make_set(f, 7, NAMES, random_name, false);
    begin(f, &sink);
    assert_int_equal(nameset_build(7, set.entries, set.count, emit, &sink), ERR_OK);
    assert_true(sink.blocks > 10);
    commit_and_read(f, &sink);
    for (unsigned i = 0; i < 10000; i++) {
        struct dname name = random_name(f);
        compare(f, &set, &name);
    }
    struct nameset_hit none;
    struct dname name = random_name(f);
    assert_int_equal(nameset_lookup(f->reader, 9, &name, &none), ERR_OK);
    assert_false(none.exists);
    free(set.entries);
}

/* As lists have them: few last labels, long names under them, some names below those. */
static struct dname
list_name(struct fixture *f)
{
    static const char *const ends[] = {"com", "com", "com", "org", "co.uk", "xn--p1ai"};
    char text[64];
    int n = 0;
    if (draw(f, 6) == 0)
        n = snprintf(text, sizeof text, "%s.", draw(f, 2) == 0 ? "www" : "a.mail");
    for (unsigned k = 1 + draw(f, 4); k > 0; k--)
        text[n++] = (char)('a' + draw(f, 5));
    n += snprintf(text + n, sizeof text - (size_t)n, "%s.%s", draw(f, 3) == 0 ? "shop" : "",
        ends[draw(f, sizeof ends / sizeof *ends)]);
    struct dname name;
    assert_int_equal(dname_parse(text, (size_t)n, &name), ERR_OK);
    return name;
}

/* Sets of all sizes beside each other, each name asked of each: what is remembered of one is not
 * taken for another's, and a block not for what lies beside it. */
static void
nameset_remembers_what_is_so(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    enum { SETS = 4 };
    static const size_t counts[SETS] = {1, 40, 500, 3000};
    struct set sets[SETS];
    begin(f, &sink);
    for (unsigned i = 0; i < SETS; i++) {
        sets[i] = make_set(f, (uint16_t)(7 + i), counts[i], list_name, i % 2 == 1);
        assert_int_equal(
            nameset_build(sets[i].dataset, sets[i].entries, sets[i].count, emit, &sink), ERR_OK);
    }
    commit_and_read(f, &sink);
    for (unsigned i = 0; i < 5000; i++) {
        const struct set *of = &sets[draw(f, SETS)];
        const struct dname names[] = {list_name(f), of->entries[draw(f, (uint32_t)of->count)].name};
        for (unsigned k = 0; k < SETS * 2; k++)
            compare(f, &sets[k / 2], &names[k % 2]);
    }
    for (unsigned i = 0; i < SETS; i++)
        free(sets[i].entries);
}

/* A block being written as format 2 had it, each value and each pair of slots for itself. */
struct old_block {
    uint8_t dict[65536], pairs[65536], entries[65536];
    size_t dict_n, pairs_n, entries_n;
    unsigned values, count;
    uint8_t before[DNAME_KEY_MAX];
    size_t before_n;
};

static unsigned
old_slot(struct old_block *old, const struct nameset_slot *slot)
{
    if (slot->kind != NAMESET_SLOT_VALUE)
        return slot->kind == NAMESET_SLOT_EXCLUDED ? 1 : 0;
    memcpy(be_put(old->dict + old->dict_n, slot->value.n, 2), slot->value.p, slot->value.n);
    old->dict_n += 2 + slot->value.n;
    return ++old->values + 1;
}

static uint8_t *
put_varint(uint8_t *out, size_t n)
{
    for (; n >= 0x80; n >>= 7)
        *out++ = (uint8_t)(n | 0x80);
    *out++ = (uint8_t)n;
    return out;
}

static enum err
add_old(void *ctx, const struct nameset_entry *entry)
{
    struct old_block *old = ctx;
    uint8_t key[DNAME_KEY_MAX], *out = old->entries + old->entries_n;
    size_t n = dname_key(&entry->name, key), shared = 0;
    while (
        shared < n && shared < old->before_n && shared < 255 && key[shared] == old->before[shared])
        shared++;
    *out++ = (uint8_t)shared;
    out = put_varint(out, n - shared);
    memcpy(out, key + shared, n - shared);
    out = put_varint(out + n - shared, old->count++);
    old->entries_n = (size_t)(out - old->entries);
    memcpy(old->before, key, n);
    old->before_n = n;
    uint8_t *pair = old->pairs + old->pairs_n;
    pair = be_put(pair, old_slot(old, &entry->exact), 2);
    old->pairs_n = (size_t)(be_put(pair, old_slot(old, &entry->wild), 2) - old->pairs);
    return ERR_OK;
}

static enum err
emit_old(void *ctx, struct slice key, struct slice value)
{
    static struct old_block old;
    static uint8_t block[sizeof old];
    memset(&old, 0, sizeof old);
    assert_int_equal(nameset_block_context(value, add_old, &old), ERR_OK);
    unsigned context = old.count;
    old.before_n = 0;
    assert_int_equal(nameset_block_each(key, value, add_old, &old), ERR_OK);
    assert_true(old.count > 1); /* of one pair alone the number is left out */
    uint8_t *out = be_put(block, context, 1);
    out = be_put(be_put(out, old.values, 2), old.count, 2);
    out = be_put(out, old.count - context, 2);
    memcpy(out, old.dict, old.dict_n);
    memcpy(out + old.dict_n, old.pairs, old.pairs_n);
    memcpy(out + old.dict_n + old.pairs_n, old.entries, old.entries_n);
    size_t n = (size_t)(out - block) + old.dict_n + old.pairs_n + old.entries_n;
    return emit(ctx, key, slice_of(block, n));
}

/* A server of this version reads what the one before has published. */
static void
blocks_of_format_2_are_read(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    struct set set = make_set(f, 7, 2000, list_name, false);
    begin(f, &sink);
    assert_int_equal(nameset_build(7, set.entries, set.count, emit_old, &sink), ERR_OK);
    commit_and_read(f, &sink);
    for (unsigned i = 0; i < 5000; i++) {
        struct dname name = list_name(f);
        compare(f, &set, &name);
    }
    free(set.entries);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nameset_matches_plain_search, setup, teardown),
        cmocka_unit_test_setup_teardown(nameset_remembers_what_is_so, setup, teardown),
        cmocka_unit_test_setup_teardown(blocks_of_format_2_are_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
