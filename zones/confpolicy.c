/* The section policy_service; see confpolicy.h. */
#include "confpolicy.h"

#include "confvalue.h"
#include "confzones.h"

enum { TIMEOUT_MOST_S = 30, RULES_MAX = POLICY_RULES_MAX };

static const struct {
    const char *name, *text;
} checks[] = {
#define POLICY_CHECK(id, name, text) {name, text},
#include "policychecks.def"
#undef POLICY_CHECK
};

const char *
policy_check_name(enum policy_check check)
{
    return checks[check].name;
}

const char *
policy_check_text(enum policy_check check)
{
    return checks[check].text;
}

static enum err
fail(const struct conf *conf, const cfg_t *sec, struct errmsg *msg, const char *what)
{
    return errmsg_set(msg, ERR_SYNTAX, "%s:%d: policy_service: %s", conf->path, sec->line, what);
}

/* The value of one of several words, -1 for none of them. */
static int
word(const char *text, const char *const *words, unsigned count)
{
    for (unsigned i = 0; text != NULL && i < count; i++)
        if (strcmp(words[i], text) == 0)
            return (int)i;
    return -1;
}

/* What a zone is asked for unless the rule says: the shipped zone helo has HELO names. */
static enum policy_ask
default_ask(const struct conf *conf, const struct zone_def *zone)
{
    static const struct dname helo = {6, "\004helo"};
    struct dname label;
    if (zone->kind == ZONE_PAIR)
        return POLICY_ASK_PAIR;
    if (zone->kind != ZONE_NAME)
        return POLICY_ASK_CLIENT;
    if (!dname_under(&zone->apex, &conf->base))
        return POLICY_ASK_SENDER;
    dname_relative(&zone->apex, &conf->base, &label);
    return dname_equal(&label, &helo) ? POLICY_ASK_HELO : POLICY_ASK_SENDER;
}

/* What lists: RFC 5782 2.3, less what is known to be errors. */
static struct prefix
default_code(void)
{
    const struct ip first = ip_from_v4(0x7f000000);
    return prefix_of(&first, 16);
}

static enum err
read_codes(struct conf *conf, cfg_t *sec, struct policy_rule *rule, struct errmsg *msg)
{
    rule->code_count = cfg_size(sec, "codes");
    rule->codes = conf_alloc(conf, (rule->code_count + 1) * sizeof *rule->codes);
    if (rule->codes == NULL)
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", conf->path);
    if (rule->code_count == 0) {
        /* It has a record of every client: good ones would be refused. */
        if (rule->zone->informational)
            return fail(
                conf, sec, msg, "the zone tells of good ones too; name the codes that count");
        rule->codes[rule->code_count++] = default_code();
        return ERR_OK;
    }
    for (unsigned i = 0; i < rule->code_count; i++) {
        const char *text = cfg_getnstr(sec, "codes", i);
        if (prefix_parse(text, strlen(text), false, &rule->codes[i]) < 0)
            return fail(conf, sec, msg, "codes: no network");
    }
    return ERR_OK;
}

static enum err
read_rule(struct conf *conf, cfg_t *sec, struct policy_rule *rule, struct errmsg *msg)
{
    static const char *const actions[] = {"dunno", "prepend", "defer", "reject"};
    static const char *const asks[] = {"client", "sender", "helo", "pair"};
    const char *title = cfg_title(sec);
    struct dname apex;
    int action = word(cfg_getstr(sec, "action"), actions, 4);
    rule->action = action < 0 ? POLICY_DUNNO : (enum policy_action)action;
    for (unsigned i = 0; i < POLICY_CHECK_COUNT; i++)
        if (strcmp(checks[i].name, title) == 0) {
            rule->check = (enum policy_check)i;
            return ERR_OK;
        }
    if (confzones_apex(conf, title, &apex) == ERR_OK)
        for (unsigned i = 0; i < conf->zone_count; i++)
            if (dname_equal(&conf->zones[i].apex, &apex))
                rule->zone = &conf->zones[i];
    if (rule->zone == NULL)
        return fail(
            conf, sec, msg, "a rule is of a zone of this file or of a check; see repdns(1)");
    if (!rule->zone->enabled)
        return fail(conf, sec, msg, "a rule's zone is not served; give it enabled = yes");
    int ask = word(cfg_getstr(sec, "ask"), asks, 4);
    rule->ask = ask < 0 ? default_ask(conf, rule->zone) : (enum policy_ask)ask;
    return read_codes(conf, sec, rule, msg);
}

