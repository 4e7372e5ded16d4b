/*
 * Reading the configuration file; see zoneconf.h. libconfuse's schema (confschema.c) says what is
 * there, a check beside each setting says what it may hold, so that every error has the line it
 * stands in.
 */
#include "zoneconf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "combined.h"
#include "confgate.h"
#include "conflogs.h"
#include "confpolicy.h"
#include "confprocess.h"
#include "confprotocol.h"
#include "confschema.h"
#include "confvalue.h"
#include "confzones.h"

enum { FILE_MAX = 1 << 20 };

struct conf_block {
    struct conf_block *next;
    max_align_t data[];
};

/* libconfuse's error function gets no context of its caller's, and of a section without a title no
 * name of the file; set for the time of a load. */
static _Thread_local struct errmsg *error_sink;
static _Thread_local const char *error_path;

/* What to do about what the library itself says. */
static const char *
advice_on(const char *what)
{
    static const struct {
        const char *part, *advice;
    } advices[] = {{"boolean value", "; write yes or no"}, {"integer value", "; write a number"},
        {"duplicate title", "; give each its own"}, {";", ""}};
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (strstr(what, advices[i].part) != NULL)
            return advices[i].advice;
    return "; see repdns.conf(5)";
}

static void PRINTF_LIKE(2, 0) on_error(cfg_t *cfg, const char *format, va_list args)
{
    struct errmsg what;
    if (error_sink == NULL || error_sink->text[0] != '\0')
        return; /* the first error is the one to mend */
    (void)vsnprintf(what.text, sizeof what.text, format, args);
    (void)errmsg_set(error_sink, ERR_SYNTAX, "%s:%d: %.800s%s", error_path, cfg->line, what.text,
        advice_on(what.text));
}

void *
conf_alloc(struct conf *conf, size_t size)
{
    struct conf_block *block = calloc(1, sizeof *block + size + 1);
    if (block == NULL)
        return NULL;
    block->next = conf->blocks;
    conf->blocks = block;
    return block->data;
}

char *
conf_strdup(struct conf *conf, const char *text)
{
    char *copy = conf_alloc(conf, strlen(text) + 1);
    return copy == NULL ? NULL : strcpy(copy, text);
}

/* What the reading functions share. */
struct loading {
    cfg_t *cfg;
    struct conf *conf;
    struct errmsg *msg;
};

static enum err
fail(const struct loading *l, int line, const char *what)
{
    return errmsg_set(l->msg, ERR_SYNTAX, "%s:%d: %s", l->conf->path, line, what);
}

static enum err
no_memory(const struct loading *l)
{
    return errmsg_set(l->msg, ERR_NOMEM, "%s: out of memory", l->conf->path);
}

static enum err
read_prefixes(const struct loading *l, const char *option, unsigned *count, struct prefix **out)
{
    *count = cfg_size(l->cfg, option);
    *out = conf_alloc(l->conf, *count * sizeof **out);
    if (*out == NULL)
        return no_memory(l);
    for (unsigned i = 0; i < *count; i++) {
        const char *text = cfg_getnstr(l->cfg, option, i);
        if (prefix_parse(text, strlen(text), false, &(*out)[i]) < 0)
            return fail(l, l->cfg->line, "not a network");
    }
    return ERR_OK;
}

static enum err
read_names(const struct loading *l, const char *option, unsigned *count, struct dname **out)
{
    *count = cfg_size(l->cfg, option);
    *out = conf_alloc(l->conf, *count * sizeof **out);
    if (*out == NULL)
        return no_memory(l);
    for (unsigned i = 0; i < *count; i++) {
        const char *text = cfg_getnstr(l->cfg, option, i);
        if (dname_parse(text, strlen(text), &(*out)[i]) < 0)
            return fail(l, l->cfg->line, "not a domain name");
    }
    return ERR_OK;
}

