/*
 * Lines of lists as rbldnsd reads them (rbldnsd(8), and where that differs, what rbldnsd does).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "loader/listfile.h"

#define NOW INT64_C(1780272000) /* 2026-06-01 */

/* An entry or what became of the line, as text: "1.2.3.0-1.2.3.255 127.0.0.2 text". */
static void
show_entry(const struct listfile *file, const struct listfile_entry *entry, char *out, size_t size)
{
    char key[DNAME_TEXT_SIZE + 4], first[IP_TEXT_SIZE], last[IP_TEXT_SIZE], a[IP_TEXT_SIZE];
    uint8_t bytes[LISTFILE_VALUE_MAX];
    struct value_element element;
    if (list_type_kind(file->type) == DATASET_ADDR) {
        ip_format(&entry->range.first, first);
        ip_format(&entry->range.last, last);
        (void)snprintf(key, sizeof key, "%s-%s", first, last);
    } else {
        char name[DNAME_TEXT_SIZE];
        (void)dname_format(&entry->name, name);
        (void)snprintf(key, sizeof key, "%s%s",
            entry->exact && entry->wild ? "."
            : entry->wild               ? "*."
                                        : "",
            name);
    }
    if (entry->excluded) {
        (void)snprintf(out, size, "!%s", key);
        return;
    }
    struct slice value = slice_of(bytes, listfile_value(file, &entry->value, bytes));
    assert_int_equal(value_next(&value, &element), ERR_OK);
    assert_true(element.literal);
    struct ip shown = ip_from_v4(element.a);
    ip_format(&shown, a);
    (void)snprintf(out, size, "%s %s%s%.*s", key, a, element.has_txt ? " " : "", (int)element.txt.n,
        (const char *)element.txt.p);
}

/* The last entry of a text of several lines. */
static void
run_lines(enum list_type type, const char *text, char *out, size_t size, struct listfile *file)
{
    struct listfile_entry entry = {0}, last = {0};
    const char *what, *at = text;
    bool any = false, more = true;
    (void)snprintf(out, size, "-");
    listfile_init(file, type, NOW);
    while (more) {
        size_t n = strcspn(at, "\n");
        enum err err = listfile_line(file, at, n, &entry, &what);
        assert_true(err != ERR_SYNTAX || what != NULL);
        if (err == ERR_OK) {
            last = entry;
            any = true;
        }
        if (err == ERR_SYNTAX) {
            any = false;
            (void)snprintf(out, size, "?");
        }
        if (err == ERR_REFUSED) {
            (void)snprintf(out, size, "FAIL");
            return;
        }
        more = at[n] != '\0';
        at += n + 1;
    }
    if (any)
        show_entry(file, &last, out, size);
}

