/*
 * The front: rbldnsd's command line, its zone arguments, and the configuration that they become,
 * which is read again as the loader and the server read it. The processes are in tests/e2e.
 */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/rbldnsd.h"

enum { WORDS_MAX = 32 };

/* A command line of words with single blanks between; "''" is an empty word. */
struct line {
    char text[2048];
    char *argv[WORDS_MAX];
    int argc;
};

static enum front_end
parse(struct line *line, const char *text, struct front_options *out, struct errmsg *msg)
{
    (void)snprintf(line->text, sizeof line->text, "rbldnsd %s", text);
    line->argc = 0;
    for (char *word, *rest = line->text; (word = strsep(&rest, " ")) != NULL;) {
        if (*word != '\0')
            line->argv[line->argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
    }
    line->argv[line->argc] = NULL;
    optind = 0; /* getopt begins anew */
    opterr = 0;
    msg->text[0] = '\0';
    return front_options_parse(line->argc, line->argv, out, msg);
}

static void
test_times(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint32_t seconds;
    } cases[] = {{"0", true, 0}, {"90", true, 90}, {"90s", true, 90}, {"2m", true, 120},
        {"3H", true, 10800}, {"1d", true, 86400}, {"1w", true, 604800}, {"", false, 0},
        {"1h30m", false, 0}, {"-5", false, 0}, {" 5", false, 0}, {"x", false, 0}, {"1x", false, 0},
        {"99999999999", false, 0}, {"9999999w", false, 0}, {"4294967295", true, 315360000},
        {"3000000000", true, 315360000}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t seconds = 0;
        if (front_time(cases[i].text, strlen(cases[i].text), &seconds) != cases[i].good ||
            (cases[i].good && seconds != cases[i].seconds))
            fail_msg("\"%s\" gives %u", cases[i].text, seconds);
    }
}

/* Every option that there is, and what follows it. */
static void
test_options(void **state)
{
    struct front_options o;
    struct line line;
    struct errmsg msg;
    (void)state;
    assert_int_equal(
        parse(&line,
            "-nfqde46aAvv -ulist:grp -r /srv -w data -p pid -l +log -s +stats -c 5m -t "
            "1h:1m:1d -F local3 -C -b 127.2/5353 -b ::1 z:ip4set:a --store s "
            "--strict-rbldnsd z:dnset:b",
            &o, &msg),
        FRONT_GO_ON);
    assert_true(o.foreground && o.forks && o.quick && o.dump && o.host_bits && o.plain && o.strict);
    assert_false(o.minimal);
    assert_int_equal(o.hide_version, 2);
    assert_int_equal(o.family, AF_INET6);
    assert_string_equal(o.user, "list:grp");
    assert_string_equal(o.root, "/srv");
    assert_string_equal(o.work, "data");
    assert_string_equal(o.pidfile, "pid");
    assert_string_equal(o.log, "+log");
    assert_string_equal(o.stats, "+stats");
    assert_string_equal(o.facility, "local3");
    assert_string_equal(o.store, "s");
    assert_int_equal(o.check_s, 300);
    assert_int_equal(o.ttl_s, 3600);
    assert_int_equal(o.ttl_min_s, 60);
    assert_int_equal(o.ttl_max_s, 86400);
    assert_int_equal(o.bind_count, 2);
    assert_string_equal(o.binds[0], "127.2/5353");
    assert_string_equal(o.binds[1], "::1");
    assert_int_equal(o.spec_count, 2);
    assert_string_equal(o.specs[1], "z:dnset:b");
    assert_int_equal(parse(&line, "-a -4 z:ip4set:a", &o, &msg), FRONT_GO_ON);
    assert_true(o.minimal);
    assert_false(o.foreground || o.quick || o.dump || o.host_bits || o.strict || o.forks);
    assert_int_equal(o.family, AF_INET);
    assert_int_equal(o.ttl_s, 2100);
    assert_int_equal(o.check_s, 60);
}

