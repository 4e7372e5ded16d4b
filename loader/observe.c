/* Reading the configured logs. See observe.h. */
#include "loader/observe.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "loader/logpos.h"
#include "loader/logsource.h"
#include "loader/src_journal.h"
#include "zones/fnv.h"

enum {
    CHUNK_LINES = 20000,   /* a transaction for so many lines, */
    CHUNK_SESSIONS = 4096, /* or so many observations */
    DAY_S = 86400,
    FORGET_S = 30 * DAY_S /* a position, after its file went */
};

/* -- who is left out -- */

/* What makes no observation (design: whose hop). never_list is no cause: it holds at publish. */
enum observe_skip {
    OBSERVE_KEEP,
    OBSERVE_SKIP_SUBMISSION,
    OBSERVE_SKIP_AUTHENTICATED,
    OBSERVE_SKIP_REINJECTION,
    OBSERVE_SKIP_TRUSTED_RELAY,
    OBSERVE_SKIP_OWN_NETWORK,
    OBSERVE_SKIP_SPECIAL,
    OBSERVE_SKIP_FUTURE,
    OBSERVE_SKIP_COUNT
};

static const char *const skip_names[OBSERVE_SKIP_COUNT] = {
    [OBSERVE_SKIP_SUBMISSION] = "skipped-submission",
    [OBSERVE_SKIP_AUTHENTICATED] = "skipped-authenticated",
    [OBSERVE_SKIP_REINJECTION] = "skipped-re-injection",
    [OBSERVE_SKIP_TRUSTED_RELAY] = "skipped-trusted-relay",
    [OBSERVE_SKIP_OWN_NETWORK] = "skipped-own-network",
    [OBSERVE_SKIP_SPECIAL] = "skipped-special-address",
    [OBSERVE_SKIP_FUTURE] = "skipped-future",
};

/* 127.0.0.0/8 and ::1: mail that a content filter hands back (RFC 6890, RFC 4291 2.5.3). */
static bool
is_loopback(const struct ip *ip)
{
    static const struct ip one = {{[15] = 1}};

    return ip_is4(ip) ? ip_v4(ip) >> 24 == 127 : ip_cmp(ip, &one) == 0;
}

/* The first that holds, in the order above. */
static enum observe_skip
observe_skip(const struct conf *conf, const struct ip *client, const struct session_origin *origin)
{
    if (origin->submission)
        return OBSERVE_SKIP_SUBMISSION;
    if (origin->authenticated)
        return OBSERVE_SKIP_AUTHENTICATED;
    if (origin->reinjection || is_loopback(client))
        return OBSERVE_SKIP_REINJECTION;
    if (prefixes_contain(conf->trusted_relays, conf->trusted_relay_count, client))
        return OBSERVE_SKIP_TRUSTED_RELAY;
    if (prefixes_contain(conf->own_networks, conf->own_network_count, client))
        return OBSERVE_SKIP_OWN_NETWORK;
    if (ip_is_special(client))
        return OBSERVE_SKIP_SPECIAL;
    return OBSERVE_KEEP;
}

/* -- a run over one source -- */

struct file {
    const char *path; /* borrowed from the glob */
    bool stream;      /* standard input: no file to go on with */
    struct logfile what;
    struct logpos_start start;
};

struct run {
    struct history *history;
    const struct conf *conf;
    int64_t now_s;
    int32_t utc_offset_s;
    observe_progress_fn progress;
    void *ctx;
    struct observe_stats *out;
    struct errmsg *msg;

    uint64_t source; /* hash of the pattern */
    logsource_fn read_line;
    struct sessions *sessions;
    struct logpos_list positions;
    bool wrote;
    uint8_t *saved; /* room for the open sessions */
    size_t saved_room;

    /* The chunk. */
    struct observation *seen;
    size_t count, room;
    bool no_memory;
    uint64_t lines, unparsed, ended, skipped[OBSERVE_SKIP_COUNT];
};

static void
on_session(void *ctx, const struct observation *observation, const struct session_origin *origin)
{
    struct run *run = ctx;
    enum observe_skip skip = observe_skip(run->conf, &observation->client, origin);

    /* By a clock that was wrong: it would not fade before that day. */
    if (skip == OBSERVE_KEEP && observation->when_s > run->now_s + DAY_S)
        skip = OBSERVE_SKIP_FUTURE;
    run->ended++;
    run->skipped[skip]++;
    if (skip != OBSERVE_KEEP)
        return;
    if (run->count == run->room) {
        size_t room = run->room == 0 ? CHUNK_SESSIONS : run->room * 2;
        struct observation *seen = realloc(run->seen, room * sizeof *seen);

        if (seen == NULL) {
            run->no_memory = true;
            return;
        }
        run->seen = seen;
        run->room = room;
    }
    run->seen[run->count++] = *observation;
}

