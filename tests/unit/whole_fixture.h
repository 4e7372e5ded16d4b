/* For tests of the whole way: observations and DNS answers into a history, judged and published,
 * then asked and explained. */
#ifndef TESTS_UNIT_WHOLE_FIXTURE_H
#define TESTS_UNIT_WHOLE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/previous.h"
#include "loader/stages.h"
#include "tools/tools.h"
#include "zones/ipset.h"

enum { DAY_S = 86400 };
#define NOW_S INT64_C(1767225600) /* 2026-01-01 */

struct whole {
    char dir[32];
    struct conf *conf;
    struct history *history;
    struct kv_txn *txn;
    struct dnscache *cache;
    char *text; /* of the last explanation */
};

static inline struct ip
ip_of(const char *text)
{
    struct ip ip;
    if (ip_parse(text, strlen(text), &ip) < 0)
        fail_msg("%s", text);
    return ip;
}

static inline struct dname
name_of(const char *text)
{
    struct dname name;
    if (dname_parse(text, strlen(text), &name) < 0)
        fail_msg("%s", text);
    return name;
}

/* more: of the configuration. The history is open for writing until whole_judge. */
static inline void
whole_open(struct whole *w, const char *more)
{
    char path[64];
    struct errmsg msg;
    *w = (struct whole){.dir = "/tmp/repdns-whole-XXXXXX"};
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(path, sizeof path, "%s/conf", w->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
        "base = \"rep.example\"\nstate_dir = \"%s\"\nown_networks = {\"203.0.113.0/24\"}\n"
        "own_names = {\"example.com\"}\nzone \"hint\" { enabled = yes }\n"
        "policy { learn_sessions = 1  learn_days = 1  max_new_percent = 100 }\n%s",
        w->dir, more);
    assert_int_equal(fclose(file), 0);
    if (conf_load(path, &w->conf, &msg) < 0 ||
        history_open(w->conf->history_path, false, &w->history, &msg) < 0 ||
        kv_begin(history_kv(w->history), true, &w->txn, &msg) < 0)
        fail_msg("%s", msg.text);
    assert_int_equal(dnscache_new(w->txn, NOW_S, &w->cache), ERR_OK);
}

static inline void
whole_close(struct whole *w)
{
    char command[64];
    free(w->text);
    conf_free(&w->conf);
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", w->dir);
    assert_int_equal(system(command), 0);
}

/* So many days in a row up to yesterday, a session each, as sender@domain unless that is NULL. */
static inline void
whole_seen(struct whole *w, const char *ip, const char *helo, const char *domain, unsigned days,
    enum obs_label label)
{
    struct observation seen = {.client = ip_of(ip), .outcome = OBS_ACCEPTED, .label = label};
    helo_set(&seen.helo, helo, strlen(helo));
    if (domain != NULL) {
        seen.sender = OBS_SENDER_DOMAIN;
        seen.sender_domain = name_of(domain);
    }
    for (unsigned i = days; i > 0; i--) {
        seen.when_s = NOW_S - (int64_t)i * DAY_S;
        history_add(w->txn, &seen);
    }
}

/* Without rdata: no such name. */
static inline void
whole_dns(
    struct whole *w, enum dns_type type, const struct dname *name, const void *rdata, size_t n)
{
    uint8_t record[2 + 512] = {(uint8_t)(n >> 8), (uint8_t)n};
    if (n > 0)
        memcpy(record + 2, rdata, n);
    assert_int_equal(dnscache_put(w->cache, type, name, n > 0 ? DNS_OK : DNS_NXDOMAIN, DAY_S, n > 0,
                         slice_of(record, n > 0 ? n + 2 : 0)),
        ERR_OK);
}

/* The reverse name of an address, confirmed; NULL: none. */
static inline void
whole_reverse(struct whole *w, const char *address, const char *name)
{
    struct ip ip = ip_of(address);
    struct dname reverse, forward;
    uint8_t key[16];
    dns_reverse_name(&ip, &reverse);
    if (name == NULL) {
        whole_dns(w, DNS_PTR, &reverse, NULL, 0);
        return;
    }
    forward = name_of(name);
    size_t n = ip_key(&ip, key);
    whole_dns(w, DNS_PTR, &reverse, forward.b, forward.len);
    whole_dns(w, n == 4 ? DNS_A : DNS_AAAA, &forward, key, n);
}

/* Judges and publishes. Nothing can be added afterwards. */
static inline void
whole_judge(struct whole *w)
{
    struct errmsg msg;
    struct run run = {.conf = w->conf, .now_s = NOW_S, .force = true};
    assert_int_equal(dnscache_save(w->cache, w->txn), ERR_OK);
    assert_int_equal(kv_commit(&w->txn, &msg), ERR_OK);
    dnscache_free(&w->cache);
    history_close(&w->history);
    if (stage_publish(&run, &msg) != EXIT_DONE)
        fail_msg("%s", msg.text);
    run_close(&run);
}

/* Whether the address has the reason in the judged set, by which prefix ("" for none). */
static inline bool
whole_has(const struct whole *w, const char *address, enum reason reason, char prefix[64])
{
    struct ip ip = ip_of(address);
    struct kvread *reader;
    struct previous previous;
    struct dataset dataset;
    struct ipset_hit hit;
    struct prefix matched;
    struct errmsg msg;
    if (kvread_open(w->conf->answers_path, &reader, &msg) < 0)
        fail_msg("%s", msg.text);
    assert_int_equal(previous_ip(reader, DATASET_JUDGED_IP, &ip, &previous), ERR_OK);
    assert_int_equal(previous_dataset(reader, DATASET_JUDGED_IP, &dataset), ERR_OK);
    prefix[0] = '\0';
    if (ipset_lookup(reader, dataset.id, &ip, &hit) == ERR_OK) {
        assert_true(range_prefix(&hit.range, &matched));
        prefix_format(&matched, prefix);
        assert_int_not_equal(previous.since_s, 0);
    }
    kvread_close(&reader);
    return reasons_have(previous.reasons, reason);
}

static inline const char *
whole_explain(struct whole *w, const char *address, bool json)
{
    char text[64];
    char *args[] = {text};
    size_t size;
    struct errmsg msg;
    (void)snprintf(text, sizeof text, "%s", address);
    free(w->text);
    w->text = NULL;
    FILE *out = open_memstream(&w->text, &size);
    assert_non_null(out);
    const struct tool tool = {
        .conf = w->conf, .now_s = NOW_S, .out = out, .arg_count = 1, .args = args, .json = json};
    enum exit_code code = tool_explain(&tool, &msg);
    assert_int_equal(fclose(out), 0);
    if (code != EXIT_DONE)
        fail_msg("%s", msg.text);
    return w->text;
}

static inline void
whole_expect(const struct whole *w, const char *part)
{
    if (strstr(w->text, part) == NULL)
        fail_msg("missing: \"%s\" in\n%s", part, w->text);
}

#endif
