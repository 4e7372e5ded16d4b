/* Status of the three stores; see status.h. */
#include "loader/status.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "loader/history.h"
#include "zones/kv.h"
#include "zones/store.h"

enum {
    LINES_LEAST = 100,   /* of the logs, before it is strange that none is a session */
    HELO_SHARE_LOW = 90, /* percent: below, HELO names are judged by too little */
    BUSY_SHARE = 50,     /* percent of the accepted mail: above, a client is hardly a stranger */
    BUSY_LEAST = 20      /* so many mails are looked at before that is said */
};

void
status_time(int64_t when_s, char out[STATUS_TIME_SIZE])
{
    time_t when = (time_t)when_s;
    struct tm tm;
    if (when_s == 0 || gmtime_r(&when, &tm) == NULL ||
        strftime(out, STATUS_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        (void)strcpy(out, "-");
}

/* "5 minutes" */
static void
age_text(int64_t seconds, char *out, size_t size)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;
    if (seconds < 0)
        seconds = 0;
    /* The larger unit only from two of it on: "90 minutes" says more than "1 hour". */
    while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
        i++;
    int64_t count = seconds / units[i].seconds;
    (void)snprintf(out, size, "%" PRId64 " %s%s", count, units[i].name, count == 1 ? "" : "s");
}

static void
size_text(uint64_t bytes, char *out, size_t size)
{
    if (bytes < 10240)
        (void)snprintf(out, size, "%" PRIu64 " bytes", bytes);
    else if (bytes < UINT64_C(10240) * 1024)
        (void)snprintf(out, size, "%" PRIu64 " KiB", bytes / 1024);
    else
        (void)snprintf(out, size, "%" PRIu64 " MiB", bytes / 1024 / 1024);
}

/* Percent, rounded down, so that 100 means all. */
static unsigned
share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (unsigned)((double)part / (double)whole * 100.0);
}

/* One store, opened for reading. */
struct opened {
    struct kv *kv;
    struct kv_txn *txn;
};

static void
store_close(struct opened *store)
{
    kv_abort(&store->txn);
    kv_close(&store->kv);
}

/* Prints the store's head. ERR_NOTFOUND when it is not there, which was said then. */
static enum err
store_open(FILE *out, const char *path, struct opened *store, struct errmsg *msg)
{
    struct stat st;
    struct kv_stat stat_kv;
    char size[32], used[32];
    *store = (struct opened){0};
    enum err err = kv_open(path, &(struct kv_options){.read_only = true}, &store->kv, msg);
    if (err == ERR_OK)
        err = kv_begin(store->kv, false, &store->txn, msg);
    if (err == ERR_NOTFOUND)
        fprintf(out, "%s: not there yet; run repdns-load\n", path);
    if (err < 0)
        return err;
    kv_stat(store->txn, &stat_kv);
    size_text(stat(path, &st) == 0 ? (uint64_t)st.st_size : 0, size, sizeof size);
    size_text(stat_kv.used_bytes, used, sizeof used);
    fprintf(out, "%s: %s, %s in use, %" PRIu64 " records\n", path, size, used, stat_kv.entries);
    return ERR_OK;
}

/* Until when a dataset is served, as the server sees it. */
static void
dataset_state(const struct dataset *dataset, int64_t beat_s, int64_t now_s, char *out, size_t size)
{
    char when[STATUS_TIME_SIZE];
    int64_t until_s = dataset_expires_s(dataset, beat_s);
    status_time(until_s, when);
    if (until_s == 0)
        (void)snprintf(out, size, "served without end");
    else
        (void)snprintf(out, size, "%s %s",
            dataset_expired(dataset, beat_s, now_s) ? "NOT SERVED since" : "served until", when);
}

