/* Judging and publishing; see stages.h. */
#include <stdlib.h>
#include <string.h>

#include "loader/stages.h"

/* Everything that a publish puts together. */
struct publication {
    struct run *run;
    struct list_set **lists; /* by the configuration's order */
    const struct list_set **allow;
    size_t allow_count;
    struct verdicts *verdicts;
    struct publish_set *sets;
    size_t set_count;
};

static const char *const judged_names[VERDICTS_SETS] = {
    DATASET_JUDGED_IP, DATASET_JUDGED_DOM, DATASET_JUDGED_HELO, DATASET_JUDGED_PAIR, DATASET_NEVER};

static void
publication_free(struct publication *publication)
{
    const struct conf *conf = publication->run->conf;
    for (unsigned i = 0; publication->lists != NULL && i < conf->list_count; i++)
        lists_free(&publication->lists[i]);
    verdicts_free(&publication->verdicts);
    free(publication->lists);
    free(publication->allow);
    free(publication->sets);
}

static enum err
flatten_lists(struct publication *publication, struct errmsg *msg)
{
    const struct conf *conf = publication->run->conf;
    size_t count = conf->list_count + 1U;
    publication->lists = calloc(count, sizeof *publication->lists);
    publication->allow = calloc(count, sizeof *publication->allow);
    publication->sets = calloc(count + VERDICTS_SETS, sizeof *publication->sets);
    if (publication->lists == NULL || publication->allow == NULL || publication->sets == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < conf->list_count; i++) {
        enum err err = lists_flatten(conf, &conf->lists[i], &publication->lists[i], msg);
        if (err == ERR_NOTFOUND)
            continue; /* never imported: not served */
        if (err < 0)
            return err;
        if (conf->lists[i].role == LIST_ALLOW)
            publication->allow[publication->allow_count++] = publication->lists[i];
        else
            publication->sets[publication->set_count++] = *lists_set(publication->lists[i]);
    }
    return ERR_OK;
}

/* What is served now, for "since" and "newly"; NULL when there is nothing yet. */
static enum err
open_previous(const struct conf *conf, struct kvread **previous, struct errmsg *msg)
{
    enum err err = kvread_open(conf->answers_path, previous, msg);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
judge(struct publication *publication, struct errmsg *msg)
{
    struct run *run = publication->run;
    struct kvread *previous = NULL;
    enum err err = open_previous(run->conf, &previous, msg);
    if (err < 0)
        return err;
    err = verdicts_collect(stages_env(run, true), publication->allow, publication->allow_count,
        previous, &publication->verdicts, msg);
    /* The process may hold one environment of the file: publish opens its own. */
    kvread_close(&previous);
    if (err == ERR_OK)
        run->verdicts = verdicts_count(publication->verdicts);
    return err;
}

static void
add_judged(struct publication *publication, bool keep)
{
    for (unsigned i = 0; i < VERDICTS_SETS; i++) {
        struct publish_set *set = &publication->sets[publication->set_count++];
        if (!keep) {
            *set = verdicts_sets(publication->verdicts)[i];
            continue;
        }
        *set = (struct publish_set){.keep = true};
        strcpy(set->info.name, judged_names[i]);
    }
}

static enum exit_code
too_many(const struct run *run, struct errmsg *msg)
{
    (void)errmsg_set(msg, ERR_REFUSED,
        "%llu of %llu subjects would be newly listed, more than max_new_percent %u allows; "
        "verdicts "
        "stay as they are: look with repdns explain, then run again with --force",
        (unsigned long long)run->verdicts.newly_listed, (unsigned long long)run->verdicts.subjects,
        run->conf->policy.max_new_percent);
    return EXIT_TOO_MANY;
}

static enum exit_code
publish_all(struct publication *publication, struct errmsg *msg)
{
    struct run *run = publication->run;
    enum exit_code code = EXIT_DONE;
    bool keep = run->dns_failed;
    enum err err = flatten_lists(publication, msg);
    if (err == ERR_OK && !keep)
        err = judge(publication, msg);
    if (err < 0)
        return exit_of(err);
    if (!keep && !run->force && verdicts_too_many(&run->verdicts, &run->conf->policy)) {
        code = too_many(run, msg);
        keep = true;
    }
    add_judged(publication, keep);
    struct errmsg why;
    err = publish(run->conf, publication->sets, publication->set_count, run->now_s, !keep,
        &run->published, &why);
    if (err == ERR_OK)
        return code;
    (void)errmsg_set(msg, err, "%s", why.text);
    return exit_of(err);
}

enum exit_code
stage_publish(struct run *run, struct errmsg *msg)
{
    struct publication publication = {.run = run};
    enum exit_code code = exit_of(stages_need_judging(run, msg));
    if (code == EXIT_DONE)
        code = publish_all(&publication, msg);
    publication_free(&publication);
    return code;
}

enum exit_code
stage_judge(struct run *run, struct errmsg *msg)
{
    struct publication publication = {.run = run};
    enum exit_code code = exit_of(stages_need_judging(run, msg));
    if (code == EXIT_DONE)
        code = exit_of(flatten_lists(&publication, msg));
    if (code == EXIT_DONE)
        code = exit_of(judge(&publication, msg));
    if (code == EXIT_DONE && verdicts_too_many(&run->verdicts, &run->conf->policy) && !run->force)
        code = too_many(run, msg);
    publication_free(&publication);
    return code;
}

/* A failed list or a dead resolver does not keep the rest from being published; the first failure
 * gives the exit code. */
enum exit_code
stage_run(struct run *run, struct errmsg *msg)
{
    static const struct {
        stage_fn stage;
        bool go_on;
    } stages[] = {{stage_observe, false}, {stage_import, true}, {stage_resolve, true},
        {stage_publish, false}};
    enum exit_code code = EXIT_DONE;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        struct errmsg why;
        enum exit_code this = stages[i].stage(run, &why);
        if (this != EXIT_DONE && code == EXIT_DONE) {
            code = this;
            (void)errmsg_set(msg, ERR_IO, "%s", why.text);
        }
        bool stop = !stages[i].go_on || (this != EXIT_RESOLVER && this != EXIT_FAILED);
        if (this != EXIT_DONE && stop)
            break;
    }
    return code;
}
