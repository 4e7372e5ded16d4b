/*
 * Edits by the blocks that they are in against the whole list: random lists and edits of every type
 * of addresses and of names, and what a publish of it leaves of the difference: of names there is
 * none at any time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/list_served.h"

#include "loader/listedit.h"
#include "loader/listfast.h"

enum { VALUES = 4, EDITS_MOST = 4, EDITS = 20, TEXT_SIZE = 1 << 20 };

static const uint8_t values[VALUES][5] = {
    {'L', 127, 0, 0, 2}, {'L', 127, 0, 0, 3}, {'L', 127, 0, 0, 4}, {'L', 127, 0, 0, 5}};

static int
setup_random(void **state)
{
    (void)setup(state);
    struct fixture *f = *state;
    f->source.max_change_floor = 50;
    f->seed = 7;
    f->text = malloc(TEXT_SIZE);
    assert_non_null(f->text);
    return 0;
}

static struct range
random_range(struct fixture *f)
{
    static const uint8_t v4[] = {0, 0, 0, 0, 1, 2, 4, 8, 9, 12}, v6[] = {0, 0, 0, 3, 8, 64, 64, 80};
    struct range range = {random_ip(f), {{0}}};
    unsigned bits = v6[next_random(&f->seed) % sizeof v6];
    if (list_type_info(f->source.type)->holds == LIST_HOLDS_V4)
        bits = v4[next_random(&f->seed) % sizeof v4];
    if (f->source.type == LIST_IP6TSET)
        bits = 64;
    range.last = range.first;
    if (f->source.type == LIST_IP4SET && next_random(&f->seed) % 3 == 0) {
        range.last = ip_from_v4(ip_v4(&range.first) + next_random(&f->seed) % 700);
        return range;
    }
    clear_host(&range.first, bits, false);
    clear_host(&range.last, bits, true);
    return range;
}

/* Few labels, so that names lie below others, and of some of these very many. */
static void
random_entry(struct fixture *f, struct listfile_entry *out)
{
    char text[64];
    size_t n = 0;
    *out = (struct listfile_entry){0};
    if (f->source.type != LIST_DNSET) {
        out->range = random_range(f);
        return;
    }
    for (unsigned labels = 1 + next_random(&f->seed) % 4; labels > 0; labels--)
        n += (size_t)snprintf(text + n, sizeof text - n, "%x.",
            next_random(&f->seed) % (labels == 1                         ? 3
                                        : next_random(&f->seed) % 2 == 0 ? 4
                                                                         : 4000));
    assert_int_equal(dname_parse(text, n, &out->name), ERR_OK);
    out->wild = next_random(&f->seed) % 3 == 0;
    out->exact = !out->wild || next_random(&f->seed) % 2 == 0;
}

static void
import_names(struct fixture *f, unsigned count)
{
    size_t n = 0;
    f->text[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        struct listfile_entry entry;
        char name[DNAME_TEXT_SIZE];
        random_entry(f, &entry);
        (void)dname_format(&entry.name, name);
        n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "%s%s%s",
            next_random(&f->seed) % 9 == 0 ? "!" : "",
            !entry.wild   ? ""
            : entry.exact ? "."
                          : "*.",
            name);
        if (next_random(&f->seed) % 2 == 0)
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, " :%u:text of it",
                2 + next_random(&f->seed) % (next_random(&f->seed) % 8 == 0 ? 250 : 3));
        n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "\n");
    }
    import(f, LIST_DNSET, f->text);
    publish_whole(f);
}

static void
import_random(struct fixture *f, enum list_type type, unsigned count)
{
    size_t n = 0;
    f->source.type = type;
    if (type == LIST_DNSET) {
        import_names(f, count);
        return;
    }
    f->text[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        struct range range = random_range(f);
        char first[IP_TEXT_SIZE], last[IP_TEXT_SIZE];
        unsigned bits = 0;
        ip_format(&range.first, first);
        ip_format(&range.last, last);
        while (bits < 128 && ((range.first.b[15 - bits / 8] ^ range.last.b[15 - bits / 8]) &
                                 (1U << bits % 8)) != 0)
            bits++;
        unsigned len = ip_bits(ip_family(&range.first)) - bits;
        n +=
            (size_t)snprintf(f->text + n, TEXT_SIZE - n, next_random(&f->seed) % 9 == 0 ? "!" : "");
        if (type == LIST_IP4SET)
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "%s-%s", first, last);
        else if (type == LIST_IP4TRIE || type == LIST_IP6TRIE)
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "%s/%u", first, len);
        else
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "%s", first);
        if (list_type_info(type)->values == LIST_VALUES_OWN && next_random(&f->seed) % 2 == 0)
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, " :%u:text of it",
                2 + next_random(&f->seed) % (next_random(&f->seed) % 8 == 0 ? 250 : 3));
        n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "\n");
    }
    import(f, type, f->text);
    publish_whole(f);
}

