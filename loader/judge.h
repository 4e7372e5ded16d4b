/*
 * Judging: pure functions from facts, policy and time to verdicts with reasons. No I/O, no clock,
 * nothing global. The caller (judging.c) gathers the facts from history and DNS cache.
 *
 * Rules that hold here (README, "How it judges"): unknown is never evidence; an attempt is
 * never evidence; no single weak sign lists anybody; a client with both labels is ham; credit and
 * blame go to verified identities only; in the first days history blocks nobody.
 */
#ifndef LOADER_JUDGE_H
#define LOADER_JUDGE_H

#include "loader/helo.h"
#include "loader/history.h"
#include "loader/rdns.h"
#include "loader/weights.h"
#include "zones/verdict.h"
#include "zones/zoneconf.h"

enum fact { FACT_UNKNOWN, FACT_NO, FACT_YES };

enum rdns_state { RDNS_UNKNOWN, RDNS_STATE_NONE, RDNS_STATE_UNCONFIRMED, RDNS_STATE_CONFIRMED };

struct helo_fact {
    const struct helo *text;
    const struct hist_use *use;
    struct dname organisation;   /* registered domain of a name */
    struct helo_form form;       /* helo.h: what the text alone says */
    enum fact resolves_here;     /* the name has this client's address */
    enum helo_identity identity; /* heloident.h */
};

struct pair_fact {
    const struct dname *domain;
    struct dname organisation; /* its registered domain */
    const struct hist_use *use;
    bool has_spf; /* false: not known (temperror, not evaluated) */
    enum reason spf;
    bool spf_world;   /* the policy passes the world, so that its pass verifies nobody */
    bool spf_dynamic; /* the domain's table may not say it for all who come from the address */
    bool spf_unknown; /* DNS failed (temperror) */
};

/* The window of habits: a name first said in it is new. */
enum { JUDGE_HABIT_DAYS = 30 };

struct client_facts {
    const struct hist_client *client;
    enum rdns_state rdns;
    const struct dname *rdns_name;  /* unless none or unknown */
    struct dname rdns_organisation; /* its registered domain */
    struct rdns_verdict rdns_look;  /* of that name */
    unsigned helo_count;
    const struct helo_fact *helos;
    unsigned pair_count;
    const struct pair_fact *pairs;
    int64_t now_s;
    double near_bad, domain_bad; /* priors: shares of others, weights.def */
    uint32_t addresses;          /* of an IPv6 network judged as one (network.h); 0: an address */
    bool mature;                 /* enough sessions and days are in the history as a whole */
};

#define JUDGE_DETAIL_SIZE 400
struct judgement {
    struct reason_set reasons;   /* every single reason; SCORE and TRAP only where they list */
    int score;                   /* 0 worst to 100 best; 50 is even odds, 10 points a factor of e */
    double parts[FEATURE_COUNT]; /* what each feature adds to the badness */
    unsigned kinds;              /* independent kinds of evidence behind the score */
    unsigned trust;              /* 1: a good record over weeks; else 0 */
    uint32_t quiet_days;         /* listed: how many days of silence end that; else 0 */
    char detail[JUDGE_DETAIL_SIZE]; /* the evidence, printable ASCII, for private views and explain
                                     */
};

void judge_client(const struct client_facts *facts, const struct policy *policy,
    const struct weights *weights, struct judgement *out);

/* Habits: features of their own, and reasons. */
bool judge_is_churn(const struct client_facts *facts, const struct policy *policy);
bool judge_is_fail_habit(const struct client_facts *facts, const struct policy *policy);

struct domain_facts {
    const struct dname *domain;
    enum fact exists;      /* NO only by an NXDOMAIN, in a run whose canary held */
    enum fact receives;    /* NO: neither MX nor A nor AAAA, or a null MX (RFC 7505) */
    enum fact public_name; /* NO by the closed table or a TLD that does not exist */
    bool spf_world;
};
void judge_domain(const struct domain_facts *facts, struct judgement *out);

struct helo_name_facts {
    const struct dname *name;
    unsigned clients;      /* that used it */
    unsigned resolving_to; /* of them: the name resolves to them, or has the registered domain of
                              their confirmed reverse name */
    unsigned unknown;      /* of them: not known */
    enum fact public_name; /* NO by the closed table */
    bool owned;            /* a registered domain itself, or below a mail provider's */
    bool inside;           /* localhost, .lan and the like: small honest servers say them */
    bool mature;
};
void judge_helo_name(
    const struct helo_name_facts *facts, const struct policy *policy, struct judgement *out);

#endif
