/*
 * repdns policy: Postfix's policy service. Postfix can't join an address and a domain in one DNSBL
 * name; this asks the zones by DNS for it, and answers by the rules of policy_service in the
 * configuration. One thread on libev; it fails open.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/policy_session.h"
#include "tools/tools.h"
#include "zones/confvalue.h"
#include "zones/log.h"
#include "zones/privileges.h"
#include "zones/socketaddr.h"

enum { SESSIONS_MAX = 2000, LISTEN_MAX = 16, OTHER_FILES = 64, BACKLOG = 256, SOCKET_MODE = 0666 };
/* Longer than Postfix keeps an idle connection (smtpd_policy_service_max_idle, 300 s): it should be
 * the one that closes. */
#define IDLE_S 900.0
#define TELL_S 60.0 /* how often it is said that the resolver does not answer */

struct server {
    struct policy_service service;
    const struct resolve_peer *peer;
    unsigned sessions_most;
    unsigned listen_count;
    ev_io listeners[LISTEN_MAX];
    ev_signal ends[2], tell;
    ev_timer trouble;
    uint64_t unanswered; /* of the counter, when last told */
};

static void
log_counts(const uint64_t counts[POLICY_COUNTER_COUNT])
{
    static const char *const names[] = {
#define POLICY_COUNTER(id, name, text) name,
#include "tools/policy_counters.def"
#undef POLICY_COUNTER
    };
    char line[512];
    int n = 0;
    for (size_t i = 0; i < POLICY_COUNTER_COUNT && n >= 0 && (size_t)n < sizeof line; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, "%s%s %llu", i > 0 ? ", " : "", names[i],
            (unsigned long long)counts[i]);
    log_line(LOG_LEVEL_INFO, "policy: %s", line);
}

