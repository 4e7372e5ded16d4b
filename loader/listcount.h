/* How many entries of each sort a list has, as rbldnsd counts them when it has read one. Pure. */
#ifndef LOADER_LISTCOUNT_H
#define LOADER_LISTCOUNT_H

#include "loader/listfile.h"

/* ip4set: of /32, /24, /16 and /8, into which ranges are cut. dnset: of names themselves, and of
 * wildcards. combined: of sub-zones and of sections (listsection.h). Others: one number. */
enum { LISTCOUNT_SORTS = 4, LISTCOUNT_ZONES = 0, LISTCOUNT_SECTIONS = 1 };
struct list_counts {
    uint64_t of[LISTCOUNT_SORTS];
};

void listcount_add(
    struct list_counts *counts, enum list_type type, const struct listfile_entry *entry);
/* "e32/24/16/8=16/1/2/0" */
void listcount_format(
    const struct list_counts *counts, enum list_type type, char *out, size_t size);

#endif
