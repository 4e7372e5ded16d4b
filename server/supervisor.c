/* The supervisor; see supervisor.h. */
#include "server/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/generation.h"
#include "server/metrics_listen.h"
#include "server/sandbox.h"
#include "server/statistics.h"
#include "server/tcp_limit.h"
#include "server/ties.h"
#include "server/worker.h"
#include "zones/log.h"

/* Of generations that finish; a further one ends the oldest at once. */
enum { TICK_S = 1, FINISHING_MAX = 4 };
/* A crash of the whole machine costs so many seconds of the keys' quotas. */
enum { SAVE_EVERY_S = 5 };

struct supervisor {
    struct generation *current;
    struct generation *finishing; /* the newest first */
    struct sockets sockets;
    struct metrics_sockets metrics;
    struct statistics statistics;
    struct catalog catalog; /* scratch */
    struct gate_common common;
    int64_t saved_s; /* when the keys' quotas were, by the monotonic clock */
    bool seen;       /* the store's file was there */
    dev_t device;
    ino_t inode;
    sigset_t signals;
    struct ties *ties;
};

/* A generation of which no process runs: its counts stay. */
static void
retire(struct supervisor *supervisor, struct generation **generation)
{
    statistics_retire(&supervisor->statistics, &(*generation)->counters, (*generation)->conf);
    generation_free(generation);
}

static void
retire_finished(struct supervisor *supervisor)
{
    for (struct generation **at = &supervisor->finishing; *at != NULL;) {
        struct generation *generation = *at;
        if (!generation_finished(generation)) {
            at = &generation->older;
            continue;
        }
        *at = generation->older;
        retire(supervisor, &generation);
    }
}

/* Ends those that finish, but for the newest keep of them. */
static void
end_finishing(struct supervisor *supervisor, unsigned keep)
{
    struct generation **at = &supervisor->finishing;
    for (unsigned i = 0; i < keep && *at != NULL; i++)
        at = &(*at)->older;
    while (*at != NULL) {
        struct generation *generation = *at;
        *at = generation->older;
        generation_stop(generation);
        retire(supervisor, &generation);
    }
}

static void
reap(struct supervisor *supervisor)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        bool known =
            ties_ended(supervisor->ties, pid) || generation_ended(supervisor->current, pid, status);
        for (struct generation *g = supervisor->finishing; g != NULL && !known; g = g->older)
            known = generation_ended(g, pid, status);
    }
}

/* Workers may write the store's lock file, but make none. Whatever forbids it is said by whoever
 * then can't open the store. */
static void
make_lock(const struct conf *conf)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s-lock", conf->answers_path);
    if (n < 0 || (size_t)n >= sizeof path)
        return;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
    if (fd < 0)
        return;
    (void)!fchmod(fd, 0660); /* whatever the umask; the loader may be another user */
    (void)close(fd);
}

/* A file renamed into place has another inode: workers would go on with the old one for ever. They
 * must all let go before one opens the new file, because LMDB keeps the number of the last
 * transaction in the lock file for as long as anybody has it open. */
static void
watch_store(struct supervisor *supervisor, bool first)
{
    const char *path = supervisor->current->conf->answers_path;
    struct stat st;
    bool there = stat(path, &st) == 0;
    bool other = there && (!supervisor->seen || st.st_dev != supervisor->device ||
                              st.st_ino != supervisor->inode);
    supervisor->seen = there;
    if (there) {
        supervisor->device = st.st_dev;
        supervisor->inode = st.st_ino;
    }
    if (other || first)
        make_lock(supervisor->current->conf);
    if (!other || first)
        return;
    log_line(LOG_LEVEL_INFO, "%s: another file; opening it", path);
    end_finishing(supervisor, 0);
    generation_restart_workers(supervisor->current, &supervisor->sockets);
}

/* What the process was started for, and can't change without the privileges that it has given up.
 */
