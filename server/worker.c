/* What UDP and TCP workers share; see worker.h. */
#include "server/worker.h"

#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "server/probes.h"
#include "zones/log.h"

int64_t
worker_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec;
}

int64_t
worker_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
worker_tell(struct worker *worker)
{
    bool ready = snapshot_ready(worker->snapshot);
    uint64_t generation = snapshot_generation(worker->snapshot);
    if (worker->catalog != NULL &&
        (ready != worker->was_ready || generation != worker->told_generation))
        catalog_put(worker->catalog, worker->snapshot);
    worker->told_generation = generation;
    if (ready == worker->was_ready)
        return;
    worker->was_ready = ready;
    if (ready)
        log_line(LOG_LEVEL_INFO, "serving %s", worker->conf->answers_path);
    else
        log_line(LOG_LEVEL_ERROR, "no usable store, answering SERVFAIL: %s",
            snapshot_trouble(worker->snapshot));
}

enum err
worker_start(struct worker *worker, struct errmsg *msg)
{
    sigset_t set;
    /* LMDB reads through a map: a page that the disk can't deliver, or a file cut short under us,
     * arrives as SIGBUS and ends this worker. The supervisor says so and starts another. */
    (void)signal(SIGBUS, SIG_DFL);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, WORKER_DRAIN);
    worker->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (worker->signals < 0)
        return errmsg_set(msg, ERR_IO, "signalfd failed");
    enum err err = view_table_new(worker->conf, &worker->views);
    if (err < 0)
        return errmsg_set(msg, err, "out of memory");
    err = snapshot_open(worker->views, worker->conf->answers_path, &worker->snapshot, msg);
    if (err < 0)
        return err;
    worker->was_ready = !snapshot_ready(worker->snapshot);
    worker_tell(worker);
    snapshot_release(worker->snapshot);
    return ERR_OK;
}

void
worker_stop(struct worker *worker)
{
    snapshot_close(&worker->snapshot);
    view_table_free(&worker->views);
    if (worker->signals >= 0)
        (void)close(worker->signals);
}

enum worker_order
worker_signalled(const struct worker *worker)
{
    struct signalfd_siginfo info;
    enum worker_order order = WORKER_GO_ON;
    while (read(worker->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == (uint32_t)SIGTERM)
            order = WORKER_END;
        else if (order == WORKER_GO_ON)
            order = WORKER_FINISH;
    }
    return order;
}

void
worker_note(struct worker *worker, const struct request *request, const struct answer_note *note,
    const uint8_t *reply, size_t n, int64_t now_s)
{
    const struct conf *conf = worker->conf;
    unsigned zone = note->zone == NULL ? conf->zone_count : (unsigned)(note->zone - conf->zones);
    counters_note(worker->counters, note, zone, request, n);
    if (n == 0)
        PROBE_DROPPED(note->drop, request->len);
    else
        PROBE_ANSWERED(note->rcode, n, note->listed);
    if (n == 0)
        return;
    if (worker->tap.ring != NULL && !dnstap_take(&worker->tap, request, note, reply, n))
        worker->counters->of[COUNTER_DNSTAP_DROPPED]++;
    if (worker->log.ring == NULL)
        return;
    if (!querylog_take(&worker->log, request, note, reply, n, now_s))
        worker->counters->of[COUNTER_LOG_DROPPED]++;
}
