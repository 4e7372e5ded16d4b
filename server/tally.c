/* Sums of counters; see tally.h. */
#include "server/tally.h"

#include <stdlib.h>
#include <string.h>

enum err
tally_init(struct tally *tally, unsigned zone_count)
{
    *tally = (struct tally){.zone_count = zone_count};
    tally->zones = calloc(zone_count + 1U, sizeof *tally->zones);
    return tally->zones == NULL ? ERR_NOMEM : ERR_OK;
}

void
tally_free(struct tally *tally)
{
    free(tally->zones);
    *tally = (struct tally){0};
}

void
tally_clear(struct tally *tally)
{
    memset(tally->of, 0, sizeof tally->of);
    memset(tally->zones, 0, (tally->zone_count + 1U) * sizeof *tally->zones);
}

void
tally_copy(struct tally *to, const struct tally *from)
{
    memcpy(to->of, from->of, sizeof to->of);
    memcpy(to->zones, from->zones, (to->zone_count + 1U) * sizeof *to->zones);
}

static void
add(uint64_t *to, const uint64_t *from, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        to[i] += from[i];
}

static void
minus(uint64_t *a, const uint64_t *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        a[i] = a[i] > b[i] ? a[i] - b[i] : 0;
}

void
tally_minus(struct tally *a, const struct tally *b)
{
    minus(a->of, b->of, COUNTER_COUNT);
    for (unsigned i = 0; i <= a->zone_count; i++)
        minus(a->zones[i].of, b->zones[i].of, ZONE_COUNTER_COUNT);
}

/* The same place first: configurations seldom differ in it. */
static unsigned
find(const struct conf *conf, const struct dname *apex, unsigned likely)
{
    if (likely < conf->zone_count && dname_equal(&conf->zones[likely].apex, apex))
        return likely;
    unsigned i = 0;
    while (i < conf->zone_count && !dname_equal(&conf->zones[i].apex, apex))
        i++;
    return i;
}

static void
add_zones(struct tally *to, const struct conf *to_conf, const struct zone_counts *zones,
    const struct conf *conf)
{
    for (unsigned i = 0; i < conf->zone_count; i++) {
        unsigned place = find(to_conf, &conf->zones[i].apex, i);
        if (place < to->zone_count)
            add(to->zones[place].of, zones[i].of, ZONE_COUNTER_COUNT);
    }
    add(to->zones[to->zone_count].of, zones[conf->zone_count].of, ZONE_COUNTER_COUNT);
}

void
tally_add(struct tally *to, const struct conf *to_conf, const struct tally *from,
    const struct conf *from_conf)
{
    add(to->of, from->of, COUNTER_COUNT);
    add_zones(to, to_conf, from->zones, from_conf);
}

void
tally_add_slots(struct tally *to, const struct conf *to_conf, const struct counter_slots *slots,
    const struct conf *slots_conf)
{
    for (unsigned i = 0; i < slots->count; i++) {
        const struct counters *slot = counters_slot(slots, i);
        add(to->of, slot->of, COUNTER_COUNT);
        add_zones(to, to_conf, slot->zones, slots_conf);
    }
}

void
tally_add_slot(struct tally *to, const struct counters *slot)
{
    add(to->of, slot->of, COUNTER_COUNT);
    for (unsigned i = 0; i <= to->zone_count; i++)
        add(to->zones[i].of, slot->zones[i].of, ZONE_COUNTER_COUNT);
}

void
tally_put_others(const struct tally *tally, const struct counter_slots *slots)
{
    struct counters *others = counters_others(slots);
    memcpy(others->of, tally->of, sizeof others->of);
    memcpy(others->zones, tally->zones, (tally->zone_count + 1U) * sizeof *tally->zones);
    atomic_store_explicit(&others->written, 1, memory_order_release);
}