/* A duration that the check has passed. */
static uint32_t
duration(cfg_t *cfg, const char *option)
{
    uint32_t seconds = 0;
    return confvalue_duration(cfg_getstr(cfg, option), &seconds) == ERR_OK ? seconds : 0;
}

static enum err
read_paths(const struct loading *l)
{
    struct conf *conf = l->conf;
    static const char *const files[] = {"answers.mdb", "history.mdb", "lists.mdb"};
    char **paths[] = {&conf->answers_path, &conf->history_path, &conf->lists_path};
    const char *dir = cfg_getstr(l->cfg, "state_dir");
    if (dir == NULL)
        return fail(l, l->cfg->line, "state_dir is missing; give the folder of the stores");
    conf->state_dir = conf_strdup(conf, dir);
    conf->user = conf_strdup(conf, cfg_getstr(l->cfg, "user"));
    conf->group = conf_strdup(conf, cfg_getstr(l->cfg, "group"));
    if (conf->state_dir == NULL || conf->user == NULL || conf->group == NULL)
        return no_memory(l);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        size_t n = strlen(dir) + strlen(files[i]) + 2;
        *paths[i] = conf_alloc(conf, n);
        if (*paths[i] == NULL)
            return no_memory(l);
        (void)snprintf(*paths[i], n, "%s/%s", dir, files[i]);
    }
    return ERR_OK;
}

static enum err
read_server(const struct loading *l)
{
    struct conf *conf = l->conf;
    const char *base = cfg_getstr(l->cfg, "base");
    if (base == NULL)
        return fail(l, l->cfg->line, "base is missing; give the name that the zones lie below");
    if (dname_parse(base, strlen(base), &conf->base) < 0)
        return fail(l, l->cfg->line, "base: not a domain name");
    conf->public = cfg_getbool(l->cfg, "public") == cfg_true;
    conf->retired = cfg_getbool(l->cfg, "retired") == cfg_true;
    conf->strict_rbldnsd = cfg_getbool(l->cfg, "strict_rbldnsd") == cfg_true;
    conf->version = conf_strdup(conf, cfg_getstr(l->cfg, "version"));
    if (conf->version == NULL)
        return no_memory(l);
    conf->udp_workers = (uint16_t)cfg_getint(l->cfg, "udp_workers");
    conf->listen_count = cfg_size(l->cfg, "listen");
    if (conf->listen_count == 0 || conf->listen_count > 64)
        return fail(l, l->cfg->line, "listen: give 1 to 64 addresses");
    conf->listen = conf_alloc(conf, conf->listen_count * sizeof *conf->listen);
    if (conf->listen == NULL)
        return no_memory(l);
    for (unsigned i = 0; i < conf->listen_count; i++)
        if (confvalue_endpoint(cfg_getnstr(l->cfg, "listen", i), 53, &conf->listen[i]) < 0)
            return fail(l, l->cfg->line, "listen: not an address");
    return ERR_OK;
}

static enum err
read_resolver(const struct loading *l)
{
    struct conf *conf = l->conf;
    const char *resolver = cfg_getstr(l->cfg, "resolver");
    const char *canary = cfg_getstr(l->cfg, "canary");
    conf->has_resolver = resolver != NULL;
    if (resolver != NULL && confvalue_endpoint(resolver, 53, &conf->resolver) < 0)
        return fail(l, l->cfg->line, "resolver: not an address");
    conf->has_canary = canary != NULL;
    if (canary != NULL && dname_parse(canary, strlen(canary), &conf->canary) < 0)
        return fail(l, l->cfg->line, "canary: not a domain name");
    conf->resolver_timeout_ms = duration(l->cfg, "resolver_timeout") * 1000;
    conf->resolver_tries = (uint32_t)cfg_getint(l->cfg, "resolver_tries");
    conf->resolver_window = (uint32_t)cfg_getint(l->cfg, "resolver_window");
    if (conf->resolver_timeout_ms == 0 || conf->resolver_timeout_ms > 60000 ||
        conf->resolver_tries == 0 || conf->resolver_tries > 10 || conf->resolver_window == 0 ||
        conf->resolver_window > 4096)
        return fail(l, l->cfg->line,
            "resolver: use a time-out of 1s to 60s, 1 to 10 tries, a window of 1 to 4096");
    conf->min_ttl_s = duration(l->cfg, "min_ttl");
    conf->max_ttl_s = duration(l->cfg, "max_ttl");
    if (conf->min_ttl_s > conf->max_ttl_s)
        return fail(l, l->cfg->line, "min_ttl is more than max_ttl; swap them");
    return ERR_OK;
}

