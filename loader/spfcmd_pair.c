/*
 * "spf --via pair": answers from published tables. With a configuration those are the store's;
 * without one, the senders' domains are resolved, flattened, published into a store of their own
 * and looked up there, so that the answers go the whole way that the pair zone's go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/clock.h"
#include "loader/namemap.h"
#include "loader/previous.h"
#include "loader/spfcmd_internal.h"
#include "loader/spfpublish.h"
#include "zones/kv.h"

enum { KEEP_S = 7 * 86400 };

struct pair_run {
    struct spfpolicies *policies;
    struct namemap domains;
    char dir[64], path[96]; /* of the store of its own; dir is "" without one */
    double started_s, resolved_s;
};

/* What the pair zone would know of a sender: neither its local part nor its HELO. */
static enum err
evaluate_dynamic(struct spfcommand *command, struct spfsender *sender,
    const struct spfpolicy *policy, bool *dynamic)
{
    struct spftable_hit hit;
    enum err err = spfpolicy_find(policy, &sender->ip, &hit);
    *dynamic = err == ERR_OK && hit.result == SPFRESULT_DYNAMIC;
    if (*dynamic) {
        struct spfsender pair = {.ip = sender->ip, .domain = sender->domain, .valid = true};
        spfcmd_evaluate(command, &pair);
        sender->result = pair.result;
    }
    return err;
}

static enum err
make_policies(void *ctx, struct spfcommand *command)
{
    struct pair_run *run = ctx;
    enum err err = ERR_OK;
    spfpolicies_again(run->policies);
    for (size_t i = 0; i < command->count && err == ERR_OK; i++) {
        struct spfsender *sender = &command->senders[i];
        struct spfpolicy policy;
        bool dynamic;
        if (!sender->valid || sender->result.status == SPF_DONE)
            continue;
        err = spfpolicies_get(run->policies, &sender->domain, &policy);
        if (err < 0 || !policy.ready)
            continue;
        err = evaluate_dynamic(command, sender, &policy, &dynamic);
        if (!dynamic)
            sender->result = (struct spf_result){.status = SPF_DONE, .temperror = true};
    }
    return err;
}

static enum err
collect(struct spfcommand *command, struct pair_run *run, struct spfpublish *out)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < command->count && err == ERR_OK; i++) {
        const struct spfsender *sender = &command->senders[i];
        const struct spf_result *result = &sender->result;
        struct spfpolicy policy;
        size_t known = run->domains.count, number;
        if (!sender->valid)
            continue;
        err = namemap_number(&run->domains, &sender->domain, &number);
        if (err == ERR_OK)
            err = spfpolicies_get(run->policies, &sender->domain, &policy);
        if (err == ERR_OK && number == known)
            err = spfpublish_policy(out, &sender->domain, &policy);
        if (err == ERR_OK && !result->temperror && !result->uses_local && !result->uses_helo)
            err = spfpublish_pair(out, &sender->domain, &sender->ip, result->reason);
    }
    return err;
}

/* Publishes into a new store below the folder for temporary files. */
static enum err
make_store(struct spfcommand *command, struct pair_run *run, struct errmsg *msg)
{
    struct spfpublish *policies = NULL;
    struct publish_set set = {.info = {.name = DATASET_JUDGED_PAIR, .kind = DATASET_PAIR}};
    struct publish_result result;
    const struct conf conf = {.answers_path = run->path};
    (void)snprintf(run->dir, sizeof run->dir, "/tmp/repdns-spf.XXXXXX");
    if (mkdtemp(run->dir) == NULL) {
        run->dir[0] = '\0';
        return errmsg_set(msg, ERR_IO, "/tmp: %s", strerror(errno));
    }
    (void)snprintf(run->path, sizeof run->path, "%s/answers.mdb", run->dir);
    enum err err = spfpublish_new(NULL, DATASET_JUDGED_PAIR, KEEP_S, command->now_s, &policies);
    if (err == ERR_OK)
        err = collect(command, run, policies);
    if (err == ERR_OK)
        err = spfpublish_finish(policies, &set);
    if (err < 0)
        (void)errmsg_set(msg, err, "publishing policies: %s", err_text(err));
    else
        err = publish(&conf, &set, 1, command->now_s, true, &result, msg);
    spfpublish_free(&policies);
    return err;
}

static void
remove_store(const struct pair_run *run)
{
    char lock[128];
    if (run->dir[0] == '\0')
        return;
    (void)snprintf(lock, sizeof lock, "%s-lock", run->path);
    (void)unlink(run->path);
    (void)unlink(lock);
    (void)rmdir(run->dir);
}

