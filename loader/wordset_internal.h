/* For wordset*.c alone; see wordset.h. */
#ifndef LOADER_WORDSET_INTERNAL_H
#define LOADER_WORDSET_INTERNAL_H

#include "loader/wordset.h"

/* There is room for every word. */
enum err wordset_add_evidence(
    struct wordset *set, unsigned number, const struct word *word) MUST_CHECK;
enum err wordset_make_names(const struct conf *conf, const struct words *words, bool judged,
    const struct list_set *const *allow, size_t allow_count, struct wordset *out) MUST_CHECK;

#endif
