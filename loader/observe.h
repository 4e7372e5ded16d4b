/*
 * The first stage: what is new in the configured logs and mail stores goes into history.mdb.
 *
 * A log's position is stored in the transaction that folds the facts of its lines, together with
 * the sessions that are still open, so that a crash neither loses nor counts twice. Rotation by
 * renaming, by copytruncate and by compressing is followed as long as the pattern matches the old
 * file too. A run that finds nothing new writes nothing.
 */
#ifndef LOADER_OBSERVE_H
#define LOADER_OBSERVE_H

#include "loader/history.h"
#include "loader/session.h"
#include "zones/zoneconf.h"

struct observe_stats {
    uint64_t files;    /* that something was read of */
    uint64_t lines;    /* new ones */
    uint64_t unparsed; /* of them: no stamp or program */
    uint64_t sessions; /* mail transactions that ended, or mails of a store */
    uint64_t observed; /* of them: folded */
    uint64_t skipped;  /* of them: left out, or seen in an earlier run */
    uint64_t missing;  /* patterns without a file */
};

/* After each transaction; lines: of the file so far. May be NULL. */
typedef void (*observe_progress_fn)(void *ctx, const char *path, uint64_t lines);

/* *out is added to. A log that cannot be opened does not keep the others from being read; the first
 * such failure is returned when they are done. */
enum err observe_logs(struct history *history, const struct conf *conf, int64_t now_s,
    int32_t utc_offset_s, observe_progress_fn progress, void *ctx, struct observe_stats *out,
    struct errmsg *msg) MUST_CHECK;

/* Lines of a log from standard input up to its end, or the journal in its export format. There is
 * no position to go on from: what is given twice counts twice. *out is added to. */
enum err observe_stdin(struct history *history, const struct conf *conf, int64_t now_s,
    int32_t utc_offset_s, struct observe_stats *out, struct errmsg *msg) MUST_CHECK;

/* Mails older than the policy's retention, or from the future, are left out. observe_store.c. */
enum err observe_store(struct history *history, const struct conf *conf, int64_t now_s,
    struct observe_stats *out, struct errmsg *msg) MUST_CHECK;

#endif
