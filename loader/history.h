/*
 * history.mdb: the facts kept about clients. Belongs to the loader; tools read it for explain.
 *
 * Observations are folded into counts per address, per (address, HELO), per (address, sender
 * domain) and per sender domain, and the position in each log is stored in the same transaction, so
 * that a crash neither loses nor double counts. DNS answers (dnscache.h) and open log sessions live
 * in the same file.
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
    HISTORY_DOMAIN = 'e',   /* dname_key(sender domain) -> struct hist_domain */
    HISTORY_POSITION = 'o', /* log position by inode: observe.c */
    HISTORY_OPEN = 's',     /* open log sessions: session.c */
    HISTORY_DNS = 'd',      /* dnscache.c */
    HISTORY_POLICY = 'y',   /* policytimes.c */
    HISTORY_COUNTER = 'n'   /* what was seen, skipped and why: observe.c, status */
};

/* What an address did, each with a weight that halves every half_life days. A day has one unit of
 * activity however busy it was; reports have a unit each. */
enum hist_class { HIST_ACTIVE, HIST_HAM, HIST_SPAM, HIST_TRAP, HIST_CLASSES };

/* A sum that fades: the weight was right on the day (since 1970, UTC) and is faded when it is read,
 * so that a record of somebody who is silent needs no writing. In 1/HIST_UNIT. */
#define HIST_UNIT 65536U
struct hist_weight {
    int32_t day;
    uint32_t weight;
};

/* SPF results that a policy service logged; that of OBS_SPF_UNSEEN is empty. */
struct hist_spf {
    struct hist_weight of[OBS_SPF_COUNT];
};

struct hist_client {
    struct ip ip;
    int64_t first_s, last_s;
    uint32_t sessions; /* all */
    uint32_t accepted;
    uint32_t with_helo;    /* accepted ones whose HELO was logged */
    uint32_t ham, spam;    /* labelled by a mail store */
    uint32_t days;         /* distinct UTC days with a session, counted as they come */
    uint32_t helos, pairs; /* stored HELO names and sender domains; not less than there are */
    struct hist_weight weights[HIST_CLASSES];
    enum obs_ptr ptr_seen;
    struct dname ptr;
    int32_t filter_day;               /* the last one with a filter's verdict, */
    uint32_t filter_spam, filter_ham; /* and how many it had */
};

/* One HELO or one sender domain of an address. What was folded into it are sessions of other names
 * of its class (nameclass.h), which there was no room for. */
struct hist_use {
    int64_t first_s, last_s;
    uint32_t count, folded;
    struct hist_weight weight, folded_weight; /* sessions */
    bool null_sender; /* pairs: came as <> with this HELO name, at least once */
    bool helo_only;   /* pairs: and never as the sender's domain */
    bool has_spf;     /* pairs: a result that the log gave, the last of them */
    enum reason spf;
    struct hist_spf spf_counts; /* pairs: of sessions, folded ones too */
};

/* Clients that were counted without being kept: each sets a bit, in the window that a day lies in.
 * Who has an IPv6 /64 is one. */
#define HIST_WINDOW_DAYS 30
#define HIST_CROWD_BITS  256
struct hist_crowd {
    int32_t window; /* number of the later one */
    uint8_t now[HIST_CROWD_BITS / 8], before[HIST_CROWD_BITS / 8];
};

/* What was sent in a domain's name, and what of it was its own: for which SPF passed. Nobody is
 * listed by it: whoever forges a sender must not harm its owner. */
struct hist_domain {
    int64_t first_s, last_s;
    uint32_t sessions;                        /* accepted, whoever sent them */
    uint32_t own;                             /* of them: its own */
    struct hist_weight weight;                /* sessions */
    struct hist_spf spf_counts;               /* of sessions */
    struct hist_weight weights[HIST_CLASSES]; /* of its own alone */
    struct hist_crowd crowd;                  /* clients */
};

struct hist_totals {
    uint64_t sessions, accepted, accepted_with_helo;
    int64_t first_s, last_s;
    uint32_t days;    /* distinct days with sessions */
    uint64_t clients; /* addresses stored */
    uint64_t domains; /* likewise sender domains */
};

/* More HELO names, or sender domains, of one address are not kept apart: a new one takes the place
 * of another, which is folded into one of its class. */
#define HISTORY_NAMES_MAX 64

struct history;

