/* Reading the files of a list; see listread.h. */
#include "loader/listread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/listdup.h"
#include "loader/listsection.h"
#include "loader/unpack.h"
#include "zones/fnv.h"

enum { CHUNK = 1 << 17, PATH_SHOWN = 60, PLAIN_LINE_MAX = 16 /* "255.255.255.255\n" */ };

static const char long_line[] = "the line is longer than 32 KiB and was cut; split it";
static const char no_newline[] =
    "the last line has no newline, so it may be cut short; it counts as it is, end it with one";

/* One file being read. */
struct reading {
    struct list_read *read;
    struct list_stats *stats;
    struct errmsg *msg;
    const char *path;
    unsigned long line;
    struct listdup dup;
    bool may_be_plain; /* lines with an address alone need no other look at them */
    const char *bad;   /* what is wrong with the last line, which has no meaning; else NULL */
    size_t n;          /* bytes in text, or beyond it where the line is too long */
    char *text;
    char *chunk;
    struct listfile_entry entry; /* of the line at work */
};

static enum err
no_memory(struct errmsg *msg, const char *path)
{
    return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", path);
}

void
listread_free(struct list_read *read)
{
    for (size_t i = 0; i < read->part_count; i++)
        listread_free(&read->parts[i]);
    free(read->parts);
    listpack_free(&read->pack);
    listbytes_free(&read->files);
    listbytes_free(&read->zones);
    *read = (struct list_read){0};
}

struct state {
    int64_t numbers[4];
};

static struct state
state_of(const struct stat *st)
{
    return (struct state){{(int64_t)st->st_size, (int64_t)st->st_mtim.tv_sec,
        (int64_t)st->st_mtim.tv_nsec, (int64_t)st->st_ino}};
}

/* The name with its NUL, then the numbers as this machine has them: nobody else reads them. */
static bool
append_state(struct list_bytes *out, const char *path, const struct stat *st)
{
    const struct state state = state_of(st);
    return listbytes_append(out, path, strlen(path) + 1) &&
           listbytes_append(out, &state, sizeof state);
}

size_t
listread_options(const struct list_source *source, uint8_t out[LISTREAD_OPTIONS_SIZE])
{
    const uint32_t options[] = {
        source->host_bits, source->keep_cr, source->min_ttl_s, source->max_ttl_s};
    _Static_assert(sizeof options == LISTREAD_OPTIONS_SIZE, "all of them");
    if (!source->host_bits && !source->keep_cr && source->min_ttl_s == 0 && source->max_ttl_s == 0)
        return 0;
    memcpy(out, options, sizeof options);
    return sizeof options;
}

static bool
append_options(struct list_bytes *out, const struct list_source *source)
{
    uint8_t options[LISTREAD_OPTIONS_SIZE];
    return listbytes_append(out, options, listread_options(source, options));
}

uint64_t
listread_digest(uint64_t hash, const char *path, const struct stat *st)
{
    const struct state state = state_of(st);
    return fnv_add(fnv_add(hash, path, strlen(path) + 1), &state, sizeof state);
}

enum err
listread_state(const struct list_source *source, struct list_bytes *out, struct errmsg *msg)
{
    *out = (struct list_bytes){0};
    for (unsigned i = 0; i < source->file_count; i++) {
        struct stat st;
        const char *path = source->files[i];
        if (stat(path, &st) < 0)
            return errmsg_set(
                msg, ERR_IO, "%s: %s; list %s needs it", path, strerror(errno), source->name);
        if (!append_state(out, path, &st))
            return no_memory(msg, path);
    }
    return append_options(out, source) ? ERR_OK : no_memory(msg, source->name);
}

static void
warn(struct reading *reading, const char *what)
{
    struct list_stats *stats = reading->stats;
    const char *path = reading->path;
    size_t n = strlen(path);
    uint64_t number = stats->warnings++;
    if (number > LIST_WARNINGS_MORE)
        return;
    char *out = number == 0 ? stats->first_warning : stats->more_warnings[number - 1];
    /* The end of a long path says more than its beginning. */
    if (n > PATH_SHOWN)
        path += n - PATH_SHOWN;
    (void)snprintf(out, LIST_WARNING_SIZE, "%.60s:%lu: %.116s", path, reading->line, what);
}

