/* Sockets; see listen.h. */
#include "server/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "zones/socketaddr.h"

/* A connection that finds the backlog full is tried again after a second: a burst shall fit.
 * RETRIES of RETRY_NS: a second, which a busy machine may need. */
enum { TCP_BACKLOG = 4096, UDP_BUFFER = 4 << 20, RETRIES = 200, RETRY_NS = 5000000 };

/* What sockets are opened for. */
struct opening {
    const struct conf *conf;
    const struct sockets *old;
    struct activation *passed; /* NULL: none */
};

struct ip
sockaddr_ip(const void *address)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } copy;
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

/* What must be set before the address is taken. */
static int
set_before(int fd, const struct endpoint *endpoint, const struct conf *conf, bool tcp)
{
    const int on = 1;
    /* [::] is IPv6 alone, so that 0.0.0.0 may stand beside it. */
    if (!ip_is4(&endpoint->ip) && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return -1;
    /* An address that the machine gets later: a floating one, or at boot. Counts for IPv6 too. */
    if (conf->process.freebind && setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) != 0)
        return -1;
    /* TCP: connections of the server before, which are still being closed, do not hold the address.
     * UDP: the sets of one address; the kernel chooses by a hash of both ends, so that a client
     * stays with a worker. Not SO_INCOMING_CPU: it pays only with as many workers as the network
     * card has queues, each pinned where its queue is served. */
    return setsockopt(fd, SOL_SOCKET, tcp ? SO_REUSEADDR : SO_REUSEPORT, &on, sizeof on);
}

/* Of sockets that were passed on too. */
static int
set_after(int fd, const struct endpoint *endpoint, bool tcp)
{
    static const struct ip any6 = {{0}};
    const struct ip any4 = ip_from_v4(0);
    const int buffer = UDP_BUFFER, probe = IP_PMTUDISC_PROBE, probe6 = IPV6_PMTUDISC_PROBE;
    bool v6 = !ip_is4(&endpoint->ip);
    if (tcp)
        return 0;
    /* Wishes. What arrives while a worker starts or is not scheduled waits in
     * the buffer: 4 MiB are some 5,000 small queries as the kernel counts them (net.core.rmem_max
     * may allow less). Answers are never fragments (RFC 9715 3.1 R2): small, with DF set,
     * whatever anybody says of the path. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (v6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe6, sizeof probe6);
    else
        (void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
    return ip_cmp(&endpoint->ip, v6 ? &any6 : &any4) == 0 ? want_destination(fd, v6) : 0;
}

/* -1 and errno. The workers of a server that was killed hold its TCP address for another moment. */
static int
bind_patiently(int fd, const struct socketaddr *address)
{
    static const struct timespec pause = {.tv_nsec = RETRY_NS};
    for (unsigned tries = 0; bind(fd, (const struct sockaddr *)&address->at, address->len) != 0;
         tries++) {
        if (errno != EADDRINUSE || tries == RETRIES)
            return -1;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static int
open_bound(const struct endpoint *endpoint, const struct conf *conf, bool tcp)
{
    struct socketaddr address;
    socketaddr_of(endpoint, &address);
    int type = (tcp ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_DGRAM) | SOCK_CLOEXEC;
    int fd = socket(address.at.ss_family, type, 0);
    if (fd >= 0 && set_before(fd, endpoint, conf, tcp) == 0 && bind_patiently(fd, &address) == 0 &&
        (!tcp || listen(fd, TCP_BACKLOG) == 0))
        return fd;
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = why;
    return -1;
}

static enum err
open_one(const struct opening *opening, const struct endpoint *endpoint, bool tcp, int *out,
    struct errmsg *msg)
{
    char text[IP_TEXT_SIZE];
    int fd = -1;
    if (opening->passed != NULL)
        fd = activation_take(opening->passed, endpoint, tcp);
    if (fd < 0)
        fd = open_bound(endpoint, opening->conf, tcp);
    if (fd >= 0 && set_after(fd, endpoint, tcp) == 0) {
        *out = fd;
        return ERR_OK;
    }
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    ip_format(&endpoint->ip, text);
    const char *advice = why == EACCES       ? "ports below 1024 need root to start"
                         : why == EADDRINUSE ? "another program serves it: see ss -lnutp"
                         : why == EADDRNOTAVAIL || why == EAFNOSUPPORT
                             ? "this machine does not have the address: leave it out of listen "
                               "(127.0.0.1 and ::1 by default), or set freebind = yes"
                             : "check listen in the configuration";
    return errmsg_set(msg, ERR_IO, "listen %s@%u (%s): %s; %s", text, endpoint->port,
        tcp ? "TCP" : "UDP", strerror(why), advice);
}

static bool
same(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && ip_cmp(&a->ip, &b->ip) == 0;
}

/* Where the endpoint is in the sockets; their number if it is not there. */
static unsigned
find(const struct sockets *sockets, const struct endpoint *endpoint)
{
    unsigned i = 0;
    while (i < sockets->endpoints && !same(&sockets->at[i], endpoint))
        i++;
    return i;
}

static enum err
open_endpoint(
    const struct opening *opening, struct sockets *sockets, unsigned i, struct errmsg *msg)
{
    const struct sockets *old = opening->old;
    unsigned there = find(old, &sockets->at[i]);
    /* One that stands twice in the list is tried, and fails as it does at start. */
    bool take = there < old->endpoints && find(sockets, &sockets->at[i]) == i;
    if (take) {
        sockets->tcp[i] = old->tcp[there];
        for (unsigned set = 0; set < sockets->sets; set++)
            sockets->udp[set * sockets->endpoints + i] = old->udp[set * old->endpoints + there];
        return ERR_OK;
    }
    /* TCP first: without SO_REUSEPORT it fails where another server has the address. */
    enum err err = open_one(opening, &sockets->at[i], true, &sockets->tcp[i], msg);
    for (unsigned set = 0; set < sockets->sets && err == ERR_OK; set++)
        err = open_one(
            opening, &sockets->at[i], false, &sockets->udp[set * sockets->endpoints + i], msg);
    return err;
}

enum err
sockets_open(const struct conf *conf, const struct sockets *old, struct activation *passed,
    struct sockets *out, struct errmsg *msg)
{
    static const struct sockets none = {0};
    const struct opening opening = {conf, old == NULL ? &none : old, passed};
    size_t count = conf->listen_count;
    *out = (struct sockets){.endpoints = conf->listen_count,
        .sets = old == NULL ? conf->udp_workers : old->sets,
        .before = old};
    out->at = calloc(count, sizeof *out->at);
    out->udp = calloc(count * out->sets, sizeof *out->udp);
    out->tcp = calloc(count, sizeof *out->tcp);
    if (out->at == NULL || out->udp == NULL || out->tcp == NULL) {
        free(out->at);
        free(out->udp);
        free(out->tcp);
        *out = (struct sockets){0};
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    }
    memcpy(out->at, conf->listen, count * sizeof *out->at);
    memset(out->udp, 0xff, count * out->sets * sizeof *out->udp);
    memset(out->tcp, 0xff, count * sizeof *out->tcp);
    enum err err = ERR_OK;
    for (unsigned i = 0; i < count && err == ERR_OK; i++)
        err = open_endpoint(&opening, out, i, msg);
    if (err < 0)
        sockets_close_others(out, old);
    return err;
}

static bool
has(const int *fds, size_t count, int fd)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] == fd)
            return true;
    return false;
}

