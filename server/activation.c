/* Sockets passed on; see activation.h. */
#include "server/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/listen.h"
#include "zones/log.h"
#include "zones/socketaddr.h"

enum { MOST = 1024 };

static int
option(int fd, int name)
{
    int value = -1;
    socklen_t n = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &n) == 0 ? value : -1;
}

static bool
read_socket(int fd, struct passed_socket *out)
{
    struct sockaddr_in6 at;
    socklen_t n = sizeof at;
    memset(&at, 0, sizeof at);
    if (getsockname(fd, (struct sockaddr *)&at, &n) != 0 ||
        (at.sin6_family != AF_INET && at.sin6_family != AF_INET6))
        return false;
    int type = option(fd, SO_TYPE);
    *out = (struct passed_socket){.fd = fd, .tcp = type == SOCK_STREAM};
    if (type != SOCK_DGRAM && (type != SOCK_STREAM || option(fd, SO_ACCEPTCONN) != 1))
        return false;
    out->at.ip = sockaddr_ip(&at);
    out->at.port = ntohs(at.sin6_port); /* where a sockaddr_in has it too */
    /* As those are that listen.c opens: a UDP worker may wait in recvmmsg. */
    int flags = fcntl(fd, F_GETFL) & ~O_NONBLOCK;
    return fcntl(fd, F_SETFL, out->tcp ? flags | O_NONBLOCK : flags) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

enum err
activation_open(struct activation *out, struct errmsg *msg)
{
    long count = socketaddr_passed();
    *out = (struct activation){0};
    if (count == 0)
        return ERR_OK;
    if (count > MOST)
        return errmsg_set(msg, ERR_RANGE, "LISTEN_FDS: %ld sockets; pass at most %d", count, MOST);
    out->sockets = calloc((size_t)count, sizeof *out->sockets);
    if (out->sockets == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    for (; out->count < count; out->count++)
        if (!read_socket(SOCKETADDR_PASSED + (int)out->count, &out->sockets[out->count]))
            return errmsg_set(msg, ERR_SYNTAX,
                "LISTEN_FDS: descriptor %u is no UDP or listening TCP socket; mend the socket unit",
                SOCKETADDR_PASSED + out->count);
    return ERR_OK;
}

int
activation_take(struct activation *activation, const struct endpoint *endpoint, bool tcp)
{
    struct passed_socket *taken = NULL;
    for (unsigned i = 0; i < activation->count; i++) {
        struct passed_socket *one = &activation->sockets[i];
        if (one->tcp != tcp || one->at.port != endpoint->port ||
            ip_cmp(&one->at.ip, &endpoint->ip) != 0)
            continue;
        if (!one->taken) {
            one->taken = true;
            return one->fd;
        }
        taken = one;
    }
    return taken == NULL ? -1 : fcntl(taken->fd, F_DUPFD_CLOEXEC, SOCKETADDR_PASSED);
}

void
activation_close(struct activation *activation)
{
    char text[IP_TEXT_SIZE];
    for (unsigned i = 0; i < activation->count; i++) {
        const struct passed_socket *one = &activation->sockets[i];
        if (one->taken)
            continue;
        ip_format(&one->at.ip, text);
        log_line(LOG_LEVEL_WARNING,
            "a socket for %s@%u (%s) was passed, but listen does not have it; closed", text,
            one->at.port, one->tcp ? "TCP" : "UDP");
        (void)close(one->fd);
    }
    free(activation->sockets);
    *activation = (struct activation){0};
}
