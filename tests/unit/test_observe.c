/* From log files and mail stores to history.mdb: rotation, chunks, what is read once. */
#include "tests/unit/observe_fixture.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "loader/logread.h"

/* -- files -- */

static void
second_run(void **state)
{
    struct fixture *f = *state;

    put_mails(f, "mail.log", "w", 1, 3);
    put(f, "mail.log", "a", "not a log line\n");
    run_expect(f, 16, 3);
    assert_int_equal(f->stats.unparsed, 1);
    run_nothing_new(f);
    put_mails(f, "mail.log", "a", 4, 4);
    run_expect(f, 5, 1);
    run_nothing_new(f);
}

/* What was read is not read again to get to what is new: it would take minutes here. */
static void
far_in(void **state)
{
    const uint64_t far = UINT64_C(1) << 40;
    struct fixture *f = *state;
    struct logfile what;
    struct logread *reader;
    struct text line;
    char path[128];

    put(f, "mail.log", "w", "the first line\n");
    if (truncate(at(f, "mail.log", path), (off_t)far) != 0)
        skip(); /* the file system has no files of this size */
    put(f, "mail.log", "a", "a new line\n");
    assert_int_equal(logfile_look(path, &what, &f->msg), ERR_OK);
    assert_int_equal(logread_open(path, &what, far, &reader, &f->msg), ERR_OK);
    (void)alarm(20);
    assert_true(logread_line(reader, &line));
    (void)alarm(0);
    assert_memory_equal(line.p, "a new line", line.n);
    assert_int_equal(logread_offset(reader), far + line.n + 1);
    logread_close(&reader);
}

/* A line that is being written, and a session over two runs. */
static void
incomplete(void **state)
{
    struct fixture *f = *state;
    char text[1024];

    (void)mail(1, text);
    for (size_t cut = 1; cut < strlen(text); cut += 7) {
        char begin[1024];

        (void)snprintf(begin, sizeof begin, "%.*s", (int)cut, text);
        put(f, "mail.log", "w", begin);
        run(f);
        uint64_t lines = f->stats.lines;
        put(f, "mail.log", "a", text + cut);
        run(f);
        assert_int_equal(lines + f->stats.lines, 5);
        assert_int_equal(sessions_total(f), 1);
        run_nothing_new(f);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        f = *state;
    }
}

static void
renamed(void **state)
{
    struct fixture *f = *state;

    put_mails(f, "mail.log", "w", 1, 3);
    run_expect(f, 15, 3);
    /* More lines before the rotation, and the begin of a session that ends in the new file. */
    put_mails(f, "mail.log", "a", 4, 5);
    put(f, "mail.log", "a",
        AT "postfix/smtpd[5]: " INFO "unknown[192.0.2.1]: f" FROM("s@a.example") AT
        "postfix/smtpd[5]: AAAAAA1: client=unknown[192.0.2.1]\n");
    move(f, "mail.log", "mail.log.1");
    put(f, "mail.log", "w", QUEUE("AAAAAA1", "s@a.example"));
    put_mails(f, "mail.log", "a", 6, 6);
    run_expect(f, 18, 4);
    assert_int_equal(sessions_total(f), 7);
    run_nothing_new(f);
    move(f, "mail.log.1", "mail.log.2");
    move(f, "mail.log", "mail.log.1");
    run_nothing_new(f);
    put_mails(f, "mail.log", "w", 7, 7);
    run_expect(f, 5, 1);
}

static void
copy(struct fixture *f, const char *from, const char *to, bool gz)
{
    char path[128], bytes[65536];
    FILE *in = fopen(at(f, from, path), "rb");

    assert_non_null(in);
    size_t n = fread(bytes, 1, sizeof bytes, in);
    assert_int_equal(fclose(in), 0);
    gzFile out = gzopen(at(f, to, path), gz ? "wb" : "wbT");
    assert_non_null(out);
    assert_int_equal(gzwrite(out, bytes, (unsigned)n), n);
    assert_int_equal(gzclose(out), Z_OK);
}

