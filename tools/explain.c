/*
 * repdns explain: why an address, a domain, a HELO is listed or not. See explain.h.
 *
 * By what the stores know: nothing is resolved, so that it shows what the loader saw.
 */
#include "tools/explain.h"

#include <stdlib.h>
#include <string.h>

#include "loader/judgedns.h"
#include "loader/output.h"
#include "loader/verdicts.h"

static enum err
open_history(struct explain *explain, bool quiet, struct errmsg *msg)
{
    const char *path = explain->conf->history_path;
    enum err err = history_open(path, true, &explain->history, msg);
    if (err == ERR_NOTFOUND) {
        if (!quiet)
            fprintf(explain->out, "%s: not there yet, so nothing was observed; run repdns-load\n",
                path);
        return ERR_OK;
    }
    return err < 0 ? err : kv_begin(history_kv(explain->history), false, &explain->txn, msg);
}

static enum err
open_answers(struct explain *explain, struct errmsg *msg)
{
    struct store_key key;
    struct slice value;
    enum err err = kvread_open(explain->conf->answers_path, &explain->answers, msg);
    if (err < 0) {
        explain->answers = NULL;
        return err == ERR_NOTFOUND ? ERR_OK : err;
    }
    store_key_beat(&key);
    if (kvread_get(explain->answers, store_key_slice(&key), &value) == ERR_OK &&
        store_beat_decode(value, &explain->beat_s) < 0)
        explain->beat_s = 0;
    return ERR_OK;
}

/* The lists that keep their entries off every judged set. */
static enum err
open_allow_lists(struct explain *explain, struct errmsg *msg)
{
    const struct conf *conf = explain->conf;
    explain->lists = calloc(conf->list_count + 1U, sizeof(struct list_set *));
    explain->allow = calloc(conf->list_count + 1U, sizeof(const struct list_set *));
    if (explain->lists == NULL || explain->allow == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < conf->list_count; i++) {
        if (conf->lists[i].role != LIST_ALLOW)
            continue;
        enum err err = lists_flatten(conf, &conf->lists[i], &explain->lists[i], msg);
        if (err == ERR_NOTFOUND)
            continue;
        if (err < 0)
            return err;
        explain->allow[explain->allow_count++] = explain->lists[i];
    }
    return ERR_OK;
}

enum err
explain_open(struct explain *explain, int64_t now_s, bool quiet, struct errmsg *msg)
{
    enum err err = open_history(explain, quiet, msg);
    if (err == ERR_OK)
        err = open_answers(explain, msg);
    if (err == ERR_OK)
        err = open_allow_lists(explain, msg);
    if (err == ERR_OK)
        err = words_read(explain->conf, now_s, &explain->words, msg);
    if (err == ERR_OK && dnscache_new(explain->txn, now_s, &explain->cache) < 0)
        err = errmsg_set(msg, ERR_NOMEM, "out of memory");
    if (err == ERR_OK && spf_open(&explain->spf) < 0)
        err = errmsg_set(msg, ERR_NOMEM, "libspf2 could not be started: out of memory");
    if (err == ERR_OK)
        err = explain_open_policies(explain, msg);
    if (err == ERR_OK)
        err = publicname_open(&explain->names, msg);
    if (err == ERR_OK)
        err = weights_of(&explain->conf->policy, &explain->weights, msg);
    if (err == ERR_OK)
        err = rdns_open(explain->names, &explain->rdns, msg);
    explain->env = (struct judging_env){.conf = explain->conf,
        .weights = &explain->weights,
        .txn = explain->txn,
        .cache = explain->cache,
        .spf = explain->spf,
        .policies = explain->policies,
        .rdns = explain->rdns,
        .names = explain->names,
        .now_s = now_s,
        .offline = true};
    return err;
}

