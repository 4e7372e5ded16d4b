/*
 * The operator's word: what it comes to does not depend on the order in which it was said, allow
 * beats block, and both stand under what is never listed; how it is kept, ends and is taken back;
 * and what forgetting and discounting leave of a history.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/random.h"

#include "loader/dnscache.h"
#include "loader/history_forget.h"
#include "loader/publish.h"
#include "loader/wordset.h"

#define NOW_S INT64_C(1767225600) /* 2026-01-01 */
enum { DAY_S = 86400, ROUNDS = 300, WORDS_MOST = 24, PROBES = 200 };

struct fixture {
    char dir[32], answers[64], lists[64], history[64];
    struct conf conf;
    struct prefix never[2];
    struct dname own;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    strcpy(f->dir, "/tmp/repdns-word-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->answers, sizeof f->answers, "%s/answers.mdb", f->dir);
    (void)snprintf(f->lists, sizeof f->lists, "%s/lists.mdb", f->dir);
    (void)snprintf(f->history, sizeof f->history, "%s/history.mdb", f->dir);
    f->conf = (struct conf){.answers_path = f->answers,
        .lists_path = f->lists,
        .history_path = f->history,
        .never_list = f->never,
        .never_count = 2,
        .own_names = &f->own,
        .own_name_count = 1};
    assert_int_equal(prefix_parse("10.0.2.0/24", 11, false, &f->never[0]), ERR_OK);
    assert_int_equal(prefix_parse("10.0.3.7", 8, false, &f->never[1]), ERR_OK);
    assert_int_equal(dname_parse("b.a.test", 8, &f->own), ERR_OK);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char command[64];
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static struct word_subject
subject_of(const char *text)
{
    struct word_subject subject;
    assert_int_equal(word_subject_parse(text, &subject), ERR_OK);
    return subject;
}

static struct word
word_of(enum word_verb verb, const char *subject, int64_t expires_s)
{
    return (struct word){.verb = verb,
        .subject = subject_of(subject),
        .since_s = NOW_S,
        .expires_s = expires_s,
        .by = "anna",
        .note = "why"};
}

/* -- text and bytes -- */

static void
test_subjects(void **state)
{
    static const struct {
        const char *text, *wanted; /* NULL: none */
    } cases[] = {{"192.0.2.1", "192.0.2.1"}, {"192.0.2.0/24", "192.0.2.0/24"},
        {"192.0.2.1/24", NULL}, {"0.0.0.0/0", "0.0.0.0/0"}, {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:DB8::/32", "2001:db8::/32"}, {"2001:db8::1", "2001:db8::1"}, {"192.0.2", NULL},
        {"192.0.2.1/33", NULL}, {"Example.ORG", "example.org"}, {"example.org.", "example.org"},
        {"localhost", "localhost"}, {"a_b.example", "a_b.example"}, {"-a.example", NULL},
        {"a b.example", NULL}, {"a@example.org", NULL}, {"", NULL}, {".", NULL}, {"10", NULL},
        {"*.example.org", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct word_subject subject, again;
        char text[WORD_SUBJECT_SIZE];
        uint8_t bytes[WORD_SUBJECT_BYTES];
        enum err err = word_subject_parse(cases[i].text, &subject);
        if ((err == ERR_OK) != (cases[i].wanted != NULL))
            fail_msg("\"%s\": %s", cases[i].text, err_text(err));
        if (err < 0)
            continue;
        word_subject_format(&subject, text);
        assert_string_equal(text, cases[i].wanted);
        size_t n = word_subject_encode(&subject, bytes);
        assert_int_equal(word_subject_decode(slice_of(bytes, n), &again), ERR_OK);
        assert_true(word_subject_covers(&subject, &again));
        assert_true(word_subject_covers(&again, &subject));
        for (size_t cut = 0; cut < n && !subject.is_name; cut++)
            assert_int_equal(word_subject_decode(slice_of(bytes, cut), &again), ERR_FORMAT);
    }
}

static void
test_damage(void **state)
{
    struct word word = word_of(WORD_BLOCK, "192.0.2.1", NOW_S + 5), again = {0};
    uint8_t bytes[WORD_BYTES];
    (void)state;
    size_t n = word_encode(&word, bytes);
    assert_int_equal(word_decode(slice_of(bytes, n), &again), ERR_OK);
    assert_string_equal(again.by, "anna");
    assert_string_equal(again.note, "why");
    assert_true(again.since_s == NOW_S && again.expires_s == NOW_S + 5);
    for (size_t cut = 0; cut < n - strlen("why"); cut++)
        assert_int_equal(word_decode(slice_of(bytes, cut), &again), ERR_FORMAT);
    bytes[0]++;
    assert_int_equal(word_decode(slice_of(bytes, n), &again), ERR_FORMAT);
}

/* -- allow beats block, in any order -- */

/* On a small world, so that words meet. */
static struct word
random_word(uint32_t *seed)
{
    static const char *const names[] = {"test", "a.test", "b.a.test", "c.b.a.test", "c.a.test",
        "d.c.a.test", "ab.test", "x.ab.test", "z"};
    char text[64];
    enum word_verb verb = next_random(seed) % 2 == 0 ? WORD_ALLOW : WORD_BLOCK;
    if (next_random(seed) % 3 == 0)
        return word_of(verb, names[next_random(seed) % (sizeof names / sizeof *names)], 0);
    unsigned len = 20 + next_random(seed) % 13;
    uint32_t v4 = 10U << 24 | (next_random(seed) & 0x7ff);
    struct ip ip = ip_from_v4(v4);
    if (next_random(seed) % 4 == 0) {
        /* 2001:db8::/32, with the bits where IPv4 has them */
        ip = (struct ip){{0x20, 1, 0x0d, 0xb8}};
        ip.b[14] = (uint8_t)(v4 >> 8);
        ip.b[15] = (uint8_t)v4;
        len += 96;
    }
    struct prefix prefix = prefix_of(&ip, len);
    prefix_format(&prefix, text);
    return word_of(verb, text, 0);
}

static void
publish_words(struct fixture *f, const struct word *items, size_t count, struct kvread **reader)
{
    struct words words;
    struct wordset set;
    struct publish_result result;
    struct errmsg msg;
    unsigned taken;
    (void)unlink(f->answers);
    (void)unlink(f->lists);
    assert_int_equal(words_write(&f->conf, items, count, &taken, &msg), ERR_OK);
    assert_int_equal(words_read(&f->conf, NOW_S, &words, &msg), ERR_OK);
    assert_int_equal(wordset_make(&f->conf, &words, true, NULL, 0, &set), ERR_OK);
    if (publish(&f->conf, set.sets, WORDSET_SETS, NOW_S, true, &result, &msg) < 0)
        fail_msg("%s", msg.text);
    wordset_free(&set);
    words_free(&words);
    assert_int_equal(kvread_open(f->answers, reader, &msg), ERR_OK);
}

enum says { SAYS_NOTHING, SAYS_ALLOW, SAYS_BLOCK };

static enum says
served_ip(struct kvread *reader, const struct ip *ip)
{
    struct ipset_hit hit;
    struct value_element element;
    enum err err = ipset_lookup(reader, 1, ip, &hit);
    if (err == ERR_NOTFOUND)
        return SAYS_NOTHING;
    assert_int_equal(err, ERR_OK);
    assert_int_equal(value_next(&hit.value, &element), ERR_OK);
    return reasons_empty(element.reasons) ? SAYS_ALLOW : SAYS_BLOCK;
}

static enum says
served_name(struct kvread *reader, const struct dname *name)
{
    struct nameset_hit hit;
    enum err err = nameset_lookup(reader, 2, name, &hit);
    if (err == ERR_NOTFOUND)
        return SAYS_NOTHING;
    assert_int_equal(err, ERR_OK);
    return hit.match == NAMESET_NONE       ? SAYS_NOTHING
           : hit.match == NAMESET_EXCLUDED ? SAYS_ALLOW
                                           : SAYS_BLOCK;
}

static enum says
wanted(const struct fixture *f, const struct word *words, size_t count,
    const struct word_subject *probe)
{
    bool blocked = false, never = false;
    for (size_t i = 0; i < count; i++) {
        if (!word_subject_covers(&words[i].subject, probe))
            continue;
        if (words[i].verb == WORD_ALLOW)
            return SAYS_ALLOW;
        blocked = true;
    }
    if (probe->is_name)
        never = dname_under(&probe->name, &f->own);
    else
        never = prefixes_contain(f->never, 2, &probe->prefix.addr);
    return blocked && !never ? SAYS_BLOCK : SAYS_NOTHING;
}

/* Where a name is excluded from a block it is not listed, whoever says so. */
static void
check_probe(const struct fixture *f, struct kvread *reader, const struct word *words, size_t count,
    const struct word_subject *probe)
{
    enum says want = wanted(f, words, count, probe);
    enum says got =
        probe->is_name ? served_name(reader, &probe->name) : served_ip(reader, &probe->prefix.addr);
    char text[WORD_SUBJECT_SIZE];
    word_subject_format(probe, text);
    if (got == want || (probe->is_name && want == SAYS_NOTHING && got == SAYS_ALLOW &&
                           dname_under(&probe->name, &f->own)))
        return;
    fail_msg("%s: %d, wanted %d, of %zu words", text, got, want, count);
}

static void
test_order(void **state)
{
    static const char *const below[] = {"", "q.", "c.", "c.b."};
    struct fixture *f = *state;
    uint32_t seed = 11;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct word words[WORDS_MOST];
        struct kvread *reader;
        size_t count = 1 + next_random(&seed) % WORDS_MOST;
        for (size_t i = 0; i < count; i++)
            words[i] = random_word(&seed);
        for (unsigned turn = 0; turn < 2; turn++) {
            publish_words(f, words, count, &reader);
            for (unsigned i = 0; i < PROBES; i++) {
                struct word_subject probe = random_word(&seed).subject;
                char text[2 * WORD_SUBJECT_SIZE], name[WORD_SUBJECT_SIZE];
                word_subject_format(&probe, name);
                if (probe.is_name)
                    (void)snprintf(text, sizeof text, "%s%s", below[i % 4], name);
                else
                    ip_format(&probe.prefix.addr, text);
                probe = subject_of(text);
                check_probe(f, reader, words, count, &probe);
            }
            kvread_close(&reader);
            /* The same in another order. */
            for (size_t i = count; i > 1; i--) {
                size_t k = next_random(&seed) % i;
                struct word other = words[k];
                words[k] = words[i - 1];
                words[i - 1] = other;
            }
        }
    }
}

/* -- keeping -- */

static size_t
in_force(const struct fixture *f, int64_t now_s)
{
    struct words words;
    struct errmsg msg;
    assert_int_equal(words_read(&f->conf, now_s, &words, &msg), ERR_OK);
    size_t count = words.count;
    words_free(&words);
    return count;
}

static size_t
journal(const struct fixture *f)
{
    struct words words;
    struct errmsg msg;
    assert_int_equal(words_read_journal(&f->conf, &words, &msg), ERR_OK);
    size_t count = words.count;
    words_free(&words);
    return count;
}

static unsigned
write_one(const struct fixture *f, const struct word *word)
{
    unsigned taken;
    struct errmsg msg;
    if (words_write(&f->conf, word, 1, &taken, &msg) < 0)
        fail_msg("%s", msg.text);
    return taken;
}

static void
test_keeping(void **state)
{
    struct fixture *f = *state;
    struct errmsg msg;
    unsigned words, entries;
    assert_int_equal(in_force(f, NOW_S), 0);
    assert_int_equal(words_expire(&f->conf, NOW_S, true, &msg), ERR_OK);
    struct word block = word_of(WORD_BLOCK, "192.0.2.1", NOW_S + DAY_S),
                allow = word_of(WORD_ALLOW, "192.0.2.1", 0),
                unlist = word_of(WORD_UNLIST, "192.0.2.1", 0),
                undo = word_of(WORD_UNDO, "192.0.2.1", 0);
    (void)write_one(f, &block);
    (void)write_one(f, &block);
    (void)write_one(f, &allow);
    assert_int_equal(in_force(f, NOW_S), 2);
    assert_int_equal(in_force(f, NOW_S + DAY_S), 1);
    assert_int_equal(journal(f), 3);
    /* It takes the block back, and goes itself when judging has followed. */
    assert_int_equal(write_one(f, &unlist), 1);
    assert_int_equal(in_force(f, NOW_S), 2);
    assert_int_equal(words_expire(&f->conf, NOW_S, false, &msg), ERR_OK);
    assert_int_equal(in_force(f, NOW_S), 2);
    assert_int_equal(words_expire(&f->conf, NOW_S, true, &msg), ERR_OK);
    assert_int_equal(in_force(f, NOW_S), 1);
    assert_int_equal(write_one(f, &undo), 1);
    assert_int_equal(write_one(f, &undo), 0);
    assert_int_equal(in_force(f, NOW_S), 0);
    assert_int_equal(journal(f), 6);
    /* Forgetting takes what lies in the subject, and not what it lies in. */
    struct word outer = word_of(WORD_BLOCK, "192.0.2.0/24", 0);
    (void)write_one(f, &outer);
    struct word_subject subject = subject_of("192.0.2.0/25");
    assert_int_equal(words_forget(&f->conf, &subject, &words, &entries, &msg), ERR_OK);
    assert_int_equal(words, 0);
    assert_int_equal(entries, 6);
    assert_int_equal(in_force(f, NOW_S), 1);
    assert_int_equal(journal(f), 1);
}

/* -- history -- */

static void
observe(struct kv_txn *txn, const char *ip, const char *helo, const char *domain, unsigned day,
    enum obs_label label)
{
    struct observation seen = {.sender = OBS_SENDER_DOMAIN,
        .when_s = NOW_S + day * DAY_S,
        .outcome = OBS_ACCEPTED,
        .ptr_seen = OBS_PTR_VERIFIED,
        .label = label};
    assert_int_equal(ip_parse(ip, strlen(ip), &seen.client), ERR_OK);
    helo_set(&seen.helo, helo, strlen(helo));
    assert_int_equal(dname_parse(domain, strlen(domain), &seen.sender_domain), ERR_OK);
    assert_int_equal(dname_parse(helo, strlen(helo), &seen.ptr), ERR_OK);
    history_add(txn, &seen);
}

static void
fill_history(struct fixture *f)
{
    static const uint8_t rdata[] = {0, 4, 192, 0, 2, 1};
    struct history *history;
    struct kv_txn *txn;
    struct dnscache *cache;
    struct errmsg msg;
    struct ip ip = ip_from_v4(0xc0000201);
    struct dname reverse, name;
    assert_int_equal(history_open(f->history, false, &history, &msg), ERR_OK);
    assert_int_equal(kv_begin(history_kv(history), true, &txn, &msg), ERR_OK);
    for (unsigned day = 0; day < 3; day++) {
        observe(txn, "192.0.2.1", "mail.one.test", "one.test", day, OBS_UNLABELLED);
        observe(txn, "192.0.2.1", "other.test", "two.test", day, OBS_SPAM);
        observe(txn, "192.0.2.200", "mail.two.test", "two.test", day, OBS_HAM);
        observe(txn, "198.51.100.1", "x.three.test", "one.test", day, OBS_UNLABELLED);
    }
    dns_reverse_name(&ip, &reverse);
    assert_int_equal(dname_parse("sub.one.test", 12, &name), ERR_OK);
    assert_int_equal(dnscache_new(txn, NOW_S, &cache), ERR_OK);
    assert_int_equal(
        dnscache_put(cache, DNS_PTR, &reverse, DNS_NXDOMAIN, 60, 0, slice_of(NULL, 0)), ERR_OK);
    assert_int_equal(
        dnscache_put(cache, DNS_A, &name, DNS_OK, 60, 1, slice_of(rdata, sizeof rdata)), ERR_OK);
    assert_int_equal(dnscache_save(cache, txn), ERR_OK);
    dnscache_free(&cache);
    assert_int_equal(kv_commit(&txn, &msg), ERR_OK);
    history_close(&history);
}

static struct history_forgotten
forget(const struct fixture *f, const char *text)
{
    struct history_forgotten out;
    struct word_subject subject = subject_of(text);
    struct errmsg msg;
    if (history_forget(&f->conf, &subject, &out, &msg) < 0)
        fail_msg("%s", msg.text);
    return out;
}

static void
test_forget(void **state)
{
    struct fixture *f = *state;
    struct history_forgotten gone = forget(f, "192.0.2.1");
    assert_int_equal(gone.clients + gone.answers, 0);
    fill_history(f);
    gone = forget(f, "192.0.2.1");
    assert_int_equal(gone.clients, 1);
    assert_int_equal(gone.helos, 2);
    assert_int_equal(gone.pairs, 2);
    assert_int_equal(gone.answers, 2);
    gone = forget(f, "192.0.2.1");
    assert_int_equal(gone.clients + gone.helos + gone.pairs + gone.answers, 0);
    gone = forget(f, "two.test");
    assert_int_equal(gone.clients, 0);
    assert_int_equal(gone.helos, 1);
    assert_int_equal(gone.pairs, 1);
    assert_int_equal(gone.domains, 1);
    assert_int_equal(gone.reverse_names, 1);
    gone = forget(f, "192.0.2.0/24");
    assert_int_equal(gone.clients, 1);
    assert_int_equal(gone.helos + gone.pairs, 0);
    gone = forget(f, "0.0.0.0/0");
    assert_int_equal(gone.clients, 1);
}

static enum err
keep_client(void *ctx, const struct hist_client *client)
{
    *(struct hist_client *)ctx = *client;
    return ERR_OK;
}

static struct hist_client
client_of(const struct fixture *f, uint32_t v4)
{
    struct history *history;
    struct kv_txn *txn;
    struct errmsg msg;
    struct ip ip = ip_from_v4(v4);
    struct hist_client client = {0};
    struct history_visitor visitor = {.client = keep_client, .ctx = &client};
    assert_int_equal(history_open(f->history, true, &history, &msg), ERR_OK);
    assert_int_equal(kv_begin(history_kv(history), false, &txn, &msg), ERR_OK);
    assert_int_equal(history_walk(txn, &(struct prefix){ip, 32}, &visitor), ERR_OK);
    kv_abort(&txn);
    history_close(&history);
    return client;
}

static void
test_discount(void **state)
{
    struct fixture *f = *state;
    struct prefix prefix;
    uint64_t clients = 0;
    struct errmsg msg;
    assert_int_equal(prefix_parse("192.0.2.0/24", 12, false, &prefix), ERR_OK);
    assert_int_equal(history_discount(&f->conf, &prefix, &clients, &msg), ERR_OK);
    assert_int_equal(clients, 0);
    fill_history(f);
    assert_int_equal(history_discount(&f->conf, &prefix, &clients, &msg), ERR_OK);
    assert_int_equal(clients, 2);
    struct hist_client bad = client_of(f, 0xc0000201), good = client_of(f, 0xc00002c8),
                       other = client_of(f, 0xc6336401);
    assert_int_equal(bad.accepted + bad.spam + bad.days + bad.with_helo, 0);
    assert_int_equal(bad.weights[HIST_ACTIVE].weight + bad.weights[HIST_SPAM].weight, 0);
    assert_int_equal(bad.sessions, 6);
    assert_int_equal(good.ham, 3);
    assert_true(good.weights[HIST_HAM].weight > 0);
    assert_int_equal(other.accepted, 3);
    assert_int_equal(forget(f, "192.0.2.1").helos, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_subjects), TEST(test_damage), TEST(test_order),
        TEST(test_keeping), TEST(test_forget), TEST(test_discount)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
