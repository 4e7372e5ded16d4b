/* Observing, importing and resolving; see stages.h. Judging and publishing: stages_publish.c. */
#include "loader/stages.h"

#include <string.h>

#include "loader/judgedns.h"
#include "zones/log.h"

enum { ROUNDS_MAX = 60, DAY_S = 86400 };

enum exit_code
exit_of(enum err err)
{
    static const struct {
        enum err err;
        enum exit_code code;
    } table[] = {{ERR_OK, EXIT_DONE}, {ERR_FULL, EXIT_STORE}, {ERR_FORMAT, EXIT_STORE}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].err == err)
            return table[i].code;
    return EXIT_FAILED;
}

static enum err
need_history(struct run *run, struct errmsg *msg)
{
    if (run->history != NULL)
        return ERR_OK;
    enum err err = history_open(run->conf->history_path, false, &run->history, msg);
    if (err == ERR_OK)
        err = history_set_half_life(run->history, run->conf->policy.half_life_days, msg);
    return err;
}

static void
on_lines(void *ctx, const char *path, uint64_t lines)
{
    (void)ctx;
    fprintf(stderr, "\r\033[Kobserve: %s: %llu lines ", path, (unsigned long long)lines);
}

static void
end_progress(const struct run *run)
{
    if (run->progress)
        fputs("\r\033[K", stderr);
}

/* Retention: what was last seen too long ago goes. */
static enum err
expire(struct run *run, struct errmsg *msg)
{
    struct kv_txn *txn;
    int64_t before_s = run->now_s - (int64_t)run->conf->policy.retention_days * DAY_S;
    enum err err = kv_begin(history_kv(run->history), true, &txn, msg);
    if (err < 0)
        return err;
    err = history_expire(txn, before_s, &run->expired);
    if (err < 0) {
        kv_abort(&txn);
        return errmsg_set(msg, err, "%s: %s", run->conf->history_path, err_text(err));
    }
    return kv_commit(&txn, msg);
}

enum exit_code
stage_observe(struct run *run, struct errmsg *msg)
{
    enum err err = need_history(run, msg);
    if (err == ERR_OK && run->from_stdin)
        err = observe_stdin(
            run->history, run->conf, run->now_s, run->utc_offset_s, &run->observed, msg);
    else if (err == ERR_OK)
        err = observe_logs(run->history, run->conf, run->now_s, run->utc_offset_s,
            run->progress ? on_lines : NULL, NULL, &run->observed, msg);
    end_progress(run);
    if (err == ERR_OK)
        err = expire(run, msg);
    return exit_of(err);
}

/* A list that can't be read keeps its old entries; the others go on, and the run fails in the end.
 */
static enum err
import_lists(struct run *run, struct errmsg *msg)
{
    enum err worst = ERR_OK;
    for (unsigned i = 0; i < run->conf->list_count; i++) {
        bool changed;
        struct list_stats stats = {0};
        struct errmsg why;
        enum err err =
            lists_import(run->conf, &run->conf->lists[i], run->now_s, &changed, &stats, &why);
        if (err < 0) {
            /* The last failure is told by whoever called; those before it here. */
            if (worst < 0)
                log_line(LOG_LEVEL_ERROR, "%s", msg->text);
            worst = errmsg_set(msg, err, "%.900s (its old entries stay)", why.text);
        }
        if (stats.warnings > 0)
            log_line(LOG_LEVEL_WARNING, "list %s: %llu lines skipped; the first: %s",
                run->conf->lists[i].name, (unsigned long long)stats.warnings, stats.first_warning);
        run->lists.lines += stats.lines;
        run->lists.entries += stats.entries;
        run->lists.warnings += stats.warnings;
    }
    return worst;
}

enum exit_code
stage_import(struct run *run, struct errmsg *msg)
{
    struct errmsg store_msg;
    enum err store = ERR_OK, lists = import_lists(run, msg);
    if (run->conf->mailstore_count > 0) {
        store = need_history(run, &store_msg);
        if (store == ERR_OK)
            store = observe_store(run->history, run->conf, run->now_s, &run->imported, &store_msg);
    }
    if (lists < 0)
        return exit_of(lists);
    if (store < 0)
        (void)errmsg_set(msg, store, "%s", store_msg.text);
    return exit_of(store);
}

static void
on_questions(void *ctx, uint64_t done, uint64_t known)
{
    (void)ctx;
    fprintf(stderr, "\r\033[Kresolve: %llu of %llu ", (unsigned long long)done,
        (unsigned long long)known);
}

static void
close_judging(struct run *run)
{
    rdns_close(&run->rdns);
    publicname_close(&run->names);
    spf_close(&run->spf);
    spfpolicies_free(&run->policies);
    known_domains_free(&run->known);
    dnscache_free(&run->cache);
    kv_abort(&run->reading);
}

static enum err
need_policies(struct run *run, struct errmsg *msg)
{
    const struct spf_conf *spf = &run->conf->spf;
    struct spf_dns dns = {.lookup = judgedns_ask_fresh, .ctx = &run->env};
    struct spf_limits limits = {.lookups = spf->lookup_limit, .voids = spf->void_limit};
    if (spf_open(&run->spf) < 0)
        return errmsg_set(msg, ERR_NOMEM, "libspf2 could not be started: out of memory");
    if (spfpolicies_new(&dns, &limits, &run->policies) < 0)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    return known_domains_read(run->conf, &run->known, msg);
}

