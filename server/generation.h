/*
 * A generation: the processes of one configuration, and the memory that they share with the
 * supervisor. A new configuration makes a new generation; the one before serves until that is
 * ready, and then finishes what it has begun.
 */
#ifndef SERVER_GENERATION_H
#define SERVER_GENERATION_H

#include <sys/types.h>
#include <time.h>

#include "server/catalog.h"
#include "server/counters.h"
#include "server/gate.h"
#include "server/listen.h"
#include "server/logring.h"
#include "server/sandbox.h"

struct child {
    enum sandbox_role role;
    pid_t pid;        /* 0: not running */
    time_t started_s; /* by the monotonic clock */
    time_t due_s;     /* not to be started before */
    unsigned delay_s; /* of the next start after a failure */
};

struct generation {
    struct generation *older; /* the list of those that finish */
    struct conf *conf;
    struct counter_slots counters; /* by child */
    struct catalog_board *catalog; /* written by the first worker */
    struct gate *gate;
    struct logring *rings;          /* by worker; NULL: no query log */
    struct logring *taps;           /* by worker; NULL: no dnstap */
    const struct quota_table *keys; /* of what the process for metrics tells; borrowed */
    int metrics_listeners[2];       /* borrowed; -1: none */
    int64_t server_start_s;         /* since 1970 */
    unsigned workers;               /* the last is the one for TCP */
    unsigned count;          /* children: the workers, then what else the configuration wants */
    struct child *children;  /* those for UDP first, then the one for TCP */
    _Atomic int *trespasses; /* by child, shared with it; see sandbox_enter */
    time_t finishing_s;      /* since when, by the monotonic clock; 0: it serves */
};

/* Takes *conf over on success; common is borrowed. Nothing runs yet; server_start_s and
 * metrics_listeners are to be set before something does. */
enum err generation_new(struct conf **conf, struct gate_common *common, struct generation **out,
    struct errmsg *msg) MUST_CHECK;
/* Its processes have ended. */
void generation_free(struct generation **generation);

/* Starts all of it and waits until it serves; false if some process could not, or not in time. */
bool generation_start(struct generation *generation, const struct sockets *sockets);
/* Starts again what has ended, when it is time for that. */
void generation_start_due(struct generation *generation, const struct sockets *sockets);
/* Ends all workers before the first new one starts. What arrives meanwhile waits in the sockets. */
void generation_restart_workers(struct generation *generation, const struct sockets *sockets);
/* One of its processes ended; false if it was none of them. */
bool generation_ended(struct generation *generation, pid_t pid, int status);

/* Another generation serves. */
void generation_finish(struct generation *generation);
/* Of one that finishes: now and then, and when a process of it has ended. True when all have. */
bool generation_finished(struct generation *generation);

/* Whether all its workers run. */
bool generation_lives(const struct generation *generation);

void generation_signal_workers(const struct generation *generation, int signal);
/* The logger opens its file again. */
void generation_reopen(const struct generation *generation);
/* Ends the workers, then the logger; waits for it. */
void generation_stop(struct generation *generation);

time_t monotonic_s(void);

#endif
