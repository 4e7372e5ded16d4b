/*
 * The TCP worker, on libev: a fixed number of connections, each bounded in time and in bytes
 * (RFC 7766). Queries of one connection are answered in order, several of them if they come so.
 */
#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/listen.h"
#include "server/worker.h"

enum { CONNECTIONS = 256, PER_CLIENT = 16, QUERY_MAX = 1536, FRAME = 2, LISTEN_MAX = 64 };
#define IDLE_S 10.0 /* RFC 7766 6.2.3: a few seconds; also the most that one query may take */

struct service;

struct connection {
    ev_io io;
    ev_timer timer;
    struct service *service;
    struct ip client;
    uint16_t port;
    bool open;
    size_t in_n, out_n, out_at;
    uint8_t in[FRAME + QUERY_MAX];
    uint8_t out[FRAME + ANSWER_TCP_MAX];
};

struct service {
    struct worker *worker;
    struct ev_loop *loop;
    ev_io signals, listeners[LISTEN_MAX];
    unsigned open;                  /* of the connections */
    bool finishing;                 /* no new ones; ends with the last */
    struct connection *connections; /* CONNECTIONS of them */
};

static void
close_connection(struct connection *connection)
{
    struct ev_loop *loop = connection->service->loop;
    ev_io_stop(loop, &connection->io);
    ev_timer_stop(loop, &connection->timer);
    (void)close(connection->io.fd);
    connection->open = false;
    if (--connection->service->open == 0 && connection->service->finishing)
        ev_break(loop, EVBREAK_ALL);
}

/* Answers the query at the front of the buffer, if it is whole; false to close. */
static bool
answer_next(struct connection *connection, bool *answered)
{
    struct worker *worker = connection->service->worker;
    size_t len = (size_t)connection->in[0] << 8 | connection->in[1];
    *answered = false;
    if (connection->in_n < FRAME)
        return true;
    if (len > QUERY_MAX)
        return false;
    if (connection->in_n < FRAME + len)
        return true;
    struct answer_note note;
    struct request request = {.packet = connection->in + FRAME,
        .len = len,
        .client = connection->client,
        .port = connection->port,
        .tcp = true,
        .gate = worker->gate};
    int64_t now_s = worker_now_s();
    snapshot_renew(worker->snapshot);
    size_t n = answer(worker->views, worker->snapshot, &request, now_s, connection->out + FRAME,
        ANSWER_TCP_MAX, &note);
    snapshot_release(worker->snapshot);
    worker_note(worker, &request, &note, connection->out + FRAME, n, now_s);
    connection->in_n -= FRAME + len;
    memmove(connection->in, connection->in + FRAME + len, connection->in_n);
    if (n == 0)
        return false;
    connection->out[0] = (uint8_t)(n >> 8);
    connection->out[1] = (uint8_t)n;
    connection->out_n = FRAME + n;
    connection->out_at = 0;
    *answered = true;
    return true;
}

/* False to close. */
static bool
flush(struct connection *connection)
{
    while (connection->out_at < connection->out_n) {
        ssize_t n = send(connection->io.fd, connection->out + connection->out_at,
            connection->out_n - connection->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        connection->out_at += (size_t)n;
    }
    connection->out_n = connection->out_at = 0;
    return true;
}

static bool
fill(struct connection *connection)
{
    if (connection->in_n == sizeof connection->in)
        return true;
    ssize_t n = recv(connection->io.fd, connection->in + connection->in_n,
        sizeof connection->in - connection->in_n, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    connection->in_n += (size_t)n;
    return true;
}

static void
want(struct connection *connection, int events)
{
    struct ev_loop *loop = connection->service->loop;
    ev_io_stop(loop, &connection->io);
    ev_io_set(&connection->io, connection->io.fd, events);
    ev_io_start(loop, &connection->io);
}

static void
on_connection(struct ev_loop *loop, ev_io *io, int events)
{
    struct connection *connection = io->data;
    bool alive = true, answered = true;
    if ((events & EV_WRITE) != 0)
        alive = flush(connection);
    else
        alive = fill(connection);
    while (alive && answered && connection->out_n == 0) {
        alive = answer_next(connection, &answered);
        if (alive && answered) {
            alive = flush(connection);
            ev_timer_again(loop, &connection->timer);
        }
    }
    if (!alive) {
        close_connection(connection);
        return;
    }
    want(connection, connection->out_n > 0 ? EV_WRITE : EV_READ);
    worker_tell(connection->service->worker);
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    close_connection(timer->data);
}

static struct connection *
free_connection(struct service *service, const struct ip *client)
{
    struct connection *found = NULL;
    unsigned of_client = 0;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct connection *connection = &service->connections[i];
        if (!connection->open)
            found = connection;
        else
            of_client += ip_cmp(&connection->client, client) == 0;
    }
    return of_client < PER_CLIENT ? found : NULL;
}

static void
on_listener(struct ev_loop *loop, ev_io *io, int events)
{
    struct service *service = io->data;
    struct sockaddr_in6 from;
    socklen_t n = sizeof from;
    (void)events;
    int fd = accept4(io->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct ip client = sockaddr_ip(&from);
    struct connection *connection = free_connection(service, &client);
    if (connection == NULL) {
        service->worker->counters->of[COUNTER_TCP_LIMIT]++;
        (void)close(fd);
        return;
    }
    connection->service = service;
    connection->client = client;
    connection->port = ntohs(from.sin6_port);
    connection->open = true;
    service->open++;
    connection->in_n = connection->out_n = connection->out_at = 0;
    ev_io_init(&connection->io, on_connection, fd, EV_READ);
    ev_timer_init(&connection->timer, on_timer, 0., IDLE_S);
    connection->io.data = connection->timer.data = connection;
    ev_io_start(loop, &connection->io);
    ev_timer_again(loop, &connection->timer);
}

/* Another worker accepts from now on. What is connected may go on asking: it goes away by itself,
 * or with SIGTERM. */
static void
finish(struct service *service)
{
    for (unsigned i = 0; i < service->worker->socket_count && i < LISTEN_MAX; i++)
        if (ev_is_active(&service->listeners[i])) {
            ev_io_stop(service->loop, &service->listeners[i]);
            (void)close(service->worker->sockets[i]);
        }
    service->finishing = true;
    if (service->open == 0)
        ev_break(service->loop, EVBREAK_ALL);
}

static void
on_signals(struct ev_loop *loop, ev_io *io, int events)
{
    struct service *service = io->data;
    (void)events;
    enum worker_order order = worker_signalled(service->worker);
    if (order == WORKER_END)
        ev_break(loop, EVBREAK_ALL);
    if (order == WORKER_FINISH)
        finish(service);
}

int
tcp_serve(struct worker *worker)
{
    struct service service = {.worker = worker};
    service.connections = calloc(CONNECTIONS, sizeof *service.connections);
    service.loop = ev_loop_new(EVFLAG_AUTO);
    if (service.connections == NULL || service.loop == NULL)
        return 1;
    ev_io_init(&service.signals, on_signals, worker->signals, EV_READ);
    service.signals.data = &service;
    ev_io_start(service.loop, &service.signals);
    for (unsigned i = 0; i < worker->socket_count && i < LISTEN_MAX; i++) {
        ev_io_init(&service.listeners[i], on_listener, worker->sockets[i], EV_READ);
        service.listeners[i].data = &service;
        ev_io_start(service.loop, &service.listeners[i]);
    }
    ev_run(service.loop, 0);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (service.connections[i].open)
            close_connection(&service.connections[i]);
    ev_loop_destroy(service.loop);
    free(service.connections);
    return 0;
}
