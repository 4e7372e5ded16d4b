/*
 * Lists: what an import reads, keeps and writes. The lines are in test_listfile.c, flattening in
 * test_listflat.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "loader/lists.h"

#define NOW INT64_C(1780272000) /* 2026-06-01 */

struct fixture {
    char dir[32], store[64], paths[2][64];
    char *files[2];
    struct conf conf;
    struct list_source source;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return 1;
    strcpy(f->dir, "/tmp/repdns-lists-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->store, sizeof f->store, "%s/lists.mdb", f->dir);
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(f->paths[i], sizeof f->paths[i], "%s/list%u", f->dir, i);
        f->files[i] = f->paths[i];
    }
    f->conf.lists_path = f->store;
    f->source = (struct list_source){.name = "mine", .file_count = 1, .files = f->files};
    f->conf.lists = &f->source;
    f->conf.list_count = 1;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char lock[80];
    (void)snprintf(lock, sizeof lock, "%s-lock", f->store);
    (void)unlink(f->store);
    (void)unlink(lock);
    (void)unlink(f->paths[0]);
    (void)unlink(f->paths[1]);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

/* Written beside and renamed, so that the inode changes even within a clock tick. */
static void
write_list(const struct fixture *f, unsigned which, const void *bytes, size_t n)
{
    char other[80];
    (void)snprintf(other, sizeof other, "%s.new", f->paths[which]);
    FILE *out = fopen(other, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(rename(other, f->paths[which]), 0);
}

static void
write_text(const struct fixture *f, unsigned which, const char *text)
{
    write_list(f, which, text, strlen(text));
}

static enum err
import(struct fixture *f, bool *changed, struct list_stats *stats)
{
    struct errmsg msg = {""};
    enum err err = lists_import(&f->conf, &f->source, NOW, changed, stats, &msg);
    assert_true(err == ERR_OK || strstr(msg.text, f->dir) != NULL);
    return err;
}

static void
import_ok(struct fixture *f, bool want_changed, uint64_t want_entries)
{
    bool changed;
    struct list_stats stats;
    assert_int_equal(import(f, &changed, &stats), ERR_OK);
    assert_int_equal(changed, want_changed);
    assert_int_equal(stats.entries, want_entries);
}

static struct list_set *
flatten(struct fixture *f)
{
    struct list_set *set;
    struct errmsg msg;
    assert_int_equal(lists_flatten(&f->conf, &f->source, &set, &msg), ERR_OK);
    return set;
}

/* All of an address set as text. */
static void
assert_addrs(struct fixture *f, const char *want)
{
    struct list_set *set = flatten(f);
    const struct publish_set *flat = lists_set(set);
    char got[16384] = "";
    assert_int_equal(flat->info.kind, DATASET_ADDR);
    assert_string_equal(flat->info.name, "mine");
    for (size_t i = 0; i < flat->count; i++) {
        const struct ipset_entry range = publish_range(flat, i), *entry = &range;
        char first[IP_TEXT_SIZE], last[IP_TEXT_SIZE];
        struct slice value = entry->value;
        struct value_element element;
        size_t n = strlen(got);
        ip_format(&entry->range.first, first);
        ip_format(&entry->range.last, last);
        n += (size_t)snprintf(got + n, sizeof got - n, "%s-%s", first, last);
        while (value_next(&value, &element) == ERR_OK)
            n += (size_t)snprintf(got + n, sizeof got - n, " %u%s%.*s", element.a & 255,
                element.has_txt ? ":" : "", (int)element.txt.n, (const char *)element.txt.p);
        (void)snprintf(got + n, sizeof got - n, "\n");
    }
    assert_string_equal(got, want);
    lists_free(&set);
    assert_null(set);
}

static uint8_t *
read_store(const struct fixture *f, size_t *n)
{
    FILE *in = fopen(f->store, "rb");
    struct stat st;
    assert_non_null(in);
    assert_int_equal(fstat(fileno(in), &st), 0);
    *n = (size_t)st.st_size;
    uint8_t *bytes = malloc(*n + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, in), *n);
    assert_int_equal(fclose(in), 0);
    return bytes;
}

static void
test_import(void **state)
{
    struct fixture *f = *state;
    struct errmsg msg;
    struct list_set *set;
    assert_int_equal(lists_flatten(&f->conf, &f->source, &set, &msg), ERR_NOTFOUND);
    assert_null(set);
    write_text(f, 0,
        "$TTL 5m\n$TIMESTAMP 2026:05:31 +7d\n:5:$ is bad\n1.2.3/24\n!1.2.3.7\n"
        "1.2.3.9 :6\n1.2.3.9 :7:x");
    import_ok(f, true, 4);
    assert_addrs(f, "1.2.3.0-1.2.3.6 5:$ is bad\n1.2.3.8-1.2.3.8 5:$ is bad\n"
                    "1.2.3.9-1.2.3.9 6:$ is bad 7:x\n1.2.3.10-1.2.3.255 5:$ is bad\n");
    set = flatten(f);
    assert_int_equal(lists_set(set)->info.ttl_s, 300);
    assert_int_equal(lists_set(set)->info.expires_s, 1780790400);
    lists_free(&set);
    /* Fewer entries, and no directives. */
    write_text(f, 0, "1.2.3.4\r\n");
    import_ok(f, true, 1);
    assert_addrs(f, "1.2.3.4-1.2.3.4 2\n");
    set = flatten(f);
    assert_int_equal(lists_set(set)->info.ttl_s, 0);
    assert_int_equal(lists_set(set)->info.expires_s, 0);
    lists_free(&set);
    write_text(f, 0, "");
    import_ok(f, true, 0);
    assert_addrs(f, "");
    /* Another type: not served before it is imported again. */
    f->source.type = LIST_DNSET;
    assert_int_equal(lists_flatten(&f->conf, &f->source, &set, &msg), ERR_NOTFOUND);
    import_ok(f, true, 0);
    set = flatten(f);
    lists_free(&set);
}

static void
test_unchanged(void **state)
{
    struct fixture *f = *state;
    size_t before_n, after_n;
    write_text(f, 0, "1.2.3.4\n1.2.3.5 text\n");
    import_ok(f, true, 2);
    uint8_t *before = read_store(f, &before_n);
    import_ok(f, false, 0);
    uint8_t *after = read_store(f, &after_n);
    assert_int_equal(before_n, after_n);
    assert_memory_equal(before, after, before_n);
    free(after);
    free(before);
    /* Not read again, as its bytes could not be read now: same inode, size and time. */
    struct stat st;
    assert_int_equal(stat(f->paths[0], &st), 0);
    FILE *out = fopen(f->paths[0], "r+b");
    assert_non_null(out);
    assert_int_equal(fputc('9', out), '9');
    assert_int_equal(fclose(out), 0);
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(utimensat(0, f->paths[0], times, 0), 0);
    import_ok(f, false, 0);
    assert_addrs(f, "1.2.3.4-1.2.3.4 2\n1.2.3.5-1.2.3.5 2:text\n");
    times[1].tv_sec++;
    assert_int_equal(utimensat(0, f->paths[0], times, 0), 0);
    import_ok(f, true, 2);
    assert_addrs(f, "1.2.3.5-1.2.3.5 2:text\n9.2.3.4-9.2.3.4 2\n");
}

static void
test_failed_keeps(void **state)
{
    struct fixture *f = *state;
    bool changed;
    struct list_stats stats;
    static const char *const bad[] = {
        "$TIMESTAMP 2027:01:01\n9.9.9.9\n", "9.9.9.9\n$TIMESTAMP 2030:01:01"};
    write_text(f, 0, "1.2.3.4\n");
    import_ok(f, true, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(f, 0, bad[i]);
        assert_int_equal(import(f, &changed, &stats), ERR_REFUSED);
        assert_false(changed);
        assert_addrs(f, "1.2.3.4-1.2.3.4 2\n");
    }
    assert_int_equal(unlink(f->paths[0]), 0);
    assert_int_equal(import(f, &changed, &stats), ERR_IO);
    assert_addrs(f, "1.2.3.4-1.2.3.4 2\n");
    assert_int_equal(mkdir(f->paths[0], 0700), 0);
    assert_int_equal(import(f, &changed, &stats), ERR_IO);
    assert_int_equal(rmdir(f->paths[0]), 0);
    /* The second of two files is missing. */
    write_text(f, 0, "9.9.9.9\n");
    f->source.file_count = 2;
    assert_int_equal(import(f, &changed, &stats), ERR_IO);
    assert_addrs(f, "1.2.3.4-1.2.3.4 2\n");
}

static void
test_warnings(void **state)
{
    struct fixture *f = *state;
    bool changed;
    struct list_stats stats;
    struct errmsg msg;
    char want[200];
    write_text(f, 0, "1.2.3.4\n# nothing\n\nnonsense\n1.2.3.4/8\n1.2.3.5\n");
    assert_int_equal(import(f, &changed, &stats), ERR_OK);
    assert_int_equal(stats.lines, 6);
    assert_int_equal(stats.entries, 2);
    assert_int_equal(stats.warnings, 2);
    (void)snprintf(want, sizeof want, "%s:4: ", f->paths[0]);
    assert_memory_equal(stats.first_warning, want, strlen(want));
    assert_non_null(strstr(stats.first_warning, "; "));
    /* Lines that end with what was read at once are whole. */
    write_text(f, 0, "111.111.111.111\n255.255.255.255\n");
    assert_int_equal(import(f, &changed, &stats), ERR_OK);
    assert_int_equal(stats.lines, 2);
    assert_int_equal(stats.warnings, 0);
    /* A last line without its newline counts, but may be half a one. */
    write_text(f, 0, "1.2.3.4\n1.2.3.5");
    assert_int_equal(import(f, &changed, &stats), ERR_OK);
    assert_int_equal(stats.entries, 2);
    assert_int_equal(stats.warnings, 1);
    (void)snprintf(want, sizeof want, "%s:2: the last line has no newline", f->paths[0]);
    assert_memory_equal(stats.first_warning, want, strlen(want));
    /* One that means nothing is half a one, and what is stored stays, but as rbldnsd has it. */
    f->conf.strict_rbldnsd = false;
    write_text(f, 0, "1.2.3.9\n1.2.");
    assert_int_equal(import(f, &changed, &stats), ERR_IO);
    (void)snprintf(want, sizeof want, "%s:2: the file ends in the middle of a line", f->paths[0]);
    assert_int_equal(lists_import(&f->conf, &f->source, NOW, &changed, &stats, &msg), ERR_IO);
    assert_memory_equal(msg.text, want, strlen(want));
    assert_false(changed);
    f->conf.strict_rbldnsd = true;
    assert_int_equal(import(f, &changed, &stats), ERR_OK);
    assert_int_equal(stats.entries, 1);
    f->conf.strict_rbldnsd = false;
    /* A comment and a directive mean something. */
    write_text(f, 0, "1.2.3.4\n# the end");
    assert_int_equal(import(f, &changed, &stats), ERR_OK);
    write_text(f, 0, "1.2.3.5\n$TTL 60");
    assert_int_equal(import(f, &changed, &stats), ERR_OK);
    write_text(f, 0, "1.2.3.5\n$TT");
    assert_int_equal(import(f, &changed, &stats), ERR_IO);
    /* A line of more than 32 KiB is cut, and the next one is itself. */
    static char text[70000];
    memset(text, 'x', sizeof text);
    memcpy(text, "1.2.3.4 # ", 10);
    memcpy(text + 65000, "\n1.2.3.6 :4:\n", 13);
    write_list(f, 0, text, 65013);
    assert_int_equal(import(f, &changed, &stats), ERR_OK);
    assert_int_equal(stats.lines, 2);
    assert_int_equal(stats.warnings, 1);
    assert_addrs(f, "1.2.3.4-1.2.3.4 2\n1.2.3.6-1.2.3.6 4\n");
}

/* Single addresses of so many values that those of one address together have no number any more. */
static void
test_many_values(void **state)
{
    struct fixture *f = *state;
    static char text[40000], want[20000];
    size_t n = 0, want_n = 0;
    for (unsigned i = 0; i < 254; i++) {
        n += (size_t)snprintf(
            text + n, sizeof text - n, "1.2.%u.1 :%u:\n1.2.%u.1 :%u:\n", i, i + 1, i, i + 2);
        want_n += (size_t)snprintf(
            want + want_n, sizeof want - want_n, "1.2.%u.1-1.2.%u.1 %u %u\n", i, i, i + 1, i + 2);
    }
    write_list(f, 0, text, n);
    import_ok(f, true, 508);
    assert_addrs(f, want);
}

/* Defaults end with their file, everything else goes on; order is that of the files. */
static void
test_two_files(void **state)
{
    struct fixture *f = *state;
    f->source.file_count = 2;
    write_text(f, 0, "$MAXRANGE4 256\n$1 one\n:5:$1 $2\n1.2.3.4\n1.2.3.5");
    write_text(f, 1, "1.2.3.4 :9:$1\n1.2.3.6\n1.2.0.0/16\n$1 other\n$2 two\n");
    import_ok(f, true, 4);
    assert_addrs(
        f, "1.2.3.4-1.2.3.4 5:one two 9:one\n1.2.3.5-1.2.3.5 5:one two\n1.2.3.6-1.2.3.6 2\n");
}

static void
test_gzip(void **state)
{
    struct fixture *f = *state;
    bool changed;
    struct list_stats stats;
    uint8_t packed[4096];
    gzFile out = gzopen(f->paths[0], "wb");
    assert_non_null(out);
    for (unsigned i = 0; i < 250; i++)
        assert_true(gzprintf(out, "1.2.3.%u :%u:entry %u\n", i, i + 2, i * i) > 0);
    assert_int_equal(gzclose(out), Z_OK);
    import_ok(f, true, 250);
    FILE *in = fopen(f->paths[0], "rb");
    assert_non_null(in);
    size_t n = fread(packed, 1, sizeof packed, in);
    assert_int_equal(fclose(in), 0);
    /* Cut short, or with one bit turned: an error, and the old entries stay. */
    write_list(f, 0, packed, n - 20);
    assert_int_equal(import(f, &changed, &stats), ERR_IO);
    packed[n / 2] ^= 4;
    write_list(f, 0, packed, n);
    assert_int_equal(import(f, &changed, &stats), ERR_IO);
    struct list_set *set = flatten(f);
    assert_int_equal(lists_set(set)->count, 250);
    lists_free(&set);
}

static void
test_zstd(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "1.2.3.4\n1.2.3.5 :5:\n1.2.3.6";
    uint8_t packed[256];
    bool changed;
    struct list_stats stats;
    struct errmsg msg;
    char want[200];
    size_t n = ZSTD_compress(packed, sizeof packed, text, sizeof text - 1, 3);
    assert_false(ZSTD_isError(n));
    write_list(f, 0, packed, n);
    import_ok(f, true, 3);
    /* Cut short, it says which file and leaves the entries. */
    write_list(f, 0, packed, n - 1);
    assert_int_equal(lists_import(&f->conf, &f->source, NOW, &changed, &stats, &msg), ERR_IO);
    (void)snprintf(want, sizeof want, "%s:", f->paths[0]);
    assert_memory_equal(msg.text, want, strlen(want));
    assert_non_null(strstr(msg.text, "cut short"));
    assert_addrs(f, "1.2.3.4-1.2.3.4 2\n1.2.3.5-1.2.3.5 5\n1.2.3.6-1.2.3.6 2\n");
}

/* Sources side by side in one store, and one record a source that differs. */
static void
test_many_sources(void **state)
{
    struct fixture *f = *state;
    struct list_source other = {.name = "mine2", .file_count = 1, .files = f->files + 1};
    write_text(f, 0, "1.1.1.1\n1.1.1.2\n");
    write_text(f, 1, "2.2.2.2\n2.2.2.3\n2.2.2.4\n");
    import_ok(f, true, 2);
    bool changed;
    struct list_stats stats;
    struct errmsg msg;
    struct list_set *set;
    assert_int_equal(lists_import(&f->conf, &other, NOW, &changed, &stats, &msg), ERR_OK);
    write_text(f, 0, "1.1.1.1\n");
    import_ok(f, true, 1);
    assert_addrs(f, "1.1.1.1-1.1.1.1 2\n");
    assert_int_equal(lists_flatten(&f->conf, &other, &set, &msg), ERR_OK);
    assert_int_equal(lists_set(set)->count, 1);
    struct ip ip = ip_from_v4(0x02020204);
    assert_true(lists_has_ip(set, &ip));
    lists_free(&set);
}

static void
test_has_ip(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        bool has;
    } cases[] = {{"10.0.0.0", true}, {"9.255.255.255", false}, {"10.255.255.255", true},
        {"11.0.0.0", false}, {"10.1.2.3", false}, {"10.1.2.4", true}, {"192.0.2.1", true},
        {"192.0.2.2", false}, {"255.255.255.255", false}, {"2001:db8::1", false}};
    write_text(f, 0, "10/8\n!10.1.2.3\n192.0.2.1\n");
    import_ok(f, true, 3);
    struct list_set *set = flatten(f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ip ip;
        assert_int_equal(ip_parse(cases[i].text, strlen(cases[i].text), &ip), ERR_OK);
        assert_int_equal(lists_has_ip(set, &ip), cases[i].has);
    }
    struct dname name;
    assert_int_equal(dname_parse("a.b", 3, &name), ERR_OK);
    assert_false(lists_has_name(set, &name));
    lists_free(&set);
}

