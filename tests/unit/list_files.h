/* For the tests of lists: a list's file in a folder of its own, imported and flattened. */
#ifndef TESTS_UNIT_LIST_FILES_H
#define TESTS_UNIT_LIST_FILES_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/lists.h"

/* Returns how many entries there were. */
static inline uint64_t
list_import_text(const struct conf *conf, struct list_source *source, enum list_type type,
    const char *text, size_t n, int64_t now_s)
{
    const char *path = source->files[0];
    char other[128];
    struct list_stats stats;
    struct errmsg msg;
    bool changed;
    (void)snprintf(other, sizeof other, "%s.new", path);
    FILE *out = fopen(other, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
    /* Renamed, so that the inode changes even within a clock tick. */
    assert_int_equal(rename(other, path), 0);
    source->type = type;
    if (lists_import(conf, source, now_s, &changed, &stats, &msg) < 0)
        fail_msg("%s", msg.text);
    return stats.entries;
}

static inline struct list_set *
list_flatten_all(const struct conf *conf, const struct list_source *source)
{
    struct list_set *set;
    struct errmsg msg;
    if (lists_flatten(conf, source, &set, &msg) < 0)
        fail_msg("%s", msg.text);
    return set;
}

/* The folder with its files. */
static inline void
list_remove_folder(const char *dir)
{
    char path[512];
    DIR *entries = opendir(dir);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        (void)unlink(path); /* . and .. stay */
    }
    (void)closedir(entries);
    (void)rmdir(dir);
}

#endif
