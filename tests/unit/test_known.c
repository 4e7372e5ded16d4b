/*
 * What is published beside what was judged: files of known domains, and the addresses that are
 * never listed.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/list_files.h"

#include "loader/knowndomains.h"
#include "loader/neverset.h"

#define T0 (INT64_C(86400) * 20000)

struct fixture {
    char dir[40], lists[64], file[64], log[64];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    strcpy(f->dir, "/tmp/repdns-known-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->lists, sizeof f->lists, "%s/lists.mdb", f->dir);
    (void)snprintf(f->file, sizeof f->file, "%s/file", f->dir);
    (void)snprintf(f->log, sizeof f->log, "%s/log", f->dir);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    list_remove_folder(f->dir);
    free(f);
    return 0;
}

static void
write_file(const struct fixture *f, const void *bytes, size_t n)
{
    FILE *file = fopen(f->file, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* Reads the file, as many times as told; the names as text, one after another with blanks between.
 * What was logged goes into log. */
static void
read_known(const struct fixture *f, unsigned times, const char *bytes, size_t n, char *names,
    char *log, size_t size)
{
    char *files[] = {(char *)(uintptr_t)f->file, (char *)(uintptr_t)f->file};
    const struct conf conf = {.spf = {.file_count = times, .files = files}};
    struct known_domains known = {0};
    struct errmsg msg = {""};
    write_file(f, bytes, n);
    int before = dup(STDERR_FILENO), to = open(f->log, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(before >= 0 && to >= 0 && dup2(to, STDERR_FILENO) >= 0);
    enum err err = known_domains_read(&conf, &known, &msg);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    (void)close(before);
    if (err < 0)
        fail_msg("%s", msg.text);
    names[0] = '\0';
    for (size_t i = 0; i < known.count; i++) {
        char text[DNAME_TEXT_SIZE];
        (void)dname_format(&known.names[i], text);
        size_t at = strlen(names);
        (void)snprintf(names + at, size - at, "%s%s", i > 0 ? " " : "", text);
    }
    known_domains_free(&known);
    assert_null(known.names);
    ssize_t got = pread(to, log, size - 1, 0);
    assert_true(got >= 0);
    log[got] = '\0';
    (void)close(to);
}

static void
known_domains_are_read(void **state)
{
    static const struct {
        const char *text, *names;
        const char *log; /* "": nothing; else after the path */
    } cases[] = {{"", "", ""}, {"a.example\nb.example\n", "a.example b.example", ""},
        {"no-end.example", "no-end.example", ""},
        {"# comment\n\n  \t\n \ta.example  # why\nb.example#\n#c.example\n", "a.example b.example",
            ""},
        {"A.Example.\r\n\r\n# x\r\nb.example\r\n", "a.example b.example", ""},
        {"a.example and more\n", "a.example", ""},
        {"a.example\n\na..b\n.\nb.example\n\\9\nc.example\n", "a.example b.example c.example",
            ":3: no domain name; 3 such lines were skipped"},
        {"bad..name", "", ":1: no domain name; 1 such lines were skipped"}};
    struct fixture *f = *state;
    char names[2048], log[2048], wanted[200];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_known(f, 1, cases[i].text, strlen(cases[i].text), names, log, sizeof names);
        assert_string_equal(names, cases[i].names);
        if (cases[i].log[0] == '\0')
            assert_string_equal(log, "");
        (void)snprintf(wanted, sizeof wanted, "%s%s", f->file, cases[i].log);
        if (cases[i].log[0] != '\0' && strstr(log, wanted) == NULL)
            fail_msg("\"%s\", wanted \"%s\"", log, wanted);
    }
}

