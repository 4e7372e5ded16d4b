/* The sections query_log, statistics, metrics and dnstap; see conflogs.h. */
#include "conflogs.h"

#include "confvalue.h"
#include "confzones.h"

static enum err
fail(const struct conf *conf, const cfg_t *sec, struct errmsg *msg, const char *what)
{
    return errmsg_set(msg, ERR_SYNTAX, "%s:%d: %s", conf->path, sec->line, what);
}

static enum err
copy(struct conf *conf, const char *text, char **out, struct errmsg *msg)
{
    *out = text == NULL ? NULL : conf_strdup(conf, text);
    return text != NULL && *out == NULL
               ? errmsg_set(msg, ERR_NOMEM, "%s: out of memory", conf->path)
               : ERR_OK;
}

static enum err
read_query_log(struct conf *conf, cfg_t *sec, struct errmsg *msg)
{
    struct query_log_conf *log = &conf->query_log;
    const char *path = cfg_getstr(sec, "path");
    log->text = strcmp(cfg_getstr(sec, "format"), "text") == 0;
    log->full = strcmp(cfg_getstr(sec, "addresses"), "full") == 0;
    log->keys = strcmp(cfg_getstr(sec, "keys"), "clear") == 0;
    log->sample = (uint32_t)cfg_getint(sec, "sample");
    if (log->sample == 0)
        return fail(conf, sec, msg, "query_log: sample: use 1 to log every query, or more");
    enum err err = copy(conf, path, &log->path, msg);
    if (err == ERR_OK && path != NULL && strncmp(path, "syslog:", 7) == 0)
        err = copy(conf, path + 7, &log->facility, msg);
    return err;
}

static enum err
read_statistics(struct conf *conf, cfg_t *sec, struct errmsg *msg)
{
    struct statistics_conf *statistics = &conf->statistics;
    const char *path = cfg_getstr(sec, "path");
    statistics->prometheus = strcmp(cfg_getstr(sec, "format"), "prometheus") == 0;
    statistics->deltas = cfg_getbool(sec, "deltas") == cfg_true;
    if (confvalue_duration(cfg_getstr(sec, "every"), &statistics->every_s) < 0)
        return fail(conf, sec, msg, "statistics: every: no duration");
    if (statistics->prometheus && statistics->deltas)
        return fail(conf, sec, msg,
            "statistics: deltas: Prometheus wants sums; leave it out or use format = rbldnsd");
    if (path != NULL && conf->query_log.path != NULL && strcmp(path, conf->query_log.path) == 0)
        return fail(conf, sec, msg,
            "statistics: path is that of the query log; give each a file of its own");
    return copy(conf, path, &statistics->path, msg);
}

static enum err
read_metrics(struct conf *conf, cfg_t *sec, struct errmsg *msg)
{
    enum { DEFAULT_PORT = 9153 };
    struct metrics_conf *metrics = &conf->metrics;
    const char *path = cfg_getstr(sec, "path"), *listen = cfg_getstr(sec, "listen");
    metrics->kernel_latency = strcmp(cfg_getstr(sec, "latency"), "kernel") == 0;
    metrics->has_listen = listen != NULL;
    if (listen != NULL && confvalue_endpoint(listen, DEFAULT_PORT, &metrics->listen) < 0)
        return fail(conf, sec, msg, "metrics: listen: not an address");
    return copy(conf, path, &metrics->path, msg);
}

static enum err
read_dnstap(struct conf *conf, cfg_t *sec, struct errmsg *msg)
{
    enum { IDENTITY_MAX = 255 };
    struct dnstap_conf *dnstap = &conf->dnstap;
    const char *path = cfg_getstr(sec, "path"), *identity = cfg_getstr(sec, "identity");
    dnstap->full = strcmp(cfg_getstr(sec, "addresses"), "full") == 0;
    dnstap->sample = (uint32_t)cfg_getint(sec, "sample");
    if (dnstap->sample == 0)
        return fail(conf, sec, msg, "dnstap: sample: use 1 to tell of every query, or more");
    if (strlen(identity) > IDENTITY_MAX)
        return fail(conf, sec, msg, "dnstap: identity: use at most 255 bytes");
    enum err err = copy(conf, path, &dnstap->path, msg);
    return err < 0 ? err : copy(conf, identity, &dnstap->identity, msg);
}

enum err
conflogs_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg)
{
    enum err err = read_query_log(conf, cfg_getsec(cfg, "query_log"), msg);
    if (err == ERR_OK)
        err = read_statistics(conf, cfg_getsec(cfg, "statistics"), msg);
    if (err == ERR_OK)
        err = read_metrics(conf, cfg_getsec(cfg, "metrics"), msg);
    return err < 0 ? err : read_dnstap(conf, cfg_getsec(cfg, "dnstap"), msg);
}
