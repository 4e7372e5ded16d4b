/*
 * Workers: processes that answer, one LMDB environment each. They end by SIGTERM and
 * never return before.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "server/counters.h"
#include "server/snapshot.h"

struct worker {
    const struct conf *conf;
    struct view_table *views;
    struct snapshot *snapshot;
    struct counters *counters; /* its slot */
    const int *sockets;        /* UDP sockets, or listening TCP ones; conf->listen_count of them */
    unsigned socket_count;
    int signals;    /* signalfd of SIGTERM */
    bool was_ready; /* as last told to the operator */
};

/* Loops until SIGTERM; return the exit status. */
int udp_serve(struct worker *worker);
int tcp_serve(struct worker *worker);

/* worker.c: in the child, after fork. conf is borrowed. */
enum err worker_start(struct worker *worker, struct errmsg *msg) MUST_CHECK;
void worker_stop(struct worker *worker);
/* Reads the signalfd; true when it is time to end. */
bool worker_signalled(const struct worker *worker);
/* Says so in the log when the store became usable or stopped being so. Outside the answer path. */
void worker_tell(struct worker *worker);
/* Seconds since 1970 by the coarse clock. */
int64_t worker_now_s(void);

#endif
