/* Whether a list has the same prefix twice: in a trie only the first counts. */
#ifndef LOADER_LISTDUP_H
#define LOADER_LISTDUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/listbytes.h"
#include "zones/ip.h"

/* A hash table of the ranges of one source. All zero bytes at first. */
struct listdup {
    struct list_bytes keys; /* all of one size */
    uint32_t *slots;        /* a key's number plus 1 */
    size_t room, count;
};
void listdup_free(struct listdup *dup);

/* Notes the range; true if an earlier one is of the same addresses. Those of one source are all of
 * an IPv4 list or all of another. O(1). Where there is no memory for it, nothing is noted. */
bool listdup_note(struct listdup *dup, bool v4, const struct range *range);

#endif
