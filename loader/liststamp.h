/*
 * What the published lists were made of, in <state_dir>/lists.stamp: a digest of the configuration
 * of lists and zones, and one of each list's files (path, size, mtime, inode). Whoever finds the
 * same files under the same configuration may serve what is published without reading them.
 */
#ifndef LOADER_LISTSTAMP_H
#define LOADER_LISTSTAMP_H

#include "zones/zoneconf.h"

struct list_stamp {
    uint64_t conf;
    unsigned count;
    uint64_t *files; /* by the configuration's order; 0: not known */
};
void liststamp_free(struct list_stamp *stamp);
bool liststamp_equal(const struct list_stamp *a, const struct list_stamp *b);

/* Each fills *out, which is to be freed whatever is returned.
 * Of the files that lie there now. root stands before each path, for a process that is not in the
 * chroot; "" else. A missing file leaves 0. */
enum err liststamp_now(const struct conf *conf, const char *root, struct list_stamp *out,
    struct errmsg *msg) MUST_CHECK;
/* Of the files that the entries in lists.mdb came from. */
enum err liststamp_imported(
    const struct conf *conf, struct list_stamp *out, struct errmsg *msg) MUST_CHECK;
/* What was saved last. All 0, conf too, if nothing was, or under another configuration. */
enum err liststamp_load(const struct conf *conf, const char *root, struct list_stamp *out,
    struct errmsg *msg) MUST_CHECK;

/* Replaces the file, whole or not at all. */
enum err liststamp_save(
    const struct conf *conf, const struct list_stamp *stamp, struct errmsg *msg) MUST_CHECK;

#endif
