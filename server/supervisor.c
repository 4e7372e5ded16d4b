/* The supervisor; see supervisor.h. */
#include "server/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/listen.h"
#include "server/sandbox.h"
#include "server/worker.h"
#include "zones/log.h"

enum {
    TICK_S = 1,
    DELAY_MOST_S = 30,
    CALM_S = 60,
    STOP_STEPS = 400,
    STEP_NS = 5000000,
    WORKERS_MAX = 65
};

struct child {
    pid_t pid;        /* 0: not running */
    time_t started_s; /* by the monotonic clock */
    time_t due_s;     /* not to be started before */
    unsigned delay_s; /* of the next start after a failure */
};

struct supervisor {
    struct conf *conf;
    struct sockets sockets;
    struct counters *counters;
    unsigned count; /* workers; the last is the one for TCP */
    struct child children[WORKERS_MAX];
    bool seen; /* the store's file was there */
    dev_t device;
    ino_t inode;
    sigset_t signals, before;
};

static time_t
monotonic_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* sd_notify(3): one datagram to the socket that systemd names. */
static void
notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (path == NULL || strlen(path) >= sizeof to.sun_path || path[0] == '\0')
        return;
    strcpy(to.sun_path, path);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, n);
    (void)close(fd);
}

/* In the child; does not return. */
static void
run_worker(struct supervisor *supervisor, unsigned number, pid_t parent)
{
    bool tcp = number + 1 == supervisor->count;
    struct worker worker = {.conf = supervisor->conf,
        .counters = &supervisor->counters[number],
        .sockets = tcp ? supervisor->sockets.tcp
                       : supervisor->sockets.udp + number * supervisor->sockets.endpoints,
        .socket_count = supervisor->sockets.endpoints};
    struct errmsg msg;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(0);
    int status = 1;
    if (worker_start(&worker, &msg) < 0)
        log_line(LOG_LEVEL_ERROR, "worker: %s", msg.text);
    else
        status = tcp ? tcp_serve(&worker) : udp_serve(&worker);
    worker_stop(&worker);
    _exit(status);
}

static void
start_child(struct supervisor *supervisor, unsigned number)
{
    struct child *child = &supervisor->children[number];
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        run_worker(supervisor, number, parent);
    child->started_s = monotonic_s();
    if (pid < 0) {
        log_line(LOG_LEVEL_ERROR, "fork: %s; trying again", strerror(errno));
        child->due_s = child->started_s + DELAY_MOST_S;
        return;
    }
    child->pid = pid;
}

static void
start_due(struct supervisor *supervisor)
{
    for (unsigned i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].pid == 0 && monotonic_s() >= supervisor->children[i].due_s)
            start_child(supervisor, i);
}

/* A worker that ran for a while may start again at once; one that dies early waits longer each
 * time.
 */
static void
child_ended(struct child *child, int status)
{
    time_t now = monotonic_s();
    child->pid = 0;
    if (now - child->started_s >= CALM_S)
        child->delay_s = 0;
    child->due_s = now + child->delay_s;
    if (WIFSIGNALED(status))
        log_line(LOG_LEVEL_ERROR, "a worker ended by signal %d (%s); starting another in %us",
            WTERMSIG(status), strsignal(WTERMSIG(status)), child->delay_s);
    else
        log_line(LOG_LEVEL_ERROR, "a worker ended with status %d; starting another in %us",
            WEXITSTATUS(status), child->delay_s);
    unsigned next = child->delay_s == 0 ? 1 : child->delay_s * 2;
    child->delay_s = next < DELAY_MOST_S ? next : DELAY_MOST_S;
}

static void
reap(struct supervisor *supervisor)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (unsigned i = 0; i < supervisor->count; i++)
            if (supervisor->children[i].pid == pid)
                child_ended(&supervisor->children[i], status);
}

static void
signal_children(const struct supervisor *supervisor, int signal)
{
    for (unsigned i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].pid > 0)
            (void)kill(supervisor->children[i].pid, signal);
}

static void
wait_children(struct supervisor *supervisor)
{
    for (unsigned step = 0; step < STOP_STEPS; step++) {
        const struct timespec pause = {.tv_nsec = STEP_NS};
        int status;
        bool any = false;
        for (unsigned i = 0; i < supervisor->count; i++) {
            struct child *child = &supervisor->children[i];
            if (child->pid > 0 && waitpid(child->pid, &status, WNOHANG) != 0)
                child->pid = 0;
            any = any || child->pid > 0;
        }
        if (!any)
            return;
        (void)nanosleep(&pause, NULL);
    }
    signal_children(supervisor, SIGKILL);
}

