/* One round of the loader that stays; see watch.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader/clock.h"
#include "loader/listedit.h"
#include "loader/liststamp.h"
#include "loader/runlock.h"
#include "loader/stages.h"
#include "loader/watch.h"
#include "zones/log.h"

enum { LOCK_WAIT_S = 300 };

/* One round at work. */
struct rounding {
    const struct watch_round *round;
    const struct conf *conf;
    int64_t now_s;
    bool *unchanged; /* by list */
    bool *unread;    /* by list */
    unsigned failed; /* lists */
    bool changed;
    struct list_stamp imported, published;
};

/* A list that can't be read is told and keeps its entries. */
static void
import_lists(struct rounding *rounding)
{
    const struct conf *conf = rounding->conf;
    for (unsigned i = 0; i < conf->list_count; i++) {
        const struct list_source *list = &conf->lists[i];
        struct list_stats stats;
        struct errmsg why;
        bool changed;
        if (lists_import(conf, list, rounding->now_s, &changed, &stats, &why) < 0) {
            log_line(LOG_LEVEL_ERROR, "%s%s", why.text,
                rounding->round->whole      ? ""
                : rounding->round->withdraw ? " (it is not served)"
                                            : " (its old entries stay)");
            rounding->failed++;
            rounding->unread[i] = true;
        }
        if (changed)
            watch_tell(list, &stats);
    }
}

/* Whether an edit of the list ends now. */
static enum err
has_expired_edits(
    const struct rounding *rounding, const char *name, bool *expired, struct errmsg *msg)
{
    struct list_layer layer;
    enum err err = listedit_read(rounding->conf, name, &layer, msg);
    size_t count = layer.count;
    listlayer_expire(&layer, rounding->now_s);
    *expired = layer.count < count;
    listlayer_free(&layer);
    return err;
}

/* Whether what is served of the list is what there is of it. A list that was never imported has
 * nothing. */
static bool
is_served(const struct rounding *rounding, unsigned i)
{
    uint64_t imported = rounding->imported.files[i];
    if (rounding->round->withdraw && rounding->unread[i])
        return !stages_serve_list(rounding->conf, &rounding->conf->lists[i]);
    if (imported == 0)
        return true;
    return imported == rounding->published.files[i] &&
           stages_serve_list(rounding->conf, &rounding->conf->lists[i]);
}

/* What is to be published: lists whose entries come from other files than those that are served,
 * that are not served at all, or lose edits. */
static enum err
compare(struct rounding *rounding, struct errmsg *msg)
{
    const struct conf *conf = rounding->conf;
    enum err err = liststamp_imported(conf, &rounding->imported, msg);
    if (err == ERR_OK)
        err = liststamp_load(conf, "", &rounding->published, msg);
    rounding->changed = rounding->published.conf != rounding->imported.conf;
    for (unsigned i = 0; err == ERR_OK && i < conf->list_count; i++) {
        bool expired = false;
        err = has_expired_edits(rounding, conf->lists[i].name, &expired, msg);
        rounding->unchanged[i] = is_served(rounding, i) && !expired;
        rounding->changed = rounding->changed || !rounding->unchanged[i];
    }
    return err;
}

static enum exit_code
publish_lists(struct rounding *rounding, struct errmsg *msg)
{
    struct run run = {.conf = rounding->conf,
        .now_s = rounding->now_s,
        .force = rounding->round->force,
        .lists_only = true,
        .unchanged = rounding->unchanged,
        .withdrawn = rounding->round->withdraw ? rounding->unread : NULL};
    enum exit_code code = stage_publish(&run, msg);
    run_close(&run);
    for (unsigned i = 0; run.withdrawn != NULL && i < rounding->conf->list_count; i++)
        if (run.withdrawn[i])
            rounding->imported.files[i] = 0;
    if (code == EXIT_DONE)
        code = exit_of(liststamp_save(rounding->conf, &rounding->imported, msg));
    return code;
}

static enum exit_code
do_round(struct rounding *rounding, struct errmsg *msg)
{
    double start = clock_seconds(CLOCK_MONOTONIC);
    import_lists(rounding);
    if (rounding->failed > 0 && rounding->round->whole)
        return EXIT_FAILED; /* told already */
    enum err err = compare(rounding, msg);
    if (err < 0)
        return exit_of(err);
    enum exit_code code = EXIT_DONE;
    if (rounding->changed) {
        code = publish_lists(rounding, msg);
        if (code == EXIT_DONE)
            log_line(LOG_LEVEL_INFO, "zones reloaded, time %.1fe/%.1fu sec",
                clock_seconds(CLOCK_MONOTONIC) - start, (double)clock() / CLOCKS_PER_SEC);
    }
    return code == EXIT_DONE && rounding->failed > 0 ? EXIT_FAILED : code;
}

enum exit_code
watch_round(const struct watch_round *round, struct errmsg *msg)
{
    struct rounding rounding = {.round = round, .conf = round->conf, .now_s = (int64_t)time(NULL)};
    int lock;
    enum exit_code code = runlock_get(round->conf, LOCK_WAIT_S, &lock, msg);
    if (code != EXIT_DONE)
        return code;
    rounding.unchanged = calloc(round->conf->list_count + 1U, sizeof *rounding.unchanged);
    rounding.unread = calloc(round->conf->list_count + 1U, sizeof *rounding.unread);
    if (rounding.unchanged == NULL || rounding.unread == NULL) {
        (void)errmsg_set(msg, ERR_NOMEM, "out of memory");
        code = EXIT_FAILED;
    } else {
        code = do_round(&rounding, msg);
    }
    free(rounding.unchanged);
    free(rounding.unread);
    liststamp_free(&rounding.imported);
    liststamp_free(&rounding.published);
    (void)close(lock);
    return code;
}
