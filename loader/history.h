/*
 * history.mdb: the facts kept about clients. Belongs to the loader; tools read it for explain.
 *
 * Observations are folded into counts per address, per (address, HELO) and per (address, sender
 * domain), and the position in each log is stored in the same transaction, so that a crash neither
 * loses nor double counts. DNS answers (dnscache.h) and open log sessions live in the same file.
 */
#ifndef LOADER_HISTORY_H
#define LOADER_HISTORY_H

#include <stdint.h>

#include "loader/observation.h"
#include "zones/err.h"
#include "zones/kv.h"

/* Table bytes of history.mdb. */
enum history_table {
    HISTORY_META = 'M',     /* "format", totals */
    HISTORY_CLIENT = 'c',   /* address key -> struct hist_client */
    HISTORY_HELO = 'h',     /* address key, HELO text -> struct hist_use */
    HISTORY_PAIR = 'p',     /* address key, dname_key(domain) -> struct hist_use */
    HISTORY_POSITION = 'o', /* log position by inode: observe.c */
    HISTORY_OPEN = 's',     /* open log sessions: session.c */
    HISTORY_DNS = 'd',      /* dnscache.c */
    HISTORY_POLICY = 'y',   /* policytimes.c */
    HISTORY_COUNTER = 'n'   /* what was seen, skipped and why: observe.c, status */
};

struct hist_client {
    struct ip ip;
    int64_t first_s, last_s;
    uint32_t sessions; /* all */
    uint32_t accepted;
    uint32_t with_helo; /* accepted ones whose HELO was logged */
    uint32_t ham, spam; /* labelled by a mail store */
    uint32_t days;      /* distinct UTC days with a session, counted as they come */
    enum obs_ptr ptr_seen;
    struct dname ptr;
};

/* One HELO or one sender domain of an address. */
struct hist_use {
    int64_t first_s, last_s;
    uint32_t count;
    bool null_sender; /* pairs: came as <> with this HELO name, at least once */
    bool has_spf;     /* pairs: a result that the log gave */
    enum reason spf;
};

struct hist_totals {
    uint64_t sessions, accepted, accepted_with_helo;
    int64_t first_s, last_s;
    uint32_t days; /* distinct days with sessions */
};

struct history;

enum err history_open(
    const char *path, bool read_only, struct history **out, struct errmsg *msg) MUST_CHECK;
void history_close(struct history **history);
struct kv *history_kv(struct history *history);

/* Folds one observation into a write transaction. Failures are sticky in the transaction. */
void history_add(struct kv_txn *txn, const struct observation *observation);

/* Callback order: clients by address. helo and pair callbacks of one client come after its own. A
 * callback's failure ends the walk and is returned. */
struct history_visitor {
    enum err (*client)(void *ctx, const struct hist_client *client);
    enum err (*helo)(
        void *ctx, const struct ip *ip, const struct helo *helo, const struct hist_use *use);
    enum err (*pair)(
        void *ctx, const struct ip *ip, const struct dname *domain, const struct hist_use *use);
    void *ctx;
};
/* only: that client alone, or NULL for all. */
enum err history_walk(
    struct kv_txn *txn, const struct ip *only, const struct history_visitor *visitor) MUST_CHECK;
enum err history_totals(struct kv_txn *txn, struct hist_totals *out) MUST_CHECK;
/* Drops what was last seen before the time; returns how many clients went. */
enum err history_expire(struct kv_txn *txn, int64_t before_s, uint64_t *dropped) MUST_CHECK;

/* Named counters ("skipped-submission"), for status. Adds within the transaction. */
void history_count(struct kv_txn *txn, const char *name, uint64_t add);
typedef void (*history_counter_fn)(void *ctx, const char *name, uint64_t value);
enum err history_counters(struct kv_txn *txn, history_counter_fn each, void *ctx) MUST_CHECK;

#endif
