/* Sets of addresses; see spfset.h. */
#include "loader/spfset.h"

#include <stdlib.h>
#include <string.h>

void
spfset_free(struct spfset *set)
{
    free(set->ranges);
    *set = (struct spfset){0};
}

struct ip
spfset_to_ip(spfset_addr addr, enum ip_family family)
{
    struct ip ip;

    if (family == IP_V4)
        return ip_from_v4((uint32_t)addr);
    for (unsigned i = sizeof ip.b; i-- > 0; addr >>= 8)
        ip.b[i] = (uint8_t)addr;
    return ip;
}

struct spfset_range
spfset_prefix(const uint8_t *key, size_t size, unsigned bits)
{
    spfset_addr addr = 0, rest = (spfset_addr)-1;

    for (size_t i = 0; i < size; i++)
        addr = addr << 8 | key[i];
    if (bits > 0 || size < sizeof rest)
        rest = ((spfset_addr)1 << (size * 8 - bits)) - 1;
    return (struct spfset_range){addr & ~rest, addr | rest};
}

static enum err
make_room(struct spfset *set, size_t more)
{
    if (set->room - set->count >= more)
        return ERR_OK;
    size_t room = set->room * 2 + more + 6;
    struct spfset_range *ranges = reallocarray(set->ranges, room, sizeof *ranges);
    if (ranges == NULL)
        return ERR_NOMEM;
    set->ranges = ranges;
    set->room = room;
    return ERR_OK;
}

enum err
spfset_append(struct spfset *set, struct spfset_range range)
{
    enum err err = make_room(set, 1);

    if (err == ERR_OK)
        set->ranges[set->count++] = range;
    return err;
}

enum err
spfset_all(struct spfset *set, enum ip_family family)
{
    const spfset_addr mapped = (spfset_addr)0xffff << 32, end = (spfset_addr)-1;
    enum err err;

    set->count = 0;
    if (family == IP_V4)
        return spfset_append(set, (struct spfset_range){0, UINT32_MAX});
    err = spfset_append(set, (struct spfset_range){0, mapped - 1});
    return err < 0 ? err : spfset_append(set, (struct spfset_range){mapped + UINT32_MAX + 1, end});
}

static int
range_cmp(const void *a, const void *b)
{
    const struct spfset_range *x = a, *y = b;

    return (x->lo > y->lo) - (x->lo < y->lo);
}

void
spfset_order(struct spfset *set)
{
    size_t kept = 0;

    if (set->count < 2)
        return;
    for (size_t i = 1; i < set->count; i++)
        if (set->ranges[i].lo < set->ranges[i - 1].lo) {
            qsort(set->ranges, set->count, sizeof *set->ranges, range_cmp);
            break;
        }
    for (size_t i = 1; i < set->count; i++) {
        if (set->ranges[i].lo == set->ranges[kept].hi + 1)
            set->ranges[kept].hi = set->ranges[i].hi;
        else
            set->ranges[++kept] = set->ranges[i];
    }
    set->count = kept + 1;
}

/* The first range that does not end before addr. */
static size_t
first_from(const struct spfset *set, spfset_addr addr)
{
    size_t from = 0, to = set->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (set->ranges[middle].hi < addr)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

enum err
spfset_take(struct spfset *set, struct spfset_range range, struct spfset *taken)
{
    size_t from = first_from(set, range.lo), to = from, left = 0;
    struct spfset_range rest[2];

    while (to < set->count && set->ranges[to].lo <= range.hi)
        to++;
    if (from == to)
        return ERR_OK;
    enum err err = make_room(set, 1);
    if (err == ERR_OK)
        err = make_room(taken, to - from);
    if (err < 0)
        return err;
    for (size_t i = from; i < to; i++) {
        const struct spfset_range *have = &set->ranges[i];
        struct spfset_range hit = {
            have->lo > range.lo ? have->lo : range.lo, have->hi < range.hi ? have->hi : range.hi};

        taken->ranges[taken->count++] = hit;
        if (have->lo < hit.lo)
            rest[left++] = (struct spfset_range){have->lo, hit.lo - 1};
        if (have->hi > hit.hi)
            rest[left++] = (struct spfset_range){hit.hi + 1, have->hi};
    }
    memmove(set->ranges + from + left, set->ranges + to, (set->count - to) * sizeof *set->ranges);
    memcpy(set->ranges + from, rest, left * sizeof *rest);
    set->count += left + from - to;
    return ERR_OK;
}
