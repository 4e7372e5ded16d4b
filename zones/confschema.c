/* The configuration's settings and their checks; see confschema.h. */
#include "confschema.h"

#include <stdio.h>
#include <string.h>

#include "confprocess.h"
#include "confvalue.h"
#include "ip.h"
#include "listtype.h"
#include "log.h"
#include "logformat.h"

enum { VERSION_MAX = 255 /* a character-string, RFC 1035 3.3 */ };

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
    if (dname_parse(text, strlen(text), &name) == ERR_OK && name.len > 1 &&
        strpbrk(text, " \t\r\n") == NULL)
        return 0;
    cfg_error(cfg, "%s: \"%s\" is no domain name; write it as in DNS", opt->name, text);
    return -1;
}

/* "user@domain" or "@domain". */
static int
check_mailbox(cfg_t *cfg, cfg_opt_t *opt)
{
    struct dname name;
    const char *text = last_value(opt), *at = strrchr(text, '@');
    if (at != NULL && dname_parse(at + 1, strlen(at + 1), &name) == ERR_OK && name.len > 1)
        return 0;
    cfg_error(cfg, "%s: \"%s\" is no address; write user@domain or @domain", opt->name, text);
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

/* A socket's path, or an address with its port. */
static int
check_service_listen(cfg_t *cfg, cfg_opt_t *opt)
{
    struct endpoint endpoint;
    const char *text = last_value(opt);
    if (text[0] == '/' ||
        (strchr(text, '@') != NULL && confvalue_endpoint(text, 0, &endpoint) == ERR_OK))
        return 0;
    cfg_error(cfg,
        "%s: \"%s\" is no socket; write 127.0.0.1@10040 or /var/spool/postfix/private/NAME",
        opt->name, text);
    return -1;
}

/* Standard output and syslog too. */
static int
check_log_path(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *text = last_value(opt);
    if (strcmp(text, "-") == 0)
        return 0;
    if (strncmp(text, "syslog:", 7) != 0)
        return check_path(cfg, opt);
    if (log_is_facility(text + 7))
        return 0;
    cfg_error(cfg, "%s: \"%s\" is no facility of syslog; use daemon, local0 or the like", opt->name,
        text + 7);
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
check_range(cfg_t *cfg, cfg_opt_t *opt, long least, long most)
{
    long n = cfg_opt_getnint(opt, 0);
    if (n >= least && n <= most)
        return 0;
    cfg_error(cfg, "%s: %ld is out of range; use %ld to %ld", opt->name, n, least, most);
    return -1;
}

static int
check_score(cfg_t *cfg, cfg_opt_t *opt)
{
    return check_range(cfg, opt, 0, 49);
}

static int
check_workers(cfg_t *cfg, cfg_opt_t *opt)
{
    return check_range(cfg, opt, 1, 64);
}

static int
check_addresses(cfg_t *cfg, cfg_opt_t *opt)
{
    return check_range(cfg, opt, 0, 1000000000);
}

static int
check_choice(cfg_t *cfg, cfg_opt_t *opt)
{
    const bool log = strcmp(cfg_name(cfg), "log") == 0;
    const struct {
        const char *option, *choices;
    } table[] = {{"format", log ? log_format_names : " maildir mbox "}, {"type", list_type_names},
        {"role", " block allow "}, {"kind", " address name pair list "},
        {"action", " reject defer prepend dunno "}, {"ask", " client sender helo pair "}};
    const char *text = last_value(opt);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char wanted[64];
        if (strcmp(table[i].option, opt->name) != 0)
            continue;
        (void)snprintf(wanted, sizeof wanted, " %s ", text);
        if (strstr(table[i].choices, wanted) != NULL)
            return 0;
        cfg_error(cfg, "%s: \"%s\" is none of:%.*s; choose one", opt->name, text,
            (int)strlen(table[i].choices) - 1, table[i].choices);
        return -1;
    }
    return -1;
}

static int
check_either(cfg_t *cfg, cfg_opt_t *opt, const char *first, const char *second)
{
    const char *text = last_value(opt);
    if (strcmp(text, first) == 0 || strcmp(text, second) == 0)
        return 0;
    cfg_error(cfg, "%s: \"%s\" is neither; use %s or %s", opt->name, text, first, second);
    return -1;
}

static int
check_authority(cfg_t *cfg, cfg_opt_t *opt)
{
    return check_either(cfg, opt, "config", "data");
}

static int
check_version(cfg_t *cfg, cfg_opt_t *opt)
{
    size_t n = strlen(last_value(opt));
    if (n <= VERSION_MAX)
        return 0;
    cfg_error(cfg, "%s: %zu bytes; use at most %d", opt->name, n, VERSION_MAX);
    return -1;
}

static int
check_log_format(cfg_t *cfg, cfg_opt_t *opt)
{
    return check_either(cfg, opt, "rbldnsd", "text");
}

static int
check_log_addresses(cfg_t *cfg, cfg_opt_t *opt)
{
    return check_either(cfg, opt, "cut", "full");
}

static int
check_latency(cfg_t *cfg, cfg_opt_t *opt)
{
    return check_either(cfg, opt, "batch", "kernel");
}

static int
check_statistics_format(cfg_t *cfg, cfg_opt_t *opt)
{
    return check_either(cfg, opt, "rbldnsd", "prometheus");
}

static int
check_errors(cfg_t *cfg, cfg_opt_t *opt)
{
    return strcmp(last_value(opt), "drop") == 0 ? 0 : check_either(cfg, opt, "refused", "codes");
}

static int
check_log_keys(cfg_t *cfg, cfg_opt_t *opt)
{
    return check_either(cfg, opt, "id", "clear");
}

static int
check_any(cfg_t *cfg, cfg_opt_t *opt)
{
    return check_either(cfg, opt, "full", "small");
}

/* clang-format off */
static const struct {
    const char *path;
    cfg_validate_callback_t check;
} checks[] = {
    {"base", check_name}, {"state_dir", check_path}, {"listen", check_endpoint},
    {"udp_workers", check_workers}, {"nameservers", check_name}, {"ttl", check_duration},
    {"negative_ttl", check_duration}, {"own_networks", check_prefix}, {"own_names", check_name}, {"traps", check_mailbox},
    {"trusted_relays", check_prefix}, {"never_list", check_prefix}, {"resolver", check_endpoint},
    {"resolver_timeout", check_duration}, {"resolver_tries", check_count},
    {"resolver_window", check_count}, {"canary", check_name}, {"min_ttl", check_duration},
    {"max_ttl", check_duration}, {"log|path", check_path}, {"log|format", check_choice},
    {"mailstore|path", check_path}, {"mailstore|format", check_choice}, {"list|type", check_choice},
    {"list|role", check_choice}, {"list|files", check_path}, {"list|max_change", check_count},
    {"list|max_change_floor", check_count}, {"list|min_ttl", check_duration},
    {"list|max_ttl", check_duration}, {"zone|kind", check_choice},
    {"zone|ttl", check_duration}, {"zone|negative_ttl", check_duration},
    {"zone|nameservers", check_name}, {"zone|authority", check_authority},
    {"version", check_version}, {"policy|retention", check_duration},
    {"policy|learn_sessions", check_count}, {"policy|learn_days", check_count},
    {"policy|score_threshold", check_score}, {"policy|churn_names", check_count},
    {"policy|shared_clients", check_count}, {"policy|fail_habit_domains", check_count},
    {"policy|min_sessions", check_count}, {"policy|max_new_percent", check_count},
    {"policy|max_new_floor", check_count}, {"policy|max_age", check_duration},
    {"policy|half_life", check_duration}, {"policy|max_addresses", check_addresses},
    {"policy|list_sessions", check_count}, {"policy|list_days", check_count},
    {"policy|complaints", check_count}, {"policy|reports_per_day", check_count}, {"policy|weights", check_path},
    {"spf|lookup_limit", check_count}, {"spf|void_limit", check_count},
    {"spf|keep", check_duration}, {"spf|domains", check_path},
    {"query_log|path", check_log_path}, {"query_log|format", check_log_format},
    {"query_log|sample", check_count}, {"query_log|addresses", check_log_addresses},
    {"query_log|keys", check_log_keys}, {"zone|errors", check_errors},
    {"rate_limit|exempt", check_prefix}, {"cookies|secrets", check_path},
    {"keys|file", check_path}, {"keys|state", check_path},
    {"statistics|path", check_path}, {"statistics|format", check_statistics_format},
    {"statistics|every", check_duration}, {"seccomp", confprocess_check_seccomp},
    {"pin", confprocess_check_pin},
    {"metrics|path", check_path}, {"metrics|listen", check_endpoint},
    {"metrics|latency", check_latency},
    {"dnstap|path", check_path}, {"dnstap|sample", check_count},
    {"dnstap|addresses", check_log_addresses},
    {"protocol|identity", check_version}, {"protocol|udp_size", check_count},
    {"protocol|any", check_any}, {"tcp|connections", check_count},
    {"tcp|per_client", check_count}, {"tcp|idle", check_duration},
    {"policy_service|listen", check_service_listen}, {"policy_service|timeout", check_duration},
    {"policy_service|rule|action", check_choice}, {"policy_service|rule|ask", check_choice},
    {"policy_service|rule|codes", check_prefix},
};
/* clang-format on */

/* The sections of what repdnsd tells of its work. */
struct watching {
    cfg_opt_t query_log[6], statistics[5], metrics[4], dnstap[5];
};

static struct watching
watching_new(void)
{
    return (struct watching){
        .query_log = {CFG_STR("path", NULL, CFGF_NODEFAULT),
            CFG_STR("format", "rbldnsd", CFGF_NONE), CFG_INT("sample", 1, CFGF_NONE),
            CFG_STR("addresses", "cut", CFGF_NONE), CFG_STR("keys", "id", CFGF_NONE), CFG_END()},
        .statistics = {CFG_STR("path", NULL, CFGF_NODEFAULT),
            CFG_STR("format", "rbldnsd", CFGF_NONE), CFG_STR("every", "1m", CFGF_NONE),
            CFG_BOOL("deltas", cfg_false, CFGF_NONE), CFG_END()},
        .metrics = {CFG_STR("path", NULL, CFGF_NODEFAULT), CFG_STR("listen", NULL, CFGF_NODEFAULT),
            CFG_STR("latency", "batch", CFGF_NONE), CFG_END()},
        .dnstap = {CFG_STR("path", NULL, CFGF_NODEFAULT), CFG_STR("identity", "", CFGF_NONE),
            CFG_INT("sample", 1, CFGF_NONE), CFG_STR("addresses", "cut", CFGF_NONE), CFG_END()}};
}

/* cfg_init copies them. */
static const cfg_opt_t protocol_options[] = {CFG_STR("identity", "", CFGF_NONE),
    CFG_INT("udp_size", 1232, CFGF_NONE), CFG_STR("any", "full", CFGF_NONE), CFG_END()};
static const cfg_opt_t tcp_options[] = {CFG_INT("connections", 1000, CFGF_NONE),
    CFG_INT("per_client", 32, CFGF_NONE), CFG_STR("idle", "10s", CFGF_NONE), CFG_END()};

static const cfg_opt_t policy_rule_options[] = {CFG_STR("action", "reject", CFGF_NONE),
    CFG_STR("ask", NULL, CFGF_NODEFAULT), CFG_STR_LIST("codes", NULL, CFGF_NODEFAULT), CFG_END()};
static const cfg_opt_t policy_service_options[] = {
    CFG_STR_LIST("listen", "{\"127.0.0.1@10040\"}", CFGF_NONE), CFG_STR("timeout", "2s", CFGF_NONE),
    CFG_BOOL("header", cfg_true, CFGF_NONE),
    CFG_SEC(
        "rule", (cfg_opt_t *)policy_rule_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
    CFG_END()};

static cfg_t *
make(cfg_opt_t *policy, cfg_opt_t *rate_limit, cfg_opt_t *cookies, cfg_opt_t *keys)
{
    cfg_opt_t log[] = {
        CFG_STR("path", NULL, CFGF_NODEFAULT), CFG_STR("format", "postfix", CFGF_NONE), CFG_END()};
    cfg_opt_t mailstore[] = {
        CFG_STR("path", NULL, CFGF_NODEFAULT), CFG_STR("format", "maildir", CFGF_NONE), CFG_END()};
    cfg_opt_t list[] = {CFG_STR("type", NULL, CFGF_NODEFAULT), CFG_STR("role", "block", CFGF_NONE),
        CFG_STR_LIST("files", "{}", CFGF_NONE), CFG_INT("max_change", 50, CFGF_NONE),
        CFG_INT("max_change_floor", 1000, CFGF_NONE), CFG_BOOL("host_bits", cfg_false, CFGF_NONE),
        CFG_STR("min_ttl", "0", CFGF_NONE), CFG_STR("max_ttl", "0", CFGF_NONE), CFG_END()};
    cfg_opt_t zone[] = {CFG_STR("kind", NULL, CFGF_NODEFAULT),
        CFG_BOOL("enabled", cfg_false, CFGF_NODEFAULT),
        CFG_BOOL("private", cfg_false, CFGF_NODEFAULT),
        CFG_BOOL("informational", cfg_false, CFGF_NODEFAULT), CFG_STR_LIST("show", "{}", CFGF_NONE),
        CFG_STR_LIST("datasets", "{}", CFGF_NONE), CFG_STR("ttl", NULL, CFGF_NODEFAULT),
        CFG_STR("negative_ttl", NULL, CFGF_NODEFAULT), CFG_STR("url", NULL, CFGF_NODEFAULT),
        CFG_STR_LIST("nameservers", "{}", CFGF_NONE), CFG_STR("contact", NULL, CFGF_NODEFAULT),
        CFG_STR("authority", "config", CFGF_NONE), CFG_BOOL("ns_in_answers", cfg_false, CFGF_NONE),
        CFG_BOOL("sixtofour", cfg_false, CFGF_NONE), CFG_STR_LIST("acl", "{}", CFGF_NONE),
        CFG_BOOL("keyed", cfg_false, CFGF_NONE), CFG_STR("errors", "refused", CFGF_NONE),
        CFG_END()};
    /* The limits are those of RFC 7208 4.6.4. */
    cfg_opt_t spf[] = {CFG_INT("lookup_limit", 10, CFGF_NONE), CFG_INT("void_limit", 2, CFGF_NONE),
        CFG_STR("keep", "7d", CFGF_NONE), CFG_STR_LIST("domains", "{}", CFGF_NONE), CFG_END()};
    struct watching watching = watching_new();
    cfg_opt_t top[] = {CFG_STR("base", NULL, CFGF_NODEFAULT),
        CFG_STR("state_dir", NULL, CFGF_NODEFAULT),
        CFG_STR_LIST("listen", "{127.0.0.1, \"::1\"}", CFGF_NONE),
        CFG_BOOL("public", cfg_false, CFGF_NONE), CFG_BOOL("retired", cfg_false, CFGF_NONE),
        CFG_STR("user", "repdns", CFGF_NONE), CFG_STR("group", "repdns", CFGF_NONE),
        CFG_INT("udp_workers", 1, CFGF_NONE), CFG_STR_LIST("nameservers", "{}", CFGF_NONE),
        CFG_STR("contact", NULL, CFGF_NODEFAULT), CFG_STR("ttl", NULL, CFGF_NODEFAULT),
        CFG_STR("negative_ttl", NULL, CFGF_NODEFAULT), CFG_STR("url", NULL, CFGF_NODEFAULT),
        CFG_STR_LIST("acl", "{}", CFGF_NONE), CFG_STR("version", "repdns", CFGF_NONE),
        CFG_BOOL("strict_rbldnsd", cfg_false, CFGF_NONE),
        CFG_STR_LIST("own_networks", NULL, CFGF_NODEFAULT),
        CFG_STR_LIST("own_names", "{}", CFGF_NONE), CFG_STR_LIST("traps", "{}", CFGF_NONE),
        CFG_STR_LIST("trusted_relays", "{}", CFGF_NONE),
        CFG_STR_LIST("never_list", "{}", CFGF_NONE), CFG_STR("resolver", NULL, CFGF_NODEFAULT),
        CFG_STR("resolver_timeout", "2s", CFGF_NONE), CFG_INT("resolver_tries", 3, CFGF_NONE),
        CFG_INT("resolver_window", 256, CFGF_NONE), CFG_STR("canary", NULL, CFGF_NODEFAULT),
        CFG_STR("min_ttl", "5m", CFGF_NONE), CFG_STR("max_ttl", "1d", CFGF_NONE),
        CFG_STR("seccomp", "kill", CFGF_NONE), CFG_STR_LIST("pin", "{}", CFGF_NONE),
        CFG_BOOL("freebind", cfg_false, CFGF_NONE), CFG_SEC("log", log, CFGF_MULTI),
        CFG_SEC("mailstore", mailstore, CFGF_MULTI),
        CFG_SEC("list", list, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_SEC("zone", zone, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_SEC("policy", policy, CFGF_NONE), CFG_SEC("spf", spf, CFGF_NONE),
        CFG_SEC("query_log", watching.query_log, CFGF_NONE),
        CFG_SEC("statistics", watching.statistics, CFGF_NONE),
        CFG_SEC("metrics", watching.metrics, CFGF_NONE),
        CFG_SEC("dnstap", watching.dnstap, CFGF_NONE), CFG_SEC("rate_limit", rate_limit, CFGF_NONE),
        CFG_SEC("cookies", cookies, CFGF_NONE), CFG_SEC("keys", keys, CFGF_NONE),
        CFG_SEC("protocol", (cfg_opt_t *)protocol_options, CFGF_NONE),
        CFG_SEC("tcp", (cfg_opt_t *)tcp_options, CFGF_NONE),
        CFG_SEC("policy_service", (cfg_opt_t *)policy_service_options, CFGF_NONE), CFG_END()};
    return cfg_init(top, CFGF_NONE);
}

cfg_t *
confschema_new(void)
{
    cfg_opt_t policy[] = {CFG_STR("retention", "90d", CFGF_NONE),
        CFG_INT("learn_sessions", 1000, CFGF_NONE), CFG_INT("learn_days", 7, CFGF_NONE),
        CFG_INT("score_threshold", 25, CFGF_NONE), CFG_INT("churn_names", 8, CFGF_NONE),
        CFG_INT("shared_clients", 10, CFGF_NONE), CFG_INT("fail_habit_domains", 5, CFGF_NONE),
        CFG_INT("min_sessions", 5, CFGF_NONE), CFG_INT("max_new_percent", 20, CFGF_NONE),
        CFG_INT("max_new_floor", 100, CFGF_NONE), CFG_STR("max_age", "7d", CFGF_NONE),
        CFG_STR("half_life", "7d", CFGF_NONE), CFG_INT("max_addresses", 1000000, CFGF_NONE),
        CFG_INT("list_sessions", 3, CFGF_NONE), CFG_INT("list_days", 2, CFGF_NONE),
        CFG_INT("complaints", 5, CFGF_NONE), CFG_INT("reports_per_day", 20, CFGF_NONE),
        CFG_STR("weights", NULL, CFGF_NODEFAULT), CFG_END()};
    cfg_opt_t rate_limit[] = {CFG_INT("responses", 0, CFGF_NODEFAULT),
        CFG_INT("nodata", 0, CFGF_NONE), CFG_INT("nxdomains", 0, CFGF_NONE),
        CFG_INT("errors", 0, CFGF_NONE), CFG_INT("all", 0, CFGF_NONE),
        CFG_INT("window", 15, CFGF_NONE), CFG_INT("slip", 2, CFGF_NONE),
        CFG_INT("prefix4", 24, CFGF_NONE), CFG_INT("prefix6", 56, CFGF_NONE),
        CFG_STR_LIST("exempt", "{}", CFGF_NONE), CFG_BOOL("log_only", cfg_false, CFGF_NONE),
        CFG_INT("table", 131072, CFGF_NONE), CFG_END()};
    cfg_opt_t cookies[] = {CFG_BOOL("enabled", cfg_true, CFGF_NONE),
        CFG_STR("secrets", NULL, CFGF_NODEFAULT), CFG_BOOL("badcookie", cfg_false, CFGF_NONE),
        CFG_END()};
    cfg_opt_t keys[] = {
        CFG_STR("file", NULL, CFGF_NODEFAULT), CFG_STR("state", NULL, CFGF_NODEFAULT), CFG_END()};
    cfg_t *cfg = make(policy, rate_limit, cookies, keys);
    for (size_t i = 0; cfg != NULL && i < sizeof checks / sizeof *checks; i++)
        (void)cfg_set_validate_func(cfg, checks[i].path, checks[i].check);
    return cfg;
}
