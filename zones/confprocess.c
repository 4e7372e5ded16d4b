/* How repdnsd's processes run; see confprocess.h. */
#include "confprocess.h"

#include <string.h>

#include "confzones.h"

static const char *const seccomp_names[] = {
    [CONF_SECCOMP_KILL] = "kill", [CONF_SECCOMP_LOG] = "log", [CONF_SECCOMP_OFF] = "off"};

enum { SECCOMP_NAMES = sizeof seccomp_names / sizeof *seccomp_names, CORE_MAX = 1023 };

/* SECCOMP_NAMES: none of them. */
static unsigned
find_seccomp(const char *text)
{
    unsigned i = 0;
    while (i < SECCOMP_NAMES && strcmp(seccomp_names[i], text) != 0)
        i++;
    return i;
}

int
confprocess_check_seccomp(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *text = cfg_opt_getnstr(opt, 0);
    if (find_seccomp(text) < SECCOMP_NAMES)
        return 0;
    cfg_error(cfg, "%s: \"%s\" is none of: kill log off; choose one", opt->name, text);
    return -1;
}

/* A processor's number; negative if it is none. */
static int
core_number(const char *text)
{
    int n = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || n > CORE_MAX)
            return -1;
        n = n * 10 + (*p - '0');
    }
    return *text == '\0' || n > CORE_MAX ? -1 : n;
}

int
confprocess_check_pin(cfg_t *cfg, cfg_opt_t *opt)
{
    unsigned last = cfg_opt_size(opt) - 1;
    const char *text = cfg_opt_getnstr(opt, last);
    bool word = last == 0 && (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0);
    /* A word stands alone. */
    if (word || (core_number(text) >= 0 && core_number(cfg_opt_getnstr(opt, 0)) >= 0))
        return 0;
    cfg_error(
        cfg, "%s: \"%s\" is no processor; use yes, no, or numbers as {0, 2}", opt->name, text);
    return -1;
}

enum err
confprocess_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg)
{
    struct process_conf *process = &conf->process;
    unsigned count = cfg_size(cfg, "pin");
    const char *first = count > 0 ? cfg_getnstr(cfg, "pin", 0) : "no";
    process->seccomp = (enum conf_seccomp)find_seccomp(cfg_getstr(cfg, "seccomp"));
    process->freebind = cfg_getbool(cfg, "freebind") == cfg_true;
    process->pin = strcmp(first, "no") != 0;
    if (core_number(first) < 0)
        return ERR_OK;
    process->cores = conf_alloc(conf, count * sizeof *process->cores);
    if (process->cores == NULL)
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", conf->path);
    for (unsigned i = 0; i < count; i++)
        process->cores[i] = (uint16_t)core_number(cfg_getnstr(cfg, "pin", i));
    process->core_count = count;
    return ERR_OK;
}
