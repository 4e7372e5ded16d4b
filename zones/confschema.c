/* The configuration's settings and their checks; see confschema.h. */
#include "confschema.h"

#include <stdio.h>
#include <string.h>

#include "confvalue.h"
#include "ip.h"
#include "listtype.h"

/* The checks: each looks at the last value read into the setting. */
static const char *
last_value(cfg_opt_t *opt)
{
    unsigned n = cfg_opt_size(opt);
    const char *text = n == 0 ? NULL : cfg_opt_getnstr(opt, n - 1);
    return text != NULL ? text : "";
}

static int
check_name(cfg_t *cfg, cfg_opt_t *opt)
{
    struct dname name;
    const char *text = last_value(opt);
    if (dname_parse(text, strlen(text), &name) == ERR_OK && name.len > 1)
        return 0;
    cfg_error(cfg, "%s: \"%s\" is no domain name; write it as in DNS", opt->name, text);
    return -1;
}

static int
check_prefix(cfg_t *cfg, cfg_opt_t *opt)
{
    struct prefix prefix;
    const char *text = last_value(opt);
    enum err err = prefix_parse(text, strlen(text), false, &prefix);
    if (err == ERR_OK)
        return 0;
    cfg_error(cfg, "%s: \"%s\" is no network; write 192.0.2.0/24 or 2001:db8::/32%s", opt->name,
        text,
        prefix_parse(text, strlen(text), true, &prefix) == ERR_OK ? ", without host bits" : "");
    return -1;
}

static int
check_endpoint(cfg_t *cfg, cfg_opt_t *opt)
{
    struct endpoint endpoint;
    const char *text = last_value(opt);
    if (confvalue_endpoint(text, 53, &endpoint) == ERR_OK)
        return 0;
    cfg_error(cfg, "%s: \"%s\" is no address; write 127.0.0.1@5354 or ::1", opt->name, text);
    return -1;
}

static int
check_duration(cfg_t *cfg, cfg_opt_t *opt)
{
    uint32_t seconds;
    const char *text = last_value(opt);
    if (confvalue_duration(text, &seconds) == ERR_OK)
        return 0;
    cfg_error(cfg, "%s: \"%s\" is no duration; write 30s, 5m, 2h or 7d", opt->name, text);
    return -1;
}

static int
check_path(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *text = last_value(opt);
    if (text[0] == '/')
        return 0;
    cfg_error(cfg, "%s: \"%s\" is no whole path; begin it with /", opt->name, text);
    return -1;
}

static int
check_count(cfg_t *cfg, cfg_opt_t *opt)
{
    long n = cfg_opt_getnint(opt, 0);
    if (n >= 0 && n <= 1000000)
        return 0;
    cfg_error(cfg, "%s: %ld is out of range; use 0 to 1000000", opt->name, n);
    return -1;
}

static int
check_choice(cfg_t *cfg, cfg_opt_t *opt)
{
    static const struct {
        const char *option, *choices;
    } table[] = {{"format", " postfix zimbra maildir mbox "}, {"type", list_type_names},
        {"role", " block allow "}, {"kind", " address name pair list "}};
    const char *text = last_value(opt);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char wanted[64];
        if (strcmp(table[i].option, opt->name) != 0)
            continue;
        (void)snprintf(wanted, sizeof wanted, " %s ", text);
        if (strstr(table[i].choices, wanted) != NULL)
            return 0;
        cfg_error(cfg, "%s: \"%s\" is none of:%s; choose one", opt->name, text, table[i].choices);
        return -1;
    }
    return -1;
}

/* clang-format off */
static const struct {
    const char *path;
    cfg_validate_callback_t check;
} checks[] = {
    {"base", check_name}, {"state_dir", check_path}, {"listen", check_endpoint},
    {"udp_workers", check_count}, {"nameservers", check_name}, {"ttl", check_duration},
    {"negative_ttl", check_duration}, {"own_networks", check_prefix}, {"own_names", check_name},
    {"trusted_relays", check_prefix}, {"never_list", check_prefix}, {"resolver", check_endpoint},
    {"resolver_timeout", check_duration}, {"resolver_tries", check_count},
    {"resolver_window", check_count}, {"canary", check_name}, {"min_ttl", check_duration},
    {"max_ttl", check_duration}, {"log|path", check_path}, {"log|format", check_choice},
    {"mailstore|path", check_path}, {"mailstore|format", check_choice}, {"list|type", check_choice},
    {"list|role", check_choice}, {"list|files", check_path}, {"zone|kind", check_choice},
    {"zone|ttl", check_duration}, {"zone|negative_ttl", check_duration},
    {"zone|nameservers", check_name}, {"policy|retention", check_duration},
    {"policy|learn_sessions", check_count}, {"policy|learn_days", check_count},
    {"policy|score_threshold", check_count}, {"policy|churn_names", check_count},
    {"policy|shared_clients", check_count}, {"policy|fail_habit_domains", check_count},
    {"policy|min_sessions", check_count}, {"policy|max_new_percent", check_count},
    {"policy|max_new_floor", check_count}, {"policy|max_age", check_duration},
    {"spf|lookup_limit", check_count}, {"spf|void_limit", check_count},
    {"spf|keep", check_duration}, {"spf|domains", check_path},
};
/* clang-format on */

