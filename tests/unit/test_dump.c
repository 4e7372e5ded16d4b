/*
 * Lists on their way out: what is dumped in rbldnsd's form and imported again is the same list, and
 * dumps to the same bytes, for every type; JSON and zone files say what the list says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/list_files.h"
#include "tests/unit/random.h"
#include <jansson.h>

#include "loader/lists.h"
#include "tools/tools.h"

#define NOW INT64_C(1780272000) /* 2026-06-01 */

/* Two lists of one type: one from lines, the other from what the first is dumped as. */
struct fixture {
    char dir[40], lists[64], answers[64], paths[2][64];
    char *files[2];
    struct list_source sources[2];
    struct conf conf;
    char *text; /* of the last dump */
    size_t size;
    struct errmsg msg;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return 1;
    strcpy(f->dir, "/tmp/repdns-dump-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->lists, sizeof f->lists, "%s/lists.mdb", f->dir);
    (void)snprintf(f->answers, sizeof f->answers, "%s/answers.mdb", f->dir);
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(f->paths[i], sizeof f->paths[i], "%s/list%u", f->dir, i);
        f->files[i] = f->paths[i];
        f->sources[i] = (struct list_source){.file_count = 1, .files = &f->files[i]};
        strcpy(f->sources[i].name, i == 0 ? "one" : "two");
    }
    f->conf = (struct conf){
        .lists_path = f->lists, .answers_path = f->answers, .lists = f->sources, .list_count = 2};
    *state = f;
    return 0;
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

static uint64_t
import(struct fixture *f, unsigned which, enum list_type type, const char *text, size_t n)
{
    return list_import_text(&f->conf, &f->sources[which], type, text, n, NOW);
}

static enum exit_code
dump_as(struct fixture *f, const char *form, const char *name)
{
    char copy[64], *args[] = {copy};
    (void)snprintf(copy, sizeof copy, "%s", name);
    free(f->text);
    f->text = NULL;
    struct tool tool = {.conf = &f->conf,
        .now_s = NOW,
        .out = open_memstream(&f->text, &f->size),
        .as = form,
        .arg_count = name[0] != '\0',
        .args = args};
    assert_non_null(tool.out);
    f->msg.text[0] = '\0';
    enum exit_code code = tool_dump(&tool, &f->msg);
    assert_int_equal(fclose(tool.out), 0);
    return code;
}

static void
same_slot(const struct nameset_slot *a, const struct nameset_slot *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(slice_cmp(a->value, b->value), 0);
}

static void
same_sets(struct fixture *f)
{
    struct list_set *sets[2];
    for (unsigned i = 0; i < 2; i++)
        if (lists_flatten(&f->conf, &f->sources[i], &sets[i], &f->msg) < 0)
            fail_msg("%s", f->msg.text);
    const struct publish_set *a = lists_set(sets[0]), *b = lists_set(sets[1]);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->info.ttl_s, b->info.ttl_s);
    assert_int_equal(a->info.expires_s, b->info.expires_s);
    for (size_t i = 0; i < a->count; i++) {
        if (publish_has_ranges(a)) {
            const struct ipset_entry x = publish_range(a, i), y = publish_range(b, i);
            assert_memory_equal(&x.range, &y.range, sizeof(struct range));
            assert_int_equal(slice_cmp(x.value, y.value), 0);
            continue;
        }
        assert_true(dname_equal(&a->names[i].name, &b->names[i].name));
        same_slot(&a->names[i].exact, &b->names[i].exact);
        same_slot(&a->names[i].wild, &b->names[i].wild);
    }
    for (unsigned i = 0; i < 2; i++)
        lists_free(&sets[i]);
}

/* Lines to a list, to a dump, to a list, to a dump. */
static void
round_trip(struct fixture *f, enum list_type type, const char *lines)
{
    (void)import(f, 0, type, lines, strlen(lines));
    if (dump_as(f, "rbldnsd", "one") != EXIT_DONE)
        fail_msg("%s: %s", lines, f->msg.text);
    char *first = f->text;
    size_t n = f->size;
    f->text = NULL;
    (void)import(f, 1, type, first, n);
    same_sets(f);
    assert_int_equal(dump_as(f, "rbldnsd", "two"), EXIT_DONE);
    if (f->size != n || memcmp(f->text, first, n) != 0)
        fail_msg("dumped:\n%s\nand again:\n%s", first, f->text);
    free(first);
}