/* In a trie the first of equal prefixes counts. */
static void
look_for_equal(
    struct reading *reading, const struct list_read *read, const struct listfile_entry *entry)
{
    const struct list_type_info *info = list_type_info(read->file.type);
    char text[IP_TEXT_SIZE], what[128];
    if (info->overlaps != LIST_OVERLAPS_LONGEST || info->values != LIST_VALUES_OWN ||
        !listdup_note(&reading->dup, info->holds == LIST_HOLDS_V4, &entry->range))
        return;
    unsigned len = ip_bits(ip_family(&entry->range.first));
    struct prefix prefix = prefix_of(&entry->range.first, len);
    while (len > 0 && !prefix_contains(&prefix, &entry->range.last))
        prefix = prefix_of(&entry->range.first, --len);
    ip_format(&prefix.addr, text);
    (void)snprintf(what, sizeof what, "duplicated entry for %s/%u; remove one, the first counts",
        text, prefix.len);
    warn(reading, what);
}

static enum err
end_line(struct reading *reading)
{
    struct listfile_entry *entry = &reading->entry;
    struct list_read *to = reading->read;
    const char *what;
    size_t n = reading->n, parts = to->part_count;
    reading->n = 0;
    reading->line++;
    reading->stats->lines++;
    to->pack.quick = false; /* until a line has the default again */
    enum err err = list_type_info(to->file.type)->holds == LIST_HOLDS_PARTS
                       ? listsection_line(&to, reading->text, n, entry, &what)
                       : listfile_line(&to->file, reading->text, n, entry, &what);
    if (reading->read->part_count != parts)
        listdup_free(&reading->dup); /* another section */
    if (err == ERR_REFUSED)
        return errmsg_set(reading->msg, err, "%s:%lu: %s", reading->path, reading->line, what);
    if (what != NULL)
        warn(reading, what);
    if (n > LISTFILE_LINE_MAX)
        warn(reading, long_line);
    reading->bad = err == ERR_SYNTAX ? what : NULL;
    if (err == ERR_NOMEM)
        return no_memory(reading->msg, reading->path);
    if (err != ERR_OK)
        return ERR_OK;
    reading->stats->entries++;
    listcount_add(&reading->stats->counts, to->file.type, entry);
    err = listpack_add(&to->pack, to->file.type, entry);
    if (err == ERR_OK)
        look_for_equal(reading, to, entry);
    return err < 0
               ? errmsg_set(reading->msg, err, "%s:%lu: %s", reading->path, reading->line,
                     err == ERR_NOMEM ? "out of memory" : "more than 2^32 entries; split the list")
               : ERR_OK;
}

static void
add_text(struct reading *reading, const char *p, size_t n)
{
    /* One byte more than counts says that the line is too long. */
    size_t room = LISTFILE_LINE_MAX + 1 - reading->n;
    if (n > room)
        n = room;
    memcpy(reading->text + reading->n, p, n);
    reading->n += n;
}

/* What most lines of most long lists are: an address and nothing else. NULL: it is something else,
 * or its end is not there yet; else the byte behind its newline. */
static const char *
plain_line(const char *at, const char *end, uint32_t *out)
{
    uint32_t v4 = 0;
    if (end - at < PLAIN_LINE_MAX)
        return NULL;
    for (unsigned i = 0; i < 4; i++) {
        unsigned octet = (unsigned char)*at++ - (unsigned)'0', digit;
        if (octet > 9)
            return NULL;
        for (unsigned k = 0; k < 2 && (digit = (unsigned char)*at - (unsigned)'0') <= 9; k++, at++)
            octet = octet * 10 + digit;
        if (octet > 255 || *at++ != (i < 3 ? '.' : '\n'))
            return NULL;
        v4 = v4 << 8 | octet;
    }
    *out = v4;
    return at;
}

/* Plain lines of a source without a duplicate check, with the default value; the first other one is
 * where it returns. Counts as end_line does. */
static const char *
read_plain(struct reading *reading, const char *at, const char *end)
{
    const char *next;
    uint32_t v4;
    uint64_t lines = 0;
    while ((next = plain_line(at, end, &v4)) != NULL && listpack_quick(&reading->read->pack, v4)) {
        at = next;
        lines++;
    }
    reading->line += lines;
    reading->stats->lines += lines;
    reading->stats->entries += lines;
    reading->stats->counts.of[0] += lines; /* listcount.h: of both types that come here */
    return at;
}

