/* Layers of lists; see listoverlay.h. */
#include "loader/listoverlay.h"

#include <stdlib.h>

/* Disjoint sorted ranges being put together. */
struct ranges {
    struct ipset_entry *items;
    size_t count;
};

/* There is room: a range of the upper layer cuts at most one of the lower in two. */
static void
add_range(struct ranges *out, const struct ip *first, const struct ip *last, struct slice value)
{
    struct ipset_entry *before = out->count == 0 ? NULL : &out->items[out->count - 1];
    if (before != NULL && slice_cmp(before->value, value) == 0) {
        struct ip after = before->range.last;
        if (ip_next(&after) && ip_cmp(&after, first) == 0) {
            before->range.last = *last;
            return;
        }
    }
    out->items[out->count++] = (struct ipset_entry){{*first, *last}, value};
}

/* What lies before ip; only where something does. */
static struct ip
before(struct ip ip)
{
    (void)ip_prev(&ip);
    return ip;
}

/* The lower layer's range without what the upper layer's ranges from *at on cover; *at becomes the
 * first of these that may reach beyond it. False: nothing is left. Uppers that end inside it are
 * given out in their place. */
static bool
pass_lower(struct ranges *out, const struct ipset_entry *lower, const struct list_flat *upper,
    size_t *at, bool cut)
{
    struct ip from = lower->range.first;
    bool left = false;
    for (; *at < upper->count; ++*at) {
        const struct ipset_entry *over = &upper->addrs[*at];
        if (ip_cmp(&over->range.first, &lower->range.last) > 0)
            break;
        if (ip_cmp(&from, &over->range.first) < 0) {
            struct ip last = before(over->range.first);
            add_range(out, &from, &last, lower->value);
            left = true;
        }
        /* It goes on beyond: given out with the next one. */
        if (ip_cmp(&over->range.last, &lower->range.last) >= 0)
            return left;
        if (!cut)
            add_range(out, &over->range.first, &over->range.last, over->value);
        from = over->range.last;
        (void)ip_next(&from);
    }
    if (ip_cmp(&from, &lower->range.last) <= 0) {
        add_range(out, &from, &lower->range.last, lower->value);
        left = true;
    }
    return left;
}

static enum err
overlay_addrs(struct list_flat *lower, const struct list_flat *upper, bool cut, uint64_t *dropped)
{
    size_t at = 0;
    struct ranges out = {0};
    out.items = calloc(lower->count + 2 * upper->count + 1, sizeof *out.items);
    if (out.items == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < lower->count; i++) {
        const struct ipset_entry *entry = &lower->addrs[i];
        for (; at < upper->count; at++) {
            const struct ipset_entry *over = &upper->addrs[at];
            if (ip_cmp(&over->range.last, &entry->range.first) >= 0)
                break;
            if (!cut)
                add_range(&out, &over->range.first, &over->range.last, over->value);
        }
        *dropped += !pass_lower(&out, entry, upper, &at, cut);
    }
    for (; at < upper->count && !cut; at++)
        add_range(&out, &upper->addrs[at].range.first, &upper->addrs[at].range.last,
            upper->addrs[at].value);
    free(lower->addrs);
    lower->addrs = out.items;
    lower->count = out.count;
    return ERR_OK;
}

/* A name's key, and those of the wildcard of the upper layer that it lies under. */
struct key {
    size_t n;
    uint8_t b[DNAME_KEY_MAX];
};

static void
set_key(struct key *key, const struct nameset_entry *entry)
{
    key->n = dname_key(&entry->name, key->b);
}

/* key is cover's name or lies below it; exactly the names whose key begins with its. */
static bool
is_under(const struct key *key, const struct key *cover)
{
    return key->n >= cover->n && memcmp(key->b, cover->b, cover->n) == 0;
}

static void
put_over(struct nameset_slot *slot, const struct nameset_slot *upper, bool cut)
{
    if (upper->kind == NAMESET_SLOT_EMPTY)
        return;
    *slot = *upper;
    if (cut)
        *slot = (struct nameset_slot){.kind = NAMESET_SLOT_EXCLUDED};
}

/* Both layers in the order of keys, in which a name comes before those below it: so one wildcard
 * of the upper layer, the highest, says whether a name is covered. */
struct names {
    struct list_flat *lower;
    const struct list_flat *upper;
    size_t low, up; /* the next of each */
    struct key low_key, up_key;
    bool covered;     /* a wildcard of the upper layer was met */
    struct key cover; /* the last one that was under none */
};

