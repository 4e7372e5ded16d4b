/*
 * Edits by the blocks that they are in against the whole list: random lists and edits of every type
 * of addresses and of names, when the whole list is needed, and what a publish of it leaves of the
 * difference: of names there is none at any time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/list_files.h"

#include "loader/listcmd.h"
#include "loader/listedit.h"
#include "loader/listfast.h"

#define NOW INT64_C(1780272000) /* 2026-06-01 */
enum { VALUES = 4, EDITS_MOST = 4, EDITS = 20, TEXT_SIZE = 1 << 20 };

static const uint8_t values[VALUES][5] = {
    {'L', 127, 0, 0, 2}, {'L', 127, 0, 0, 3}, {'L', 127, 0, 0, 4}, {'L', 127, 0, 0, 5}};

struct fixture {
    char dir[48], answers[80], lists[80], path[80], fresh[80];
    char *files[1], *text;
    struct conf conf;
    struct list_source source;
    struct prefix never;
    struct errmsg msg;
    uint32_t seed;
    unsigned fast, slow, edits;
};

static uint32_t
next_random(struct fixture *f)
{
    f->seed = f->seed * 1664525U + 1013904223U;
    return f->seed >> 8;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return 1;
    strcpy(f->dir, "/tmp/repdns-listpatch-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->answers, sizeof f->answers, "%s/answers.mdb", f->dir);
    (void)snprintf(f->fresh, sizeof f->fresh, "%s/fresh.mdb", f->dir);
    (void)snprintf(f->lists, sizeof f->lists, "%s/lists.mdb", f->dir);
    (void)snprintf(f->path, sizeof f->path, "%s/list", f->dir);
    f->files[0] = f->path;
    f->source = (struct list_source){.name = "mine",
        .file_count = 1,
        .files = f->files,
        .max_change = 50,
        .max_change_floor = 50};
    assert_int_equal(prefix_parse("203.0.113.0/24", 14, false, &f->never), ERR_OK);
    f->conf = (struct conf){.answers_path = f->answers,
        .lists_path = f->lists,
        .lists = &f->source,
        .list_count = 1,
        .never_list = &f->never,
        .never_count = 1};
    f->seed = 7;
    f->text = malloc(TEXT_SIZE);
    *state = f;
    return f->text == NULL;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    list_remove_folder(f->dir);
    free(f->text);
    free(f);
    return 0;
}

static void
import(struct fixture *f, enum list_type type, const char *text)
{
    (void)list_import_text(&f->conf, &f->source, type, text, strlen(text), NOW);
}

static struct list_set *
flatten(const struct fixture *f)
{
    return list_flatten_all(&f->conf, &f->source);
}

static void
publish_whole(struct fixture *f)
{
    struct run run = {.conf = &f->conf, .now_s = NOW, .force = true};
    struct list_set *set = flatten(f);
    if (stage_publish_list(&run, &f->source, set, &f->msg) != EXIT_DONE)
        fail_msg("%s", f->msg.text);
    lists_free(&set);
    run_close(&run);
}

/* A prefix of an IPv4 address has 4 bytes of its own, at the end. */
static void
clear_host(struct ip *ip, unsigned bits, bool set)
{
    for (unsigned i = 0; i < bits; i++) {
        uint8_t mask = (uint8_t)(1U << i % 8);
        if (set)
            ip->b[15 - i / 8] |= mask;
        else
            ip->b[15 - i / 8] &= (uint8_t)~mask;
    }
}

/* Close together, so that entries meet, but for some. */
static struct ip
random_ip(struct fixture *f)
{
    uint32_t low = next_random(f) % 60000;
    if (next_random(f) % 4 == 0)
        low = (next_random(f) & 0xfff) * 0x1001;
    if (list_type_info(f->source.type)->holds == LIST_HOLDS_V4)
        return ip_from_v4(0x14000000 + low);
    struct ip ip = {{0x2a, 0, (uint8_t)(low >> 20)}};
    unsigned at = next_random(f) % 2 == 0 ? 5 : 13;
    ip.b[at] = (uint8_t)(low >> 16);
    ip.b[at + 1] = (uint8_t)(low >> 8);
    ip.b[at + 2] = (uint8_t)low;
    return ip;
}

static struct range
random_range(struct fixture *f)
{
    static const uint8_t v4[] = {0, 0, 0, 0, 1, 2, 4, 8, 9, 12}, v6[] = {0, 0, 0, 3, 8, 64, 64, 80};
    struct range range = {random_ip(f), {{0}}};
    unsigned bits = v6[next_random(f) % sizeof v6];
    if (list_type_info(f->source.type)->holds == LIST_HOLDS_V4)
        bits = v4[next_random(f) % sizeof v4];
    if (f->source.type == LIST_IP6TSET)
        bits = 64;
    range.last = range.first;
    if (f->source.type == LIST_IP4SET && next_random(f) % 3 == 0) {
        range.last = ip_from_v4(ip_v4(&range.first) + next_random(f) % 700);
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
    for (unsigned labels = 1 + next_random(f) % 4; labels > 0; labels--)
        n += (size_t)snprintf(text + n, sizeof text - n, "%x.",
            next_random(f) % (labels == 1                  ? 3
                                 : next_random(f) % 2 == 0 ? 4
                                                           : 4000));
    assert_int_equal(dname_parse(text, n, &out->name), ERR_OK);
    out->wild = next_random(f) % 3 == 0;
    out->exact = !out->wild || next_random(f) % 2 == 0;
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
            next_random(f) % 9 == 0 ? "!" : "",
            !entry.wild   ? ""
            : entry.exact ? "."
                          : "*.",
            name);
        if (next_random(f) % 2 == 0)
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, " :%u:text of it",
                2 + next_random(f) % (next_random(f) % 8 == 0 ? 250 : 3));
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
        n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, next_random(f) % 9 == 0 ? "!" : "");
        if (type == LIST_IP4SET)
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "%s-%s", first, last);
        else if (type == LIST_IP4TRIE || type == LIST_IP6TRIE)
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "%s/%u", first, len);
        else
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "%s", first);
        if (list_type_info(type)->values == LIST_VALUES_OWN && next_random(f) % 2 == 0)
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, " :%u:text of it",
                2 + next_random(f) % (next_random(f) % 8 == 0 ? 250 : 3));
        n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "\n");
    }
    import(f, type, f->text);
    publish_whole(f);
}