/* The records of a store's only list. */
static void
read_blocks(struct fixture *f, const char *path, struct records *out)
{
    struct kv *kv;
    struct kv_txn *txn;
    struct kv_cursor *cursor;
    struct slice key, value;
    const uint8_t table = f->source.type == LIST_DNSET ? STORE_NAME : STORE_ADDR;
    *out = (struct records){0};
    assert_int_equal(kv_open(path, &(struct kv_options){.read_only = true}, &kv, &f->msg), ERR_OK);
    assert_int_equal(kv_begin(kv, false, &txn, &f->msg), ERR_OK);
    assert_int_equal(kv_cursor_open(txn, slice_of(&table, 1), &cursor), ERR_OK);
    while (kv_cursor_next(cursor, &key, &value) == ERR_OK)
        assert_int_equal(records_add(out, key, value), ERR_OK);
    kv_cursor_close(&cursor);
    kv_abort(&txn);
    kv_close(&kv);
}

/* The same blocks as where nothing was before. */
static void
check_blocks(struct fixture *f)
{
    struct records patched, fresh;
    char path[sizeof f->dir + 16];
    (void)snprintf(path, sizeof path, "%s/fresh.mdb", f->dir);
    (void)unlink(path);
    read_blocks(f, f->answers, &patched);
    f->conf.answers_path = path;
    publish_whole(f);
    f->conf.answers_path = f->answers;
    read_blocks(f, path, &fresh);
    assert_int_equal(patched.count, fresh.count);
    for (size_t i = 0; i < fresh.count; i++) {
        assert_int_equal(slice_cmp(patched.items[i].key, fresh.items[i].key), 0);
        assert_int_equal(slice_cmp(patched.items[i].value, fresh.items[i].value), 0);
    }
    records_free(&patched);
    records_free(&fresh);
}

/* A publish of the whole list leaves no trace of how it came about. */
static void
check_whole(struct fixture *f)
{
    publish_whole(f);
    check_blocks(f);
}

/* The dataset says how many entries it has, and the list's measure about how many are listed. */
static void
check_names(struct fixture *f)
{
    struct kvread *reader;
    struct store_key key;
    struct slice value;
    struct dataset dataset;
    struct list_set *whole = flatten(f);
    uint64_t remembered = lists_published(whole)->entries, entries = lists_entries(whole);
    assert_in_range(entries + f->edited, remembered, remembered + 2ULL * f->edited);
    assert_int_equal(kvread_open(f->answers, &reader, &f->msg), ERR_OK);
    store_key_dataset(&key, f->source.name);
    assert_int_equal(kvread_get(reader, store_key_slice(&key), &value), ERR_OK);
    assert_int_equal(dataset_decode(store_key_slice(&key), value, &dataset), ERR_OK);
    assert_int_equal(dataset.entries, lists_set(whole)->count);
    kvread_close(&reader);
    lists_free(&whole);
    check_blocks(f);
}

/* As list add and list del do it, or with undo list undo. */
static void
edit(struct fixture *f, const struct list_edit *edits, size_t count, bool undo)
{
    struct list_layer layer;
    struct listfast fast;
    struct publish_result result;
    assert_int_equal(listedit_read(&f->conf, f->source.name, &layer, &f->msg), ERR_OK);
    size_t adds = listlayer_count(&layer, LIST_EDIT_ADD);
    size_t dels = listlayer_count(&layer, LIST_EDIT_DEL);
    for (size_t i = 0; i < count && !undo; i++)
        assert_int_equal(listlayer_put(&layer, &edits[i]), ERR_OK);
    for (size_t i = 0; i < count && undo; i++)
        (void)listlayer_undo(&layer, edits[i].type, &edits[i].entry);
    size_t sign = undo ? (size_t)-1 : 1;
    const struct list_change change = {.edits = edits,
        .count = count,
        .undone = undo,
        .adds = sign * (listlayer_count(&layer, LIST_EDIT_ADD) - adds),
        .dels = sign * (listlayer_count(&layer, LIST_EDIT_DEL) - dels)};
    enum err err = listfast_open(&f->conf, &f->source, &layer, &change, NOW, &fast);
    if (err != ERR_RANGE && err != ERR_NOTFOUND)
        assert_int_equal(err, ERR_OK);
    assert_int_equal(listedit_write(&f->conf, f->source.name, &layer, &f->msg), ERR_OK);
    f->fast += err == ERR_OK;
    f->slow += err != ERR_OK;
    f->edited = err == ERR_OK ? f->edited + (unsigned)count * 300 : 0;
    if (err == ERR_OK)
        assert_int_equal(listfast_write(&fast, &result, &f->msg), ERR_OK);
    listfast_close(&fast);
    if (err < 0)
        publish_whole(f);
    listlayer_free(&layer);
}

