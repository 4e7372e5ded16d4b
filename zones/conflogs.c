/* The sections query_log and statistics; see conflogs.h. */
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
    return copy(conf, path, &log->path, msg);
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

enum err
conflogs_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg)
{
    enum err err = read_query_log(conf, cfg_getsec(cfg, "query_log"), msg);
    return err < 0 ? err : read_statistics(conf, cfg_getsec(cfg, "statistics"), msg);
}
