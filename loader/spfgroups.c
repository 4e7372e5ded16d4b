/* Groups and pieces of an SPF evaluation; see spfgroups.h. */
#include "loader/spfgroups.h"

#include <stdlib.h>

void
spfgroups_free(struct spfgroups *groups)
{
    for (size_t i = 0; i < groups->room; i++)
        spfset_free(&groups->items[i].set);
    free(groups->items);
    *groups = (struct spfgroups){0};
}

void
spfpieces_free(struct spfpieces *pieces)
{
    free(pieces->items);
    *pieces = (struct spfpieces){0};
}

struct spfgroup *
spfgroups_find(struct spfgroups *groups, enum ip_family family, unsigned lookups, unsigned voids)
{
    for (size_t i = 0; i < groups->count; i++) {
        struct spfgroup *group = &groups->items[i];

        if (group->family == family && group->lookups == lookups && group->voids == voids)
            return group;
    }
    if (groups->count == groups->room) {
        size_t room = groups->room * 2 + 4;
        struct spfgroup *items = reallocarray(groups->items, room, sizeof *items);

        if (items == NULL)
            return NULL;
        for (size_t i = groups->room; i < room; i++)
            items[i] = (struct spfgroup){0};
        groups->items = items;
        groups->room = room;
    }
    struct spfgroup *group = &groups->items[groups->count++];
    group->family = family;
    group->lookups = lookups;
    group->voids = voids;
    group->set.count = 0;
    return group;
}

enum err
spfgroup_move(struct spfgroup *from, struct spfgroup *to)
{
    enum err err = ERR_OK;

    if (to->set.count == 0) {
        struct spfset set = to->set;
        to->set = from->set;
        from->set = set;
        return ERR_OK;
    }
    for (size_t i = 0; i < from->set.count && err == ERR_OK; i++)
        err = spfset_append(&to->set, from->set.ranges[i]);
    from->set.count = 0;
    return err;
}

/* The memory of the group at i goes to the slots past the last. */
static void
drop(struct spfgroups *groups, size_t i)
{
    struct spfgroup group = groups->items[i];

    groups->items[i] = groups->items[--groups->count];
    groups->items[groups->count] = group;
}

enum err
spfgroups_settle(struct spfgroups *groups)
{
    for (size_t i = 0; i < groups->count;) {
        struct spfgroup *group = &groups->items[i], *equal = NULL;

        for (size_t k = 0; k < i && equal == NULL; k++)
            if (groups->items[k].family == group->family &&
                groups->items[k].lookups == group->lookups &&
                groups->items[k].voids == group->voids)
                equal = &groups->items[k];
        enum err err = equal != NULL ? spfgroup_move(group, equal) : ERR_OK;
        if (err < 0)
            return err;
        if (group->set.count == 0)
            drop(groups, i);
        else
            i++;
    }
    for (size_t i = 0; i < groups->count; i++)
        spfset_order(&groups->items[i].set);
    return ERR_OK;
}

enum err
spfpieces_add(struct spfpieces *pieces, const struct spfpiece *piece)
{
    if (pieces->count == pieces->room) {
        size_t room = pieces->room * 2 + 32;
        struct spfpiece *items = reallocarray(pieces->items, room, sizeof *items);

        if (items == NULL)
            return ERR_NOMEM;
        pieces->items = items;
        pieces->room = room;
    }
    pieces->items[pieces->count++] = *piece;
    return ERR_OK;
}

enum err
spfpieces_decide(
    struct spfpieces *pieces, struct spfgroup *group, enum spfresult result, uint8_t text)
{
    struct spfpiece piece = {.family = group->family,
        .result = (uint8_t)result,
        .text = text,
        .lookups = (uint16_t)group->lookups,
        .voids = (uint16_t)group->voids};
    enum err err = ERR_OK;

    for (size_t i = 0; i < group->set.count && err == ERR_OK; i++) {
        piece.range = group->set.ranges[i];
        err = spfpieces_add(pieces, &piece);
    }
    group->set.count = 0;
    return err;
}

static int
piece_cmp(const void *a, const void *b)
{
    const struct spfpiece *x = a, *y = b;

    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    return (x->range.lo > y->range.lo) - (x->range.lo < y->range.lo);
}

void
spfpieces_sort(struct spfpieces *pieces)
{
    if (pieces->count > 1)
        qsort(pieces->items, pieces->count, sizeof *pieces->items, piece_cmp);
}