cfg_t *
confschema_new(void)
{
    cfg_opt_t log[] = {
        CFG_STR("path", NULL, CFGF_NODEFAULT), CFG_STR("format", "postfix", CFGF_NONE), CFG_END()};
    cfg_opt_t mailstore[] = {
        CFG_STR("path", NULL, CFGF_NODEFAULT), CFG_STR("format", "maildir", CFGF_NONE), CFG_END()};
    cfg_opt_t list[] = {CFG_STR("type", NULL, CFGF_NODEFAULT), CFG_STR("role", "block", CFGF_NONE),
        CFG_STR_LIST("files", "{}", CFGF_NONE), CFG_END()};
    cfg_opt_t zone[] = {CFG_STR("kind", NULL, CFGF_NODEFAULT),
        CFG_BOOL("enabled", cfg_false, CFGF_NODEFAULT),
        CFG_BOOL("private", cfg_false, CFGF_NODEFAULT),
        CFG_BOOL("informational", cfg_false, CFGF_NODEFAULT), CFG_STR_LIST("show", "{}", CFGF_NONE),
        CFG_STR_LIST("datasets", "{}", CFGF_NONE), CFG_STR("ttl", NULL, CFGF_NODEFAULT),
        CFG_STR("negative_ttl", NULL, CFGF_NODEFAULT), CFG_STR("url", NULL, CFGF_NODEFAULT),
        CFG_STR_LIST("nameservers", "{}", CFGF_NONE), CFG_STR("contact", NULL, CFGF_NODEFAULT),
        CFG_END()};
    cfg_opt_t policy[] = {CFG_STR("retention", "90d", CFGF_NONE),
        CFG_INT("learn_sessions", 1000, CFGF_NONE), CFG_INT("learn_days", 7, CFGF_NONE),
        CFG_INT("score_threshold", 100, CFGF_NONE), CFG_INT("churn_names", 8, CFGF_NONE),
        CFG_INT("shared_clients", 10, CFGF_NONE), CFG_INT("fail_habit_domains", 5, CFGF_NONE),
        CFG_INT("min_sessions", 5, CFGF_NONE), CFG_INT("max_new_percent", 20, CFGF_NONE),
        CFG_INT("max_new_floor", 100, CFGF_NONE), CFG_STR("max_age", "7d", CFGF_NONE), CFG_END()};
    /* The limits are those of RFC 7208 4.6.4. */
    cfg_opt_t spf[] = {CFG_INT("lookup_limit", 10, CFGF_NONE), CFG_INT("void_limit", 2, CFGF_NONE),
        CFG_STR("keep", "7d", CFGF_NONE), CFG_STR_LIST("domains", "{}", CFGF_NONE), CFG_END()};
    cfg_opt_t top[] = {CFG_STR("base", NULL, CFGF_NODEFAULT),
        CFG_STR("state_dir", NULL, CFGF_NODEFAULT),
        CFG_STR_LIST("listen", "{127.0.0.1, \"::1\"}", CFGF_NONE),
        CFG_BOOL("public", cfg_false, CFGF_NONE), CFG_STR("user", "repdns", CFGF_NONE),
        CFG_STR("group", "repdns", CFGF_NONE), CFG_INT("udp_workers", 1, CFGF_NONE),
        CFG_STR_LIST("nameservers", "{}", CFGF_NONE), CFG_STR("contact", NULL, CFGF_NODEFAULT),
        CFG_STR("ttl", NULL, CFGF_NODEFAULT), CFG_STR("negative_ttl", NULL, CFGF_NODEFAULT),
        CFG_STR("url", NULL, CFGF_NODEFAULT), CFG_STR_LIST("own_networks", NULL, CFGF_NODEFAULT),
        CFG_STR_LIST("own_names", "{}", CFGF_NONE), CFG_STR_LIST("trusted_relays", "{}", CFGF_NONE),
        CFG_STR_LIST("never_list", "{}", CFGF_NONE), CFG_STR("resolver", NULL, CFGF_NODEFAULT),
        CFG_STR("resolver_timeout", "2s", CFGF_NONE), CFG_INT("resolver_tries", 3, CFGF_NONE),
        CFG_INT("resolver_window", 256, CFGF_NONE), CFG_STR("canary", NULL, CFGF_NODEFAULT),
        CFG_STR("min_ttl", "5m", CFGF_NONE), CFG_STR("max_ttl", "1d", CFGF_NONE),
        CFG_SEC("log", log, CFGF_MULTI), CFG_SEC("mailstore", mailstore, CFGF_MULTI),
        CFG_SEC("list", list, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_SEC("zone", zone, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_SEC("policy", policy, CFGF_NONE), CFG_SEC("spf", spf, CFGF_NONE), CFG_END()};
    cfg_t *cfg = cfg_init(top, CFGF_NONE);
    for (size_t i = 0; cfg != NULL && i < sizeof checks / sizeof *checks; i++)
        (void)cfg_set_validate_func(cfg, checks[i].path, checks[i].check);
    return cfg;
}