/* Of a line that is longer than any name only the beginning is looked at; it is one line. */
static void
known_domains_have_long_lines(void **state)
{
    static const char *const begins[] = {"a.example ", "# ", "a.example#", "1234567890", "\t"};
    static const char *const wanted[] = {
        "a.example z.example", "z.example", "a.example z.example", "z.example", "z.example"};
    struct fixture *f = *state;
    char names[2048], log[2048], text[8192];
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        /* Lengths around the reader's buffer, and of several of them. */
        for (size_t n = 1190; n < 5000; n += n < 1210 ? 1 : 1103) {
            memset(text, i == 4 ? ' ' : 'x', sizeof text);
            memcpy(text, begins[i], strlen(begins[i]));
            strcpy(text + n, "\nz.example\n..\n");
            read_known(f, 1, text, strlen(text), names, log, sizeof names);
            assert_string_equal(names, wanted[i]);
            const char *said = i == 3 ? "file:1: no domain name; 2 such lines were skipped"
                                      : "file:3: no domain name; 1 such lines were skipped";
            if (strstr(log, said) == NULL)
                fail_msg("%zu bytes: %s", n, log);
        }
    }
    /* Two files, each for itself. */
    read_known(f, 2, "..\na.example\n", 13, names, log, sizeof names);
    assert_string_equal(names, "a.example a.example");
    const char *first = strstr(log, "file:1: no domain name; 1 such");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "file:1: no domain name; 1 such"));
}

static void
known_domains_that_cant_be_read(void **state)
{
    struct fixture *f = *state;
    struct known_domains known = {0};
    struct errmsg msg = {""};
    char *files[] = {f->file};
    struct conf conf = {.spf = {.file_count = 0, .files = files}};
    assert_int_equal(known_domains_read(&conf, &known, &msg), ERR_OK);
    conf.spf.file_count = 1;
    assert_int_equal(known_domains_read(&conf, &known, &msg), ERR_NOTFOUND);
    assert_non_null(strstr(msg.text, f->file));
    assert_non_null(strstr(msg.text, "No such file"));
    files[0] = f->dir;
    assert_int_equal(known_domains_read(&conf, &known, &msg), ERR_IO);
    assert_non_null(strstr(msg.text, f->dir));
    assert_non_null(strstr(msg.text, "directory"));
    known_domains_free(&known);
}

static struct prefix
prefix_from(const char *text)
{
    struct prefix prefix;
    assert_int_equal(prefix_parse(text, strlen(text), true, &prefix), ERR_OK);
    return prefix;
}

static enum err
emit_nothing(void *ctx, struct slice key, struct slice value)
{
    (void)ctx;
    (void)key;
    (void)value;
    return ERR_OK;
}

/* The set as "first-last" texts with blanks between; it has to be what ipset_build takes. */
static void
set_text(const struct neverset *set, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < set->count; i++) {
        char first[IP_TEXT_SIZE], last[IP_TEXT_SIZE];
        size_t at = strlen(out);
        ip_format(&set->entries[i].range.first, first);
        ip_format(&set->entries[i].range.last, last);
        (void)snprintf(out + at, size - at, "%s%s-%s", i > 0 ? " " : "", first, last);
        assert_ptr_equal(set->entries[i].value.p, set->value);
        assert_int_equal(set->entries[i].value.n, VALUE_REASONS_SIZE);
    }
    if (ipset_build(1, set->entries, set->count, emit_nothing, NULL) < 0)
        fail_msg("ipset_build refuses %s", out);
}

