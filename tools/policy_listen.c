/* The policy service's sockets; see policy_listen.h. */
#include "tools/policy_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "zones/confvalue.h"

/* The folder says who may come: Postfix's private/ is its own. */
enum { BACKLOG = 256, MODE = 0666 };

static int
new_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static bool
clear_way(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) != 0)
        return errno == ENOENT;
    int fd = S_ISSOCK(st.st_mode) ? new_socket(AF_UNIX) : -1;
    bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                 errno == ECONNREFUSED;
    if (fd >= 0)
        (void)close(fd);
    if (!stale)
        errno = EADDRINUSE;
    return stale && unlink(address->sun_path) == 0;
}

static bool
bind_path(int fd, const struct sockaddr_un *address)
{
    if (!clear_way(address))
        return false;
    /* No chmod after it: whoever owns the folder could put another file in the way meanwhile. */
    mode_t before = umask(0777 & ~MODE);
    bool bound = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    (void)umask(before);
    return bound;
}

static bool
bind_endpoint(int fd, const struct endpoint *endpoint)
{
    const int on = 1;
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return false;
    if (ip_is4(&endpoint->ip)) {
        in4.sin_addr.s_addr = htonl(ip_v4(&endpoint->ip));
        return bind(fd, (const struct sockaddr *)&in4, sizeof in4) == 0;
    }
    memcpy(in6.sin6_addr.s6_addr, endpoint->ip.b, sizeof endpoint->ip.b);
    /* So that "::" and "0.0.0.0" may both be there. */
    return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0 &&
           bind(fd, (const struct sockaddr *)&in6, sizeof in6) == 0;
}

int
policy_listen(const char *where)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct endpoint endpoint = {0};
    const bool local = where[0] == '/';
    if (local && strlen(where) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (!local && confvalue_endpoint(where, 0, &endpoint) < 0) {
        errno = EINVAL;
        return -1;
    }
    if (local)
        strcpy(address.sun_path, where);
    int fd = new_socket(local ? AF_UNIX : ip_is4(&endpoint.ip) ? AF_INET : AF_INET6);
    if (fd >= 0 && (local ? bind_path(fd, &address) : bind_endpoint(fd, &endpoint)) &&
        listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = why;
    return -1;
}
