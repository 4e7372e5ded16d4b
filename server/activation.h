/*
 * Sockets that were bound by who started the process, and passed on (sd_listen_fds(3)): with
 * systemd's socket units a privileged port needs no privilege at all.
 */
#ifndef SERVER_ACTIVATION_H
#define SERVER_ACTIVATION_H

#include "zones/zoneconf.h"

struct passed_socket {
    struct endpoint at;
    int fd;
    bool tcp;
    bool taken;
};

struct activation {
    unsigned count;
    struct passed_socket *sockets;
};

/* Those that the environment (LISTEN_PID, LISTEN_FDS) says were passed to this very process. It
 * owns them; what is no UDP or listening TCP socket of the Internet is an error. */
enum err activation_open(struct activation *out, struct errmsg *msg) MUST_CHECK;
/* The one of that address, which then is the caller's; the same once more when there is no other;
 * -1: there is none. */
int activation_take(struct activation *activation, const struct endpoint *endpoint, bool tcp);
/* Closes those that nobody took, a line for each: unread, they would swallow queries. */
void activation_close(struct activation *activation);

#endif