static enum err
open_judging(struct run *run, struct errmsg *msg)
{
    enum err err = need_history(run, msg);
    if (err == ERR_OK)
        err = kv_begin(history_kv(run->history), false, &run->reading, msg);
    if (err == ERR_OK && dnscache_new(run->reading, run->now_s, &run->cache) < 0)
        err = errmsg_set(msg, ERR_NOMEM, "out of memory");
    if (err == ERR_OK)
        err = need_policies(run, msg);
    if (err == ERR_OK)
        err = weights_of(&run->conf->policy, &run->weights, msg);
    if (err == ERR_OK)
        err = publicname_open(&run->names, msg);
    if (err == ERR_OK)
        err = rdns_open(run->names, &run->rdns, msg);
    return err;
}

enum err
stages_need_judging(struct run *run, struct errmsg *msg)
{
    if (run->rdns != NULL) /* the last thing that is opened */
        return ERR_OK;
    close_judging(run); /* what an earlier stage got of it before it failed */
    return open_judging(run, msg);
}

const struct judging_env *
stages_env(struct run *run, bool offline)
{
    run->env = (struct judging_env){.conf = run->conf,
        .txn = run->reading,
        .cache = run->cache,
        .spf = run->spf,
        .policies = run->policies,
        .rdns = run->rdns,
        .names = run->names,
        .weights = &run->weights,
        .known = run->known.names,
        .known_count = run->known.count,
        .now_s = run->now_s,
        .offline = offline};
    return &run->env;
}

static enum err
note_policy(void *ctx, const struct dname *domain, const struct spfpolicy *policy)
{
    struct run *run = ctx;
    return policytimes_note(&run->policy_times, run->reading, run->now_s, domain, policy);
}

/* Walks and asks until nothing is wanted: a round answers what the one before made askable. */
static enum err
resolve_rounds(struct run *run, struct resolver *resolver, struct errmsg *msg)
{
    const struct judging_env *env = stages_env(run, false);
    struct judging_visitor visitor = {.policy = note_policy, .ctx = run};
    enum err err = ERR_OK;
    for (unsigned round = 0; round < ROUNDS_MAX && err == ERR_OK; round++) {
        run->policy_times.count = 0;
        if (round > 0)
            err = judging_walk(env, NULL, &visitor);
        if (err < 0)
            return errmsg_set(msg, err, "walking the history failed: %s", err_text(err));
        if (dnscache_wanted(run->cache) == 0)
            break;
        err = resolve_wanted(resolver, run->cache, run->progress ? on_questions : NULL, NULL, msg);
    }
    end_progress(run);
    return err;
}

static enum err
save_cache(struct run *run, struct errmsg *msg)
{
    struct kv_txn *txn;
    if (!dnscache_dirty(run->cache) && run->policy_times.count == 0)
        return ERR_OK;
    enum err err = kv_begin(history_kv(run->history), true, &txn, msg);
    if (err < 0)
        return err;
    err = dnscache_save(run->cache, txn);
    if (err == ERR_OK)
        err = policytimes_save(&run->policy_times, txn, run->now_s);
    if (err < 0) {
        kv_abort(&txn);
        return errmsg_set(msg, err, "%s: %s", run->conf->history_path, err_text(err));
    }
    return kv_commit(&txn, msg);
}

static enum exit_code
canary_failed(struct run *run, const struct errmsg *why, struct errmsg *msg)
{
    run->dns_failed = true;
    (void)errmsg_set(msg, ERR_REFUSED,
        "%.800s; nothing was concluded from DNS, earlier verdicts stay as they are", why->text);
    return EXIT_RESOLVER;
}

enum exit_code
stage_resolve(struct run *run, struct errmsg *msg)
{
    enum err err = stages_need_judging(run, msg);
    if (err < 0)
        return exit_of(err);
    /* With nothing to ask, a machine without DNS can still serve its lists. */
    err = judging_walk(stages_env(run, false), NULL, &(struct judging_visitor){0});
    if (err < 0) {
        (void)errmsg_set(msg, err, "walking the history failed: %s", err_text(err));
        return exit_of(err);
    }
    if (dnscache_wanted(run->cache) == 0)
        return EXIT_DONE;
    struct resolver *resolver;
    struct errmsg why;
    if (resolver_open(run->conf, &resolver, &why) < 0)
        return canary_failed(run, &why, msg);
    enum exit_code code = EXIT_DONE;
    if (resolve_canary(resolver, &why) < 0)
        code = canary_failed(run, &why, msg);
    if (code == EXIT_DONE)
        code = exit_of(resolve_rounds(run, resolver, msg));
    if (code == EXIT_DONE && resolve_canary(resolver, &why) < 0)
        code = canary_failed(run, &why, msg);
    if (code == EXIT_DONE)
        code = exit_of(save_cache(run, msg));
    resolver_stats(resolver, &run->resolved);
    resolver_close(&resolver);
    return code;
}

void
run_close(struct run *run)
{
    close_judging(run);
    policytimes_free(&run->policy_times);
    history_close(&run->history);
}
