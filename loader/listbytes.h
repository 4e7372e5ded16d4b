/* A run of bytes that grows; for the list's modules. */
#ifndef LOADER_LISTBYTES_H
#define LOADER_LISTBYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero bytes at first. */
struct list_bytes {
    uint8_t *p;
    size_t n, room;
};
void listbytes_free(struct list_bytes *bytes);

/* Room for n more bytes behind those that are there; false: no memory. */
bool listbytes_reserve(struct list_bytes *bytes, size_t n);
bool listbytes_append(struct list_bytes *bytes, const void *p, size_t n);

#endif
