/*
 * Sums of counters, by the zones of one configuration. Counts of a zone of another configuration
 * are those of the zone with the same apex, if there is one. Pure.
 */
#ifndef SERVER_TALLY_H
#define SERVER_TALLY_H

#include "server/counters.h"

struct tally {
    uint64_t of[COUNTER_COUNT];
    unsigned zone_count;
    struct zone_counts *zones; /* by the zone's place in the configuration; then all queries */
};

enum err tally_init(struct tally *tally, unsigned zone_count) MUST_CHECK;
void tally_free(struct tally *tally);
void tally_clear(struct tally *tally);
void tally_copy(struct tally *to, const struct tally *from); /* of one configuration */
/* a - b, counter by counter, 0 where that would be less. */
void tally_minus(struct tally *a, const struct tally *b);

/* to += from, by the configurations that they are of. */
void tally_add(struct tally *to, const struct conf *to_conf, const struct tally *from,
    const struct conf *from_conf);
/* to += what the slots have counted. */
void tally_add_slots(struct tally *to, const struct conf *to_conf,
    const struct counter_slots *slots, const struct conf *slots_conf);
/* Likewise one slot, of the same configuration. */
void tally_add_slot(struct tally *to, const struct counters *slot);
/* Into the slot of others, of the same configuration. */
void tally_put_others(const struct tally *tally, const struct counter_slots *slots);

#endif
