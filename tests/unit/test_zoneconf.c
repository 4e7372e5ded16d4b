/* The configuration: shipped defaults, and every error with its line and what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "zones/confvalue.h"
#include "zones/zoneconf.h"

static enum err
load(const char *text, struct conf **conf, struct errmsg *msg)
{
    char path[] = "/tmp/repdns-conf-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    enum err err = conf_load(path, conf, msg);
    (void)unlink(path);
    return err;
}

#define BASE "base = \"rep.example\"\nstate_dir = \"/s\"\n"

static void
errors_name_the_line(void **state)
{
    static const struct {
        const char *text, *line, *what;
    } cases[] = {
        {"state_dir = \"/s\"\n", ":", "base is missing; "},
        {"base = \"rep.example\"\n", ":", "state_dir is missing; "},
        {"base = \"rep..example\"\n", ":1:", "no domain name; "},
        {"base = \"rep.example\"\nstate_dir = \"s\"\n", ":2:", "begin it with /"},
        {BASE "nonsense = 1\n", ":3:", "no such option"},
        {BASE "\nlisten = {\"127.0.0.1@70000\"}\n", ":4:", "no address; write 127.0.0.1@5354"},
        {BASE "own_networks = {\"192.0.2.1/24\"}\n", ":3:", "without host bits"},
        {BASE "ttl = \"30x\"\n", ":3:", "no duration; write"},
        {BASE "udp_workers = 0\n", ":3:", "use 1 to 64"},
        {BASE "public = maybe\n", ":3:", "; write yes or no"},
        {BASE "udp_workers = many\n", ":3:", "; write a number"},
        {BASE "own_names = {\"a b\"}\n", ":3:", "no domain name; "},
        {BASE "list \"a\" { type = ip4set files = {\"/f\"} }\n"
              "list \"a\" { type = ip4set files = {\"/f\"} }\n",
            ":4:", "; give each its own"},
        {BASE "policy { score_threshold = 80 }\n", ":3:", "use 0 to 49"},
        {BASE "policy { learn_day = 5 }\n", ":3:", "no such option"},
        {BASE "contact = \"a b\"\n", ":", "no mail address"},
        {BASE "seccomp = maybe\n", ":3:", "none of: kill log off; choose"},
        {BASE "pin = {0, some}\n", ":3:", "no processor; use yes"},
        {BASE "pin = {0, yes}\n", ":3:", "no processor; use yes"},
        {BASE "pin = {yes, 0}\n", ":3:", "no processor; use yes"},
        {BASE "pin = 1024\n", ":3:", "no processor"},
        {BASE "zone \"x.test\" { }\n", ":3:", "needs a kind"},
        {BASE "policy_service { listen = {\"10040\"} }\n",
            ":3:", "no socket; write 127.0.0.1@10040"},
        {BASE "policy_service { listen = {\"127.0.0.1\"} }\n", ":3:", "no socket; write"},
        {BASE "policy_service { timeout = 31s }\n", ":3:", "use 1s to 30s"},
        {BASE "policy_service { timeout = 0 }\n", ":3:", "use 1s to 30s"},
        {BASE "policy_service { rule \"ip\" { action = drop } }\n",
            ":3:", "none of: reject defer prepend dunno; choose"},
        {BASE "policy_service { rule \"ip\" { ask = all } }\n",
            ":3:", "none of: client sender helo pair"},
        {BASE "policy_service { rule \"ip\" { codes = {\"127\"} } }\n", ":3:", "no network"},
        {BASE "policy_service { rule \"nil\" { } }\n", ":3:", "a rule is of a zone of this file"},
        {BASE "policy_service { rule \"hint\" { } }\n", ":3:", "zone is not served; give it"},
        {BASE "zone \"score\" { enabled = yes }\npolicy_service { rule \"score\" { } }\n",
            ":4:", "name the codes that count"},
        {BASE "zone \"x.test\" { kind = list }\n", ":3:", "no datasets"},
        {BASE "zone \"x.test\" { kind = list datasets = {\"nil\"} }\n", ":3:", "no list \"nil\""},
        {BASE "zone \"ip\" { kind = list }\n", ":3:", "kind can't be changed"},
        {BASE "zone \"ip\" { show = {\"bogus\"} }\n", ":3:", "no reason \"bogus\""},
        {BASE "list \"a\" { type = ip6 files = {\"/f\"} }\n", ":3:", "none of: ip4set dnset"},
        {BASE "list \"a\" { type = dnset }\n", ":3:", "files is empty"},
        {BASE "list \"d\" { type = dnset files = {\"/f\"} }\nacl = {\"d\"}\n", ":",
            "no list of addr"},
        {BASE "acl = {\"a\", \"b\"}\n", ":", "name one list only"},
        {BASE "zone \"ip\" { acl = {\"none\"} }\n",
            ":3:", "there is no list of addresses \"none\""},
        {BASE "zone \"ip\" { sixtofour = yes }\n", ":3:", "is not of the kind list"},
        {BASE "zone \"ip\" { authority = file }\n", ":3:", "use config or data"},
        {BASE "list \"judged.x\" { type = dnset files = {\"/f\"} }\n", ":3:", "not beginning with"},
        {BASE "log { path = \"/l\" format = maildir }\n", ":3:", "opensmtpd"},
        {BASE "log { path = \"/l\" format = \"exim sendmail\" }\n", ":3:", "one format only"},
        {BASE "mailstore { path = \"/l\" format = exim }\n", ":3:", "maildir mbox"},
        {BASE "log { }\n", ":3:", "path is missing"},
        {BASE "min_ttl = 2d\n", ":", "swap them"},
        {BASE "resolver_tries = 11\n", ":", "1 to 10 tries"},
        {BASE "policy { learn_days = -1 }\n", ":3:", "out of range"},
        {BASE "# {\nurl = \"{\"\nzone \"ip\" {\n", ":5:", "never closed; add a }"},
        {BASE "policy { retention = 12h }\n", ":", "at least 1d"},
        {BASE "contact = \"a@b..c\"\n", ":", "no mail address"},
        {BASE "query_log { path = \"q\" }\n", ":3:", "begin it with /"},
        {BASE "query_log {\nformat = postfix }\n", ":4:", "use rbldnsd or text"},
        {BASE "query_log { addresses = some }\n", ":3:", "use cut or full"},
        {BASE "query_log { sample = 0 }\n", ":", "sample: use 1"},
        {BASE "query_log { path = \"syslog:x\" }\n", ":3:", "no facility of syslog"},
        {BASE "metrics { path = \"-\" }\n", ":3:", "begin it with /"},
        {BASE "metrics { listen = \"here\" }\n", ":3:", "no address"},
        {BASE "metrics { latency = none }\n", ":3:", "use batch or kernel"},
        {BASE "dnstap { path = \"tap\" }\n", ":3:", "begin it with /"},
        {BASE "dnstap { sample = 0 }\n", ":", "sample: use 1"},
        {BASE "dnstap { addresses = some }\n", ":3:", "use cut or full"},
        {BASE "query_log { keys = all }\n", ":3:", "use id or clear"},
        {BASE "zone \"ip\" { keyed = yes }\n", ":3:", "name their file in a section keys"},
        {BASE "keys { file = \"/k\" }\nzone \"base\" { keyed = yes }\n",
            ":4:", "has nothing but its name"},
        {BASE "zone \"ip\" { errors = \"127.0.0.1\" }\n", ":3:", "use refused or codes"},
        {BASE "keys { file = \"k\" }\n", ":3:", "begin it with /"},
        {BASE "cookies { secrets = \"k\" }\n", ":3:", "begin it with /"},
        {BASE "rate_limit { responses = 100001 }\n", ":3:", "responses: use 0 to 100000"},
        {BASE "rate_limit { window = 0 }\n", ":3:", "window: use 1 to 20"},
        {BASE "rate_limit { slip = 11 }\n", ":3:", "slip: use 0 to 10"},
        {BASE "rate_limit { prefix4 = 33 }\n", ":3:", "prefix4: use 1 to 32"},
        {BASE "rate_limit { table = 10 }\n", ":3:", "table: use 1024 to 16777216"},
        {BASE "rate_limit { exempt = {\"192.0.2.1/24\"} }\n", ":3:", "without host bits"},
        {BASE "statistics { path = \"-\" }\n", ":3:", "begin it with /"},
        {BASE "statistics { format = text }\n", ":3:", "use rbldnsd or prometheus"},
        {BASE "statistics { every = often }\n", ":3:", "no duration"},
        {BASE "statistics { format = prometheus deltas = yes }\n", ":", "wants sums"},
        {BASE "statistics { path = \"/f\" }\nquery_log { path = \"/f\" }\n", ":",
            "a file of its own"},
        {BASE "protocol { udp_size = 511 }\n", ":", "use 512 to 1452"},
        {BASE "protocol { udp_size = 1453 }\n", ":", "use 512 to 1452"},
        {BASE "protocol { any = some }\n", ":3:", "use full or small"},
        {BASE "protocol { identity = \"0123456789012345678901234567890123456789"
              "0123456789012345678901234\" }\n",
            ":", "at most 64 bytes"},
        {BASE "tcp { connections = 0 }\n", ":", "use 1 to 100000"},
        {BASE "tcp { per_client = 0 }\n", ":", "use 1 or more"},
        {BASE "tcp { idle = 0 }\n", ":", "use 1s to 10m"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf *conf;
        struct errmsg msg = {""};
        if (load(cases[i].text, &conf, &msg) == ERR_OK)
            fail_msg("case %zu was taken", i);
        assert_null(conf);
        if (msg.text[0] != '/' || strstr(msg.text, cases[i].line) == NULL ||
            strstr(msg.text, cases[i].what) == NULL)
            fail_msg("case %zu: %s", i, msg.text);
    }
    struct conf *conf;
    struct errmsg msg;
    assert_int_equal(conf_load("/nonexistent/x", &conf, &msg), ERR_NOTFOUND);
    assert_non_null(strstr(msg.text, "/nonexistent/x: "));
    assert_int_equal(conf_load("/tmp", &conf, &msg), ERR_IO);
}

static const struct zone_def *
zone(const struct conf *conf, const char *name)
{
    struct dname apex;
    assert_int_equal(dname_parse(name, strlen(name), &apex), ERR_OK);
    for (unsigned i = 0; i < conf->zone_count; i++)
        if (dname_equal(&conf->zones[i].apex, &apex))
            return &conf->zones[i];
    fail_msg("no zone %s", name);
    return NULL;
}

static void
defaults_are_safe(void **state)
{
    struct conf *conf;
    struct errmsg msg;
    (void)state;
    assert_int_equal(load(BASE "list \"drop\" { type = ip4set files = {\"/f\"} }\n"
                               "list \"ok\" { type = ip4set role = allow files = {\"/g\"} }\n",
                         &conf, &msg),
        ERR_OK);
    assert_false(conf->public);
    assert_int_equal(conf->listen_count, 2);
    for (unsigned i = 0; i < conf->listen_count; i++)
        assert_true(ip_is_private(&conf->listen[i].ip));
    assert_true(zone(conf, "rep.example")->kind == ZONE_BASE);
    assert_true(zone(conf, "ip.rep.example")->enabled);
    assert_false(zone(conf, "hint.rep.example")->enabled);
    assert_true(zone(conf, "hint.rep.example")->informational);
    assert_false(zone(conf, "spf.rep.example")->enabled);
    /* A single weak sign is not shown where a server may reject by it. */
    struct reason_set show = zone(conf, "ip.rep.example")->show;
    assert_true(reasons_have(show, REASON_SCORE));
    assert_false(reasons_have(show, REASON_RDNS_DYNAMIC));
    /* The block list is served, the allow list is not. */
    assert_int_equal(zone(conf, "ip.rep.example")->dataset_count, 2);
    assert_string_equal(zone(conf, "ip.rep.example")->datasets[0], "drop");
    assert_string_equal(zone(conf, "ip.rep.example")->datasets[1], DATASET_JUDGED_IP);
    assert_int_equal(conf->policy.learn_sessions, 1000);
    assert_int_equal(conf->policy.max_age_s, 7 * 86400);
    assert_null(conf->query_log.path);
    assert_false(conf->query_log.full);
    assert_int_equal(conf->query_log.sample, 1);
    assert_null(conf->metrics.path);
    assert_false(conf->metrics.has_listen);
    assert_null(conf->dnstap.path);
    assert_null(conf->query_log.facility);
    assert_false(conf->query_log.keys);
    assert_int_equal(conf->rate.responses, 50);
    assert_int_equal(conf->rate.nxdomains + conf->rate.nodata + conf->rate.errors, 0);
    assert_int_equal(conf->rate.all, 0);
    assert_int_equal(conf->rate.window_s, 15);
    assert_int_equal(conf->rate.slip, 2);
    assert_int_equal(conf->rate.prefix4, 24);
    assert_int_equal(conf->rate.prefix6, 56);
    assert_int_equal(conf->rate.table, 131072);
    assert_true(conf->cookies.enabled);
    assert_null(conf->cookies.path);
    assert_null(conf->keys.path);
    assert_string_equal(conf->keys.state_path, "/s/quotas");
    assert_null(conf->statistics.path);
    assert_int_equal(conf->statistics.every_s, 60);
    conf_free(&conf);
}

