/* The resolver's address; see resolve_peer.h. */
#include "loader/resolve_peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "zones/socketaddr.h"

#define RESOLV_CONF    "/etc/resolv.conf"
#define DNS_PORT       53
#define RECEIVE_BUFFER (1 << 20) /* a window of replies at once; the kernel may give less */

/* The first nameserver line with an address that can be used (resolv.conf(5)). */
static enum err
system_nameserver(struct endpoint *out, struct errmsg *msg)
{
    char line[512], text[64];
    enum err err = ERR_NOTFOUND;
    FILE *file = fopen(RESOLV_CONF, "re");
    if (file == NULL)
        return errmsg_set(
            msg, ERR_NOTFOUND, "%s: %s; set the option resolver", RESOLV_CONF, strerror(errno));
    while (err < 0 && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "nameserver %63s", text) == 1)
            err = ip_parse(text, strlen(text), &out->ip);
    (void)fclose(file);
    out->port = DNS_PORT;
    if (err < 0)
        return errmsg_set(msg, ERR_NOTFOUND,
            "%s: names no nameserver that can be used; set the option resolver", RESOLV_CONF);
    return ERR_OK;
}

enum err
resolve_peer_find(const struct conf *conf, struct resolve_peer *out, struct errmsg *msg)
{
    struct endpoint endpoint = conf->resolver;
    char text[IP_TEXT_SIZE];
    *out = (struct resolve_peer){0};
    if (!conf->has_resolver) {
        enum err err = system_nameserver(&endpoint, msg);
        if (err < 0)
            return err;
    }
    ip_format(&endpoint.ip, text);
    (void)snprintf(out->text, sizeof out->text, "%s port %u", text, endpoint.port);
    struct socketaddr address;
    socketaddr_of(&endpoint, &address);
    out->addr = address.at;
    out->len = address.len;
    return ERR_OK;
}

int
resolve_peer_udp(const struct resolve_peer *peer)
{
    const int size = RECEIVE_BUFFER;
    int fd = socket(peer->addr.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&peer->addr, peer->len) < 0) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return fd;
}