static enum err
read_traps(const struct loading *l)
{
    struct conf *conf = l->conf;
    conf->trap_count = cfg_size(l->cfg, "traps");
    conf->traps = conf_alloc(conf, conf->trap_count * sizeof *conf->traps);
    if (conf->traps == NULL)
        return no_memory(l);
    for (unsigned i = 0; i < conf->trap_count; i++) {
        const char *text = cfg_getnstr(l->cfg, "traps", i);
        size_t n = strlen(text) + 1;
        conf->traps[i] = conf_alloc(conf, n);
        if (conf->traps[i] == NULL)
            return no_memory(l);
        memcpy(conf->traps[i], text, n);
    }
    return ERR_OK;
}

static enum err
read_networks(const struct loading *l)
{
    struct conf *conf = l->conf;
    conf->own_networks_set = cfg_size(l->cfg, "own_networks") > 0;
    enum err err = read_prefixes(l, "own_networks", &conf->own_network_count, &conf->own_networks);
    if (err == ERR_OK)
        err = read_prefixes(l, "trusted_relays", &conf->trusted_relay_count, &conf->trusted_relays);
    if (err == ERR_OK)
        err = read_prefixes(l, "never_list", &conf->never_count, &conf->never_list);
    if (err == ERR_OK)
        err = read_names(l, "own_names", &conf->own_name_count, &conf->own_names);
    return err < 0 ? err : read_traps(l);
}

static enum err
read_policy(const struct loading *l)
{
    cfg_t *cfg = cfg_getsec(l->cfg, "policy");
    struct policy *policy = &l->conf->policy;
    const struct {
        const char *option;
        uint32_t *out;
    } numbers[] = {{"learn_sessions", &policy->learn_sessions}, {"learn_days", &policy->learn_days},
        {"score_threshold", &policy->score_threshold}, {"churn_names", &policy->churn_names},
        {"shared_clients", &policy->shared_clients},
        {"fail_habit_domains", &policy->fail_habit_domains},
        {"min_sessions", &policy->min_sessions}, {"max_new_percent", &policy->max_new_percent},
        {"max_new_floor", &policy->max_new_floor}, {"max_addresses", &policy->max_addresses},
        {"list_sessions", &policy->list_sessions}, {"list_days", &policy->list_days},
        {"complaints", &policy->complaints}, {"reports_per_day", &policy->reports_per_day}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i].out = (uint32_t)cfg_getint(cfg, numbers[i].option);
    policy->retention_days = duration(cfg, "retention") / 86400;
    policy->half_life_days = duration(cfg, "half_life") / 86400;
    policy->max_age_s = duration(cfg, "max_age");
    if (cfg_getstr(cfg, "weights") != NULL) {
        policy->weights = conf_strdup(l->conf, cfg_getstr(cfg, "weights"));
        if (policy->weights == NULL)
            return fail(l, cfg->line, "out of memory");
    }
    if (policy->retention_days == 0)
        return fail(l, cfg->line, "retention: at least 1d is needed");
    return policy->half_life_days > 0 ? ERR_OK
                                      : fail(l, cfg->line, "half_life: at least 1d is needed");
}