/* Every type of the table, each in the zone of what it holds; a blank joins no two of them. */
static void
list_types_are_the_table(void **state)
{
    struct conf *conf;
    struct errmsg msg;
    (void)state;
    for (unsigned i = 0; i < LIST_TYPE_COUNT; i++) {
        enum list_type type = (enum list_type)i;
        bool names = list_type_kind(type) == DATASET_NAME;
        char text[200];
        (void)snprintf(text, sizeof text, BASE "list \"l\" { type = %s files = {\"/f\"} }\n",
            list_type_info(type)->name);
        assert_int_equal(load(text, &conf, &msg), ERR_OK);
        assert_int_equal(conf->lists[0].type, type);
        if (!list_type_lists(type)) { /* in none unless that is said */
            assert_int_equal(zone(conf, "dom.rep.example")->dataset_count, 1);
            assert_int_equal(zone(conf, "ip.rep.example")->dataset_count, 1);
            conf_free(&conf);
            continue;
        }
        const struct zone_def *in = zone(conf, names ? "dom.rep.example" : "ip.rep.example");
        const struct zone_def *out = zone(conf, names ? "ip.rep.example" : "dom.rep.example");
        assert_string_equal(in->datasets[0], "l");
        assert_int_equal(out->dataset_count, 1);
        conf_free(&conf);
    }
    assert_int_equal(
        load(BASE "list \"l\" { type = \"ip4set dnset\" }\n", &conf, &msg), ERR_SYNTAX);
}

