/* A directory with logs and a history.mdb, for test_observe.c and test_session.c. */
#ifndef TESTS_UNIT_OBSERVE_FIXTURE_H
#define TESTS_UNIT_OBSERVE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/observe.h"
#include "loader/src_received.h"

/* 2026-11-24 10:00:00 UTC */
#define NOW INT64_C(1795514400)

struct fixture {
    char root[64], db[96], pattern[96];
    struct log_source source;
    struct conf conf;
    struct history *history;
    struct observe_stats stats;
    struct errmsg msg;
    char got[65536];
    size_t n;
    unsigned calls;
};

static inline int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -1;
    (void)strcpy(f->root, "/tmp/repdns-observe-XXXXXX");
    if (mkdtemp(f->root) == NULL)
        return -1;
    (void)snprintf(f->db, sizeof f->db, "%s/history.mdb", f->root);
    (void)snprintf(f->pattern, sizeof f->pattern, "%s/mail.log*", f->root);
    f->source = (struct log_source){.path = f->pattern, .format = LOG_POSTFIX};
    f->conf.logs = &f->source;
    f->conf.log_count = 1;
    f->conf.policy.retention_days = 90;
    f->conf.policy.reports_per_day = 20;
    *state = f;
    return history_open(f->db, false, &f->history, &f->msg) == ERR_OK ? 0 : -1;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];

    history_close(&f->history);
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", f->root);
    (void)!system(command);
    free(f);
    return 0;
}

static const char *
at(const struct fixture *f, const char *name, char out[128])
{
    (void)snprintf(out, 128, "%s/%s", f->root, name);
    return out;
}

static inline void
put(struct fixture *f, const char *name, const char *mode, const char *text)
{
    char path[128];
    FILE *out = fopen(at(f, name, path), mode);

    assert_non_null(out);
    assert_int_equal(fputs(text, out) >= 0, 1);
    assert_int_equal(fclose(out), 0);
}

static inline void
move(struct fixture *f, const char *from, const char *to)
{
    char a[128], b[128];

    assert_int_equal(rename(at(f, from, a), at(f, to, b)), 0);
}

/* The lines of one accepted mail, n giving its numbers. */
static const char *
mail(unsigned n, char out[1024])
{
    (void)snprintf(out, 1024,
        "Nov 24 09:%02u:%02u mx postfix/smtpd[%u]: connect from unknown[203.0.113.%u]\n"
        "Nov 24 09:%02u:%02u mx postfix/smtpd[%u]: NOQUEUE: info: RCPT from unknown[203.0.113.%u]: "
        "feed; from=<s@d%u.example> to=<r@t.local> proto=ESMTP helo=<h%u.example>\n"
        "Nov 24 09:%02u:%02u mx postfix/smtpd[%u]: ABCDE%05u: client=unknown[203.0.113.%u]\n"
        "Nov 24 09:%02u:%02u mx postfix/qmgr[1]: ABCDE%05u: from=<s@d%u.example>, size=339, "
        "nrcpt=1 (queue active)\n"
        "Nov 24 09:%02u:%02u mx postfix/smtpd[%u]: disconnect from unknown[203.0.113.%u]\n",
        n / 60 % 60, n % 60, 1000 + n, n % 250, n / 60 % 60, n % 60, 1000 + n, n % 250, n, n,
        n / 60 % 60, n % 60, 1000 + n, n, n % 250, n / 60 % 60, n % 60, n, n, n / 60 % 60, n % 60,
        1000 + n, n % 250);
    return out;
}

static inline void
put_mails(struct fixture *f, const char *name, const char *mode, unsigned first, unsigned last)
{
    char text[1024];

    put(f, name, mode, "");
    for (unsigned i = first; i <= last; i++)
        put(f, name, "a", mail(i, text));
}

static inline void
run(struct fixture *f)
{
    f->stats = (struct observe_stats){0};
    if (observe_logs(f->history, &f->conf, NOW, 0, NULL, NULL, &f->stats, &f->msg) != ERR_OK)
        fail_msg("%s", f->msg.text);
}

