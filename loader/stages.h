/*
 * The stages of a run, in the order of the flow: observe, import, resolve, judge, publish. Each can
 * be run alone; what one leaves behind lies in the stores, and a crash between two loses nothing.
 */
#ifndef LOADER_STAGES_H
#define LOADER_STAGES_H

#include <stdio.h>

#include "loader/dnscache.h"
#include "loader/exitcode.h"
#include "loader/history.h"
#include "loader/judging.h"
#include "loader/knowndomains.h"
#include "loader/lists.h"
#include "loader/observe.h"
#include "loader/policytimes.h"
#include "loader/publish.h"
#include "loader/resolve.h"
#include "loader/verdicts.h"

/* What a run works with, and what it has done so far. */
struct run {
    const struct conf *conf; /* borrowed */
    int64_t now_s;
    int32_t utc_offset_s;
    bool from_stdin;       /* observe standard input instead of the configured logs */
    bool force;            /* publish however many are newly listed, and whatever lists do */
    bool progress;         /* tell on a terminal */
    bool dry_run;          /* judge: tell on standard output what a publish would change */
    bool json;             /* what is told there are lines of JSON */
    bool lists_only;       /* publish without judging: verdicts stay as they are */
    const bool *unchanged; /* of the configured lists: served already; NULL: not known */
    const bool *withdrawn; /* of the configured lists: not to be served; NULL: none */

    struct history *history;
    struct kv_txn *reading; /* of history.mdb, as long as the cache lives */
    struct dnscache *cache;
    struct spf *spf;
    struct spfpolicies *policies;
    struct weights weights;
    struct judging_env env; /* what policies ask through; stages_env fills it */
    struct known_domains known;
    struct policytimes policy_times; /* to be written */
    struct rdns *rdns;
    struct publicname *names;
    bool dns_failed; /* the canary says that nothing may be concluded from DNS */

    struct observe_stats observed, imported;
    struct list_stats lists;
    struct resolve_stats resolved;
    struct verdict_counts verdicts;
    struct publish_result published;
    uint64_t expired;
    int64_t until_s; /* when a change by hand ends; 0: never */
};

/* A stage's result: an exit code; the message is set unless it is EXIT_DONE. */
typedef enum exit_code (*stage_fn)(struct run *run, struct errmsg *msg);

enum exit_code stage_observe(struct run *run, struct errmsg *msg);
enum exit_code stage_import(struct run *run, struct errmsg *msg);
enum exit_code stage_resolve(struct run *run, struct errmsg *msg);
enum exit_code stage_judge(struct run *run, struct errmsg *msg);
enum exit_code stage_publish(struct run *run, struct errmsg *msg);
enum exit_code stage_run(struct run *run, struct errmsg *msg);

/* Whether something is served that a publish of the list would change. */
bool stages_serve_list(const struct conf *conf, const struct list_source *source);
/* Publishes one block list, from its flattened set, and leaves everything else as it is served. */
enum exit_code stage_publish_list(struct run *run, const struct list_source *source,
    const struct list_set *set, struct errmsg *msg);

/* Publishes what the operator says (word.h), and leaves everything else as it is served. */
enum exit_code stage_publish_words(struct run *run, struct errmsg *msg);

/* Opens history, cache, SPF, patterns and suffix list, unless that is done. */
enum err stages_need_judging(struct run *run, struct errmsg *msg) MUST_CHECK;
/* What judging works with. offline: nobody will resolve what is wanted. */
const struct judging_env *stages_env(struct run *run, bool offline);

void run_close(struct run *run);

/* The exit code that fits an error of a store or file. */
enum exit_code exit_of(enum err err);

#endif
