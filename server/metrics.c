/* The process for metrics; see metrics.h. */
#include "server/metrics.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/metrics_request.h"
#include "server/metrics_text.h"
#include "server/worker.h"
#include "zones/log.h"

enum {
    CONNECTIONS = 8, /* more wait in the socket's queue */
    MOST_S = 5,      /* from a connection's begin to its end */
    LISTENERS = 2,
    FIRST_MS = 20 /* until the supervisor has handed over what was counted before */
};

struct connection {
    int fd; /* -1: free */
    int64_t due_s;
    size_t in_n, out_n, out_at;
    char *out; /* NULL: the request is not whole yet */
    char in[METRICS_REQUEST_MAX];
};

struct service {
    const struct metrics *metrics;
    int signals;
    bool ending;
    struct tally now;
    struct catalog catalog;
    struct connection connections[CONNECTIONS];
};

static int64_t
clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void
collect(struct service *service)
{
    const struct counter_slots *slots = service->metrics->counters;
    tally_clear(&service->now);
    for (unsigned i = 0; i < slots->count; i++)
        tally_add_slot(&service->now, counters_slot(slots, i));
    tally_add_slot(&service->now, counters_others(slots));
    catalog_get(service->metrics->catalog, &service->catalog);
}

static void
print_reply(struct service *service, enum metrics_verdict verdict, bool head_only, FILE *out)
{
    static const char *const lines[] = {[METRICS_GOOD] = "200 OK",
        [METRICS_BAD] = "400 Bad Request",
        [METRICS_NOT_FOUND] = "404 Not Found",
        [METRICS_NO_METHOD] = "405 Method Not Allowed"};
    const struct metrics_state state = {.conf = service->metrics->conf,
        .now = &service->now,
        .catalog = &service->catalog,
        .keys = service->metrics->keys,
        .start_s = service->metrics->start_s,
        .now_s = worker_now_s()};
    bool good = verdict == METRICS_GOOD;
    (void)fprintf(out, "HTTP/1.0 %s\r\nContent-Type: %s\r\n%sConnection: close\r\n\r\n",
        lines[verdict], good ? "text/plain; version=0.0.4" : "text/plain",
        verdict == METRICS_NO_METHOD ? "Allow: GET, HEAD\r\n" : "");
    if (head_only)
        return;
    if (!good) {
        (void)fprintf(out, "%s; metrics are at /metrics\n", lines[verdict]);
        return;
    }
    collect(service);
    metrics_print(&state, out);
}

static void
close_connection(struct connection *connection)
{
    (void)close(connection->fd);
    free(connection->out);
    connection->fd = -1;
    connection->out = NULL;
}

/* False to close. */
static bool
make_reply(
    struct service *service, struct connection *connection, enum metrics_verdict verdict, bool head)
{
    FILE *out = open_memstream(&connection->out, &connection->out_n);
    if (out == NULL)
        return false;
    print_reply(service, verdict, head, out);
    return fclose(out) == 0;
}

static bool
read_request(struct service *service, struct connection *connection)
{
    ssize_t n = recv(connection->fd, connection->in + connection->in_n,
        sizeof connection->in - connection->in_n, 0);
    bool head;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    connection->in_n += (size_t)n;
    enum metrics_verdict verdict = metrics_request_parse(connection->in, connection->in_n, &head);
    return verdict == METRICS_MORE || make_reply(service, connection, verdict, head);
}

static bool
write_reply(struct connection *connection)
{
    ssize_t n = send(connection->fd, connection->out + connection->out_at,
        connection->out_n - connection->out_at, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    connection->out_at += (size_t)n;
    /* Whatever else was sent is read away, else closing would reset what is on its way. */
    char rest[METRICS_REQUEST_MAX];
    bool done = connection->out_at == connection->out_n;
    while (done && recv(connection->fd, rest, sizeof rest, 0) == (ssize_t)sizeof rest)
        continue;
    return !done;
}

static struct connection *
free_connection(struct service *service)
{
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (service->connections[i].fd < 0)
            return &service->connections[i];
    return NULL;
}

static void
take_connection(struct service *service, int listener)
{
    struct connection *connection = free_connection(service);
    if (connection == NULL)
        return;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    connection->fd = fd;
    connection->due_s = clock_s() + MOST_S;
    connection->in_n = connection->out_n = connection->out_at = 0;
}

static void
serve_connection(struct service *service, struct connection *connection, int events)
{
    bool goes_on = true;
    if (events != 0)
        goes_on =
            connection->out == NULL ? read_request(service, connection) : write_reply(connection);
    if (!goes_on || clock_s() >= connection->due_s)
        close_connection(connection);
}

static void
read_signals(struct service *service)
{
    struct signalfd_siginfo info;
    while (read(service->signals, &info, sizeof info) == (ssize_t)sizeof info)
        service->ending = true;
}

/* One round: waits for a second at most, so that no connection outlives its time by more. */
static void
serve(struct service *service)
{
    struct pollfd fds[1 + LISTENERS + CONNECTIONS] = {{.fd = service->signals, .events = POLLIN}};
    struct pollfd *listeners = fds + 1, *connections = listeners + LISTENERS;
    bool room = free_connection(service) != NULL;
    for (unsigned i = 0; i < LISTENERS; i++)
        listeners[i] =
            (struct pollfd){.fd = room ? service->metrics->listeners[i] : -1, .events = POLLIN};
    for (unsigned i = 0; i < CONNECTIONS; i++)
        connections[i] = (struct pollfd){.fd = service->connections[i].fd,
            .events = service->connections[i].out == NULL ? POLLIN : POLLOUT};
    if (poll(fds, sizeof fds / sizeof *fds, 1000) < 0)
        return;
    read_signals(service);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (service->connections[i].fd >= 0)
            serve_connection(service, &service->connections[i], connections[i].revents);
    for (unsigned i = 0; i < LISTENERS; i++)
        if (listeners[i].revents != 0)
            take_connection(service, listeners[i].fd);
}

/* A restarted server must not look as if it had counted less than before: who asks waits until the
 * supervisor has said what others have counted. */
static void
wait_for_others(struct service *service)
{
    const struct counters *others = counters_others(service->metrics->counters);
    struct pollfd fd = {.fd = service->signals, .events = POLLIN};
    while (!service->ending && atomic_load_explicit(&others->written, memory_order_acquire) == 0) {
        (void)poll(&fd, 1, FIRST_MS);
        read_signals(service);
    }
}

/* Until SIGTERM. */
static void
serve_all(struct service *service, const struct metrics *metrics, int signals)
{
    counters_protect(metrics->counters);
    catalog_protect(metrics->catalog);
    service->metrics = metrics;
    service->signals = signals;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        service->connections[i].fd = -1;
    wait_for_others(service);
    while (!service->ending)
        serve(service);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (service->connections[i].fd >= 0)
            close_connection(&service->connections[i]);
    tally_free(&service->now);
}

int
metrics_run(const struct metrics *metrics)
{
    struct service *service = calloc(1, sizeof *service);
    sigset_t set;
    int status = 1;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        log_line(LOG_LEVEL_ERROR, "metrics: signalfd: %s", strerror(errno));
    else if (service == NULL || tally_init(&service->now, metrics->conf->zone_count) < 0)
        log_line(LOG_LEVEL_ERROR, "metrics: out of memory");
    else {
        serve_all(service, metrics, signals);
        status = 0;
    }
    free(service);
    return status;
}
