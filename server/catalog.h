/*
 * What is served: the datasets of the store, as a worker last saw them. One worker writes it into
 * memory that processes share; the supervisor and the process that answers Prometheus read it, and
 * need not open the store.
 */
#ifndef SERVER_CATALOG_H
#define SERVER_CATALOG_H

#include <stdbool.h>

#include "server/snapshot.h"

struct catalog {
    bool usable;       /* there is a store to answer from; else the rest is of the last one */
    uint32_t serial;   /* of the last publish */
    int64_t checked_s; /* the heartbeat; 0: none yet */
    unsigned count;
    struct dataset datasets[STORE_DATASETS_MAX];
};

struct catalog_board;

/* In memory that children share; NULL if there is none. */
struct catalog_board *catalog_map(void);
void catalog_unmap(struct catalog_board **board);
/* From now on this process can only read it. */
void catalog_protect(struct catalog_board *board);

/* The one writer's. Not on the answer path. */
void catalog_put(struct catalog_board *board, const struct snapshot *snapshot);
/* A whole state; nothing was ever put: an unusable store without datasets. */
void catalog_get(const struct catalog_board *board, struct catalog *out);

#endif
