/*
 * A ring of records in memory that two processes share: one writes, one reads, neither waits for
 * the other and no lock is taken. A record that does not fit is refused. What was written survives
 * the end of either process, and a record half written does not count.
 *
 * The reader trusts nothing that it finds: whatever the writer may have left there, it stays within
 * the ring and within its own buffer.
 */
#ifndef SERVER_LOGRING_H
#define SERVER_LOGRING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zones/err.h"

/* At 80 bytes a query some 13,000 of them, at 400 of both messages 2,600. A power of two. */
#define LOGRING_SIZE       (1U << 20)
#define LOGRING_RECORD_MAX 4096

/* Positions count bytes since the beginning and never turn back. Each side has cache lines of its
 * own. */
struct logring {
    _Alignas(64) _Atomic uint64_t head; /* written up to here, by the writer */
    uint64_t seen_tail;                 /* the tail as the writer last looked at it */
    _Alignas(64) _Atomic uint64_t tail; /* read up to here, by the reader */
    _Alignas(64) uint8_t bytes[LOGRING_SIZE];
};

/* count of them, empty, in memory that children share; NULL if there is none. */
struct logring *logrings_map(unsigned count);
void logrings_unmap(struct logring **rings, unsigned count);

/* The writer's: n is 1 to LOGRING_RECORD_MAX. False when the ring is full. */
bool logring_put(struct logring *ring, const void *record, size_t n) MUST_CHECK;
/* The reader's: takes the oldest record out; its length, 0 if there is none. */
size_t logring_get(struct logring *ring, uint8_t out[LOGRING_RECORD_MAX]) MUST_CHECK;

#endif