static enum err
print_hit(const struct spfcommand *command, const struct spfsender *sender,
    const struct pairset_hit *hit, bool own_store)
{
    char text[1024] = "";
    const char *result = "unknown", *why = text;
    if (hit->text.n > 0)
        (void)spftable_text(hit->text, &sender->ip, text, sizeof text);
    if (hit->match == PAIRSET_FOUND)
        result = spfresult_name(hit->result);
    else if (hit->match != PAIRSET_DOMAIN)
        why = "the domain is not in the store";
    else if (hit->result == SPFRESULT_DYNAMIC) {
        result = "dynamic";
        why = "it depends on more than the address and the domain, and this pair has no published "
              "result";
    } else if (own_store)
        result = "temperror";
    else
        why = "DNS failed for the domain, or its table is too old";
    return spfcmd_print(command, sender, result, why);
}

static enum err
answer_all(const struct spfcommand *command, const char *path, bool own_store, struct errmsg *msg)
{
    struct kvread *reader = NULL;
    struct dataset dataset;
    enum err err = kvread_open(path, &reader, msg);
    if (err < 0)
        return err;
    err = previous_dataset(reader, DATASET_JUDGED_PAIR, &dataset);
    for (size_t i = 0; i < command->count && err == ERR_OK; i++) {
        const struct spfsender *sender = &command->senders[i];
        struct pairset_hit hit;
        if (!sender->valid) {
            err = spfcmd_print(command, sender, "none", "no domain name to ask about");
            continue;
        }
        err =
            pairset_lookup(reader, dataset.id, &sender->ip, &sender->domain, command->now_s, &hit);
        if (err == ERR_OK)
            err = print_hit(command, sender, &hit, own_store);
    }
    kvread_close(&reader);
    return err < 0 ? errmsg_set(msg, err, "%s: dataset %s: %s", path, DATASET_JUDGED_PAIR,
                         err == ERR_NOTFOUND ? "not published yet" : err_text(err))
                   : ERR_OK;
}

/* How long it takes to make all policies again from answers that are there, in CPU seconds. */
static enum err
time_flattening(struct spfcommand *command, const struct pair_run *run, double *seconds)
{
    const struct spf_dns dns = {.lookup = spfcmd_ask, .ctx = command};
    struct spfpolicies *again;
    struct spfpolicy policy;
    enum err err = spfpolicies_new(&dns, &command->limits, &again);
    double start = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < run->domains.count && err == ERR_OK; i++)
        err = spfpolicies_get(again, &run->domains.names[i], &policy);
    *seconds = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
    spfpolicies_free(&again);
    return err;
}

static enum err
print_stats(struct spfcommand *command, const struct pair_run *run, struct errmsg *msg)
{
    double cpu_s = clock_seconds(CLOCK_PROCESS_CPUTIME_ID), flatten_s = 0;
    double wall_s = clock_seconds(CLOCK_MONOTONIC) - run->started_s;
    struct kv *kv;
    struct kv_txn *txn = NULL;
    struct kv_stat stat = {0};
    struct resolve_stats asked;
    enum err err = kv_open(run->path, &(struct kv_options){.read_only = true}, &kv, msg);
    if (err == ERR_OK)
        err = kv_begin(kv, false, &txn, msg);
    if (err == ERR_OK)
        kv_stat(txn, &stat);
    kv_abort(&txn);
    kv_close(&kv);
    if (err == ERR_OK)
        err = time_flattening(command, run, &flatten_s);
    resolver_stats(command->resolver, &asked);
    fprintf(stderr,
        "spf: domains=%zu tables=%zu rounds=%u asked=%llu resolve_s=%.3f flatten_cpu_s=%.3f "
        "flattened_per_s=%.0f store_bytes=%llu wall_s=%.3f cpu_s=%.3f\n",
        run->domains.count, spfpolicies_tables(run->policies), command->rounds,
        (unsigned long long)asked.asked, run->resolved_s, flatten_s,
        flatten_s > 0 ? (double)run->domains.count / flatten_s : 0,
        (unsigned long long)stat.used_bytes, wall_s, cpu_s);
    return err;
}

static enum err
make_and_answer(struct spfcommand *command, struct pair_run *run, struct errmsg *msg)
{
    enum err err = spfcmd_rounds(command, make_policies, run, msg);
    run->resolved_s = clock_seconds(CLOCK_MONOTONIC) - run->started_s;
    if (err == ERR_OK)
        err = make_store(command, run, msg);
    if (err == ERR_OK)
        err = answer_all(command, run->path, true, msg);
    if (err == ERR_OK && command->stats)
        err = print_stats(command, run, msg);
    return err;
}

enum err
spfcmd_pair(struct spfcommand *command, struct errmsg *msg)
{
    struct pair_run run = {.started_s = clock_seconds(CLOCK_MONOTONIC)};
    const struct spf_dns dns = {.lookup = spfcmd_ask, .ctx = command};
    if (command->loaded != NULL)
        return answer_all(command, command->conf->answers_path, false, msg);
    enum err err = spfpolicies_new(&dns, &command->limits, &run.policies);
    if (err < 0)
        return errmsg_set(msg, err, "out of memory");
    err = make_and_answer(command, &run, msg);
    remove_store(&run);
    namemap_free(&run.domains);
    spfpolicies_free(&run.policies);
    return err;
}
