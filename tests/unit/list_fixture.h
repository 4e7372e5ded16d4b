/*
 * For the tests of lists: one list of one file, the stores that it is imported into and published
 * to, and a configuration that names them.
 */
#ifndef TESTS_UNIT_LIST_FIXTURE_H
#define TESTS_UNIT_LIST_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "tests/unit/list_files.h"

#include "loader/stages.h"

#define NOW INT64_C(1780272000) /* 2026-06-01 */

struct fixture {
    char dir[48], answers[80], lists[80], path[80];
    char *files[1], *text; /* text: a test's own, freed at the end */
    struct conf conf;
    struct list_source source;
    struct prefix own, never; /* 203.0.113.0/24 and 2001:db8:5::/48 */
    struct errmsg msg;
    uint32_t seed;
    unsigned fast, slow; /* how edits went to the store */
    unsigned edited;     /* entries that they may have changed since all was published */
};

static inline int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    strcpy(f->dir, "/tmp/repdns-list-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->answers, sizeof f->answers, "%s/answers.mdb", f->dir);
    (void)snprintf(f->lists, sizeof f->lists, "%s/lists.mdb", f->dir);
    (void)snprintf(f->path, sizeof f->path, "%s/list", f->dir);
    f->files[0] = f->path;
    f->source = (struct list_source){.name = "mine",
        .file_count = 1,
        .files = f->files,
        .max_change = 50,
        .max_change_floor = 10};
    assert_int_equal(prefix_parse("203.0.113.0/24", 14, false, &f->own), ERR_OK);
    assert_int_equal(prefix_parse("2001:db8:5::/48", 15, false, &f->never), ERR_OK);
    f->conf = (struct conf){.answers_path = f->answers,
        .lists_path = f->lists,
        .lists = &f->source,
        .list_count = 1,
        .own_networks = &f->own,
        .own_network_count = 1,
        .never_list = &f->never,
        .never_count = 1};
    *state = f;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;
    list_remove_folder(f->dir);
    free(f->text);
    free(f);
    return 0;
}

static inline void
import(struct fixture *f, enum list_type type, const char *text)
{
    (void)list_import_text(&f->conf, &f->source, type, text, strlen(text), NOW);
}

/* The caller frees it with lists_free(). */
static inline struct list_set *
flatten(const struct fixture *f)
{
    return list_flatten_all(&f->conf, &f->source);
}

static inline void
publish_whole(struct fixture *f)
{
    struct run run = {.conf = &f->conf, .now_s = NOW, .force = true};
    struct list_set *set = flatten(f);
    if (stage_publish_list(&run, &f->source, set, &f->msg) != EXIT_DONE)
        fail_msg("%s", f->msg.text);
    lists_free(&set);
    run_close(&run);
}

#endif
