/* The sections rate_limit, cookies and keys; see confgate.h. */
#include "confgate.h"

#include <stdio.h>

#include "confzones.h"

enum { RESPONSES = 50, TABLE_LEAST = 1024, TABLE_MOST = 1 << 24, EXEMPT_MOST = 64 };

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
read_numbers(struct conf *conf, cfg_t *sec, struct errmsg *msg)
{
    struct rate_conf *rate = &conf->rate;
    const struct {
        const char *option;
        long least, most;
        uint32_t *out;
    } numbers[] = {{"nodata", 0, RATE_MOST, &rate->nodata},
        {"nxdomains", 0, RATE_MOST, &rate->nxdomains}, {"errors", 0, RATE_MOST, &rate->errors},
        {"all", 0, RATE_MOST, &rate->all}, {"window", 1, RATE_WINDOW_MOST, &rate->window_s},
        {"slip", 0, RATE_SLIP_MOST, &rate->slip}, {"prefix4", 1, 32, &rate->prefix4},
        {"prefix6", 1, 128, &rate->prefix6}, {"table", TABLE_LEAST, TABLE_MOST, &rate->table},
        {"responses", 0, RATE_MOST, &rate->responses}};
    /* rbldnsd limits nobody. */
    rate->responses = conf->strict_rbldnsd ? 0 : RESPONSES;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (cfg_size(sec, numbers[i].option) == 0)
            continue;
        long n = cfg_getint(sec, numbers[i].option);
        if (n < numbers[i].least || n > numbers[i].most)
            return errmsg_set(msg, ERR_RANGE, "%s:%d: rate_limit: %s: use %ld to %ld", conf->path,
                sec->line, numbers[i].option, numbers[i].least, numbers[i].most);
        *numbers[i].out = (uint32_t)n;
    }
    rate->log_only = cfg_getbool(sec, "log_only") == cfg_true;
    return ERR_OK;
}

static enum err
read_exempt(struct conf *conf, cfg_t *sec, struct errmsg *msg)
{
    struct rate_conf *rate = &conf->rate;
    rate->exempt_count = cfg_size(sec, "exempt");
    if (rate->exempt_count > EXEMPT_MOST)
        return fail(conf, sec, msg, "rate_limit: exempt: name at most 64 networks");
    rate->exempt = conf_alloc(conf, rate->exempt_count * sizeof *rate->exempt);
    if (rate->exempt == NULL)
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", conf->path);
    for (unsigned i = 0; i < rate->exempt_count; i++) {
        const char *text = cfg_getnstr(sec, "exempt", i);
        if (prefix_parse(text, strlen(text), false, &rate->exempt[i]) < 0)
            return fail(conf, sec, msg, "rate_limit: exempt: not a network");
    }
    return ERR_OK;
}

static enum err
read_cookies(struct conf *conf, cfg_t *sec, struct errmsg *msg)
{
    struct cookie_conf *cookies = &conf->cookies;
    cookies->enabled = cfg_getbool(sec, "enabled") == cfg_true && !conf->strict_rbldnsd;
    cookies->badcookie = cfg_getbool(sec, "badcookie") == cfg_true;
    return copy(conf, cfg_getstr(sec, "secrets"), &cookies->path, msg);
}

static enum err
read_keys(struct conf *conf, cfg_t *sec, struct errmsg *msg)
{
    const char *state = cfg_getstr(sec, "state");
    char beside[4096];
    (void)snprintf(beside, sizeof beside, "%s/quotas", conf->state_dir);
    enum err err = copy(conf, cfg_getstr(sec, "file"), &conf->keys.path, msg);
    if (err == ERR_OK)
        err = copy(conf, state != NULL ? state : beside, &conf->keys.state_path, msg);
    for (unsigned i = 0; i < conf->zone_count && err == ERR_OK; i++)
        if (conf->zones[i].keyed && conf->keys.path == NULL)
            err = errmsg_set(msg, ERR_NOTFOUND,
                "%s:%u: keyed: there are no keys; name their file in a section keys", conf->path,
                conf->zones[i].line);
    return err;
}

enum err
confgate_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg)
{
    cfg_t *rate = cfg_getsec(cfg, "rate_limit");
    enum err err = read_numbers(conf, rate, msg);
    if (err == ERR_OK)
        err = read_exempt(conf, rate, msg);
    if (err == ERR_OK)
        err = read_cookies(conf, cfg_getsec(cfg, "cookies"), msg);
    return err < 0 ? err : read_keys(conf, cfg_getsec(cfg, "keys"), msg);
}