static enum err
print_datasets(FILE *out, struct kv_txn *txn, int64_t beat_s, int64_t now_s)
{
    const uint8_t table = STORE_CATALOG;
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct dataset dataset;
        char built[STATUS_TIME_SIZE], state[64];
        err = dataset_decode(key, value, &dataset);
        if (err < 0)
            break;
        status_time(dataset.built_s, built);
        dataset_state(&dataset, beat_s, now_s, state, sizeof state);
        fprintf(out, "  %-20s %-7s %9u entries  serial %-10u built %s  %s\n", dataset.name,
            dataset_kind_text(dataset.kind), dataset.entries, dataset.serial, built, state);
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* A list of the configuration that never came to be published would else be missed by nobody. */
static void
print_missing_lists(FILE *out, const struct conf *conf, struct kv_txn *txn)
{
    for (unsigned i = 0; i < conf->list_count; i++) {
        struct store_key key;
        struct slice value;
        store_key_dataset(&key, conf->lists[i].name);
        if (conf->lists[i].role == LIST_BLOCK &&
            kv_get(txn, store_key_slice(&key), &value) == ERR_NOTFOUND)
            fprintf(out, "  warning: list %s was never published; see repdns-load import\n",
                conf->lists[i].name);
    }
}

static enum err
print_answers(FILE *out, const struct conf *conf, int64_t now_s, struct errmsg *msg)
{
    struct opened store;
    struct store_key key;
    struct slice value;
    struct store_meta meta = {0};
    int64_t beat_s = 0;
    enum err err = store_open(out, conf->answers_path, &store, msg);
    if (err < 0) {
        store_close(&store);
        return err;
    }
    store_key_meta(&key);
    err = kv_get(store.txn, store_key_slice(&key), &value);
    if (err == ERR_OK)
        err = store_meta_decode(value, &meta);
    store_key_beat(&key);
    if (err == ERR_OK && kv_get(store.txn, store_key_slice(&key), &value) == ERR_OK)
        err = store_beat_decode(value, &beat_s);
    if (err == ERR_OK) {
        char beat[STATUS_TIME_SIZE], age[32] = "never";
        status_time(beat_s, beat);
        if (beat_s != 0)
            age_text(now_s - beat_s, age, sizeof age);
        fprintf(out, "  serial %u, %" PRIu64 " publishes, last whole run %s (%s%s)\n", meta.serial,
            meta.publishes, beat, age, beat_s != 0 ? " ago" : "");
        err = print_datasets(out, store.txn, beat_s, now_s);
    }
    if (err == ERR_OK)
        print_missing_lists(out, conf, store.txn);
    store_close(&store);
    return err < 0 ? errmsg_set(msg, err == ERR_NOTFOUND ? ERR_FORMAT : err,
                         "%s: damaged; delete it and run repdns-load", conf->answers_path)
                   : ERR_OK;
}

/* The client that brings the most mail. */
struct busiest {
    struct ip ip;
    uint64_t accepted, clients;
};

static enum err
on_client(void *ctx, const struct hist_client *client)
{
    struct busiest *busiest = ctx;
    busiest->clients++;
    if (client->accepted > busiest->accepted) {
        busiest->accepted = client->accepted;
        busiest->ip = client->ip;
    }
    return ERR_OK;
}

struct counting {
    FILE *out;
    uint64_t lines, sessions; /* of the logs */
};

static void
on_counter(void *ctx, const char *name, uint64_t value)
{
    struct counting *counting = ctx;
    char shown[65];
    size_t n = 0;
    for (; name[n] != '\0' && n + 1 < sizeof shown; n++)
        shown[n] = name[n] > ' ' && name[n] < 127 ? name[n] : '?';
    shown[n] = '\0';
    if (strcmp(name, "log-lines") == 0)
        counting->lines = value;
    if (strcmp(name, "log-sessions") == 0)
        counting->sessions = value;
    fprintf(counting->out, "  %-28s %12" PRIu64 "\n", shown, value);
}

static void
print_advice(FILE *out, const struct conf *conf, const struct hist_totals *totals,
    const struct busiest *busiest)
{
    unsigned with_helo = share(totals->accepted_with_helo, totals->accepted);
    if (totals->accepted > 0)
        fprintf(out, "  %u %% of the accepted mail had a HELO in the log\n", with_helo);
    if (totals->accepted > 0 && with_helo < HELO_SHARE_LOW)
        fprintf(out,
            "  advice: HELO names can be judged only if they are logged. Postfix needs\n"
            "    check_client_access static:{INFO repdns}\n"
            "  at the end of smtpd_recipient_restrictions in main.cf; Exim logs them as it\n"
            "  comes, Sendmail and OpenSMTPD never\n");
    unsigned of_one = share(busiest->accepted, totals->accepted);
    if (totals->accepted >= BUSY_LEAST && of_one > BUSY_SHARE) {
        char ip[IP_TEXT_SIZE];
        ip_format(&busiest->ip, ip);
        fprintf(out,
            "  warning: %s brings %u %% of the accepted mail. If it is a filter, a backup MX or a\n"
            "  proxy of yours, the clients behind it are not seen: name it in trusted_relays or\n"
            "  own_networks\n",
            ip, of_one);
    }
    if (totals->sessions < conf->policy.learn_sessions || totals->days < conf->policy.learn_days)
        fprintf(out,
            "  learning: nobody is listed by score or HELO use before %u sessions (now %" PRIu64
            ") and %u days (now %u)\n",
            conf->policy.learn_sessions, totals->sessions, conf->policy.learn_days, totals->days);
}

static enum err
print_history(FILE *out, const struct conf *conf, int64_t now_s, struct errmsg *msg)
{
    struct opened store;
    struct hist_totals totals;
    struct busiest busiest = {.clients = 0};
    struct counting counting = {.out = out};
    const struct history_visitor visitor = {.client = on_client, .ctx = &busiest};
    enum err err = store_open(out, conf->history_path, &store, msg);
    (void)now_s;
    if (err < 0) {
        store_close(&store);
        return err;
    }
    err = history_totals(store.txn, &totals);
    if (err == ERR_OK)
        err = history_walk(store.txn, NULL, &visitor);
    if (err == ERR_OK) {
        char first[STATUS_TIME_SIZE], last[STATUS_TIME_SIZE];
        status_time(totals.first_s, first);
        status_time(totals.last_s, last);
        fprintf(out,
            "  %" PRIu64 " clients; %" PRIu64 " sessions on %u days, %s to %s; %" PRIu64
            " accepted\n",
            busiest.clients, totals.sessions, totals.days, first, last, totals.accepted);
        print_advice(out, conf, &totals, &busiest);
        fprintf(out, "  what was read, and what was left out and why:\n");
        err = history_counters(store.txn, on_counter, &counting);
        if (counting.lines >= LINES_LEAST && counting.sessions == 0)
            fprintf(out, "  warning: no line of the logs tells of a session: correct path and "
                         "format of the\n"
                         "  sections log, which are for other files or another mail server\n");
    }
    store_close(&store);
    return err < 0 ? errmsg_set(msg, err == ERR_NOTFOUND ? ERR_FORMAT : err,
                         "%s: %s; move it away and let repdns-load begin anew", conf->history_path,
                         err_text(err))
                   : ERR_OK;
}

static enum err
print_lists(FILE *out, const struct conf *conf, int64_t now_s, struct errmsg *msg)
{
    struct opened store;
    (void)now_s;
    if (conf->list_count == 0)
        return ERR_OK;
    enum err err = store_open(out, conf->lists_path, &store, msg);
    store_close(&store);
    return err;
}

enum err
status_print(FILE *out, const struct conf *conf, int64_t now_s, struct errmsg *msg)
{
    static enum err (*const parts[])(FILE *, const struct conf *, int64_t, struct errmsg *) = {
        print_answers, print_history, print_lists};
    enum err first = ERR_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct errmsg why;
        enum err err = parts[i](out, conf, now_s, &why);
        if (err == ERR_OK || err == ERR_NOTFOUND)
            continue;
        fprintf(out, "%s\n", why.text);
        if (first == ERR_OK)
            first = errmsg_set(msg, err, "%s", why.text);
    }
    return first;
}