static void
forms_of_rbldnsd(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum list_type type;
        const char *lines, *dump;
    } cases[] = {
        {LIST_IP4SET, "", ""},
        {LIST_IP4SET,
            "$TTL 5m\n$TIMESTAMP 2026:05:31 2037:01:02:03:04:05\n:5:$ bad\n9.1.1/24\n"
            "!9.1.1.7\n9.1.1.9 :6\n9.1.1.9 :7:x\n9.1.1.9 :7:x\n0.0.0.0-255.255.255.255 :8:",
            "$TTL 300\n$TIMESTAMP 0 2037:01:02:03:04:05\n:127.0.0.8:\n0.0.0.0-9.1.0.255\n"
            "9.1.1.0-9.1.1.6 :127.0.0.5:$ bad\n9.1.1.8 :127.0.0.5:$ bad\n"
            "9.1.1.9 :127.0.0.6:$ bad\n9.1.1.9 :127.0.0.7:x\n9.1.1.10-9.1.1.255 :127.0.0.5:$ bad\n"
            "9.1.2.0-255.255.255.255\n"},
        {LIST_IP4SET, "0.0.0.0-255.255.255.255\n", ":127.0.0.2:\n0.0.0.0-255.255.255.255\n"},
        {LIST_IP4TSET, "9.1.1.1\n9.1.1.2\n255.255.255.255\n:6:all\n",
            ":127.0.0.6:all\n9.1.1.1\n9.1.1.2\n255.255.255.255\n"},
        {LIST_IP4TRIE, "0/0 :3\n!128/1\n9.9.9.9 :4:x\n", NULL},
        {LIST_IP4TRIE, "0/0\n", ":127.0.0.2:\n0.0.0.0/0\n"},
        {LIST_IP4TRIE, "9.0.0.0/9\n9.128.0.0/9\n!9.9.9.9\n", NULL},
        {LIST_IP6TSET,
            ":5:x\n1:2:3:4\n1:2:3:5\n!1:2:3:4::7\n!1:2:3:5::\n0:0:0:0\n!::\n"
            "!ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\nffff:ffff:ffff:ffff\n",
            ":127.0.0.5:x\n0:0:0:0\n!::\n1:2:3:4\n!1:2:3:4::7\n1:2:3:5\n!1:2:3:5::\n"
            "ffff:ffff:ffff:ffff\n!ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n"},
        {LIST_IP6TRIE, "::/0 :3\n!2001:db8::/32\n2001:db8:5::/48 :4:y $\n2001:db8:5::1\n", NULL},
        {LIST_IP6TRIE, "1:2:3:4:5:6:7:8\n::1\n1::/16 :9:\n", NULL},
        {LIST_DNSET,
            ".a.test\n*.b.test :3:x\nb.test :4:y\nb.test\n!no.b.test\n!*.c.test\nc.test\n"
            "!.d.test\n",
            NULL},
        {LIST_DNSET,
            "\\#a.t\n\\;b.t\n\\!c.t\n\\:d.t\n\\$e.t\n\\*.f.t\n*.\\*.g.t\n!\\!h.t\n"
            "i\\.j.t\n\\000k.t\n\\\\l.t\nm#n;o.t\n\\032p.t\n\\255q.t\n",
            NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        round_trip(f, cases[i].type, cases[i].lines);
        const char *body = strchr(f->text, '\n') + 1;
        if (cases[i].dump != NULL)
            assert_string_equal(body, cases[i].dump);
    }
}

/* Texts that lines bring about in odd ways. */
static void
texts_of_rbldnsd(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "9.1.1.1 plain\n9.1.1.2 =also\n9.1.1.3 ==two\n9.1.1.4 =  blanks\n9.1.1.5 :5:\n9.1.1.6 :5\n",
        "$1 one\n$2 $3 = $\n9.1.1.1 $1 $2 $3 $4 $$ $$$ $$$$ $\n9.1.1.2 $$5$$ $=\n9.1.1.3 $x$\n",
        "$= see $ about $=\n9.1.1.1\n9.1.1.2 its own $ text\n9.1.1.3 =none of it\n9.1.1.4 :5:\n",
        "$= ask $=1 or $== or $\n9.1.1.1\n9.1.1.2 :6:\n9.1.1.3 =text\n9.1.1.4 =\n9.1.1.5 = x\n",
        "$= ask $= or $=1\n9.1.1.1\n9.1.1.6 ==y\n",
        "$= $=5\n9.1.1.1\n",
        "9.1.1.1 :1.2.3.4:far\n9.1.1.2 :1.2:short\n9.1.1.3 \xff\x80 raw \t bytes \x01\n",
        "9.1.1.1 a\rb\n9.1.1.2 \"quoted\" \\ # ;\n9.1.1.3 :5: # no comment\n9.1.1.4 :5::6:\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        round_trip(f, LIST_IP4SET, texts[i]);
    /* As long as a text may be, and cut where a blank is. */
    for (unsigned n = 245; n <= 262; n++) {
        char lines[2000];
        int at = 0;
        for (unsigned k = 0; k < 4; k++) {
            char text[300];
            memset(text, 'x', n);
            text[n] = '\0';
            if (k == 1)
                memset(text + 240, ' ', n - 241);
            if (k == 2)
                memset(text + 100, '$', 40);
            if (k == 3)
                text[0] = text[1] = '=';
            at += snprintf(lines + at, sizeof lines - (size_t)at, "9.1.1.%u :5:%s\n", k, text);
        }
        round_trip(f, LIST_IP4SET, lines);
    }
}

