/* Judging and publishing; see stages.h. */
#include <stdlib.h>
#include <string.h>

#include "loader/judgediff.h"
#include "loader/listbrake.h"
#include "loader/listedit.h"
#include "loader/stages.h"
#include "loader/wordset.h"
#include "zones/log.h"

/* Everything that a publish puts together. */
struct publication {
    struct run *run;
    struct list_set **lists; /* by the configuration's order */
    const struct list_set **allow;
    size_t allow_count;
    struct verdicts *verdicts;
    struct publish_set *sets;
    size_t set_count;
    struct words words;
    struct wordset wordset;
    struct list_published *published; /* the lists that the brake lets pass */
    size_t published_count;
};

static const char *const judged_names[VERDICTS_SETS] = {DATASET_JUDGED_IP, DATASET_JUDGED_DOM,
    DATASET_JUDGED_HELO, DATASET_JUDGED_SCORE, DATASET_JUDGED_TRUST, DATASET_JUDGED_PAIR,
    DATASET_NEVER};

static void
publication_free(struct publication *publication)
{
    const struct conf *conf = publication->run->conf;
    for (unsigned i = 0; publication->lists != NULL && i < conf->list_count; i++)
        lists_free(&publication->lists[i]);
    verdicts_free(&publication->verdicts);
    wordset_free(&publication->wordset);
    words_free(&publication->words);
    free(publication->lists);
    free(publication->allow);
    free(publication->sets);
    free(publication->published);
}

/* Leaves what is stored under the name as it is. */
static struct publish_set
kept_set(const char *name)
{
    struct publish_set set = {.keep = true};
    strcpy(set.info.name, name);
    return set;
}

/* With its sections before it. */
static enum err
add_list(struct publication *publication, const struct list_set *set, struct errmsg *msg)
{
    size_t count;
    const struct publish_set *parts = lists_parts(set, &count);
    if (publication->set_count + count > STORE_DATASETS_MAX)
        return errmsg_set(msg, ERR_RANGE,
            "list %s: too many $DATASET sections in all lists together, more than %d; take some "
            "out",
            lists_set(set)->info.name, STORE_DATASETS_MAX);
    for (size_t i = 0; i < count; i++)
        publication->sets[publication->set_count++] = parts[i];
    publication->sets[publication->set_count++] = *lists_set(set);
    return ERR_OK;
}

static enum err
flatten_lists(struct publication *publication, struct errmsg *msg)
{
    const struct conf *conf = publication->run->conf;
    size_t count = conf->list_count + 1U;
    publication->lists = calloc(count, sizeof *publication->lists);
    publication->allow = calloc(count, sizeof *publication->allow);
    publication->sets = calloc(
        count + VERDICTS_SETS + WORDSET_SETS + STORE_DATASETS_MAX, sizeof *publication->sets);
    publication->published = calloc(count, sizeof *publication->published);
    if (publication->lists == NULL || publication->allow == NULL || publication->sets == NULL ||
        publication->published == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < conf->list_count; i++) {
        if (publication->run->withdrawn != NULL && publication->run->withdrawn[i])
            continue;
        if (publication->run->unchanged != NULL && publication->run->unchanged[i]) {
            publication->sets[publication->set_count++] = kept_set(conf->lists[i].name);
            continue;
        }
        enum err err = lists_flatten(conf, &conf->lists[i], &publication->lists[i], msg);
        if (err == ERR_NOTFOUND)
            continue; /* never imported: not served */
        if (err < 0)
            return err;
        if (conf->lists[i].role == LIST_ALLOW)
            publication->allow[publication->allow_count++] = publication->lists[i];
        else if ((err = add_list(publication, publication->lists[i], msg)) < 0)
            return err;
    }
    return ERR_OK;
}

/* What is served now, for "since" and "newly"; NULL when there is nothing yet, and then msg keeps
 * what it may say of a list. */
static enum err
open_previous(const struct conf *conf, struct kvread **previous, struct errmsg *msg)
{
    struct errmsg why;
    enum err err = kvread_open(conf->answers_path, previous, &why);
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    return err < 0 ? errmsg_set(msg, err, "%s", why.text) : ERR_OK;
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
        *set = keep ? kept_set(judged_names[i]) : verdicts_sets(publication->verdicts)[i];
    }
}

