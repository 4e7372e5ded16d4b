/*
 * Own edits of lists: what the store keeps over imports and how long, the brake, and the command
 * with its exit codes. Layers are in test_listoverlay.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/list_fixture.h"
#include "tests/unit/random.h"

#include "loader/listbrake.h"
#include "loader/listcmd.h"
#include "loader/listedit.h"

enum { DAY_S = 86400 };

/* "1.2.3.4-1.2.3.5 2:text;" of all that is listed; names with ! for exclusions. */
static void
assert_listed(struct fixture *f, const char *want)
{
    struct list_set *set = flatten(f);
    const struct publish_set *flat = lists_set(set);
    char got[2048] = "";
    for (size_t i = 0; i < flat->count; i++) {
        char first[IP_TEXT_SIZE] = "", last[IP_TEXT_SIZE] = "", name[DNAME_TEXT_SIZE] = "";
        struct slice value = slice_of(NULL, 0);
        struct value_element element;
        size_t n = strlen(got);
        if (publish_has_ranges(flat)) {
            const struct ipset_entry range = publish_range(flat, i);
            ip_format(&range.range.first, first);
            ip_format(&range.range.last, last);
            value = range.value;
            n += (size_t)snprintf(got + n, sizeof got - n, "%s-%s", first, last);
        } else {
            const struct nameset_entry *entry = &flat->names[i];
            (void)dname_format(&entry->name, name);
            n += (size_t)snprintf(
                got + n, sizeof got - n, "%s %d%d", name, entry->exact.kind, entry->wild.kind);
        }
        while (value_next(&value, &element) == ERR_OK)
            n += (size_t)snprintf(got + n, sizeof got - n, " %u%s%.*s", element.a & 255,
                element.has_txt ? ":" : "", (int)element.txt.n, (const char *)element.txt.p);
        (void)snprintf(got + n, sizeof got - n, ";");
    }
    assert_string_equal(got, want);
    lists_free(&set);
}

/* The command as from a shell: words with blanks between, then options. */
static enum exit_code
command_at(struct fixture *f, int64_t now_s, bool force, const char *text, const char *duration,
    const char *value, const char *note)
{
    char buffer[512], *words[32];
    int count = 0;
    struct run run = {.conf = &f->conf, .now_s = now_s, .force = force};
    struct list_request request = {.duration = duration, .value = value, .note = note};
    size_t size;
    (void)snprintf(buffer, sizeof buffer, "%s", text);
    for (char *at = strtok(buffer, " "); at != NULL; at = strtok(NULL, " "))
        words[count++] = at;
    f->msg.text[0] = '\0';
    if (list_request_parse(count, words, &request, &f->msg) < 0)
        return EXIT_USAGE;
    free(f->text);
    f->text = NULL;
    FILE *out = open_memstream(&f->text, &size);
    assert_non_null(out);
    enum exit_code code = list_command(&run, &request, out, &f->msg);
    assert_int_equal(fclose(out), 0);
    run_close(&run);
    return code;
}

static enum exit_code
command(struct fixture *f, const char *text)
{
    return command_at(f, NOW, false, text, NULL, NULL, NULL);
}

static void
works(struct fixture *f, const char *text)
{
    if (command(f, text) != EXIT_DONE)
        fail_msg("%s: %s", text, f->msg.text);
}

