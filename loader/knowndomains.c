/* Files of domain names; see knowndomains.h. */
#include "loader/knowndomains.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zones/log.h"
#include "zones/slice.h"

enum { LINE_ROOM = 1200 };

void
known_domains_free(struct known_domains *known)
{
    free(known->names);
    *known = (struct known_domains){0};
}

static enum err
add(struct known_domains *known, const struct dname *name)
{
    if (known->count == known->room) {
        size_t room = known->room * 2 + 256;
        struct dname *names = reallocarray(known->names, room, sizeof *names);
        if (names == NULL)
            return ERR_NOMEM;
        known->names = names;
        known->room = room;
    }
    known->names[known->count++] = *name;
    return ERR_OK;
}

/* The next line without its end, any bytes; what does not fit is left out. False at the end. */
static bool
next_line(FILE *file, char line[LINE_ROOM], size_t *n)
{
    int c;
    *n = 0;
    while ((c = getc_unlocked(file)) != EOF && c != '\n')
        if (*n < LINE_ROOM)
            line[(*n)++] = (char)c;
    return c != EOF || *n > 0;
}

/* The first word of a line, n 0 for none or a comment. */
static struct slice
first_word(const char *line, size_t n)
{
    size_t from = 0, to;
    while (from < n && memchr(" \t\r", line[from], 3) != NULL)
        from++;
    for (to = from; to < n && memchr("# \t\r", line[to], 4) == NULL;)
        to++;
    return slice_of(line + from, to - from);
}

static enum err
read_file(FILE *file, const char *path, struct known_domains *known)
{
    char line[LINE_ROOM];
    size_t n;
    unsigned long number = 0, bad = 0, first_bad = 0;
    enum err err = ERR_OK;
    while (err == ERR_OK && next_line(file, line, &n)) {
        struct slice word = first_word(line, n);
        struct dname name;
        number++;
        if (word.n == 0)
            continue;
        if (dname_parse(word.p, word.n, &name) == ERR_OK && name.len > 1)
            err = add(known, &name);
        else
            first_bad = bad++ == 0 ? number : first_bad;
    }
    if (bad > 0)
        log_line(LOG_LEVEL_WARNING, "%s:%lu: no domain name; %lu such lines were skipped", path,
            first_bad, bad);
    return err;
}

enum err
known_domains_read(const struct conf *conf, struct known_domains *out, struct errmsg *msg)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; i < conf->spf.file_count && err == ERR_OK; i++) {
        const char *path = conf->spf.files[i];
        FILE *file = fopen(path, "re");
        if (file == NULL)
            return errmsg_set(msg, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
                "%s: %s; mend the option domains of the section spf", path, strerror(errno));
        err = read_file(file, path, out);
        if (err < 0)
            (void)errmsg_set(msg, err, "%s: %s", path, err_text(err));
        else if (ferror(file) != 0)
            err = errmsg_set(msg, ERR_IO, "%s: %s", path, strerror(errno));
        (void)fclose(file);
    }
    return err;
}
