/* Sections of combined lists; see listsection.h. */
#include "loader/listsection.h"

#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

#include "loader/listkey.h"
#include "loader/listword.h"
#include "zones/combined.h"

static const char bad_type[] = "no type of a section; write $DATASET and ip4set, ip4tset, ip4trie, "
                               "ip6tset, ip6trie, dnset or generic";
static const char too_many[] = "more than 99 $DATASET sections; split the list";
static const char no_zone[] =
    "no sub-zone: nobody can ask the section; write names after the type, @ for the zone itself";
static const char bad_zone[] = "not a sub-zone; write a name below the zone, or @";

/* A comment begins at the beginning or after a blank. */
static void
cut_comment(struct listfile_cursor *at)
{
    for (const char *p = at->p; p < at->end; p++) {
        struct listfile_cursor here = {p, at->end};
        if (listfile_comment(&here) && (p == at->p || listfile_blank(p[-1]))) {
            at->end = p;
            return;
        }
    }
}

/* "ip4set" or "ip4set:label". */
static bool
read_type(struct listfile_cursor word, enum list_type *out)
{
    char name[16];
    const char *colon = memchr(word.p, ':', (size_t)(word.end - word.p));
    size_t n = (size_t)((colon != NULL ? colon : word.end) - word.p);
    if (n >= sizeof name)
        return false;
    memcpy(name, word.p, n);
    name[n] = '\0';
    return list_type_find(name, out) &&
           (list_type_lists(*out) || list_type_info(*out)->holds == LIST_HOLDS_RECORDS);
}

static enum err
read_zones(struct listfile_cursor at, struct list_bytes *out, const char **what)
{
    struct listfile_cursor word;
    *what = at.p == at.end ? no_zone : NULL;
    while (listword_any(&at, &word)) {
        struct dname name = {.len = 1};
        bool self = word.end - word.p == 1 && *word.p == '@';
        if (!self && !listkey_name(word, &name))
            *what = bad_zone;
        else if (!listbytes_append(out, name.b, name.len))
            return ERR_NOMEM;
    }
    return ERR_NOTFOUND;
}

static enum err
open_section(struct list_read *read, struct listfile_cursor at, const char **what)
{
    struct listfile_cursor word;
    enum list_type type;
    cut_comment(&at);
    if (!listword_any(&at, &word) || !read_type(word, &type)) {
        *what = bad_type;
        return ERR_REFUSED;
    }
    if (read->part_count == COMBINED_PARTS_MAX) {
        *what = too_many;
        return ERR_REFUSED;
    }
    struct list_read *parts = reallocarray(read->parts, read->part_count + 1, sizeof *parts);
    if (parts == NULL)
        return ERR_NOMEM;
    read->parts = parts;
    struct list_read *part = &parts[read->part_count++];
    memset(part, 0, sizeof *part);
    const struct listfile *whole = &read->file;
    /* It begins with everything that the list has but the defaults of another type. */
    part->file = *whole;
    part->file.type = type;
    part->file.has_def = false;
    listfile_begin(&part->file);
    read->in_part = true;
    return read_zones(at, &part->zones, what);
}

/* "dataset" in any case, alone or before a blank. */
static bool
is_dataset(struct listfile_cursor *at)
{
    static const char word[] = "dataset";
    size_t n = sizeof word - 1;
    if (at->end - at->p == (ptrdiff_t)n && strncasecmp(at->p, word, n) == 0) {
        at->p = at->end;
        return true;
    }
    return listword_is(at, word);
}

enum err
listsection_line(struct list_read **read, const char *line, size_t n, struct listfile_entry *entry,
    const char **what)
{
    struct list_read *whole = *read;
    struct listfile_cursor rest;
    bool directive = listfile_directive(&whole->file, line, n, &rest);
    if (directive && is_dataset(&rest))
        return open_section(whole, rest, what);
    if (directive && whole->part_count > 0)
        whole->in_part = true;
    if (!whole->in_part)
        return listfile_line(&whole->file, line, n, entry, what);
    *read = &whole->parts[whole->part_count - 1];
    struct listfile *file = &(*read)->file;
    file->max_range = whole->file.max_range;
    file->expires_s = whole->file.expires_s;
    entry->exact = entry->wild = false; /* what another type left there */
    enum err err = listfile_line(file, line, n, entry, what);
    whole->file.max_range = file->max_range;
    whole->file.expires_s = file->expires_s;
    return err;
}

static bool
has_zone(const struct list_read *read, size_t parts, const struct dname *name)
{
    for (size_t i = 0; i < parts; i++) {
        struct slice rest = slice_of(read->parts[i].zones.p, read->parts[i].zones.n);
        struct dname other;
        for (; rest.n > 0 && dname_from_wire(rest.p, rest.n, &other) == ERR_OK;
             rest = slice_of((const uint8_t *)rest.p + other.len, rest.n - other.len))
            if (dname_equal(&other, name))
                return true;
    }
    return false;
}

void
listsection_count(const struct list_read *read, struct list_counts *counts)
{
    *counts = (struct list_counts){{0}};
    counts->of[LISTCOUNT_SECTIONS] = read->part_count;
    for (size_t i = 0; i < read->part_count; i++) {
        struct slice rest = slice_of(read->parts[i].zones.p, read->parts[i].zones.n);
        struct dname name;
        for (; rest.n > 0 && dname_from_wire(rest.p, rest.n, &name) == ERR_OK;
             rest = slice_of((const uint8_t *)rest.p + name.len, rest.n - name.len))
            counts->of[LISTCOUNT_ZONES] += !has_zone(read, i, &name);
    }
}
