/* The brake of a list; see listbrake.h. */
#include "loader/listbrake.h"

#include <stdio.h>

#include "loader/listflat.h"
#include "zones/be.h"
#include "zones/fnv.h"

enum { PIECE_V4 = 256 };

#define SPACE_PARTS (UINT64_C(1) << 32)

static const char everything[] = "everything";

/* As ip_is_private, in which loopback is included. */
static const struct prefix private_space[] = {
#define V4(a, b, len)                                                                              \
    {                                                                                              \
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b)}}, (len)                              \
    }
#define V6(a, b, len)                                                                              \
    {                                                                                              \
        {{(a), (b)}}, (len)                                                                        \
    }
    V4(10, 0, 8), V4(100, 64, 10), V4(127, 0, 8), V4(169, 254, 16), V4(172, 16, 12),
    V4(192, 168, 16), V6(0xfc, 0, 7), V6(0xfe, 0x80, 10), {{{[15] = 1}}, 128}
#undef V4
#undef V6
};

/* One search. */
struct brake {
    const struct conf *conf;
    const struct publish_set *set;
    uint64_t digest;   /* of all that was found */
    double listed;     /* of the family that has more of it */
    const char *label; /* of the first */
    struct range range;
};

static bool
is_within(const struct range *range, const struct range *outer)
{
    return ip_cmp(&outer->first, &range->first) <= 0 && ip_cmp(&range->last, &outer->last) <= 0;
}

static bool
is_loopback(const struct range *range)
{
    const struct range v4 = {ip_from_v4(0x7f000000), ip_from_v4(0x7fffffff)};
    const struct range v6 = {{{[15] = 1}}, {{[15] = 1}}};
    return is_within(range, &v4) || is_within(range, &v6);
}

static bool
is_test(const struct range *range)
{
    const struct range test = {ip_from_v4(0x7f000002), ip_from_v4(0x7f0000ff)};
    return is_within(range, &test);
}

/* At least 256 IPv4 addresses or 2^64 of IPv6. */
static bool
is_wide(const struct range *range)
{
    if (ip_is4(&range->first))
        return ip_v4(&range->last) - ip_v4(&range->first) >= PIECE_V4 - 1;
    uint64_t high = be_get(range->last.b, 8) - be_get(range->first.b, 8);
    uint64_t first = be_get(range->first.b + 8, 8), last = be_get(range->last.b + 8, 8);
    if (high == 0)
        return first == 0 && last == UINT64_MAX;
    return high > 1 || last >= first || last + 1 == first;
}

/* How much of its family's space it is. */
static double
share(const struct range *range)
{
    if (ip_is4(&range->first) && ip_is4(&range->last))
        return ((double)ip_v4(&range->last) - (double)ip_v4(&range->first) + 1) / 4294967296.0;
    double first = (double)be_get(range->first.b, 8), last = (double)be_get(range->last.b, 8);
    return (last - first + 1) / 18446744073709551616.0;
}

static double
share_v4(const struct ipset_v4 *ranges)
{
    uint64_t listed = 0;
    for (size_t i = 0; i < ranges->count; i++)
        listed += ranges->last[i] - ranges->first[i] + UINT64_C(1);
    return (double)listed / 4294967296.0;
}

/* In 2^-32ths of the space, not less than it is. */
static uint64_t
parts_of(double share)
{
    return (uint64_t)(share * (double)SPACE_PARTS) + 1;
}

static void
found(struct brake *brake, const char *label, const struct range *range)
{
    if (brake->label == NULL) {
        brake->label = label;
        brake->range = *range;
        brake->digest = FNV_START;
    }
    brake->digest = fnv_add(brake->digest, label, strlen(label));
    brake->digest = fnv_add(brake->digest, range, sizeof *range);
}

/* A piece in one, of whatever values. */
static void
judge_piece(struct brake *brake, const char *label, const struct range *piece, bool wide_only)
{
    if (!is_test(piece) && (!wide_only || is_wide(piece)))
        found(brake, label, piece);
}

static void
search_range(struct brake *brake, const char *label, const struct range *where, bool wide_only)
{
    const struct publish_set *set = brake->set;
    struct range piece = {0};
    bool open = false;
    for (size_t i = publish_find(set, &where->first); i < set->count; i++) {
        struct range part = publish_range(set, i).range;
        if (ip_cmp(&part.first, &where->last) > 0)
            break;
        if (ip_cmp(&part.first, &where->first) < 0)
            part.first = where->first;
        if (ip_cmp(&part.last, &where->last) > 0)
            part.last = where->last;
        struct ip next = piece.last;
        if (open && ip_next(&next) && ip_cmp(&next, &part.first) == 0) {
            piece.last = part.last;
            continue;
        }
        if (open)
            judge_piece(brake, label, &piece, wide_only);
        piece = part;
        open = true;
    }
    if (open)
        judge_piece(brake, label, &piece, wide_only);
}

static void
search_prefixes(
    struct brake *brake, const char *label, const struct prefix *prefixes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct range range = prefix_range(&prefixes[i]);
        /* Loopback is an own network of most mail servers, and looked for as private space. */
        if (!is_loopback(&range))
            search_range(brake, label, &range, false);
    }
}

