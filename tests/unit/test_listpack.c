/* Entries of lists in chunks: they come back as they were, lines read by the short way and by the
 * long one are the same, and an edit of a file changes the chunk that it is in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/list_fixture.h"
#include "tests/unit/random.h"

#include "loader/listflat.h"
#include "loader/listpack.h"
#include "loader/liststore.h"

enum { TEXT_SIZE = 1 << 22, LINES = 60000 };

static int
setup_text(void **state)
{
    (void)setup(state);
    struct fixture *f = *state;
    f->text = malloc(TEXT_SIZE);
    assert_non_null(f->text);
    return 0;
}

static void
same_lists(const struct list_set *a, const struct list_set *b)
{
    const struct publish_set *x = lists_set(a), *y = lists_set(b);
    assert_int_equal(x->count, y->count);
    assert_int_equal(lists_entries(a), lists_entries(b));
    for (size_t i = 0; i < x->count; i++) {
        const struct ipset_entry p = publish_range(x, i), q = publish_range(y, i);
        assert_memory_equal(&p.range, &q.range, sizeof p.range);
        assert_int_equal(slice_cmp(p.value, q.value), 0);
    }
}

static void
check_pack(const char *const *lines, size_t count, struct listfile *file, struct list_pack *pack)
{
    struct listpack_reader *reader = malloc(sizeof *reader);
    struct listfile_entry want, got;
    struct list_bytes bytes = {0};
    uint8_t value[LISTFILE_VALUE_MAX];
    size_t chunk = 0;
    const char *what;
    enum err end = ERR_NOTFOUND;
    assert_non_null(reader);
    for (size_t i = 0; i < count; i++) {
        struct slice is, stored;
        assert_int_equal(listfile_line(file, lines[i], strlen(lines[i]), &want, &what), ERR_OK);
        while (end == ERR_NOTFOUND && chunk < pack->chunk_count) {
            assert_int_equal(listpack_encode(pack, chunk++, file, &bytes), ERR_OK);
            is = slice_of(bytes.p, bytes.n);
            assert_int_equal(listpack_open(reader, is, file->type), ERR_OK);
            end = ERR_OK;
        }
        assert_int_equal(listpack_next(reader, &got, &stored), ERR_OK);
        if (reader->left == 0)
            end = listpack_next(reader, &(struct listfile_entry){0}, &is);
        is = slice_of(value, want.excluded ? 0 : listfile_value(file, &want.value, value));
        if (list_type_info(file->type)->holds == LIST_HOLDS_RECORDS)
            is = slice_of(want.rr.b, want.rr.n);
        assert_int_equal(slice_cmp(stored, is), 0);
        assert_int_equal(got.excluded, want.excluded);
        if (list_type_info(file->type)->holds <= LIST_HOLDS_V6)
            assert_memory_equal(&got.range, &want.range, sizeof got.range);
        else
            assert_true(dname_equal(&got.name, &want.name) && got.exact == want.exact &&
                        got.wild == want.wild);
    }
    assert_int_equal(end, ERR_NOTFOUND);
    assert_int_equal(chunk, pack->chunk_count);
    listbytes_free(&bytes);
    free(reader);
}

static void
gives_entries_back(void **state)
{
    static const struct {
        enum list_type type;
        const char *lines[8];
    } cases[] = {{LIST_IP4SET, {"1.2.3.4", "1.2.3.5", "1.2.3.6", "1.2.3.4"}},
        {LIST_IP4SET, {"1.2.3.4", "1.2.3.5", "1.2.3/24", "!1.2.3.9", "1.2.3.8 :5:x", "1.2.3.5"}},
        {LIST_IP4SET, {"!1.2.3.4", "1.2.3.4 :7:$ is bad", "1.2.3.4 :7:$ is bad", "1.2.3.4 text"}},
        {LIST_IP4TSET, {"1.2.3.4", "1.2.3.4"}},
        {LIST_IP4TRIE, {"1.2.0.0/16", "!1.2.3.4", "0.0.0.0/0 :3"}},
        {LIST_IP6TRIE, {"2001:db8::/32", "!2001:db8::1", "::/0 :3:$"}},
        {LIST_IP6TSET, {"2001:db8:1:2", "!2001:db8:1:2::3"}},
        {LIST_DNSET, {"a.test", ".b.test", "*.c.test :4:x", "!d.test", "!*.e.test"}},
        {LIST_GENERIC, {"@ A 192.0.2.1", "a 300 A 192.0.2.1", "a TXT \"x\""}}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct listfile file;
        struct list_pack pack = {0};
        struct listfile_entry entry = {0};
        const char *what;
        size_t count = 0;
        listfile_init(&file, cases[i].type, NOW);
        for (; count < 8 && cases[i].lines[count] != NULL; count++) {
            const char *line = cases[i].lines[count];
            assert_int_equal(listfile_line(&file, line, strlen(line), &entry, &what), ERR_OK);
            assert_int_equal(listpack_add(&pack, cases[i].type, &entry), ERR_OK);
        }
        check_pack(cases[i].lines, count, &file, &pack);
        listpack_free(&pack);
    }
}

/* Every length of a chunk but the whole is noticed. */
static void
damage_is_noticed(void **state)
{
    static const char *const lines[2][3] = {
        {"1.2.3.4", "1.2.3.5", "1.2.3.6"}, {"1.2.3.4", "!1.2.3/24", "1.2.3.6 :5:x"}};
    struct listpack_reader *reader = malloc(sizeof *reader);
    (void)state;
    assert_non_null(reader);
    for (unsigned i = 0; i < 2; i++) {
        struct listfile file;
        struct list_pack pack = {0};
        struct list_bytes bytes = {0};
        struct listfile_entry entry = {0};
        struct slice value;
        const char *what;
        listfile_init(&file, LIST_IP4SET, NOW);
        for (unsigned k = 0; k < 3; k++) {
            const char *line = lines[i][k];
            assert_int_equal(listfile_line(&file, line, strlen(line), &entry, &what), ERR_OK);
            assert_int_equal(listpack_add(&pack, LIST_IP4SET, &entry), ERR_OK);
        }
        assert_int_equal(listpack_encode(&pack, 0, &file, &bytes), ERR_OK);
        for (size_t n = 0; n <= bytes.n; n++) {
            enum err err = listpack_open(reader, slice_of(bytes.p, n), LIST_IP4SET);
            while (err == ERR_OK)
                err = listpack_next(reader, &entry, &value);
            assert_int_equal(err, n < bytes.n ? ERR_FORMAT : ERR_NOTFOUND);
        }
        bytes.p[0] = 2;
        struct slice damaged = slice_of(bytes.p, bytes.n);
        assert_int_equal(listpack_open(reader, damaged, LIST_IP4SET), ERR_FORMAT);
        bytes.p[0] = 0;
        assert_int_equal(listpack_open(reader, damaged, LIST_IP6TRIE), ERR_FORMAT);
        listbytes_free(&bytes);
        listpack_free(&pack);
    }
    free(reader);
}

