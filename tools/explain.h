/*
 * Explaining one subject: what the parts of "repdns explain" share. Private to explain*.c.
 *
 * The parts print and do not fail: what can't be read is unknown, and a damaged store is said on
 * the line where it matters.
 */
#ifndef TOOLS_EXPLAIN_H
#define TOOLS_EXPLAIN_H

#include "loader/judging.h"
#include "loader/lists.h"
#include "loader/word.h"
#include "tools/tools.h"
#include "zones/kvread.h"

struct explain {
    FILE *out;
    const struct conf *conf;
    struct judging_env env; /* offline; txn is NULL without a history */
    struct history *history;
    struct kv_txn *txn;
    struct dnscache *cache;
    struct spf *spf;
    struct spfpolicies *policies;
    struct rdns *rdns;
    struct publicname *names;
    struct weights weights;
    struct kvread *answers; /* NULL: nothing is published */
    int64_t beat_s;
    struct list_set **lists; /* conf->list_count of them, NULL where not an allow list */
    const struct list_set **allow;
    size_t allow_count;
    struct words words; /* the operator's, in force */

    struct ip ip;
    char ip_text[IP_TEXT_SIZE];
    bool seen;       /* the history has the address */
    bool in_network; /* it is judged as a part of its /64 */
    bool apart;      /* an address of the /64 is never listed, so that each is judged alone */
};

/* A subject to look up; one of the three forms. */
struct subject {
    const struct ip *ip;
    const struct dname *name;
    bool pair; /* ip and name together */
};
/* A value that a zone has for the subject. Everything is borrowed for the call. */
struct explain_found {
    const struct zone_def *zone;
    const struct dataset *dataset;
    const struct subject *subject;
    struct slice value;
    struct range range; /* of addresses: the entry that has the subject */
    bool has_evidence;
    struct evidence evidence;
};
/* Returns whether the zone shows anything of it. */
typedef bool (*explain_found_fn)(
    void *ctx, const struct explain *explain, const struct explain_found *found);
/* explain_served.c: all that the zones that the subject may be asked in have of it; judged is the
 * judged dataset of names, else NULL. Returns whether any call returned true. A damaged dataset is
 * told on explain->out if that is not NULL. */
bool explain_each_served(const struct explain *explain, const struct subject *subject,
    const char *judged, explain_found_fn found, void *ctx);
/* What of a value's reasons the zone shows. */
struct reason_set explain_zone_shows(const struct zone_def *zone, struct reason_set reasons);

/* explain_json.c: what is known of the address, and what is served of it and of the domain, which
 * may be NULL; one object. */
enum err explain_print_json(
    struct explain *explain, const struct dname *domain, struct errmsg *msg) MUST_CHECK;

/* explain.c: the stores, which need not be there; out and conf are set. quiet: not to be told on
 * out that there is no history. Close it whatever is returned. */
enum err explain_open(
    struct explain *explain, int64_t now_s, bool quiet, struct errmsg *msg) MUST_CHECK;
void explain_close(struct explain *explain);

/* explain_served.c: whether the zone lists the address, or the name unless that is NULL, or both as
 * a pair; judged: the judged dataset of a zone of names that is meant. *reasons: those of judging
 * that it shows, none for a list's own value. */
bool explain_lists(const struct explain *explain, const struct zone_def *zone, const struct ip *ip,
    const struct dname *name, bool pair, const char *judged, struct reason_set *reasons);
/* Whether the configuration or the operator keeps it off every list, and what of it says so. */
enum { EXPLAIN_WHY_SIZE = 320 };
bool explain_never_ip(const struct explain *explain, char why[EXPLAIN_WHY_SIZE]);
/* What of a judgement the enabled zones over this judged dataset would show. */
void explain_shown(const struct explain *explain, const char *dataset, struct reason_set reasons);
/* What zones answer now, each with the dataset that says it. Of zones with names, those that have
 * the judged dataset, or none of the judged ones. */
void explain_served_ip(const struct explain *explain);
void explain_served_name(
    const struct explain *explain, const struct dname *name, const char *dataset);
void explain_served_pair(const struct explain *explain, const struct dname *domain);

/* explain_policy.c. */
enum err explain_open_policies(struct explain *explain, struct errmsg *msg) MUST_CHECK;
/* What SPF says of the address and the domain, by an evaluation of its own and by the table that is
 * served. Returns whether the policy passes the world. */
bool explain_policy(const struct explain *explain, const struct dname *domain, const char *helo);

/* explain_word.c: of the address, or of the name unless that is NULL. Whether the operator allows
 * it, and by which word; and a line for each thing that he says of it. */
bool explain_allowed(const struct explain *explain, const struct ip *ip, const struct dname *name,
    char why[EXPLAIN_WHY_SIZE]);
void explain_words(
    const struct explain *explain, unsigned indent, const struct ip *ip, const struct dname *name);

/* explain_client.c. "not known", "no", "yes". Static storage. */
const char *explain_fact(enum fact fact);
/* An error of the walk through the history as a message, ERR_OK as none. */
enum err explain_walked(const struct explain *explain, enum err err, struct errmsg *msg) MUST_CHECK;
/* SPF results that were logged, as weights that fade: nothing if there are none. */
void explain_spf_counts(const struct explain *explain, const struct hist_spf *counts);
/* The visitor's client for a walk over a /64: sets apart. */
enum err explain_member(
    void *ctx, const struct client_facts *facts, const struct judgement *judgement) MUST_CHECK;
/* What history and DNS say of the address. */
enum err explain_client(struct explain *explain, struct errmsg *msg) MUST_CHECK;

#endif
