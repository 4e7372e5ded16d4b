/* Addresses that are never listed; see neverset.h. */
#include "loader/neverset.h"

#include <stdlib.h>

#include "loader/publish.h"

void
neverset_free(struct neverset *set)
{
    free(set->entries);
    *set = (struct neverset){0};
}

static enum err
add(struct neverset *set, const struct range *range)
{
    if (set->count == set->room) {
        size_t room = set->room * 2 + 32;
        struct ipset_entry *grown = reallocarray(set->entries, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        set->entries = grown;
        set->room = room;
    }
    set->entries[set->count++] =
        (struct ipset_entry){.range = *range, .value = slice_of(set->value, sizeof set->value)};
    return ERR_OK;
}

/* An IPv6 range around ::ffff:0:0/96 is cut there: that is IPv4's place. */
static enum err
add_range(struct neverset *set, const struct range *range)
{
    struct range low = {range->first, ip_from_v4(0)}, high = {ip_from_v4(UINT32_MAX), range->last};
    bool around = !ip_is4(&range->first) && ip_cmp(&range->first, &low.last) < 0 &&
                  ip_cmp(&range->last, &high.first) >= 0;
    if (!around)
        return add(set, range);
    low.last = (struct ip){{[10] = 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff}};
    high.first = (struct ip){{[9] = 1}};
    enum err err = add(set, &low);
    bool beyond = ip_cmp(&high.last, &high.first) >= 0;
    return err < 0 || !beyond ? err : add(set, &high);
}

enum err
neverset_add(struct neverset *set, const struct prefix *prefixes, unsigned count)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; i < count && err == ERR_OK; i++) {
        struct range range = prefix_range(&prefixes[i]);
        err = add_range(set, &range);
    }
    return err;
}

static int
entry_cmp(const void *a, const void *b)
{
    const struct ipset_entry *x = a, *y = b;
    return ip_cmp(&x->range.first, &y->range.first);
}

void
neverset_unite(struct neverset *set)
{
    size_t kept = 0;
    if (set->count > 1)
        qsort(set->entries, set->count, sizeof *set->entries, entry_cmp);
    for (size_t i = 1; i < set->count; i++) {
        struct range *last = &set->entries[kept].range;
        const struct range *next = &set->entries[i].range;
        if (ip_cmp(&next->first, &last->last) > 0)
            set->entries[++kept] = set->entries[i];
        else if (ip_cmp(&next->last, &last->last) > 0)
            last->last = next->last;
    }
    set->count = set->count > 0 ? kept + 1 : 0;
}

enum err
neverset_make(const struct conf *conf, const struct list_set *const *allow, size_t allow_count,
    struct neverset *out)
{
    value_of_reasons((struct reason_set){0}, out->value);
    enum err err = neverset_add(out, conf->own_networks, conf->own_network_count);
    if (err == ERR_OK)
        err = neverset_add(out, conf->trusted_relays, conf->trusted_relay_count);
    if (err == ERR_OK)
        err = neverset_add(out, conf->never_list, conf->never_count);
    for (size_t i = 0; i < allow_count && err == ERR_OK; i++) {
        const struct publish_set *set = lists_set(allow[i]);
        bool addresses = set->info.kind == DATASET_ADDR;
        for (size_t k = 0; addresses && k < set->count && err == ERR_OK; k++) {
            const struct ipset_entry entry = publish_range(set, k);
            err = add_range(out, &entry.range);
        }
    }
    neverset_unite(out);
    return err;
}