/* del beats add beats the files, address by address. */
static void
edits_of_addresses(void **state)
{
    struct fixture *f = *state;
    import(f, LIST_IP4SET, ":5:bad\n9.1.1.0/24\n9.1.1.9 :6\n!9.1.1.20\n");
    works(f, "add mine 9.1.1.8-10");
    assert_listed(f, "9.1.1.0-9.1.1.19 5:bad;9.1.1.21-9.1.1.255 5:bad;");
    works(f, "add mine 9.1.1.20 9.2.0.0/16");
    works(f, "del mine 9.1.1.15-30 9.2.3.4");
    assert_listed(f, "9.1.1.0-9.1.1.14 5:bad;9.1.1.31-9.1.1.255 5:bad;9.2.0.0-9.2.3.3 5:bad;"
                     "9.2.3.5-9.2.255.255 5:bad;");
    /* The next import changes what lies below. */
    import(f, LIST_IP4SET, "9.1.1.15\n9.1.1.31\n:7:new\n");
    assert_listed(f, "9.1.1.8-9.1.1.10 7:new;9.1.1.31-9.1.1.31 2;9.2.0.0-9.2.3.3 7:new;"
                     "9.2.3.5-9.2.255.255 7:new;");
    works(f, "undo mine 9.2.0.0/16 9.1.1.15-30 9.1.1.8-10");
    assert_listed(f, "9.1.1.15-9.1.1.15 2;9.1.1.20-9.1.1.20 7:new;9.1.1.31-9.1.1.31 2;");
    /* Added and taken off: off, until the del is undone, which undoes the add too. */
    works(f, "del mine 9.1.1.20");
    works(f, "add mine 9.1.1.20");
    assert_listed(f, "9.1.1.15-9.1.1.15 2;9.1.1.31-9.1.1.31 2;");
    works(f, "undo mine 9.1.1.20");
    assert_listed(f, "9.1.1.15-9.1.1.15 2;9.1.1.31-9.1.1.31 2;");
    assert_int_equal(command(f, "undo mine 9.1.1.20"), EXIT_FAILED);
    assert_non_null(strstr(f->msg.text, "neither added"));
}

static void
edits_of_other_types(void **state)
{
    struct fixture *f = *state;
    import(f, LIST_DNSET, ".a.test\n*.b.test\nx.b.test\n!no.b.test\n");
    works(f, "del mine *.b.test ok.a.test");
    works(f, "add mine .c.test");
    assert_listed(f, "a.test 22;ok.a.test 10;b.test 01;c.test 22;");
    import(f, LIST_IP6TSET, ":4:one\n1:2:3:4\n1:2:3:5\n!1:2:3:4::7\n");
    /* Those of another type are kept, but not used. */
    works(f, "add mine 1:2:3:6");
    works(f, "del mine 1:2:3:5::9 1:2:3:4");
    assert_listed(f, "1:2:3:5::-1:2:3:5::8 4:one;1:2:3:5::a-1:2:3:6:ffff:ffff:ffff:ffff 4:one;");
    assert_int_equal(command_at(f, NOW, false, "add mine 1:2:3:7", NULL, "text", NULL), EXIT_USAGE);
    works(f, "show mine");
    assert_non_null(strstr(f->text, "del *.b.test added 2026-06-01T00:00:00Z expires never not "
                                    "used, of type dnset\n"));
    assert_non_null(strstr(f->text, "add 1:2:3:6 added 2026-06-01T00:00:00Z expires never\n"));
    assert_non_null(strstr(f->text, "del 1:2:3:5::9 added"));
    import(f, LIST_IP6TRIE, "::/0\n");
    assert_int_equal(command(f, "del mine 8000::/1"), EXIT_TOO_MANY);
    works(f, "del mine 8000::/1 ::/2");
    assert_listed(f, "4000::-7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2;");
    import(f, LIST_IP4TSET, "9.9.9.9\n:8:eight\n");
    works(f, "add mine 9.9.9.8");
    works(f, "del mine 9.9.9.9");
    assert_listed(f, "9.9.9.8-9.9.9.8 8:eight;");
    import(f, LIST_IP4TRIE, "9.0.0.0/8\n!9.9.9.9\n9.1.0.0/16 :3\n");
    works(f, "add mine 9.9.0.0/16");
    works(f, "del mine 9.1.2.0/24");
    assert_listed(f, "9.0.0.0-9.0.255.255 2;9.1.0.0-9.1.1.255 3;9.1.3.0-9.1.255.255 3;"
                     "9.2.0.0-9.255.255.255 2;");
}

