/* status, dump, check and explain on small stores, written by publish.h and history.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/dnscache.h"
#include "loader/history.h"
#include "loader/lists.h"
#include "loader/publish.h"
#include "loader/status.h"
#include "tools/dumpline.h"
#include "tools/tools.h"

enum { DAY_S = 86400, RANGES = 2000 };
#define NOW_S   INT64_C(1767225600) /* 2026-01-01 */
#define BIT(id) (UINT32_C(1) << REASON_##id)

struct fixture {
    char dir[32];
    struct conf *conf;
    char *text; /* of the last print */
    size_t size;
    FILE *out;
};

static const char conf_text[] = "base = \"rep.example\"\n"
                                "own_networks = {\"203.0.113.0/24\"}\n"
                                "own_names = {\"example.com\"}\n"
                                "zone \"hint\" { enabled = yes }\n"
                                "zone \"spf\" { enabled = yes }\n"
                                "policy { learn_sessions = 1  learn_days = 1 }\n";

static void
load_conf(struct fixture *f, const char *more)
{
    char path[64];
    struct errmsg msg;
    (void)snprintf(path, sizeof path, "%s/conf", f->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%sstate_dir = \"%s\"\n%s", conf_text, f->dir, more);
    assert_int_equal(fclose(file), 0);
    conf_free(&f->conf);
    if (conf_load(path, &f->conf, &msg) < 0)
        fail_msg("%s", msg.text);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/repdns-tools-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    load_conf(f, "");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    static const char *const files[] = {"conf", "answers.mdb", "answers.mdb-lock", "history.mdb",
        "history.mdb-lock", "lists.mdb", "lists.mdb-lock", "list"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[80];
        (void)snprintf(path, sizeof path, "%s/%s", f->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(f->dir);
    conf_free(&f->conf);
    free(f->text);
    free(f);
    return 0;
}

static FILE *
begin(struct fixture *f)
{
    free(f->text);
    f->text = NULL;
    f->out = open_memstream(&f->text, &f->size);
    assert_non_null(f->out);
    return f->out;
}

static void
end(struct fixture *f)
{
    assert_int_equal(fclose(f->out), 0);
}

static void
expect(const struct fixture *f, const char *part)
{
    if (strstr(f->text, part) == NULL)
        fail_msg("missing: \"%s\" in\n%s", part, f->text);
}

static void
expect_not(const struct fixture *f, const char *part)
{
    if (strstr(f->text, part) != NULL)
        fail_msg("not wanted: \"%s\" in\n%s", part, f->text);
}

static struct ip
ip_of(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, strlen(text), &ip), ERR_OK);
    return ip;
}

static struct dname
name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return name;
}

static void
publish_some(struct fixture *f, int64_t now_s)
{
    uint8_t score[VALUE_REASONS_SIZE], none[VALUE_REASONS_SIZE], absent[VALUE_REASONS_SIZE];
    value_of_reasons((struct reason_set){BIT(SCORE) | BIT(RDNS_NONE)}, score);
    value_of_reasons((struct reason_set){BIT(RDNS_NONE)}, none);
    value_of_reasons((struct reason_set){BIT(DOMAIN_ABSENT)}, absent);
    struct ip bad = ip_of("192.0.2.10"), six = ip_of("2001:db8::25");
    struct ipset_entry addrs[] = {
        {{bad, bad}, slice_of(score, sizeof score)}, {{six, six}, slice_of(none, sizeof none)}};
    struct nameset_entry names[] = {{.name = name_of("gone.test"),
        .exact = {NAMESET_SLOT_VALUE, slice_of(absent, sizeof absent)},
        .wild = {NAMESET_SLOT_EXCLUDED, {NULL, 0}}}};
    struct pairset_entry pairs[] = {{name_of("example.org"), bad, REASON_SPF_FAIL}};
    /* Dynamic as a whole, for each family. */
    static const uint8_t table4[] = {1, 0, 0, 0, 0xc0, 0};
    static const uint8_t table6[] = {1, 0, 0, 0, 0xc0, 0, 0};
    struct pairset_policy policies[] = {{.domain = name_of("example.org"),
        .tables = {slice_of(table4, sizeof table4), slice_of(table6, sizeof table6)},
        .limit_day = 30000}};
    char detail[] = "HELO \"x\"\033[2J";
    struct evidence_entry evidence[] = {
        {.is_ip = true, .ip = bad, .since_s = NOW_S - DAY_S, .detail = detail}};
    struct publish_set sets[] = {
        {.info = {.name = DATASET_JUDGED_IP, .kind = DATASET_ADDR, .max_age_s = 7 * DAY_S},
            .addrs = addrs,
            .count = 2,
            .evidence = evidence,
            .evidence_count = 1},
        {.info = {.name = DATASET_JUDGED_DOM, .kind = DATASET_NAME}, .names = names, .count = 1},
        {.info = {.name = DATASET_JUDGED_PAIR, .kind = DATASET_PAIR},
            .policies = policies,
            .policy_count = 1,
            .pairs = pairs,
            .count = 1}};
    struct publish_result result;
    struct errmsg msg;
    if (publish(f->conf, sets, 3, now_s, true, &result, &msg) < 0)
        fail_msg("%s", msg.text);
}