/* What no set of addresses or names is cannot be everywhere. */
static void
other_lists_have_their_place(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"list \"l\" { type = generic files = {\"/f\"} }\nzone \"z\" { kind = list datasets = "
         "{\"l\"} }\n",
            NULL},
        {"list \"l\" { type = combined files = {\"/f\"} }\nzone \"z\" { kind = list datasets = "
         "{\"l\"} }\n",
            NULL},
        {"list \"l\" { type = acl files = {\"/f\"} }\nacl = {\"l\"}\n", NULL},
        {"list \"l\" { type = generic files = {\"/f\"} }\nzone \"z\" { kind = name datasets = "
         "{\"l\"} }\n",
            "zones of the kind list alone"},
        {"list \"l\" { type = combined files = {\"/f\"} }\nzone \"ip\" { datasets = {\"l\"} }\n",
            "zones of the kind list alone"},
        {"list \"l\" { type = acl files = {\"/f\"} }\nzone \"z\" { kind = list datasets = {\"l\"} "
         "}\n",
            "name it by acl"},
        {"list \"l\" { type = generic files = {\"/f\"} }\nacl = {\"l\"}\n", "no list of addresses"},
        {"list \"l\" { type = acl role = allow files = {\"/f\"} }\n", "can be an allow list"},
        {"list \"l\" { type = ip4set role = allow files = {\"/f\"} }\n"
         "zone \"ok\" { kind = list datasets = {\"l\"} }\n",
            "\"l\" is an allow list"},
        {"list \"l#1\" { type = dnset files = {\"/f\"} }\n", "use a name of [a-z0-9_.-]"},
        {"list \"l\" { type = dnset files = {\"/f\"} }\nzone \"z\" { kind = list datasets = "
         "{\"l#1\"} }\n",
            "is no dataset name"},
        {"list \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" { type = combined "
         "files = "
         "{\"/f\"} }\n",
            "at most 60 bytes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf *conf;
        struct errmsg msg = {""};
        char text[512];
        (void)snprintf(text, sizeof text, BASE "%s", cases[i].text);
        enum err err = load(text, &conf, &msg);
        assert_int_equal(err < 0, cases[i].why != NULL);
        if (cases[i].why != NULL && strstr(msg.text, cases[i].why) == NULL)
            fail_msg("%s", msg.text);
        conf_free(&conf);
    }
}