static void
values_and_notes(void **state)
{
    struct fixture *f = *state;
    import(f, LIST_IP4SET, "9.1.1.1\n");
    assert_int_equal(
        command_at(f, NOW, false, "add mine 9.1.1.2", "30d", ":9:$ of $1", "why\xff"), EXIT_DONE);
    assert_int_equal(
        command_at(f, NOW + 5, false, "add mine 9.1.1.3", NULL, " only text ", NULL), EXIT_DONE);
    assert_listed(f, "9.1.1.1-9.1.1.1 2;9.1.1.2-9.1.1.2 9:$ of $$1;9.1.1.3-9.1.1.3 2:only text;");
    works(f, "show mine");
    assert_string_equal(f->text,
        "add 9.1.1.2 added 2026-06-01T00:00:00Z expires 2026-07-01T00:00:00Z value 127.0.0.9 \"$ "
        "of "
        "$$1\" note \"why\\xff\"\n"
        "add 9.1.1.3 added 2026-06-01T00:00:05Z expires never value 127.0.0.2 \"only text\"\n");
    /* Added again: the last word counts. */
    works(f, "add mine 9.1.1.2");
    works(f, "show mine");
    assert_non_null(strstr(f->text, "add 9.1.1.2 added 2026-06-01T00:00:00Z expires never\n"));
}

/* Gone from the time on that was said: a publish removes it, and so does the next edit. */
static void
edits_expire(void **state)
{
    struct fixture *f = *state;
    struct list_layer layer;
    import(f, LIST_IP4SET, "9.1.1.1\n");
    assert_int_equal(command_at(f, NOW, false, "add mine 9.1.1.2", "30d", NULL, NULL), EXIT_DONE);
    assert_int_equal(command_at(f, NOW, false, "del mine 9.1.1.1", "1d", NULL, NULL), EXIT_DONE);
    assert_listed(f, "9.1.1.2-9.1.1.2 2;");
    assert_int_equal(listedit_expire(&f->conf, NOW + DAY_S - 1, &f->msg), ERR_OK);
    assert_listed(f, "9.1.1.2-9.1.1.2 2;");
    assert_int_equal(listedit_expire(&f->conf, NOW + DAY_S, &f->msg), ERR_OK);
    assert_listed(f, "9.1.1.1-9.1.1.2 2;");
    assert_int_equal(
        command_at(f, NOW + 30 * DAY_S, false, "add mine 9.1.1.9", NULL, NULL, NULL), EXIT_DONE);
    assert_listed(f, "9.1.1.1-9.1.1.1 2;9.1.1.9-9.1.1.9 2;");
    assert_int_equal(listedit_read(&f->conf, "mine", &layer, &f->msg), ERR_OK);
    assert_int_equal(layer.count, 1);
    listlayer_free(&layer);
}