static void
test_names(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        bool has;
    } cases[] = {{"exact.test", true}, {"below.exact.test", false}, {"both.test", true},
        {"a.b.both.test", true}, {"ok.both.test", false}, {"x.ok.both.test", true},
        {"wild.test", false}, {"a.wild.test", true}, {"no.wild.test", true},
        {"x.no.wild.test", false}, {"x.y.no.wild.test", false}, {"yes.no.wild.test", true},
        {"gone.test", false}, {"test", false}, {"other", false}, {"EXACT.test", true}};
    f->source.type = LIST_DNSET;
    write_text(f, 0,
        "exact.test\n.both.test :3:a\n!ok.both.test\n*.wild.test :4:b\n"
        "!*.no.wild.test\nyes.no.wild.test\ngone.test\n!gone.test\n"
        "*.wild.test :5:c\n.BOTH.test. :3:a\n*.wild.test :4:b");
    import_ok(f, true, 11);
    struct list_set *set = flatten(f);
    const struct publish_set *flat = lists_set(set);
    assert_int_equal(flat->info.kind, DATASET_NAME);
    assert_int_equal(flat->count, 7);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dname name;
        assert_int_equal(dname_parse(cases[i].text, strlen(cases[i].text), &name), ERR_OK);
        if (lists_has_name(set, &name) != cases[i].has)
            fail_msg("%s", cases[i].text);
    }
    for (size_t i = 0; i < flat->count; i++) {
        uint8_t before[DNAME_KEY_MAX], key[DNAME_KEY_MAX];
        const struct nameset_entry *entry = &flat->names[i];
        if (i > 0)
            assert_true(slice_cmp(slice_of(before, dname_key(&flat->names[i - 1].name, before)),
                            slice_of(key, dname_key(&entry->name, key))) < 0);
        /* Values in file order, equal ones once. */
        if (entry->wild.kind == NAMESET_SLOT_VALUE && entry->exact.kind == NAMESET_SLOT_EMPTY)
            assert_memory_equal(entry->wild.value.p, "T\177\0\0\4\1bT\177\0\0\5\1c", 14);
    }
    struct ip ip = ip_from_v4(1);
    assert_false(lists_has_ip(set, &ip));
    lists_free(&set);
}