static void
check_ip(struct kvread *reader, uint16_t id, const struct publish_set *set, const struct ip *ip)
{
    size_t low = publish_find(set, ip);
    struct ipset_hit hit = {.value = slice_of(NULL, 0)};
    struct ipset_entry entry = {0};
    if (low < set->count)
        entry = publish_range(set, low);
    bool want = low < set->count && ip_cmp(&entry.range.first, ip) <= 0;
    enum err err = ipset_lookup(reader, id, ip, &hit);
    char text[IP_TEXT_SIZE];
    ip_format(ip, text);
    if (err != (want ? ERR_OK : ERR_NOTFOUND))
        fail_msg("%s: %s", text, err_text(err));
    if (want && slice_cmp(hit.value, entry.value) != 0)
        fail_msg("%s: another value", text);
}

static void
check_borders(
    struct kvread *reader, uint16_t id, const struct publish_set *set, const struct range *range)
{
    struct ip before = range->first, after = range->last;
    check_ip(reader, id, set, &range->first);
    check_ip(reader, id, set, &range->last);
    if (ip_prev(&before))
        check_ip(reader, id, set, &before);
    if (ip_next(&after))
        check_ip(reader, id, set, &after);
}

/* What is served is what the list says. */
static void
check_served(struct fixture *f, const struct list_edit *edits, size_t count)
{
    struct kvread *reader;
    struct store_key key;
    struct slice value;
    struct dataset dataset;
    struct list_set *whole = flatten(f);
    const struct publish_set *set = lists_set(whole);
    uint64_t remembered = lists_published(whole)->entries, entries = lists_entries(whole);
    assert_in_range(entries + f->edits, remembered, remembered + 2ULL * f->edits);
    assert_int_equal(kvread_open(f->answers, &reader, &f->msg), ERR_OK);
    store_key_dataset(&key, f->source.name);
    assert_int_equal(kvread_get(reader, store_key_slice(&key), &value), ERR_OK);
    assert_int_equal(dataset_decode(store_key_slice(&key), value, &dataset), ERR_OK);
    assert_int_equal(dataset.entries, set->count);
    for (size_t i = 0; i < count; i++)
        check_borders(reader, dataset.id, set, &edits[i].entry.range);
    for (unsigned i = 0; i < 200 && set->count > 0; i++) {
        struct ip ip = random_ip(f);
        check_ip(reader, dataset.id, set, &ip);
        const struct ipset_entry entry = publish_range(set, next_random(f) % set->count);
        check_borders(reader, dataset.id, set, &entry.range);
    }
    kvread_close(&reader);
    lists_free(&whole);
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
    read_blocks(f, f->answers, &patched);
    f->conf.answers_path = f->fresh;
    (void)unlink(f->fresh);
    publish_whole(f);
    f->conf.answers_path = f->answers;
    read_blocks(f, f->fresh, &fresh);
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
    assert_in_range(entries + f->edits, remembered, remembered + 2ULL * f->edits);
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
    f->edits = err == ERR_OK ? f->edits + (unsigned)count * 300 : 0;
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
    size_t count = layer.count == 0 ? 0 : 1 + next_random(f) % EDITS_MOST;
    for (size_t i = 0; i < count; i++) {
        edits[i] = layer.edits[next_random(f) % layer.count];
        edits[i].value = edits[i].note = slice_of(NULL, 0);
    }
    listlayer_free(&layer);
    return count;
}

