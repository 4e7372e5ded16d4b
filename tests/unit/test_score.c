/*
 * What holds of scores whatever the history is: more bad evidence never raises one, time alone
 * never lowers one, and so on, over random histories, each a write transaction that is not
 * committed. And learning, and the file of weights.
 */
#include <math.h>

#include "loader/features.h"
#include "loader/learn.h"
#include "tests/unit/judge_fixture.h"

/* Of those that judge a history on many days, fewer. */
enum { RUNS = 1500, RUNS_LONG = 500, MAILS_MAX = 30 };

static enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    (void)facts;
    *(struct judgement *)ctx = *judgement;
    return ERR_OK;
}

/* The address of an actor's first line: the first one's is dynamic, the second's has no name. */
enum { DYNAMIC, UNNAMED, LINES };

static struct judgement
judged(struct fixture *f, unsigned line, unsigned day)
{
    struct judgement out = {.score = -1};
    struct judging_visitor visitor = {.client = on_client, .ctx = &out};
    struct ip ip = days_ip(line, 0);
    judge_open(f, day, &ip, &visitor);
    return out;
}

static struct observation
random_mail(uint64_t *seed, unsigned line, unsigned day)
{
    static const char *const helos[] = {"dyn-10-0-0.pool.isp.example", "pc1", "198.18.0.1",
        "mail.example", "localhost", "[10.1.0.7]", "hotmail.com", "bad_name!", "mx.isp.br",
        "mx.hotmail.com"};
    static const char *const senders[] = {
        "hotmail.com", "isp.example", "f1.example", "x9.example", "shop.de", "a.isp.example"};
    enum { HELOS = sizeof helos / sizeof *helos, SENDERS = sizeof senders / sizeof *senders };
    struct observation seen = {.client = days_ip(line, 0), .sender = OBS_SENDER_DOMAIN};
    const char *helo = helos[draw(seed, HELOS)], *sender = senders[draw(seed, SENDERS)];
    seen.when_s = DAYS_0 + (int64_t)day * DAY_S + draw(seed, DAY_S);
    seen.label = draw(seed, 12) == 0 ? OBS_HAM : draw(seed, 4) == 0 ? OBS_SPAM : OBS_UNLABELLED;
    seen.outcome = draw(seed, 5) == 0 ? OBS_ATTEMPT : OBS_ACCEPTED;
    if (draw(seed, 5) != 0)
        helo_set(&seen.helo, helo, strlen(helo));
    assert_int_equal(dname_parse(sender, strlen(sender), &seen.sender_domain), ERR_OK);
    return seen;
}

static void
begin(struct fixture *f)
{
    assert_int_equal(kv_begin(history_kv(f->history), true, &f->txn, &f->msg), ERR_OK);
}

static void
add_all(struct fixture *f, const struct observation *mails, size_t count)
{
    for (size_t i = 0; i < count; i++)
        history_add(f->txn, &mails[i]);
}

/* A history of up to 20 days; returns the last day. */
static unsigned
random_history(
    struct fixture *f, unsigned line, uint64_t *seed, struct observation *mails, size_t *count)
{
    unsigned day = 0;
    *count = 1 + draw(seed, MAILS_MAX);
    for (size_t i = 0; i < *count; i++) {
        mails[i] = random_mail(seed, line, day);
        if (i + 1 < *count)
            day += draw(seed, 3) == 0;
    }
    add_all(f, mails, *count);
    return day;
}

/* One that the HELO or the sender speaks against, and neither for; none is the worst there is, so
 * that a worse one may have come before. */
static struct observation
bad_mail(unsigned kind, unsigned line, unsigned day)
{
    static const struct {
        const char *helo, *sender;
    } kinds[] = {{"hotmail.com", "hotmail.com"}, {"198.18.0.1", "hotmail.com"},
        {"pc1", "hotmail.com"}, {"bad_name!", "hotmail.com"}, {"hotmail.com", ""},
        {"bad_name!", ""}, {"", "hotmail.com"}};
    const char *helo = kinds[kind % (sizeof kinds / sizeof *kinds)].helo;
    const char *sender = kinds[kind % (sizeof kinds / sizeof *kinds)].sender;
    struct observation bad = {.when_s = DAYS_0 + (int64_t)day * DAY_S + DAY_S - 1,
        .client = days_ip(line, 0),
        .label = OBS_SPAM};
    helo_set(&bad.helo, helo, strlen(helo));
    if (*sender == '\0')
        return bad;
    bad.sender = OBS_SENDER_DOMAIN;
    assert_int_equal(dname_parse(sender, strlen(sender), &bad.sender_domain), ERR_OK);
    return bad;
}

