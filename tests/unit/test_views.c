/* Which zone a name belongs to, where a zone may be the root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/views.h"

static struct dname
name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return name;
}

/* The longest name there is, with nothing behind it. */
static struct dname *
longest(void)
{
    struct dname *name = malloc(sizeof *name);
    assert_non_null(name);
    char text[DNAME_MAX];
    for (size_t i = 0; i < sizeof text - 2; i++)
        text[i] = i % 2 == 0 ? 'a' : '.';
    assert_int_equal(dname_parse(text, sizeof text - 2, name), ERR_OK);
    assert_int_equal(name->len, DNAME_MAX);
    return name;
}

static void
the_longest_apex(void **state)
{
    struct zone_def zones[] = {{.apex = name_of(".")}, {.apex = name_of("rep.example")},
        {.apex = name_of("ip.rep.example")}, {.apex = name_of("a.a")}};
    struct conf conf = {.zones = zones, .zone_count = sizeof zones / sizeof *zones};
    struct view_table *views;
    unsigned index;
    (void)state;
    assert_int_equal(view_table_new(&conf, &views), ERR_OK);
    static const struct {
        const char *name;
        unsigned zone;
    } cases[] = {{".", 0}, {"example", 0}, {"xrep.example", 0}, {"rep.example", 1},
        {"x.rep.example", 1}, {"2.0.0.127.ip.rep.example", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dname name = name_of(cases[i].name);
        assert_ptr_equal(view_find(views, &name, &index), &zones[cases[i].zone]);
        assert_int_equal(index, cases[i].zone);
    }
    struct dname *name = longest();
    assert_ptr_equal(view_find(views, name, NULL), &zones[3]);
    free(name);
    view_table_free(&views);
}

static void
the_longest_name_of_the_root(void **state)
{
    struct zone_def zones[] = {{.apex = name_of(".")}};
    struct conf conf = {.zones = zones, .zone_count = 1};
    struct view_table *views;
    (void)state;
    assert_int_equal(view_table_new(&conf, &views), ERR_OK);
    struct dname *name = longest();
    assert_ptr_equal(view_find(views, name, NULL), &zones[0]);
    free(name);
    view_table_free(&views);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_apex),
        cmocka_unit_test(the_longest_name_of_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