/* Lines of all sorts between addresses alone. end: what the plain ones end with. Returns how long
 * the text is. */
static size_t
write_lines(struct fixture *f, uint64_t *seed, const char *end, bool odd_lines)
{
    static const char *const odd[] = {"# comment", "", ":127.0.0.5:other", "1.2.3", "!10.1.2.3",
        "10.1.2.3 :7:x", "256.1.1.1", "1.2.3.4.5", "1.2.3.4x", "001.002.003.004", "0001.2.3.4",
        "1..2.3", "10.1.0.0/16", "10.2.0.0-10.2.0.9", ":2:", "$TTL 5m", "1.2.3.4\r", "-1.2.3.4",
        " 10.9.8.7", "10.9.8.6#x", "255.255.255.255", "0.0.0.0", "99999999999.1.1.1"};
    size_t n = 0;
    for (unsigned i = 0; i < LINES; i++) {
        unsigned v4 = (unsigned)draw(seed), pick = (unsigned)(draw(seed) % 400);
        if (odd_lines && i > 9000 && pick < sizeof odd / sizeof *odd)
            n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "%s\n", odd[pick]);
        n += (size_t)snprintf(f->text + n, TEXT_SIZE - n, "%u.%u.%u.%u%s\n", 10 + (v4 >> 24) % 2,
            v4 >> 16 & 255, v4 >> 8 & 255, v4 & 255, end);
    }
    return n - 1; /* the last line has no newline */
}