static inline void
run_expect(struct fixture *f, uint64_t lines, uint64_t observed)
{
    run(f);
    assert_int_equal(f->stats.lines, lines);
    assert_int_equal(f->stats.observed, observed);
}

/* A hash of the store's file. */
static inline uint64_t
db_hash(struct fixture *f)
{
    static uint8_t bytes[1 << 22];
    FILE *in = fopen(f->db, "rb");
    uint64_t hash;

    assert_non_null(in);
    hash = fnv_add(FNV_START, bytes, fread(bytes, 1, sizeof bytes, in));
    assert_int_equal(fclose(in), 0);
    return hash;
}

static inline void
run_nothing_new(struct fixture *f)
{
    uint64_t before = db_hash(f);

    run_expect(f, 0, 0);
    assert_int_equal(db_hash(f), before);
    /* Opening it anew writes nothing either. */
    history_close(&f->history);
    assert_int_equal(history_open(f->db, false, &f->history, &f->msg), ERR_OK);
    run_expect(f, 0, 0);
    assert_int_equal(db_hash(f), before);
}

static inline enum err
add_line(struct fixture *f, const char *line)
{
    f->n += (size_t)snprintf(f->got + f->n, sizeof f->got - f->n, "%s\n", line);
    return ERR_OK;
}

static inline enum err
on_client(void *ctx, const struct hist_client *c)
{
    static const char *const ptrs[] = {"", " none", " unverified ", " "};
    char ip[IP_TEXT_SIZE], ptr[DNAME_TEXT_SIZE] = "", line[2048];

    ip_format(&c->ip, ip);
    if (c->ptr.len > 0)
        (void)dname_format(&c->ptr, ptr);
    (void)snprintf(
        line, sizeof line, "%s %u/%u%s%s", ip, c->accepted, c->sessions, ptrs[c->ptr_seen], ptr);
    return add_line(ctx, line);
}

static inline enum err
on_helo(void *ctx, const struct ip *ip, const struct helo *helo, const struct hist_use *use)
{
    char line[512];

    (void)ip;
    (void)snprintf(line, sizeof line, " h %.*s %u", helo->len, helo->text, use->count);
    return add_line(ctx, line);
}

static inline enum err
on_pair(void *ctx, const struct ip *ip, const struct dname *domain, const struct hist_use *use)
{
    char name[DNAME_TEXT_SIZE], line[2048];

    (void)ip;
    (void)dname_format(domain, name);
    (void)snprintf(line, sizeof line, " p %s %u%s%s%s", name, use->count,
        use->null_sender ? " <>" : "", use->has_spf ? " " : "",
        use->has_spf ? reason_info(use->spf)->name : "");
    return add_line(ctx, line);
}

static inline void
expect(struct fixture *f, const char *wanted)
{
    const struct history_visitor visitor = {on_client, on_helo, on_pair, f};
    struct kv_txn *txn;

    f->n = 0;
    f->got[0] = '\0';
    assert_int_equal(kv_begin(history_kv(f->history), false, &txn, &f->msg), ERR_OK);
    assert_int_equal(history_walk(txn, NULL, &visitor), ERR_OK);
    kv_abort(&txn);
    assert_string_equal(f->got, wanted);
}

static inline uint64_t
sessions_total(struct fixture *f)
{
    struct hist_totals totals;
    struct kv_txn *txn;

    assert_int_equal(kv_begin(history_kv(f->history), false, &txn, &f->msg), ERR_OK);
    assert_int_equal(history_totals(txn, &totals), ERR_OK);
    kv_abort(&txn);
    return totals.sessions;
}

/* Pieces of lines. */
#define AT           "Nov 24 09:00:01 mx "
#define FROM(a)      "; from=<" a "> to=<r@t.local> proto=ESMTP helo=<h.example>\n"
#define FROM2(a)     "; from=<" a "> to=<r2@t.local> proto=ESMTP helo=<h.example>\n"
#define INFO         "NOQUEUE: info: RCPT from "
#define QUEUE(id, a) AT "postfix/qmgr[9]: " id ": from=<" a ">, size=1, nrcpt=1 (queue active)\n"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
