/*
 * Workers: processes that answer, one LMDB environment each. They end by SIGTERM at once, by
 * WORKER_DRAIN when others have taken their place, and never return before.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <signal.h>

#include "server/catalog.h"
#include "server/counters.h"
#include "server/dnstap.h"
#include "server/querylog.h"
#include "server/snapshot.h"

/* Take what has arrived, finish what was begun, and end. Nobody sends it by name to all processes
 * of the program, as one may SIGHUP or SIGUSR1. */
#define WORKER_DRAIN SIGRTMIN

struct worker {
    const struct conf *conf;
    struct view_table *views;
    struct snapshot *snapshot;
    struct counters *counters;     /* its slot */
    struct catalog_board *catalog; /* NULL: another one writes it */
    uint64_t told_generation;      /* as last written there */
    struct querylog log;
    struct dnstap tap;
    struct gate *gate;  /* borrowed */
    const int *sockets; /* UDP sockets, or listening TCP ones */
    unsigned socket_count;
    int signals;    /* signalfd of SIGTERM and WORKER_DRAIN */
    bool was_ready; /* as last told to the operator */
};

enum worker_order { WORKER_GO_ON, WORKER_FINISH, WORKER_END };

/* Loop until told to end; return the exit status. */
int udp_serve(struct worker *worker);
int tcp_serve(struct worker *worker);

/* worker.c: in the child, after fork. conf is borrowed. */
enum err worker_start(struct worker *worker, struct errmsg *msg) MUST_CHECK;
void worker_stop(struct worker *worker);
/* Reads the signalfd. */
enum worker_order worker_signalled(const struct worker *worker);
/* Says so in the log when the store became usable or stopped being so, and writes the catalog when
 * there is news. Outside the answer path. */
void worker_tell(struct worker *worker);
/* Counts a packet and notes it for the query log: n bytes of its answer, 0 if it has none. */
void worker_note(struct worker *worker, const struct request *request,
    const struct answer_note *note, const uint8_t *reply, size_t n, int64_t now_s);
/* Seconds since 1970 by the coarse clock. */
int64_t worker_now_s(void);
/* Milliseconds of a clock that never goes back, as coarse as the kernel's tick. */
int64_t worker_now_ms(void);

#endif
