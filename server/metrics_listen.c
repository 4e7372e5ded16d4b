/* Sockets for metrics; see metrics_listen.h. */
#include "server/metrics_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "zones/privileges.h"

enum { BACKLOG = 16, MODE = 0660 };

static int
new_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* A socket that a server before this one left behind is in the way; one that somebody listens at is
 * not touched. */
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

/* Its group may ask; it belongs to the user that the server becomes, who can take it away then. */
static int
open_local(const struct conf *conf, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uid_t uid;
    gid_t gid, own_gid;
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    if (!clear_way(&address))
        return -1;
    int fd = new_socket(AF_UNIX);
    mode_t before = umask(0777 & ~MODE);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                 listen(fd, BACKLOG) == 0;
    (void)umask(before);
    if (bound && geteuid() == 0 && privileges_user(conf->user, &uid, &own_gid) == ERR_OK &&
        privileges_group(conf->group, &gid) == ERR_OK)
        bound = lchown(path, uid, gid) == 0;
    if (bound)
        return fd;
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = why;
    return -1;
}

static int
open_tcp(const struct endpoint *endpoint)
{
    const int on = 1;
    bool v4 = ip_is4(&endpoint->ip);
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    int fd = new_socket(v4 ? AF_INET : AF_INET6);
    if (fd < 0)
        return -1;
    if (v4)
        in4.sin_addr.s_addr = htonl(ip_v4(&endpoint->ip));
    memcpy(&in6.sin6_addr, endpoint->ip.b, 16);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (v4 ? bind(fd, (struct sockaddr *)&in4, sizeof in4)
            : bind(fd, (struct sockaddr *)&in6, sizeof in6)) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

static enum err
want_local(const struct conf *conf, const struct metrics_sockets *old, struct metrics_sockets *out,
    struct errmsg *msg)
{
    const char *path = conf->metrics.path;
    if (path == NULL)
        return ERR_OK;
    bool same = old != NULL && old->path != NULL && strcmp(old->path, path) == 0;
    out->path = strdup(path);
    if (out->path == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    out->local = same ? old->local : open_local(conf, path);
    return out->local >= 0 ? ERR_OK
                           : errmsg_set(msg, ERR_IO,
                                 "metrics: path %s: %s; its folder must be there and writable",
                                 path, strerror(errno));
}

static enum err
want_tcp(const struct conf *conf, const struct metrics_sockets *old, struct metrics_sockets *out,
    struct errmsg *msg)
{
    char text[IP_TEXT_SIZE];
    if (!conf->metrics.has_listen)
        return ERR_OK;
    out->endpoint = conf->metrics.listen;
    bool same = old != NULL && old->tcp >= 0 && old->endpoint.port == out->endpoint.port &&
                ip_cmp(&old->endpoint.ip, &out->endpoint.ip) == 0;
    out->tcp = same ? old->tcp : open_tcp(&out->endpoint);
    ip_format(&out->endpoint.ip, text);
    return out->tcp >= 0 ? ERR_OK
                         : errmsg_set(msg, ERR_IO, "metrics: listen %s@%u: %s; choose another",
                               text, out->endpoint.port, strerror(errno));
}

enum err
metrics_open(const struct conf *conf, const struct metrics_sockets *old,
    struct metrics_sockets *out, struct errmsg *msg)
{
    *out = METRICS_SOCKETS_NONE;
    enum err err = want_local(conf, old, out, msg);
    if (err == ERR_OK)
        err = want_tcp(conf, old, out, msg);
    if (err < 0)
        metrics_close_others(out, old);
    return err;
}

void
metrics_close_others(struct metrics_sockets *sockets, const struct metrics_sockets *kept)
{
    if (sockets->local >= 0 && (kept == NULL || kept->local != sockets->local)) {
        (void)close(sockets->local);
        (void)unlink(sockets->path);
    }
    if (sockets->tcp >= 0 && (kept == NULL || kept->tcp != sockets->tcp))
        (void)close(sockets->tcp);
    free(sockets->path);
    *sockets = METRICS_SOCKETS_NONE;
}
