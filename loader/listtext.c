/* What entries of lists are about, as text; see listtext.h. Values: listtext_value.c. */
#include "loader/listtext.h"

#include <stdio.h>

#include "zones/be.h"

enum { HALF = 8, HOLES_MAX = 1 << 16 };

static unsigned
prefix_length(const struct range *range)
{
    unsigned at = ip_is4(&range->first) && ip_is4(&range->last) ? 96 : 0, bits = 0;
    while (at + bits < 128) {
        unsigned bit = at + bits, mask = 0x80U >> bit % 8;
        if (((range->first.b[bit / 8] ^ range->last.b[bit / 8]) & mask) != 0)
            break;
        bits++;
    }
    return bits;
}

bool
listtext_take(struct range *rest, unsigned step, struct prefix *out)
{
    unsigned bits = ip_bits(ip_family(&rest->first)), length = 0;
    struct range range = *rest;
    if (ip_cmp(&rest->first, &rest->last) == 0)
        length = bits;
    for (; length <= bits; length += step) {
        *out = prefix_of(&rest->first, length);
        if (ip_cmp(&out->addr, &rest->first) != 0)
            continue;
        range = prefix_range(out);
        if (ip_cmp(&range.last, &rest->last) <= 0)
            break;
    }
    rest->first = range.last;
    return ip_cmp(&range.last, &rest->last) < 0 && ip_next(&rest->first);
}

/* The range as one prefix, or as "a-b". */
static size_t
format_range(const struct range *range, char *out, size_t size)
{
    char first[IP_TEXT_SIZE], last[IP_TEXT_SIZE];
    struct prefix prefix = prefix_of(&range->first, prefix_length(range));
    struct range whole = prefix_range(&prefix);
    bool zero = prefix.len == 0 && ip_is4(&range->first); /* an ip4set takes no /0 */
    ip_format(&range->first, first);
    ip_format(&range->last, last);
    if (ip_cmp(&range->first, &range->last) == 0)
        return (size_t)snprintf(out, size, "%s", first);
    if (ip_cmp(&whole.first, &range->first) == 0 && ip_cmp(&whole.last, &range->last) == 0 && !zero)
        return (size_t)snprintf(out, size, "%s/%u", first, prefix.len);
    return (size_t)snprintf(out, size, "%s-%s", first, last);
}

/* The four words of a /64. */
static size_t
format_half(const struct ip *ip, char *out, size_t size)
{
    unsigned words[4];
    for (unsigned i = 0; i < 4; i++)
        words[i] = (unsigned)be_get(ip->b + i * 2, 2);
    return (size_t)snprintf(out, size, "%x:%x:%x:%x", words[0], words[1], words[2], words[3]);
}

/* At the beginning of a line these would be something else. */
static size_t
format_name(const struct listfile_entry *entry, char *out)
{
    size_t n = 0;
    if (entry->wild && !entry->exact)
        out[n++] = '*';
    if (entry->wild)
        out[n++] = '.';
    if (entry->name.b[1] != 0 && strchr("#;!:$*", entry->name.b[1]) != NULL)
        out[n++] = '\\';
    return n + dname_format(&entry->name, out + n);
}

size_t
listtext_key(const struct listfile_entry *entry, enum list_type type, char out[LISTTEXT_KEY_SIZE])
{
    const struct range *range = &entry->range;
    size_t n = 0;
    if (entry->excluded)
        out[n++] = '!';
    if (list_type_info(type)->holds == LIST_HOLDS_NAMES)
        return n + format_name(entry, out + n);
    bool half = type == LIST_IP6TSET && prefix_length(range) == 8 * HALF;
    if (half)
        return n + format_half(&range->first, out + n, LISTTEXT_KEY_SIZE - n);
    if (type != LIST_IP4SET && ip_is4(&range->first) && prefix_length(range) == 0)
        return n + (size_t)snprintf(out + n, LISTTEXT_KEY_SIZE - n, "0.0.0.0/0");
    return n + format_range(range, out + n, LISTTEXT_KEY_SIZE - n);
}

/* What a walk over a flattened list works with. */
struct walk {
    enum list_type type;
    listtext_each_fn each;
    void *ctx;
    /* Of an ip6tset: the /64 at work, and the first address of it that is not decided yet. */
    bool open, past_end;
    struct ip half;
    uint64_t next;
    unsigned holes;
};

static enum err
give(struct walk *walk, const struct range *range, bool excluded, struct slice value)
{
    struct listfile_entry entry = {.excluded = excluded, .range = *range};
    return walk->each(walk->ctx, &entry, value);
}