static void
copytruncate(void **state)
{
    struct fixture *f = *state;

    put_mails(f, "mail.log", "w", 1, 3);
    run_expect(f, 15, 3);
    put_mails(f, "mail.log", "a", 4, 4);
    copy(f, "mail.log", "mail.log.1", false);
    put_mails(f, "mail.log", "w", 5, 5); /* shorter than before */
    run_expect(f, 10, 2);
    run_nothing_new(f);
    copy(f, "mail.log", "mail.log.2", false);
    put_mails(f, "mail.log", "w", 6, 12); /* longer: only its begin tells */
    run_expect(f, 35, 7);
    assert_int_equal(sessions_total(f), 12);
    run_nothing_new(f);
}

/* Truncated with nothing new in it yet: the copy must not be read again in a later run. */
static void
copytruncate_empty(void **state)
{
    struct fixture *f = *state;

    put_mails(f, "mail.log", "w", 1, 3);
    run_expect(f, 15, 3);
    copy(f, "mail.log", "mail.log.1", false);
    put(f, "mail.log", "w", "");
    run_expect(f, 0, 0);
    put_mails(f, "mail.log", "a", 4, 4);
    run_expect(f, 5, 1);
    run_nothing_new(f);
    assert_int_equal(sessions_total(f), 4);
}

static void
compressed(void **state)
{
    struct fixture *f = *state;
    char path[128];

    put_mails(f, "mail.log", "w", 1, 3);
    run_expect(f, 15, 3);
    put_mails(f, "mail.log", "a", 4, 4);
    copy(f, "mail.log", "mail.log.2.gz", true);
    assert_int_equal(unlink(at(f, "mail.log", path)), 0);
    put_mails(f, "mail.log", "w", 5, 5);
    run_expect(f, 10, 2);
    assert_int_equal(sessions_total(f), 5);
    run_nothing_new(f);
    /* Both at once, as while gzip runs. */
    copy(f, "mail.log", "mail.log.1.gz", true);
    run_expect(f, 0, 0);
    run_nothing_new(f);
    /* Only ever seen compressed. */
    put_mails(f, "other", "w", 20, 22);
    copy(f, "other", "mail.log.9.gz", true);
    run_expect(f, 15, 3);
    run_nothing_new(f);
}

