/* Rows of judged datasets. See verdictrows.h. */
#include "loader/verdictrows.h"

#include <stdlib.h>
#include <string.h>

struct verdictrow *
verdictrows_add(struct verdictrows *rows)
{
    if (rows->count == rows->room) {
        size_t room = rows->room == 0 ? 256 : rows->room * 2;
        struct verdictrow *grown = reallocarray(rows->rows, room, sizeof *grown);
        if (grown == NULL)
            return NULL;
        rows->rows = grown;
        rows->room = room;
    }
    rows->rows[rows->count] = (struct verdictrow){0};
    return &rows->rows[rows->count++];
}

enum err
verdictrow_set_name(struct verdictrow *row, const struct dname *name)
{
    uint8_t key[DNAME_KEY_MAX];
    row->name = *name;
    row->key_len = dname_key(name, key);
    row->key = malloc(row->key_len + 1);
    if (row->key == NULL)
        return ERR_NOMEM;
    memcpy(row->key, key, row->key_len);
    return ERR_OK;
}

static void
row_free(struct verdictrow *row)
{
    free(row->key);
    free(row->detail);
}

void
verdictrows_cut(struct verdictrows *rows, size_t count)
{
    while (rows->count > count)
        row_free(&rows->rows[--rows->count]);
}

static int
row_cmp_ip(const void *a, const void *b)
{
    const struct verdictrow *x = a, *y = b;
    return ip_cmp(&x->range.first, &y->range.first);
}

static int
row_cmp_name(const void *a, const void *b)
{
    const struct verdictrow *x = a, *y = b;
    return slice_cmp(slice_of(x->key, x->key_len), slice_of(y->key, y->key_len));
}

/* A row's place in the set, in that of its kind. */
static void
fill(const struct verdictrows *rows, size_t i)
{
    const struct verdictrow *row = &rows->rows[i];
    struct slice value = slice_of(row->value, sizeof row->value);
    rows->evidence[i] = (struct evidence_entry){.is_ip = rows->addrs != NULL,
        .ip = row->range.first,
        .name = row->name,
        .since_s = row->since_s,
        .detail = row->detail};
    if (rows->addrs != NULL)
        rows->addrs[i] = (struct ipset_entry){.range = row->range, .value = value};
    else
        rows->names[i] = (struct nameset_entry){
            .name = row->name, .exact = {.kind = NAMESET_SLOT_VALUE, .value = value}};
}

enum err
verdictrows_make(struct verdictrows *rows, bool has_evidence, struct publish_set *set)
{
    bool by_ip = set->info.kind == DATASET_ADDR;
    if (rows->count > 0)
        qsort(rows->rows, rows->count, sizeof *rows->rows, by_ip ? row_cmp_ip : row_cmp_name);
    rows->evidence = calloc(rows->count + 1, sizeof *rows->evidence);
    if (by_ip)
        rows->addrs = calloc(rows->count + 1, sizeof *rows->addrs);
    else
        rows->names = calloc(rows->count + 1, sizeof *rows->names);
    if (rows->evidence == NULL || (rows->addrs == NULL && rows->names == NULL))
        return ERR_NOMEM;
    for (size_t i = 0; i < rows->count; i++)
        fill(rows, i);
    set->addrs = rows->addrs;
    set->names = rows->names;
    set->evidence = has_evidence ? rows->evidence : NULL;
    set->evidence_count = has_evidence ? rows->count : 0;
    return ERR_OK;
}

void
verdictrows_free(struct verdictrows *rows)
{
    verdictrows_cut(rows, 0);
    free(rows->rows);
    free(rows->addrs);
    free(rows->names);
    free(rows->evidence);
}
