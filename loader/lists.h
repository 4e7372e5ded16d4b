/*
 * List files in rbldnsd's formats (rbldnsd(8); listtypes.def has those that are read), kept
 * unflattened in lists.mdb by source, flattened into datasets.
 */
#ifndef LOADER_LISTS_H
#define LOADER_LISTS_H

#include "loader/listcount.h"
#include "loader/publish.h"
#include "zones/zoneconf.h"

enum { LIST_WARNING_SIZE = 200, LIST_WARNINGS_MORE = 4 };
struct list_stats {
    uint64_t lines, entries, warnings;
    char first_warning[LIST_WARNING_SIZE]; /* file:line: what; what to do */
    char more_warnings[LIST_WARNINGS_MORE][LIST_WARNING_SIZE];
    struct list_counts counts;
};

/* Reads the files of one source whole, then replaces its entries in lists.mdb. A file that can't
 * be read leaves the entries as they were and is an error. Unchanged files (size, mtime, inode) are
 * not read again: *changed says. */
enum err lists_import(const struct conf *conf, const struct list_source *source, int64_t now_s,
    bool *changed, struct list_stats *stats, struct errmsg *msg) MUST_CHECK;

/* The flattened dataset of a source as publish wants it, where entries overlap by the rule of its
 * type (listtypes.def); an exclusion that wins is not listed. The stored edits of the operator lie
 * over it. Free with lists_free. */
struct list_set;
enum err lists_flatten(const struct conf *conf, const struct list_source *source,
    struct list_set **out, struct errmsg *msg) MUST_CHECK;
const struct publish_set *lists_set(const struct list_set *set);
/* The datasets of a combined list's sections, which come before its own in a publish; else none. */
const struct publish_set *lists_parts(const struct list_set *set, size_t *count);
enum list_type lists_part_type(const struct list_set *set, size_t part);
void lists_free(struct list_set **set);

/* As lists_flatten, but under these edits (listlayer.h) instead of the stored ones; expired ones
 * count too. */
struct list_layer;
enum err lists_flatten_under(const struct conf *conf, const struct list_source *source,
    const struct list_layer *layer, struct list_set **out, struct errmsg *msg) MUST_CHECK;

/* How many entries: those of the files and the added ones, exclusions and what own dels leave
 * nothing of not counted. For listbrake.h. */
uint64_t lists_entries(const struct list_set *set);
/* What was published last; NULL: never. */
struct list_measure;
const struct list_measure *lists_published(const struct list_set *set);

/* Whether an ALLOW list covers the address or name. */
bool lists_has_ip(const struct list_set *set, const struct ip *ip);
bool lists_has_name(const struct list_set *set, const struct dname *name);

#endif