/* A blank after an address makes it go the long way. */
static void
lines_read_either_way_are_the_same(void **state)
{
    struct fixture *f = *state;
    static const enum list_type types[] = {LIST_IP4SET, LIST_IP4TSET, LIST_IP4TRIE};
    for (unsigned i = 0; i < 6; i++) {
        struct list_set *sets[2];
        struct list_stats stats[2] = {{0}, {0}};
        for (unsigned way = 0; way < 2; way++) {
            struct errmsg msg;
            bool changed;
            uint64_t seed = i;
            size_t n = write_lines(f, &seed, way == 0 ? "" : " ", i >= 3);
            (void)list_import_text(&f->conf, &f->source, types[i % 3], "", 0, NOW);
            FILE *out = fopen(f->path, "wb");
            assert_non_null(out);
            assert_int_equal(fwrite(f->text, 1, n, out), n);
            assert_int_equal(fclose(out), 0);
            assert_int_equal(
                lists_import(&f->conf, &f->source, NOW, &changed, &stats[way], &msg), ERR_OK);
            assert_true(changed);
            sets[way] = list_flatten_all(&f->conf, &f->source);
        }
        same_lists(sets[0], sets[1]);
        assert_memory_equal(&stats[0], &stats[1], sizeof stats[0]);
        /* One is of the last line. */
        assert_int_equal(stats[0].warnings > 1, i >= 3 || types[i % 3] == LIST_IP4TRIE);
        lists_free(&sets[0]);
        lists_free(&sets[1]);
    }
}

/* The stored chunks, in order. */
struct chunks {
    size_t count;
    struct slice items[256];
    struct listflat_arena arena;
};

static void
read_chunks(struct fixture *f, struct chunks *out)
{
    struct kv *kv;
    struct kv_txn *txn;
    struct kv_cursor *cursor;
    struct slice key, value;
    struct errmsg msg;
    *out = (struct chunks){0};
    assert_int_equal(kv_open(f->lists, &(struct kv_options){.read_only = true}, &kv, &msg), ERR_OK);
    assert_int_equal(kv_begin(kv, false, &txn, &msg), ERR_OK);
    assert_int_equal(kv_cursor_open(txn, slice_of("E", 1), &cursor), ERR_OK);
    while (kv_cursor_next(cursor, &key, &value) == ERR_OK) {
        assert_true(out->count < 256);
        assert_false(liststore_is_entry(key));
        out->items[out->count++] = listflat_keep(&out->arena, value);
    }
    kv_cursor_close(&cursor);
    kv_abort(&txn);
    kv_close(&kv);
}

/* How many of these are not among those. */
static size_t
other_chunks(const struct chunks *these, const struct chunks *those)
{
    size_t others = 0;
    for (size_t i = 0; i < these->count; i++) {
        size_t k = 0;
        while (k < those->count && slice_cmp(these->items[i], those->items[k]) != 0)
            k++;
        others += k == those->count;
    }
    return others;
}

/* A line taken out of the middle of a file and another one put in elsewhere; then pieces of it. */
static void
an_edit_changes_few_chunks(void **state)
{
    struct fixture *f = *state;
    size_t changed = 0;
    enum { ROUNDS = 60 };
    uint64_t seed = 0;
    size_t n = write_lines(f, &seed, "", false);
    f->text[n++] = '\n';
    (void)list_import_text(&f->conf, &f->source, LIST_IP4SET, f->text, n, NOW);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct chunks before, after;
        bool piece = round >= 50;
        read_chunks(f, &before);
        char *at = strchr(f->text + draw(&seed) % (n - 100000), '\n') + 1;
        char *end = piece ? at + draw(&seed) % 90000 : at;
        end = strchr(end, '\n') + 1;
        memmove(at, end, (size_t)(f->text + n - end) + 1);
        n -= (size_t)(end - at);
        at = strchr(f->text + draw(&seed) % (n - 100000), '\n') + 1;
        memmove(at + 12, at, (size_t)(f->text + n - at) + 1);
        char line[16];
        (void)snprintf(line, sizeof line, "9.9.%03u.%03u\n", round, (unsigned)draw(&seed) % 256);
        memcpy(at, line, 12);
        n += 12;
        (void)list_import_text(&f->conf, &f->source, LIST_IP4SET, f->text, n, NOW);
        read_chunks(f, &after);
        if (!piece)
            changed += other_chunks(&after, &before);
        listflat_free(&before.arena);
        listflat_free(&after.arena);
        struct list_set *set = list_flatten_all(&f->conf, &f->source);
        char other[80]; /* a store that never knew anything else */
        (void)snprintf(other, sizeof other, "%s/other.mdb", f->dir);
        f->conf.lists_path = other;
        (void)list_import_text(&f->conf, &f->source, LIST_IP4SET, f->text, n, NOW);
        struct list_set *fresh = list_flatten_all(&f->conf, &f->source);
        same_lists(set, fresh);
        lists_free(&set);
        lists_free(&fresh);
        assert_int_equal(unlink(other), 0);
        f->conf.lists_path = f->lists;
    }
    assert_true(changed >= 50 && changed <= 3 * 50);
}