static void
keep_words(struct publication *publication)
{
    for (unsigned i = 0; i < WORDSET_SETS; i++)
        publication->sets[publication->set_count++] = kept_set(wordset_names[i]);
}

/* The operator's word. judged: verdicts beside it are made of what is known now, so that what was
 * unlisted needs no word any more. Where unchanged lists are not looked at, nor are those that a
 * block may not touch. */
static enum err
add_words(struct publication *publication, bool judged, struct errmsg *msg)
{
    const struct run *run = publication->run;
    if (run->unchanged != NULL) {
        keep_words(publication);
        return ERR_OK;
    }
    enum err err = words_read(run->conf, run->now_s, &publication->words, msg);
    if (err < 0)
        return err;
    err = wordset_make(run->conf, &publication->words, judged, publication->allow,
        publication->allow_count, &publication->wordset);
    if (err < 0)
        return errmsg_set(msg, err, "the operator's word: %s", err_text(err));
    for (unsigned i = 0; i < WORDSET_SETS; i++)
        publication->sets[publication->set_count++] = publication->wordset.sets[i];
    return ERR_OK;
}

/* Remembers what of the lists is published; what is the same as the last time is not written. */
static void
note_published(
    struct publication *publication, const struct list_source *source, const struct list_set *set)
{
    publication->published[publication->published_count++] =
        (struct list_published){source, listbrake_measure(publication->run->conf, source, set)};
}

bool
stages_serve_list(const struct conf *conf, const struct list_source *source)
{
    struct kvread *reader;
    struct store_key key;
    struct slice value;
    if (source->role == LIST_ALLOW)
        return true;
    if (kvread_open(conf->answers_path, &reader, NULL) < 0)
        return false;
    store_key_dataset(&key, source->name);
    bool served = kvread_get(reader, store_key_slice(&key), &value) == ERR_OK;
    kvread_close(&reader);
    return served;
}

static bool
is_stopped(const struct run *run, const struct list_source *source, const struct list_set *set,
    struct errmsg *why)
{
    bool served = !run->force && stages_serve_list(run->conf, source);
    return !run->force && listbrake_stops(run->conf, source, set, served, why);
}

/* With its sections. */
static void
keep_list(struct publication *publication, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < publication->set_count; i++) {
        const char *of = publication->sets[i].info.name;
        if (strncmp(of, name, n) == 0 && (of[n] == '\0' || of[n] == '#'))
            publication->sets[i].keep = true;
    }
}

/* A list that the brake stops stays as it is served; an allow list is not served itself, so the
 * verdicts stay: *keep. The last refusal is told by whoever called; those before it here. */