/* "-": nothing, "?": skipped with a warning, FAIL: the load fails. */
static const struct {
    const char *text, *want;
} ip_cases[] = {
    /* addresses */
    {"1.2.3.4", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {" \t1.2.3.4 \t", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {"1.2.3.4\r", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {"001.02.3.04", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {"1.2.3", "1.2.3.0-1.2.3.255 127.0.0.2"},
    {"1.2", "1.2.0.0-1.2.255.255 127.0.0.2"},
    {"5", "?"},
    {"5/8", "5.0.0.0-5.255.255.255 127.0.0.2"},
    {"127/8 ; loopback", "127.0.0.0-127.255.255.255 127.0.0.2"},
    {"127.16/12", "127.16.0.0-127.31.255.255 127.0.0.2"},
    {"1.2.3.0/24", "1.2.3.0-1.2.3.255 127.0.0.2"},
    {"1.2.3.128/25", "1.2.3.128-1.2.3.255 127.0.0.2"},
    {"1.2.3.4/24", "?"},
    {"1.2.3/16", "?"},
    {"0/0", "?"},
    {"1.2.3.4/33", "?"},
    {"1.2.3.4/", "?"},
    {"1.2.3.", "?"},
    {"1.2.3.4.5", "?"},
    {"1.2.3.256", "?"},
    {"300.1.1.1", "?"},
    {"1.2.3.4x", "?"},
    {"::1", "?"}, /* a default with a bad A value */
    {"example.com", "?"},
    /* ranges */
    {"1.2.3.4-1.2.3.9", "1.2.3.4-1.2.3.9 127.0.0.2"},
    {"1.2.3.4-9", "1.2.3.4-1.2.3.9 127.0.0.2"},
    {"127.16-31", "127.16.0.0-127.31.255.255 127.0.0.2"},
    {"127.16-127.31", "127.16.0.0-127.31.255.255 127.0.0.2"},
    {"127.16.0-31", "127.16.0.0-127.16.31.255 127.0.0.2"},
    {"126-127", "126.0.0.0-127.255.255.255 127.0.0.2"},
    {"0.0.0.0-255.255.255.255", "0.0.0.0-255.255.255.255 127.0.0.2"},
    {"127-127.0.0", "?"}, /* the man page has it, rbldnsd has not */
    {"1.2.3-1.2.3.4", "?"},
    {"1.2.3.9-4", "?"},
    {"1.2.3.4-", "?"},
    {"1.2.3.4 - 9", "1.2.3.4-1.2.3.4 127.0.0.2 - 9"},
    /* exclusions */
    {"!1.2.3.4", "!1.2.3.4-1.2.3.4"},
    {"! 1.2.3/24 :2:ignored", "!1.2.3.0-1.2.3.255"},
    {"!!1.2.3.4", "?"},
    /* values */
    {"1.2.3.4 text", "1.2.3.4-1.2.3.4 127.0.0.2 text"},
    {"1.2.3.4 :127.0.0.5:text", "1.2.3.4-1.2.3.4 127.0.0.5 text"},
    {"1.2.3.4:127.0.0.5:text", "1.2.3.4-1.2.3.4 127.0.0.5 text"},
    {"1.2.3.4 :5: text", "1.2.3.4-1.2.3.4 127.0.0.5 text"},
    {":9:def\n1.2.3.4 :5", "1.2.3.4-1.2.3.4 127.0.0.5 def"},
    {":9:def\n1.2.3.4 :5:", "1.2.3.4-1.2.3.4 127.0.0.5"},
    {":9:def\n1.2.3.4 own", "1.2.3.4-1.2.3.4 127.0.0.9 own"},
    {":9:def\n1.2.3.4 # note", "1.2.3.4-1.2.3.4 127.0.0.9 def"},
    {":9:def\n1.2.3.4#note", "1.2.3.4-1.2.3.4 127.0.0.9 def"},
    {":9:def\n:8\n1.2.3.4", "1.2.3.4-1.2.3.4 127.0.0.8"},
    {":9:def\n:0:bad\n1.2.3.4", "1.2.3.4-1.2.3.4 127.0.0.9 def"},
    {"1.2.3.4 :0:text", "?"},
    {"1.2.3.4 :256:text", "?"},
    {"1.2.3.4 :1.2:text", "1.2.3.4-1.2.3.4 1.0.0.2 text"},
    {"1.2.3.4 :1.2.3:text", "1.2.3.4-1.2.3.4 1.2.0.3 text"},
    {"1.2.3.4 :10.9.8.7:text", "1.2.3.4-1.2.3.4 10.9.8.7 text"},
    {"1.2.3.4 :5 text", "?"},
    {"1.2.3.4 :5 # text", "?"},
    {"1.2.3.4 :5 : a # b ; c", "1.2.3.4-1.2.3.4 127.0.0.5 a # b ; c"},
    {"1.2.3.4 ::text", "?"},
    {"1.2.3.4 : 5:text", "?"},
    /* substitution */
    {"1.2.3.4 see $", "1.2.3.4-1.2.3.4 127.0.0.2 see $"},
    {"1.2.3.4 $$5 at $.", "1.2.3.4-1.2.3.4 127.0.0.2 $$5 at $."},
    {"1.2.3.4 $1 $4", "1.2.3.4-1.2.3.4 127.0.0.2 $$1 $$4"},
    {"1.2.3.4 $1!\n$1 one $", "1.2.3.4-1.2.3.4 127.0.0.2 one $$!"},
    {"$1 one\n$1 two\n1.2.3.4 $1", "1.2.3.4-1.2.3.4 127.0.0.2 one"},
    {"$= <$=> $\n1.2.3.4 own$", "1.2.3.4-1.2.3.4 127.0.0.2 <own$$> $"},
    {"$= <$=> $\n1.2.3.4", "1.2.3.4-1.2.3.4 127.0.0.2 <$> $"},
    {"$= <$=> $\n1.2.3.4 =own$", "1.2.3.4-1.2.3.4 127.0.0.2 own$"},
    {"$= <$=> $\n1.2.3.4 =", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {"$0 zero\n$= $0,$9,$$,$\n1.2.3.4 x", "1.2.3.4-1.2.3.4 127.0.0.2 zero,$$9,$$,$"},
    {"1.2.3.4 =a $= b", "1.2.3.4-1.2.3.4 127.0.0.2 a a $$= b b"},
    /* comments and directives */
    {"", "-"},
    {" \t\r", "-"},
    {"# 1.2.3.4", "-"},
    {"; 1.2.3.4", "-"},
    {"$SOA 3600 ns.a. root.a. 0 1 2 3 4\n$NS 1d a b\n$NaMeServer 0 -c d", "-"},
    {"$SOA", "?"},
    {"$DATASET ip4set x @", "?"},
    {"$TTL", "?"},
    {"$TTL x", "?"},
    {"$TTL 5 5", "?"},
    {"$1", "?"},
    {"$ x", "?"},
    {"#$TTL 1h", "-"},
    {";$1 x\n1.2.3.4 $1", "1.2.3.4-1.2.3.4 127.0.0.2 x"},
    {":$1 x\n1.2.3.4 $1", "1.2.3.4-1.2.3.4 127.0.0.2 x"},
    {"$MAXRANGE4 /24\n1.2.3.0/24", "1.2.3.0-1.2.3.255 127.0.0.2"},
    {"$MAXRANGE4 /24\n1.2.2.0/23", "?"},
    {"$MAXRANGE4 4\n1.2.3.4-7", "1.2.3.4-1.2.3.7 127.0.0.2"},
    {"$MAXRANGE4 4\n1.2.3.4-8", "?"},
    {"$MAXRANGE4 4\n$MAXRANGE4 8", "?"},
    {"$MAXRANGE4 0", "?"},
    {"$MAXRANGE4 /33", "?"},
    {"$TIMESTAMP 2026:05:31", "-"},
    {"$TIMESTAMP 20260531", "-"},
    {"$TIMESTAMP 2026-05-31-23-59-59 +1d", "-"},
    {"$TIMESTAMP 2026:06:01:00:00:01", "FAIL"},
    {"$TIMESTAMP 2027:01:01\n1.2.3.4", "FAIL"},
    {"$TIMESTAMP 2026:02:29", "?"},
    {"$TIMESTAMP 2026:13:01", "?"},
    {"$TIMESTAMP 0 +1d", "?"},
    {"$TIMESTAMP - 2020:01:01", "-"},
    {"$TIMESTAMP 2026:05:31 +0", "?"},
    {"$TIMESTAMP 2026:05:31:24", "?"},
};

static const struct {
    const char *text, *want;
} name_cases[] = {
    {"example.com", "example.com 127.0.0.2"},
    {"EXAMPLE.com.", "example.com 127.0.0.2"},
    {".example.com", ".example.com 127.0.0.2"},
    {"*.example.com", "*.example.com 127.0.0.2"},
    {"..example..com..", ".example.com 127.0.0.2"},
    {"*..example.com", "*.example.com 127.0.0.2"},
    {"*", "* 127.0.0.2"},
    {"**.x", "**.x 127.0.0.2"},
    {"a.*.x", "a.*.x 127.0.0.2"},
    {".", "?"},
    {"*.", "?"},
    {"!", "?"},
    {"!*.a.b :2:x", "!*.a.b"},
    {"! .a.b", "!.a.b"},
    {"a\\.b.c", "a\\.b.c 127.0.0.2"},
    {"a\\98\\099.c", "abc.c 127.0.0.2"},
    {"a\\256.c", "?"},
    {"a\\", "a 127.0.0.2"},
    {"a.b:5:x", "a.b:5:x 127.0.0.2"},
    {"a.b :5:x", "a.b 127.0.0.5 x"},
    {"a.b\t$ is bad", "a.b 127.0.0.2 $ is bad"},
    {"a.b#c", "a.b#c 127.0.0.2"},
    {"a.b # c", "a.b 127.0.0.2"},
    {"a.b :0:x", "?"},
    {"x.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123",
        "x.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123 127.0.0.2"},
    {"x.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234", "?"},
    {"1.2.3.4", "1.2.3.4 127.0.0.2"},
    {"a.b\r", "a.b 127.0.0.2"},
};

/* Where the other types differ from ip4set. */
static const struct {
    enum list_type type;
    const char *text, *want;
} type_cases[] = {
    /* single addresses, and one value: the first default, wherever it stands */
    {LIST_IP4TSET, "1.2.3.4", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {LIST_IP4TSET, "1.2.3.04 :5:text", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {LIST_IP4TSET, "1.2.3.4:junk", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {LIST_IP4TSET, "1.2.3.4#junk", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {LIST_IP4TSET, "1.2.3.4 :0:bad", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {LIST_IP4TSET, "1.2.3.4\n:5:text", "1.2.3.4-1.2.3.4 127.0.0.5 text"},
    {LIST_IP4TSET, ":5:one\n1.2.3.4\n:6:two", "1.2.3.4-1.2.3.4 127.0.0.5 one"},
    {LIST_IP4TSET, ":5:one\n:0:bad", "-"},
    {LIST_IP4TSET, ":0:bad", "?"},
    {LIST_IP4TSET, ":0:bad\n1.2.3.4\n:6", "1.2.3.4-1.2.3.4 127.0.0.6"},
    {LIST_IP4TSET, "$= <$=>\n1.2.3.4 x\n:6:$1\n$1 y", "1.2.3.4-1.2.3.4 127.0.0.6 <$$1>"},
    {LIST_IP4TSET, "1.2.3", "?"},
    {LIST_IP4TSET, "1.2.3.4/32", "?"},
    {LIST_IP4TSET, "1.2.3.4-5", "?"},
    {LIST_IP4TSET, "!1.2.3.4", "?"},
    {LIST_IP4TSET, "1.2.3.4.5", "?"},
    {LIST_IP4TSET, "$MAXRANGE4 1\n1.2.3.4", "1.2.3.4-1.2.3.4 127.0.0.2"},
    /* prefixes of any length */
    {LIST_IP4TRIE, "0/0", "0.0.0.0-255.255.255.255 127.0.0.2"},
    {LIST_IP4TRIE, "0.0.0.0/0 :5:all", "0.0.0.0-255.255.255.255 127.0.0.5 all"},
    {LIST_IP4TRIE, "128/1", "128.0.0.0-255.255.255.255 127.0.0.2"},
    {LIST_IP4TRIE, "1.2.3", "1.2.3.0-1.2.3.255 127.0.0.2"},
    {LIST_IP4TRIE, "1.2.3.4", "1.2.3.4-1.2.3.4 127.0.0.2"},
    {LIST_IP4TRIE, "1.2.3.4/32 x", "1.2.3.4-1.2.3.4 127.0.0.2 x"},
    {LIST_IP4TRIE, "1.2.3/032#x", "1.2.3.0-1.2.3.0 127.0.0.2"},
    {LIST_IP4TRIE, "1.2.3.4/31:6:x", "1.2.3.4-1.2.3.5 127.0.0.6 x"},
    {LIST_IP4TRIE, "! 1.2.3/24 :5:x", "!1.2.3.0-1.2.3.255"},
    {LIST_IP4TRIE, "5", "?"},
    {LIST_IP4TRIE, "1/0", "?"},
    {LIST_IP4TRIE, "1.2.3.4-9", "?"},
    {LIST_IP4TRIE, "1.2.3.4/24", "?"},
    {LIST_IP4TRIE, "1.2.3.4/33", "?"},
    {LIST_IP4TRIE, "1.2.3.4/", "?"},
    {LIST_IP4TRIE, "::1", "?"},
    {LIST_IP4TRIE, "$MAXRANGE4 /24\n1.2.3", "1.2.3.0-1.2.3.255 127.0.0.2"},
    {LIST_IP4TRIE, "$MAXRANGE4 /24\n0/0", "?"},
    /* four words; eight, or fewer with "::", excluded */
    {LIST_IP6TSET, "1:2:3:4", "1:2:3:4::-1:2:3:4:ffff:ffff:ffff:ffff 127.0.0.2"},
    {LIST_IP6TSET, "0001:000002:ABcd:0 x", "1:2:abcd::-1:2:abcd:0:ffff:ffff:ffff:ffff 127.0.0.2"},
    {LIST_IP6TSET, "1:2:3:4\n:5:t\n:6:u", "1:2:3:4::-1:2:3:4:ffff:ffff:ffff:ffff 127.0.0.5 t"},
    {LIST_IP6TSET, "!1:2:3:4:5:6:7:8", "!1:2:3:4:5:6:7:8-1:2:3:4:5:6:7:8"},
    {LIST_IP6TSET, "! 1:2:3:4:: x", "!1:2:3:4::-1:2:3:4::"},
    {LIST_IP6TSET, "!::1", "!::1-::1"},
    {LIST_IP6TSET, "!1:2:3:4", "?"},
    {LIST_IP6TSET, "!1:2:3:4::/128", "?"},
    {LIST_IP6TSET, "1:2:3:4::", "?"},
    {LIST_IP6TSET, "1:2:3:4:", "?"},
    {LIST_IP6TSET, "1:2:3:4::/64", "?"},
    {LIST_IP6TSET, "1:2:3:4/64", "?"},
    {LIST_IP6TSET, "1:2:3", "?"},
    {LIST_IP6TSET, "1:2:3:4:5", "?"},
    {LIST_IP6TSET, "1:2:3:4x", "?"},
    {LIST_IP6TSET, "::1", "?"},
    {LIST_IP6TSET, "1.2.3.4", "?"},
    {LIST_IP6TSET, "$MAXRANGE4 1\n1:2:3:4", "1:2:3:4::-1:2:3:4:ffff:ffff:ffff:ffff 127.0.0.2"},
    /* words and lengths of any number; "::" begins an address */
    {LIST_IP6TRIE, "::/0", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 127.0.0.2"},
    {LIST_IP6TRIE, "0/0 x", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 127.0.0.2 x"},
    {LIST_IP6TRIE, "::", "::-:: 127.0.0.2"},
    {LIST_IP6TRIE, "::1", "::1-::1 127.0.0.2"},
    {LIST_IP6TRIE, ":5:x\n::1", "::1-::1 127.0.0.5 x"},
    {LIST_IP6TRIE, "1:2", "1:2::-1:2:ffff:ffff:ffff:ffff:ffff:ffff 127.0.0.2"},
    {LIST_IP6TRIE, "1/16", "1::-1:ffff:ffff:ffff:ffff:ffff:ffff:ffff 127.0.0.2"},
    {LIST_IP6TRIE, "2001:db8::/33", "2001:db8::-2001:db8:7fff:ffff:ffff:ffff:ffff:ffff 127.0.0.2"},
    {LIST_IP6TRIE, "2001:db8/48 :5", "2001:db8::-2001:db8:0:ffff:ffff:ffff:ffff:ffff 127.0.0.5"},
    {LIST_IP6TRIE, "1::2/127:5:t", "1::2-1::3 127.0.0.5 t"},
    {LIST_IP6TRIE, "1::2/0128", "1::2-1::2 127.0.0.2"},
    {LIST_IP6TRIE, "1::2::5:t", "1::2-1::2 127.0.0.5 t"},
    {LIST_IP6TRIE, "1:::5:t", "1::-1:: 127.0.0.5 t"},
    {LIST_IP6TRIE, "1::2:#t", "1::2-1::2 127.0.0.2"},
    {LIST_IP6TRIE, "1:2:3:4:5:6:7:8:5:t", "1:2:3:4:5:6:7:8-1:2:3:4:5:6:7:8 127.0.0.5 t"},
    {LIST_IP6TRIE, "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0-1:2:3:4:5:6:7:0 127.0.0.2"},
    {LIST_IP6TRIE, "!1:2::/32 :5:x", "!1:2::-1:2:ffff:ffff:ffff:ffff:ffff:ffff"},
    {LIST_IP6TRIE, "::ffff:0:0/96", "0.0.0.0-255.255.255.255 127.0.0.2"},
    {LIST_IP6TRIE, "1", "?"},
    {LIST_IP6TRIE, "1:2:", "?"},
    {LIST_IP6TRIE, "1:2:5:t", "?"},
    {LIST_IP6TRIE, "1:2:3:4:5:6:7:8::", "?"},
    {LIST_IP6TRIE, "::1:2:3:4:5:6:7:8", "?"},
    {LIST_IP6TRIE, "12345::", "?"},
    {LIST_IP6TRIE, "1::g", "?"},
    {LIST_IP6TRIE, "1::2/129", "?"},
    {LIST_IP6TRIE, "1::2/", "?"},
    {LIST_IP6TRIE, "1::2/64", "?"},
    {LIST_IP6TRIE, "::ffff:1.2.3.4", "?"},
    {LIST_IP6TRIE, "1.2.3.4", "?"},
};

static void
test_types(void **state)
{
    char got[2048];
    struct listfile file;
    (void)state;
    for (size_t i = 0; i < sizeof type_cases / sizeof *type_cases; i++) {
        run_lines(type_cases[i].type, type_cases[i].text, got, sizeof got, &file);
        if (strcmp(got, type_cases[i].want) != 0)
            fail_msg("%s \"%s\": \"%s\", wanted \"%s\"", list_type_info(type_cases[i].type)->name,
                type_cases[i].text, got, type_cases[i].want);
    }
}

/* An IPv4 address in an IPv6 list is an entry, but a mistake. */
static void
test_mapped_is_warned_of(void **state)
{
    static const struct {
        const char *text;
        bool warned;
    } cases[] = {{"::ffff:102:304", true}, {"::ffff:0:0/96", true}, {"::ffff:0:0/95", false},
        {"::/0", false}, {"!::ffff:102:304", true}, {"::fffe:102:304", false}};
    struct listfile file;
    struct listfile_entry entry;
    const char *what;
    (void)state;
    listfile_init(&file, LIST_IP6TRIE, NOW);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text;
        enum err err = listfile_line(&file, text, strlen(text), &entry, &what);
        /* /95 has a bit of its host part set. */
        assert_int_equal(err, strchr(text, '5') == NULL ? ERR_OK : ERR_SYNTAX);
        assert_true((what != NULL) == (cases[i].warned || err != ERR_OK));
    }
}

/* Whatever ip_format writes, or all eight words. */
static void
test_any_ip6(void **state)
{
    uint32_t seed = 11;
    struct listfile file;
    struct listfile_entry entry;
    const char *what;
    (void)state;
    listfile_init(&file, LIST_IP6TRIE, NOW);
    for (unsigned round = 0; round < 20000; round++) {
        struct ip ip = {{0}};
        char text[IP_TEXT_SIZE + 4], all[IP_TEXT_SIZE] = "";
        for (unsigned i = 0; i < 8; i++) {
            seed = seed * 1664525U + 1013904223U;
            uint32_t word = seed >> 24 < 100 ? 0 : seed >> 8 & (seed >> 28 < 4 ? 15 : 0xffff);
            ip.b[2 * i] = (uint8_t)(word >> 8);
            ip.b[2 * i + 1] = (uint8_t)word;
            (void)snprintf(all + strlen(all), sizeof all - strlen(all), "%s%x", i > 0 ? ":" : "",
                (unsigned)word);
        }
        ip_format(&ip, text);
        for (unsigned i = 0; i < 2; i++) {
            const char *written = i == 0 ? all : text;
            if (ip_is4(&ip) && written == text)
                continue;
            assert_int_equal(listfile_line(&file, written, strlen(written), &entry, &what), ERR_OK);
            assert_int_equal(ip_cmp(&entry.range.first, &ip), 0);
            assert_int_equal(ip_cmp(&entry.range.last, &ip), 0);
        }
    }
}

static void
test_lines(void **state)
{
    char got[2048];
    struct listfile file;
    (void)state;
    for (size_t i = 0; i < sizeof ip_cases / sizeof *ip_cases; i++) {
        run_lines(LIST_IP4SET, ip_cases[i].text, got, sizeof got, &file);
        if (strcmp(got, ip_cases[i].want) != 0)
            fail_msg("\"%s\": \"%s\", wanted \"%s\"", ip_cases[i].text, got, ip_cases[i].want);
    }
    for (size_t i = 0; i < sizeof name_cases / sizeof *name_cases; i++) {
        run_lines(LIST_DNSET, name_cases[i].text, got, sizeof got, &file);
        if (strcmp(got, name_cases[i].want) != 0)
            fail_msg("\"%s\": \"%s\", wanted \"%s\"", name_cases[i].text, got, name_cases[i].want);
    }
}

static void
test_directives(void **state)
{
    static const struct {
        const char *text;
        uint32_t ttl_s;
        int64_t expires_s;
    } cases[] = {
        {"$TTL 35m", 2100, 0},
        {"$ttl 2w\n$TTL 1H", 3600, 0},
        {"$TTL 1d\n$TTL 0", 0, 0},
        {"$TTL 90s\n$TTL 4294967295", 90, 0},
        {"$TTL 99999999999", 0, 0},
        {"$TIMESTAMP 2026:05:31 +1d", 0, 1780272000},
        {"$TIMESTAMP 2026:05:31 2026:06:08:12:30", 0, 1780921800},
        {"$TIMESTAMP 0 2026:06:08\n$TIMESTAMP 0 2026:06:07\n$TIMESTAMP 0 -", 0, 1780790400},
        {"$TIMESTAMP 2000:02:29 2000:03:01", 0, 951868800},
        {"$TIMESTAMP 1970:1:1:0:0:1 +1s", 0, 2},
        {"$TIMESTAMP 19991231 20380119031407", 0, 2147483647},
    };
    char ignored[2048];
    struct listfile file;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_lines(LIST_IP4SET, cases[i].text, ignored, sizeof ignored, &file);
        assert_int_equal(file.ttl_s, cases[i].ttl_s);
        assert_int_equal(file.expires_s, cases[i].expires_s);
    }
}

static void
test_long_texts(void **state)
{
    static char line[LISTFILE_LINE_MAX + 100];
    struct listfile file;
    struct listfile_entry entry;
    struct value_element element;
    uint8_t bytes[LISTFILE_VALUE_MAX];
    const char *what;
    (void)state;
    listfile_init(&file, LIST_IP4SET, NOW);
    memset(line, 'x', sizeof line);
    memcpy(line, "1.2.3.4 ", 8);
    for (size_t n = 250; n < 260; n++) {
        assert_int_equal(listfile_line(&file, line, 8 + n, &entry, &what), ERR_OK);
        assert_true((what != NULL) == (n > 255));
        struct slice value = slice_of(bytes, listfile_value(&file, &entry.value, bytes));
        assert_int_equal(value_next(&value, &element), ERR_OK);
        assert_int_equal(element.txt.n, n < 254 ? n : 254);
    }
    assert_int_equal(listfile_line(&file, line, sizeof line, &entry, &what), ERR_OK);
    /* Dollar signs are twice as long in the store: what does not fit is left out whole. */
    memset(line + 8, '$', 250);
    assert_int_equal(listfile_line(&file, line, 8 + 250, &entry, &what), ERR_OK);
    struct slice value = slice_of(bytes, listfile_value(&file, &entry.value, bytes));
    assert_int_equal(value_next(&value, &element), ERR_OK);
    assert_int_equal(element.txt.n, 250);
    const char nul[] = "1.2.3.4 a\0b";
    assert_int_equal(listfile_line(&file, nul, sizeof nul - 1, &entry, &what), ERR_OK);
    assert_int_equal(entry.value.text.n, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_mapped_is_warned_of),
        cmocka_unit_test(test_any_ip6),
        cmocka_unit_test(test_directives),
        cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
