/*
 * The TCP worker, on libev: a bounded number of connections, each bounded in time and in bytes
 * (RFC 7766, RFC 7828). It takes connections and ends those whose time is over; what happens on one
 * is in tcp_connection.c, its memory in tcp_pool.c. All memory is taken at start.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/listen.h"
#include "server/tcp_internal.h"
#include "server/tcp_limit.h"
#include "zones/log.h"

enum { ACCEPT_MAX = 64 /* at a time, so that others are served too */ };
#define TICK_S 0.5

/* One more place: who has been idle for the longest time goes (RFC 7766 6.2.3). */
static void
evict(struct tcp_service *service)
{
    struct tcp_slot *oldest = tcp_pool_oldest(&service->pool);
    if (oldest == NULL)
        return;
    service->worker->counters->of[COUNTER_TCP_EVICTED]++;
    tcp_connection_end(service, oldest);
}

static void
take(struct tcp_service *service, int fd, const struct ip *client, uint16_t port)
{
    uint64_t *counts = service->worker->counters->of;
    struct tcp_pool *pool = &service->pool;
    if (!tcp_pool_allows(pool, client)) {
        counts[COUNTER_TCP_LIMIT]++;
        (void)close(fd);
        return;
    }
    if (pool->open == pool->size)
        evict(service);
    struct tcp_slot *slot = tcp_pool_take(pool, client, ev_now(service->loop));
    if (slot == NULL) {
        (void)close(fd);
        return;
    }
    slot->port = port;
    counts[COUNTER_TCP_ACCEPTED]++;
    tcp_connection_begin(service, slot, fd);
    if (!ev_is_active(&service->tick))
        ev_timer_again(service->loop, &service->tick);
}

static void
on_listener(struct ev_loop *loop, ev_io *io, int events)
{
    struct tcp_service *service = io->data;
    (void)loop;
    (void)events;
    for (unsigned i = 0; i < ACCEPT_MAX; i++) {
        struct sockaddr_in6 from;
        socklen_t n = sizeof from;
        int fd = accept4(io->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                evict(service);
            return;
        }
        struct ip client = sockaddr_ip(&from);
        take(service, fd, &client, ntohs(from.sin6_port));
    }
}

static void
on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct tcp_service *service = timer->data;
    const double idle_s = service->worker->conf->tcp.idle_s;
    struct tcp_slot *slot;
    (void)events;
    while ((slot = tcp_pool_oldest(&service->pool)) != NULL &&
           slot->since_s + idle_s <= ev_now(loop)) {
        service->worker->counters->of[COUNTER_TCP_TIMEOUT]++;
        tcp_connection_end(service, slot);
    }
}

/* Another worker accepts from now on. What is connected may go on asking: it goes away by itself,
 * or with SIGTERM. */
static void
finish(struct tcp_service *service)
{
    for (unsigned i = 0; i < service->worker->socket_count && i < TCP_LISTEN_MAX; i++)
        if (ev_is_active(&service->listeners[i])) {
            ev_io_stop(service->loop, &service->listeners[i]);
            (void)close(service->worker->sockets[i]);
        }
    service->finishing = true;
    if (service->pool.open == 0)
        ev_break(service->loop, EVBREAK_ALL);
}

static void
on_signals(struct ev_loop *loop, ev_io *io, int events)
{
    struct tcp_service *service = io->data;
    (void)events;
    enum worker_order order = worker_signalled(service->worker);
    if (order == WORKER_END)
        ev_break(loop, EVBREAK_ALL);
    if (order == WORKER_FINISH)
        finish(service);
}

static void
listen_all(struct tcp_service *service)
{
    const int on = 1;
    for (unsigned i = 0; i < service->worker->socket_count && i < TCP_LISTEN_MAX; i++) {
        int fd = service->worker->sockets[i];
        /* Connections inherit it: an answer must not wait until the one before is acknowledged. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ev_io_init(&service->listeners[i], on_listener, fd, EV_READ);
        service->listeners[i].data = service;
        ev_io_start(service->loop, &service->listeners[i]);
    }
}

static bool
begin(struct tcp_service *service)
{
    const struct tcp_conf *conf = &service->worker->conf->tcp;
    unsigned connections = tcp_limit_raise(conf->connections);
    if (connections < conf->connections)
        log_line(LOG_LEVEL_WARNING,
            "the limit of open files allows %u TCP connections, not %u as configured; raise it "
            "(ulimit -n, systemd: LimitNOFILE)",
            connections, conf->connections);
    service->loop = ev_loop_new(EVFLAG_AUTO);
    if (service->loop == NULL)
        return false;
    if (tcp_pool_init(&service->pool, connections, conf->per_client) < 0) {
        ev_loop_destroy(service->loop);
        return false;
    }
    ev_io_init(&service->signals, on_signals, service->worker->signals, EV_READ);
    ev_timer_init(&service->tick, on_tick, 0., TICK_S);
    service->signals.data = service->tick.data = service;
    ev_io_start(service->loop, &service->signals);
    listen_all(service);
    return true;
}

int
tcp_serve(struct worker *worker)
{
    struct tcp_slot *slot;
    struct tcp_service *service = calloc(1, sizeof *service);
    if (service == NULL)
        return 1;
    service->worker = worker;
    if (!begin(service)) {
        free(service);
        return 1;
    }
    ev_run(service->loop, 0);
    while ((slot = tcp_pool_oldest(&service->pool)) != NULL)
        tcp_connection_end(service, slot);
    ev_loop_destroy(service->loop);
    tcp_pool_free(&service->pool);
    free(service);
    return 0;
}
