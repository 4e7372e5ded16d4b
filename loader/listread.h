/*
 * The files of one list, read whole into memory: plain, gzip or zstd (unpack.h). For lists.c.
 */
#ifndef LOADER_LISTREAD_H
#define LOADER_LISTREAD_H

#include <sys/stat.h>

#include "loader/listbytes.h"
#include "loader/listfile.h"
#include "loader/listpack.h"
#include "loader/lists.h"

struct list_read {
    struct listfile file;    /* after the last line */
    struct list_pack pack;   /* its entries */
    struct list_bytes files; /* as listread_state, but of what was read */
    struct authority authority;
    int64_t newest_s; /* mtime of the newest file */
    /* Of a combined list: its sections, which have no parts, files and authority of their own. */
    struct list_read *parts;
    size_t part_count;
    bool in_part;            /* lines are the last one's */
    struct list_bytes zones; /* of a section: its sub-zones' names in wire form */
    bool whole_only;         /* set before: a file that ends in half a line is an error */
};

/* All zero bytes at first but for whole_only; free it whatever is returned. Counts into stats. An
 * unreadable file, one that changes meanwhile and a stamp in the future are errors, bad lines are
 * not, unless it is the last one, has no newline, and only whole files will do. */
enum err listread(const struct list_source *source, int64_t now_s, struct list_read *out,
    struct list_stats *stats, struct errmsg *msg) MUST_CHECK;
void listread_free(struct list_read *read);

/* Name, size, mtime and inode of each file, to tell whether they are the same. Free *out whatever
 * is returned. */
enum err listread_state(
    const struct list_source *source, struct list_bytes *out, struct errmsg *msg) MUST_CHECK;
/* What else decides what is read of the files, and stands after them in their state; its length,
 * which is 0 for what is usual. */
enum { LISTREAD_OPTIONS_SIZE = 16 };
size_t listread_options(const struct list_source *source, uint8_t out[LISTREAD_OPTIONS_SIZE]);
/* FNV-1a over the same, of one file after those before it. */
uint64_t listread_digest(uint64_t hash, const char *path, const struct stat *st);

#endif