static enum err
read_sources(const struct loading *l)
{
    struct conf *conf = l->conf;
    conf->log_count = cfg_size(l->cfg, "log");
    conf->mailstore_count = cfg_size(l->cfg, "mailstore");
    conf->logs = conf_alloc(conf, conf->log_count * sizeof *conf->logs);
    conf->mailstores = conf_alloc(conf, conf->mailstore_count * sizeof *conf->mailstores);
    if (conf->logs == NULL || conf->mailstores == NULL)
        return no_memory(l);
    for (unsigned i = 0; i < conf->log_count + conf->mailstore_count; i++) {
        bool log = i < conf->log_count;
        unsigned k = log ? i : i - conf->log_count;
        cfg_t *sec = cfg_getnsec(l->cfg, log ? "log" : "mailstore", k);
        const char *path = cfg_getstr(sec, "path"), *format = cfg_getstr(sec, "format");
        enum log_format log_format = LOG_POSTFIX;
        if (path == NULL)
            return fail(l, sec->line, "path is missing; say where to read from");
        bool mbox = strcmp(format, "mbox") == 0;
        if (log ? !log_format_find(format, &log_format) : !mbox && strcmp(format, "maildir") != 0)
            return fail(l, sec->line, "format: write one format only");
        char *copy = conf_strdup(conf, path);
        if (copy == NULL)
            return no_memory(l);
        unsigned line = (unsigned)sec->line;
        if (log)
            conf->logs[k] = (struct log_source){copy, log_format, line};
        else
            conf->mailstores[k] =
                (struct mailstore){copy, mbox ? MAILSTORE_MBOX : MAILSTORE_MAILDIR, line};
    }
    return ERR_OK;
}

static enum err
read_strings(const struct loading *l, cfg_t *sec, const char *option, unsigned *count, char ***out)
{
    *count = cfg_size(sec, option);
    *out = conf_alloc(l->conf, (*count + 1) * sizeof **out);
    if (*out == NULL)
        return no_memory(l);
    for (unsigned i = 0; i < *count; i++) {
        (*out)[i] = conf_strdup(l->conf, cfg_getnstr(sec, option, i));
        if ((*out)[i] == NULL)
            return no_memory(l);
    }
    return ERR_OK;
}

static enum err
read_spf(const struct loading *l)
{
    cfg_t *cfg = cfg_getsec(l->cfg, "spf");
    struct spf_conf *spf = &l->conf->spf;
    spf->lookup_limit = (uint32_t)cfg_getint(cfg, "lookup_limit");
    spf->void_limit = (uint32_t)cfg_getint(cfg, "void_limit");
    spf->keep_s = duration(cfg, "keep");
    if (spf->lookup_limit > 20 || spf->void_limit > 20)
        return fail(l, cfg->line, "spf: use limits of 0 to 20");
    if (spf->keep_s != 0 && spf->keep_s < 2 * 86400)
        return fail(l, cfg->line, "spf: keep: use at least 2d, or 0 for no limit");
    return read_strings(l, cfg, "domains", &spf->file_count, &spf->files);
}

