/*
 * Addresses of sockets from what a configuration names, an endpoint or a path, and sockets that
 * listen or are connected there. Functions that give a descriptor give -1, and errno says why.
 */
#ifndef ZONES_SOCKETADDR_H
#define ZONES_SOCKETADDR_H

#include <sys/socket.h>
#include <sys/types.h>

#include "zoneconf.h"

struct socketaddr {
    socklen_t len;
    struct sockaddr_storage at;
};

void socketaddr_of(const struct endpoint *endpoint, struct socketaddr *out);
/* A unix socket's; ENAMETOOLONG in errno and false if the path is longer than the system takes. */
bool socketaddr_of_path(const char *path, struct socketaddr *out);

/* Non-blocking, for streams. One of IPv6 leaves IPv4 to others. */
int socketaddr_listen(const struct endpoint *endpoint, int backlog);
/* The same on a path, made with that mode. A socket that a server before this one left behind is
 * taken away, one that somebody listens at is not (EADDRINUSE). */
int socketaddr_listen_path(const char *path, mode_t mode, int backlog);
/* How many sockets whoever started this very process passed on (sd_listen_fds(3): LISTEN_FDS and
 * LISTEN_PID in the environment): the descriptors from SOCKETADDR_PASSED on. 0: none. */
enum { SOCKETADDR_PASSED = 3 };
long socketaddr_passed(void);
/* Connected, for streams; blocking, or with SOCK_NONBLOCK as flag not even while it connects: a
 * unix socket whose queue is full is EAGAIN then. */
int socketaddr_connect(const struct socketaddr *address, int flags);

#endif
