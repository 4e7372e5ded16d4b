/* Explaining: the judgement of an address, and the observations behind it. See explain.h. */
#include <string.h>

#include "loader/helohabit.h"
#include "loader/heloident.h"
#include "loader/judgedns.h"
#include "loader/network.h"
#include "loader/output.h"
#include "loader/verdicts.h"
#include "tools/explain.h"

const char *
explain_fact(enum fact fact)
{
    static const char *const texts[] = {
        [FACT_UNKNOWN] = "not known", [FACT_NO] = "no", [FACT_YES] = "yes"};
    return texts[fact];
}

static void
print_between(FILE *out, int64_t first_s, int64_t last_s)
{
    fputs(", ", out);
    text_time(out, first_s);
    fputs(" to ", out);
    text_time(out, last_s);
    fputc('\n', out);
}

/* 10 points are a factor of e in the odds. */
static void
print_parts(FILE *out, const struct judgement *judgement)
{
    fputs("  points: 50", out);
    for (enum feature i = 0; i < FEATURE_COUNT; i++)
        if (judgement->parts[i] != 0)
            fprintf(out, ", %s %+.0f", feature_info(i)->name, -10 * judgement->parts[i]);
    fputc('\n', out);
}

static void
print_verdict(const struct explain *explain, const char *subject, const struct client_facts *facts,
    const struct judgement *judgement)
{
    FILE *out = explain->out;
    const struct policy *policy = &explain->conf->policy;
    char why[EXPLAIN_WHY_SIZE];
    fputs("verdict: ", out);
    if (explain_never_ip(explain, why))
        fprintf(out, "never listed: %s\n", why);
    else
        explain_shown(explain, DATASET_JUDGED_IP, judgement->reasons);
    text_reasons(out, 2, judgement->reasons, subject);
    explain_words(explain, 2, &explain->ip, NULL);
    fprintf(out,
        "  score %d, 0 worst to 100 best (%u or less lists), by %u independent kinds of "
        "evidence (2 are needed)\n",
        judgement->score, policy->score_threshold, judgement->kinds);
    print_parts(out, judgement);
    if (facts->client->accepted < policy->list_sessions || facts->client->days < policy->list_days)
        fprintf(out, "  scores list nobody before %u accepted sessions on %u days\n",
            policy->list_sessions, policy->list_days);
    if (!facts->mature)
        fprintf(out,
            "  learning: scores list nobody before %u sessions and %u days are in the history\n",
            policy->learn_sessions, policy->learn_days);
    if (judgement->detail[0] != '\0') {
        fputs("  because: ", out);
        output_quoted(out, slice_of(judgement->detail, strlen(judgement->detail)));
        fputc('\n', out);
    }
}

static void
print_rdns(const struct explain *explain, enum rdns_state state, const struct dname *name,
    const struct rdns_verdict *look)
{
    static const char *const states[] = {[RDNS_UNKNOWN] = "not known",
        [RDNS_STATE_NONE] = "none",
        [RDNS_STATE_UNCONFIRMED] = "not confirmed (does not resolve back)",
        [RDNS_STATE_CONFIRMED] = "confirmed"};
    fprintf(explain->out, "rDNS: %s", states[state]);
    if (name != NULL) {
        fputc(' ', explain->out);
        text_name(explain->out, name);
    }
    if (name != NULL && look->why != NULL)
        fprintf(explain->out, ", %s (%s)", rdns_class_text(look->class), look->why);
    fputc('\n', explain->out);
}

/* Nothing of a client that always says the same. */
static void
print_habit(const struct explain *explain, const struct client_facts *facts)
{
    struct helo_habit habit;
    helohabit_of(
        facts->helos, facts->helo_count, explain->env.now_s, JUDGE_HABIT_DAYS * 86400, &habit);
    if (habit.names < 2)
        return;
    fprintf(explain->out,
        "HELO names in %d days: %u, %u of them new, %u new ones that do not resolve to the client, "
        "of %u organisations, up to %u in turn; the last: ",
        JUDGE_HABIT_DAYS, habit.names, habit.fresh, habit.strange, habit.organisations,
        habit.alternating);
    output_quoted(explain->out, slice_of(habit.last->text, habit.last->len));
    fputc('\n', explain->out);
}

/* How often a name was said, and others that gave way to it. */
static void
print_use(FILE *out, const struct hist_use *use)
{
    fprintf(out, ", %u times", use->count);
    if (use->folded > 0)
        fprintf(out, ", and %u times other names like it", use->folded);
}

static void
print_helo(const struct explain *explain, const struct helo_fact *helo)
{
    FILE *out = explain->out;
    fputs("HELO: ", out);
    output_quoted(out, slice_of(helo->text->text, helo->text->len));
    fprintf(
        out, " %s%s", helo_kind_text(helo->form.kind), helo->form.local ? " (for inside use)" : "");
    if (helo->form.kind == HELO_KIND_INVALID || helo->form.fault == HELO_FAULT_UNDERSCORE)
        fprintf(out, " (%s)", helo_fault_text(helo->form.fault));
    fprintf(out, ", resolves to the client: %s%s", explain_fact(helo->resolves_here),
        helo_identity_forged(helo->identity) ? ", FORGED" : "");
    print_use(out, helo->use);
    print_between(out, helo->use->first_s, helo->use->last_s);
}

