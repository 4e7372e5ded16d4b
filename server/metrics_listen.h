/*
 * Where metrics are asked for: a unix socket, an address over TCP, or both. Bound by the
 * supervisor, before privileges are dropped; a changed configuration keeps what it still has.
 */
#ifndef SERVER_METRICS_LISTEN_H
#define SERVER_METRICS_LISTEN_H

#include "zones/zoneconf.h"

struct metrics_sockets {
    int local, tcp; /* -1: none */
    char *path;     /* of local; NULL: none */
    struct endpoint endpoint;
};

#define METRICS_SOCKETS_NONE ((struct metrics_sockets){.local = -1, .tcp = -1})

/* What is the same in old (NULL: none) is taken over, and old goes on to own it too until
 * metrics_close_others. On failure nothing new is left open; the message names path or address and
 * what to do. */
enum err metrics_open(const struct conf *conf, const struct metrics_sockets *old,
    struct metrics_sockets *out, struct errmsg *msg) MUST_CHECK;
/* Closes what kept (NULL: nothing) does not have, and takes its path away. */
void metrics_close_others(struct metrics_sockets *sockets, const struct metrics_sockets *kept);

#endif