static void
wrong_words(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum list_type type;
        const char *text, *duration, *value, *note, *says;
    } cases[] = {
        {LIST_IP4SET, "", NULL, NULL, NULL, "list add|del|undo NAME ENTRY"},
        {LIST_IP4SET, "remove mine 9.1.1.1", NULL, NULL, NULL, "say what to do"},
        {LIST_IP4SET, "add mine", NULL, NULL, NULL, "name the entries"},
        {LIST_IP4SET, "show mine 9.1.1.1", NULL, NULL, NULL, "nothing may follow"},
        {LIST_IP4SET, "del mine 9.1.1.1", NULL, "x", NULL, "list add alone"},
        {LIST_IP4SET, "undo mine 9.1.1.1", "1d", NULL, NULL, "leave them out"},
        {LIST_IP4SET, "add yours 9.1.1.1", NULL, NULL, NULL, "no list \"yours\"; "},
        {LIST_IP4SET, "add mine 9.1.1.1 9.1.1.256", NULL, NULL, NULL, "\"9.1.1.256\": not an addr"},
        {LIST_IP4SET, "add mine 9.1.1.1:5:x", NULL, NULL, NULL, "their value with --value"},
        {LIST_IP4SET, "add mine !9.1.1.1", NULL, NULL, NULL, "use list del instead"},
        {LIST_IP4SET, "del mine !9.1.1.1", NULL, NULL, NULL, "exclamation mark"},
        {LIST_IP4SET, "add mine 9.1.1.1/8", NULL, NULL, NULL, "past the prefix length"},
        {LIST_IP4SET, "add mine 9.1.1.1", "0", NULL, NULL, "no duration; write 30d"},
        {LIST_IP4SET, "add mine 9.1.1.1", "x", NULL, NULL, "no duration; write 30d"},
        {LIST_IP4SET, "add mine 9.1.1.1", NULL, ":0:x", NULL, "--value: not a value; write"},
        {LIST_IP4SET, "add mine 9.1.1.1", NULL, "a\nb", NULL, "control character"},
        {LIST_IP4SET, "add mine 9.1.1.1", NULL, NULL, "\x1b[2J", "--note: the text has a control"},
        {LIST_DNSET, "add mine a..", NULL, NULL, NULL, NULL},
        {LIST_DNSET, "add mine *.", NULL, NULL, NULL, "not a domain name; write"},
        {LIST_IP6TSET, "add mine 1:2:3:4::5", NULL, NULL, NULL, "not the four words"},
        {LIST_IP6TRIE, "add mine ::ffff:102:304", NULL, NULL, NULL, "no IPv6 list is asked for"},
        {LIST_IP4TSET, "add mine 9.1.1.0/24", NULL, NULL, NULL, "not a single address"},
        {LIST_GENERIC, "add mine a.b", NULL, NULL, NULL, "its entries are records"},
        {LIST_COMBINED, "del mine a.b", NULL, NULL, NULL, "consists of several lists"},
        {LIST_ACL, "add mine 9.1.1.1", NULL, ":refused", NULL, "--value: not a value; write"},
        {LIST_ACL, "add mine 9.1.1.1", NULL, "refuse", NULL, "write :refuse for the action"},
        {LIST_ACL, "add mine !9.1.1.1", NULL, NULL, NULL, "use list del instead"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        import(f, cases[i].type, "");
        enum exit_code code = command_at(
            f, NOW, false, cases[i].text, cases[i].duration, cases[i].value, cases[i].note);
        if (cases[i].says == NULL) {
            assert_int_equal(code, EXIT_DONE);
            continue;
        }
        if (code != EXIT_USAGE || strstr(f->msg.text, cases[i].says) == NULL)
            fail_msg("%s: %d: %s", cases[i].text, (int)code, f->msg.text);
    }
    char note[300];
    memset(note, 'x', sizeof note - 1);
    note[sizeof note - 1] = '\0';
    import(f, LIST_IP4SET, "");
    assert_int_equal(command_at(f, NOW, false, "add mine 9.1.1.1", NULL, NULL, note), EXIT_USAGE);
    assert_non_null(strstr(f->msg.text, "shorten it"));
}

static void
never_imported(void **state)
{
    struct fixture *f = *state;
    f->source.type = LIST_IP4SET;
    works(f, "show mine");
    assert_string_equal(f->text, "");
    assert_int_equal(command(f, "add mine 9.1.1.1"), EXIT_FAILED);
    assert_int_not_equal(access(f->lists, F_OK), 0);
    import(f, LIST_DNSET, "");
    f->source.type = LIST_IP4SET;
    assert_int_equal(command(f, "add mine 9.1.1.1"), EXIT_FAILED);
    assert_non_null(strstr(f->msg.text, "never imported; run repdns-load import"));
}

/* What of 9.1.x.y addresses an import is published as, or the brake's words. */
static bool
publish_numbers(struct fixture *f, unsigned count, bool force)
{
    static char text[1 << 16];
    size_t n = 0;
    struct list_set *set;
    for (unsigned i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "9.1.%u.%u\n", i / 256, i % 256);
    text[n] = '\0';
    import(f, LIST_IP4SET, text);
    set = flatten(f);
    bool stops = !force && listbrake_stops(&f->conf, &f->source, set, true, &f->msg);
    if (!stops) {
        struct list_published published = {
            &f->source, listbrake_measure(&f->conf, &f->source, set)};
        assert_int_equal(published.measure.entries, count);
        assert_int_equal(listedit_published(&f->conf, &published, 1, &f->msg), ERR_OK);
    }
    lists_free(&set);
    return !stops;
}

