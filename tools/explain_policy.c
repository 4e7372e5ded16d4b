/* Explaining: a domain's SPF policy, as stored answers make it and as it is served. See explain.h.
 */
#include <string.h>

#include "loader/judgedns.h"
#include "loader/output.h"
#include "loader/policytimes.h"
#include "loader/previous.h"
#include "tools/explain.h"
#include "zones/pairset.h"

enum err
explain_open_policies(struct explain *explain, struct errmsg *msg)
{
    const struct spf_conf *spf = &explain->conf->spf;
    struct spf_dns dns = {.lookup = judgedns_ask_fresh, .ctx = &explain->env};
    struct spf_limits limits = {.lookups = spf->lookup_limit, .voids = spf->void_limit};
    return spfpolicies_new(&dns, &limits, &explain->policies) < 0
               ? errmsg_set(msg, ERR_NOMEM, "out of memory")
               : ERR_OK;
}

static bool
policy_passes_world(const struct explain *explain, const struct dname *domain)
{
    struct spfpolicy policy;
    return spfpolicies_get(explain->policies, domain, &policy) == ERR_OK && policy.ready &&
           policy.passes_world;
}

/* An evaluation of this sender by itself. */
static void
explain_result(const struct explain *explain, const struct dname *domain, const char *helo)
{
    struct spf_query query = {.ip = explain->ip,
        .domain = *domain,
        .helo = helo,
        .dns = {.lookup = judgedns_ask_fresh, .ctx = (void *)(uintptr_t)&explain->env},
        .limits = {explain->conf->spf.lookup_limit, explain->conf->spf.void_limit},
        .now_s = explain->env.now_s};
    struct spf_result result;
    spf_check(explain->spf, &query, &result);
    FILE *out = explain->out;
    fputs("  SPF: ", out);
    if (result.status != SPF_DONE || result.temperror) {
        fputs("not known: the stored DNS answers do not suffice\n", out);
        return;
    }
    fprintf(out, "%s ", reason_info(result.reason)->name);
    text_a(out, reason_a(result.reason));
    if (result.why[0] != '\0') {
        fputs(", by ", out);
        output_quoted(out, slice_of(result.why, strlen(result.why)));
    }
    fputc('\n', out);
    if (result.uses_local || result.uses_helo)
        fputs("  it depends on the sender's local part or the HELO, so it is not published\n", out);
    if (result.explanation[0] != '\0') {
        fputs("  the domain says: ", out);
        output_quoted(out, slice_of(result.explanation, strlen(result.explanation)));
        fputc('\n', out);
    }
}

static void
explain_times(const struct explain *explain, const struct dname *domain)
{
    struct policy_times times;
    FILE *out = explain->out;
    if (explain->txn == NULL || policytimes_get(explain->txn, domain, &times) < 0)
        return;
    if (times.made_s != 0) {
        fputs("  policy: its DNS answers came ", out);
        text_time(out, times.made_s);
        fputs(" and last until ", out);
        text_time(out, times.expires_s);
        fputc('\n', out);
    }
    if (times.failing_s != 0) {
        fputs("  policy: DNS fails for it since ", out);
        text_time(out, times.failing_s);
        fputs("; the table before is kept\n", out);
    }
}

struct covering {
    const struct ip *ip;
    struct range range;
};

static enum err
find_covering(void *ctx, const struct range *range, const struct spftable_hit *hit)
{
    struct covering *covering = ctx;
    (void)hit;
    if (ip_cmp(&range->first, covering->ip) <= 0 && ip_cmp(covering->ip, &range->last) <= 0)
        covering->range = *range;
    return ERR_OK;
}

/* The interval of the published table that the address lies in. */
static void
explain_table(const struct explain *explain, const struct dname *domain)
{
    struct dataset dataset;
    struct pairset_policy policy;
    struct spftable_hit hit;
    struct covering covering = {.ip = &explain->ip};
    FILE *out = explain->out;
    if (explain->answers == NULL ||
        previous_dataset(explain->answers, DATASET_JUDGED_PAIR, &dataset) < 0 ||
        pairset_policy(explain->answers, dataset.id, domain, &policy) < 0)
        return;
    bool four = ip_is4(&explain->ip);
    struct slice table = policy.tables[four ? PAIRSET_V4 : PAIRSET_V6];
    if (spftable_find(table, &explain->ip, &hit) < 0 ||
        spftable_each(table, four ? IP_V4 : IP_V6, find_covering, &covering) < 0) {
        fputs("  policy, published: its table is damaged; run repdns check\n", out);
        return;
    }
    fputs("  policy, published: ", out);
    text_range(out, &covering.range);
    fprintf(out, " %s", spfresult_name(hit.result));
    if (policy.limit_day != 0) {
        fputs(", served until ", out);
        text_time(out, (int64_t)policy.limit_day * 86400);
    }
    fputc('\n', out);
}

bool
explain_policy(const struct explain *explain, const struct dname *domain, const char *helo)
{
    explain_result(explain, domain, helo);
    explain_times(explain, domain);
    explain_table(explain, domain);
    return policy_passes_world(explain, domain);
}
