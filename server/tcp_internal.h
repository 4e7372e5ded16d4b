/* The inside of the TCP worker, for tcp.c and tcp_connection.c. */
#ifndef SERVER_TCP_INTERNAL_H
#define SERVER_TCP_INTERNAL_H

#include "server/tcp_pool.h"
#include "server/worker.h"

enum { TCP_LISTEN_MAX = 64 };

struct tcp_service {
    struct worker *worker;
    struct ev_loop *loop;
    struct tcp_pool pool;
    ev_io signals, listeners[TCP_LISTEN_MAX];
    ev_timer tick;  /* runs while there are connections */
    bool finishing; /* no new ones; ends with the last */
    uint8_t out[TCP_OUT_MAX];
};

/* Begins to serve fd, which it owns from now on, in a slot of the pool. */
void tcp_connection_begin(struct tcp_service *service, struct tcp_slot *slot, int fd);
void tcp_connection_end(struct tcp_service *service, struct tcp_slot *slot);

#endif
