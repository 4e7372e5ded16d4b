/* Whose key a label is; see keys.h. */
#include "server/keys.h"

#include "zones/slice.h"

const struct key *
keys_find(const struct keyring *ring, const uint8_t *label, size_t n)
{
    unsigned first = 0, end = ring->count;
    while (first < end) {
        unsigned middle = first + (end - first) / 2;
        const struct key *key = &ring->keys[middle];
        int order = slice_cmp(slice_of(label, n), slice_of(key->b, key->n));
        if (order == 0)
            return key;
        if (order < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return NULL;
}