/* Entries one by one, as versions before chunks kept them. */
static void
write_old_store(struct fixture *f)
{
    struct kv *kv;
    struct kv_txn *txn;
    struct errmsg msg;
    struct liststore_key key;
    struct slice record;
    static const uint8_t value[] = {'L', 127, 0, 0, 2};
    uint8_t old[512];
    assert_int_equal(kv_open(f->lists, &(struct kv_options){0}, &kv, &msg), ERR_OK);
    assert_int_equal(kv_begin(kv, true, &txn, &msg), ERR_OK);
    liststore_key_source(&key, "mine");
    assert_int_equal(kv_get(txn, liststore_slice(&key), &record), ERR_OK);
    assert_true(record.n <= sizeof old);
    memcpy(old, record.p, record.n);
    old[0] = 2; /* the version; the rest is the same */
    (void)kv_put(txn, liststore_slice(&key), slice_of(old, record.n));
    liststore_key_chunk(&key, 1, UINT64_C(1) << 32);
    (void)kv_del(txn, liststore_slice(&key));
    for (uint32_t i = 0; i < 3; i++) {
        uint8_t entry[LISTSTORE_ENTRY_MAX];
        struct ip ip = ip_from_v4(0x01020304 + 2 * i);
        struct listfile_entry from = {.range = {ip, ip}};
        size_t n = liststore_entry(&from, LIST_IP4SET, slice_of(value, sizeof value), entry);
        liststore_key_entry(&key, 1, i);
        (void)kv_put(txn, liststore_slice(&key), slice_of(entry, n));
    }
    assert_int_equal(kv_commit(&txn, &msg), ERR_OK);
    kv_close(&kv);
}

static void
older_stores_are_read_and_replaced(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "1.2.3.4\n1.2.3.6\n1.2.3.8\n";
    struct list_stats stats;
    struct errmsg msg;
    struct chunks chunks;
    bool changed;
    (void)list_import_text(&f->conf, &f->source, LIST_IP4SET, text, strlen(text), NOW);
    struct list_set *new = list_flatten_all(&f->conf, &f->source);
    write_old_store(f);
    struct list_set *old = list_flatten_all(&f->conf, &f->source);
    same_lists(new, old);
    lists_free(&old);
    assert_int_equal(lists_import(&f->conf, &f->source, NOW, &changed, &stats, &msg), ERR_OK);
    assert_true(changed);
    read_chunks(f, &chunks);
    assert_int_equal(chunks.count, 1);
    listflat_free(&chunks.arena);
    old = list_flatten_all(&f->conf, &f->source);
    same_lists(new, old);
    lists_free(&old);
    lists_free(&new);
    assert_int_equal(lists_import(&f->conf, &f->source, NOW, &changed, &stats, &msg), ERR_OK);
    assert_false(changed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_entries_back),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test_setup_teardown(lines_read_either_way_are_the_same, setup_text, teardown),
        cmocka_unit_test_setup_teardown(an_edit_changes_few_chunks, setup_text, teardown),
        cmocka_unit_test_setup_teardown(older_stores_are_read_and_replaced, setup_text, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
