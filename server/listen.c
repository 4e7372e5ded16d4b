/* Sockets; see listen.h. */
#include "server/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TCP_BACKLOG = 256, UDP_BUFFER = 4 << 20 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t
address_of(const struct endpoint *endpoint, union address *out)
{
    memset(out, 0, sizeof *out);
    if (ip_is4(&endpoint->ip)) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(endpoint->port);
        out->v4.sin_addr.s_addr = htonl(ip_v4(&endpoint->ip));
        return sizeof out->v4;
    }
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(endpoint->port);
    memcpy(&out->v6.sin6_addr, endpoint->ip.b, 16);
    return sizeof out->v6;
}

struct ip
sockaddr_ip(const void *address)
{
    union address copy;
    struct ip ip;
    memcpy(&copy, address, sizeof copy);
    if (copy.any.sa_family == AF_INET)
        return ip_from_v4(ntohl(copy.v4.sin_addr.s_addr));
    memcpy(ip.b, &copy.v6.sin6_addr, 16);
    return ip;
}

/* Answers must come from the address that was asked: with a wildcard the kernel has to tell it. */
static int
want_destination(int fd, bool v6)
{
    const int on = 1;
    if (v6)
        return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
}

static int
set_options(int fd, const struct endpoint *endpoint, bool tcp)
{
    static const struct ip any6 = {{0}};
    const struct ip any4 = ip_from_v4(0);
    const int on = 1, buffer = UDP_BUFFER, probe = IP_PMTUDISC_DONT;
    bool v6 = !ip_is4(&endpoint->ip);
    if (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return -1;
    if (tcp)
        return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* A larger buffer and no path discovery are wishes; answers are at most 1232 bytes. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (!v6)
        (void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
    if (ip_cmp(&endpoint->ip, v6 ? &any6 : &any4) == 0 && want_destination(fd, v6) != 0)
        return -1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

static enum err
open_one(const struct endpoint *endpoint, bool tcp, int *out, struct errmsg *msg)
{
    union address address;
    socklen_t n = address_of(endpoint, &address);
    char text[IP_TEXT_SIZE];
    int type = (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int fd = socket(address.any.sa_family, type, 0);
    if (fd >= 0 && set_options(fd, endpoint, tcp) == 0 && bind(fd, &address.any, n) == 0 &&
        (!tcp || listen(fd, TCP_BACKLOG) == 0)) {
        *out = fd;
        return ERR_OK;
    }
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    ip_format(&endpoint->ip, text);
    const char *advice = why == EACCES          ? "ports below 1024 need root to start"
                         : why == EADDRINUSE    ? "another program serves it: see ss -lnup"
                         : why == EADDRNOTAVAIL ? "this machine does not have the address"
                                                : "check listen in the configuration";
    return errmsg_set(msg, ERR_IO, "listen %s@%u (%s): %s; %s", text, endpoint->port,
        tcp ? "TCP" : "UDP", strerror(why), advice);
}

enum err
sockets_open(const struct conf *conf, struct sockets *out, struct errmsg *msg)
{
    size_t udp_count = (size_t)conf->listen_count * conf->udp_workers;
    *out = (struct sockets){.endpoints = conf->listen_count, .udp_workers = conf->udp_workers};
    out->udp = calloc(udp_count, sizeof *out->udp);
    out->tcp = calloc(conf->listen_count, sizeof *out->tcp);
    if (out->udp == NULL || out->tcp == NULL) {
        sockets_close(out);
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    }
    memset(out->udp, 0xff, udp_count * sizeof *out->udp);
    memset(out->tcp, 0xff, conf->listen_count * sizeof *out->tcp);
    enum err err = ERR_OK;
    for (unsigned i = 0; i < conf->listen_count && err == ERR_OK; i++) {
        /* TCP first: without SO_REUSEPORT it fails where another server has the address. */
        err = open_one(&conf->listen[i], true, &out->tcp[i], msg);
        for (unsigned w = 0; w < conf->udp_workers && err == ERR_OK; w++)
            err = open_one(&conf->listen[i], false, &out->udp[w * conf->listen_count + i], msg);
    }
    if (err < 0)
        sockets_close(out);
    return err;
}

void
sockets_close(struct sockets *sockets)
{
    for (size_t i = 0;
         sockets->udp != NULL && i < (size_t)sockets->endpoints * sockets->udp_workers; i++)
        if (sockets->udp[i] >= 0)
            (void)close(sockets->udp[i]);
    for (size_t i = 0; sockets->tcp != NULL && i < sockets->endpoints; i++)
        if (sockets->tcp[i] >= 0)
            (void)close(sockets->tcp[i]);
    free(sockets->udp);
    free(sockets->tcp);
    *sockets = (struct sockets){0};
}
