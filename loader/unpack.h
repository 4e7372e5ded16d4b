/*
 * The bytes of a regular file, unpacked where they are gzip's or zstd's. The first bytes decide,
 * not the name; everything that follows the first member or frame must be more of them. For
 * listread.c.
 */
#ifndef LOADER_UNPACK_H
#define LOADER_UNPACK_H

#include <stddef.h>

#include "zones/err.h"

/* fd stands at the beginning of a file and stays the caller's, who closes it after this. Close
 * *out, which is NULL if this failed. ERR_NOMEM; ERR_IO: errno says why. */
struct unpack;
enum err unpack_open(int fd, struct unpack **out) MUST_CHECK;
void unpack_close(struct unpack **unpack);

/* At most size bytes; *got is 0 at the end alone. ERR_IO: *why says what is wrong, for people;
 * nothing more is to be read. Memory is bounded whatever the file holds. */
enum err unpack_read(
    struct unpack *unpack, void *out, size_t size, size_t *got, const char **why) MUST_CHECK;

#endif
