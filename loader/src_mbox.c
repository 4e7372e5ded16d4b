/* Mbox files. See src_mbox.h. */
#include "loader/src_mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reader {
    const struct conf *conf;
    source_fn fn;
    void *ctx;
    struct mailstore_count *count;
    enum obs_label label;
    bool in_header;
    size_t len; /* of head */
    char head[MAIL_HEAD_MAX];
};

/* The header is whole: at its empty line, or when it is as long as is ever read. */
static enum err
end_header(struct reader *reader)
{
    struct received_mail mail;
    char id[SOURCE_ID_SIZE];
    bool found;
    enum err err;

    reader->in_header = false;
    err = mail_observe(
        reader->head, reader->len, reader->conf, reader->label, reader->count, &mail, &found);
    if (err != ERR_OK || !found)
        return err;
    source_id(mail.trace, id);
    return reader->fn(reader->ctx, id, &mail.observation);
}

static enum err
add_header(struct reader *reader, const char *line, size_t n)
{
    size_t room = sizeof reader->head - reader->len;

    memcpy(reader->head + reader->len, line, n < room ? n : room);
    reader->len += n < room ? n : room;
    return n < room ? ERR_OK : end_header(reader);
}

/* Bytes up to a line's end, at most size; 0 at the end of the file. Unlike fgets, a NUL is a byte.
 */
static size_t
next_piece(FILE *f, char *out, size_t size)
{
    size_t n = 0;
    int c;

    while (n < size && (c = getc_unlocked(f)) != EOF) {
        out[n++] = (char)c;
        if (c == '\n')
            break;
    }
    return n;
}

static bool
is_empty(const char *line, size_t n)
{
    return (n == 1 && line[0] == '\n') || (n == 2 && line[0] == '\r' && line[1] == '\n');
}

/* Lines of any length come in pieces; only a line's first piece can separate or be empty. */
static enum err
read_all(struct reader *reader, FILE *f)
{
    char piece[8192];
    bool starts = true, after_empty = true, first = true;
    enum err err = ERR_OK;
    size_t n;

    while (err == ERR_OK && (n = next_piece(f, piece, sizeof piece)) > 0) {
        bool empty = starts && is_empty(piece, n);

        if (starts && after_empty && n >= 5 && memcmp(piece, "From ", 5) == 0) {
            reader->in_header = true;
            reader->len = 0;
        } else if (first && !empty) {
            return ERR_FORMAT;
        } else if (reader->in_header) {
            err = empty ? end_header(reader) : add_header(reader, piece, n);
        }
        first = first && empty;
        after_empty = empty;
        starts = piece[n - 1] == '\n';
    }
    return err == ERR_OK && ferror(f) ? ERR_IO : err;
}

static FILE *
open_regular(const char *path)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    FILE *f;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        errno = EINVAL;
        return NULL;
    }
    f = fdopen(fd, "r");
    if (f == NULL)
        (void)close(fd);
    return f;
}

enum err
src_mbox(const char *path, const struct conf *conf, source_fn fn, void *ctx,
    struct mailstore_count *count, struct errmsg *msg)
{
    const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
    enum obs_label label;
    struct reader *reader;
    enum err err;
    FILE *f;

    if (!mail_folder_label(base, strlen(base), &label))
        return ERR_OK;
    f = open_regular(path);
    if (f == NULL)
        return errmsg_set(msg, ERR_IO, "%s: %s; an mbox must be a regular file that can be read",
            path, strerror(errno));
    reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        (void)fclose(f);
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    }
    reader->conf = conf;
    reader->fn = fn;
    reader->ctx = ctx;
    reader->count = count;
    reader->label = label;
    err = read_all(reader, f);
    free(reader);
    (void)fclose(f);
    if (err == ERR_FORMAT)
        return errmsg_set(msg, err, "%s: does not begin with \"From \"; is it an mbox?", path);
    if (err != ERR_OK)
        return errmsg_set(msg, err, "%s: %s; the rest of it was not read", path, err_text(err));
    return ERR_OK;
}
