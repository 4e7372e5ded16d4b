/* Log files. See logread.h. */
#include "loader/logread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "zones/fnv.h"

enum { BUFFER_SIZE = 1 << 18 };

struct logread {
    gzFile gz; /* reads plain files as they are */
    uint64_t offset;
    size_t begin, end;
    bool ended;
    char buffer[BUFFER_SIZE];
    char cut[LOGREAD_LINE_MAX];
};

static enum err
open_file(const char *path, int *fd, struct stat *st, struct errmsg *msg)
{
    /* A FIFO must not hold the run up. */
    *fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0)
        return errmsg_set(msg, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
            "%s: %s; the loader's user must be able to read the log (on Debian: group adm)", path,
            strerror(errno));
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode))
        return ERR_OK;
    (void)close(*fd);
    return errmsg_set(msg, ERR_IO, "%s: not a regular file; give a pattern for log files", path);
}

static gzFile
open_gz(int fd)
{
    gzFile gz = gzdopen(fd, "rb");

    if (gz == NULL)
        (void)close(fd);
    else
        (void)gzbuffer(gz, BUFFER_SIZE / 2);
    return gz;
}

enum err
logfile_look(const char *path, struct logfile *out, struct errmsg *msg)
{
    struct stat st;
    int fd;
    enum err err = open_file(path, &fd, &st, msg);

    *out = (struct logfile){0};
    if (err < 0)
        return err;
    out->dev = (uint64_t)st.st_dev;
    out->ino = (uint64_t)st.st_ino;
    out->size = (uint64_t)st.st_size;
    out->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    ssize_t n = pread(fd, out->head, sizeof out->head, 0);
    out->head_len = n > 0 ? (uint16_t)n : 0;
    /* RFC 1952 2.3.1 */
    out->compressed = n > 2 && out->head[0] == 0x1f && out->head[1] == 0x8b && out->head[2] == 8;
    if (!out->compressed) {
        (void)close(fd);
        return ERR_OK;
    }
    gzFile gz = open_gz(fd);
    if (gz == NULL)
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", path);
    int got = gzread(gz, out->head, sizeof out->head);
    out->head_len = got > 0 ? (uint16_t)got : 0;
    (void)gzclose_r(gz);
    return ERR_OK;
}

uint64_t
logfile_fingerprint(const struct logfile *file, uint16_t n)
{
    return fnv_add(FNV_START, file->head, n);
}

enum err
logread_open(const char *path, const struct logfile *file, uint64_t offset, struct logread **out,
    struct errmsg *msg)
{
    struct stat st;
    int fd;
    enum err err = open_file(path, &fd, &st, msg);

    *out = NULL;
    if (err < 0)
        return err;
    /* Rotated since: the next run finds it under its new name. */
    if ((uint64_t)st.st_dev != file->dev || (uint64_t)st.st_ino != file->ino) {
        (void)close(fd);
        return errmsg_set(msg, ERR_NOTFOUND, "%s: replaced while it was read", path);
    }
    struct logread *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        (void)close(fd);
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", path);
    }
    reader->offset = offset;
    reader->gz = open_gz(fd);
    if (reader->gz == NULL) {
        free(reader);
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", path);
    }
    *out = reader;
    /* One byte shows zlib that the file is plain: it seeks there, and reads all of another. */
    if (offset > 0 && !file->compressed)
        (void)gzgetc(reader->gz);
    /* Past the end of a .gz that is being written: nothing to read, no failure. */
    if (offset > 0 && gzseek(reader->gz, (z_off_t)offset, SEEK_SET) < 0)
        reader->ended = true;
    return ERR_OK;
}

enum err
logread_stdin(struct logread **out, struct errmsg *msg)
{
    static const char name[] = "standard input";
    struct logread *reader = calloc(1, sizeof *reader);
    int fd = dup(STDIN_FILENO);

    *out = reader;
    if (fd < 0) {
        free(reader);
        *out = NULL;
        return errmsg_set(msg, ERR_IO, "%s: %s; give a log with < or |", name, strerror(errno));
    }
    if (reader == NULL)
        (void)close(fd);
    else
        reader->gz = open_gz(fd);
    if (reader != NULL && reader->gz != NULL)
        return ERR_OK;
    free(reader);
    *out = NULL;
    return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", name);
}

void
logread_close(struct logread **reader)
{
    if (*reader == NULL)
        return;
    (void)gzclose_r((*reader)->gz);
    free(*reader);
    *reader = NULL;
}

/* More bytes behind those in the buffer, which move to its begin. False at the end; a .gz that is
 * damaged or not written to its end yet ends there. */
static bool
fill(struct logread *reader)
{
    size_t kept = reader->end - reader->begin;

    if (reader->ended)
        return false;
    memmove(reader->buffer, reader->buffer + reader->begin, kept);
    reader->begin = 0;
    reader->end = kept;
    int got = gzread(reader->gz, reader->buffer + kept, (unsigned)(BUFFER_SIZE - kept));
    reader->ended = got <= 0;
    if (got > 0)
        reader->end += (size_t)got;
    return got > 0;
}

/* A line longer than the buffer: its begin is kept, the rest passed over. */
static bool
long_line(struct logread *reader, struct text *line)
{
    uint64_t passed = 0;
    const char *newline;

    memcpy(reader->cut, reader->buffer + reader->begin, sizeof reader->cut);
    do {
        passed += reader->end - reader->begin;
        reader->begin = reader->end = 0;
        if (!fill(reader))
            return false;
        newline = memchr(reader->buffer, '\n', reader->end);
    } while (newline == NULL);
    reader->begin = (size_t)(newline - reader->buffer) + 1;
    reader->offset += passed + reader->begin;
    *line = (struct text){reader->cut, sizeof reader->cut};
    return true;
}

bool
logread_line(struct logread *reader, struct text *line)
{
    size_t searched = 0;

    for (;;) {
        const char *begin = reader->buffer + reader->begin;
        size_t n = reader->end - reader->begin;
        const char *newline = memchr(begin + searched, '\n', n - searched);

        if (newline != NULL) {
            size_t len = (size_t)(newline - begin);

            *line = (struct text){begin, len < LOGREAD_LINE_MAX ? len : LOGREAD_LINE_MAX};
            reader->begin += len + 1;
            reader->offset += len + 1;
            return true;
        }
        searched = n;
        if (n == BUFFER_SIZE)
            return long_line(reader, line);
        if (!fill(reader))
            return false;
    }
}

bool
logread_take(struct logread *reader, void *out, uint64_t n)
{
    char *at = out;

    while (n > 0) {
        size_t here = reader->end - reader->begin;

        if (here == 0 && !fill(reader))
            return false;
        here = reader->end - reader->begin;
        here = here < n ? here : (size_t)n;
        if (at != NULL) {
            memcpy(at, reader->buffer + reader->begin, here);
            at += here;
        }
        reader->begin += here;
        reader->offset += here;
        n -= here;
    }
    return true;
}

uint64_t
logread_offset(const struct logread *reader)
{
    return reader->offset;
}
