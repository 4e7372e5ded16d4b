/* gzip and zstd; see unpack.h. RFC 1952 is gzip's format, RFC 8878 zstd's. */
#include "loader/unpack.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { PACKED_SIZE = 1 << 16 };

static const char cut_short[] = "the compressed data is cut short";
static const char damaged[] = "the compressed data is damaged";

struct unpack {
    gzFile gz; /* of gzip and plain files, which it reads as they are; NULL: zstd */
    ZSTD_DStream *zstd;
    int fd;      /* borrowed */
    size_t left; /* what zstd still wants of its frame; 0: nothing */
    ZSTD_inBuffer in;
    uint8_t packed[PACKED_SIZE];
};

/* RFC 8878 3.1.1 and 3.1.2: a frame, or one that is to be skipped. */
static bool
is_zstd(int fd)
{
    uint8_t b[4];
    if (pread(fd, b, sizeof b, 0) != sizeof b)
        return false;
    uint32_t magic = (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
    return magic == ZSTD_MAGICNUMBER ||
           (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static enum err
open_gz(struct unpack *unpack, int fd)
{
    int copy = dup(fd);
    if (copy < 0)
        return ERR_IO;
    unpack->gz = gzdopen(copy, "rb");
    if (unpack->gz != NULL)
        return ERR_OK;
    (void)close(copy);
    return ERR_NOMEM;
}

enum err
unpack_open(int fd, struct unpack **out)
{
    struct unpack *unpack = calloc(1, sizeof *unpack);
    enum err err = ERR_NOMEM;
    *out = unpack;
    if (unpack == NULL)
        return err;
    unpack->fd = fd;
    if (!is_zstd(fd)) {
        err = open_gz(unpack, fd);
    } else {
        unpack->zstd = ZSTD_createDStream();
        unpack->in.src = unpack->packed;
        err = unpack->zstd == NULL ? ERR_NOMEM : ERR_OK;
    }
    if (err < 0)
        unpack_close(out);
    return err;
}

void
unpack_close(struct unpack **unpack)
{
    if (*unpack == NULL)
        return;
    if ((*unpack)->gz != NULL)
        (void)gzclose_r((*unpack)->gz);
    (void)ZSTD_freeDStream((*unpack)->zstd);
    free(*unpack);
    *unpack = NULL;
}

static enum err
read_gz(struct unpack *unpack, void *out, size_t size, size_t *got, const char **why)
{
    int code, n = gzread(unpack->gz, out, size < INT_MAX ? (unsigned)size : INT_MAX);
    (void)gzerror(unpack->gz, &code);
    if (n > 0) {
        *got = (size_t)n;
        return ERR_OK;
    }
    if (n == 0 && code == Z_OK)
        return ERR_OK;
    *why = code == Z_ERRNO ? strerror(errno) : code == Z_BUF_ERROR ? cut_short : damaged;
    return ERR_IO;
}

/* What is no damage is zstd's own words: a window that is too large, no memory. */
static const char *
damaged_zstd(size_t code)
{
    ZSTD_ErrorCode error = ZSTD_getErrorCode(code);
    bool corrupt = error == ZSTD_error_corruption_detected || error == ZSTD_error_checksum_wrong ||
                   error == ZSTD_error_prefix_unknown;
    return corrupt ? damaged : ZSTD_getErrorName(code);
}

static enum err
read_zstd(struct unpack *unpack, void *p, size_t size, size_t *got, const char **why)
{
    ZSTD_outBuffer out = {p, size, 0};
    while (out.pos == 0) {
        bool ended = false;
        if (unpack->in.pos == unpack->in.size) {
            ssize_t n = read(unpack->fd, unpack->packed, sizeof unpack->packed);
            if (n < 0) {
                *why = strerror(errno);
                return ERR_IO;
            }
            ended = n == 0;
            if (ended && unpack->left == 0)
                return ERR_OK;
            unpack->in.size = (size_t)n;
            unpack->in.pos = 0;
        }
        /* At the end too, as some of what was given before may not have found room. */
        unpack->left = ZSTD_decompressStream(unpack->zstd, &out, &unpack->in);
        if (ZSTD_isError(unpack->left)) {
            *why = damaged_zstd(unpack->left);
            return ERR_IO;
        }
        if (ended && out.pos == 0) {
            *why = cut_short;
            return ERR_IO;
        }
    }
    *got = out.pos;
    return ERR_OK;
}

enum err
unpack_read(struct unpack *unpack, void *out, size_t size, size_t *got, const char **why)
{
    *got = 0;
    return unpack->gz != NULL ? read_gz(unpack, out, size, got, why)
                              : read_zstd(unpack, out, size, got, why);
}
