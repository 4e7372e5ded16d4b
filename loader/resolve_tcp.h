/*
 * One DNS exchange over TCP (RFC 7766) on an event loop: connect, send, read one reply. Knows no
 * DNS but the two length bytes. Time is the caller's: it stops what takes too long.
 */
#ifndef LOADER_RESOLVE_TCP_H
#define LOADER_RESOLVE_TCP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* reply NULL: the connection failed. Borrowed until resolve_tcp_stop, which the callee may call; it
 * is called at most once. */
typedef void (*resolve_tcp_done_fn)(void *ctx, const uint8_t *reply, size_t n);

struct resolve_tcp {
    struct ev_loop *loop;
    ev_io io;
    bool active;
    int fd;
    uint8_t *buf; /* length(2) and message, first the query's, then the reply's */
    size_t at, n; /* done of how many, as far as is known */
    bool reading;
    resolve_tcp_done_fn done;
    void *ctx;
};

/* *tcp must be zero or stopped, and stay where it is. False: no socket or no memory; nothing is
 * active then. */
bool resolve_tcp_start(struct resolve_tcp *tcp, struct ev_loop *loop,
    const struct sockaddr_storage *peer, socklen_t peer_len, const uint8_t *query, size_t n,
    resolve_tcp_done_fn done, void *ctx);
void resolve_tcp_stop(struct resolve_tcp *tcp); /* also if it is not active */

#endif