static void
on_end(struct ev_loop *loop, ev_signal *signal, int events)
{
    (void)signal;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void
on_tell(struct ev_loop *loop, ev_signal *signal, int events)
{
    const struct server *server = signal->data;
    (void)loop;
    (void)events;
    log_counts(server->service.counts);
}

static void
on_trouble(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct server *server = timer->data;
    uint64_t now = server->service.counts[POLICY_UNANSWERED];
    (void)loop;
    (void)events;
    if (now > server->unanswered)
        log_line(LOG_LEVEL_WARNING,
            "policy: %llu questions had no answer from the resolver %s and were taken for not "
            "listed; mail flows on; see to the resolver",
            (unsigned long long)(now - server->unanswered), server->peer->text);
    server->unanswered = now;
}

static void
on_connection(struct ev_loop *loop, ev_io *io, int events)
{
    struct server *server = io->data;
    (void)loop;
    (void)events;
    int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (server->service.open < server->sessions_most) {
        (void)policy_session_begin(&server->service, fd, fd);
        return;
    }
    server->service.counts[POLICY_BUSY]++;
    (void)close(fd);
}

/* On ADDR@PORT, or on a path that begins with /. -1, and errno says why. */
static int
listen_at(const char *where)
{
    struct endpoint endpoint;
    /* The folder says who may come: Postfix's private/ is its own. */
    if (where[0] == '/')
        return socketaddr_listen_path(where, SOCKET_MODE, BACKLOG);
    if (confvalue_endpoint(where, 0, &endpoint) == ERR_OK)
        return socketaddr_listen(&endpoint, BACKLOG);
    errno = EINVAL;
    return -1;
}

static void
add_listener(struct server *server, int fd)
{
    ev_io *listener = &server->listeners[server->listen_count++];
    ev_io_init(listener, on_connection, fd, EV_READ);
    listener->data = server;
    ev_io_start(server->service.loop, listener);
}

static bool
listens(int fd)
{
    int on = 0;
    socklen_t n = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on == 1;
}

/* Those of a socket unit, instead of the configuration's. */
static enum err
take_passed(struct server *server, long count, struct errmsg *msg)
{
    if (count > LISTEN_MAX)
        return errmsg_set(
            msg, ERR_RANGE, "LISTEN_FDS: %ld sockets; pass at most %d", count, LISTEN_MAX);
    for (int fd = SOCKETADDR_PASSED; fd < SOCKETADDR_PASSED + count; fd++) {
        if (!listens(fd) || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0 ||
            fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return errmsg_set(msg, ERR_SYNTAX,
                "LISTEN_FDS: descriptor %d does not listen for connections; mend the socket unit",
                fd);
        add_listener(server, fd);
    }
    return ERR_OK;
}

static enum err
listen_all(struct server *server, struct errmsg *msg)
{
    const struct policy_service_conf *conf = &server->service.conf->policy_service;
    if (conf->listen_count == 0 || conf->listen_count > LISTEN_MAX)
        return errmsg_set(
            msg, ERR_SYNTAX, "policy_service: listen: give 1 to %d sockets", LISTEN_MAX);
    for (unsigned i = 0; i < conf->listen_count; i++) {
        int fd = listen_at(conf->listen[i]);
        if (fd < 0)
            return errmsg_set(msg, ERR_IO,
                "policy_service: listen %s: %s; choose another socket or end who has it",
                conf->listen[i], strerror(errno));
        add_listener(server, fd);
    }
    return ERR_OK;
}

static enum err
open_sockets(struct server *server, struct errmsg *msg)
{
    long passed = socketaddr_passed();
    return passed > 0 ? take_passed(server, passed, msg) : listen_all(server, msg);
}

/* As the configuration's user: it needs no right but its sockets. */
static enum err
drop(const struct conf *conf, struct errmsg *msg)
{
    uid_t uid;
    gid_t gid;
    if (geteuid() != 0)
        return ERR_OK;
    if (privileges_user(conf->user, &uid, &gid) < 0 || privileges_group(conf->group, &gid) < 0)
        return errmsg_set(msg, ERR_NOTFOUND, "%s: no user %s or group %s; create them", conf->path,
            conf->user, conf->group);
    return privileges_drop(uid, gid, msg);
}

/* As many sessions as there may be descriptors: accept must not fail for want of one. */
static unsigned
find_sessions_most(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return SESSIONS_MAX;
    limit.rlim_cur =
        limit.rlim_max < SESSIONS_MAX + OTHER_FILES ? limit.rlim_max : SESSIONS_MAX + OTHER_FILES;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > OTHER_FILES ? (unsigned)limit.rlim_cur - OTHER_FILES : 1;
}

/* spawn(8) makes the connection the standard error too: a line there would be taken for a reply. */
static bool
errors_go_to_the_client(void)
{
    struct stat in, err;
    return fstat(STDIN_FILENO, &in) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
           S_ISSOCK(in.st_mode) && in.st_dev == err.st_dev && in.st_ino == err.st_ino;
}

static enum err
standard_input(struct server *server, struct errmsg *msg)
{
    int fds[] = {STDIN_FILENO, STDOUT_FILENO};
    for (unsigned i = 0; i < 2; i++) {
        int flags = fcntl(fds[i], F_GETFL);
        if (flags < 0 || fcntl(fds[i], F_SETFL, flags | O_NONBLOCK) != 0 ||
            (fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0)
            return errmsg_set(msg, ERR_IO, "standard input and output: %s", strerror(errno));
    }
    if (errors_go_to_the_client() && log_to("mail") == ERR_OK)
        log_detach();
    server->service.ends_with_the_last = true;
    return policy_session_begin(&server->service, fds[0], fds[1])
               ? ERR_OK
               : errmsg_set(msg, ERR_NOMEM, "out of memory");
}

static void
watch_signals(struct server *server)
{
    struct ev_loop *loop = server->service.loop;
    /* Postfix closes connections when it likes. */
    (void)signal(SIGPIPE, SIG_IGN);
    ev_signal_init(&server->ends[0], on_end, SIGTERM);
    ev_signal_init(&server->ends[1], on_end, SIGINT);
    ev_signal_init(&server->tell, on_tell, SIGUSR1);
    ev_timer_init(&server->trouble, on_trouble, TELL_S, TELL_S);
    server->tell.data = server->trouble.data = server;
    ev_signal_start(loop, &server->ends[0]);
    ev_signal_start(loop, &server->ends[1]);
    ev_signal_start(loop, &server->tell);
    ev_timer_start(loop, &server->trouble);
}

static enum err
serve(struct server *server, bool standard, struct errmsg *msg)
{
    struct policy_service *service = &server->service;
    enum err err = standard ? standard_input(server, msg) : open_sockets(server, msg);
    if (err == ERR_OK)
        err = policy_dns_open(service->loop, server->peer, service->conf->policy_service.timeout_s,
            &service->dns, msg);
    if (err == ERR_OK)
        err = drop(service->conf, msg);
    if (err < 0)
        return err;
    watch_signals(server);
    if (!standard)
        log_line(LOG_LEVEL_INFO, "policy: ready, asking %s", server->peer->text);
    ev_run(service->loop, 0);
    on_trouble(service->loop, &server->trouble, 0);
    log_counts(service->counts);
    return ERR_OK;
}

enum exit_code
tool_policy(const struct tool *tool, struct errmsg *msg)
{
    struct resolve_peer peer;
    bool standard = tool->arg_count == 1;
    if (standard && strcmp(tool->args[0], "-") != 0) {
        (void)errmsg_set(msg, ERR_SYNTAX, "policy takes \"-\" or nothing");
        return EXIT_USAGE;
    }
    enum err err = resolve_peer_find(tool->conf, &peer, msg);
    struct server *server = err < 0 ? NULL : calloc(1, sizeof *server);
    if (server == NULL)
        return tool_exit(err < 0 ? err : errmsg_set(msg, ERR_NOMEM, "out of memory"));
    server->service.loop = ev_loop_new(EVFLAG_AUTO);
    server->service.conf = tool->conf;
    server->service.idle_s = IDLE_S;
    server->peer = &peer;
    server->sessions_most = find_sessions_most();
    err = server->service.loop == NULL ? errmsg_set(msg, ERR_NOMEM, "out of memory")
                                       : serve(server, standard, msg);
    /* The system takes back what sessions hold. */
    return tool_exit(err);
}
