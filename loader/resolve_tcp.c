/* One DNS exchange over TCP; see resolve_tcp.h. */
#include "loader/resolve_tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zones/wire.h"

#define LENGTH_SIZE  2U
#define MESSAGE_SIZE ((size_t)UINT16_MAX)

/* Moves on by what one system call gives. False: the connection is of no more use. */
static bool
transfer(struct resolve_tcp *tcp)
{
    size_t rest = tcp->n - tcp->at;
    ssize_t got = tcp->reading ? recv(tcp->fd, tcp->buf + tcp->at, rest, 0)
                               : send(tcp->fd, tcp->buf + tcp->at, rest, MSG_NOSIGNAL);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    tcp->at += (size_t)got;
    return got > 0;
}

static void
on_event(struct ev_loop *loop, ev_io *io, int events)
{
    struct resolve_tcp *tcp = io->data;
    (void)events;
    if (!transfer(tcp)) {
        tcp->done(tcp->ctx, NULL, 0);
        return;
    }
    if (tcp->at < tcp->n)
        return;
    if (!tcp->reading) {
        tcp->reading = true;
        tcp->at = 0;
        tcp->n = LENGTH_SIZE;
        ev_io_stop(loop, io);
        ev_io_set(io, tcp->fd, EV_READ);
        ev_io_start(loop, io);
        return;
    }
    if (tcp->n == LENGTH_SIZE) {
        struct wire_in in = wire_in_of(tcp->buf, LENGTH_SIZE);
        tcp->n += wire_get_u16(&in);
        if (tcp->n > LENGTH_SIZE)
            return;
    }
    /* The callee may stop us: nothing of *tcp is touched after this. */
    tcp->done(tcp->ctx, tcp->buf + LENGTH_SIZE, tcp->n - LENGTH_SIZE);
}

bool
resolve_tcp_start(struct resolve_tcp *tcp, struct ev_loop *loop,
    const struct sockaddr_storage *peer, socklen_t peer_len, const uint8_t *query, size_t n,
    resolve_tcp_done_fn done, void *ctx)
{
    *tcp = (struct resolve_tcp){.loop = loop, .fd = -1, .done = done, .ctx = ctx};
    tcp->buf = malloc(LENGTH_SIZE + MESSAGE_SIZE);
    if (tcp->buf == NULL)
        return false;
    struct wire_out out = wire_out_of(tcp->buf, LENGTH_SIZE + MESSAGE_SIZE);
    wire_put_u16(&out, (uint16_t)n);
    wire_put(&out, query, n);
    tcp->n = out.n;

    tcp->active = true;
    ev_init(&tcp->io, on_event);
    tcp->io.data = tcp;
    tcp->fd = socket(peer->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (tcp->fd < 0 ||
        (connect(tcp->fd, (const struct sockaddr *)peer, peer_len) < 0 && errno != EINPROGRESS)) {
        resolve_tcp_stop(tcp);
        return false;
    }
    ev_io_set(&tcp->io, tcp->fd, EV_WRITE);
    ev_io_start(loop, &tcp->io);
    return true;
}

void
resolve_tcp_stop(struct resolve_tcp *tcp)
{
    if (!tcp->active)
        return;
    ev_io_stop(tcp->loop, &tcp->io);
    if (tcp->fd >= 0)
        (void)close(tcp->fd);
    free(tcp->buf);
    tcp->buf = NULL;
    tcp->active = false;
}
