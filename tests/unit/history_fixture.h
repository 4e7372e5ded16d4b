/* A directory with a history.mdb, and what a walk over it prints, for the tests of it. */
#ifndef TESTS_UNIT_HISTORY_FIXTURE_H
#define TESTS_UNIT_HISTORY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/history.h"

#define DAY INT64_C(86400)
#define T0  (DAY * 20000 + 3600)

struct fixture {
    char root[64], path[96];
    struct history *history;
    struct kv_txn *txn;
    struct errmsg msg;
    char walk[65536];
    size_t n;
    unsigned stop_after; /* callbacks; 0: never */
};

static inline int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -1;
    (void)strcpy(f->root, "/tmp/repdns-history-XXXXXX");
    if (mkdtemp(f->root) == NULL)
        return -1;
    (void)snprintf(f->path, sizeof f->path, "%s/history.mdb", f->root);
    *state = f;
    return history_open(f->path, false, &f->history, &f->msg) == ERR_OK ? 0 : -1;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];

    kv_abort(&f->txn);
    history_close(&f->history);
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", f->root);
    (void)!system(command);
    free(f);
    return 0;
}

static inline void
begin(struct fixture *f, bool write)
{
    assert_int_equal(kv_begin(history_kv(f->history), write, &f->txn, &f->msg), ERR_OK);
}

static inline void
commit(struct fixture *f)
{
    assert_int_equal(kv_commit(&f->txn, &f->msg), ERR_OK);
}

static inline struct observation
seen(int64_t when_s, const char *ip, const char *helo, const char *sender)
{
    struct observation out = {.when_s = when_s};

    assert_int_equal(ip_parse(ip, strlen(ip), &out.client), ERR_OK);
    helo_set(&out.helo, helo, strlen(helo));
    out.sender = strcmp(sender, "<>") == 0    ? OBS_SENDER_NULL
                 : strcmp(sender, "bad") == 0 ? OBS_SENDER_BAD
                 : *sender == '\0'            ? OBS_SENDER_UNKNOWN
                                              : OBS_SENDER_DOMAIN;
    if (out.sender == OBS_SENDER_DOMAIN)
        assert_int_equal(dname_parse(sender, strlen(sender), &out.sender_domain), ERR_OK);
    return out;
}

static inline void
add(struct fixture *f, const struct observation *observation)
{
    begin(f, true);
    history_add(f->txn, observation);
    commit(f);
}

static inline enum err
note(struct fixture *f, const char *line)
{
    int n = snprintf(f->walk + f->n, sizeof f->walk - f->n, "%s\n", line);

    f->n += (size_t)n;
    return f->stop_after > 0 && --f->stop_after == 0 ? ERR_REFUSED : ERR_OK;
}

static inline enum err
on_client(void *ctx, const struct hist_client *c)
{
    char ip[IP_TEXT_SIZE], ptr[DNAME_TEXT_SIZE] = "", line[2048];

    ip_format(&c->ip, ip);
    if (c->ptr.len > 0)
        (void)dname_format(&c->ptr, ptr);
    (void)snprintf(line, sizeof line, "%s n%u a%u h%u +%u -%u d%u %lld..%lld p%d%s", ip,
        c->sessions, c->accepted, c->with_helo, c->ham, c->spam, c->days,
        (long long)(c->first_s - T0), (long long)(c->last_s - T0), c->ptr_seen, ptr);
    return note(ctx, line);
}

static inline void
format_use(char *line, size_t size, const struct ip *ip, const char *what, const char *name,
    const struct hist_use *use)
{
    char text[IP_TEXT_SIZE];

    ip_format(ip, text);
    (void)snprintf(line, size, " %s %s %s n%u %lld..%lld%s%s", text, what, name, use->count,
        (long long)(use->first_s - T0), (long long)(use->last_s - T0),
        use->helo_only     ? " null"
        : use->null_sender ? " null-too"
                           : "",
        use->has_spf ? reason_info(use->spf)->name : "");
    if (use->folded > 0) {
        size_t n = strlen(line);
        (void)snprintf(line + n, size - n, " folded%u weight%u", use->folded,
            use->folded_weight.weight / HIST_UNIT);
    }
    for (unsigned i = 0; i < OBS_SPF_COUNT; i++)
        if (use->spf_counts.of[i].weight > HIST_UNIT / 2) {
            size_t n = strlen(line);
            (void)snprintf(line + n, size - n, " %s%u", obs_spf_text((enum obs_spf)i),
                use->spf_counts.of[i].weight / HIST_UNIT);
        }
}

static inline enum err
on_helo(void *ctx, const struct ip *ip, const struct helo *helo, const struct hist_use *use)
{
    char name[HELO_MAX + 1] = "", line[2048];

    memcpy(name, helo->text, helo->len);
    format_use(line, sizeof line, ip, "helo", name, use);
    return note(ctx, line);
}

static inline enum err
on_pair(void *ctx, const struct ip *ip, const struct dname *domain, const struct hist_use *use)
{
    char name[DNAME_TEXT_SIZE], line[2048];

    (void)dname_format(domain, name);
    format_use(line, sizeof line, ip, "pair", name, use);
    return note(ctx, line);
}

static inline enum err
walk(struct fixture *f, const char *only)
{
    const struct history_visitor visitor = {on_client, on_helo, on_pair, f};
    struct ip ip = {{0}};

    f->n = 0;
    f->walk[0] = '\0';
    if (only != NULL)
        assert_int_equal(ip_parse(only, strlen(only), &ip), ERR_OK);
    begin(f, false);
    const struct prefix alone = prefix_of(&ip, ip_bits(ip_family(&ip)));
    enum err err = history_walk(f->txn, only == NULL ? NULL : &alone, &visitor);
    kv_abort(&f->txn);
    return err;
}

static inline void
expect(struct fixture *f, const char *only, const char *wanted)
{
    assert_int_equal(walk(f, only), ERR_OK);
    assert_string_equal(f->walk, wanted);
}

static inline struct hist_domain
domain_of(struct fixture *f, const char *name)
{
    struct dname domain;
    struct hist_domain out;

    assert_int_equal(dname_parse(name, strlen(name), &domain), ERR_OK);
    assert_int_equal(history_domain(f->txn, &domain, &out), ERR_OK);
    return out;
}

#endif
