/* The ring; see logring.h. */
#include "server/logring.h"

#include <string.h>
#include <sys/mman.h>

/* A record is its length in 4 bytes, its bytes, and nothing up to the next multiple of ALIGN. */
enum { LENGTH = 4, ALIGN = 8 };

struct logring *
logrings_map(unsigned count)
{
    void *p = mmap(NULL, count * sizeof(struct logring), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void
logrings_unmap(struct logring **rings, unsigned count)
{
    if (*rings != NULL)
        (void)munmap(*rings, count * sizeof **rings);
    *rings = NULL;
}

static uint64_t
space_of(size_t n)
{
    return (LENGTH + n + ALIGN - 1) / ALIGN * ALIGN;
}

static void
copy_in(struct logring *ring, uint64_t at, const void *bytes, size_t n)
{
    size_t from = (size_t)(at % LOGRING_SIZE);
    size_t first = LOGRING_SIZE - from < n ? LOGRING_SIZE - from : n;
    memcpy(ring->bytes + from, bytes, first);
    memcpy(ring->bytes, (const uint8_t *)bytes + first, n - first);
}

static void
copy_out(const struct logring *ring, uint64_t at, void *bytes, size_t n)
{
    size_t from = (size_t)(at % LOGRING_SIZE);
    size_t first = LOGRING_SIZE - from < n ? LOGRING_SIZE - from : n;
    memcpy(bytes, ring->bytes + from, first);
    memcpy((uint8_t *)bytes + first, ring->bytes, n - first);
}

bool
logring_put(struct logring *ring, const void *record, size_t n)
{
    const uint32_t length = (uint32_t)n;
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t space = space_of(n);
    if (head + space - ring->seen_tail > LOGRING_SIZE) {
        ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head + space - ring->seen_tail > LOGRING_SIZE)
            return false;
    }
    copy_in(ring, head, &length, LENGTH);
    copy_in(ring, head + LENGTH, record, n);
    atomic_store_explicit(&ring->head, head + space, memory_order_release);
    return true;
}

size_t
logring_get(struct logring *ring, uint8_t out[LOGRING_RECORD_MAX])
{
    uint32_t length;
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    if (head == tail)
        return 0;
    copy_out(ring, tail, &length, LENGTH);
    if (head - tail > LOGRING_SIZE || length == 0 || length > LOGRING_RECORD_MAX ||
        space_of(length) > head - tail) {
        /* No writer of ours left this: nothing in the ring can be believed. */
        atomic_store_explicit(&ring->tail, head, memory_order_release);
        return 0;
    }
    copy_out(ring, tail + LENGTH, out, length);
    atomic_store_explicit(&ring->tail, tail + space_of(length), memory_order_release);
    return length;
}
