/* The sections protocol and tcp; see confprotocol.h. */
#include "confprotocol.h"

#include "confvalue.h"
#include "confzones.h"

enum {
    UDP_SIZE_LEAST = 512, /* RFC 6891 6.2.3 */
    UDP_SIZE_MOST = 1452, /* what an Ethernet carries over IPv6: answers are never fragments */
    IDENTITY_MAX = 64,    /* it must fit beside an answer in 512 bytes */
    CONNECTIONS_MOST = 100000,
    IDLE_MOST_S = 600
};

static enum err
fail(const struct conf *conf, const cfg_t *sec, struct errmsg *msg, const char *what)
{
    return errmsg_set(msg, ERR_SYNTAX, "%s:%d: %s", conf->path, sec->line, what);
}

static enum err
read_protocol(struct conf *conf, cfg_t *sec, struct errmsg *msg)
{
    struct protocol_conf *protocol = &conf->protocol;
    const char *identity = cfg_getstr(sec, "identity");
    long size = cfg_getint(sec, "udp_size");
    if (strlen(identity) > IDENTITY_MAX)
        return fail(conf, sec, msg, "protocol: identity: use at most 64 bytes");
    if (size < UDP_SIZE_LEAST || size > UDP_SIZE_MOST)
        return fail(conf, sec, msg, "protocol: udp_size: use 512 to 1452; 1232 suits all networks");
    protocol->udp_size = (uint16_t)size;
    protocol->any_small = strcmp(cfg_getstr(sec, "any"), "small") == 0;
    protocol->identity = conf_strdup(conf, identity);
    return protocol->identity != NULL ? ERR_OK
                                      : errmsg_set(msg, ERR_NOMEM, "%s: out of memory", conf->path);
}

static enum err
read_tcp(struct conf *conf, cfg_t *sec, struct errmsg *msg)
{
    struct tcp_conf *tcp = &conf->tcp;
    tcp->connections = (uint32_t)cfg_getint(sec, "connections");
    tcp->per_client = (uint32_t)cfg_getint(sec, "per_client");
    if (confvalue_duration(cfg_getstr(sec, "idle"), &tcp->idle_s) < 0 || tcp->idle_s == 0 ||
        tcp->idle_s > IDLE_MOST_S)
        return fail(conf, sec, msg, "tcp: idle: use 1s to 10m");
    if (tcp->connections == 0 || tcp->connections > CONNECTIONS_MOST)
        return fail(conf, sec, msg, "tcp: connections: use 1 to 100000");
    if (tcp->per_client == 0)
        return fail(conf, sec, msg, "tcp: per_client: use 1 or more");
    return ERR_OK;
}

enum err
confprotocol_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg)
{
    enum err err = read_protocol(conf, cfg_getsec(cfg, "protocol"), msg);
    return err < 0 ? err : read_tcp(conf, cfg_getsec(cfg, "tcp"), msg);
}