static enum exit_code
brake_lists(struct publication *publication, bool *keep, struct errmsg *msg)
{
    const struct run *run = publication->run;
    enum exit_code code = EXIT_DONE;
    for (unsigned i = 0; i < run->conf->list_count; i++) {
        const struct list_source *source = &run->conf->lists[i];
        struct errmsg why;
        if (publication->lists[i] == NULL)
            continue;
        if (!is_stopped(run, source, publication->lists[i], &why)) {
            note_published(publication, source, publication->lists[i]);
            continue;
        }
        if (code != EXIT_DONE)
            log_line(LOG_LEVEL_ERROR, "%s", msg->text);
        code = EXIT_TOO_MANY;
        (void)errmsg_set(msg, ERR_REFUSED, "%s", why.text);
        *keep = *keep || source->role == LIST_ALLOW;
        keep_list(publication, source->name);
    }
    return code;
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

/* Writes the sets, and then what of the lists they are. */
static enum err
write_publication(struct publication *publication, bool beat, struct errmsg *msg)
{
    struct run *run = publication->run;
    struct errmsg why;
    enum err err = publish(run->conf, publication->sets, publication->set_count, run->now_s, beat,
        &run->published, &why);
    if (err == ERR_OK)
        err = listedit_published(
            run->conf, publication->published, publication->published_count, &why);
    return err < 0 ? errmsg_set(msg, err, "%s", why.text) : ERR_OK;
}

static enum exit_code
publish_all(struct publication *publication, struct errmsg *msg)
{
    struct run *run = publication->run;
    bool keep = run->dns_failed || run->lists_only;
    enum err err = listedit_expire(run->conf, run->now_s, msg);
    if (err == ERR_OK)
        err = flatten_lists(publication, msg);
    if (err < 0)
        return exit_of(err);
    enum exit_code code = brake_lists(publication, &keep, msg);
    if (!keep && (err = judge(publication, msg)) < 0)
        return exit_of(err);
    if (!keep && !run->force && verdicts_too_many(&run->verdicts, &run->conf->policy)) {
        if (code != EXIT_DONE)
            log_line(LOG_LEVEL_ERROR, "%s", msg->text);
        code = too_many(run, msg);
        keep = true;
    }
    add_judged(publication, keep);
    err = add_words(publication, !keep, msg);
    if (err == ERR_OK)
        err = write_publication(publication, !keep, msg);
    if (err == ERR_OK)
        err = words_expire(run->conf, run->now_s, !keep, msg);
    return err < 0 ? exit_of(err) : code;
}

/* Only that list; whatever else is served stays. */
static enum exit_code
publish_list(struct publication *publication, const struct list_source *source,
    const struct list_set *set, struct errmsg *msg)
{
    const struct conf *conf = publication->run->conf;
    publication->sets =
        calloc(conf->list_count + VERDICTS_SETS + WORDSET_SETS, sizeof *publication->sets);
    publication->published = calloc(1, sizeof *publication->published);
    if (publication->sets == NULL || publication->published == NULL) {
        (void)errmsg_set(msg, ERR_NOMEM, "out of memory");
        return EXIT_FAILED;
    }
    for (unsigned i = 0; i < conf->list_count; i++) {
        const char *name = conf->lists[i].name;
        if (conf->lists[i].role == LIST_BLOCK)
            publication->sets[publication->set_count++] =
                strcmp(name, source->name) == 0 ? *lists_set(set) : kept_set(name);
    }
    add_judged(publication, true);
    keep_words(publication);
    note_published(publication, source, set);
    return exit_of(write_publication(publication, false, msg));
}

enum exit_code
stage_publish_list(struct run *run, const struct list_source *source, const struct list_set *set,
    struct errmsg *msg)
{
    struct publication publication = {.run = run};
    enum exit_code code = publish_list(&publication, source, set, msg);
    publication_free(&publication);
    return code;
}

/* Allow lists are made ready, as a block may not touch them; all that is served is kept. */
static enum err
keep_lists(struct publication *publication, struct errmsg *msg)
{
    const struct conf *conf = publication->run->conf;
    size_t count = conf->list_count + 1U;
    publication->lists = calloc(count, sizeof *publication->lists);
    publication->allow = calloc(count, sizeof *publication->allow);
    publication->sets = calloc(count + VERDICTS_SETS + WORDSET_SETS, sizeof *publication->sets);
    if (publication->lists == NULL || publication->allow == NULL || publication->sets == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < conf->list_count; i++) {
        if (conf->lists[i].role == LIST_BLOCK) {
            publication->sets[publication->set_count++] = kept_set(conf->lists[i].name);
            continue;
        }
        enum err err = lists_flatten(conf, &conf->lists[i], &publication->lists[i], msg);
        if (err == ERR_OK)
            publication->allow[publication->allow_count++] = publication->lists[i];
        else if (err != ERR_NOTFOUND)
            return err;
    }
    return ERR_OK;
}

enum exit_code
stage_publish_words(struct run *run, struct errmsg *msg)
{
    struct publication publication = {.run = run};
    enum err err = keep_lists(&publication, msg);
    if (err == ERR_OK) {
        add_judged(&publication, true);
        err = add_words(&publication, false, msg);
    }
    if (err == ERR_OK)
        err = write_publication(&publication, false, msg);
    publication_free(&publication);
    return exit_of(err);
}

enum exit_code
stage_publish(struct run *run, struct errmsg *msg)
{
    struct publication publication = {.run = run};
    enum exit_code code = run->lists_only ? EXIT_DONE : exit_of(stages_need_judging(run, msg));
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
    if (code == EXIT_DONE && run->dry_run)
        code = exit_of(judgediff_print(
            stdout, run->conf, verdicts_sets(publication.verdicts), VERDICTS_SETS, run->json, msg));
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
