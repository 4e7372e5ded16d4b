/*
 * A TCP connection: reads queries, answers those that are whole, in order and together if they came
 * so, and reads no further while an answer waits for its client to take it (RFC 7766 6.2.1, 7).
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/tcp_internal.h"

void
tcp_connection_end(struct tcp_service *service, struct tcp_slot *slot)
{
    ev_io_stop(service->loop, &slot->io);
    (void)close(slot->io.fd);
    tcp_pool_give(&service->pool, slot);
    if (service->pool.open > 0)
        return;
    ev_timer_stop(service->loop, &service->tick);
    if (service->finishing)
        ev_break(service->loop, EVBREAK_ALL);
}

/* How many bytes the kernel took; negative to close. */
static ssize_t
send_some(const struct tcp_slot *slot, const uint8_t *bytes, size_t n)
{
    size_t sent = 0;
    while (sent < n) {
        ssize_t m = send(slot->io.fd, bytes + sent, n - sent, MSG_NOSIGNAL);
        if (m < 0 && errno == EINTR)
            continue;
        if (m < 0)
            return errno == EAGAIN ? (ssize_t)sent : -1;
        sent += (size_t)m;
    }
    return (ssize_t)sent;
}

/* Keeps what the kernel did not take. When all buffers are held by slow readers, the one who has
 * been slow for the longest time goes. */
static void
keep_rest(struct tcp_service *service, struct tcp_slot *slot, const uint8_t *bytes, size_t n)
{
    struct tcp_pool *pool = &service->pool;
    if (!tcp_pool_buffer(pool, slot)) {
        service->worker->counters->of[COUNTER_TCP_EVICTED]++;
        tcp_connection_end(service, tcp_pool_slowest(pool));
        if (!tcp_pool_buffer(pool, slot))
            return;
    }
    memcpy(slot->rest->bytes, bytes, n);
    slot->rest->n = n;
    slot->rest->at = 0;
}

/* False to close. */
static bool
send_rest(struct tcp_service *service, struct tcp_slot *slot)
{
    struct tcp_rest *rest = slot->rest;
    ssize_t n = send_some(slot, rest->bytes + rest->at, rest->n - rest->at);
    if (n < 0)
        return false;
    rest->at += (size_t)n;
    if (rest->at == rest->n)
        tcp_pool_unbuffer(&service->pool, slot);
    return true;
}

/* Answers into out, which has room; returns the bytes, 0 to close. */
static size_t
answer_one(struct tcp_service *service, const struct tcp_slot *slot, struct slice message,
    uint8_t *out, int64_t now_s)
{
    struct worker *worker = service->worker;
    struct answer_note note;
    const struct request request = {.packet = message.p,
        .len = message.n,
        .client = slot->client,
        .port = slot->port,
        .tcp = true,
        .gate = worker->gate};
    size_t n = answer(
        worker->views, worker->snapshot, &request, now_s, out + TCP_FRAME, ANSWER_TCP_MAX, &note);
    worker_note(worker, &request, &note, out + TCP_FRAME, n, now_s);
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    return n == 0 ? 0 : TCP_FRAME + n;
}

/* Answers what is whole, as far as it fits together. *n: bytes in service->out. False to close when
 * they are sent: what follows can't be read, or is not to be answered. */
static bool
answer_some(struct tcp_service *service, struct tcp_slot *slot, size_t *n)
{
    struct slice message;
    enum tcp_frame_state state = TCP_FRAME_PART;
    int64_t now_s = worker_now_s();
    bool answered = true;
    *n = 0;
    snapshot_renew(service->worker->snapshot);
    while (answered && *n < TCP_GATHER &&
           (state = tcp_frame_next(&slot->in, &message)) == TCP_FRAME_WHOLE) {
        size_t more = answer_one(service, slot, message, service->out + *n, now_s);
        tcp_frame_drop(&slot->in, message.n);
        answered = more > 0;
        *n += more;
    }
    snapshot_release(service->worker->snapshot);
    return answered && state != TCP_FRAME_BAD;
}

/* False to close. */
static bool
receive(struct tcp_slot *slot)
{
    struct tcp_frame *in = &slot->in;
    ssize_t n = recv(slot->io.fd, in->bytes + in->n, sizeof in->bytes - in->n, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    in->n = (uint16_t)(in->n + n);
    return n > 0;
}

/* Answers all that has arrived, until the client has to take something; false to close. */
static bool
answer_all(struct tcp_service *service, struct tcp_slot *slot)
{
    while (slot->rest == NULL) {
        size_t n;
        bool goes_on = answer_some(service, slot, &n);
        if (n == 0)
            return goes_on;
        tcp_pool_touch(&service->pool, slot, ev_now(service->loop));
        ssize_t sent = send_some(slot, service->out, n);
        if (sent < 0 || !goes_on)
            return false;
        if ((size_t)sent < n)
            keep_rest(service, slot, service->out + sent, n - (size_t)sent);
    }
    return true;
}

static void
want(struct tcp_service *service, struct tcp_slot *slot, int events)
{
    if ((slot->io.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(service->loop, &slot->io);
    ev_io_set(&slot->io, slot->io.fd, events);
    ev_io_start(service->loop, &slot->io);
}

static void
on_connection(struct ev_loop *loop, ev_io *io, int events)
{
    struct tcp_slot *slot = io->data;
    struct tcp_service *service = slot->service;
    (void)loop;
    bool alive = (events & EV_WRITE) != 0 ? send_rest(service, slot) : receive(slot);
    if (alive)
        alive = answer_all(service, slot);
    worker_tell(service->worker);
    if (alive)
        want(service, slot, slot->rest != NULL ? EV_WRITE : EV_READ);
    else
        tcp_connection_end(service, slot);
}

void
tcp_connection_begin(struct tcp_service *service, struct tcp_slot *slot, int fd)
{
    slot->service = service;
    ev_io_init(&slot->io, on_connection, fd, EV_READ);
    slot->io.data = slot;
    ev_io_start(service->loop, &slot->io);
}
