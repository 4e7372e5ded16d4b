/* Addresses of sockets; see socketaddr.h. */
#include "socketaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void
socketaddr_of(const struct endpoint *endpoint, struct socketaddr *out)
{
    *out = (struct socketaddr){0};
    if (ip_is4(&endpoint->ip)) {
        struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
        in4.sin_addr.s_addr = htonl(ip_v4(&endpoint->ip));
        memcpy(&out->at, &in4, out->len = sizeof in4);
        return;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    memcpy(&in6.sin6_addr, endpoint->ip.b, sizeof in6.sin6_addr);
    memcpy(&out->at, &in6, out->len = sizeof in6);
}

bool
socketaddr_of_path(const char *path, struct socketaddr *out)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    *out = (struct socketaddr){0};
    if (strlen(path) >= sizeof local.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(local.sun_path, path);
    memcpy(&out->at, &local, out->len = sizeof local);
    return true;
}

/* -1, with errno kept. */
static int
give_up(int fd)
{
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = why;
    return -1;
}

static int
new_socket(const struct socketaddr *address)
{
    return socket(address->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static bool
bind_to(int fd, const struct socketaddr *address)
{
    return bind(fd, (const struct sockaddr *)&address->at, address->len) == 0;
}

int
socketaddr_listen(const struct endpoint *endpoint, int backlog)
{
    const int on = 1;
    struct socketaddr address;
    socketaddr_of(endpoint, &address);
    int fd = new_socket(&address);
    bool v6 = address.at.ss_family == AF_INET6;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!v6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind_to(fd, &address) && listen(fd, backlog) == 0)
        return fd;
    return give_up(fd);
}

static bool
clear_way(const char *path, const struct socketaddr *address)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT;
    int fd = S_ISSOCK(st.st_mode) ? new_socket(address) : -1;
    bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)&address->at, address->len) != 0 &&
                 errno == ECONNREFUSED;
    if (fd >= 0)
        (void)close(fd);
    if (!stale)
        errno = EADDRINUSE;
    return stale && unlink(path) == 0;
}

int
socketaddr_listen_path(const char *path, mode_t mode, int backlog)
{
    struct socketaddr address;
    if (!socketaddr_of_path(path, &address) || !clear_way(path, &address))
        return -1;
    int fd = new_socket(&address);
    /* No chmod after it: whoever owns the folder could put another file in the way meanwhile. */
    mode_t before = umask(0777 & ~mode);
    bool bound = fd >= 0 && bind_to(fd, &address);
    (void)umask(before);
    return bound && listen(fd, backlog) == 0 ? fd : give_up(fd);
}

/* A number of the environment; 0: there is none. */
static long
number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL || *text == '\0')
        return 0;
    long n = strtol(text, &end, 10);
    return *end == '\0' && n > 0 ? n : 0;
}

long
socketaddr_passed(void)
{
    return number("LISTEN_PID") == (long)getpid() ? number("LISTEN_FDS") : 0;
}

int
socketaddr_connect(const struct socketaddr *address, int flags)
{
    int fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address->at, address->len) == 0)
        return fd;
    return give_up(fd);
}