void
explain_close(struct explain *explain)
{
    for (unsigned i = 0; explain->lists != NULL && i < explain->conf->list_count; i++)
        lists_free(&explain->lists[i]);
    free(explain->lists);
    free(explain->allow);
    words_free(&explain->words);
    rdns_close(&explain->rdns);
    publicname_close(&explain->names);
    spf_close(&explain->spf);
    spfpolicies_free(&explain->policies);
    dnscache_free(&explain->cache);
    kvread_close(&explain->answers);
    kv_abort(&explain->txn);
    history_close(&explain->history);
}

/* What was sent in its name, and what of it was its own. */
static void
print_record(const struct explain *explain, const struct dname *domain)
{
    static const char *const classes[HIST_CLASSES] = {[HIST_ACTIVE] = "active days",
        [HIST_HAM] = "ham",
        [HIST_SPAM] = "spam",
        [HIST_TRAP] = "trap"};
    FILE *out = explain->out;
    struct hist_domain record;
    int32_t today = hist_day(explain->env.now_s);
    if (explain->txn == NULL || history_domain(explain->txn, domain, &record) < 0) {
        fputs("  the history does not have this domain\n", out);
        return;
    }
    fprintf(out, "  seen: %u sessions, lately of about %u clients, ", record.sessions,
        hist_crowd_size(&record.crowd, today));
    text_time(out, record.first_s);
    fputs(" to ", out);
    text_time(out, record.last_s);
    fputs("\n  SPF logged:", out);
    explain_spf_counts(explain, &record.spf_counts);
    fprintf(out, "\n  its own, by SPF: %u sessions", record.own);
    for (unsigned i = 0; i < HIST_CLASSES; i++) {
        uint32_t weight =
            hist_weight_on(&record.weights[i], today, explain->conf->policy.half_life_days);
        if (weight != 0)
            fprintf(out, ", %s %.1f", classes[i], (double)weight / HIST_UNIT);
    }
    fputs("; nobody is listed for it\n", out);
}

static void
explain_domain(const struct explain *explain, const struct dname *domain, const char *helo)
{
    FILE *out = explain->out;
    char text[DNAME_TEXT_SIZE];
    struct domain_facts facts = {.domain = domain};
    struct judgement judgement;
    (void)dname_format(domain, text);
    fprintf(out, "\n%s as the sender's domain\n", text);
    print_record(explain, domain);
    judgedns_domain(&explain->env, domain, &facts);
    fprintf(out, "  exists: %s, can receive mail: %s, a public name: %s\n",
        explain_fact(facts.exists), explain_fact(facts.receives), explain_fact(facts.public_name));
    facts.spf_world = explain_policy(explain, domain, helo);
    judge_domain(&facts, &judgement);
    fputs("  verdict: ", out);
    char why[EXPLAIN_WHY_SIZE];
    if (explain_allowed(explain, NULL, domain, why))
        fprintf(out, "never listed: %s\n", why);
    else if (verdicts_never_name(explain->conf, explain->allow, explain->allow_count, domain))
        fputs("never listed: an own name, or on a list with the role allow\n", out);
    else
        explain_shown(explain, DATASET_JUDGED_DOM, judgement.reasons);
    text_reasons(out, 4, judgement.reasons, text);
    explain_words(explain, 2, NULL, domain);
    explain_served_name(explain, domain, DATASET_JUDGED_DOM);
    explain_served_pair(explain, domain);
}