static void
more_bad_never_raises(void **state)
{
    uint64_t seed = SEED;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (unsigned run = 0; run < cases_of(RUNS); run++) {
        struct observation mails[MAILS_MAX + 1];
        size_t count;
        unsigned line = run % LINES;
        begin(&f);
        unsigned day = random_history(&f, line, &seed, mails, &count);
        struct judgement before = judged(&f, line, day);
        for (unsigned more = 0; more < 5; more++) {
            struct observation bad = bad_mail(run / LINES, line, day);
            add_all(&f, &bad, 1);
            struct judgement after = judged(&f, line, day);
            if (after.score > before.score)
                fail_msg("run %u: %d %s\nthen %d %s", run, before.score, before.detail, after.score,
                    after.detail);
            before = after;
        }
        kv_abort(&f.txn);
    }
    fixture_close(&f);
}

static void
time_never_lowers(void **state)
{
    uint64_t seed = SEED + 1;
    struct fixture f;
    (void)state;
    fixture_open(&f);
    for (unsigned run = 0; run < cases_of(RUNS_LONG); run++) {
        struct observation mails[MAILS_MAX + 1];
        size_t count;
        unsigned line = run % LINES;
        begin(&f);
        unsigned day = random_history(&f, line, &seed, mails, &count);
        struct judgement before = judged(&f, line, day);
        for (unsigned later = day + 1; later < day + 60; later += 3) {
            struct judgement after = judged(&f, line, later);
            assert_true(after.score >= before.score);
            bool was = reasons_have(before.reasons, REASON_SCORE);
            assert_true(was || !reasons_have(after.reasons, REASON_SCORE));
            before = after;
        }
        kv_abort(&f.txn);
    }
    fixture_close(&f);
}

/* The same mails of each day in the opposite order. */
static void
order_in_a_day_is_nothing(void **state)
{
    uint64_t seed = SEED + 2;
    struct fixture f, g;
    (void)state;
    fixture_open(&f);
    fixture_open(&g);
    for (unsigned run = 0; run < cases_of(RUNS); run++) {
        struct observation mails[MAILS_MAX + 1], turned[MAILS_MAX + 1];
        size_t count;
        unsigned line = run % LINES;
        begin(&f);
        begin(&g);
        unsigned day = random_history(&f, line, &seed, mails, &count);
        for (size_t from = 0, to; from < count; from = to) {
            int32_t of = hist_day(mails[from].when_s);
            for (to = from; to < count && hist_day(mails[to].when_s) == of; to++)
                ;
            for (size_t i = from; i < to; i++)
                turned[i] = mails[to - 1 - (i - from)];
        }
        add_all(&g, turned, count);
        struct judgement a = judged(&f, line, day), b = judged(&g, line, day);
        assert_int_equal(a.score, b.score);
        assert_int_equal(a.reasons.bits, b.reasons.bits);
        assert_int_equal(a.quiet_days, b.quiet_days);
        kv_abort(&f.txn);
        kv_abort(&g.txn);
    }
    fixture_close(&f);
    fixture_close(&g);
}

/* Nobody's name or local part is in an observation, so that there is nothing to rename. */
static void
recipients_are_nothing(void **state)
{
    (void)state;
    assert_true(sizeof(struct observation) <=
                sizeof(struct helo) + 2 * sizeof(struct dname) + sizeof(struct ip) + 48);
}

/* The day on which a listed client is delisted: what it was told, and the same if it retries. */
static void
retrying_is_as_silence(void **state)
{
    struct fixture silent, retrying;
    struct observation mail = {.client = days_ip(DYNAMIC, 0), .sender = OBS_SENDER_DOMAIN};
    unsigned ended[2] = {0};
    (void)state;
    fixture_open(&silent);
    fixture_open(&retrying);
    begin(&silent);
    begin(&retrying);
    helo_set(&mail.helo, "pc1", 3);
    assert_int_equal(dname_parse("hotmail.com", 11, &mail.sender_domain), ERR_OK);
    for (unsigned i = 0; i < 40; i++) {
        mail.when_s = DAYS_0 + (int64_t)(i / 4) * DAY_S + i;
        mail.label = i % 8 == 0 ? OBS_SPAM : OBS_UNLABELLED;
        add_all(&silent, &mail, 1);
        add_all(&retrying, &mail, 1);
    }
    struct judgement listed = judged(&silent, DYNAMIC, 9);
    assert_true(reasons_have(listed.reasons, REASON_SCORE));
    mail.outcome = OBS_ATTEMPT;
    mail.label = OBS_UNLABELLED;
    for (unsigned day = 10; day < 90; day++) {
        struct observation attempts[1440];
        for (unsigned minute = 0; minute < 1440; minute++) {
            attempts[minute] = mail;
            attempts[minute].when_s = DAYS_0 + (int64_t)day * DAY_S + minute * 60;
        }
        add_all(&retrying, attempts, 1440);
        struct judgement a = judged(&silent, DYNAMIC, day), b = judged(&retrying, DYNAMIC, day);
        assert_int_equal(a.reasons.bits, b.reasons.bits);
        assert_int_equal(a.score, b.score);
        bool on = reasons_have(a.reasons, REASON_SCORE) || reasons_have(a.reasons, REASON_TRAP);
        if (!on && ended[0] == 0)
            ended[0] = ended[1] = day;
        if (!on && day > 40)
            break;
    }
    assert_int_equal(ended[0] - 9, listed.quiet_days);
    kv_abort(&silent.txn);
    kv_abort(&retrying.txn);
    fixture_close(&silent);
    fixture_close(&retrying);
}

