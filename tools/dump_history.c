/* repdns dump: history.mdb; see tools.h. */
#include <inttypes.h>
#include <string.h>

#include "loader/dnscache.h"
#include "loader/history.h"
#include "loader/output.h"
#include "loader/policytimes.h"
#include "tools/tools.h"
#include "zones/kv.h"
#include "zones/wire.h"

static void
print_use(FILE *out, const struct hist_use *use)
{
    fprintf(out, " count %u first ", use->count);
    text_time(out, use->first_s);
    fputs(" last ", out);
    text_time(out, use->last_s);
}

/* Weights that are not zero, as they were on their last day. */
static void
print_weights(FILE *out, const char *what, const char *const *names,
    const struct hist_weight *weights, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (weights[i].weight != 0)
            fprintf(out, " %s%s %.2f", what, names[i], (double)weights[i].weight / HIST_UNIT);
}

static void
print_spf(FILE *out, const struct hist_spf *spf)
{
    const char *names[OBS_SPF_COUNT];
    for (unsigned i = 0; i < OBS_SPF_COUNT; i++)
        names[i] = obs_spf_text((enum obs_spf)i);
    print_weights(out, "spf-", names, spf->of, OBS_SPF_COUNT);
}

static enum err
each_client(void *ctx, const struct hist_client *client)
{
    static const char *const seen[] = {[OBS_PTR_UNSEEN] = "unseen",
        [OBS_PTR_NONE] = "none",
        [OBS_PTR_UNVERIFIED] = "unverified",
        [OBS_PTR_VERIFIED] = "verified"};
    FILE *out = ctx;
    fputs("client ", out);
    text_ip(out, &client->ip);
    fprintf(out, " sessions %u accepted %u with-helo %u ham %u spam %u days %u first ",
        client->sessions, client->accepted, client->with_helo, client->ham, client->spam,
        client->days);
    text_time(out, client->first_s);
    fputs(" last ", out);
    text_time(out, client->last_s);
    fprintf(out, " ptr %s", seen[client->ptr_seen]);
    if (client->ptr.len > 0) {
        fputc(' ', out);
        text_name(out, &client->ptr);
    }
    fputc('\n', out);
    return ERR_OK;
}

static enum err
each_helo(void *ctx, const struct ip *ip, const struct helo *helo, const struct hist_use *use)
{
    FILE *out = ctx;
    fputs("helo ", out);
    text_ip(out, ip);
    fputc(' ', out);
    output_quoted(out, slice_of(helo->text, helo->len));
    print_use(out, use);
    fputc('\n', out);
    return ERR_OK;
}

static enum err
each_pair(void *ctx, const struct ip *ip, const struct dname *domain, const struct hist_use *use)
{
    FILE *out = ctx;
    fputs("pair ", out);
    text_ip(out, ip);
    fputc(' ', out);
    text_name(out, domain);
    print_use(out, use);
    if (use->null_sender)
        fputs(" null-sender", out);
    if (use->has_spf)
        fprintf(out, " logged %s", reason_info(use->spf)->name);
    print_spf(out, &use->spf_counts);
    fputc('\n', out);
    return ERR_OK;
}

static enum err
each_domain(void *ctx, const struct dname *domain, const struct hist_domain *record)
{
    static const char *const classes[HIST_CLASSES] = {
        [HIST_ACTIVE] = "days", [HIST_HAM] = "ham", [HIST_SPAM] = "spam", [HIST_TRAP] = "trap"};
    FILE *out = ctx;
    fputs("domain ", out);
    text_name(out, domain);
    fprintf(out, " sessions %u clients %u first ", record->sessions,
        hist_crowd_size(&record->crowd, hist_day(record->last_s)));
    text_time(out, record->first_s);
    fputs(" last ", out);
    text_time(out, record->last_s);
    print_spf(out, &record->spf_counts);
    fprintf(out, " own %u", record->own);
    print_weights(out, "own-", classes, record->weights, HIST_CLASSES);
    fputc('\n', out);
    return ERR_OK;
}

static void
each_counter(void *ctx, const char *name, uint64_t value)
{
    FILE *out = ctx;
    fputs("counter ", out);
    output_quoted(out, slice_of(name, strlen(name)));
    fprintf(out, " %" PRIu64 "\n", value);
}