/* The types that have prefixes: from the file through the store to ranges. */
static void
test_prefix_types(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum list_type type;
        unsigned entries;
        const char *text, *want;
    } cases[] = {
        {LIST_IP4TSET, 3, "1.2.3.5 :9:x\n1.2.3.4\n:4:one $\n:5:two\n1.2.3.4\n!1.2.3.5\n",
            "1.2.3.4-1.2.3.5 4:one $\n"},
        {LIST_IP4TRIE, 5, "0/0 :3\n!10/8\n10.1/16 :4:in\n10.1/16 :5:late\n10.1.2.3 :6\n",
            "0.0.0.0-9.255.255.255 3\n10.1.0.0-10.1.2.2 4:in\n10.1.2.3-10.1.2.3 6\n"
            "10.1.2.4-10.1.255.255 4:in\n11.0.0.0-255.255.255.255 3\n"},
        {LIST_IP4TRIE, 2, "!1.2.3.4\n1.2.3.4 :5\n", ""},
        {LIST_IP6TSET, 4, "1:2:3:4\n!1:2:3:4::7\n:5:x\n1:2:3:5\n!9::9\n",
            "1:2:3:4::-1:2:3:4::6 5:x\n1:2:3:4::8-1:2:3:5:ffff:ffff:ffff:ffff 5:x\n"},
        {LIST_IP6TRIE, 3, "::/0 :3\n8000::/1 :4:up\n::ffff:102:304 :5\n",
            "::-::fffe:ffff:ffff 3\n::1:0:0:0-7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 3\n"
            "8000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 4:up\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f->source.type = cases[i].type;
        write_text(f, 0, cases[i].text);
        import_ok(f, true, cases[i].entries);
        assert_addrs(f, cases[i].want);
        import_ok(f, false, 0);
    }
}