static void
search_set(struct brake *brake, const struct publish_set *set)
{
    double listed[2] = {0, 0};
    const struct conf *conf = brake->conf;
    brake->set = set;
    if (!publish_has_ranges(set))
        return;
    if (set->v4 != NULL)
        listed[true] = share_v4(set->v4);
    for (size_t i = 0; set->v4 == NULL && i < set->count; i++)
        listed[ip_is4(&set->addrs[i].range.first)] += share(&set->addrs[i].range);
    double most = listed[0] > listed[1] ? listed[0] : listed[1];
    if (most > brake->listed)
        brake->listed = most;
    if (most >= 0.5) {
        const struct ipset_entry first = publish_range(set, 0);
        found(brake, everything, &first.range);
    }
    search_prefixes(brake, "own_networks", conf->own_networks, conf->own_network_count);
    search_prefixes(brake, "never_list", conf->never_list, conf->never_count);
    for (size_t i = 0; i < sizeof private_space / sizeof *private_space; i++) {
        struct range range = prefix_range(&private_space[i]);
        search_range(brake, "private space", &range, true);
    }
}

/* A list that nobody is listed by may say what it likes. */
static void
search(struct brake *brake, const struct list_source *source, const struct list_set *set)
{
    size_t count;
    const struct publish_set *parts = lists_parts(set, &count);
    if (source->role != LIST_BLOCK || source->type == LIST_ACL)
        return;
    search_set(brake, lists_set(set));
    for (size_t i = 0; i < count; i++)
        search_set(brake, &parts[i]);
}

struct list_measure
listbrake_measure(
    const struct conf *conf, const struct list_source *source, const struct list_set *set)
{
    struct brake brake = {.conf = conf};
    search(&brake, source, set);
    return (struct list_measure){
        .entries = lists_entries(set), .forbidden = brake.digest, .share = parts_of(brake.listed)};
}

void
listbrake_format(const char *label, const struct range *range, char out[LISTBRAKE_TEXT_SIZE])
{
    char first[IP_TEXT_SIZE], last[IP_TEXT_SIZE];
    ip_format(&range->first, first);
    ip_format(&range->last, last);
    if (label == everything)
        (void)snprintf(out, LISTBRAKE_TEXT_SIZE, "half of all addresses or more");
    else if (ip_cmp(&range->first, &range->last) == 0)
        (void)snprintf(out, LISTBRAKE_TEXT_SIZE, "%s of %s", first, label);
    else
        (void)snprintf(out, LISTBRAKE_TEXT_SIZE, "%s-%s of %s", first, last, label);
}

static bool
changes_too_much(const struct list_source *source, const struct list_set *set, struct errmsg *msg)
{
    const struct list_measure *published = lists_published(set);
    uint64_t now = lists_entries(set), was = published == NULL ? now : published->entries;
    uint64_t change = now > was ? now - was : was - now;
    if (listbrake_small(source, was, change))
        return false;
    (void)errmsg_set(msg, ERR_REFUSED,
        "list %s would %s from %llu entries to %llu, by more than max_change %u %% allows; it "
        "stays "
        "as it is served: look at its files, then run again with --force",
        source->name, now > was ? "grow" : "shrink", (unsigned long long)was,
        (unsigned long long)now, source->max_change);
    return true;
}

bool
listbrake_stops(const struct conf *conf, const struct list_source *source,
    const struct list_set *set, bool served, struct errmsg *msg)
{
    struct brake brake = {.conf = conf};
    const struct list_measure *published = lists_published(set);
    search(&brake, source, set);
    if (brake.label != NULL && (published == NULL || published->forbidden != brake.digest)) {
        char what[LISTBRAKE_TEXT_SIZE];
        listbrake_format(brake.label, &brake.range, what);
        (void)errmsg_set(msg, ERR_REFUSED,
            "list %s would list %s; it stays as it is served: correct its files, take that off "
            "with "
            "repdns-load list del, or run again with --force",
            source->name, what);
        return true;
    }
    return served && changes_too_much(source, set, msg);
}

static bool
overlaps(const struct range *entry, const struct range *where, struct range *range)
{
    if (ip_is4(&where->first) != (ip_is4(&entry->first) && ip_is4(&entry->last)))
        return false;
    *range = *entry;
    if (ip_cmp(&range->first, &where->first) < 0)
        range->first = where->first;
    if (ip_cmp(&range->last, &where->last) > 0)
        range->last = where->last;
    return ip_cmp(&range->first, &range->last) <= 0 && !is_test(range);
}

const char *
listbrake_forbids(const struct conf *conf, const struct range *entry, struct range *range)
{
    const struct {
        const char *label;
        const struct prefix *prefixes;
        size_t count;
    } all[] = {{"own_networks", conf->own_networks, conf->own_network_count},
        {"never_list", conf->never_list, conf->never_count},
        {"private space", private_space, sizeof private_space / sizeof *private_space}};
    *range = *entry;
    if (share(entry) >= 0.5)
        return everything;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t k = 0; k < all[i].count; k++) {
            struct range where = prefix_range(&all[i].prefixes[k]);
            if (overlaps(entry, &where, range))
                return all[i].label;
        }
    return NULL;
}

/* Any address of it, test entries too. */
static bool
touches(const struct range *entry, const struct prefix *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct range where = prefix_range(&prefixes[i]);
        if (ip_cmp(&entry->first, &where.last) <= 0 && ip_cmp(&where.first, &entry->last) <= 0)
            return true;
    }
    return false;
}

bool
listbrake_harmless(const struct conf *conf, const struct range *entry, struct list_measure *measure)
{
    if (measure->forbidden != 0 || measure->share > SPACE_PARTS / 2 ||
        touches(entry, conf->own_networks, conf->own_network_count) ||
        touches(entry, conf->never_list, conf->never_count) ||
        touches(entry, private_space, sizeof private_space / sizeof *private_space))
        return false;
    measure->share += parts_of(share(entry));
    return measure->share < SPACE_PARTS / 2;
}

bool
listbrake_small(const struct list_source *source, uint64_t was, uint64_t change)
{
    return change <= source->max_change_floor ||
           (double)change * 100 <= (double)was * source->max_change;
}
