/* The catalog in shared memory; see catalog.h. */
#include "server/catalog.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

/* A reader who finds it being written so often takes what there is: its writer has died there. */
enum { TRIES = 1000 };

/* The number is odd while it is written. */
struct catalog_board {
    _Atomic uint32_t number;
    struct catalog catalog;
};

struct catalog_board *
catalog_map(void)
{
    void *p = mmap(NULL, sizeof(struct catalog_board), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void
catalog_unmap(struct catalog_board **board)
{
    if (*board != NULL)
        (void)munmap(*board, sizeof **board);
    *board = NULL;
}

void
catalog_protect(struct catalog_board *board)
{
    (void)mprotect(board, sizeof *board, PROT_READ);
}

void
catalog_put(struct catalog_board *board, const struct snapshot *snapshot)
{
    struct catalog *catalog = &board->catalog;
    /* One that died while it wrote has left an odd number. */
    uint32_t odd = atomic_load_explicit(&board->number, memory_order_relaxed) | 1;
    atomic_store_explicit(&board->number, odd, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    catalog->usable = snapshot_ready(snapshot);
    if (catalog->usable) {
        const struct dataset *datasets = snapshot_datasets(snapshot, &catalog->count);
        memcpy(catalog->datasets, datasets, catalog->count * sizeof *datasets);
        catalog->serial = snapshot_serial(snapshot);
        catalog->checked_s = snapshot_beat_s(snapshot);
    }
    atomic_store_explicit(&board->number, odd + 1, memory_order_release);
}

void
catalog_get(const struct catalog_board *board, struct catalog *out)
{
    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t before = atomic_load_explicit(&board->number, memory_order_acquire);
        memcpy(out, &board->catalog, sizeof *out);
        atomic_thread_fence(memory_order_acquire);
        uint32_t after = atomic_load_explicit(&board->number, memory_order_relaxed);
        if (before == after && (before & 1) == 0)
            break;
    }
    if (out->count > STORE_DATASETS_MAX)
        out->count = 0;
    for (unsigned i = 0; i < out->count; i++)
        out->datasets[i].name[DATASET_NAME_SIZE - 1] = '\0';
}
