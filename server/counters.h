/*
 * Counters in shared memory: a slot for each worker, written by it alone, read by the supervisor.
 */
#ifndef SERVER_COUNTERS_H
#define SERVER_COUNTERS_H

#include <stdint.h>

#include "server/answer.h"

enum counter {
#define COUNTER(id, name, text) COUNTER_##id,
#include "server/counters.def"
#undef COUNTER
    COUNTER_COUNT
};

struct counters {
    uint64_t of[COUNTER_COUNT];
};

/* slots of them in memory that children share; NULL if there is none. Never freed. */
struct counters *counters_map(unsigned slots);
void counters_note(struct counters *counters, const struct answer_note *note, bool tcp);
/* "queries=12 dropped=0 ..." summed over the slots. */
void counters_format(const struct counters *counters, unsigned slots, char *out, size_t size);

#endif
