/* The processes of a configuration; see generation.h. */
#include "server/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/logger.h"
#include "server/metrics.h"
#include "server/pin.h"
#include "server/sandbox.h"
#include "server/worker.h"
#include "zones/log.h"

enum {
    DELAY_MOST_S = 30,
    CALM_S = 2,
    READY_MS = 5000,  /* a new generation that takes longer has failed */
    STOP_STEPS = 400, /* then SIGKILL */
    GONE_STEPS = 600, /* then nobody can help */
    STEP_NS = 5000000,
    FINISH_MOST_S = 30, /* then connections that still ask are closed */
    KILL_AFTER_S = 5
};

time_t
monotonic_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static _Atomic int *
map_trespasses(unsigned count)
{
    void *memory = mmap(NULL, count * sizeof(_Atomic int), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static enum err
make_children(struct generation *generation, const struct conf *conf)
{
    const struct {
        enum sandbox_role role;
        unsigned count;
    } wanted[] = {{SANDBOX_UDP, conf->udp_workers}, {SANDBOX_TCP, 1},
        {SANDBOX_LOGGER, conf->query_log.path != NULL}, {SANDBOX_DNSTAP, conf->dnstap.path != NULL},
        {SANDBOX_METRICS, conf->metrics.path != NULL || conf->metrics.has_listen}};
    const unsigned rows = sizeof wanted / sizeof *wanted;
    for (unsigned i = 0; i < rows; i++)
        generation->count += wanted[i].count;
    generation->workers = conf->udp_workers + 1U;
    generation->children = calloc(generation->count, sizeof *generation->children);
    if (generation->children == NULL)
        return ERR_NOMEM;
    struct child *child = generation->children;
    for (unsigned i = 0; i < rows; i++)
        for (unsigned k = 0; k < wanted[i].count; k++)
            child++->role = wanted[i].role;
    return ERR_OK;
}

enum err
generation_new(
    struct conf **conf, struct gate_common *common, struct generation **out, struct errmsg *msg)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    struct generation *generation = *out;
    bool logs = (*conf)->query_log.path != NULL, taps = (*conf)->dnstap.path != NULL;
    enum err err = make_children(generation, *conf);
    if (err == ERR_OK)
        err = counters_map(generation->count, (*conf)->zone_count, &generation->counters, msg);
    generation->catalog = catalog_map();
    if (err == ERR_OK && logs)
        generation->rings = logrings_map(generation->workers);
    if (err == ERR_OK && taps)
        generation->taps = logrings_map(generation->workers);
    generation->trespasses = map_trespasses(generation->count);
    if (err == ERR_NOMEM || generation->trespasses == NULL || generation->catalog == NULL ||
        (logs && generation->rings == NULL) || (taps && generation->taps == NULL))
        err = errmsg_set(msg, ERR_NOMEM, "out of memory");
    if (err == ERR_OK)
        err = gate_new(*conf, common, &generation->gate, msg);
    if (err < 0) {
        generation_free(out);
        return err;
    }
    generation->conf = *conf;
    *conf = NULL;
    return ERR_OK;
}

void
generation_free(struct generation **generation)
{
    if (*generation == NULL)
        return;
    counters_unmap(&(*generation)->counters);
    catalog_unmap(&(*generation)->catalog);
    logrings_unmap(&(*generation)->rings, (*generation)->workers);
    logrings_unmap(&(*generation)->taps, (*generation)->workers);
    if ((*generation)->trespasses != NULL)
        (void)munmap((*generation)->trespasses, (*generation)->count * sizeof(_Atomic int));
    gate_free(&(*generation)->gate);
    conf_free(&(*generation)->conf);
    free((*generation)->children);
    free(*generation);
    *generation = NULL;
}

/* In the child: false, and told, if it could not be bound to its role. */
static bool
enter_role(const struct generation *generation, unsigned number)
{
    struct errmsg msg;
    enum sandbox_role role = generation->children[number].role;
    if (sandbox_enter(role, generation->conf, &generation->trespasses[number], &msg) == ERR_OK)
        return true;
    log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    return false;
}

static void
say_ready(int ready)
{
    if (ready < 0)
        return;
    (void)!write(ready, "r", 1);
    (void)close(ready);
}

/* In the child. Of one that is no worker. */
static int
run_helper(
    const struct generation *generation, const struct sockets *sockets, unsigned number, int ready)
{
    const struct metrics metrics = {.conf = generation->conf,
        .counters = &generation->counters,
        .catalog = generation->catalog,
        .keys = generation->keys,
        .listeners = {generation->metrics_listeners[0], generation->metrics_listeners[1]},
        .start_s = generation->server_start_s};
    struct counters *own = counters_slot(&generation->counters, number);
    enum sandbox_role role = generation->children[number].role;
    sockets_keep_own(sockets, NULL, 0);
    if (!enter_role(generation, number))
        return 1;
    say_ready(ready);
    if (role == SANDBOX_METRICS)
        return metrics_run(&metrics);
    if (role == SANDBOX_DNSTAP)
        return dnstap_run(&generation->conf->dnstap, generation->taps, generation->workers, own);
    return logger_run(&generation->conf->query_log, generation->rings, generation->workers, own);
}

/* In the child. */
static int
run_worker(
    const struct generation *generation, const struct sockets *sockets, unsigned number, int ready)
{
    const struct conf *conf = generation->conf;
    bool tcp = generation->children[number].role == SANDBOX_TCP;
    int *own = calloc((size_t)sockets->endpoints * sockets->sets, sizeof *own);
    if (own == NULL)
        return 1;
    unsigned count = sockets->endpoints;
    if (tcp)
        memcpy(own, sockets->tcp, count * sizeof *own);
    else
        count = sockets_of_worker(sockets, number, conf->udp_workers, own);
    sockets_keep_own(sockets, own, count);
    if (!tcp)
        pin_to_core(&conf->process, number);
    if (!enter_role(generation, number)) {
        free(own);
        return 1;
    }
    struct worker worker = {.conf = conf,
        .counters = counters_slot(&generation->counters, number),
        .catalog = number == 0 ? generation->catalog : NULL,
        .gate = generation->gate,
        .sockets = own,
        .socket_count = count};
    if (generation->rings != NULL)
        worker.log = (struct querylog){.ring = &generation->rings[number],
            .full = conf->query_log.full,
            .keys = conf->query_log.keys,
            .sample = conf->query_log.sample};
    if (generation->taps != NULL)
        worker.tap = (struct dnstap){.ring = &generation->taps[number],
            .full = conf->dnstap.full,
            .sample = conf->dnstap.sample};
    struct errmsg msg;
    int status = 1;
    if (worker_start(&worker, &msg) < 0) {
        log_line(LOG_LEVEL_ERROR, "worker: %s", msg.text);
    } else {
        say_ready(ready);
        status = tcp ? tcp_serve(&worker) : udp_serve(&worker);
    }
    worker_stop(&worker);
    free(own);
    return status;
}

/* In the child. */
static int
run_child(
    const struct generation *generation, const struct sockets *sockets, unsigned number, int ready)
{
    for (unsigned i = 0; i < 2; i++)
        if (generation->children[number].role != SANDBOX_METRICS &&
            generation->metrics_listeners[i] >= 0)
            (void)close(generation->metrics_listeners[i]);
    return number < generation->workers ? run_worker(generation, sockets, number, ready)
                                        : run_helper(generation, sockets, number, ready);
}

/* ready: a pipe's end to say that it serves, -1: nobody waits. */
static void
start_child(
    struct generation *generation, const struct sockets *sockets, unsigned number, int ready)
{
    struct child *child = &generation->children[number];
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(0);
        _exit(run_child(generation, sockets, number, ready));
    }
    child->started_s = monotonic_s();
    if (pid < 0) {
        log_line(LOG_LEVEL_ERROR, "fork: %s; trying again", strerror(errno));
        child->due_s = child->started_s + DELAY_MOST_S;
        return;
    }
    child->pid = pid;
}

