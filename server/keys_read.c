/*
 * The file of keys; see keys.h. A line each of
 *
 *     id key on|off per-second per-day [note]
 *
 * in blanks and tabs; '#' begins a comment where a field could.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/keys.h"
#include "zones/slice.h"

enum { LINE_SIZE = 512, FIELDS = 5, ROOM_FIRST = 64 };

struct reading {
    const char *path;
    unsigned line;
    unsigned room;
    struct keyring *ring;
    struct errmsg *msg;
};

static enum err
fail(const struct reading *r, const char *what)
{
    return errmsg_set(r->msg, ERR_SYNTAX, "%s:%u: %s", r->path, r->line, what);
}

static bool
number(const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out <= most;
}

static bool
made_of(const char *text, size_t least, size_t most, const char *bytes)
{
    size_t n = strlen(text);
    return n >= least && n <= most && strspn(text, bytes) == n;
}

/* No field's text is in a message: it may be a key in the wrong place. */
static enum err
take(const struct reading *r, char *const fields[FIELDS], struct key *out)
{
    uint64_t per_second, per_day;
    const char *id = fields[0], *label = fields[1], *state = fields[2];
    if (!made_of(id, 1, KEY_ID_SIZE - 1, "abcdefghijklmnopqrstuvwxyz0123456789_-"))
        return fail(r, "the first field is no id; use at most 32 of [a-z0-9_-]");
    if (!made_of(label, KEY_LEAST, KEY_MOST, "abcdefghijklmnopqrstuvwxyz0123456789-"))
        return fail(r, "the second field is no key; use 12 to 63 of [a-z0-9-]");
    if (strcmp(state, "on") != 0 && strcmp(state, "off") != 0)
        return fail(r, "the third field is neither on nor off");
    if (!number(fields[3], KEY_PER_SECOND_MOST, &per_second))
        return fail(r, "the fourth field is no quota per second; use 0 (none) to 1000000");
    if (!number(fields[4], KEY_PER_DAY_MOST, &per_day))
        return fail(r, "the fifth field is no quota per day; use 0 (none) to 1000000000000");
    *out = (struct key){.n = (uint8_t)strlen(label),
        .on = strcmp(state, "on") == 0,
        .per_second = (uint32_t)per_second,
        .per_day = per_day,
        .line = r->line};
    memcpy(out->b, label, out->n);
    memcpy(out->id, id, strlen(id));
    return ERR_OK;
}

static enum err
add(struct reading *r, char *line)
{
    static const char blanks[] = " \t\r\n";
    char *fields[FIELDS], *save = NULL, *at = line;
    struct keyring *ring = r->ring;
    if (line[strspn(line, blanks)] == '\0' || line[strspn(line, blanks)] == '#')
        return ERR_OK;
    for (unsigned i = 0; i < FIELDS; i++, at = NULL) {
        fields[i] = strtok_r(at, blanks, &save);
        if (fields[i] == NULL || *fields[i] == '#')
            return fail(r, "too few fields; write id, key, on or off, quota per second, per day");
    }
    if (ring->count == KEYS_MAX)
        return fail(r, "more than 16384 keys");
    if (ring->count == r->room) {
        unsigned room = r->room == 0 ? ROOM_FIRST : r->room * 2;
        struct key *keys = reallocarray(ring->keys, room, sizeof *keys);
        if (keys == NULL)
            return errmsg_set(r->msg, ERR_NOMEM, "%s: out of memory", r->path);
        ring->keys = keys;
        r->room = room;
    }
    enum err err = take(r, fields, &ring->keys[ring->count]);
    ring->count += err == ERR_OK;
    return err;
}

static int
by_id(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    return strcmp(x->id, y->id);
}

static int
by_label(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    return slice_cmp(slice_of(x->b, x->n), slice_of(y->b, y->n));
}

/* Sorts, and looks for two that are the same by that. */
static enum err
sort(struct reading *r, int (*order)(const void *, const void *), const char *what)
{
    struct keyring *ring = r->ring;
    if (ring->count > 1)
        qsort(ring->keys, ring->count, sizeof *ring->keys, order);
    for (unsigned i = 1; i < ring->count; i++) {
        const struct key *a = &ring->keys[i - 1], *b = &ring->keys[i];
        if (order(a, b) == 0)
            return errmsg_set(r->msg, ERR_SYNTAX, "%s:%u: the %s is that of line %u; change one",
                r->path, a->line > b->line ? a->line : b->line, what,
                a->line > b->line ? b->line : a->line);
    }
    return ERR_OK;
}

enum err
keys_parse(FILE *file, const char *path, struct keyring *out, struct errmsg *msg)
{
    char line[LINE_SIZE];
    struct reading r = {.path = path, .ring = out, .msg = msg};
    enum err err = ERR_OK;
    *out = (struct keyring){0};
    while (err == ERR_OK && fgets(line, sizeof line, file) != NULL) {
        r.line++;
        if (strchr(line, '\n') == NULL && feof(file) == 0)
            err = fail(&r, "a line of more than 510 bytes");
        else
            err = add(&r, line);
    }
    if (err == ERR_OK && ferror(file) != 0)
        err = errmsg_set(msg, ERR_IO, "%s: %s", path, strerror(errno));
    if (err == ERR_OK)
        err = sort(&r, by_id, "id");
    if (err == ERR_OK)
        err = sort(&r, by_label, "key");
    if (err < 0)
        keys_free(out);
    return err;
}

enum err
keys_read(const char *path, struct keyring *out, struct errmsg *msg)
{
    *out = (struct keyring){0};
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errmsg_set(msg, ERR_IO,
            "%s: %s; it must be readable by the user that repdnsd runs as", path, strerror(errno));
    enum err err = keys_parse(file, path, out, msg);
    (void)fclose(file);
    return err;
}

void
keys_free(struct keyring *ring)
{
    if (ring->keys != NULL)
        explicit_bzero(ring->keys, ring->count * sizeof *ring->keys);
    free(ring->keys);
    *ring = (struct keyring){0};
}