static void
on_line(struct run *run, struct text line)
{
    run->lines++;
    if (run->read_line(run->sessions, line, run->now_s, run->utc_offset_s) < 0)
        run->unparsed++;
}

static struct slice
open_key(const struct run *run, uint8_t room[9])
{
    room[0] = HISTORY_OPEN;
    memcpy(room + 1, &run->source, sizeof run->source);
    return slice_of(room, 9);
}

static enum err
put_sessions(struct run *run, struct kv_txn *txn)
{
    uint8_t key[9];
    size_t most = SESSIONS_SAVE_HEAD + sessions_count(run->sessions) * SESSIONS_SAVE_EACH;

    if (sessions_count(run->sessions) == 0) {
        (void)kv_del(txn, open_key(run, key));
        return ERR_OK;
    }
    if (most > run->saved_room) {
        uint8_t *saved = realloc(run->saved, most);

        if (saved == NULL)
            return ERR_NOMEM;
        run->saved = saved;
        run->saved_room = most;
    }
    size_t n = sessions_save(run->sessions, run->saved, run->saved_room);
    (void)kv_put(txn, open_key(run, key), slice_of(run->saved, n));
    return ERR_OK;
}

static void
put_counters(const struct run *run, struct kv_txn *txn)
{
    const struct {
        const char *name;
        uint64_t add;
    } counters[] = {{"log-lines", run->lines}, {"log-unparsed", run->unparsed},
        {"log-sessions", run->ended}, {"log-observed", run->count}};

    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        if (counters[i].add > 0)
            history_count(txn, counters[i].name, counters[i].add);
    for (enum observe_skip skip = OBSERVE_KEEP + 1; skip < OBSERVE_SKIP_COUNT; skip++)
        if (run->skipped[skip] > 0)
            history_count(txn, skip_names[skip], run->skipped[skip]);
}

static void
put_position(const struct run *run, const struct file *file, uint64_t offset, struct kv_txn *txn)
{
    struct logpos pos = {.dev = file->what.dev,
        .ino = file->what.ino,
        .source = run->source,
        .first_s = file->start.known ? file->start.first_s : run->now_s,
        .last_s = run->now_s,
        .offset = offset,
        .size = file->what.size,
        .mtime_ns = file->what.mtime_ns,
        .head_len = file->what.head_len,
        .fingerprint = logfile_fingerprint(&file->what, file->what.head_len)};

    logpos_put(txn, &pos);
}

static void
add_stats(struct run *run)
{
    run->out->lines += run->lines;
    run->out->unparsed += run->unparsed;
    run->out->sessions += run->ended;
    run->out->observed += run->count;
    run->out->skipped += run->ended - run->count;
    run->lines = run->unparsed = run->ended = 0;
    run->count = 0;
    memset(run->skipped, 0, sizeof run->skipped);
}

/* Folds the chunk and moves the position, in one transaction. */
static enum err
commit_chunk(struct run *run, const struct file *file, uint64_t offset)
{
    struct kv_txn *txn;

    if (run->no_memory)
        return errmsg_set(run->msg, ERR_NOMEM, "%s: out of memory", file->path);
    enum err err = kv_begin(history_kv(run->history), true, &txn, run->msg);
    if (err < 0)
        return err;
    uint64_t over = 0;
    for (size_t i = 0; i < run->count; i++)
        over += history_add_bounded(txn, &run->seen[i], run->conf->policy.reports_per_day);
    if (over > 0)
        history_count(txn, "filter-verdicts-over-bound", over);
    put_counters(run, txn);
    if (!file->stream)
        put_position(run, file, offset, txn);
    uint64_t dropped;
    const struct policy *policy = &run->conf->policy;
    err = put_sessions(run, txn);
    if (err == ERR_OK)
        err = history_trim(txn, policy->max_addresses, policy->half_life_days, &dropped);
    if (err < 0) {
        kv_abort(&txn);
        return errmsg_set(run->msg, err, "%s: %s", file->path, err_text(err));
    }
    if (dropped > 0)
        history_count(txn, "history-trimmed", dropped);
    err = kv_commit(&txn, run->msg);
    if (err == ERR_OK)
        add_stats(run);
    run->wrote = true;
    return err;
}