/* Some of the layer's edits; returns how many. */
static size_t
undo_random(struct fixture *f, struct list_edit edits[EDITS_MOST])
{
    struct list_layer layer;
    assert_int_equal(listedit_read(&f->conf, f->source.name, &layer, &f->msg), ERR_OK);
    size_t count = layer.count == 0 ? 0 : 1 + next_random(&f->seed) % EDITS_MOST;
    for (size_t i = 0; i < count; i++) {
        edits[i] = layer.edits[next_random(&f->seed) % layer.count];
        edits[i].value = edits[i].note = slice_of(NULL, 0);
    }
    listlayer_free(&layer);
    return count;
}

static void
edit_random(struct fixture *f)
{
    struct list_edit edits[EDITS_MOST] = {0};
    bool undo = next_random(&f->seed) % 3 == 0;
    size_t count = undo ? undo_random(f, edits) : 1 + next_random(&f->seed) % EDITS_MOST;
    enum list_edit_kind kind = next_random(&f->seed) % 2 == 0 ? LIST_EDIT_ADD : LIST_EDIT_DEL;
    for (size_t i = 0; i < count && !undo; i++) {
        edits[i] = (struct list_edit){.type = f->source.type, .kind = kind, .added_s = NOW};
        random_entry(f, &edits[i].entry);
        if (next_random(&f->seed) % 3 > 0 &&
            list_type_info(f->source.type)->values == LIST_VALUES_OWN)
            edits[i].value = slice_of(values[next_random(&f->seed) % VALUES], 5);
    }
    if (count > 0)
        edit(f, edits, count, undo);
    if (f->source.type == LIST_DNSET)
        check_names(f);
    else
        check_served(f, edits, count);
}

static void
random_lists(struct fixture *f, enum list_type type, uint32_t seed)
{
    static const unsigned sizes[] = {0, 1, 40, 3000};
    f->seed = seed;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        f->fast = f->slow = f->edited = 0;
        import_random(f, type, sizes[i]);
        for (unsigned n = 0; n < EDITS; n++)
            edit_random(f);
        assert_in_range(f->fast, EDITS * 3 / 4, EDITS);
        check_whole(f);
    }
}

static void
ip4set(void **state)
{
    random_lists(*state, LIST_IP4SET, 1);
    random_lists(*state, LIST_IP4SET, 2);
}

static void
ip4trie(void **state)
{
    random_lists(*state, LIST_IP4TRIE, 3);
}

static void
ip4tset(void **state)
{
    random_lists(*state, LIST_IP4TSET, 4);
}

static void
ip6trie(void **state)
{
    random_lists(*state, LIST_IP6TRIE, 5);
    random_lists(*state, LIST_IP6TRIE, 6);
}

static void
ip6tset(void **state)
{
    random_lists(*state, LIST_IP6TSET, 7);
}

static void
dnset(void **state)
{
    for (uint32_t seed = 8; seed < 11; seed++)
        random_lists(*state, LIST_DNSET, seed);
}

static enum err
count_blocks(void *ctx, struct slice key, struct slice value)
{
    unsigned *blocks = ctx;
    (void)key;
    (void)value;
    ++*blocks;
    return ERR_OK;
}

/* A name that a block ends after. */
static void
find_border(struct nameset_entry *out)
{
    struct nameset_entry entries[2] = {{.exact = {NAMESET_SLOT_EXCLUDED, {NULL, 0}}},
        {.exact = {NAMESET_SLOT_EXCLUDED, {NULL, 0}}}};
    unsigned blocks = 0;
    assert_int_equal(dname_parse("z", 1, &entries[1].name), ERR_OK);
    for (unsigned i = 0; blocks != 2; i++) {
        char text[16];
        blocks = 0;
        (void)snprintf(text, sizeof text, "a%u", i);
        assert_int_equal(dname_parse(text, strlen(text), &entries[0].name), ERR_OK);
        assert_int_equal(nameset_build(1, entries, 2, count_blocks, &blocks), ERR_OK);
    }
    *out = entries[0];
}

/* The last block goes away, and the one before it is the last. */
static void
last_block(void **state)
{
    struct fixture *f = *state;
    struct nameset_entry border;
    char text[DNAME_TEXT_SIZE];
    struct list_edit last = {.type = LIST_DNSET, .kind = LIST_EDIT_ADD, .entry = {.exact = true}};
    find_border(&border);
    (void)dname_format(&border.name, text);
    assert_int_equal(dname_parse("z", 1, &last.entry.name), ERR_OK);
    import(f, LIST_DNSET, text);
    publish_whole(f);
    edit(f, &last, 1, false);
    check_names(f);
    edit(f, &last, 1, true);
    check_names(f);
    assert_int_equal(f->fast, 1);
    assert_int_equal(f->slow, 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_random, teardown)
    const struct CMUnitTest tests[] = {TEST(ip4set), TEST(ip4trie), TEST(ip4tset), TEST(ip6trie),
        TEST(ip6tset), TEST(dnset), TEST(last_block)};
    return cmocka_run_group_tests_name("listpatch", tests, NULL, NULL);
}
