/*
 * One flattened layer of a list over another: what the upper one covers it decides, however
 * specific the lower one's entries are. For listset.c.
 */
#ifndef LOADER_LISTOVERLAY_H
#define LOADER_LISTOVERLAY_H

#include <stdbool.h>

#include "loader/listcollect.h"

/* Replaces *lower by itself under upper. cut: what upper covers is taken off, its values mean
 * nothing; of addresses nothing stays, of names exclusions, since a wildcard above them must not
 * match. *dropped: entries of the lower layer of which nothing is left. Values stay where they are.
 * O(entries of both). */
enum err listoverlay(
    struct list_flat *lower, const struct list_flat *upper, bool cut, uint64_t *dropped) MUST_CHECK;

#endif