static void
test_wrong_options(void **state)
{
    static const struct {
        const char *line;
        enum front_end end;
        const char *message;
    } cases[] = {{"", FRONT_USAGE, ""}, {"-h", FRONT_HELP, ""}, {"--help", FRONT_HELP, ""},
        {"-n", FRONT_FAILED, "no zone(s) to service specified (-h for help)"},
        {"-Z", FRONT_FAILED, "type `rbldnsd -h' for help"},
        {"-b", FRONT_FAILED, "type `rbldnsd -h' for help"},
        {"-t x z", FRONT_FAILED, "invalid ttl (-t) value `x'"},
        {"-t '' z", FRONT_FAILED, "invalid ttl (-t) value `'"},
        {"-t 0 z", FRONT_FAILED, "invalid ttl (-t) value `0'"},
        {"-t 1:2:3:4 z", FRONT_FAILED, "invalid value for -t (ttl) option: `1:2:3:4'"},
        {"-t 1m:2m z", FRONT_FAILED, "inconsistent def:min:max ttl: 60:120:0"},
        {"-t ::2m z", FRONT_FAILED, "inconsistent def:min:max ttl: 2100:0:120"},
        {"-c x z", FRONT_FAILED, "invalid check interval (-c) value `x'"},
        {"-F LOCAL0 z", FRONT_FAILED, "log facility LOCAL0 is not valid"},
        {"-x foo z", FRONT_FAILED, "extension support is not compiled in"},
        {"-X foo z", FRONT_FAILED, "extension support is not compiled in"},
        {"-ba -bb -bc -bd -be -bf -bg -bh -bi -bj -bk -bl -bm -bn -bo -bp -bq -br -bs -bt -bu z",
            FRONT_FAILED, "too many addresses to listen on (20 max)"},
        {"-t : z", FRONT_GO_ON, ""}, {"-t :5 z", FRONT_GO_ON, ""}, {"-t 1h:0:0 z", FRONT_GO_ON, ""},
        {"-c 0 -- -z", FRONT_GO_ON, ""}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct front_options options;
        struct line line;
        struct errmsg msg;
        if (parse(&line, cases[i].line, &options, &msg) != cases[i].end ||
            strcmp(msg.text, cases[i].message) != 0)
            fail_msg("\"%s\" says \"%s\"", cases[i].line, msg.text);
    }
}

static void
test_zones(void **state)
{
    char *const specs[] = {"Rbl.Example:ip4set:a,b", "two.example.:ip4set:a,b",
        "rbl.example:dnset:/x/Names.TXT", "..rbl..example:acl:who", ":acl:who", "three:ip4set:a:b",
        "rbl.example:ip4set:a,b", "esc\\.aped.example:ip4trie:,t,,"};
    struct front_zones z;
    struct errmsg msg;
    char name[DNAME_TEXT_SIZE];
    (void)state;
    assert_int_equal(front_zones_parse(8, specs, &z, &msg), ERR_OK);
    assert_int_equal(z.zone_count, 4);
    assert_int_equal(z.dataset_count, 5);
    (void)dname_format(&z.zones[0].apex, name);
    assert_string_equal(name, "rbl.example");
    (void)dname_format(&z.zones[3].apex, name);
    assert_string_equal(name, "esc\\.aped.example");
    assert_int_equal(z.zones[0].dataset_count, 2);
    assert_int_equal(z.zones[0].datasets[0], 0);
    assert_int_equal(z.zones[0].datasets[1], 1);
    assert_int_equal(z.zones[1].datasets[0], 0); /* shared: the same words */
    assert_int_equal(z.zones[2].datasets[0], 3); /* not the same words */
    assert_int_equal(z.zones[0].acl, 2);
    assert_int_equal(z.zones[1].acl, -1);
    assert_int_equal(z.acl, 2);
    assert_int_equal(z.datasets[3].file_count, 2);
    assert_int_equal(z.datasets[4].file_count, 1);
    assert_string_equal(z.datasets[4].files[0], "t");
    assert_memory_equal(z.datasets[0].name, "ip4set.a-", 9);
    assert_memory_equal(z.datasets[1].name, "dnset.names.txt-", 16);
    assert_string_not_equal(z.datasets[0].name, z.datasets[3].name);
    front_zones_free(&z);
}