static void
observe(struct kv_txn *txn, const char *ip, const char *helo, const char *domain, unsigned count)
{
    struct observation seen = {.client = ip_of(ip),
        .sender = OBS_SENDER_DOMAIN,
        .sender_domain = name_of(domain),
        .outcome = OBS_ACCEPTED};
    helo_set(&seen.helo, helo, strlen(helo));
    for (unsigned i = 0; i < count; i++) {
        seen.when_s = NOW_S - 10 * DAY_S + i * DAY_S / 4;
        history_add(txn, &seen);
    }
}

static void
store_txt(struct kv_txn *txn, const char *domain, const char *text)
{
    struct dnscache *cache;
    uint8_t records[300];
    size_t n = strlen(text);
    struct dname name = name_of(domain);
    records[0] = 0;
    records[1] = (uint8_t)n;
    memcpy(records + 2, text, n);
    assert_int_equal(dnscache_new(txn, NOW_S, &cache), ERR_OK);
    assert_int_equal(
        dnscache_put(cache, DNS_TXT, &name, DNS_OK, 3600, 1, slice_of(records, n + 2)), ERR_OK);
    assert_int_equal(dnscache_save(cache, txn), ERR_OK);
    dnscache_free(&cache);
}

static void
make_history(struct fixture *f)
{
    struct history *history;
    struct kv_txn *txn;
    struct errmsg msg;
    if (history_open(f->conf->history_path, false, &history, &msg) < 0)
        fail_msg("%s", msg.text);
    assert_int_equal(kv_begin(history_kv(history), true, &txn, &msg), ERR_OK);
    observe(txn, "192.0.2.10", "evil\x1b[2Jname", "example.org", 30);
    observe(txn, "2001:db8::25", "", "example.net", 10);
    history_count(txn, "skipped-submission", 7);
    history_count(txn, "log-lines", 400);
    history_count(txn, "log-sessions", 40);
    store_txt(txn, "example.org", "v=spf1 ip4:198.51.100.0/24 -all");
    assert_int_equal(kv_commit(&txn, &msg), ERR_OK);
    history_close(&history);
}

static void
print_status(struct fixture *f, int64_t now_s)
{
    struct errmsg msg;
    FILE *out = begin(f);
    enum err err = status_print(out, f->conf, now_s, &msg);
    end(f);
    if (err < 0)
        fail_msg("%s", msg.text);
}

static void
status_without_stores(void **state)
{
    struct fixture *f = *state;
    print_status(f, NOW_S);
    expect(f, "answers.mdb: not there yet");
    expect(f, "history.mdb: not there yet");
}

static void
status_of_stores(void **state)
{
    struct fixture *f = *state;
    load_conf(f, "list \"drop\" { type = ip4set  files = {\"/nonexistent\"} }\n");
    publish_some(f, NOW_S);
    make_history(f);
    print_status(f, NOW_S + 90 * 60);
    expect(f, "(90 minutes ago)");
    expect(f, "judged.ip            address         2 entries");
    expect(f, "served until 2026-01-08T00:00:00Z");
    expect(f, "served without end");
    expect(f, "list drop was never published");
    expect(f, "2 clients; 40 sessions");
    expect(f, "75 % of the accepted mail had a HELO");
    expect(f, "check_client_access static:{INFO repdns}");
    expect(f, "192.0.2.10 brings 75 % of the accepted mail");
    expect(f, "skipped-submission");
    expect_not(f, "learning");
    expect_not(f, "no line of the logs");
    print_status(f, NOW_S + 8 * DAY_S);
    expect(f, "NOT SERVED since 2026-01-08T00:00:00Z");
    expect(f, "(8 days ago)");
}