static void
explain_helo(const struct explain *explain, const struct helo *helo, const struct helo_form *form)
{
    FILE *out = explain->out;
    fputc('\n', out);
    output_quoted(out, slice_of(helo->text, helo->len));
    fprintf(out, " as HELO: %s%s\n", helo_kind_text(form->kind),
        form->local ? ", a name for inside use" : "");
    if (form->kind == HELO_KIND_LITERAL || form->kind == HELO_KIND_BARE_IP)
        fprintf(out, "  it is the client's address: %s\n",
            ip_cmp(&form->ip, &explain->ip) == 0 ? "yes" : "no");
    if (form->kind != HELO_KIND_NAME && form->kind != HELO_KIND_SINGLE)
        return;
    bool special = publicname_special(&form->name);
    fprintf(out, "  a public name: %s", special || form->kind == HELO_KIND_SINGLE ? "no" : "yes");
    if (form->kind == HELO_KIND_NAME && !special)
        fprintf(out, ", resolves to the client: %s",
            explain_fact(judgedns_has_address(&explain->env, &form->name, &explain->ip)));
    fputc('\n', out);
    for (unsigned i = 0; i < explain->conf->own_name_count; i++)
        if (dname_under(&form->name, &explain->conf->own_names[i]))
            fputs("  a name of ours: who greets with it forges it\n", out);
    explain_words(explain, 2, NULL, &form->name);
    explain_served_name(explain, &form->name, DATASET_JUDGED_HELO);
}

/* What the command line names, beside the address. */
struct wanted {
    bool has_domain, has_helo;
    struct dname domain;
    struct helo helo;
    struct helo_form form;
};

/* "-" is no domain; "<>" is the null sender, whose pair is made with the HELO name (RFC 7208 2.4);
 * of a whole mail address, only the domain is meant. */
static enum err
read_arguments(
    const struct tool *tool, struct explain *explain, struct wanted *out, struct errmsg *msg)
{
    char *const *args = tool->args;
    *out = (struct wanted){0};
    if (ip_parse(args[0], strlen(args[0]), &explain->ip) < 0)
        return errmsg_set(msg, ERR_SYNTAX, "\"%s\" is no address", args[0]);
    ip_format(&explain->ip, explain->ip_text);
    if (tool->arg_count > 2) {
        out->has_helo = true;
        helo_set(&out->helo, args[2], strlen(args[2]));
        helo_classify(&out->helo, &out->form);
    }
    if (tool->arg_count < 2 || strcmp(args[1], "-") == 0)
        return ERR_OK;
    if (strcmp(args[1], "<>") == 0) {
        out->has_domain = out->has_helo && out->form.kind == HELO_KIND_NAME;
        out->domain = out->form.name;
        return ERR_OK;
    }
    const char *at = strrchr(args[1], '@');
    const char *domain = at != NULL ? at + 1 : args[1];
    out->has_domain = true;
    if (dname_parse(domain, strlen(domain), &out->domain) < 0 || out->domain.len <= 1)
        return errmsg_set(msg, ERR_SYNTAX, "\"%s\" is no domain name", domain);
    return ERR_OK;
}

enum exit_code
tool_explain(const struct tool *tool, struct errmsg *msg)
{
    struct explain explain = {.out = tool->out, .conf = tool->conf};
    struct wanted wanted;
    if (read_arguments(tool, &explain, &wanted, msg) < 0)
        return EXIT_USAGE;
    if (!tool->json) {
        fprintf(tool->out, "%s as of ", explain.ip_text);
        text_time(tool->out, tool->now_s);
        fputc('\n', tool->out);
    }
    enum err err = explain_open(&explain, tool->now_s, tool->json, msg);
    if (err == ERR_OK && tool->json) {
        err = explain_print_json(&explain, wanted.has_domain ? &wanted.domain : NULL, msg);
        explain_close(&explain);
        return tool_exit(err);
    }
    if (err == ERR_OK)
        err = explain_client(&explain, msg);
    if (err == ERR_OK) {
        explain_served_ip(&explain);
        char helo[HELO_MAX + 1] = "";
        memcpy(helo, wanted.helo.text, wanted.helo.len);
        if (wanted.has_domain)
            explain_domain(&explain, &wanted.domain, wanted.has_helo ? helo : NULL);
        if (wanted.has_helo)
            explain_helo(&explain, &wanted.helo, &wanted.form);
    }
    explain_close(&explain);
    return tool_exit(err);
}