static enum err
compatible(const struct conf *old, const struct conf *conf, struct errmsg *msg)
{
    static const char *const seccomp[] = {
        [CONF_SECCOMP_KILL] = "kill", [CONF_SECCOMP_LOG] = "log", [CONF_SECCOMP_OFF] = "off"};
    const struct {
        const char *name, *before, *now;
    } settings[] = {{"user", old->user, conf->user}, {"group", old->group, conf->group},
        {"state_dir", old->state_dir, conf->state_dir},
        {"seccomp", seccomp[old->process.seccomp], seccomp[conf->process.seccomp]}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (strcmp(settings[i].before, settings[i].now) != 0)
            return errmsg_set(msg, ERR_REFUSED, "%s: %s is another one; restart repdnsd for that",
                conf->path, settings[i].name);
    return ERR_OK;
}

/* What others than the current generation have counted. */
static void
collect_others(struct supervisor *supervisor)
{
    statistics_collect(&supervisor->statistics);
    for (struct generation *g = supervisor->finishing; g != NULL; g = g->older)
        statistics_add(&supervisor->statistics, &g->counters, g->conf);
}

static void
collect(struct supervisor *supervisor)
{
    const struct generation *current = supervisor->current;
    collect_others(supervisor);
    if (current != NULL)
        statistics_add(&supervisor->statistics, &current->counters, current->conf);
}

/* For the current generation's process for metrics, who can see its own counters alone. */
static void
hand_over(struct supervisor *supervisor)
{
    collect_others(supervisor);
    tally_put_others(&supervisor->statistics.now, &supervisor->current->counters);
}

static void
write_statistics(struct supervisor *supervisor, int64_t now_s)
{
    catalog_get(supervisor->current->catalog, &supervisor->catalog);
    statistics_write(&supervisor->statistics, &supervisor->catalog, now_s);
}

static void
give_sockets(const struct supervisor *supervisor, struct generation *generation,
    const struct metrics_sockets *metrics)
{
    generation->server_start_s = supervisor->statistics.start_s;
    generation->keys = &supervisor->common.quotas;
    generation->metrics_listeners[0] = metrics->local;
    generation->metrics_listeners[1] = metrics->tcp;
}

/* Of a new file. */
static void
begin_statistics(struct supervisor *supervisor)
{
    struct statistics *statistics = &supervisor->statistics;
    int64_t now_s = worker_now_s();
    statistics_mark(statistics, now_s);
    if (!statistics->conf->statistics.prometheus)
        return;
    collect(supervisor);
    write_statistics(supervisor, now_s);
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Starts a generation beside the current one. On failure everything is as it was. */
static enum err
start_beside(struct supervisor *supervisor, struct conf **conf, struct generation **out,
    struct sockets *sockets, struct metrics_sockets *metrics, struct errmsg *msg)
{
    const char *path = supervisor->current->conf->path;
    enum err err = sockets_open(*conf, &supervisor->sockets, NULL, sockets, msg);
    if (err < 0)
        return err;
    err = metrics_open(*conf, &supervisor->metrics, metrics, msg);
    if (err == ERR_OK)
        err = generation_new(conf, &supervisor->common, out, msg);
    if (err == ERR_OK)
        give_sockets(supervisor, *out, metrics);
    if (err == ERR_OK && generation_start(*out, sockets))
        return ERR_OK;
    if (err == ERR_OK) {
        err = errmsg_set(
            msg, ERR_REFUSED, "%s: its workers did not start; see the lines above", path);
        generation_stop(*out);
        retire(supervisor, out);
    }
    metrics_close_others(metrics, &supervisor->metrics);
    sockets_close_others(sockets, &supervisor->sockets);
    return err;
}

/* From now on the new generation serves, and the one before finishes. */
static void
switch_to(struct supervisor *supervisor, struct generation *new, struct sockets *sockets,
    struct metrics_sockets *metrics)
{
    struct generation *old = supervisor->current;
    const struct statistics_conf *before = &old->conf->statistics, *now = &new->conf->statistics;
    sockets_close_others(&supervisor->sockets, sockets);
    supervisor->sockets = *sockets;
    supervisor->sockets.before = NULL;
    metrics_close_others(&supervisor->metrics, metrics);
    supervisor->metrics = *metrics;
    generation_finish(old);
    old->older = supervisor->finishing;
    supervisor->finishing = old;
    supervisor->current = new;
    hand_over(supervisor);
    if (!same_text(before->path, now->path) || before->prometheus != now->prometheus)
        begin_statistics(supervisor);
    end_finishing(supervisor, FINISHING_MAX);
}

/* Read whole, then switched; the message says why not. */
static enum err
renew(struct supervisor *supervisor, struct errmsg *msg)
{
    struct generation *new = NULL;
    struct sockets sockets;
    struct metrics_sockets metrics;
    struct conf *conf;
    enum err err = conf_load(supervisor->current->conf->path, &conf, msg);
    if (err < 0)
        return err;
    err = compatible(supervisor->current->conf, conf, msg);
    if (err == ERR_OK)
        err = start_beside(supervisor, &conf, &new, &sockets, &metrics, msg);
    conf_free(&conf);
    if (err < 0)
        return err;
    if (!statistics_adopt(&supervisor->statistics, new->conf, monotonic_s())) {
        generation_stop(new);
        retire(supervisor, &new);
        metrics_close_others(&metrics, &supervisor->metrics);
        sockets_close_others(&sockets, &supervisor->sockets);
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    }
    switch_to(supervisor, new, &sockets, &metrics);
    return ERR_OK;
}

static void
tell_reloaded(const struct supervisor *supervisor)
{
    const struct conf *conf = supervisor->current->conf;
    if (conf->udp_workers > supervisor->sockets.sets)
        log_line(LOG_LEVEL_WARNING,
            "udp_workers: more than at the start, some share sockets; restart repdnsd for %u of "
            "their own",
            conf->udp_workers);
    log_line(LOG_LEVEL_INFO, "%s: read again", conf->path);
}

static void
reload(struct supervisor *supervisor)
{
    struct errmsg msg;
    ties_notify(supervisor->ties, "RELOADING=1");
    ties_reload(supervisor->ties);
    watch_store(supervisor, false);
    generation_reopen(supervisor->current);
    for (struct generation *g = supervisor->finishing; g != NULL; g = g->older)
        generation_reopen(g);
    if (renew(supervisor, &msg) < 0)
        log_line(LOG_LEVEL_ERROR, "%s (going on as before)", msg.text);
    else
        tell_reloaded(supervisor);
    ties_notify(supervisor->ties, "READY=1");
}

/* Logs and writes the statistics. */
static void
tell(struct supervisor *supervisor, bool reset)
{
    struct statistics *statistics = &supervisor->statistics;
    int64_t now_s = worker_now_s();
    collect(supervisor);
    statistics_log(statistics, now_s);
    write_statistics(supervisor, now_s);
    if (reset) {
        statistics_reset(statistics, now_s);
        statistics_mark(statistics, now_s);
    }
}

static void
save_quotas(struct supervisor *supervisor)
{
    const struct keys_conf *keys = &supervisor->current->conf->keys;
    supervisor->saved_s = monotonic_s();
    if (keys->path != NULL)
        quota_table_save(&supervisor->common.quotas, keys->state_path, worker_now_s());
}

static void
loop(struct supervisor *supervisor)
{
    for (;;) {
        const struct timespec tick = ties_tick(supervisor->ties, TICK_S);
        int signal = sigtimedwait(&supervisor->signals, NULL, &tick);
        if (signal == SIGTERM || signal == SIGINT)
            return;
        if (signal == SIGHUP)
            reload(supervisor);
        if (signal == SIGUSR1 || signal == SIGUSR2)
            tell(supervisor, signal == SIGUSR2);
        reap(supervisor);
        retire_finished(supervisor);
        generation_start_due(supervisor->current, &supervisor->sockets);
        watch_store(supervisor, false);
        if (generation_lives(supervisor->current))
            ties_alive(supervisor->ties);
        if (monotonic_s() - supervisor->saved_s >= SAVE_EVERY_S)
            save_quotas(supervisor);
        if (statistics_due(&supervisor->statistics, monotonic_s())) {
            collect(supervisor);
            write_statistics(supervisor, worker_now_s());
        }
        hand_over(supervisor);
    }
}

static void
block_signals(struct supervisor *supervisor)
{
    const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, WORKER_DRAIN};
    (void)sigemptyset(&supervisor->signals);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        (void)sigaddset(&supervisor->signals, signals[i]);
    (void)sigprocmask(SIG_BLOCK, &supervisor->signals, NULL);
    /* A log or a statistics file may be a pipe whose reader has gone. */
    (void)signal(SIGPIPE, SIG_IGN);
}

static void
stop(struct supervisor *supervisor)
{
    const struct generation *current = supervisor->current;
    log_line(LOG_LEVEL_INFO, "terminating");
    ties_notify(supervisor->ties, "STOPPING=1");
    generation_signal_workers(current, SIGTERM);
    ties_end(supervisor->ties);
    end_finishing(supervisor, 0);
    generation_stop(supervisor->current);
    save_quotas(supervisor);
    tell(supervisor, false);
    statistics_mark(&supervisor->statistics, worker_now_s());
    statistics_free(&supervisor->statistics);
    metrics_close_others(&supervisor->metrics, NULL);
    sockets_close_others(&supervisor->sockets, NULL);
    generation_free(&supervisor->current);
    gate_common_free(&supervisor->common);
}

static void
tell_start(const struct supervisor *supervisor)
{
    const struct conf *conf = supervisor->current->conf;
    log_line(LOG_LEVEL_INFO,
        "repdnsd version " REPDNS_VERSION " started (%u socket(s), %u zone(s))", conf->listen_count,
        conf_enabled_zones(conf));
}

static enum err
give_up(struct supervisor *supervisor, enum err err)
{
    statistics_free(&supervisor->statistics);
    metrics_close_others(&supervisor->metrics, NULL);
    sockets_close_others(&supervisor->sockets, NULL);
    generation_free(&supervisor->current);
    gate_common_free(&supervisor->common);
    return err;
}

enum err
supervisor_run(struct conf **conf, struct ties *ties, struct errmsg *msg)
{
    struct supervisor supervisor = {.ties = ties, .metrics = METRICS_SOCKETS_NONE};
    struct activation passed;
    enum err err = activation_open(&passed, msg);
    if (err == ERR_OK)
        err = sockets_open(*conf, NULL, &passed, &supervisor.sockets, msg);
    activation_close(&passed);
    if (err < 0)
        return err;
    (void)tcp_limit_raise((*conf)->tcp.connections); /* the worker says if it was not enough */
    err = metrics_open(*conf, NULL, &supervisor.metrics, msg);
    if (err == ERR_OK)
        err = sandbox_drop(*conf, msg);
    if (err == ERR_OK &&
        statistics_init(&supervisor.statistics, *conf, worker_now_s(), monotonic_s()) < 0)
        err = errmsg_set(msg, ERR_NOMEM, "out of memory");
    if (err == ERR_OK)
        err = gate_common_init(&supervisor.common, *conf, worker_now_s(), msg);
    supervisor.statistics.keys = &supervisor.common.quotas;
    if (err == ERR_OK)
        err = generation_new(conf, &supervisor.common, &supervisor.current, msg);
    if (err < 0)
        return give_up(&supervisor, err);
    give_sockets(&supervisor, supervisor.current, &supervisor.metrics);
    hand_over(&supervisor);
    block_signals(&supervisor);
    err = sandbox_enter(SANDBOX_SUPERVISOR, supervisor.current->conf, NULL, msg);
    if (err < 0)
        return give_up(&supervisor, err);
    sandbox_tell(supervisor.current->conf);
    watch_store(&supervisor, true);
    begin_statistics(&supervisor);
    log_detach();
    /* What does not start now is started later. */
    (void)generation_start(supervisor.current, &supervisor.sockets);
    tell_start(&supervisor);
    ties_ready(ties);
    ties_notify(ties, "READY=1");
    loop(&supervisor);
    stop(&supervisor);
    return ERR_OK;
}