static void
zones_are_changed(void **state)
{
    struct conf *one, *two;
    struct errmsg msg;
    (void)state;
    assert_int_equal(load(BASE, &one, &msg), ERR_OK);
    assert_int_equal(
        load(BASE "ttl = 5m\nzone \"ip\" { private = yes ttl = \"1h\" show = {\"score\"} }\n"
                  "zone \"hint\" { enabled = true }\n",
            &two, &msg),
        ERR_OK);
    const struct zone_def *ip = zone(two, "ip.rep.example");
    assert_true(ip->private);
    assert_int_equal(ip->ttl_s, 3600);
    assert_int_equal(zone(two, "dom.rep.example")->ttl_s, 300);
    assert_true(zone(two, "hint.rep.example")->enabled);
    assert_true(zone_digest(ip) != zone_digest(zone(one, "ip.rep.example")));
    assert_true(zone_digest(zone(one, "rep.example")) == zone_digest(zone(one, "rep.example")));
    conf_free(&one);
    conf_free(&two);
}

static void
retired_lists_list_nothing(void **state)
{
    struct conf *conf, *again;
    struct errmsg msg;
    const char *text = BASE "list \"a\" { type = ip4set files = {\"/f\"} }\n";
    char retired[512];
    (void)state;
    (void)snprintf(retired, sizeof retired, "%sretired = yes\n", text);
    assert_int_equal(load(text, &conf, &msg), ERR_OK);
    assert_int_equal(load(retired, &again, &msg), ERR_OK);
    assert_false(conf->retired);
    assert_true(again->retired);
    assert_int_equal(conf->zone_count, again->zone_count);
    for (unsigned i = 0; i < again->zone_count; i++) {
        assert_int_equal(again->zones[i].dataset_count, 0);
        assert_int_equal(again->zones[i].soa.minimum_s, 86400);
        /* So that the serial rises. */
        assert_true(zone_digest(&conf->zones[i]) != zone_digest(&again->zones[i]));
    }
    conf_free(&conf);
    conf_free(&again);
}

