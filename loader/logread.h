/*
 * Reading a log file, plain or .gz, line by line from an offset, and knowing it again: by its first
 * bytes, as inodes are given to other files and copies get new ones. Offsets count uncompressed
 * bytes. One thread.
 */
#ifndef LOADER_LOGREAD_H
#define LOADER_LOGREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/src_text.h"
#include "zones/err.h"

/* Longer lines are cut. */
#define LOGREAD_LINE_MAX 8192
#define LOGREAD_HEAD_MAX 256

/* What a file is, at the time that it was looked at. */
struct logfile {
    uint64_t dev, ino, size;
    int64_t mtime_ns;
    bool compressed;
    uint16_t head_len; /* of what follows; less than LOGREAD_HEAD_MAX for a short file */
    uint8_t head[LOGREAD_HEAD_MAX];
};

/* ERR_IO where it cannot be opened or is no regular file, ERR_NOTFOUND where it is gone. */
enum err logfile_look(const char *path, struct logfile *out, struct errmsg *msg) MUST_CHECK;
/* A hash of the first n bytes; n <= head_len. */
uint64_t logfile_fingerprint(const struct logfile *file, uint16_t n);

struct logread;

/* ERR_NOTFOUND where the file at the path is no longer the one that was looked at. */
enum err logread_open(const char *path, const struct logfile *file, uint64_t offset,
    struct logread **out, struct errmsg *msg) MUST_CHECK;
/* What a pipe or file gives on standard input, plain or compressed. */
enum err logread_stdin(struct logread **out, struct errmsg *msg) MUST_CHECK;
void logread_close(struct logread **reader);
/* The next whole line without its end; false where there is none yet, as a last line without a
 * newline is not whole. Borrowed until the next call. */
bool logread_line(struct logread *reader, struct text *line);
/* The next n bytes behind the last line; out may be NULL. False where there are fewer. */
bool logread_take(struct logread *reader, void *out, uint64_t n);
/* Behind the last line that was handed out. */
uint64_t logread_offset(const struct logread *reader);

#endif