static void
print_rdata(FILE *out, uint16_t type, struct slice rdata)
{
    const uint8_t *p = rdata.p;
    struct dname name;
    struct ip ip;
    size_t skip = type == DNS_MX ? 2 : 0;
    fputc(' ', out);
    if ((type == DNS_A || type == DNS_AAAA) && ip_from_key(p, rdata.n, &ip) == ERR_OK) {
        text_ip(out, &ip);
    } else if ((type == DNS_PTR || type == DNS_MX) && rdata.n > skip &&
               dname_from_wire(p + skip, rdata.n - skip, &name) == ERR_OK) {
        if (type == DNS_MX)
            fprintf(out, "%u:", (unsigned)p[0] << 8 | p[1]);
        text_name(out, &name);
    } else {
        output_quoted(out, rdata);
    }
}

static const char *
type_text(uint16_t type)
{
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {
        {DNS_A, "A"}, {DNS_AAAA, "AAAA"}, {DNS_MX, "MX"}, {DNS_PTR, "PTR"}, {DNS_TXT, "TXT"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].type == type)
            return names[i].name;
    return "TYPE";
}

/* The records of dnscache.c: its head says their form. */
static enum err
print_dns(FILE *out, struct slice key, struct slice value)
{
    struct wire_in k = wire_in_of(key.p, key.n), v = wire_in_of(value.p, value.n);
    (void)wire_get_u8(&k);
    uint16_t type = wire_get_u16(&k);
    uint8_t status = wire_get_u8(&v);
    uint64_t high = wire_get_u32(&v);
    uint64_t expires = high << 32 | wire_get_u32(&v);
    (void)wire_get_u16(&v);
    struct dname name;
    if (k.failed || v.failed ||
        dname_from_key((const uint8_t *)key.p + k.at, key.n - k.at, &name) < 0)
        return ERR_FORMAT;
    const char *outcome = status == DNS_OK ? "ok" : status == DNS_NODATA ? "nodata" : "nxdomain";
    fputs("dns ", out);
    text_name(out, &name);
    fprintf(out, " %s %s expires ", type_text(type), outcome);
    text_time(out, (int64_t)expires);
    struct dns_answer answer = {
        .records = slice_of((const uint8_t *)value.p + v.at, value.n - v.at)};
    struct slice rdata;
    enum err err;
    while ((err = dns_next(&answer, &rdata)) == ERR_OK)
        print_rdata(out, type, rdata);
    fputc('\n', out);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
print_dns_answers(FILE *out, struct kv_txn *txn)
{
    const uint8_t table = HISTORY_DNS;
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        err = print_dns(out, key, value);
        if (err < 0)
            break;
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
each_policy(void *ctx, const struct dname *domain, const struct policy_times *times)
{
    FILE *out = ctx;
    fputs("policy ", out);
    text_name(out, domain);
    fputs(" made ", out);
    text_time(out, times->made_s);
    fputs(" expires ", out);
    text_time(out, times->expires_s);
    fputs(" failing ", out);
    text_time(out, times->failing_s);
    fputc('\n', out);
    return ERR_OK;
}

static enum err
print_totals(FILE *out, struct kv_txn *txn)
{
    struct hist_totals totals;
    enum err err = history_totals(txn, &totals);
    if (err < 0)
        return err;
    fprintf(out,
        "totals sessions %" PRIu64 " accepted %" PRIu64 " with-helo %" PRIu64 " days %u first ",
        totals.sessions, totals.accepted, totals.accepted_with_helo, totals.days);
    text_time(out, totals.first_s);
    fputs(" last ", out);
    text_time(out, totals.last_s);
    fputc('\n', out);
    return ERR_OK;
}

/* Positions in logs and open sessions are left out: they are about files, not about senders, and
 * differ on every machine. */
enum err
dump_history(FILE *out, const struct conf *conf, struct errmsg *msg)
{
    const struct history_visitor visitor = {
        .client = each_client, .helo = each_helo, .pair = each_pair, .ctx = out};
    struct history *history;
    struct kv_txn *txn = NULL;
    enum err err = history_open(conf->history_path, true, &history, msg);
    if (err < 0)
        return err;
    err = kv_begin(history_kv(history), false, &txn, msg);
    if (err == ERR_OK) {
        err = print_totals(out, txn);
        if (err == ERR_OK)
            err = history_walk(txn, NULL, &visitor);
        if (err == ERR_OK)
            err = history_domains(txn, each_domain, out);
        if (err == ERR_OK)
            err = history_counters(txn, each_counter, out);
        if (err == ERR_OK)
            err = print_dns_answers(out, txn);
        if (err == ERR_OK)
            err = policytimes_each(txn, each_policy, out);
        if (err < 0)
            err = errmsg_set(msg, err,
                "%s: %s; restore it, or move it away and let repdns-load "
                "begin anew",
                conf->history_path, err_text(err));
    }
    kv_abort(&txn);
    history_close(&history);
    return err;
}
