/* Whether a list has the same prefix twice: in a trie only the first counts. */
#ifndef LOADER_LISTDUP_H
#define LOADER_LISTDUP_H

#include "loader/listread.h"

/* A hash table of items. All zero bytes at first. */
struct listdup {
    uint32_t *slots; /* an item's number plus 1 */
    size_t room, count;
};
void listdup_free(struct listdup *dup);

/* Notes the last item read; true if an earlier one is of the same addresses. O(1). Where there is
 * no memory for it, nothing is noted. */
bool listdup_note(struct listdup *dup, const struct list_read *read);

#endif
