/* Sockets for metrics; see metrics_listen.h. */
#include "server/metrics_listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zones/privileges.h"
#include "zones/socketaddr.h"

enum { BACKLOG = 16, MODE = 0660 };

/* Its group may ask; it belongs to the user that the server becomes, who can take it away then. */
static int
open_local(const struct conf *conf, const char *path)
{
    uid_t uid;
    gid_t gid, own_gid;
    int fd = socketaddr_listen_path(path, MODE, BACKLOG);
    if (fd < 0 || geteuid() != 0 || privileges_user(conf->user, &uid, &own_gid) < 0 ||
        privileges_group(conf->group, &gid) < 0 || lchown(path, uid, gid) == 0)
        return fd;
    int why = errno;
    (void)close(fd);
    (void)unlink(path);
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
    out->tcp = same ? old->tcp : socketaddr_listen(&out->endpoint, BACKLOG);
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