static void
test_wrong_zones(void **state)
{
    static const struct {
        char *specs[3];
        const char *message;
    } cases[] = {{{"z"}, "invalid zone spec `z'"}, {{"."}, "invalid zone spec `.'"},
        {{"z:"}, "invalid zone data specification `'"},
        {{"z:ip4set"}, "invalid zone data specification `ip4set'"},
        {{"z:foo:a"}, "unknown dataset type `foo'"}, {{"z::a"}, "unknown dataset type `'"},
        {{"z:IP4SET:a"}, "unknown dataset type `IP4SET'"},
        {{"z:ip4set:"}, "missing filenames for ip4set"},
        {{"z:ip4set:,"}, "missing filenames for ip4set"},
        {{":ip4set:a"}, "missing domain name in `:ip4set:a'"},
        {{".:ip4set:a"}, "missing domain name in `.:ip4set:a'"},
        {{"z:acl:a", "z:acl:b"}, "repeated ACL definition for zone `z'"},
        {{":acl:a", ":acl:b"}, "global acl specified more than once"},
        {{"bad\\999name:ip4set:a"}, "invalid domain name `bad\\999name'"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct front_zones zones;
        struct errmsg msg = {""};
        int count = cases[i].specs[1] == NULL ? 1 : 2;
        if (front_zones_parse(count, cases[i].specs, &zones, &msg) == ERR_OK ||
            strcmp(msg.text, cases[i].message) != 0)
            fail_msg("\"%s\" says \"%s\"", cases[i].specs[0], msg.text);
        front_zones_free(&zones);
    }
}

/* The configuration that a front writes, as its reader has it. */
static struct conf *
written(const struct front *front)
{
    char path[] = "/tmp/repdns-front.XXXXXX";
    struct conf *conf = NULL;
    struct errmsg msg = {""};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *out = fdopen(fd, "w");
    assert_non_null(out);
    assert_true(front_conf_print(front, out));
    assert_int_equal(fclose(out), 0);
    enum err err = conf_load(path, &conf, &msg);
    (void)unlink(path);
    if (err < 0)
        fail_msg("%s", msg.text);
    assert_string_equal(conf->warnings, "");
    return conf;
}

static void
fill(struct front *front, struct line *line, const char *text)
{
    struct errmsg msg;
    *front = (struct front){.uid = 1234, .gid = 4321, .lock = -1};
    assert_int_equal(parse(line, text, &front->options, &msg), FRONT_GO_ON);
    assert_int_equal(
        front_zones_parse(front->options.spec_count, front->options.specs, &front->zones, &msg),
        ERR_OK);
    strcpy(front->work, "/data dir/$HOME");
    strcpy(front->store, "/var/lib/\"store\"");
}

static const struct zone_def *
zone_named(const struct conf *conf, const char *text)
{
    struct dname apex;
    assert_int_equal(dname_parse(text, strlen(text), &apex), ERR_OK);
    for (unsigned i = 0; i < conf->zone_count; i++)
        if (dname_equal(&conf->zones[i].apex, &apex))
            return &conf->zones[i];
    fail_msg("no zone %s", text);
    return NULL;
}

static void
test_conf(void **state)
{
    static struct front front;
    struct line line;
    (void)state;
    fill(&front, &line,
        "-t 1h -l +queries -s +stats -c 2m -v a.example:ip4set:${x},/whole/b base:dnset:names "
        "a.example:ip4trie:t");
    front.listen_count = 2;
    front.listen[0] = (struct endpoint){ip_from_v4(0x7f000001), 5353};
    assert_int_equal(ip_parse("::1", 3, &front.listen[1].ip), ERR_OK);
    front.listen[1].port = 53;
    struct conf *conf = written(&front);
    assert_string_equal(conf->state_dir, "/var/lib/\"store\"");
    assert_string_equal(conf->user, "1234");
    assert_string_equal(conf->group, "4321");
    assert_string_equal(conf->version, "rbldnsd");
    assert_true(conf->public);
    assert_false(conf->strict_rbldnsd);
    assert_int_equal(conf->rate.responses, 0);
    assert_int_equal(conf->listen_count, 2);
    assert_int_equal(conf->listen[0].port, 5353);
    assert_string_equal(conf->query_log.path, "/data dir/$HOME/queries");
    assert_true(conf->query_log.full);
    assert_false(conf->query_log.text);
    assert_string_equal(conf->statistics.path, "/data dir/$HOME/stats");
    assert_true(conf->statistics.deltas);
    assert_int_equal(conf->statistics.every_s, 120);
    assert_int_equal(conf->list_count, 3);
    assert_string_equal(conf->lists[0].files[0], "/data dir/$HOME/${x}");
    assert_string_equal(conf->lists[0].files[1], "/whole/b");
    const struct zone_def *zone = zone_named(conf, "a.example");
    assert_true(zone->enabled && zone->authority_data && zone->ns_in_answers && zone->sixtofour);
    assert_int_equal(zone->ttl_s, 3600);
    assert_int_equal(zone->dataset_count, 2);
    assert_string_equal(zone->datasets[0], front.zones.datasets[0].name);
    assert_string_equal(zone->datasets[1], front.zones.datasets[2].name);
    /* A zone may be called as our base's label is. */
    assert_int_equal(zone_named(conf, "base")->kind, ZONE_LIST);
    for (unsigned i = 0; i < conf->zone_count; i++)
        assert_int_equal(conf->zones[i].enabled, conf->zones[i].kind == ZONE_LIST);
    conf_free(&conf);
    front_zones_free(&front.zones);
}

static void
test_conf_others(void **state)
{
    static struct front front;
    struct line line;
    (void)state;
    fill(&front, &line, "-a -vv -l - --strict-rbldnsd -c 0 -s /s/stats z:ip4set:a");
    strcpy(front.root, "/srv/jail");
    strcpy(front.store, "/srv/jail/store");
    strcpy(front.work, "/");
    struct conf *conf = written(&front);
    assert_string_equal(conf->state_dir, "/store");
    assert_string_equal(conf->version, "");
    assert_true(conf->strict_rbldnsd);
    assert_int_equal(conf->rate.responses, 0);
    assert_string_equal(conf->query_log.path, "-");
    assert_int_equal(conf->statistics.every_s, 0);
    assert_false(conf->statistics.deltas);
    assert_string_equal(conf->lists[0].files[0], "/a");
    assert_false(zone_named(conf, "z")->ns_in_answers);
    conf_free(&conf);
    /* A dump is made from outside. */
    front.options.dump = true;
    strcpy(front.store, "/tmp/x");
    conf = written(&front);
    assert_string_equal(conf->state_dir, "/tmp/x");
    assert_string_equal(conf->lists[0].files[0], "/srv/jail/a");
    conf_free(&conf);
    front_zones_free(&front.zones);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_wrong_zones),
        cmocka_unit_test(test_conf),
        cmocka_unit_test(test_conf_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