/* Reads a byte of each process that serves, until all have said so or closed the pipe's other end
 * in another way. */
static unsigned
count_ready(int pipe, unsigned wanted)
{
    char bytes[64];
    unsigned count = 0;
    for (struct pollfd in = {.fd = pipe, .events = POLLIN}; count < wanted;) {
        if (poll(&in, 1, READY_MS) <= 0)
            break;
        ssize_t n = read(pipe, bytes, sizeof bytes);
        if (n <= 0)
            break;
        count += (unsigned)n;
    }
    return count;
}

bool
generation_start(struct generation *generation, const struct sockets *sockets)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        log_line(LOG_LEVEL_ERROR, "pipe: %s", strerror(errno));
        return false;
    }
    for (unsigned i = 0; i < generation->count; i++)
        start_child(generation, sockets, i, ends[1]);
    (void)close(ends[1]);
    unsigned ready = count_ready(ends[0], generation->count);
    (void)close(ends[0]);
    return ready == generation->count;
}

void
generation_start_due(struct generation *generation, const struct sockets *sockets)
{
    for (unsigned i = 0; i < generation->count; i++)
        if (generation->children[i].pid == 0 && monotonic_s() >= generation->children[i].due_s)
            start_child(generation, sockets, i, -1);
}

static void
tell_end(const struct generation *generation, unsigned number, int status)
{
    struct child *child = &generation->children[number];
    const char *what = sandbox_role_name(child->role);
    char call[SANDBOX_CALL_SIZE], why[256] = "";
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    int trespass = atomic_exchange(&generation->trespasses[number], 0);
    sandbox_call_name(trespass, call);
    if (signal == SIGSYS)
        (void)snprintf(why, sizeof why,
            ": its seccomp profile does not have system call %s; please report it, and set seccomp "
            "= log until it is mended",
            call);
    if (signal == SIGBUS)
        (void)snprintf(why, sizeof why,
            ": it could not read the store's file, which was cut short or its disk fails; check "
            "the disk, restore the store");
    if (signal != 0)
        log_line(LOG_LEVEL_ERROR, "a %s ended by signal %d (%s)%s; starting another in %us", what,
            signal, strsignal(signal), why, child->delay_s);
    else
        log_line(LOG_LEVEL_ERROR, "a %s ended with status %d; starting another in %us", what,
            WEXITSTATUS(status), child->delay_s);
}