static void
add_random_key(FILE *out, enum list_type type, uint32_t *seed)
{
    unsigned a = next_random(seed) % 3, b = next_random(seed) % 4, c = next_random(seed) % 256;
    unsigned bits = next_random(seed) % 33;
    bool excluded = next_random(seed) % 4 == 0;
    fputs(excluded && type != LIST_IP4TSET ? "!" : "", out);
    uint32_t v4 = (9U << 24 | a << 16 | b << 8 | c) & (bits == 0 ? 0 : UINT32_MAX << (32 - bits));
    switch (type) {
    case LIST_IP4SET:
        fprintf(out, "9.%u.%u.%u-9.%u.%u.255", a, b, c, a + next_random(seed) % 2, b + 1);
        return;
    case LIST_IP4TSET:
        fprintf(out, "9.%u.%u.%u", a, b, c);
        return;
    case LIST_IP4TRIE:
        fprintf(out, "%u.%u.%u.%u/%u", v4 >> 24, v4 >> 16 & 255, v4 >> 8 & 255, v4 & 255, bits);
        return;
    case LIST_IP6TSET:
        fprintf(out, excluded ? "2001:db8:%x:%x::%x" : "2001:db8:%x:%x", a, b, c % 4);
        return;
    case LIST_IP6TRIE:
        fprintf(out, "2001:db8:%x:%x::/%u", a, b, 64 + next_random(seed) % 65);
        return;
    default:
        fprintf(out, "%s%c.%c.%c",
            a == 0   ? ""
            : a == 1 ? "."
                     : "*.",
            'a' + (int)b, 'a' + (int)(c % 3), 'a' + (int)(bits % 2));
        return;
    }
}

static void
random_lists(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"", " :3:$ x", " :4", " text $$ $ = $1", " =$", " :2:"};
    uint32_t seed = 17;
    for (unsigned round = 0; round < 240; round++) {
        enum list_type type = (enum list_type)(round % LIST_TYPE_COUNT);
        if (!list_type_lists(type))
            continue;
        char *lines = NULL;
        size_t size;
        FILE *out = open_memstream(&lines, &size);
        assert_non_null(out);
        if (round % 7 == 0)
            fputs("$= base $=1 and $\n", out);
        if (round % 5 == 0)
            fputs(":9:default $\n", out);
        for (unsigned n = next_random(&seed) % 30; n > 0; n--) {
            add_random_key(out, type, &seed);
            fprintf(out, "%s\n", texts[next_random(&seed) % 6]);
        }
        assert_int_equal(fclose(out), 0);
        round_trip(f, type, lines);
        free(lines);
    }
}