static void
learning(void **state)
{
    static struct learn_row rows[400];
    struct weights weights, again;
    struct errmsg msg;
    char path[] = "/tmp/repdns-weights-XXXXXX";
    (void)state;
    /* Without a reverse name: 150 of 200 spam, 50 of 200 ham; its logarithm of odds is 2 ln 3. A
     * sign of ham that should be one of spam gets no weight. */
    for (unsigned i = 0; i < 400; i++) {
        rows[i].spam = i < 200;
        rows[i].of[FEATURE_BIAS] = 1;
        rows[i].of[FEATURE_RDNS_NONE] = i % 200 < (i < 200 ? 150 : 50);
        rows[i].of[FEATURE_HELO_SINGLE] = i >= 380;
        rows[i].of[FEATURE_REPORT_SPAM] = i < 100;
    }
    weights_shipped(&weights);
    weights.of[FEATURE_RDNS_NONE] = weights.of[FEATURE_BIAS] = 0;
    weights.of[FEATURE_REPORT_SPAM] = 0;
    again = weights;
    assert_int_equal(learn_fit(rows, 400, 1e-6, &weights), ERR_OK);
    assert_true(weights.of[FEATURE_RDNS_NONE] > 2.1 && weights.of[FEATURE_RDNS_NONE] < 2.3);
    assert_true(weights.of[FEATURE_HELO_SINGLE] == 0);
    assert_true(weights.of[FEATURE_REPORT_SPAM] == 0); /* set by hand, not learnt */
    assert_int_equal(learn_fit(rows, 400, 1e-6, &again), ERR_OK);
    assert_memory_equal(&weights, &again, sizeof weights);
    assert_int_equal(learn_fit(rows, 200, 1, &again), ERR_RANGE); /* spam alone */

    FILE *out = fdopen(mkstemp(path), "w");
    assert_non_null(out);
    weights_write(out, &weights);
    (void)fclose(out);
    assert_int_equal(weights_open(path, &again, &msg), ERR_OK);
    for (unsigned i = 0; i < FEATURE_COUNT; i++)
        assert_true(fabs(again.of[i] - weights.of[i]) < 0.001);
    (void)unlink(path);
    assert_int_equal(weights_open(path, &again, &msg), ERR_IO);
}

static void
weight_files(void **state)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {{"# none\n\nrdns-none 1.5 # it has none\n", NULL}, {"rdns-none", ":1: not"},
        {"\nrdns-none -1\n", ":2: the weight must lie between 0 and 20"},
        {"sender-own 1", "between -20 and 0"}, {"rdns-none 21", "between"},
        {"rdns-none nan", "between"}, {"rdns-none 1x", "no number"}, {"no-such 1", "no such"},
        {"rdns-none 1 2", "not"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[] = "/tmp/repdns-weights-XXXXXX";
        struct weights weights;
        struct errmsg msg;
        FILE *out = fdopen(mkstemp(path), "w");
        assert_non_null(out);
        fputs(cases[i].text, out);
        (void)fclose(out);
        enum err err = weights_open(path, &weights, &msg);
        (void)unlink(path);
        assert_int_equal(err, cases[i].wrong == NULL ? ERR_OK : ERR_SYNTAX);
        if (cases[i].wrong != NULL)
            assert_non_null(strstr(msg.text, cases[i].wrong));
        else
            assert_true(weights.of[FEATURE_RDNS_NONE] == 1.5);
    }
    for (enum feature i = 0; i < FEATURE_COUNT; i++)
        assert_true(weights_allow(i, feature_info(i)->weight));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_bad_never_raises),
        cmocka_unit_test(time_never_lowers),
        cmocka_unit_test(order_in_a_day_is_nothing),
        cmocka_unit_test(recipients_are_nothing),
        cmocka_unit_test(retrying_is_as_silence),
        cmocka_unit_test(learning),
        cmocka_unit_test(weight_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
