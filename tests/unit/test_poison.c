/*
 * Poisoning: junk sessions with made-up and forged names. What one client can add is bounded, the
 * store does not grow past its bound, and whose names were forged is none the worse.
 *
 * REPDNS_JUNK in the environment is how many sessions; 60000 if it is not set.
 */
#include <malloc.h>
#include <sys/resource.h>

#include "tests/unit/judge_fixture.h"

enum { MOST = 5000, CHUNK = 4096, SERVERS = 2 /* the actor "servers" */ };

static uint64_t
junk_count(void)
{
    const char *text = getenv("REPDNS_JUNK");
    return text == NULL ? 60000 : strtoull(text, NULL, 10);
}

/* From anywhere, or all from one address; names made up, or those of the steady servers. */
static struct observation
junk(uint64_t *seed, uint64_t number)
{
    struct observation seen = {.when_s = DAYS_0 + 5 * DAY_S + (int64_t)(number % (20 * DAY_S)),
        .sender = OBS_SENDER_DOMAIN,
        .outcome = draw(seed, 3) == 0 ? OBS_ATTEMPT : OBS_ACCEPTED};
    bool one = draw(seed, 4) == 0, forged = draw(seed, 2) == 0;
    seen.client =
        ip_from_v4(one ? UINT32_C(0xc6336401) : UINT32_C(0x20000000) + draw(seed, 1 << 28));
    char text[128];
    if (forged)
        (void)snprintf(text, sizeof text, "mail.s2-%u.example", draw(seed, 10));
    else
        (void)snprintf(text, sizeof text, "x%u.y%u.example", draw(seed, 1 << 30), draw(seed, 999));
    helo_set(&seen.helo, text, strlen(text));
    const char *sender = forged ? text + 5 : text;
    assert_int_equal(dname_parse(sender, strlen(sender), &seen.sender_domain), ERR_OK);
    return seen;
}

struct verdicts_seen {
    unsigned servers, listed, hurt_helos, junk_helos, names_of_one;
};

static enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct verdicts_seen *seen = ctx;
    uint32_t v4 = ip_v4(&facts->client->ip);
    if (v4 == UINT32_C(0xc6336401))
        seen->names_of_one = facts->helo_count + facts->pair_count;
    if (v4 >> 16 != (10 << 8 | (SERVERS + 1)))
        return ERR_OK;
    seen->servers++;
    seen->listed += !reasons_empty(judgement->reasons) || judgement->score < 60;
    return ERR_OK;
}

static enum err
on_helo_name(void *ctx, const struct helo_name_facts *facts, const struct judgement *judgement)
{
    struct verdicts_seen *seen = ctx;
    char text[DNAME_TEXT_SIZE];
    dname_format(facts->name, text);
    if (strncmp(text, "mail.s2-", 8) == 0)
        seen->hurt_helos += reasons_have(judgement->reasons, REASON_HELO_SHARED);
    else
        seen->junk_helos++;
    return ERR_OK;
}

static void
on_mail(void *ctx, const struct observation *seen)
{
    history_add(ctx, seen);
}

/* The steady servers' mail of 20 days, before and while the junk comes. */
static void
add_servers(struct fixture *f)
{
    struct kv_txn *txn;
    assert_int_equal(kv_begin(history_kv(f->history), true, &txn, &f->msg), ERR_OK);
    for (unsigned day = 0; day < 20; day++)
        for (unsigned i = 0; i < actors[SERVERS].addresses; i++)
            days_mails(SERVERS, i, day, SEED, on_mail, txn);
    assert_int_equal(kv_commit(&txn, &f->msg), ERR_OK);
}

static void
add_junk(struct fixture *f, uint64_t *seed, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to;) {
        struct kv_txn *txn;
        uint64_t dropped;
        assert_int_equal(kv_begin(history_kv(f->history), true, &txn, &f->msg), ERR_OK);
        for (unsigned n = 0; n < CHUNK && i < to; n++, i++) {
            struct observation seen = junk(seed, i);
            history_add(txn, &seen);
        }
        assert_int_equal(history_trim(txn, MOST, conf.policy.half_life_days, &dropped), ERR_OK);
        assert_int_equal(kv_commit(&txn, &f->msg), ERR_OK);
    }
}

/* Bytes of the store and of the heap; the process is printed alone, as a sanitizer keeps freed
 * memory (and has a heap of its own, which is 0 here, and is watched by it). */
static void
measure(struct fixture *f, const char *when, uint64_t *store, size_t *heap)
{
    struct kv_stat stat;
    struct rusage usage;
    struct hist_totals totals;
    assert_int_equal(kv_begin(history_kv(f->history), false, &f->txn, &f->msg), ERR_OK);
    kv_stat(f->txn, &stat);
    assert_int_equal(history_totals(f->txn, &totals), ERR_OK);
    kv_abort(&f->txn);
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    *store = stat.used_bytes;
    *heap = mallinfo2().uordblks;
    assert_true(totals.clients <= MOST);
    printf("%s: %llu sessions, %llu addresses, store %llu bytes, heap %zu, process %ld KiB\n", when,
        (unsigned long long)totals.sessions, (unsigned long long)totals.clients,
        (unsigned long long)*store, *heap, usage.ru_maxrss);
}

static void
junk_sessions(void **state)
{
    struct fixture f;
    uint64_t seed = SEED, count = junk_count(), store[3];
    size_t heap[3];
    struct verdicts_seen seen = {0};
    struct judging_visitor visitor = {.client = on_client, .helo_name = on_helo_name, .ctx = &seen};
    (void)state;
    fixture_open(&f);
    add_servers(&f);
    measure(&f, "before", &store[0], &heap[0]);
    add_junk(&f, &seed, 0, count / 2);
    measure(&f, "half  ", &store[1], &heap[1]);
    add_junk(&f, &seed, count / 2, count);
    measure(&f, "after ", &store[2], &heap[2]);
    /* Once the bound is reached, as much junk again adds nothing. */
    assert_true(store[2] <= store[1] + store[1] / 4);
    assert_true(heap[2] <= heap[1] + heap[1] / 4);
    judge_day(&f, 19, NULL, &visitor);
    assert_int_equal(seen.servers, actors[SERVERS].addresses);
    assert_int_equal(seen.listed, 0);
    assert_int_equal(seen.hurt_helos, 0);
    assert_true(seen.names_of_one <= 2 * HISTORY_NAMES_MAX);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(junk_sessions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
