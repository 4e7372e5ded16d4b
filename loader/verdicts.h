/*
 * Judgements made ready to publish: the judged datasets, without those who are never listed,
 * and the set of those; with "since" kept from the store that is being served.
 */
#ifndef LOADER_VERDICTS_H
#define LOADER_VERDICTS_H

#include "loader/judging.h"
#include "loader/lists.h"
#include "loader/publish.h"

#define VERDICTS_SETS 7

/* Listings that a mail server may reject for alone, in the zones as shipped. */
struct verdict_counts {
    uint64_t subjects; /* addresses, domains, HELO names and pairs that were judged */
    uint64_t listed;
    uint64_t newly_listed; /* of them: not in the store before */
};

struct verdicts;

/* Judges everything in env's history. allow: the flattened lists whose entries are never listed.
 * previous: what is served now, for "since" and "newly"; NULL for none. */
enum err verdicts_collect(const struct judging_env *env, const struct list_set *const *allow,
    size_t allow_count, struct kvread *previous, struct verdicts **out,
    struct errmsg *msg) MUST_CHECK;
void verdicts_free(struct verdicts **verdicts);

/* VERDICTS_SETS of them; they live until verdicts_free. */
const struct publish_set *verdicts_sets(const struct verdicts *verdicts);
struct verdict_counts verdicts_count(const struct verdicts *verdicts);

/* Whether the configuration or an allow list keeps the address, or the name, off every list. */
bool verdicts_never_ip(const struct conf *conf, const struct list_set *const *allow,
    size_t allow_count, const struct ip *ip);
bool verdicts_never_name(const struct conf *conf, const struct list_set *const *allow,
    size_t allow_count, const struct dname *name);

/* A run that would newly list more than the policy's share of all subjects stops unless forced:
 * more likely something is wrong with DNS or a log than with so many senders at once. */
bool verdicts_too_many(const struct verdict_counts *counts, const struct policy *policy);

#endif
