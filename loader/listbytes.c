/* A run of bytes that grows; see listbytes.h. */
#include "loader/listbytes.h"

#include <stdlib.h>
#include <string.h>

void
listbytes_free(struct list_bytes *bytes)
{
    free(bytes->p);
    *bytes = (struct list_bytes){0};
}

bool
listbytes_reserve(struct list_bytes *bytes, size_t n)
{
    if (bytes->room - bytes->n >= n)
        return true;
    size_t room = bytes->room * 2 + n + 4096;
    uint8_t *grown = realloc(bytes->p, room);
    if (grown == NULL)
        return false;
    bytes->p = grown;
    bytes->room = room;
    return true;
}

bool
listbytes_append(struct list_bytes *bytes, const void *p, size_t n)
{
    if (!listbytes_reserve(bytes, n))
        return false;
    if (n > 0)
        memcpy(bytes->p + bytes->n, p, n);
    bytes->n += n;
    return true;
}