/* Ends all workers before the first new one starts. Sockets are kept: what arrives meanwhile waits
 * in them. */
static void
restart_workers(struct supervisor *supervisor)
{
    signal_children(supervisor, SIGTERM);
    wait_children(supervisor);
    for (unsigned i = 0; i < supervisor->count; i++)
        supervisor->children[i] = (struct child){0};
    start_due(supervisor);
}

/* A file renamed into place has another inode: workers would go on with the old one for ever. They
 * must all let go before one opens the new file, because LMDB keeps the number of the last
 * transaction in the lock file for as long as anybody has it open. */
static void
watch_store(struct supervisor *supervisor, bool first)
{
    struct stat st;
    bool there = stat(supervisor->conf->answers_path, &st) == 0;
    bool other = there && (!supervisor->seen || st.st_dev != supervisor->device ||
                              st.st_ino != supervisor->inode);
    supervisor->seen = there;
    if (there) {
        supervisor->device = st.st_dev;
        supervisor->inode = st.st_ino;
    }
    if (!other || first)
        return;
    log_line(LOG_LEVEL_INFO, "%s: another file; opening it", supervisor->conf->answers_path);
    restart_workers(supervisor);
}

/* Read whole, then switched: with an error everything goes on as it was. */
static void
reload(struct supervisor *supervisor)
{
    struct conf *conf;
    struct errmsg msg;
    notify("RELOADING=1");
    if (conf_load(supervisor->conf->path, &conf, &msg) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s (going on as before)", msg.text);
        notify("READY=1");
        return;
    }
    bool same = conf->listen_count == supervisor->conf->listen_count &&
                conf->udp_workers == supervisor->conf->udp_workers &&
                memcmp(conf->listen, supervisor->conf->listen,
                    conf->listen_count * sizeof *conf->listen) == 0;
    if (!same) {
        log_line(LOG_LEVEL_ERROR,
            "%s: listen or udp_workers changed: restart for that (going on "
            "as before)",
            conf->path);
        conf_free(&conf);
        notify("READY=1");
        return;
    }
    struct conf *old = supervisor->conf;
    supervisor->conf = conf;
    watch_store(supervisor, true);
    restart_workers(supervisor);
    conf_free(&old);
    log_line(LOG_LEVEL_INFO, "%s: read again", conf->path);
    notify("READY=1");
}

static void
log_counters(const struct supervisor *supervisor)
{
    char line[1024];
    counters_format(supervisor->counters, supervisor->count, line, sizeof line);
    log_line(LOG_LEVEL_INFO, "%s", line);
}

static void
loop(struct supervisor *supervisor)
{
    for (;;) {
        const struct timespec tick = {.tv_sec = TICK_S};
        int signal = sigtimedwait(&supervisor->signals, NULL, &tick);
        if (signal == SIGTERM || signal == SIGINT)
            return;
        if (signal == SIGHUP)
            reload(supervisor);
        if (signal == SIGUSR1)
            log_counters(supervisor);
        reap(supervisor);
        start_due(supervisor);
        watch_store(supervisor, false);
    }
}

enum err
supervisor_run(struct conf **conf, struct errmsg *msg)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
    struct supervisor supervisor = {.conf = *conf, .count = (*conf)->udp_workers + 1U};
    enum err err = sockets_open(*conf, &supervisor.sockets, msg);
    if (err == ERR_OK)
        err = sandbox_drop(*conf, msg);
    supervisor.counters = counters_map(supervisor.count);
    if (err == ERR_OK && supervisor.counters == NULL)
        err = errmsg_set(msg, ERR_NOMEM, "no shared memory for the counters");
    if (err < 0) {
        sockets_close(&supervisor.sockets);
        return err;
    }
    *conf = NULL;
    (void)sigemptyset(&supervisor.signals);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        (void)sigaddset(&supervisor.signals, signals[i]);
    (void)sigprocmask(SIG_BLOCK, &supervisor.signals, &supervisor.before);
    watch_store(&supervisor, true);
    start_due(&supervisor);
    notify("READY=1");
    loop(&supervisor);
    notify("STOPPING=1");
    signal_children(&supervisor, SIGTERM);
    wait_children(&supervisor);
    log_counters(&supervisor);
    sockets_close(&supervisor.sockets);
    conf_free(&supervisor.conf);
    return ERR_OK;
}