static void
brake_of_the_share(void **state)
{
    struct fixture *f = *state;
    assert_true(publish_numbers(f, 100, false)); /* the first is free */
    assert_true(publish_numbers(f, 150, false));
    assert_true(publish_numbers(f, 75, false));
    assert_false(publish_numbers(f, 113, false));
    assert_non_null(strstr(f->msg.text,
        "list mine would grow from 75 entries to 113, by more than max_change 50 % allows; "));
    assert_non_null(strstr(f->msg.text, "--force"));
    assert_true(publish_numbers(f, 112, false));
    assert_false(publish_numbers(f, 55, false));
    assert_non_null(strstr(f->msg.text, "shrink from 112 entries to 55"));
    assert_false(publish_numbers(f, 0, false));
    assert_true(publish_numbers(f, 0, true));
    assert_true(publish_numbers(f, 10, false)); /* not more than the floor */
    assert_false(publish_numbers(f, 21, false));
    /* Nothing of it is served: nothing to protect. */
    struct list_set *set = flatten(f);
    assert_false(listbrake_stops(&f->conf, &f->source, set, false, &f->msg));
    lists_free(&set);
    f->source.max_change = 1000;
    assert_true(publish_numbers(f, 110, false));
    /* Own dels shrink a list too. */
    f->source.max_change = 50;
    import(f, LIST_DNSET, "a.t\nb.t\nc.t\nd.t\ne.t\nf.t\ng.t\nh.t\ni.t\nj.t\nk.t\nl.t\nm.u\n");
    works(f, "add mine n.t");
    assert_int_equal(command(f, "del mine *.t"), EXIT_TOO_MANY);
    assert_int_equal(command_at(f, NOW, true, "del mine *.t", NULL, NULL, NULL), EXIT_DONE);
}

static void
brake_of_ranges(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum list_type type;
        const char *text, *says;
    } cases[] = {
        {LIST_IP4SET, "0.0.0.0-255.255.255.255\n", "half of all addresses or more"},
        {LIST_IP4TRIE, "0/0\n!10/8\n", "half of all addresses or more"},
        {LIST_IP6TRIE, "::/0\n", "half of all addresses or more"},
        {LIST_IP6TRIE, "::/0\n!fc00::/7\n!2001:db8:5::/48\n", "half of all addresses or more"},
        {LIST_IP4SET, "203.0.113.7\n", "203.0.113.7 of own_networks"},
        {LIST_IP4SET, "203.0.0.0/16\n", "203.0.113.0-203.0.113.255 of own_networks"},
        {LIST_IP4SET, "203.0.0.0/16\n!203.0.113.0/24\n", NULL},
        {LIST_IP6TSET, "2001:db8:5:9\n", " of never_list"},
        {LIST_IP6TRIE, "2001:db8::/32\n", " of never_list"},
        {LIST_IP6TRIE, "2001:db8::/32\n!2001:db8:5::/48\n", NULL},
        {LIST_IP4SET, "10.0.0.0/8\n", "10.0.0.0-10.255.255.255 of private space"},
        {LIST_IP4SET, "8.0.0.0/5\n", "10.0.0.0-10.255.255.255 of private space"},
        {LIST_IP4SET, "192.168.1.0/25\n192.168.1.128/25 :3\n",
            "192.168.1.0-192.168.1.255 of private space"},
        {LIST_IP4SET, "100.100.0.0/16\n", "of private space"},
        {LIST_IP4SET, "127.0.0.0/8\n", "of private space"},
        {LIST_IP6TSET, "fd00:0:0:1\n", "of private space"},
        {LIST_IP6TRIE, "fe80::/65\nfe80::1\n", NULL},
        /* A stray private address in a feed is harmless; test entries are wanted. */
        {LIST_IP4SET, "192.168.1.1\n10.0.0.1\n9.9.9.9\n", NULL},
        {LIST_IP4SET, "127.0.0.2\n127.0.0.3-255\n", NULL},
        {LIST_IP4SET, "9.0.0.0/8\n", NULL},
        {LIST_DNSET, ".com\n", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        import(f, cases[i].type, cases[i].text);
        struct list_set *set = flatten(f);
        bool stops = listbrake_stops(&f->conf, &f->source, set, true, &f->msg);
        if (stops != (cases[i].says != NULL) || (stops && !strstr(f->msg.text, cases[i].says)))
            fail_msg("%s: %d %s", cases[i].text, stops, f->msg.text);
        /* Not of an allow list; and not again what was forced once. */
        f->source.role = LIST_ALLOW;
        assert_false(listbrake_stops(&f->conf, &f->source, set, true, &f->msg));
        f->source.role = LIST_BLOCK;
        struct list_published published = {
            &f->source, listbrake_measure(&f->conf, &f->source, set)};
        assert_int_equal(published.measure.forbidden != 0, cases[i].says != NULL);
        assert_int_equal(listedit_published(&f->conf, &published, 1, &f->msg), ERR_OK);
        lists_free(&set);
        set = flatten(f);
        assert_false(listbrake_stops(&f->conf, &f->source, set, true, &f->msg));
        lists_free(&set);
        /* Something else is something new. */
        import(f, cases[i].type, "");
        set = flatten(f);
        assert_false(listbrake_stops(&f->conf, &f->source, set, true, &f->msg));
        published.measure = listbrake_measure(&f->conf, &f->source, set);
        assert_int_equal(listedit_published(&f->conf, &published, 1, &f->msg), ERR_OK);
        lists_free(&set);
    }
}

