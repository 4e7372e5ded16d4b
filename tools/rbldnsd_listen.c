/* The addresses of -b; see rbldnsd.h. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/rbldnsd.h"

enum { HOST_SIZE = 300 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Tried now, so that the message comes before a long load, and let go again: the server binds when
 * it can answer. */
static int
try_bind(const struct addrinfo *info)
{
    const int on = 1;
    int fd = socket(info->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int why = 0;
    if ((info->ai_family == AF_INET6 &&
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0)
        why = errno;
    (void)close(fd);
    return why;
}

static struct endpoint
endpoint_of(const struct addrinfo *info)
{
    union address address = {.v6 = {0}};
    struct endpoint out;
    memset(&out, 0, sizeof out);
    memcpy(&address, info->ai_addr,
        info->ai_addrlen < sizeof address ? info->ai_addrlen : sizeof address);
    if (address.any.sa_family == AF_INET) {
        out.ip = ip_from_v4(ntohl(address.v4.sin_addr.s_addr));
        out.port = ntohs(address.v4.sin_port);
    } else {
        memcpy(out.ip.b, &address.v6.sin6_addr, sizeof out.ip.b);
        out.port = ntohs(address.v6.sin6_port);
    }
    return out;
}

static bool
known(const struct front *front, const struct endpoint *endpoint)
{
    for (unsigned i = 0; i < front->listen_count; i++)
        if (front->listen[i].port == endpoint->port &&
            ip_cmp(&front->listen[i].ip, &endpoint->ip) == 0)
            return true;
    return false;
}

static enum err
add(struct front *front, const struct addrinfo *info, struct errmsg *msg)
{
    const struct endpoint endpoint = endpoint_of(info);
    char text[IP_TEXT_SIZE];
    ip_format(&endpoint.ip, text);
    if (known(front, &endpoint))
        return ERR_OK;
    int why = try_bind(info);
    if (why == EAFNOSUPPORT)
        return ERR_NOTFOUND;
    if (why != 0)
        return errmsg_set(
            msg, ERR_IO, "unable to bind to %s/%u: %s", text, endpoint.port, strerror(why));
    if (front->listen_count == FRONT_LISTEN_MAX)
        return errmsg_set(
            msg, ERR_RANGE, "too many addresses to listen on (%d max)", FRONT_LISTEN_MAX);
    front->listen[front->listen_count++] = endpoint;
    return ERR_OK;
}

static enum err
add_bind(struct front *front, const char *bind, struct errmsg *msg)
{
    const struct addrinfo hints = {
        .ai_family = front->options.family, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE};
    const char *slash = strchr(bind, '/');
    size_t n = slash == NULL ? strlen(bind) : (size_t)(slash - bind);
    char host[HOST_SIZE];
    struct addrinfo *list;
    bool any = false;
    if (slash == bind)
        return errmsg_set(msg, ERR_SYNTAX, "missing host part in bind address `%.60s'", bind);
    if (n >= sizeof host)
        return errmsg_set(msg, ERR_RANGE, "%.60s: the name is too long", bind);
    memcpy(host, bind, n);
    host[n] = '\0';
    bool wild = strcmp(host, "*") == 0;
    int why = getaddrinfo(wild ? NULL : host, slash == NULL ? "domain" : slash + 1, &hints, &list);
    if (why != 0)
        return errmsg_set(msg, ERR_IO, "%.100s: %s", bind, gai_strerror(why));
    enum err err = ERR_OK;
    for (const struct addrinfo *info = list; info != NULL && err == ERR_OK; info = info->ai_next) {
        err = info->ai_family == AF_INET || info->ai_family == AF_INET6 ? add(front, info, msg)
                                                                        : ERR_NOTFOUND;
        any = any || err == ERR_OK;
        err = err == ERR_NOTFOUND ? ERR_OK : err;
    }
    freeaddrinfo(list);
    return err == ERR_OK && !any ? errmsg_set(msg, ERR_IO, "%.60s: no available protocols", bind)
                                 : err;
}

enum err
front_listen(struct front *front, struct errmsg *msg)
{
    enum err err = ERR_OK;
    if (front->options.bind_count == 0)
        return errmsg_set(msg, ERR_SYNTAX, "no address to listen on (-b option) specified");
    for (unsigned i = 0; i < front->options.bind_count && err == ERR_OK; i++)
        err = add_bind(front, front->options.binds[i], msg);
    return err;
}