static void
forms_of_json(void **state)
{
    struct fixture *f = *state;
    static const char lines[] = "9.1.1.0/24 :5:\"q\" \\ \xe4\xff $\n9.1.1.9 :6:gr\xc3\xbc\xc3\x9f\n"
                                "9.1.1.9 :7\n9.1.1.10-19 :8:\n";
    (void)import(f, 0, LIST_IP4SET, lines, strlen(lines));
    assert_int_equal(dump_as(f, "json", "one"), EXIT_DONE);
    assert_string_equal(f->text,
        "{\"key\": \"9.1.1.0-9.1.1.8\", \"a\": \"127.0.0.5\", "
        "\"txt\": \"\\\"q\\\" \\\\ \\u00E4\\u00FF $\"}\n"
        "{\"key\": \"9.1.1.9\", \"a\": \"127.0.0.6\", \"txt\": \"gr\\u00FC\\u00DF\"}\n"
        "{\"key\": \"9.1.1.9\", \"a\": \"127.0.0.7\"}\n"
        "{\"key\": \"9.1.1.10-9.1.1.19\", \"a\": \"127.0.0.8\"}\n"
        "{\"key\": \"9.1.1.20-9.1.1.255\", \"a\": \"127.0.0.5\", "
        "\"txt\": \"\\\"q\\\" \\\\ \\u00E4\\u00FF $\"}\n");
    for (char *line = strtok(f->text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(json_object_get(object, "key"));
        json_decref(object);
    }
    (void)import(f, 0, LIST_DNSET, ".a.t\n!x.a.t\n", 12);
    assert_int_equal(dump_as(f, "json", "one"), EXIT_DONE);
    assert_string_equal(f->text, "{\"key\": \".a.t\", \"a\": \"127.0.0.2\"}\n"
                                 "{\"key\": \"x.a.t\", \"excluded\": true}\n");
}

static void
forms_of_bind(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum list_type type;
        const char *lines, *dump;
    } cases[] = {
        {LIST_IP4SET, "9.1.0.0/23 :5:$ \"bad\"; $$\n9.1.2.254-9.1.2.255\n",
            "*.0.1.9 A 127.0.0.5\n*.0.1.9 TXT \"9.1.0.0/24 \\\"bad\\\"; $\"\n"
            "*.1.1.9 A 127.0.0.5\n*.1.1.9 TXT \"9.1.1.0/24 \\\"bad\\\"; $\"\n"
            "254.2.1.9 A 127.0.0.2\n255.2.1.9 A 127.0.0.2\n"},
        {LIST_IP4TRIE, "9/8\n", "*.9 A 127.0.0.2\n"},
        {LIST_IP4TRIE, "0/0\n", "* A 127.0.0.2\n"},
        {LIST_IP6TRIE, "2001:db8::/32\n3000::/4\n8000::/2\n",
            "*.8.b.d.0.1.0.0.2 A 127.0.0.2\n*.3 A 127.0.0.2\n*.8 A 127.0.0.2\n"
            "*.9 A 127.0.0.2\n*.a A 127.0.0.2\n*.b A 127.0.0.2\n"},
        {LIST_IP6TRIE, "::1 :3:it is \xff $\n",
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 A 127.0.0.3\n"
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 TXT \"it is \\255 "
            "::1\"\n"},
        {LIST_DNSET, "a.t\n*.b.t :3:$!\n",
            "a.t A 127.0.0.2\n*.b.t A 127.0.0.3\n"
            "*.b.t TXT \"b.t!\"\n"},
        /* Between a wildcard and what lies below it names exist, for which it would be silent. */
        {LIST_DNSET, ".t :3:$\nx.y.t :4:\n!n.t\n!*.w.t\n",
            "t A 127.0.0.3\nt TXT \"t\"\n*.t A 127.0.0.3\n*.t TXT \"t\"\n"
            "n.t TYPE65280 \\# 0\n*.n.t A 127.0.0.3\n*.n.t TXT \"t\"\n"
            "w.t A 127.0.0.3\nw.t TXT \"t\"\n*.w.t TYPE65280 \\# 0\n"
            "y.t A 127.0.0.3\ny.t TXT \"t\"\n*.y.t A 127.0.0.3\n*.y.t TXT \"t\"\n"
            "x.y.t A 127.0.0.4\n*.x.y.t A 127.0.0.3\n*.x.y.t TXT \"t\"\n"},
        {LIST_DNSET, "\\@.a\\;\\$\\\"b\\(.t\n", "\\@.a\\;\\$\\\"b\\(.t A 127.0.0.2\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)import(f, 0, cases[i].type, cases[i].lines, strlen(cases[i].lines));
        assert_int_equal(dump_as(f, "bind", "one"), EXIT_DONE);
        const char *body = strstr(f->text, "$TTL 2100\n; no zone has it: add SOA and NS\n");
        assert_non_null(body);
        assert_string_equal(strchr(strchr(body, '\n') + 1, '\n') + 1, cases[i].dump);
    }
}

static void
wrong_words(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(dump_as(f, "rbldnsd", "three"), EXIT_USAGE);
    assert_string_equal(
        f->msg.text, "dump --as: there is no list \"three\"; the lists are: one two");
    assert_int_equal(dump_as(f, "rbldnsd", ""), EXIT_USAGE);
    assert_non_null(strstr(f->msg.text, "name a list"));
    assert_int_equal(dump_as(f, "csv", "one"), EXIT_USAGE);
    assert_non_null(strstr(f->msg.text, "use --as rbldnsd, bind or json"));
    assert_int_equal(dump_as(f, "json", "one"), EXIT_FAILED);
    assert_string_equal(f->text, "");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(forms_of_rbldnsd), TEST(texts_of_rbldnsd),
        TEST(random_lists), TEST(forms_of_json), TEST(forms_of_bind), TEST(wrong_words)};
    return cmocka_run_group_tests_name("dump", tests, NULL, NULL);
}