static enum err
read_list(const struct loading *l, cfg_t *sec, struct list_source *out)
{
    const char *title = cfg_title(sec), *type = cfg_getstr(sec, "type");
    out->line = (unsigned)sec->line;
    if (!confvalue_dataset_name(title) || strncmp(title, "judged.", 7) == 0)
        return errmsg_set(l->msg, ERR_SYNTAX,
            "%s:%d: list \"%s\": use a name of [a-z0-9_.-], not beginning with \"judged.\"",
            l->conf->path, sec->line, title);
    strcpy(out->name, title);
    if (type == NULL)
        return errmsg_set(l->msg, ERR_SYNTAX, "%s:%d: type is missing; one of%sis needed",
            l->conf->path, sec->line, list_type_names);
    if (!list_type_find(type, &out->type))
        return fail(l, sec->line, "type: write one type only");
    out->role = strcmp(cfg_getstr(sec, "role"), "allow") == 0 ? LIST_ALLOW : LIST_BLOCK;
    if (out->role == LIST_ALLOW && !list_type_lists(out->type))
        return fail(l, sec->line, "role: only a list of addresses or names can be an allow list");
    if (out->type == LIST_COMBINED && strlen(title) > COMBINED_NAME_MAX)
        return fail(l, sec->line, "list: the name of a combined list has at most 60 bytes");
    out->max_change = (uint32_t)cfg_getint(sec, "max_change");
    out->max_change_floor = (uint32_t)cfg_getint(sec, "max_change_floor");
    out->host_bits = cfg_getbool(sec, "host_bits") == cfg_true;
    out->keep_cr = cfg_getbool(l->cfg, "strict_rbldnsd") == cfg_true;
    if (confvalue_duration(cfg_getstr(sec, "min_ttl"), &out->min_ttl_s) < 0 ||
        confvalue_duration(cfg_getstr(sec, "max_ttl"), &out->max_ttl_s) < 0)
        return fail(l, (int)out->line, "list: min_ttl, max_ttl: no duration");
    if (out->max_ttl_s != 0 && out->min_ttl_s > out->max_ttl_s)
        return fail(l, (int)out->line, "list: min_ttl is larger than max_ttl; exchange them");
    if (cfg_size(sec, "files") == 0)
        return fail(l, sec->line, "files is empty; name at least one");
    return read_strings(l, sec, "files", &out->file_count, &out->files);
}

static enum err
read_lists(const struct loading *l)
{
    l->conf->list_count = cfg_size(l->cfg, "list");
    l->conf->lists = conf_alloc(l->conf, l->conf->list_count * sizeof *l->conf->lists);
    enum err err = l->conf->lists == NULL ? no_memory(l) : ERR_OK;
    for (unsigned i = 0; i < l->conf->list_count && err == ERR_OK; i++)
        err = read_list(l, cfg_getnsec(l->cfg, "list", i), &l->conf->lists[i]);
    return err;
}

static const char *const *
text_list(const struct loading *l, cfg_t *sec, const char *option, unsigned *count)
{
    *count = cfg_size(sec, option);
    const char **out = conf_alloc(l->conf, (*count + 1) * sizeof *out);
    for (unsigned i = 0; out != NULL && i < *count; i++)
        out[i] = cfg_getnstr(sec, option, i);
    return out;
}

/* -1: the file does not say. */
static int
flag(cfg_t *sec, const char *option)
{
    return cfg_size(sec, option) == 0 ? -1 : cfg_getbool(sec, option) == cfg_true;
}

static enum err
read_zones(const struct loading *l)
{
    unsigned count = cfg_size(l->cfg, "zone");
    struct zone_text *texts = conf_alloc(l->conf, (count + 1) * sizeof *texts);
    if (texts == NULL)
        return no_memory(l);
    for (unsigned i = 0; i <= count; i++) {
        bool top = i == count;
        cfg_t *sec = top ? l->cfg : cfg_getnsec(l->cfg, "zone", i);
        struct zone_text *text = &texts[i];
        text->line = (unsigned)sec->line;
        text->ttl = cfg_getstr(sec, "ttl");
        text->negative_ttl = cfg_getstr(sec, "negative_ttl");
        text->url = cfg_getstr(sec, "url");
        text->contact = cfg_getstr(sec, "contact");
        text->ns = text_list(l, sec, "nameservers", &text->ns_count);
        text->acl = text_list(l, sec, "acl", &text->acl_count);
        if (text->ns == NULL || text->acl == NULL)
            return no_memory(l);
        if (top)
            continue;
        text->title = cfg_title(sec);
        text->kind = cfg_getstr(sec, "kind");
        text->enabled = flag(sec, "enabled");
        text->private = flag(sec, "private");
        text->informational = flag(sec, "informational");
        text->authority_data = strcmp(cfg_getstr(sec, "authority"), "data") == 0;
        text->ns_in_answers = cfg_getbool(sec, "ns_in_answers") == cfg_true;
        text->keyed = cfg_getbool(sec, "keyed") == cfg_true;
        text->errors = cfg_getstr(sec, "errors");
        text->sixtofour = cfg_getbool(sec, "sixtofour") == cfg_true;
        text->show = text_list(l, sec, "show", &text->show_count);
        text->datasets = text_list(l, sec, "datasets", &text->dataset_count);
        if (text->show == NULL || text->datasets == NULL)
            return no_memory(l);
    }
    return confzones_make(l->conf, &texts[count], texts, count, l->msg);
}

