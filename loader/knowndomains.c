/* Files of domain names; see knowndomains.h. */
#include "loader/knowndomains.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zones/log.h"

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

/* A line longer than the buffer comes in pieces: only its beginning is looked at. */
static enum err
read_file(FILE *file, const char *path, struct known_domains *known)
{
    char line[LINE_ROOM];
    unsigned long number = 0, bad = 0, first_bad = 0;
    bool whole = true;
    enum err err = ERR_OK;
    while (err == ERR_OK && fgets(line, sizeof line, file) != NULL) {
        bool begins = whole;
        struct dname name;
        whole = strchr(line, '\n') != NULL;
        number += begins;
        line[strcspn(line, "#\r\n")] = '\0';
        const char *text = line + strspn(line, " \t");
        size_t n = strcspn(text, " \t");
        if (!begins || text[0] == '\0')
            continue;
        if (dname_parse(text, n, &name) == ERR_OK && name.len > 1) {
            err = add(known, &name);
            continue;
        }
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
