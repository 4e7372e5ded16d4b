/*
 * Counters in shared memory: a slot for each process that counts, written by it alone, read by the
 * supervisor and by the process that answers Prometheus, who may see some of them later than
 * others.
 */
#ifndef SERVER_COUNTERS_H
#define SERVER_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "server/answer.h"

/* Families stand together, each in the order of the table. */
enum counter {
#define COUNTER(id, name, text) COUNTER_##id,
#include "server/counters.def"
    COUNTER_ANSWERS,
    COUNTER_BEFORE_ANSWERS = COUNTER_ANSWERS - 1,
#define ANSWER(id, name, rcode, listed, text) COUNTER_##id,
#include "server/counters.def"
    COUNTER_DROPS,
    COUNTER_BEFORE_DROPS = COUNTER_DROPS - 1,
#define DROP(id, name, text) COUNTER_DROP_##id,
#include "server/counters.def"
    COUNTER_LINE_END, /* what follows is not in SIGUSR1's line */
    COUNTER_REASONS = COUNTER_LINE_END,
    COUNTER_LITERAL = COUNTER_REASONS + REASON_COUNT,
    COUNTER_BATCHES,
    COUNTER_BEFORE_BATCHES = COUNTER_BATCHES - 1,
#define BATCH(most) COUNTER_BATCH_##most,
#include "server/counters.def"
    COUNTER_BATCH_SUM, /* queries */
    COUNTER_LATENCIES,
    COUNTER_BEFORE_LATENCIES = COUNTER_LATENCIES - 1,
#define LATENCY(ns, seconds) COUNTER_LATENCY_##ns,
#include "server/counters.def"
    COUNTER_LATENCY_MORE,
    COUNTER_LATENCY_SUM, /* nanoseconds */
    COUNTER_COUNT
};

enum zone_counter {
#define ZONE_COUNTER(id, name, unit, text) ZONE_COUNTER_##id,
#include "server/counters.def"
    ZONE_COUNTER_COUNT,
    ZONE_COUNTER_LINE_END = ZONE_COUNTER_BYTES_OUT + 1 /* those of rbldnsd */
};

struct zone_counts {
    uint64_t of[ZONE_COUNTER_COUNT];
};

/* A process's slot. */
struct counters {
    uint64_t of[COUNTER_COUNT];
    _Atomic uint32_t written; /* of the slot of others: it holds something */
    unsigned zone_count;
    struct zone_counts zones[]; /* by the zone's place in the configuration; then all queries */
};

struct counter_slots {
    unsigned count; /* without that of others */
    size_t stride;  /* whole cache lines: no worker waits for another's counting */
    uint8_t *memory;
};

/* In memory that children share. */
enum err counters_map(
    unsigned slots, unsigned zones, struct counter_slots *out, struct errmsg *msg) MUST_CHECK;
void counters_unmap(struct counter_slots *slots);
/* From now on this process can only read them. */
void counters_protect(const struct counter_slots *slots);
struct counters *counters_slot(const struct counter_slots *slots, unsigned number);
/* The supervisor's: what processes of other configurations have counted. */
struct counters *counters_others(const struct counter_slots *slots);

/* One packet: bytes_in of it, bytes_out of its answer, 0 if it has none. zone is the place of
 * note->zone in the configuration, zone_count if that is NULL. */
void counters_note(struct counters *counters, const struct answer_note *note, unsigned zone,
    const struct request *request, size_t bytes_out);
/* So many packets, 1 to 64, came at once. */
void counters_batch(struct counters *counters, unsigned size);
/* An answer took so long; less than nothing counts as nothing. */
void counters_latency(struct counters *counters, int64_t ns);

/* How a counter is told. */
struct counter_info {
    const char *name;   /* in a line of the log, NULL: not there */
    const char *metric; /* of Prometheus, without what all begin and end with */
    const char *labels; /* name="value", NULL: none */
    const char *help;   /* of the metric */
};
/* Of a counter that is no bucket of a histogram. */
struct counter_info counter_info(enum counter counter);

#endif