/* A .gz that is cut short or damaged gives what it holds, and no failure. */
static void
damaged_gz(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct stat st;

    put_mails(f, "other", "w", 1, 60);
    copy(f, "other", "mail.log.1.gz", true);
    assert_int_equal(stat(at(f, "mail.log.1.gz", path), &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
    run(f);
    assert_in_range(f->stats.observed, 1, 59);
    uint64_t before = f->stats.observed;
    copy(f, "other", "mail.log.1.gz", true);
    run(f);
    assert_int_equal(before + f->stats.observed, 60);
    run_nothing_new(f);
}

static void
on_progress(void *ctx, const char *path, uint64_t lines)
{
    struct fixture *f = ctx;

    assert_non_null(path);
    assert_true(lines > 0);
    f->calls++;
}

/* Over the borders of chunks, which sessions cross. */
static void
chunks(void **state)
{
    struct fixture *f = *state;
    char path[128], text[1024];
    FILE *out = fopen(at(f, "mail.log", path), "w");

    assert_non_null(out);
    for (unsigned i = 1; i <= 10001; i++)
        assert_true(fputs(mail(i, text), out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(
        observe_logs(f->history, &f->conf, NOW, 0, on_progress, f, &f->stats, &f->msg), ERR_OK);
    assert_int_equal(f->stats.lines, 50005);
    assert_int_equal(f->stats.observed, 10001);
    assert_int_equal(sessions_total(f), 10001);
    assert_int_equal(f->calls, 3);
    run_nothing_new(f);
}

static void
long_lines(void **state)
{
    struct fixture *f = *state;
    char path[128];

    put_mails(f, "mail.log", "w", 1, 1);
    FILE *out = fopen(at(f, "mail.log", path), "a");
    assert_non_null(out);
    for (unsigned i = 0; i < 700000; i++)
        assert_int_equal(fputc('x', out), 'x');
    assert_int_equal(fclose(out), 0);
    run_expect(f, 5, 1);
    run_nothing_new(f);
    put(f, "mail.log", "a", "\n");
    put_mails(f, "mail.log", "a", 2, 2);
    run_expect(f, 6, 1);
    assert_int_equal(f->stats.unparsed, 1);
    run_nothing_new(f);
}

static void
missing_and_denied(void **state)
{
    struct fixture *f = *state;
    char path[128];

    run_expect(f, 0, 0);
    assert_int_equal(f->stats.missing, 1);
    /* A folder is no log; the others are read all the same. */
    assert_int_equal(mkdir(at(f, "mail.log.d", path), 0700), 0);
    put_mails(f, "mail.log", "w", 1, 1);
    f->stats = (struct observe_stats){0};
    assert_int_equal(
        observe_logs(f->history, &f->conf, NOW, 0, NULL, NULL, &f->stats, &f->msg), ERR_IO);
    assert_non_null(strstr(f->msg.text, "mail.log.d"));
    assert_int_equal(f->stats.observed, 1);
}

struct tally {
    unsigned clients, helos, pairs;
};

static enum err
count_client(void *ctx, const struct hist_client *client)
{
    struct tally *tally = ctx;

    assert_int_equal(client->sessions, client->accepted);
    tally->clients++;
    return ERR_OK;
}

static enum err
count_helo(void *ctx, const struct ip *ip, const struct helo *helo, const struct hist_use *use)
{
    struct tally *tally = ctx;

    (void)ip;
    assert_true(helo->len > 0 && use->count > 0);
    tally->helos++;
    return ERR_OK;
}

static enum err
count_pair(void *ctx, const struct ip *ip, const struct dname *domain, const struct hist_use *use)
{
    struct tally *tally = ctx;

    (void)ip;
    assert_true(domain->len > 1 && use->count > 0);
    tally->pairs++;
    return ERR_OK;
}

/* A real server's log, all of whose mails were accepted. */
static struct tally
replay_of(struct fixture *f, char *path, enum log_format format, uint64_t lines, uint64_t mails)
{
    struct tally tally = {0};
    const struct history_visitor visitor = {count_client, count_helo, count_pair, &tally};
    struct kv_txn *txn;

    if (access(path, R_OK) != 0) {
        print_message("%s is absent: not replayed\n", path);
        skip();
    }
    f->source.path = path;
    f->source.format = format;
    run_expect(f, lines, mails);
    assert_int_equal(f->stats.unparsed, 0);
    assert_int_equal(f->stats.skipped, 0);
    assert_int_equal(sessions_total(f), mails);
    assert_int_equal(kv_begin(history_kv(f->history), false, &txn, &f->msg), ERR_OK);
    assert_int_equal(history_walk(txn, NULL, &visitor), ERR_OK);
    kv_abort(&txn);
    run_nothing_new(f);
    return tally;
}

/* tests/count_sessions counts the same on its own. */
static void
replay(void **state)
{
    static char path[] = "../shared/data/mtalogs/postfix-replay.log.gz";
    struct tally tally = replay_of(*state, path, LOG_POSTFIX, 91446, 11430);

    assert_int_equal(tally.clients, 4783);
    assert_int_equal(tally.helos, 4879);
    assert_int_equal(tally.pairs, 5810);
}

/* A script's regular expressions count the same. */
static void
replay_exim(void **state)
{
    static char path[] = "../shared/data/mtalogs/exim-replay.log.gz";
    struct tally tally = replay_of(*state, path, LOG_EXIM, 2233, 1500);

    assert_int_equal(tally.clients, 742);
    assert_int_equal(tally.helos, 747);
}

/* The same log with other recipients is the same history. */
static void
recipients_change_nothing(void **state)
{
    struct fixture *f = *state;
    char text[1024], first[sizeof f->got];
    unsigned seed = 20261124;
    const struct history_visitor visitor = {
        .client = on_client, .helo = on_helo, .pair = on_pair, .ctx = f};

    first[0] = '\0';
    for (unsigned round = 0; round < 2; round++) {
        struct kv_txn *txn;

        put(f, "mail.log", "w", "");
        for (unsigned i = 1; i <= 60; i++) {
            char *to = strstr(strcpy(text, mail(i, (char[1024]){0})), "to=<r@t");
            assert_non_null(to);
            seed = seed * 1103515245 + 12345;
            if (round == 1)
                to[4] = (char)('a' + seed / 65536 % 26);
            put(f, "mail.log", "a", text);
        }
        run_expect(f, 300, 60);
        f->n = 0;
        assert_int_equal(kv_begin(history_kv(f->history), false, &txn, &f->msg), ERR_OK);
        assert_int_equal(history_walk(txn, NULL, &visitor), ERR_OK);
        kv_abort(&txn);
        if (round == 1)
            assert_string_equal(first, f->got);
        memcpy(first, f->got, sizeof first);
        history_close(&f->history);
        assert_int_equal(unlink(f->db), 0);
        assert_int_equal(history_open(f->db, false, &f->history, &f->msg), ERR_OK);
    }
    assert_non_null(strstr(first, "h60.example"));
}

static enum err
add_spam(void *ctx, const struct hist_client *client)
{
    *(uint32_t *)ctx += client->spam;
    return ERR_OK;
}

static void
add_over(void *ctx, const char *name, uint64_t value)
{
    if (strcmp(name, "filter-verdicts-over-bound") == 0)
        *(uint64_t *)ctx = value;
}

/* What a filter says of a client counts so often a day, by whichever log, and again the next day.
 */
static void
filter_verdicts(void **state)
{
    struct fixture *f = *state;
    uint32_t spam = 0;
    uint64_t over = 0;
    const struct history_visitor visitor = {.client = add_spam, .ctx = &spam};
    struct kv_txn *txn;
    char line[256];

    f->conf.policy.reports_per_day = 4;
    put(f, "mail.log", "w", "");
    for (unsigned i = 0; i < 90; i++) {
        (void)snprintf(line, sizeof line,
            "Nov %u 09:00:%02u mx rspamd[9]: <f81a2c>; proxy; rspamd_task_write_log: id: <m@b.e>, "
            "ip: 203.0.113.%u, from: <s@b.e>, (default: T (add header): [9.10/15.00] [X(9.1){}])\n",
            22 + i / 45, i % 45, i % 3);
        put(f, "mail.log", "a", line);
        run(f);
    }
    assert_int_equal(kv_begin(history_kv(f->history), false, &txn, &f->msg), ERR_OK);
    assert_int_equal(history_walk(txn, NULL, &visitor), ERR_OK);
    assert_int_equal(history_counters(txn, add_over, &over), ERR_OK);
    kv_abort(&txn);
    assert_int_equal(spam, 3 * 2 * 4);
    assert_int_equal(over, 90 - spam);
}

/* A real server with SPF policy services, and one that asks DNS lists. */
static void
end_to_end(void **state)
{
    static char spf[] = "../shared/data/mtalogs/e2e-postfix-spf.log";
    static char lists[] = "../shared/data/mtalogs/e2e-postfix3.7.log";
    struct fixture *f = *state;

    if (access(spf, R_OK) != 0 || access(lists, R_OK) != 0) {
        print_message("%s is absent: not read\n", spf);
        skip();
    }
    f->source.path = spf;
    run(f);
    assert_int_equal(f->stats.unparsed, 0);
    expect(f, "192.0.2.10 2/2 mail.good.example\n p good.example 2 spf-pass\n"
              "203.0.113.9 0/2 x.example\n");
    assert_int_equal(teardown(state), 0);
    assert_int_equal(setup(state), 0);
    f = *state;
    f->source.path = lists;
    run(f);
    assert_int_equal(f->stats.unparsed, 0);
    expect(f, "192.0.2.10 1/4 mail.good.example\n p good.example 1\n"
              "198.51.100.5 0/1 h5.dyn.isp.example\n203.0.113.2 0/2 mail.spammer.example\n"
              "2001:db8:bad::1 0/1 x6.example\n");
}

/* Each format's source reads its own lines alone, over the border of a run. */
static void
formats(void **state)
{
    static const struct {
        enum log_format format;
        const char *first, *second;
    } cases[] = {
        {LOG_ZIMBRA,
            AT "postfix/smtpd[5]: " INFO "unknown[203.0.113.1]: f" FROM("s@a.example") AT
            "postfix/smtpd[5]: AAAAAA1: client=unknown[203.0.113.1]\n",
            QUEUE("AAAAAA1", "s@a.example")},
        {LOG_EXIM, "2026-11-24 09:00:01 no host name found for IP address 203.0.113.1\n",
            "2026-11-24 09:00:01 1xVgzv-00003k-2y <= s@a.example H=(h.example) [203.0.113.1] "
            "P=esmtp S=2\n"},
        {LOG_SENDMAIL,
            AT "sm-mta[5]: s1P819mk027713: ruleset=check_rcpt, arg1=<r@t.local>, "
               "relay=[203.0.113.1], reject=550 no\n",
            AT "sm-mta[5]: s1P819mk027713: from=<s@a.example>, size=1, class=0, nrcpts=1, "
               "relay=[203.0.113.1]\n"},
        {LOG_OPENSMTPD,
            AT "smtpd[5]: 1aa906c154801435 smtp connected address=203.0.113.1 host=<unknown>\n",
            AT "smtpd[5]: 1aa906c154801435 smtp message msgid=c405e39a size=1 nrcpt=1 "
               "proto=SMTP\n" AT "smtpd[5]: 1aa906c154801435 smtp envelope "
               "evpid=c405e39a00000001 from=<s@a.example> to=<r@t.local>\n"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->source.format = cases[i].format;
        put(f, "mail.log", "w", cases[i].first);
        run(f);
        assert_int_equal(f->stats.observed, 0);
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
            put(f, "mail.log", "a", cases[k].second);
        run(f);
        assert_int_equal(f->stats.observed, 1);
        expect(f, cases[i].format == LOG_ZIMBRA || cases[i].format == LOG_EXIM
                      ? "203.0.113.1 1/1 none\n h h.example 1\n p a.example 1\n"
                      : "203.0.113.1 1/1 none\n p a.example 1\n");
        run_nothing_new(f);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        f = *state;
    }
}

/* -- mail stores -- */

#define MAIL(ip, day)                                                                              \
    "Received: from h.example (h [" ip "])\n\tby mx with ESMTP; " day                              \
    " Nov 2026 10:11:12 +0100\nSubject: s\n\nb\n"

static void
stores(void **state)
{
    struct fixture *f = *state;
    struct mailstore store = {.path = f->root, .format = MAILSTORE_MAILDIR};
    char path[128];

    f->conf.mailstores = &store;
    f->conf.mailstore_count = 1;
    assert_int_equal(mkdir(at(f, "cur", path), 0700), 0);
    assert_int_equal(mkdir(at(f, "new", path), 0700), 0);
    assert_int_equal(mkdir(at(f, ".Junk", path), 0700), 0);
    assert_int_equal(mkdir(at(f, ".Junk/cur", path), 0700), 0);
    put(f, "cur/1.M1.h:2,S", "w", MAIL("203.0.113.1", "Sun, 22"));
    put(f, "cur/2.M1.h:2,S", "w", MAIL("203.0.113.1", "Sun, 22"));
    put(f, ".Junk/cur/3.M1.h:2,", "w", MAIL("203.0.113.2", "Mon, 23"));
    put(f, "new/4.M1.h", "w", MAIL("203.0.113.3", "Mon, 30")); /* from the future */
    put(f, "new/5.M1.h", "w",
        "Received: from h.example (h [203.0.113.4])\n\tby mx with ESMTP; Sun, 22 Nov 2020 10:11:12 "
        "+0100\n\nb\n");
    assert_int_equal(observe_store(f->history, &f->conf, NOW, &f->stats, &f->msg), ERR_OK);
    assert_int_equal(f->stats.sessions, 5);
    assert_int_equal(f->stats.observed, 3);
    assert_int_equal(f->stats.skipped, 2);
    expect(f, "203.0.113.1 2/2 h\n h h.example 2\n203.0.113.2 1/1 h\n h h.example 1\n");
    uint64_t before = db_hash(f);
    f->stats = (struct observe_stats){0};
    assert_int_equal(observe_store(f->history, &f->conf, NOW, &f->stats, &f->msg), ERR_OK);
    assert_int_equal(f->stats.observed, 0);
    assert_int_equal(db_hash(f), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(second_run),
        TEST(far_in),
        TEST(incomplete),
        TEST(renamed),
        TEST(copytruncate),
        TEST(copytruncate_empty),
        TEST(compressed),
        TEST(damaged_gz),
        TEST(chunks),
        TEST(long_lines),
        TEST(missing_and_denied),
        TEST(replay),
        TEST(replay_exim),
        TEST(end_to_end),
        TEST(filter_verdicts),
        TEST(recipients_change_nothing),
        TEST(formats),
        TEST(stores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