/* ERR_NOTFOUND: there is no store, and it is not made for reading only. ERR_FORMAT: it is of
 * another version; unless for reading only, one of a version before becomes one of this. */
enum err history_open(
    const char *path, bool read_only, struct history **out, struct errmsg *msg) MUST_CHECK;
void history_close(struct history **history);
/* Borrowed until history_close. */
struct kv *history_kv(struct history *history);

/* The days in which weights halve, for what is folded from now on; 7 in a new history. */
enum err history_set_half_life(
    struct history *history, uint32_t days, struct errmsg *msg) MUST_CHECK;

/* history_weight.c. The day since 1970 (UTC) of a time, and the weight as it is on a day: never
 * more than on an earlier one. */
int32_t hist_day(int64_t when_s);
uint32_t hist_weight_on(const struct hist_weight *weight, int32_t day, uint32_t half_life_days);
/* Adds units of a day, late ones faded. The same whatever the order inside a day. */
void hist_weight_add(
    struct hist_weight *weight, int32_t day, uint32_t units, uint32_t half_life_days);

/* Takes away what units of a day are by now. */
void hist_weight_take(
    struct hist_weight *weight, int32_t day, uint32_t units, uint32_t half_life_days);

/* Adds one sum to another, as of the later of their days. */
void hist_weight_sum(
    struct hist_weight *into, const struct hist_weight *more, uint32_t half_life_days);

/* history_names.c. All that a use stands for, on a day; and what becomes of one that gives way. */
uint64_t hist_use_weight(const struct hist_use *use, int32_t day, uint32_t half_life_days);
void hist_use_fold(struct hist_use *into, const struct hist_use *gone, uint32_t half_life_days);

/* history_crowd.c. */
void hist_crowd_add(struct hist_crowd *crowd, const struct ip *client, int32_t day);
/* About how many there were in the window of the day and the one before it; 1,400 or more say no
 * more than that. The error is some percent, a few at the least. */
uint32_t hist_crowd_size(const struct hist_crowd *crowd, int32_t day);

/* Folds one observation into a write transaction. Failures are sticky in the transaction. */
void history_add(struct kv_txn *txn, const struct observation *observation);

/* Likewise, without a filter's verdict if that day's of the client and the label are so many
 * already; returns whether it was left out. The bound is of each client, since a filter speaks of
 * every mail, and one over all of them would be spent on the first of a day; and of each label, so
 * that who sends spam through a shared relay leaves it the verdicts of others. */
bool history_add_bounded(
    struct kv_txn *txn, const struct observation *observation, uint32_t filter_most);

/* Takes a label back that was folded from an OBS_REPORT, as much of it as has not faded. */
void history_take_report(struct kv_txn *txn, const struct observation *report);

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
/* only: the clients of that prefix alone, of a length in whole bytes, or NULL for all. */
enum err history_walk(struct kv_txn *txn, const struct prefix *only,
    const struct history_visitor *visitor) MUST_CHECK;
/* All zero in a history without sessions. */
enum err history_totals(struct kv_txn *txn, struct hist_totals *out) MUST_CHECK;
/* history_domain.c: a sender domain's record; ERR_NOTFOUND if there is none. And all of them, in
 * the order of dname_key. */
enum err history_domain(
    struct kv_txn *txn, const struct dname *domain, struct hist_domain *out) MUST_CHECK;
typedef enum err (*history_domain_fn)(
    void *ctx, const struct dname *domain, const struct hist_domain *record);
enum err history_domains(struct kv_txn *txn, history_domain_fn each, void *ctx) MUST_CHECK;
/* Drops what was last seen before the time; returns how many clients went. */
enum err history_expire(struct kv_txn *txn, int64_t before_s, uint64_t *dropped) MUST_CHECK;

/* With more than that many addresses, or as many domains (0: no bound), drops the least informative
 * ones, down to nine tenths: those without a report, and of few and long past days first. *dropped:
 * both. history_trim.c. */
enum err history_trim(
    struct kv_txn *txn, uint64_t most, uint32_t half_life_days, uint64_t *dropped) MUST_CHECK;

/* Named counters ("skipped-submission"), for status. Adds within the transaction. */
void history_count(struct kv_txn *txn, const char *name, uint64_t add);
typedef void (*history_counter_fn)(void *ctx, const char *name, uint64_t value);
enum err history_counters(struct kv_txn *txn, history_counter_fn each, void *ctx) MUST_CHECK;

#endif
