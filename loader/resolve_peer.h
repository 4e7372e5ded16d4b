/* Whom the resolver's client asks: the configured address, or the system's first nameserver. */
#ifndef LOADER_RESOLVE_PEER_H
#define LOADER_RESOLVE_PEER_H

#include <sys/socket.h>

#include "zones/zoneconf.h"

struct resolve_peer {
    struct sockaddr_storage addr;
    socklen_t len;
    char text[IP_TEXT_SIZE + 16]; /* for messages */
};

/* ERR_NOTFOUND if neither the configuration nor resolv.conf names one. */
enum err resolve_peer_find(
    const struct conf *conf, struct resolve_peer *out, struct errmsg *msg) MUST_CHECK;

/* A non-blocking UDP socket from a random port, connected to it; -1 and errno if that failed. */
int resolve_peer_udp(const struct resolve_peer *peer);

#endif