/* One value for all: a default that changes changes them all, and the first of two files rules. */
static void
test_one_value(void **state)
{
    struct fixture *f = *state;
    f->source.type = LIST_IP4TSET;
    f->source.file_count = 2;
    write_text(f, 0, "1.2.3.4\n");
    write_text(f, 1, ":6:second\n1.2.3.5\n");
    import_ok(f, true, 2);
    assert_addrs(f, "1.2.3.4-1.2.3.5 6:second\n");
    write_text(f, 0, "1.2.3.4\n:5:first\n");
    import_ok(f, true, 2);
    assert_addrs(f, "1.2.3.4-1.2.3.5 5:first\n");
    f->source.type = LIST_IP4TRIE;
    import_ok(f, true, 2);
    assert_addrs(f, "1.2.3.4-1.2.3.4 2\n1.2.3.5-1.2.3.5 6:second\n");
}

static void
test_has_ip6(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        bool has;
    } cases[] = {{"::", true}, {"::fffe:ffff:ffff", true}, {"::1:0:0:0", true}, {"1.2.3.4", false},
        {"::ffff:1.2.3.4", false}, {"2001:db8::1", false}, {"2001:db8:1::1", true}};
    f->source.type = LIST_IP6TRIE;
    write_text(f, 0, "::/0\n!2001:db8::/32\n2001:db8:1::/48\n");
    import_ok(f, true, 3);
    struct list_set *set = flatten(f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ip ip;
        assert_int_equal(ip_parse(cases[i].text, strlen(cases[i].text), &ip), ERR_OK);
        assert_int_equal(lists_has_ip(set, &ip), cases[i].has);
    }
    lists_free(&set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_import, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unchanged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_keeps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_warnings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gzip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zstd, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_has_ip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prefix_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_value, setup, teardown),
        cmocka_unit_test_setup_teardown(test_has_ip6, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
