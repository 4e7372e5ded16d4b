/*
 * Sockets: bound once by the supervisor, before privileges are dropped; workers inherit them.
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "zones/zoneconf.h"

struct sockets {
    unsigned endpoints, udp_workers;
    int *udp; /* worker * endpoints + endpoint; SO_REUSEPORT spreads clients over the workers */
    int *tcp; /* by endpoint, listening */
};

/* The message names the address and what to do. Nothing is left open on failure. */
enum err sockets_open(const struct conf *conf, struct sockets *out, struct errmsg *msg) MUST_CHECK;
void sockets_close(struct sockets *sockets);

/* A client's address of a sockaddr_in or sockaddr_in6. */
struct ip sockaddr_ip(const void *address);

#endif