static void
never_set_of_networks(void **state)
{
    static const struct {
        const char *own, *relays, *never; /* "": none */
        const char *wanted;
    } cases[] = {{"", "", "", ""}, {"192.0.2.0/24", "", "", "192.0.2.0-192.0.2.255"},
        {"192.0.2.0/24", "192.0.2.7/32", "192.0.2.128/25", "192.0.2.0-192.0.2.255"},
        {"192.0.2.7/32", "192.0.0.0/16", "192.0.2.9/32", "192.0.0.0-192.0.255.255"},
        {"198.51.100.1/32", "192.0.2.0/24", "198.51.100.1/32",
            "192.0.2.0-192.0.2.255 198.51.100.1-198.51.100.1"},
        /* Neighbours are not one range, which does no harm. */
        {"192.0.2.0/25", "192.0.2.128/25", "", "192.0.2.0-192.0.2.127 192.0.2.128-192.0.2.255"},
        {"0.0.0.0/0", "192.0.2.1/32", "", "0.0.0.0-255.255.255.255"},
        {"::/80", "", "", "::-::fffe:ffff:ffff"},
        {"2001:db8::/32", "2001:db8:1::/48", "2001:db8::7/128",
            "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"2001:db8::1/128", "192.0.2.1/32", "::1/128",
            "::1-::1 192.0.2.1-192.0.2.1 2001:db8::1-2001:db8::1"},
        /* IPv4's place among the IPv6 addresses. */
        {"::/0", "", "", "::-::fffe:ffff:ffff ::1:0:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"::/0", "192.0.2.0/24", "2001:db8::/32",
            "::-::fffe:ffff:ffff 192.0.2.0-192.0.2.255 "
            "::1:0:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"::/64", "", "", "::-::fffe:ffff:ffff ::1:0:0:0-::ffff:ffff:ffff:ffff"},
        {"::/79", "", "", "::-::fffe:ffff:ffff ::1:0:0:0-::1:ffff:ffff:ffff"},
        {"::/96", "", "", "::-::ffff:ffff"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const texts[] = {cases[i].own, cases[i].relays, cases[i].never};
        struct prefix prefixes[3];
        unsigned counts[3];
        char text[1024];
        struct neverset set = {0};
        for (unsigned k = 0; k < 3; k++) {
            counts[k] = texts[k][0] != '\0';
            if (counts[k] > 0)
                prefixes[k] = prefix_from(texts[k]);
        }
        const struct conf conf = {.own_networks = &prefixes[0],
            .own_network_count = counts[0],
            .trusted_relays = &prefixes[1],
            .trusted_relay_count = counts[1],
            .never_list = &prefixes[2],
            .never_count = counts[2]};
        assert_int_equal(neverset_make(&conf, NULL, 0, &set), ERR_OK);
        set_text(&set, text, sizeof text);
        assert_string_equal(text, cases[i].wanted);
        neverset_free(&set);
        assert_null(set.entries);
    }
}

static struct list_set *
import_list(struct fixture *f, const char *name, enum list_type type, const char *text)
{
    char *files[] = {f->file};
    struct list_source source = {.type = type, .role = LIST_ALLOW, .file_count = 1, .files = files};
    struct list_stats stats;
    struct list_set *set;
    struct errmsg msg;
    bool changed;
    strcpy(source.name, name);
    write_file(f, text, strlen(text));
    const struct conf conf = {.lists_path = f->lists, .lists = &source, .list_count = 1};
    if (lists_import(&conf, &source, T0, &changed, &stats, &msg) < 0 ||
        lists_flatten(&conf, &source, &set, &msg) < 0)
        fail_msg("%s", msg.text);
    assert_int_equal(stats.warnings, 0);
    return set;
}

static void
never_set_of_allow_lists(void **state)
{
    struct fixture *f = *state;
    struct prefix own = prefix_from("192.0.2.0/25");
    struct list_set *lists[] = {
        import_list(f, "four", LIST_IP4SET, "192.0.2.64/26\n198.51.100.0/24\n!198.51.100.128/25\n"),
        import_list(f, "six", LIST_IP6TRIE, "2001:db8::/32\n"),
        import_list(f, "all", LIST_IP6TRIE, "::/0\n"),
        import_list(f, "names", LIST_DNSET, "friend.example\n")};
    const struct list_set *allow[] = {lists[0], lists[1], lists[3], lists[2]};
    struct neverset set = {0};
    char text[1024];
    const struct conf conf = {.own_networks = &own, .own_network_count = 1};
    assert_int_equal(neverset_make(&conf, allow, 3, &set), ERR_OK);
    set_text(&set, text, sizeof text);
    assert_string_equal(text, "192.0.2.0-192.0.2.127 198.51.100.0-198.51.100.127 "
                              "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
    neverset_free(&set);
    assert_int_equal(neverset_make(&conf, allow, 4, &set), ERR_OK);
    set_text(&set, text, sizeof text);
    assert_string_equal(text, "::-::fffe:ffff:ffff 192.0.2.0-192.0.2.127 "
                              "198.51.100.0-198.51.100.127 "
                              "::1:0:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    neverset_free(&set);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        lists_free(&lists[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known_domains_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(known_domains_have_long_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(known_domains_that_cant_be_read, setup, teardown),
        cmocka_unit_test(never_set_of_networks),
        cmocka_unit_test_setup_teardown(never_set_of_allow_lists, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