static void
access_lists_are_in_no_zone(void **state)
{
    struct conf *conf;
    struct errmsg msg;
#define LIST(name) "list \"" name "\" { type = ip4trie files = {\"/f\"} }\n"
#define DROP       "kind = list datasets = {\"drop\"} "
    const char *text = BASE LIST("all") LIST("one")
        LIST("drop") "acl = {\"all\"}\nversion = \"\"\n"
                     "strict_rbldnsd = yes\nzone \"l\" { " DROP "acl = {\"one\"} authority = data "
                     "ns_in_answers = yes sixtofour = yes }\nzone \"m\" { " DROP "}\n";
    (void)state;
    assert_int_equal(load(text, &conf, &msg), ERR_OK);
    assert_string_equal(conf->acl, "all");
    assert_string_equal(conf->version, "");
    assert_true(conf->strict_rbldnsd);
    assert_int_equal(conf->rate.responses, 0);
    assert_false(conf->cookies.enabled);
    const struct zone_def *l = zone(conf, "l.rep.example"), *m = zone(conf, "m.rep.example");
    assert_string_equal(l->acl, "one");
    assert_true(l->authority_data && l->ns_in_answers && l->sixtofour);
    assert_string_equal(m->acl, "");
    assert_false(m->authority_data || m->ns_in_answers || m->sixtofour);
    assert_int_equal(zone(conf, "ip.rep.example")->dataset_count, 1);
    conf_free(&conf);
}