void
explain_spf_counts(const struct explain *explain, const struct hist_spf *counts)
{
    const char *before = " (sessions, faded: ";
    int32_t today = hist_day(explain->env.now_s);
    for (unsigned i = OBS_SPF_UNSEEN + 1; i < OBS_SPF_COUNT; i++) {
        uint32_t weight =
            hist_weight_on(&counts->of[i], today, explain->conf->policy.half_life_days);
        if (weight == 0)
            continue;
        fprintf(explain->out, "%s%s %.1f", before, obs_spf_text((enum obs_spf)i),
            (double)weight / HIST_UNIT);
        before = ", ";
    }
    if (*before == ',')
        fputc(')', explain->out);
}

static void
print_pair(const struct explain *explain, const struct pair_fact *pair)
{
    FILE *out = explain->out;
    fputs("sender: ", out);
    text_name(out, pair->domain);
    fprintf(out, " %s%s", pair->has_spf ? reason_info(pair->spf)->name : "spf not known",
        pair->use->helo_only     ? " (as HELO of a null sender)"
        : pair->use->null_sender ? " (also as HELO of a null sender)"
                                 : "");
    print_use(out, pair->use);
    if (pair->use->has_spf)
        fprintf(out, ", logged then %s", reason_info(pair->use->spf)->name);
    explain_spf_counts(explain, &pair->use->spf_counts);
    print_between(out, pair->use->first_s, pair->use->last_s);
}

static enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct explain *explain = ctx;
    const struct hist_client *client = facts->client;
    explain->seen = true;
    if (!explain->in_network)
        print_verdict(explain, explain->ip_text, facts, judgement);
    fprintf(explain->out,
        "client: %u sessions on %u days, %u accepted, %u of them with a logged HELO; filed as "
        "ham %u, as spam %u",
        client->sessions, client->days, client->accepted, client->with_helo, client->ham,
        client->spam);
    print_between(explain->out, client->first_s, client->last_s);
    print_rdns(explain, facts->rdns, facts->rdns_name, &facts->rdns_look);
    for (unsigned i = 0; i < facts->helo_count; i++)
        print_helo(explain, &facts->helos[i]);
    print_habit(explain, facts);
    for (unsigned i = 0; i < facts->pair_count; i++)
        print_pair(explain, &facts->pairs[i]);
    return ERR_OK;
}

enum err
explain_member(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct explain *explain = ctx;
    (void)judgement;
    explain->apart = explain->apart || verdicts_never_ip(explain->conf, explain->allow,
                                           explain->allow_count, &facts->client->ip);
    return ERR_OK;
}

/* Told before what the address alone did. */
static enum err
on_network(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    struct explain *explain = ctx;
    char text[PREFIX_TEXT_SIZE];
    const struct prefix network = network_of(&facts->client->ip);
    if (explain->apart)
        return ERR_OK;
    prefix_format(&network, text);
    explain->in_network = true;
    fprintf(explain->out, "network: %s is judged as one, %u of its addresses were seen\n", text,
        facts->addresses);
    print_verdict(explain, text, facts, judgement);
    return ERR_OK;
}

static enum err
on_domain(void *ctx, const struct domain_facts *facts, const struct judgement *judgement)
{
    const struct explain *explain = ctx;
    char names[512];
    if (reasons_empty(judgement->reasons))
        return ERR_OK;
    reasons_format(judgement->reasons, names, sizeof names);
    fputs("sender domain ", explain->out);
    text_name(explain->out, facts->domain);
    fprintf(explain->out, ": %s\n", names);
    return ERR_OK;
}

static void
print_nothing(const struct explain *explain)
{
    char why[EXPLAIN_WHY_SIZE];
    fputs("verdict: ", explain->out);
    if (explain_never_ip(explain, why))
        fprintf(explain->out, "never listed: %s\n", why);
    else
        fputs("there is nothing to judge by\n", explain->out);
    explain_words(explain, 2, &explain->ip, NULL);
}

/* DNS may be known of an address that never came. */
static void
print_unseen(struct explain *explain)
{
    struct dname name;
    if (!explain->in_network)
        print_nothing(explain);
    fputs(explain->txn == NULL ? "client: there is no history\n"
                               : "client: the history does not have this address\n",
        explain->out);
    struct rdns_verdict look = {0};
    enum rdns_state state = judgedns_rdns(&explain->env, &explain->ip, &name);
    bool named = state == RDNS_STATE_UNCONFIRMED || state == RDNS_STATE_CONFIRMED;
    if (named && rdns_classify(explain->rdns, &name, &explain->ip, &look, NULL) < 0)
        look.why = NULL;
    print_rdns(explain, state, named ? &name : NULL, &look);
}

enum err
explain_walked(const struct explain *explain, enum err err, struct errmsg *msg)
{
    return err < 0 ? errmsg_set(msg, err, "%s: %s; run repdns check", explain->conf->history_path,
                         err_text(err))
                   : ERR_OK;
}

enum err
explain_client(struct explain *explain, struct errmsg *msg)
{
    const struct judging_visitor visitor = {
        .client = on_client, .domain = on_domain, .ctx = explain};
    const struct judging_visitor networks = {
        .client = explain_member, .network = on_network, .ctx = explain};
    const struct prefix alone = prefix_of(&explain->ip, ip_bits(ip_family(&explain->ip)));
    const struct prefix network = network_of(&explain->ip);
    enum err err = ERR_OK;
    if (explain->txn != NULL && !ip_is4(&explain->ip))
        err = judging_walk(&explain->env, &network, &networks);
    if (err == ERR_OK && explain->txn != NULL)
        err = judging_walk(&explain->env, &alone, &visitor);
    if (err == ERR_OK && !explain->seen)
        print_unseen(explain);
    return explain_walked(explain, err, msg);
}