static void
edit_random(struct fixture *f)
{
    struct list_edit edits[EDITS_MOST] = {0};
    bool undo = next_random(f) % 3 == 0;
    size_t count = undo ? undo_random(f, edits) : 1 + next_random(f) % EDITS_MOST;
    enum list_edit_kind kind = next_random(f) % 2 == 0 ? LIST_EDIT_ADD : LIST_EDIT_DEL;
    for (size_t i = 0; i < count && !undo; i++) {
        edits[i] = (struct list_edit){.type = f->source.type, .kind = kind, .added_s = NOW};
        random_entry(f, &edits[i].entry);
        if (next_random(f) % 3 > 0 && list_type_info(f->source.type)->values == LIST_VALUES_OWN)
            edits[i].value = slice_of(values[next_random(f) % VALUES], 5);
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
        f->fast = f->slow = f->edits = 0;
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

/* What listfast_open says to one edit, which is not made. */
static enum err
opens(struct fixture *f, enum list_edit_kind kind, const char *prefix)
{
    struct list_layer layer;
    struct listfast fast;
    struct prefix parsed;
    assert_int_equal(prefix_parse(prefix, strlen(prefix), false, &parsed), ERR_OK);
    struct list_edit edit = {.type = f->source.type,
        .kind = kind,
        .entry = {.range = {parsed.addr, parsed.addr}},
        .added_s = NOW};
    clear_host(&edit.entry.range.last, ip_bits(ip_family(&parsed.addr)) - parsed.len, true);
    assert_int_equal(listedit_read(&f->conf, f->source.name, &layer, &f->msg), ERR_OK);
    assert_int_equal(listlayer_put(&layer, &edit), ERR_OK);
    const struct list_change change = {
        .edits = &edit, .count = 1, .adds = kind == LIST_EDIT_ADD, .dels = kind == LIST_EDIT_DEL};
    enum err err = listfast_open(&f->conf, &f->source, &layer, &change, NOW, &fast);
    listfast_close(&fast);
    listlayer_free(&layer);
    return err;
}

static enum err
adds(struct fixture *f)
{
    return opens(f, LIST_EDIT_ADD, "9.9.9.9/32");
}

static void
whole_list_needed(void **state)
{
    struct fixture *f = *state;
    struct prefix own;
    assert_int_equal(adds(f), ERR_NOTFOUND);
    import(f, LIST_IP4TRIE, "9.1.1.0/24\n9.1.3.0/24\n");
    assert_int_equal(adds(f), ERR_NOTFOUND);
    publish_whole(f);
    assert_int_equal(adds(f), ERR_OK);
    f->source.role = LIST_ALLOW;
    assert_int_equal(adds(f), ERR_NOTFOUND);
    f->source.role = LIST_BLOCK;
    /* An import that is not published yet. */
    import(f, LIST_IP4TRIE, "9.1.2.0/24\n9.1.4.0/24\n");
    assert_int_equal(adds(f), ERR_NOTFOUND);
    publish_whole(f);
    assert_int_equal(adds(f), ERR_OK);
    /* Where the brake has a word. */
    assert_int_equal(opens(f, LIST_EDIT_ADD, "10.1.1.1/32"), ERR_NOTFOUND);
    assert_int_equal(opens(f, LIST_EDIT_ADD, "203.0.0.0/16"), ERR_NOTFOUND);
    assert_int_equal(opens(f, LIST_EDIT_ADD, "127.0.0.3/32"), ERR_NOTFOUND);
    assert_int_equal(opens(f, LIST_EDIT_ADD, "128.0.0.0/2"), ERR_NOTFOUND);
    assert_int_equal(opens(f, LIST_EDIT_ADD, "16.0.0.0/4"), ERR_OK);
    assert_int_equal(opens(f, LIST_EDIT_DEL, "10.1.1.1/32"), ERR_OK);
    f->source.max_change_floor = 1;
    assert_int_equal(opens(f, LIST_EDIT_DEL, "9.1.2.0/24"), ERR_OK);
    assert_int_equal(opens(f, LIST_EDIT_DEL, "9.1.0.0/21"), ERR_NOTFOUND);
    f->source.max_change_floor = 50;
    /* Other networks that nothing may be listed of. */
    assert_int_equal(prefix_parse("9.1.2.7/32", 10, false, &own), ERR_OK);
    f->conf.own_networks = &own;
    f->conf.own_network_count = 1;
    assert_int_equal(adds(f), ERR_NOTFOUND);
    publish_whole(f);
    assert_int_equal(adds(f), ERR_NOTFOUND);
    f->conf.own_network_count = 0;
    publish_whole(f);
    assert_int_equal(adds(f), ERR_OK);
    f->conf.answers_path = f->fresh;
    assert_int_equal(adds(f), ERR_NOTFOUND);
    f->conf.answers_path = f->answers;
}

static void
too_many_blocks(void **state)
{
    struct fixture *f = *state;
    size_t n = 0;
    for (unsigned i = 0; i < 600; i++)
        n += (size_t)snprintf(
            f->text + n, TEXT_SIZE - n, "9.%u.%u.1 :2:%0200u\n", i / 250, i % 250, i);
    import(f, LIST_IP4TRIE, f->text);
    publish_whole(f);
    f->source.max_change_floor = 1000;
    assert_int_equal(opens(f, LIST_EDIT_DEL, "9.0.0.0/8"), ERR_RANGE);
    assert_int_equal(opens(f, LIST_EDIT_ADD, "9.0.0.0/8"), ERR_RANGE);
    assert_int_equal(opens(f, LIST_EDIT_DEL, "9.0.64.0/18"), ERR_OK);
}

static enum exit_code
command(struct fixture *f, int64_t now_s, const char *verb, const char *entry, const char *duration,
    bool *fast)
{
    char word[32], name[] = "mine", text[64], *words[] = {word, name, text};
    struct list_request request = {.duration = duration};
    struct run run = {.conf = &f->conf, .now_s = now_s};
    struct kv *kv;
    struct kv_txn *txn;
    struct list_measure measure;
    (void)snprintf(word, sizeof word, "%s", verb);
    (void)snprintf(text, sizeof text, "%s", entry);
    assert_int_equal(list_request_parse(3, words, &request, &f->msg), ERR_OK);
    /* A mark that only a publish of the whole list removes. */
    assert_int_equal(kv_open(f->lists, &(struct kv_options){0}, &kv, &f->msg), ERR_OK);
    assert_int_equal(kv_begin(kv, true, &txn, &f->msg), ERR_OK);
    assert_int_equal(liststore_get_published(txn, "mine", f->source.type, &measure), ERR_OK);
    measure.share = 1U << 20;
    liststore_put_published(txn, "mine", f->source.type, &measure);
    assert_int_equal(kv_commit(&txn, &f->msg), ERR_OK);
    kv_close(&kv);
    enum exit_code code = list_command(&run, &request, stdout, &f->msg);
    run_close(&run);
    struct list_set *set = flatten(f);
    *fast = lists_published(set)->share >= 1U << 20;
    lists_free(&set);
    check_served(f, NULL, 0);
    return code;
}

static void
commands(void **state)
{
    struct fixture *f = *state;
    bool fast;
    import(f, LIST_IP4SET, "9.1.1.0/24\n");
    publish_whole(f);
    f->edits = 10;
    assert_int_equal(command(f, NOW, "add", "9.1.0.0/23", NULL, &fast), EXIT_DONE);
    assert_true(fast);
    assert_int_equal(command(f, NOW, "del", "9.1.1.9", "1h", &fast), EXIT_DONE);
    assert_true(fast);
    assert_int_equal(command(f, NOW, "add", "9.1.1.8-10", NULL, &fast), EXIT_DONE);
    assert_true(fast);
    assert_int_equal(command(f, NOW, "undo", "9.1.1.8-10", NULL, &fast), EXIT_DONE);
    assert_true(fast);
    /* The del ends: what it covered comes back, which is elsewhere. */
    assert_int_equal(command(f, NOW + 3600, "add", "9.3.1.8", NULL, &fast), EXIT_DONE);
    assert_false(fast);
    assert_int_equal(command(f, NOW + 3600, "add", "9.3.1.8", NULL, &fast), EXIT_DONE);
    assert_true(fast);
    assert_int_equal(command(f, NOW + 3600, "add", "10.3.1.8", NULL, &fast), EXIT_TOO_MANY);
    /* What an undo would list again is judged too. */
    import(f, LIST_IP4SET, "9.1.1.0/24\n10.1.1.0/24\n");
    publish_whole(f);
    assert_int_equal(command(f, NOW + 3600, "del", "10.1.1.0/24", NULL, &fast), EXIT_DONE);
    assert_int_equal(command(f, NOW + 3600, "undo", "10.1.1.0/24", NULL, &fast), EXIT_TOO_MANY);
    assert_int_equal(command(f, NOW + 3600, "add", "10.1.1.9", NULL, &fast), EXIT_TOO_MANY);
    assert_int_equal(command(f, NOW + 3600, "undo", "9.9.9.9", NULL, &fast), EXIT_FAILED);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(ip4set), TEST(ip4trie), TEST(ip4tset), TEST(ip6trie),
        TEST(ip6tset), TEST(dnset), TEST(last_block), TEST(whole_list_needed),
        TEST(too_many_blocks), TEST(commands)};
    return cmocka_run_group_tests_name("listpatch", tests, NULL, NULL);
}
