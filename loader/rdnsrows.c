/* See rdnsrows.h. */
#include "loader/rdnsrows.h"

#include <stdlib.h>

static enum err
add_row(struct rdnsrows *rows, const struct ip *ip, const struct rdns_neighbours *neighbours)
{
    if (rows->count == rows->room) {
        size_t room = rows->room == 0 ? 256 : rows->room * 2;
        struct rdnsrow *grown = reallocarray(rows->rows, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        rows->rows = grown;
        rows->room = room;
    }
    rows->rows[rows->count++] = (struct rdnsrow){*ip, *neighbours};
    return ERR_OK;
}

enum err
rdnsrows_end(struct rdnsrows *rows)
{
    struct rdns_named others[RDNSROWS_COMPARED];
    unsigned count = rows->kept < RDNSROWS_COMPARED ? rows->kept : RDNSROWS_COMPARED;
    enum err err = ERR_OK;

    for (unsigned i = 0; i < count; i++)
        others[i] = (struct rdns_named){&rows->ips[i], &rows->names[i]};
    for (unsigned i = 0; i < rows->kept && count > RDNS_NEIGHBOURS_ROW && err == ERR_OK; i++) {
        const struct rdns_named own = {&rows->ips[i], &rows->names[i]};
        struct rdns_neighbours neighbours;
        rdnsneighbours_count(&own, others, count, &neighbours);
        if (neighbours.alike >= RDNS_NEIGHBOURS_ROW)
            err = add_row(rows, own.ip, &neighbours);
    }
    rows->kept = 0;
    return err;
}

enum err
rdnsrows_add(struct rdnsrows *rows, const struct ip *ip, const struct dname *name)
{
    if (rows->ips == NULL)
        rows->ips = calloc(RDNSROWS_KEPT, sizeof *rows->ips);
    if (rows->names == NULL)
        rows->names = calloc(RDNSROWS_KEPT, sizeof *rows->names);
    if (rows->ips == NULL || rows->names == NULL)
        return ERR_NOMEM;
    enum err err = ERR_OK;
    if (rows->kept > 0 && !rdnsneighbours_share(&rows->ips[0], ip))
        err = rdnsrows_end(rows);
    if (err < 0 || rows->kept == RDNSROWS_KEPT)
        return err;
    rows->ips[rows->kept] = *ip;
    rows->names[rows->kept++] = *name;
    return ERR_OK;
}

const struct rdns_neighbours *
rdnsrows_find(struct rdnsrows *rows, const struct ip *ip)
{
    while (rows->at < rows->count && ip_cmp(&rows->rows[rows->at].ip, ip) < 0)
        rows->at++;
    bool found = rows->at < rows->count && ip_cmp(&rows->rows[rows->at].ip, ip) == 0;
    return found ? &rows->rows[rows->at].neighbours : NULL;
}

void
rdnsrows_free(struct rdnsrows *rows)
{
    free(rows->rows);
    free(rows->ips);
    free(rows->names);
    *rows = (struct rdnsrows){0};
}