/* A process that ran for a while may start again at once; one that dies early waits longer each
 * time. */
static void
start_later(struct generation *generation, unsigned number, int status)
{
    struct child *child = &generation->children[number];
    time_t now = monotonic_s();
    if (now - child->started_s >= CALM_S)
        child->delay_s = 0;
    child->due_s = now + child->delay_s;
    tell_end(generation, number, status);
    unsigned next = child->delay_s == 0 ? 1 : child->delay_s * 2;
    child->delay_s = next < DELAY_MOST_S ? next : DELAY_MOST_S;
}

bool
generation_ended(struct generation *generation, pid_t pid, int status)
{
    unsigned i = 0;
    while (i < generation->count && generation->children[i].pid != pid)
        i++;
    if (i == generation->count)
        return false;
    generation->children[i].pid = 0;
    if (generation->finishing_s == 0)
        start_later(generation, i, status);
    return true;
}

bool
generation_lives(const struct generation *generation)
{
    unsigned i = 0;
    while (i < generation->workers && generation->children[i].pid > 0)
        i++;
    return i == generation->workers;
}

void
generation_signal_workers(const struct generation *generation, int signal)
{
    for (unsigned i = 0; i < generation->workers; i++)
        if (generation->children[i].pid > 0)
            (void)kill(generation->children[i].pid, signal);
}

static void
signal_role(const struct generation *generation, enum sandbox_role role, int signal)
{
    for (unsigned i = generation->workers; i < generation->count; i++)
        if (generation->children[i].role == role && generation->children[i].pid > 0)
            (void)kill(generation->children[i].pid, signal);
}

/* Of all that are no workers. */
static void
signal_helpers(const struct generation *generation, int signal)
{
    for (unsigned i = generation->workers; i < generation->count; i++)
        signal_role(generation, generation->children[i].role, signal);
}

void
generation_reopen(const struct generation *generation)
{
    signal_role(generation, SANDBOX_LOGGER, SIGHUP);
}

/* Of the children from first on, before end. */
static bool
any_runs(const struct generation *generation, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        if (generation->children[i].pid > 0)
            return true;
    return false;
}

/* Waits for those children, who have been told to end; ends them if they do not. */
static void
wait_children(struct generation *generation, unsigned first, unsigned end)
{
    const struct timespec pause = {.tv_nsec = STEP_NS};
    for (unsigned step = 0; step < GONE_STEPS && any_runs(generation, first, end); step++) {
        for (unsigned i = first; i < end; i++) {
            struct child *child = &generation->children[i];
            int status;
            if (child->pid > 0 && step == STOP_STEPS)
                (void)kill(child->pid, SIGKILL);
            if (child->pid > 0 && waitpid(child->pid, &status, WNOHANG) != 0)
                child->pid = 0;
        }
        if (any_runs(generation, first, end))
            (void)nanosleep(&pause, NULL);
    }
}

void
generation_restart_workers(struct generation *generation, const struct sockets *sockets)
{
    generation_signal_workers(generation, SIGTERM);
    wait_children(generation, 0, generation->workers);
    for (unsigned i = 0; i < generation->workers; i++)
        generation->children[i] = (struct child){.role = generation->children[i].role};
    generation_start_due(generation, sockets);
}

void
generation_finish(struct generation *generation)
{
    generation->finishing_s = monotonic_s();
    generation_signal_workers(generation, WORKER_DRAIN);
    signal_role(generation, SANDBOX_METRICS, SIGTERM);
}

bool
generation_finished(struct generation *generation)
{
    time_t since_s = monotonic_s() - generation->finishing_s;
    if (any_runs(generation, 0, generation->workers)) {
        if (since_s >= FINISH_MOST_S)
            generation_signal_workers(
                generation, since_s < FINISH_MOST_S + KILL_AFTER_S ? SIGTERM : SIGKILL);
        return false;
    }
    /* It ends when it has written what is left. */
    signal_helpers(generation, since_s < FINISH_MOST_S + 2 * KILL_AFTER_S ? SIGTERM : SIGKILL);
    return !any_runs(generation, generation->workers, generation->count);
}

void
generation_stop(struct generation *generation)
{
    generation->finishing_s = monotonic_s();
    generation_signal_workers(generation, SIGTERM);
    wait_children(generation, 0, generation->workers);
    signal_helpers(generation, SIGTERM);
    wait_children(generation, generation->workers, generation->count);
}
