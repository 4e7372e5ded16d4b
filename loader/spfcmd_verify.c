/*
 * "spf --verify": each pair by the domain's flat policy and by an evaluation of its own, which
 * share the parser and nothing else. Pairs come from a batch, or from the history, whose stored DNS
 * answers are then all that is asked.
 */
#include <stdio.h>
#include <string.h>

#include "loader/history.h"
#include "loader/jsonline.h"
#include "loader/publicname.h"
#include "loader/spfcmd_internal.h"

struct verify {
    struct spfpolicies *policies;
    size_t compared, dynamic, unknown, differences;
};

static enum err
on_pair(void *ctx, const struct ip *ip, const struct dname *domain, const struct hist_use *use)
{
    (void)use;
    return publicname_special(domain) ? ERR_OK : spfcmd_add_pair(ctx, ip, domain);
}

static enum err
make_both(void *ctx, struct spfcommand *command)
{
    struct verify *verify = ctx;
    enum err err = ERR_OK;
    spfpolicies_again(verify->policies);
    for (size_t i = 0; i < command->count && err == ERR_OK; i++) {
        struct spfsender *sender = &command->senders[i];
        struct spfpolicy policy;
        if (!sender->valid)
            continue;
        err = spfpolicies_get(verify->policies, &sender->domain, &policy);
        if (sender->result.status == SPF_PENDING)
            spfcmd_evaluate(command, sender);
    }
    return err;
}

static enum spfresult
result_of(const struct spf_result *result)
{
    return result->temperror ? SPFRESULT_UNKNOWN
                             : (enum spfresult)(result->reason - REASON_SPF_NONE);
}

static enum err
print_difference(const struct spfcommand *command, const struct spfsender *sender, const char *flat,
    const char *evaluated)
{
    char ip[IP_TEXT_SIZE], domain[DNAME_TEXT_SIZE];
    if (command->json) {
        const struct jsonline_member members[] = {{"address", jsonline_ip(&sender->ip)},
            {"domain", jsonline_name(&sender->domain)}, {"flat", json_string(flat)},
            {"evaluated", json_string(evaluated)}, {"text", jsonline_string(sender->result.why)}};
        return jsonline_print_members(stdout, members, sizeof members / sizeof *members);
    }
    ip_format(&sender->ip, ip);
    (void)dname_format(&sender->domain, domain);
    printf("%s\t%s\tflat %s\tevaluated %s\t%s\n", ip, domain, flat, evaluated, sender->result.why);
    return ERR_OK;
}

static enum err
print_counts(const struct spfcommand *command, const struct verify *verify)
{
    if (command->json) {
        const struct jsonline_member members[] = {{"compared", jsonline_count(verify->compared)},
            {"dynamic", jsonline_count(verify->dynamic)},
            {"unknown", jsonline_count(verify->unknown)},
            {"differ", jsonline_count(verify->differences)}};
        return jsonline_print_members(stdout, members, sizeof members / sizeof *members);
    }
    printf("%zu pairs compared, %zu dynamic, %zu unknown, %zu differ\n", verify->compared,
        verify->dynamic, verify->unknown, verify->differences);
    return ERR_OK;
}

static enum err
compare(const struct spfcommand *command, struct verify *verify, const struct spfsender *sender)
{
    struct spfpolicy policy;
    struct spftable_hit hit;
    enum err err = spfpolicies_get(verify->policies, &sender->domain, &policy);
    if (err == ERR_OK && !policy.ready)
        verify->unknown++;
    if (err < 0 || !policy.ready)
        return err;
    err = spfpolicy_find(&policy, &sender->ip, &hit);
    if (err < 0)
        return err;
    enum spfresult own = result_of(&sender->result);
    if (hit.result == SPFRESULT_DYNAMIC) {
        verify->dynamic++;
        return ERR_OK;
    }
    verify->compared++;
    verify->unknown += own == SPFRESULT_UNKNOWN;
    if (own == hit.result)
        return ERR_OK;
    verify->differences++;
    return print_difference(command, sender, spfresult_name(hit.result), spfresult_name(own));
}

static enum err
verify_all(struct spfcommand *command, struct verify *verify, struct errmsg *msg)
{
    const struct spf_dns dns = {.lookup = spfcmd_ask, .ctx = command};
    enum err err = spfpolicies_new(&dns, &command->limits, &verify->policies);
    if (err < 0)
        return errmsg_set(msg, err, "out of memory");
    err = spfcmd_rounds(command, make_both, verify, msg);
    for (size_t i = 0; i < command->count && err == ERR_OK; i++)
        if (command->senders[i].valid && (err = compare(command, verify, &command->senders[i])) < 0)
            (void)errmsg_set(msg, err, "a table that can't be read: %s", err_text(err));
    if (err == ERR_OK && (err = print_counts(command, verify)) < 0)
        (void)errmsg_set(msg, err, "out of memory");
    spfpolicies_free(&verify->policies);
    return err;
}

static enum err
verify_history(struct spfcommand *command, struct verify *verify, struct errmsg *msg)
{
    struct history *history;
    struct kv_txn *txn = NULL;
    const struct history_visitor visitor = {.pair = on_pair, .ctx = command};
    enum err err = history_open(command->conf->history_path, true, &history, msg);
    if (err < 0)
        return err;
    err = kv_begin(history_kv(history), false, &txn, msg);
    /* At time 0 no stored answer has expired: what is compared is the ways, not the day. */
    if (err == ERR_OK &&
        (history_walk(txn, NULL, &visitor) < 0 || dnscache_new(txn, 0, &command->cache) < 0))
        err = errmsg_set(msg, ERR_FORMAT, "%s: can't be read", command->conf->history_path);
    if (err == ERR_OK)
        err = verify_all(command, verify, msg);
    dnscache_free(&command->cache);
    kv_abort(&txn);
    history_close(&history);
    return err;
}

enum err
spfcmd_verify(struct spfcommand *command, size_t *differences, struct errmsg *msg)
{
    struct verify verify = {0};
    bool history = command->batch == NULL && command->ip == NULL;
    enum err err =
        history ? verify_history(command, &verify, msg) : verify_all(command, &verify, msg);
    *differences = verify.differences;
    return err;
}
