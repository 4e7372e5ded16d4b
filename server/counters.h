/*
 * Counters in shared memory: a slot for each worker, written by it alone, read by the supervisor,
 * who may see some of them later than others.
 */
#ifndef SERVER_COUNTERS_H
#define SERVER_COUNTERS_H

#include <stdint.h>

#include "server/answer.h"

enum counter {
#define COUNTER(id, name, text) COUNTER_##id,
#include "server/counters.def"
    COUNTER_COUNT
};

enum zone_counter {
#define ZONE_COUNTER(id, name, text) ZONE_COUNTER_##id,
#include "server/counters.def"
    ZONE_COUNTER_COUNT
};

struct zone_counts {
    uint64_t of[ZONE_COUNTER_COUNT];
};

/* A worker's slot. */
struct counters {
    uint64_t of[COUNTER_COUNT];
    unsigned zone_count;
    struct zone_counts zones[]; /* by the zone's place in the configuration; then all queries */
};

struct counter_slots {
    unsigned count;
    size_t stride; /* whole cache lines: no worker waits for another's counting */
    uint8_t *memory;
};

/* In memory that children share. */
enum err counters_map(
    unsigned slots, unsigned zones, struct counter_slots *out, struct errmsg *msg) MUST_CHECK;
void counters_unmap(struct counter_slots *slots);
struct counters *counters_slot(const struct counter_slots *slots, unsigned number);

/* One packet: bytes_in of it, bytes_out of its answer, 0 if it has none. zone is the place of
 * note->zone in the configuration, zone_count if that is NULL. */
void counters_note(struct counters *counters, const struct answer_note *note, unsigned zone,
    bool tcp, size_t bytes_in, size_t bytes_out);

#endif