static enum err
read_file(struct run *run, const struct file *file)
{
    struct logread *reader;
    struct text line;
    uint64_t lines = 0;
    enum err err = logread_open(file->path, &file->what, file->start.offset, &reader, run->msg);

    if (err < 0)
        return err;
    while (err == ERR_OK && logread_line(reader, &line)) {
        on_line(run, line);
        lines++;
        if (run->lines < CHUNK_LINES && run->count < CHUNK_SESSIONS)
            continue;
        err = commit_chunk(run, file, logread_offset(reader));
        if (err == ERR_OK && run->progress != NULL)
            run->progress(run->ctx, file->path, lines);
    }
    /* A file that is new here gets its record even with nothing to read in it: the one by which it
     * was known may be overwritten. */
    bool moved = lines > 0 || !file->start.known || file->what.compressed;
    if (err == ERR_OK && moved && logread_offset(reader) > 0) {
        if (lines > 0)
            sessions_settle(run->sessions);
        err = commit_chunk(run, file, logread_offset(reader));
        if (err == ERR_OK && run->progress != NULL)
            run->progress(run->ctx, file->path, lines);
        run->out->files += lines > 0;
    }
    logread_close(&reader);
    return err;
}

/* Oldest first, so that sessions go on from one file to the next. A rotated file of the same second
 * has the longer name. */
static int
by_age(const void *a, const void *b)
{
    const struct file *x = a, *y = b;

    if (x->what.mtime_ns != y->what.mtime_ns)
        return x->what.mtime_ns < y->what.mtime_ns ? -1 : 1;
    return strcmp(y->path, x->path);
}

/* Positions of files that are long gone. */
static enum err
forget_positions(struct run *run, const struct file *files, size_t count)
{
    struct kv_txn *txn = NULL;
    enum err err = ERR_OK;

    for (size_t i = 0; i < run->positions.count && err == ERR_OK; i++) {
        const struct logpos *pos = &run->positions.items[i];
        bool there = pos->source != run->source || pos->last_s >= run->now_s - FORGET_S;

        for (size_t k = 0; k < count && !there; k++)
            there = files[k].what.dev == pos->dev && files[k].what.ino == pos->ino;
        if (there)
            continue;
        if (txn == NULL)
            err = kv_begin(history_kv(run->history), true, &txn, run->msg);
        if (err == ERR_OK)
            logpos_del(txn, pos);
    }
    return txn == NULL ? err : kv_commit(&txn, run->msg);
}

/* Failures to open a file are kept for later in *failed, others end the run. */
static enum err
read_files(struct run *run, const glob_t *paths, struct file *files, enum err *failed)
{
    struct errmsg ignored, *msg = run->msg;
    size_t count = 0;
    enum err err = ERR_OK;

    for (size_t i = 0; i < paths->gl_pathc; i++) {
        struct file *file = &files[count];

        file->path = paths->gl_pathv[i];
        err = logfile_look(file->path, &file->what, *failed < 0 ? &ignored : msg);
        if (err == ERR_IO && *failed == ERR_OK)
            *failed = err;
        else if (err < 0 && err != ERR_IO && err != ERR_NOTFOUND)
            return err;
        if (err < 0)
            continue;
        logpos_resolve(&run->positions, &file->what, &file->start);
        count++;
    }
    qsort(files, count, sizeof *files, by_age);
    err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (files[i].start.unchanged)
            continue;
        run->msg = *failed < 0 ? &ignored : msg;
        err = read_file(run, &files[i]);
        if (err == ERR_NOTFOUND)
            err = ERR_OK;
        /* The last message wins over a kept one when it ends the run. */
        if (err < 0 && run->msg == &ignored)
            *msg = ignored;
    }
    run->msg = msg;
    if (err == ERR_OK && run->wrote)
        err = forget_positions(run, files, count);
    return err;
}

/* What earlier runs left: positions and open sessions. */
static enum err
load_state(struct run *run)
{
    struct kv_txn *txn;
    struct slice value;
    uint8_t key[9];
    enum err err = kv_begin(history_kv(run->history), false, &txn, run->msg);

    if (err < 0)
        return err;
    err = logpos_load(txn, &run->positions);
    if (err == ERR_OK) {
        err = kv_get(txn, open_key(run, key), &value);
        /* Damaged ones are dropped: they are the mails of some minutes. */
        if (err == ERR_OK && sessions_load(run->sessions, value) < 0)
            err = ERR_NOTFOUND;
        if (err == ERR_NOTFOUND)
            err = ERR_OK;
    }
    kv_abort(&txn);
    return err == ERR_OK ? err : errmsg_set(run->msg, err, "log positions: %s", err_text(err));
}

