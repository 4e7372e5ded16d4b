/* Ninety days of mail: who is listed when, and delisted when, with the history and without. */
#include "tests/unit/judge_fixture.h"

/* Of an actor's addresses: by the first and last day on which one was listed after its beginning.
 */
struct outcome {
    unsigned listed;           /* addresses, ever */
    unsigned until, listed_on; /* the slowest: days from its first mail; the first day of all */
    unsigned days;             /* the most days that an address was listed after its last mail */
    unsigned listed_at_end;
};

struct days {
    struct outcome outcome[ACTORS];
    bool was[ACTORS][ADDRESSES_MAX];
    unsigned day;
};

static enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct days *days = ctx;
    uint32_t v4 = ip_v4(&facts->client->ip);
    unsigned number = (v4 >> 16 & 255) - 1, address = v4 >> 8 & 255;
    struct outcome *out = &days->outcome[number];
    bool listed = reasons_have(judgement->reasons, REASON_SCORE) ||
                  reasons_have(judgement->reasons, REASON_TRAP);
    if (!listed)
        return ERR_OK;
    unsigned first = (unsigned)((facts->client->first_s - DAYS_0) / DAY_S);
    unsigned last = (unsigned)((facts->client->last_s - DAYS_0) / DAY_S);
    if (!days->was[number][address]) {
        unsigned took = days->day - first + 1;
        out->until = took > out->until ? took : out->until;
        out->listed_on = out->listed == 0 ? days->day : out->listed_on;
        out->listed++;
    }
    days->was[number][address] = true;
    unsigned quiet = days->day - last;
    out->days = quiet > out->days ? quiet : out->days;
    out->listed_at_end += days->day == DAYS - 1;
    return ERR_OK;
}

static void
on_mail(void *ctx, const struct observation *seen)
{
    history_add(ctx, seen);
}

static void
live(struct fixture *f, bool with_history, struct days *days)
{
    struct judging_visitor visitor = {.client = on_client, .ctx = days};
    uint64_t dropped;
    /* A day is all that there is without, so that a look must do. */
    conf.policy.list_days = with_history ? 2 : 1;
    for (unsigned day = 0; day < DAYS; day++) {
        struct kv_txn *txn;
        assert_int_equal(kv_begin(history_kv(f->history), true, &txn, &f->msg), ERR_OK);
        int64_t keep_s = with_history ? conf.policy.retention_days : 0;
        int64_t before_s = DAYS_0 + (day - keep_s) * DAY_S;
        assert_int_equal(history_expire(txn, before_s, &dropped), ERR_OK);
        for (unsigned a = 0; a < ACTORS; a++)
            for (unsigned i = 0; i < actors[a].addresses; i++)
                days_mails(a, i, day, SEED, on_mail, txn);
        assert_int_equal(kv_commit(&txn, &f->msg), ERR_OK);
        days->day = day;
        judge_day(f, day, NULL, &visitor);
    }
}

static void
print_table(const struct days *days, const char *title)
{
    printf("%s\n%-10s %9s %12s %17s %6s  %s\n", title, "actor", "listed", "after days",
        "quiet, still on", "at end", "habit");
    for (unsigned a = 0; a < ACTORS; a++) {
        const struct outcome *out = &days->outcome[a];
        printf("%-10s %3u of %2u", actors[a].name, out->listed, actors[a].addresses);
        if (out->listed > 0)
            printf(" %12u %17u %6u", out->until, out->days, out->listed_at_end);
        else
            printf(" %12s %17s %6s", "-", "-", "-");
        printf("  %s\n", actors[a].what);
    }
}

static const struct outcome *
of(const struct days *days, const char *name)
{
    for (unsigned a = 0; a < ACTORS; a++)
        if (strcmp(actors[a].name, name) == 0)
            return &days->outcome[a];
    fail_msg("no actor %s", name);
    return NULL;
}

static void
ninety_days(void **state)
{
    static const char *const honest[] = {
        "servers", "sloppy", "nat", "renamed", "hacked", "forwarder", "newcomer"};
    struct fixture f;
    struct days with = {0}, without = {0};
    (void)state;
    fixture_open(&f);
    live(&f, true, &with);
    fixture_close(&f);
    fixture_open(&f);
    live(&f, false, &without);
    fixture_close(&f);
    print_table(&with, "with history");
    print_table(&without, "without: each day by itself");
    for (size_t i = 0; i < sizeof honest / sizeof *honest; i++) {
        assert_int_equal(of(&with, honest[i])->listed, 0);
        assert_int_equal(of(&without, honest[i])->listed, 0);
    }
    /* Every bot on its second or third day, and for no more than four weeks after its last mail. */
    assert_int_equal(of(&with, "bots")->listed, 30);
    assert_true(of(&with, "bots")->until <= 3 && of(&with, "bots")->days <= 28);
    assert_int_equal(of(&with, "bare bots")->listed, 30);
    assert_true(of(&with, "bare bots")->until <= 3 && of(&with, "bare bots")->days <= 28);
    /* The warmed-up spammer soon after it begins to spam, and not for ever. Its looks are good. */
    assert_int_equal(of(&with, "warm-up")->listed, 1);
    assert_in_range(of(&with, "warm-up")->listed_on, 30, 33);
    assert_true(of(&with, "warm-up")->days <= 28);
    assert_int_equal(of(&with, "warm-up")->listed_at_end, 0);
    assert_int_equal(of(&without, "warm-up")->listed, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ninety_days)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
