/*
 * Names of a list as a zone file; see dump_bind.h.
 *
 * In a list the nearest wildcard above a name answers for it, whatever else lies between them; in
 * a zone one only answers where no closer name exists (RFC 4592 3.3). So each name that exists
 * below a wildcard is written with that wildcard's records, and with a wildcard of its own. An
 * exclusion is a name without records of the types that are asked: it has one of a private type.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/dump_bind.h"

enum { DEPTH_MAX = 128 };

/* A name above the one at work, or this one; empty values: nothing is listed. */
struct node {
    struct dname name;
    struct slice wild;      /* what names below it have */
    struct dname wild_name; /* whose wildcard that is */
};

struct names {
    FILE *out;
    struct node *nodes; /* DEPTH_MAX, each below the one before */
    unsigned depth;
};

static enum err
print_records(
    FILE *out, bool wild, const struct dname *name, struct slice value, const struct dname *subject)
{
    char *owner = NULL, text[DNAME_TEXT_SIZE];
    size_t size = 0;
    FILE *stream = open_memstream(&owner, &size);
    if (stream == NULL)
        return ERR_NOMEM;
    fputs(wild ? "*." : "", stream);
    text_zone_name(stream, name);
    enum err err = fclose(stream) == 0 ? ERR_OK : ERR_NOMEM;
    if (err == ERR_OK && value.n > 0) {
        (void)dname_format(subject, text);
        err = dump_bind_value(out, owner, value, text);
    } else if (err == ERR_OK) {
        fprintf(out, "%s TYPE65280 \\# 0\n", owner);
    }
    free(owner);
    return err;
}

/* One name with what it has itself, or where it has nothing, what lies above it. */
static enum err
print_node(struct names *names, const struct dname *name, const struct nameset_slot *exact,
    const struct nameset_slot *wild)
{
    static const struct node nothing;
    const struct node *above = names->depth > 0 ? &names->nodes[names->depth - 1] : &nothing;
    struct node *node = &names->nodes[names->depth];
    bool covered = above->wild.n > 0;
    enum err err = ERR_OK;
    *node = (struct node){.name = *name, .wild = above->wild, .wild_name = above->wild_name};
    if (exact->kind == NAMESET_SLOT_VALUE)
        err = print_records(names->out, false, name, exact->value, name);
    else if (exact->kind == NAMESET_SLOT_EXCLUDED && covered)
        err = print_records(names->out, false, name, slice_of(NULL, 0), name);
    else if (exact->kind == NAMESET_SLOT_EMPTY && covered)
        err = print_records(names->out, false, name, above->wild, &above->wild_name);
    if (wild->kind == NAMESET_SLOT_VALUE) {
        node->wild = wild->value;
        node->wild_name = *name;
    } else if (wild->kind == NAMESET_SLOT_EXCLUDED) {
        node->wild = slice_of(NULL, 0);
    }
    if (err == ERR_OK && node->wild.n > 0)
        err = print_records(names->out, true, name, node->wild, &node->wild_name);
    else if (err == ERR_OK && covered)
        err = print_records(names->out, true, name, slice_of(NULL, 0), name);
    names->depth++;
    return err;
}

static enum err
print_name(struct names *names, const struct nameset_entry *entry)
{
    static const struct nameset_slot empty;
    unsigned labels = dname_labels(&entry->name);
    enum err err = ERR_OK;
    while (names->depth > 0 && !dname_under(&entry->name, &names->nodes[names->depth - 1].name))
        names->depth--;
    /* Names between, which exist because of this one; the name with n labels is node n - 1. */
    for (unsigned n = names->depth + 1; n < labels && err == ERR_OK; n++) {
        struct dname between;
        dname_strip(&entry->name, labels - n, &between);
        err = print_node(names, &between, &empty, &empty);
    }
    return err < 0 ? err : print_node(names, &entry->name, &entry->exact, &entry->wild);
}

enum err
dump_bind_names(FILE *out, const struct nameset_entry *entries, size_t count)
{
    struct names names = {.out = out, .nodes = calloc(DEPTH_MAX, sizeof *names.nodes)};
    enum err err = names.nodes == NULL ? ERR_NOMEM : ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = print_name(&names, &entries[i]);
    free(names.nodes);
    return err;
}
