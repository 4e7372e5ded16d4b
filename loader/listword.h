/* Words of a line of a list, taken off its front with the blanks after them; for the list's
 * parsers. Where one returns false, nothing is known of *at. */
#ifndef LOADER_LISTWORD_H
#define LOADER_LISTWORD_H

#include "loader/listfile.h"

/* This word, given in lower case, in any case, with a blank after it. */
bool listword_is(struct listfile_cursor *at, const char *lower);
/* Any word, to its blank or the end; false at the end. */
bool listword_any(struct listfile_cursor *at, struct listfile_cursor *word);
/* A decimal number of 32 bits, a word of its own. */
bool listword_number(struct listfile_cursor *at, uint32_t *out);
/* Seconds, or another unit by its letter: s, m, h, d or w; a word of its own. */
bool listword_time(struct listfile_cursor *at, uint32_t *seconds);
/* A name, absolute, the root too; as listkey_name. */
bool listword_name(struct listfile_cursor *at, struct dname *out);
/* A word that is this, to the end of the line. */
static inline bool
listword_at_end(const struct listfile_cursor *at)
{
    return at->p == at->end || listfile_blank(*at->p);
}

#endif