/* The next entry of either or both. */
static void
next_name(struct names *names, const struct nameset_entry **low, const struct nameset_entry **up)
{
    bool has_low = names->low < names->lower->count, has_up = names->up < names->upper->count;
    *low = has_low ? &names->lower->names[names->low] : NULL;
    *up = has_up ? &names->upper->names[names->up] : NULL;
    if (has_low)
        set_key(&names->low_key, *low);
    if (has_up)
        set_key(&names->up_key, *up);
    int order = !has_low ? 1 : !has_up ? -1 : 0;
    if (has_low && has_up)
        order = slice_cmp(slice_of(names->low_key.b, names->low_key.n),
            slice_of(names->up_key.b, names->up_key.n));
    if (order < 0)
        *up = NULL;
    if (order > 0)
        *low = NULL;
    names->low += *low != NULL;
    names->up += *up != NULL;
}

/* What is left of a name of the lower layer; false: nothing that was listed. */
static bool
uncover(struct names *names, const struct key *key, const struct nameset_entry *low,
    const struct nameset_entry *up, struct nameset_entry *out)
{
    bool under = names->covered && is_under(key, &names->cover);
    bool below = under && key->n > names->cover.n;
    *out = (struct nameset_entry){.name = low->name};
    if (!below && (up == NULL || up->exact.kind == NAMESET_SLOT_EMPTY))
        out->exact = low->exact;
    if (!under)
        out->wild = low->wild;
    bool had = low->exact.kind == NAMESET_SLOT_VALUE || low->wild.kind == NAMESET_SLOT_VALUE;
    return !had || out->exact.kind == NAMESET_SLOT_VALUE || out->wild.kind == NAMESET_SLOT_VALUE;
}

static enum err
overlay_names(struct list_flat *lower, const struct list_flat *upper, bool cut, uint64_t *dropped)
{
    struct nameset_entry *out = calloc(lower->count + upper->count + 1, sizeof *out);
    struct names *names = calloc(1, sizeof *names);
    size_t count = 0;
    if (out == NULL || names == NULL) {
        free(out);
        free(names);
        return ERR_NOMEM;
    }
    names->lower = lower;
    names->upper = upper;
    while (names->low < lower->count || names->up < upper->count) {
        const struct nameset_entry *low, *up;
        struct nameset_entry *entry = &out[count];
        next_name(names, &low, &up);
        const struct key *key = low != NULL ? &names->low_key : &names->up_key;
        if (up != NULL && up->wild.kind != NAMESET_SLOT_EMPTY &&
            !(names->covered && is_under(key, &names->cover))) {
            names->covered = true;
            names->cover = *key;
        }
        if (low == NULL)
            *entry = (struct nameset_entry){.name = up->name};
        else
            *dropped += !uncover(names, key, low, up, entry);
        if (up != NULL) {
            put_over(&entry->exact, &up->exact, cut);
            put_over(&entry->wild, &up->wild, cut);
        }
        count += entry->exact.kind != NAMESET_SLOT_EMPTY || entry->wild.kind != NAMESET_SLOT_EMPTY;
    }
    free(names);
    free(lower->names);
    lower->names = out;
    lower->count = count;
    return ERR_OK;
}

/* The lower layer is of IPv4 ranges that have few values. */
static enum err
overlay_v4(struct list_flat *lower, const struct list_flat *upper, bool cut, uint64_t *dropped)
{
    enum err err = listflat_over(&lower->v4, upper->addrs, upper->count, cut, dropped);
    lower->count = lower->v4.ranges.count;
    if (err != ERR_RANGE)
        return err;
    lower->addrs = listflat_unpack(&lower->v4.ranges);
    listflat_free_v4(&lower->v4);
    return lower->addrs == NULL ? ERR_NOMEM : overlay_addrs(lower, upper, cut, dropped);
}

enum err
listoverlay(struct list_flat *lower, const struct list_flat *upper, bool cut, uint64_t *dropped)
{
    *dropped = 0;
    if (upper->count == 0)
        return ERR_OK;
    if (upper->names != NULL)
        return overlay_names(lower, upper, cut, dropped);
    if (lower->v4.first != NULL)
        return overlay_v4(lower, upper, cut, dropped);
    return overlay_addrs(lower, upper, cut, dropped);
}