static enum err
read_lines(struct reading *reading, struct unpack *in)
{
    bool pending = false;
    size_t got;
    const char *why;
    enum err err;
    while ((err = unpack_read(in, reading->chunk, CHUNK, &got, &why)) == ERR_OK && got > 0) {
        const char *at = reading->chunk, *end = at + got;
        while (at < end) {
            if (!pending && reading->read->pack.quick && reading->may_be_plain)
                at = read_plain(reading, at, end);
            if (at == end)
                break;
            const char *newline = memchr(at, '\n', (size_t)(end - at));
            const char *stop = newline == NULL ? end : newline;
            add_text(reading, at, (size_t)(stop - at));
            pending = newline == NULL;
            at = pending ? end : newline + 1;
            err = pending ? ERR_OK : end_line(reading);
            if (err < 0)
                return err;
        }
    }
    if (err < 0)
        return errmsg_set(reading->msg, err, "%s:%lu: reading failed: %s; write the file again",
            reading->path, reading->line + 1, why);
    if (!pending)
        return ERR_OK;
    err = end_line(reading);
    if (err == ERR_OK && reading->bad != NULL && reading->read->whole_only)
        return errmsg_set(reading->msg, ERR_IO,
            "%s:%lu: the file ends in the middle of a line (%s), so it was cut while it was "
            "written; write it whole to another name and rename it",
            reading->path, reading->line, reading->bad);
    if (err == ERR_OK)
        warn(reading, no_newline);
    return err;
}

static enum err
read_open(struct reading *reading, int fd)
{
    struct stat before, after;
    if (fstat(fd, &before) < 0)
        return errmsg_set(reading->msg, ERR_IO, "%s: %s", reading->path, strerror(errno));
    if (!S_ISREG(before.st_mode))
        return errmsg_set(
            reading->msg, ERR_IO, "%s: not a file; name a regular file", reading->path);
    struct unpack *in;
    enum err err = unpack_open(fd, &in);
    if (err < 0)
        return errmsg_set(reading->msg, err, "%s: %s", reading->path,
            err == ERR_IO ? strerror(errno) : "out of memory");
    err = read_lines(reading, in);
    unpack_close(&in);
    if (err < 0)
        return err;
    if (fstat(fd, &after) < 0)
        return errmsg_set(reading->msg, ERR_IO, "%s: %s", reading->path, strerror(errno));
    if (before.st_size != after.st_size || before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
        before.st_mtim.tv_nsec != after.st_mtim.tv_nsec)
        return errmsg_set(reading->msg, ERR_IO,
            "%s: changed while it was read; write to another name and rename it", reading->path);
    if (after.st_mtim.tv_sec > reading->read->newest_s)
        reading->read->newest_s = after.st_mtim.tv_sec;
    return append_state(&reading->read->files, reading->path, &after)
               ? ERR_OK
               : no_memory(reading->msg, reading->path);
}

static enum err
read_file(struct reading *reading)
{
    reading->line = 0;
    reading->n = 0;
    reading->read->in_part = false;
    listfile_begin(&reading->read->file);
    int fd = open(reading->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errmsg_set(reading->msg, ERR_IO, "%s: %s; make it readable for this user",
            reading->path, strerror(errno));
    enum err err = read_open(reading, fd);
    (void)close(fd);
    return err;
}

enum err
listread(const struct list_source *source, int64_t now_s, struct list_read *out,
    struct list_stats *stats, struct errmsg *msg)
{
    struct reading reading = {.read = out,
        .stats = stats,
        .msg = msg,
        .text = malloc(LISTFILE_LINE_MAX + 1),
        .chunk = malloc(CHUNK)};
    enum err err = ERR_OK;
    listfile_init(&out->file, source->type, now_s);
    out->file.authority = &out->authority;
    out->file.host_bits = source->host_bits;
    out->file.keep_cr = source->keep_cr;
    out->file.min_ttl_s = source->min_ttl_s;
    out->file.max_ttl_s = source->max_ttl_s;
    const struct list_type_info *info = list_type_info(source->type);
    reading.may_be_plain =
        info->holds == LIST_HOLDS_V4 &&
        (info->overlaps == LIST_OVERLAPS_LEVELS || info->values == LIST_VALUES_ONE);
    if (reading.text == NULL || reading.chunk == NULL)
        err = no_memory(msg, source->name);
    for (unsigned i = 0; err == ERR_OK && i < source->file_count; i++) {
        reading.path = source->files[i];
        err = read_file(&reading);
    }
    if (err == ERR_OK && !append_options(&out->files, source))
        err = no_memory(msg, source->name);
    if (info->holds == LIST_HOLDS_PARTS)
        listsection_count(out, &stats->counts);
    listdup_free(&reading.dup);
    free(reading.text);
    free(reading.chunk);
    return err;
}
