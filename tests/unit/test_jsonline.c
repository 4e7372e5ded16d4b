/* Lines of JSON, and usage texts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/jsonline.h"
#include "loader/usage.h"

struct printed {
    FILE *out;
    char *text;
    size_t size;
};

static void
begin(struct printed *p)
{
    p->out = open_memstream(&p->text, &p->size);
    assert_non_null(p->out);
}

static void
end(struct printed *p, const char *wanted)
{
    assert_int_equal(fclose(p->out), 0);
    assert_string_equal(p->text, wanted);
    free(p->text);
}

static void
values(void **state)
{
    struct printed p;
    const struct ip ip = ip_from_v4(0x7f000003);
    struct reason_set reasons = {0};
    (void)state;
    reasons_add(&reasons, REASON_SCORE);
    reasons_add(&reasons, REASON_RDNS_NONE);
    const struct jsonline_member members[] = {{"count", jsonline_count(UINT32_MAX)},
        {"number", jsonline_number(0.25)}, {"none", jsonline_number(NAN)},
        {"far", jsonline_number(INFINITY)}, {"time", jsonline_time(1779667200)},
        {"never", jsonline_time(0)}, {"ip", jsonline_ip(&ip)}, {"a", jsonline_a(0x7f000004)},
        {"reasons", jsonline_reasons(reasons)}};
    begin(&p);
    assert_int_equal(
        jsonline_print_members(p.out, members, sizeof members / sizeof *members), ERR_OK);
    end(&p, "{\"count\": 4294967295, \"number\": 0.25, \"none\": null, \"far\": null, "
            "\"time\": \"2026-05-25T00:00:00Z\", \"never\": null, \"ip\": \"127.0.0.3\", "
            "\"a\": \"127.0.0.4\", \"reasons\": [\"score\", \"rdns-none\"]}\n");
}

/* Whatever bytes there are: ASCII, one line, and nothing that a terminal obeys. */
static void
texts(void **state)
{
    static const char zero[] = "a\0b";
    struct printed p;
    (void)state;
    const struct jsonline_member members[] = {{"utf8", jsonline_string("gr\xc3\xbc\xc3\x9f")},
        {"latin1", jsonline_string("caf\xe9")}, {"control", jsonline_string("\x1b[2J\n\"\\")},
        {"c1", jsonline_string("\xc2\x9b")}, {"zero", jsonline_text(slice_of(zero, 3))},
        {"empty", jsonline_text((struct slice){0})}};
    begin(&p);
    assert_int_equal(
        jsonline_print_members(p.out, members, sizeof members / sizeof *members), ERR_OK);
    end(&p, "{\"utf8\": \"gr\\u00FC\\u00DF\", \"latin1\": \"caf\\u00E9\", "
            "\"control\": \"\\u001B[2J\\n\\\"\\\\\", \"c1\": \"\\u009B\", "
            "\"zero\": \"a\\u0000b\", \"empty\": \"\"}\n");
}

/* A value that there was no memory for makes the line fail, wherever it stands. */
static void
no_memory(void **state)
{
    struct printed p;
    json_t *list = json_array(), *object = json_object();
    (void)state;
    begin(&p);
    jsonline_append(&list, NULL);
    assert_null(list);
    jsonline_append(&list, json_true());
    assert_null(list);
    jsonline_set(&object, "list", list);
    jsonline_set(&object, "more", json_true());
    assert_null(object);
    const struct jsonline_member members[] = {
        {"a", json_true()}, {"b", object}, {"c", json_true()}};
    assert_int_equal(jsonline_print_members(p.out, members, 3), ERR_NOMEM);
    end(&p, "");
}

static const struct usage_option options[] = {{'c', "-c FILE", "what it reads"},
    {'l', "--long VALUE",
        "a text that is so long that it does not fit into what is left of a line of 80 columns"},
    {'n', "--needed", "always"}, {'h', "-h, --help", "this"}};
static const struct usage_command commands[] = {{"do", "cl!nh", "THIS [THAT]", "does it"},
    {"one|two", "h", "", "either"}, {"other", NULL, "...", "by itself"}};
static const struct usage usage = {"prog", options, 4, commands, 3};

static void
usages(void **state)
{
    struct printed p;
    (void)state;
    begin(&p);
    usage_print(p.out, &usage);
    end(&p, "usage: prog [OPTION...] COMMAND ..., see prog COMMAND --help\n"
            "  do THIS [THAT]  does it\n"
            "  one|two         either\n"
            "  other ...       by itself\n"
            "options: -c FILE, --long VALUE, --needed, -h, --help\n");
    begin(&p);
    usage_print_command(p.out, &usage, usage_find(&usage, "do"), "do");
    end(&p, "usage: prog do [-c FILE] [--long VALUE] --needed THIS [THAT]\n"
            "  does it\n"
            "  -c FILE       what it reads\n"
            "  --long VALUE  a text that is so long that it does not fit into what is left of\n"
            "                a line of 80 columns\n"
            "  --needed      always\n"
            "  -h, --help    this\n");
    assert_ptr_equal(usage_find(&usage, "one"), &commands[1]);
    assert_ptr_equal(usage_find(&usage, "two"), &commands[1]);
    assert_null(usage_find(&usage, "one|two"));
    assert_null(usage_find(&usage, "other"));
    assert_null(usage_find(&usage, ""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values), cmocka_unit_test(texts),
        cmocka_unit_test(no_memory), cmocka_unit_test(usages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