/* Loopback is an own network of every mail server: it counts as private space. */
static void
brake_of_loopback(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(prefix_parse("127.0.0.0/8", 11, false, &f->own), ERR_OK);
    import(f, LIST_IP4SET, "127.0.0.2\n127.9.9.9\n9.9.9.9\n");
    struct list_set *set = flatten(f);
    assert_false(listbrake_stops(&f->conf, &f->source, set, true, &f->msg));
    lists_free(&set);
    works(f, "add mine 127.0.0.3");
    assert_int_equal(command(f, "add mine 127.0.1.3"), EXIT_TOO_MANY);
}

/* By hand not a single private address; nothing is left behind by what was refused. */
static void
brake_of_edits(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"add mine 0.0.0.0-255.255.255.255", "add mine 10.1.2.3",
        "add mine 9.9.9.9 203.0.113.200", "add mine 172.16/12", "add mine 203/8"};
    import(f, LIST_IP4SET, "9.1.1.1\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (command(f, bad[i]) != EXIT_TOO_MANY || strstr(f->msg.text, "--force") == NULL)
            fail_msg("%s: %s", bad[i], f->msg.text);
        assert_listed(f, "9.1.1.1-9.1.1.1 2;");
    }
    assert_int_equal(command_at(f, NOW, true, "add mine 10.1.2.3", NULL, NULL, NULL), EXIT_DONE);
    assert_listed(f, "9.1.1.1-9.1.1.1 2;10.1.2.3-10.1.2.3 2;");
    works(f, "add mine 9.1.1.2");
    works(f, "show mine");
    assert_non_null(strstr(f->text, "add 10.1.2.3 "));
    /* A file that lists what it should not is mended by a del. */
    import(f, LIST_IP4SET, "9.1.1.1\n203.0.113.5\n");
    assert_int_equal(command(f, "add mine 9.1.1.3"), EXIT_TOO_MANY);
    assert_non_null(strstr(f->msg.text, "203.0.113.5 of own_networks"));
    works(f, "del mine 203.0.113.0/24");
    assert_listed(f, "9.1.1.1-9.1.1.2 2;10.1.2.3-10.1.2.3 2;");
}

/* The brake's table is that of ip_is_private. */
static void
brake_knows_private_space(void **state)
{
    struct fixture *f = *state;
    uint32_t seed = 3;
    f->conf.own_network_count = f->conf.never_count = 0;
    for (unsigned i = 0; i < 200000; i++) {
        struct ip ip = ip_from_v4(next_random(&seed) << 8 | (next_random(&seed) & 255));
        struct range entry, range;
        if (i % 2 == 0) {
            ip = (struct ip){{(uint8_t)next_random(&seed), (uint8_t)next_random(&seed), 1}};
            ip.b[15] = 1;
        }
        entry = (struct range){ip, ip};
        bool test = ip_is4(&ip) && ip_v4(&ip) >> 8 == 0x7f0000 && (ip_v4(&ip) & 255) >= 2;
        assert_int_equal(
            listbrake_forbids(&f->conf, &entry, &range) != NULL, ip_is_private(&ip) && !test);
    }
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(edits_of_addresses), TEST(edits_of_other_types),
        TEST(values_and_notes), TEST(edits_expire), TEST(wrong_words), TEST(never_imported),
        TEST(brake_of_the_share), TEST(brake_of_ranges), TEST(brake_of_loopback),
        TEST(brake_of_edits), TEST(brake_knows_private_space)};
    return cmocka_run_group_tests_name("listedit", tests, NULL, NULL);
}
