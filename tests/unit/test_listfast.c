/*
 * Edits by the blocks that they are in: when the whole list is needed instead, and which way the
 * command takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/list_served.h"

#include "loader/listcmd.h"
#include "loader/listfast.h"

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
    struct prefix own = f->own;
    char other[sizeof f->dir + 16];
    f->source.max_change_floor = 50;
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
    assert_int_equal(prefix_parse("9.1.2.7/32", 10, false, &f->own), ERR_OK);
    assert_int_equal(adds(f), ERR_NOTFOUND);
    publish_whole(f);
    assert_int_equal(adds(f), ERR_NOTFOUND);
    f->own = own;
    publish_whole(f);
    assert_int_equal(adds(f), ERR_OK);
    /* A store that has not the list. */
    (void)snprintf(other, sizeof other, "%s/other.mdb", f->dir);
    f->conf.answers_path = other;
    assert_int_equal(adds(f), ERR_NOTFOUND);
}

static void
too_many_blocks(void **state)
{
    struct fixture *f = *state;
    enum { LINES = 600, LINE_SIZE = 256 };
    size_t n = 0;
    f->text = malloc(LINES * LINE_SIZE);
    assert_non_null(f->text);
    for (unsigned i = 0; i < LINES; i++)
        n += (size_t)snprintf(f->text + n, LINE_SIZE, "9.%u.%u.1 :2:%0200u\n", i / 250, i % 250, i);
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
    f->source.max_change_floor = 50;
    import(f, LIST_IP4SET, "9.1.1.0/24\n");
    publish_whole(f);
    f->edited = 10;
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
    const struct CMUnitTest tests[] = {
        TEST(whole_list_needed), TEST(too_many_blocks), TEST(commands)};
    return cmocka_run_group_tests_name("listfast", tests, NULL, NULL);
}
