/* Flattening prefixes: of those that cover an address the longest decides; see listflat.h. */
#include <stdbool.h>
#include <stdlib.h>

#include "loader/listflat.h"

enum { DEPTH_MAX = 129 /* lengths 0 to 128 */ };

/* ::ffff:0:0/96 and what is beside it. */
static const struct ip below_v4 = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff}};
static const struct ip first_v4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
static const struct ip last_v4 = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct ip above_v4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

/* Prefixes in order of their first address: those open now lie one in the other. */
struct nest {
    const struct listflat_prefix *open[DEPTH_MAX];
    unsigned depth;
    bool v6;
    struct ip at;  /* the first address that is not decided yet */
    bool past_end; /* there is none */
    struct ipset_entry *out;
    size_t count, room;
};

/* Over all 128 bits, unlike ip_next: an IPv6 prefix may reach across ::ffff:0:0/96. */
static bool
next(struct ip *ip)
{
    for (unsigned i = sizeof ip->b; i-- > 0;)
        if (++ip->b[i] != 0)
            return true;
    return false;
}

static void
previous(struct ip *ip)
{
    for (unsigned i = sizeof ip->b; i-- > 0;)
        if (ip->b[i]-- != 0)
            return;
}

static bool
same_range(const struct range *a, const struct range *b)
{
    return ip_cmp(&a->first, &b->first) == 0 && ip_cmp(&a->last, &b->last) == 0;
}

static int
by_place(const void *a, const void *b)
{
    const struct listflat_prefix *x = a, *y = b;
    int order = ip_cmp(&x->range.first, &y->range.first);
    if (order == 0)
        order = ip_cmp(&y->range.last, &x->range.last);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static enum err
add(struct nest *nest, const struct ip *first, const struct ip *last, struct slice value)
{
    struct ipset_entry *before = nest->count == 0 ? NULL : &nest->out[nest->count - 1];
    if (before != NULL && slice_cmp(before->value, value) == 0) {
        struct ip after = before->range.last;
        if (next(&after) && ip_cmp(&after, first) == 0) {
            before->range.last = *last;
            return ERR_OK;
        }
    }
    if (nest->count == nest->room) {
        size_t room = nest->room == 0 ? 64 : nest->room * 2;
        struct ipset_entry *grown = reallocarray(nest->out, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        nest->out = grown;
        nest->room = room;
    }
    nest->out[nest->count++] = (struct ipset_entry){{*first, *last}, value};
    return ERR_OK;
}

static enum err
add_cut(struct nest *nest, const struct ip *first, const struct ip *last, struct slice value)
{
    enum err err = ERR_OK;
    if (value.n == 0)
        return ERR_OK;
    if (!nest->v6 || ip_cmp(last, &first_v4) < 0 || ip_cmp(first, &last_v4) > 0)
        return add(nest, first, last, value);
    if (ip_cmp(first, &first_v4) < 0)
        err = add(nest, first, &below_v4, value);
    if (err == ERR_OK && ip_cmp(last, &last_v4) > 0)
        err = add(nest, &above_v4, last, value);
    return err;
}

/* What is not decided up to last is the innermost prefix's. */
static enum err
decide(struct nest *nest, const struct ip *last)
{
    if (nest->past_end || ip_cmp(&nest->at, last) > 0)
        return ERR_OK;
    enum err err = add_cut(nest, &nest->at, last, nest->open[nest->depth - 1]->value);
    nest->at = *last;
    nest->past_end = !next(&nest->at);
    return err;
}

/* Closes the prefixes that end before an address, or all. */
static enum err
close_before(struct nest *nest, const struct ip *end)
{
    enum err err = ERR_OK;
    while (err == ERR_OK && nest->depth > 0) {
        const struct ip *last = &nest->open[nest->depth - 1]->range.last;
        if (end != NULL && ip_cmp(last, end) >= 0)
            break;
        err = decide(nest, last);
        nest->depth--;
    }
    return err;
}

static enum err
open_prefix(struct nest *nest, const struct listflat_prefix *prefix)
{
    struct prefix same;
    if (!range_prefix(&prefix->range, &same))
        return ERR_FORMAT;
    enum err err = close_before(nest, &prefix->range.first);
    if (err == ERR_OK && nest->depth > 0 && ip_cmp(&nest->at, &prefix->range.first) < 0) {
        struct ip before = prefix->range.first;
        previous(&before);
        err = decide(nest, &before);
    }
    /* Different prefixes that lie one in the other are never more than DEPTH_MAX. */
    nest->open[nest->depth++] = prefix;
    nest->at = prefix->range.first;
    nest->past_end = false;
    return err;
}

enum err
listflat_prefixes(struct listflat_prefix *prefixes, size_t count, bool v6, struct ipset_entry **out,
    size_t *out_count)
{
    struct nest nest = {.v6 = v6};
    enum err err = count > UINT32_MAX ? ERR_RANGE : ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        prefixes[i].order = (uint32_t)i;
    if (err == ERR_OK && count > 0)
        qsort(prefixes, count, sizeof *prefixes, by_place);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        if (i == 0 || !same_range(&prefixes[i - 1].range, &prefixes[i].range))
            err = open_prefix(&nest, &prefixes[i]);
    }
    if (err == ERR_OK)
        err = close_before(&nest, NULL);
    if (err < 0) {
        free(nest.out);
        nest.out = NULL;
        nest.count = 0;
    }
    *out = nest.out;
    *out_count = nest.count;
    return err;
}