static enum err
read_source(struct run *run, const struct log_source *source, enum err *failed)
{
    glob_t paths = {0};
    int rc = glob(source->path, GLOB_NOSORT, NULL, &paths);
    struct file *files = NULL;
    enum err err;

    run->source = fnv_add(FNV_START, source->path, strlen(source->path));
    run->read_line = logsource_of(source->format);
    run->wrote = false;
    if (rc == GLOB_NOMATCH) {
        run->out->missing++;
        return ERR_OK;
    }
    if (rc != 0)
        return errmsg_set(run->msg, rc == GLOB_NOSPACE ? ERR_NOMEM : ERR_IO,
            "%s:%u: log \"%s\": the directory cannot be read; check its permissions",
            run->conf->path == NULL ? "" : run->conf->path, source->line, source->path);
    err = sessions_new(on_session, run, &run->sessions);
    files = calloc(paths.gl_pathc, sizeof *files);
    if (err == ERR_OK && files == NULL)
        err = ERR_NOMEM;
    if (err < 0)
        (void)errmsg_set(run->msg, err, "%s: out of memory", source->path);
    if (err == ERR_OK) {
        sessions_traps(run->sessions, run->conf->traps, run->conf->trap_count);
        err = load_state(run);
    }
    if (err == ERR_OK)
        err = read_files(run, &paths, files, failed);
    free(files);
    sessions_free(&run->sessions);
    logpos_free(&run->positions);
    globfree(&paths);
    return err;
}

enum err
observe_logs(struct history *history, const struct conf *conf, int64_t now_s, int32_t utc_offset_s,
    observe_progress_fn progress, void *ctx, struct observe_stats *out, struct errmsg *msg)
{
    struct run run = {.history = history,
        .conf = conf,
        .now_s = now_s,
        .utc_offset_s = utc_offset_s,
        .progress = progress,
        .ctx = ctx,
        .out = out,
        .msg = msg};
    enum err err = ERR_OK, failed = ERR_OK;

    for (unsigned i = 0; i < conf->log_count && err == ERR_OK; i++)
        err = read_source(&run, &conf->logs[i], &failed);
    free(run.seen);
    free(run.saved);
    return err < 0 ? err : failed;
}

/* -- standard input -- */

static enum err
read_stream(struct run *run, struct logread *reader, struct journal *journal)
{
    const struct file file = {.path = "standard input", .stream = true};
    struct text line = {"", 0}, entry;
    bool more = logread_line(reader, &line), exported = more && journal_begins(line);
    enum err err = ERR_OK;

    if (exported)
        more = journal_line(journal, reader, line, &entry);
    while (err == ERR_OK && more) {
        on_line(run, exported ? entry : line);
        if (run->lines >= CHUNK_LINES || run->count >= CHUNK_SESSIONS)
            err = commit_chunk(run, &file, 0);
        more = exported ? journal_line(journal, reader, text_until(line, 0), &entry)
                        : logread_line(reader, &line);
    }
    if (err < 0)
        return err;
    sessions_settle(run->sessions);
    run->out->files++;
    return commit_chunk(run, &file, 0);
}

enum err
observe_stdin(struct history *history, const struct conf *conf, int64_t now_s, int32_t utc_offset_s,
    struct observe_stats *out, struct errmsg *msg)
{
    struct run run = {.history = history,
        .conf = conf,
        .now_s = now_s,
        .utc_offset_s = utc_offset_s,
        .out = out,
        .msg = msg,
        .source = fnv_add(FNV_START, "-", 1),
        .read_line = logsource_any};
    struct logread *reader = NULL;
    struct journal *journal = NULL;
    enum err err = sessions_new(on_session, &run, &run.sessions);

    if (err == ERR_OK)
        err = journal_new(&journal);
    if (err < 0)
        (void)errmsg_set(msg, err, "standard input: out of memory");
    if (err == ERR_OK)
        err = logread_stdin(&reader, msg);
    if (err == ERR_OK) {
        sessions_traps(run.sessions, conf->traps, conf->trap_count);
        err = load_state(&run);
    }
    if (err == ERR_OK)
        err = read_stream(&run, reader, journal);
    logread_close(&reader);
    journal_free(&journal);
    sessions_free(&run.sessions);
    logpos_free(&run.positions);
    free(run.seen);
    free(run.saved);
    return err;
}