static enum err
give_prefixes(struct walk *walk, const struct ipset_entry *entry, unsigned step)
{
    struct range rest = entry->range;
    enum err err;
    bool more;
    do {
        struct prefix prefix;
        more = listtext_take(&rest, step, &prefix);
        struct range range = prefix_range(&prefix);
        err = give(walk, &range, false, entry->value);
    } while (more && err == ERR_OK);
    return err;
}

static struct ip
in_half(const struct walk *walk, uint64_t low)
{
    struct ip ip = walk->half;
    (void)be_put(ip.b + HALF, low, 8);
    return ip;
}

/* Addresses of the /64 at work that are not listed, from the first undecided one to last. */
static enum err
give_holes(struct walk *walk, uint64_t last)
{
    enum err err = ERR_OK;
    const uint64_t v4_last = UINT64_C(0xffffffffffff);
    while (err == ERR_OK && !walk->past_end && walk->next <= last) {
        struct ip ip = in_half(walk, walk->next);
        if (ip_is4(&ip)) { /* which no IPv6 list has anyway */
            walk->next = last < v4_last ? last + 1 : v4_last + 1;
            continue;
        }
        if (++walk->holes > HOLES_MAX)
            return ERR_RANGE;
        err = give(walk, &(struct range){ip, ip}, true, slice_of(NULL, 0));
        walk->past_end = walk->next == UINT64_MAX;
        walk->next++;
    }
    return err;
}

static enum err
close_half(struct walk *walk)
{
    enum err err = walk->open ? give_holes(walk, UINT64_MAX) : ERR_OK;
    walk->open = false;
    return err;
}

/* The /64s that a range has a part of, with exclusions for the rest of them. */
static enum err
give_halves(struct walk *walk, const struct ipset_entry *entry)
{
    enum err err = ERR_OK;
    const struct range *range = &entry->range;
    uint64_t high = be_get(range->first.b, 8), end = be_get(range->last.b, 8);
    for (; err == ERR_OK; high++) {
        struct range whole = {range->first, range->first};
        (void)be_put(whole.first.b, high, 8);
        memset(whole.first.b + HALF, 0, HALF);
        whole.last = whole.first;
        memset(whole.last.b + HALF, 0xff, HALF);
        if (!walk->open || ip_cmp(&walk->half, &whole.first) != 0) {
            err = close_half(walk);
            if (err == ERR_OK)
                err = give(walk, &whole, false, entry->value);
            walk->open = true;
            walk->past_end = false;
            walk->half = whole.first;
            walk->next = 0;
        }
        uint64_t low =
            ip_cmp(&range->first, &whole.first) > 0 ? be_get(range->first.b + HALF, 8) : 0;
        if (err == ERR_OK && low > 0)
            err = give_holes(walk, low - 1);
        if (high == end)
            break;
        walk->past_end = true;
    }
    uint64_t last = be_get(range->last.b + HALF, 8);
    walk->past_end = last == UINT64_MAX;
    walk->next = last + 1;
    return err;
}

static enum err
give_name(struct walk *walk, const struct nameset_entry *name)
{
    const struct nameset_slot *exact = &name->exact, *wild = &name->wild;
    struct listfile_entry entry = {.name = name->name, .exact = true};
    enum err err = ERR_OK;
    bool same = exact->kind == wild->kind && slice_cmp(exact->value, wild->value) == 0;
    entry.wild = same;
    entry.excluded = exact->kind == NAMESET_SLOT_EXCLUDED;
    if (exact->kind != NAMESET_SLOT_EMPTY)
        err = walk->each(walk->ctx, &entry, exact->value);
    entry.exact = false;
    entry.wild = true;
    entry.excluded = wild->kind == NAMESET_SLOT_EXCLUDED;
    if (err == ERR_OK && !same && wild->kind != NAMESET_SLOT_EMPTY)
        err = walk->each(walk->ctx, &entry, wild->value);
    return err;
}

enum err
listtext_each(enum list_type type, const struct publish_set *set, listtext_each_fn each, void *ctx)
{
    struct walk walk = {.type = type, .each = each, .ctx = ctx};
    enum err err =
        set->names == NULL && !publish_has_ranges(set) && set->count > 0 ? ERR_RANGE : ERR_OK;
    for (size_t i = 0; i < set->count && err == ERR_OK; i++) {
        if (set->names != NULL) {
            err = give_name(&walk, &set->names[i]);
            continue;
        }
        const struct ipset_entry entry = publish_range(set, i);
        if (type == LIST_IP4SET)
            err = give(&walk, &entry.range, false, entry.value);
        else if (type == LIST_IP6TSET)
            err = give_halves(&walk, &entry);
        else if (type == LIST_IP4TSET)
            err = give_prefixes(&walk, &entry, 32);
        else
            err = give_prefixes(&walk, &entry, 1);
    }
    return err == ERR_OK ? close_half(&walk) : err;
}