static void
protocol_is_set(void **state)
{
    struct conf *conf;
    struct errmsg msg;
    (void)state;
    assert_int_equal(load(BASE, &conf, &msg), ERR_OK);
    assert_string_equal(conf->protocol.identity, "");
    assert_int_equal(conf->protocol.udp_size, 1232); /* DNS flag day 2020 */
    assert_false(conf->protocol.any_small);
    assert_int_equal(conf->tcp.connections, 1000);
    assert_int_equal(conf->tcp.per_client, 32);
    assert_int_equal(conf->tcp.idle_s, 10);
    conf_free(&conf);
    assert_int_equal(load(BASE "protocol { identity = ns1  udp_size = 512  any = small }\n"
                               "tcp { connections = 9  per_client = 3  idle = 2m }\n",
                         &conf, &msg),
        ERR_OK);
    assert_string_equal(conf->protocol.identity, "ns1");
    assert_int_equal(conf->protocol.udp_size, 512);
    assert_true(conf->protocol.any_small);
    assert_int_equal(conf->tcp.connections, 9);
    assert_int_equal(conf->tcp.per_client, 3);
    assert_int_equal(conf->tcp.idle_s, 120);
    conf_free(&conf);
}

static void
values(void **state)
{
    uint32_t seconds;
    struct endpoint endpoint;
    struct dname name;
    (void)state;
    assert_int_equal(confvalue_duration("7d", &seconds), ERR_OK);
    assert_int_equal(seconds, 604800);
    assert_int_equal(confvalue_duration("90", &seconds), ERR_OK);
    assert_int_equal(seconds, 90);
    assert_true(confvalue_duration("", &seconds) < 0);
    assert_true(confvalue_duration("1h2", &seconds) < 0);
    assert_true(confvalue_duration("99999999999w", &seconds) < 0);
    assert_int_equal(confvalue_endpoint("::1@5353", 53, &endpoint), ERR_OK);
    assert_int_equal(endpoint.port, 5353);
    assert_true(confvalue_endpoint("::1@", 53, &endpoint) < 0);
    assert_true(confvalue_endpoint("::1@0", 53, &endpoint) < 0);
    assert_int_equal(confvalue_mailbox("First.Last@example.org", &name), ERR_OK);
    assert_int_equal(name.b[0], 10);
    assert_true(confvalue_mailbox("@example.org", &name) < 0);
}

/* Without rules: the zones that are there to be blocked by, as they are asked. */
static void
policy_rules_are_shipped(void **state)
{
    static const enum policy_ask asks[] = {
        POLICY_ASK_CLIENT, POLICY_ASK_SENDER, POLICY_ASK_HELO, POLICY_ASK_PAIR};
    struct conf *conf;
    struct errmsg msg;
    (void)state;
    assert_int_equal(load(BASE, &conf, &msg), ERR_OK);
    const struct policy_service_conf *service = &conf->policy_service;
    assert_int_equal(service->rule_count, 4 + POLICY_CHECK_COUNT);
    for (unsigned i = 0; i < service->rule_count; i++) {
        const struct policy_rule *rule = &service->rules[i];
        assert_int_equal(rule->action, i < 4 ? POLICY_REJECT : POLICY_PREPEND);
        assert_int_equal(rule->zone != NULL, i < 4);
        if (i < 4)
            assert_int_equal(rule->ask, asks[i]);
    }
    assert_int_equal(service->timeout_s, 2);
    assert_true(service->header);
    assert_string_equal(service->listen[0], "127.0.0.1@10040");
    conf_free(&conf);
    assert_int_equal(load(BASE "zone \"score\" { enabled = yes }\npolicy_service {\n"
                               "rule \"score\" { action = prepend codes = {\"127.0.4.0/28\"} }\n"
                               "rule \"dom\" { ask = helo }\n}\n",
                         &conf, &msg),
        ERR_OK);
    assert_int_equal(conf->policy_service.rule_count, 2);
    assert_int_equal(conf->policy_service.rules[0].codes[0].len, 28);
    assert_int_equal(conf->policy_service.rules[1].codes[0].len, 16);
    assert_int_equal(conf->policy_service.rules[1].ask, POLICY_ASK_HELO);
    conf_free(&conf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_name_the_line),
        cmocka_unit_test(policy_rules_are_shipped),
        cmocka_unit_test(defaults_are_safe),
        cmocka_unit_test(list_types_are_the_table),
        cmocka_unit_test(other_lists_have_their_place),
        cmocka_unit_test(zones_are_changed),
        cmocka_unit_test(access_lists_are_in_no_zone),
        cmocka_unit_test(retired_lists_list_nothing),
        cmocka_unit_test(protocol_is_set),
        cmocka_unit_test(values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