static enum err
read_logs(const struct loading *l)
{
    return conflogs_read(l->conf, l->cfg, l->msg);
}

static enum err
read_process(const struct loading *l)
{
    return confprocess_read(l->conf, l->cfg, l->msg);
}

static enum err
read_gate(const struct loading *l)
{
    return confgate_read(l->conf, l->cfg, l->msg);
}

static enum err
read_protocol(const struct loading *l)
{
    return confprotocol_read(l->conf, l->cfg, l->msg);
}

static enum err
read_policy_service(const struct loading *l)
{
    return confpolicy_read(l->conf, l->cfg, l->msg);
}

static enum err
read_all(const struct loading *l)
{
    static enum err (*const readers[])(const struct loading *) = {read_server, read_paths,
        read_resolver, read_networks, read_sources, read_lists, read_zones, read_policy, read_spf,
        read_logs, read_process, read_gate, read_protocol, read_policy_service};
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof readers / sizeof *readers && err == ERR_OK; i++)
        err = readers[i](l);
    return err;
}

static enum err
parse(const char *path, cfg_t *cfg, struct errmsg *msg)
{
    struct stat st;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errmsg_set(msg, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s: %s; %s", path,
            strerror(errno),
            errno == EACCES ? "let this user read it" : "name the configuration file with -c");
    if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        (void)fclose(file);
        return errmsg_set(msg, ERR_IO, "%s: no configuration: not a file of at most 1 MiB", path);
    }
    unsigned line = confvalue_unclosed(file);
    if (line != 0) {
        (void)fclose(file);
        return errmsg_set(
            msg, ERR_SYNTAX, "%s:%u: the { of this line is never closed; add a }", path, line);
    }
    rewind(file);
    free(cfg->filename);
    cfg->filename = strdup(path);
    (void)cfg_set_error_function(cfg, on_error);
    if (msg != NULL)
        msg->text[0] = '\0';
    error_sink = msg;
    error_path = path;
    int rc = cfg_parse_fp(cfg, file);
    error_sink = NULL;
    error_path = NULL;
    (void)fclose(file);
    if (rc == CFG_SUCCESS)
        return ERR_OK;
    /* The library has no words for a byte 0 and the like. */
    return msg == NULL || msg->text[0] != '\0'
               ? ERR_SYNTAX
               : errmsg_set(msg, ERR_SYNTAX,
                     "%s:%d: no text; write the file anew from this line on", path, cfg->line);
}

enum err
conf_load(const char *path, struct conf **out, struct errmsg *msg)
{
    *out = calloc(1, sizeof **out);
    cfg_t *cfg = confschema_new();
    if (*out == NULL || cfg == NULL) {
        free(*out);
        *out = NULL;
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", path);
    }
    struct loading l = {.cfg = cfg, .conf = *out, .msg = msg};
    enum err err = parse(path, cfg, msg);
    if (err == ERR_OK) {
        (*out)->path = conf_strdup(*out, path);
        err = (*out)->path == NULL ? ERR_NOMEM : read_all(&l);
    }
    (void)cfg_free(cfg);
    if (err < 0)
        conf_free(out);
    return err;
}

void
conf_free(struct conf **conf)
{
    if (*conf == NULL)
        return;
    while ((*conf)->blocks != NULL) {
        struct conf_block *block = (*conf)->blocks;
        (*conf)->blocks = block->next;
        free(block);
    }
    free(*conf);
    *conf = NULL;
}