/* Every zone that is there to be blocked by, as shipped. */
static enum err
default_rules(struct conf *conf, struct policy_service_conf *service, struct errmsg *msg)
{
    static const char *const labels[] = {"ip", "dom", "helo", "pair"};
    struct prefix *codes = conf_alloc(conf, sizeof *codes);
    service->rules = conf_alloc(conf, (4 + POLICY_CHECK_COUNT) * sizeof *service->rules);
    if (codes == NULL || service->rules == NULL)
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", conf->path);
    *codes = default_code();
    for (unsigned i = 0; i < 4; i++) {
        struct dname apex;
        if (confzones_apex(conf, labels[i], &apex) < 0)
            return errmsg_set(msg, ERR_RANGE, "%s: base is too long", conf->path);
        for (unsigned k = 0; k < conf->zone_count; k++)
            if (dname_equal(&conf->zones[k].apex, &apex) && conf->zones[k].enabled)
                service->rules[service->rule_count++] =
                    (struct policy_rule){.zone = &conf->zones[k],
                        .ask = default_ask(conf, &conf->zones[k]),
                        .action = POLICY_REJECT,
                        .code_count = 1,
                        .codes = codes};
    }
    for (unsigned i = 0; i < POLICY_CHECK_COUNT; i++)
        service->rules[service->rule_count++] =
            (struct policy_rule){.check = (enum policy_check)i, .action = POLICY_PREPEND};
    return ERR_OK;
}

static enum err
read_rules(struct conf *conf, cfg_t *sec, struct policy_service_conf *service, struct errmsg *msg)
{
    enum err err = ERR_OK;
    service->rule_count = cfg_size(sec, "rule");
    if (service->rule_count == 0)
        return default_rules(conf, service, msg);
    if (service->rule_count > RULES_MAX)
        return fail(conf, sec, msg, "too many rules; use at most 32");
    service->rules = conf_alloc(conf, service->rule_count * sizeof *service->rules);
    if (service->rules == NULL)
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", conf->path);
    for (unsigned i = 0; i < service->rule_count && err == ERR_OK; i++)
        err = read_rule(conf, cfg_getnsec(sec, "rule", i), &service->rules[i], msg);
    return err;
}

enum err
confpolicy_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg)
{
    cfg_t *sec = cfg_getsec(cfg, "policy_service");
    struct policy_service_conf *service = &conf->policy_service;
    service->header = cfg_getbool(sec, "header") == cfg_true;
    if (confvalue_duration(cfg_getstr(sec, "timeout"), &service->timeout_s) < 0 ||
        service->timeout_s == 0 || service->timeout_s > TIMEOUT_MOST_S)
        return fail(conf, sec, msg, "timeout: use 1s to 30s");
    service->listen_count = cfg_size(sec, "listen");
    service->listen = conf_alloc(conf, (service->listen_count + 1) * sizeof *service->listen);
    for (unsigned i = 0; service->listen != NULL && i < service->listen_count; i++) {
        service->listen[i] = conf_strdup(conf, cfg_getnstr(sec, "listen", i));
        if (service->listen[i] == NULL)
            service->listen = NULL;
    }
    if (service->listen == NULL)
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", conf->path);
    return read_rules(conf, sec, service, msg);
}