static void
status_of_a_damaged_store(void **state)
{
    struct fixture *f = *state;
    struct errmsg msg;
    FILE *file = fopen(f->conf->answers_path, "w");
    assert_non_null(file);
    for (int i = 0; i < 9000; i++)
        fputc('x', file);
    assert_int_equal(fclose(file), 0);
    make_history(f);
    FILE *out = begin(f);
    assert_int_equal(status_print(out, f->conf, NOW_S, &msg), ERR_FORMAT);
    end(f);
    expect(f, "2 clients"); /* the rest is printed all the same */
}

static void
print_answers(struct fixture *f, bool beat)
{
    struct errmsg msg;
    FILE *out = begin(f);
    enum err err = dump_answers(&(struct dumpline){.out = out}, f->conf, beat, &msg);
    end(f);
    if (err < 0)
        fail_msg("%s", msg.text);
}

static void
dump_of_answers(void **state)
{
    struct fixture *f = *state;
    publish_some(f, NOW_S);
    print_answers(f, false);
    expect(f, "store format 3 serial 1767225600 publishes 1\n");
    expect(f, "dataset judged.ip address entries 2 serial 1767225600 built 2026-01-01T00:00:00Z "
              "expires - max-age 604800 ttl 0\n");
    expect(f,
        "address judged.ip 192.0.2.10 score,rdns-none\n"
        "address judged.ip 2001:db8::25 rdns-none\n"
        "evidence judged.ip 192.0.2.10 since 2025-12-31T00:00:00Z \"HELO \\\"x\\\"\\x1b[2J\"\n");
    expect(f, "name judged.dom gone.test domain-absent\nname judged.dom *.gone.test excluded\n");
    expect(f, "pair judged.pair example.org 192.0.2.10 spf-fail\n");
    expect(f, "policy judged.pair example.org tables ");
    expect(f, " until 2052-02-20T00:00:00Z\n");
    expect(f, " 6 bytes\ninterval 0.0.0.0-255.255.255.255 dynamic\n");
    expect(f, "zone ip.rep.example serial 1767225600 definition ");
    expect_not(f, "beat");
    /* A run that finds nothing new moves the heartbeat alone. */
    char *before = strdup(f->text);
    publish_some(f, NOW_S + 600);
    print_answers(f, false);
    assert_string_equal(f->text, before);
    free(before);
    print_answers(f, true);
    expect(f, "beat 2026-01-01T00:10:00Z\n");
}

/* A range that spans many blocks is one line, as if it had not been cut. */
static void
dump_of_a_cut_range(void **state)
{
    struct fixture *f = *state;
    static struct ipset_entry addrs[RANGES + 1];
    static uint8_t values[RANGES + 1][VALUE_REASONS_SIZE];
    for (uint32_t i = 0; i < RANGES; i++) {
        struct ip ip = ip_from_v4(0x0b000000 + i * 2);
        value_of_reasons((struct reason_set){BIT(RDNS_NONE)}, values[i]);
        addrs[i] = (struct ipset_entry){{ip, ip}, slice_of(values[i], VALUE_REASONS_SIZE)};
    }
    value_of_reasons((struct reason_set){BIT(SCORE)}, values[RANGES]);
    addrs[RANGES] = (struct ipset_entry){{ip_from_v4(0x0b000000 + RANGES * 2), ip_of("12.1.2.3")},
        slice_of(values[RANGES], VALUE_REASONS_SIZE)};
    struct publish_set set = {
        .info = {.name = "a", .kind = DATASET_ADDR}, .addrs = addrs, .count = RANGES + 1};
    struct publish_result result;
    assert_int_equal(publish(f->conf, &set, 1, NOW_S, true, &result, NULL), ERR_OK);
    print_answers(f, false);
    expect(f, "address a 11.0.15.160-12.1.2.3 score\n");
    unsigned lines = 0;
    for (const char *p = f->text; (p = strstr(p, "address a ")) != NULL; p++)
        lines++;
    assert_int_equal(lines, RANGES + 1);
}