void
sockets_close_others(struct sockets *sockets, const struct sockets *kept)
{
    static const struct sockets none = {0};
    const struct sockets *but = kept == NULL ? &none : kept;
    size_t udp = (size_t)sockets->endpoints * sockets->sets;
    for (size_t i = 0; i < udp; i++)
        if (sockets->udp[i] >= 0 &&
            !has(but->udp, (size_t)but->endpoints * but->sets, sockets->udp[i]))
            (void)close(sockets->udp[i]);
    for (size_t i = 0; i < sockets->endpoints; i++)
        if (sockets->tcp[i] >= 0 && !has(but->tcp, but->endpoints, sockets->tcp[i]))
            (void)close(sockets->tcp[i]);
    free(sockets->at);
    free(sockets->udp);
    free(sockets->tcp);
    *sockets = (struct sockets){0};
}

unsigned
sockets_of_worker(const struct sockets *sockets, unsigned number, unsigned workers, int *out)
{
    unsigned count = 0;
    for (unsigned set = number % sockets->sets; set < sockets->sets; set += workers) {
        memcpy(
            out + count, sockets->udp + set * sockets->endpoints, sockets->endpoints * sizeof *out);
        count += sockets->endpoints;
    }
    return count;
}

void
sockets_keep_own(const struct sockets *sockets, const int *own, unsigned count)
{
    for (; sockets != NULL; sockets = sockets->before) {
        size_t udp = (size_t)sockets->endpoints * sockets->sets;
        for (size_t i = 0; i < udp; i++)
            if (!has(own, count, sockets->udp[i]))
                (void)close(sockets->udp[i]);
        for (size_t i = 0; i < sockets->endpoints; i++)
            if (!has(own, count, sockets->tcp[i]))
                (void)close(sockets->tcp[i]);
    }
}