static void
status_of_other_logs(void **state)
{
    struct fixture *f = *state;
    struct history *history;
    struct kv_txn *txn;
    struct errmsg msg;
    assert_int_equal(history_open(f->conf->history_path, false, &history, &msg), ERR_OK);
    assert_int_equal(kv_begin(history_kv(history), true, &txn, &msg), ERR_OK);
    history_count(txn, "log-lines", 400);
    assert_int_equal(kv_commit(&txn, &msg), ERR_OK);
    history_close(&history);
    print_status(f, NOW_S);
    expect(f, "no line of the logs tells of a session");
}

static void
dump_of_history(void **state)
{
    struct fixture *f = *state;
    struct errmsg msg;
    make_history(f);
    FILE *out = begin(f);
    assert_int_equal(dump_history(&(struct dumpline){.out = out}, f->conf, &msg), ERR_OK);
    end(f);
    expect(f, "totals sessions 40 accepted 40 with-helo 30 ");
    expect(f, "client 192.0.2.10 sessions 30 accepted 30 with-helo 30 ham 0 spam 0 ");
    expect(f, "helo 192.0.2.10 \"evil?[2jname\" count 30 first 2025-12-22T00:00:00Z");
    expect(f, "pair 2001:db8::25 example.net count 10 ");
    expect(f, "counter \"skipped-submission\" 7\n");
    expect(f, "dns example.org TXT ok expires 2026-01-01T01:00:00Z \"v=spf1 "
              "ip4:198.51.100.0/24 -all\"\n");
}

static void
dumps_of_nothing(void **state)
{
    struct fixture *f = *state;
    struct errmsg msg;
    FILE *out = begin(f);
    assert_int_equal(
        dump_answers(&(struct dumpline){.out = out}, f->conf, false, &msg), ERR_NOTFOUND);
    assert_int_equal(dump_history(&(struct dumpline){.out = out}, f->conf, &msg), ERR_NOTFOUND);
    end(f);
    assert_int_equal(f->size, 0);
    load_conf(f, "list \"drop\" { type = ip4set  files = {\"/nonexistent\"} }\n");
    out = begin(f);
    assert_int_equal(dump_lists(&(struct dumpline){.out = out}, f->conf, &msg), ERR_OK);
    end(f);
    assert_string_equal(f->text, "list drop ip4set block never imported\n");
}

static void
make_list(struct fixture *f, const char *name, const char *role, const char *lines)
{
    char path[80], more[300];
    struct list_stats stats = {0};
    struct errmsg msg;
    bool changed;
    (void)snprintf(path, sizeof path, "%s/list", f->dir);
    (void)snprintf(more, sizeof more,
        "list \"%s\" { type = ip4set  role = %s  files = {\"%s\"} }\n", name, role, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(lines, file);
    assert_int_equal(fclose(file), 0);
    load_conf(f, more);
    if (lists_import(f->conf, &f->conf->lists[0], NOW_S, &changed, &stats, &msg) < 0)
        fail_msg("%s", msg.text);
}

static void
dump_of_lists(void **state)
{
    struct fixture *f = *state;
    struct errmsg msg;
    /* rbldnsd's levels are /32, /24, /16 and /8: a /25 is of the first, as a single address is. */
    make_list(f, "drop", "block", "192.0.2.0/25 :127.0.0.5:bad $\n192.0.2.7\n!192.0.2.9\n");
    FILE *out = begin(f);
    assert_int_equal(dump_lists(&(struct dumpline){.out = out}, f->conf, &msg), ERR_OK);
    end(f);
    expect(f, "list drop ip4set block\naddress drop 192.0.2.0-192.0.2.6 127.0.0.5 \"bad $\"\n"
              "address drop 192.0.2.7 127.0.0.5 \"bad $\"; 127.0.0.2\n");
    expect(f, "address drop 192.0.2.8 127.0.0.5 \"bad $\"\n"
              "address drop 192.0.2.10-192.0.2.127 127.0.0.5 \"bad $\"\n");
}

static enum exit_code
run(struct fixture *f, tool_fn tool, int count, char *const *args)
{
    struct errmsg msg = {""};
    const struct tool setting = {
        .conf = f->conf, .now_s = NOW_S, .out = begin(f), .arg_count = count, .args = args};
    enum exit_code code = tool(&setting, &msg);
    end(f);
    return code;
}

static void
check_of_an_installation(void **state)
{
    struct fixture *f = *state;
    char path[80], more[200];
    assert_int_equal(run(f, tool_check, 0, NULL), EXIT_DONE);
    expect(f, "answers.mdb: not there yet");
    publish_some(f, NOW_S);
    assert_int_equal(run(f, tool_check, 0, NULL), EXIT_DONE);
    expect(f, "answers.mdb: good");
    (void)snprintf(path, sizeof path, "%s/list", f->dir);
    (void)snprintf(more, sizeof more, "list \"l\" { type = ip4set  files = {\"%s\"} }\n", path);
    load_conf(f, more);
    assert_int_equal(run(f, tool_check, 0, NULL), EXIT_FAILED);
    expect(f, "No such file");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(run(f, tool_check, 0, NULL), EXIT_DONE);
    load_conf(f, "keys { file = \"/nonexistent/keys\" }\n");
    assert_int_equal(run(f, tool_check, 0, NULL), EXIT_FAILED);
    expect(f, "keys: file: /nonexistent/keys: No such file");
    load_conf(f, "");
    assert_int_equal(chmod(f->dir, 0777), 0);
    assert_int_equal(run(f, tool_check, 0, NULL), EXIT_FAILED);
    expect(f, "everybody may write there");
}

static void
explain_of_a_client(void **state)
{
    struct fixture *f = *state;
    char *args[] = {(char[]){"192.0.2.10"}, (char[]){"a@example.org"}, (char[]){"mx.example.com"}};
    publish_some(f, NOW_S);
    make_history(f);
    assert_int_equal(run(f, tool_explain, 3, args), EXIT_DONE);
    expect(f, "192.0.2.10 as of 2026-01-01T00:00:00Z\n");
    expect(f, "verdict: hint.rep.example (helo-invalid) informational\n");
    expect(f, "helo-invalid      127.0.0.4    192.0.2.10 greets");
    expect(f, "client: 30 sessions");
    expect(f, "HELO: \"evil?[2jname\" invalid");
    expect(f, "sender: example.org spf-fail, 30 times");
    expect(f, "  ip.rep.example, by judged.ip: 127.0.0.3 score 127.0.0.11 rdns-none, since "
              "2025-12-31T00:00:00Z, for \"HELO \\\"x\\\"\\x1b[2J\"\n");
    expect(f, "SPF: spf-fail 127.0.2.4");
    expect(f, "    pair.rep.example, by judged.pair: 127.0.2.4 spf-fail\n");
    expect(f, "\"mx.example.com\" as HELO: name\n");
    expect(f, "a name of ours");
}

static void
explain_of_strangers(void **state)
{
    struct fixture *f = *state;
    char *own[] = {(char[]){"203.0.113.9"}}, *other[] = {(char[]){"198.51.100.7"}};
    char *pair[] = {(char[]){"198.51.100.7"}, (char[]){"example.org"}};
    char *bad[] = {(char[]){"192.0.2"}};
    /* Without any store. */
    assert_int_equal(run(f, tool_explain, 1, other), EXIT_DONE);
    expect(f, "history.mdb: not there yet");
    expect(f, "no store is published yet");
    assert_int_equal(run(f, tool_explain, 2, pair), EXIT_DONE);
    expect(f, "SPF: not known");
    publish_some(f, NOW_S);
    make_history(f);
    assert_int_equal(run(f, tool_explain, 1, own), EXIT_DONE);
    expect(f, "verdict: never listed: own_networks has 203.0.113.0/24\n");
    assert_int_equal(run(f, tool_explain, 2, pair), EXIT_DONE);
    expect(f, "the history does not have this address");
    expect(f, "not listed in any zone");
    expect(f, "SPF: spf-pass 127.0.2.3");
    assert_int_equal(run(f, tool_explain, 1, bad), EXIT_USAGE);
}

/* What services logged of SPF, in a dump and explained. */
static void
record_of_a_domain(void **state)
{
    struct fixture *f = *state;
    char *args[] = {(char[]){"192.0.2.10"}, (char[]){"own.example"}, (char[]){"other.example"}};
    struct history *history;
    struct kv_txn *txn;
    struct errmsg msg;
    struct observation seen = {.when_s = NOW_S - DAY_S,
        .client = ip_of("192.0.2.10"),
        .sender = OBS_SENDER_DOMAIN,
        .sender_domain = name_of("own.example"),
        .label = OBS_SPAM};
    assert_int_equal(history_open(f->conf->history_path, false, &history, &msg), ERR_OK);
    assert_int_equal(kv_begin(history_kv(history), true, &txn, &msg), ERR_OK);
    seen.spf = OBS_SPF_PASS;
    history_add(txn, &seen);
    seen.spf = OBS_SPF_TEMPERROR;
    history_add(txn, &seen);
    assert_int_equal(kv_commit(&txn, &msg), ERR_OK);
    history_close(&history);
    FILE *out = begin(f);
    assert_int_equal(dump_history(&(struct dumpline){.out = out}, f->conf, &msg), ERR_OK);
    end(f);
    expect(f, " logged spf-pass spf-pass 1.00 spf-temperror 1.00\n");
    expect(f, "domain own.example sessions 2 clients 1 first 2025-12-31T00:00:00Z last ");
    expect(f, " spf-pass 1.00 spf-temperror 1.00 own 1 own-days 1.00 own-spam 1.00\n");
    assert_int_equal(run(f, tool_explain, 2, args), EXIT_DONE);
    expect(f, "logged then spf-pass (sessions, faded: pass 0.9, temperror 0.9)");
    expect(f, "SPF pass logged 1 times lately, SPF temperror logged 1 times lately");
    expect(f, "seen: 2 sessions, lately of about 1 clients, 2025-12-31T00:00:00Z to ");
    expect(f, "SPF logged: (sessions, faded: pass 0.9, temperror 0.9)\n");
    expect(f, "its own, by SPF: 1 sessions, active days 0.9, spam 0.9; nobody is listed for it\n");
    args[1] = args[2];
    assert_int_equal(run(f, tool_explain, 2, args), EXIT_DONE);
    expect(f, "the history does not have this domain\n");
}

static void
explain_of_an_allowed_client(void **state)
{
    struct fixture *f = *state;
    char *args[] = {(char[]){"192.0.2.10"}};
    make_list(f, "friends", "allow", "192.0.2.10\n");
    make_history(f);
    assert_int_equal(run(f, tool_explain, 1, args), EXIT_DONE);
    expect(f, "verdict: never listed: a list with the role allow has it\n");
}

static void
texts_are_escaped(void **state)
{
    struct fixture *f = *state;
    uint8_t value[64];
    size_t n = 0;
    const struct value_element elements[] = {{.reasons = {BIT(SCORE) | BIT(TRAP)}},
        {.literal = true, .a = 0x7f000002},
        {.literal = true, .a = 0x7f000003, .has_txt = true, .txt = {"a\"\\\n\xff", 5}}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(value_append(value, sizeof value, &n, &elements[i]), ERR_OK);
    FILE *out = begin(f);
    text_value(out, slice_of(value, n));
    fputc(' ', out);
    text_value(out, slice_of(value, 2));
    end(f);
    assert_string_equal(
        f->text, "score,trap; 127.0.0.2; 127.0.0.3 \"a\\\"\\\\\\x0a\\xff\" DAMAGED");
    struct dumpline line = {.out = begin(f), .json = true};
    for (size_t i = 0; i < 2; i++) {
        dumpline_begin(&line, "x");
        dumpline_value(&line, slice_of(value, i == 0 ? n : 2));
        dumpline_end(&line);
    }
    end(f);
    assert_int_equal(line.err, ERR_OK);
    assert_string_equal(f->text,
        "{\"record\": \"x\", \"values\": [{\"reason\": \"score\", \"a\": \"127.0.0.3\"}, "
        "{\"reason\": \"trap\", \"a\": \"127.0.0.9\"}, {\"a\": \"127.0.0.2\"}, "
        "{\"a\": \"127.0.0.3\", \"txt\": \"a\\\"\\\\\\n\\u00FF\"}]}\n"
        "{\"record\": \"x\", \"values\": [{\"damaged\": true}]}\n");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(status_without_stores), TEST(status_of_stores),
        TEST(status_of_a_damaged_store), TEST(dump_of_answers), TEST(dump_of_a_cut_range),
        TEST(dump_of_history), TEST(dump_of_lists), TEST(dumps_of_nothing),
        TEST(explain_of_an_allowed_client), TEST(record_of_a_domain),
        TEST(check_of_an_installation), TEST(status_of_other_logs), TEST(explain_of_a_client),
        TEST(explain_of_strangers), TEST(texts_are_escaped)};
    return cmocka_run_group_tests_name("tools", tests, NULL, NULL);
}
