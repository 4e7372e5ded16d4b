/* Weights from the history. See learnhistory.h. */
#include "loader/learnhistory.h"

#include <stdlib.h>
#include <string.h>

#include "loader/features.h"
#include "loader/learn.h"

enum { FOLDS = 5, V4_NETWORK = 15, V6_NETWORK = 6 };

/* Harder than this the weights are the old ones, but for the digits that are written. */
static const double PENALTY_MAX = 1e5, PENALTY_STEP = 4;

struct sample {
    const struct judging_env *env;
    struct learn_row *rows;
    uint8_t *folds; /* beside the rows: neighbours are in one fold */
    size_t count, room, of_label[2];
};

static uint8_t
fold_of(const struct ip *ip)
{
    unsigned sum = 0, bytes = ip_is4(ip) ? V4_NETWORK : V6_NETWORK;

    for (unsigned i = 0; i < bytes; i++)
        sum = sum * 31 + ip->b[i];
    return (uint8_t)(sum % FOLDS);
}

static enum err
make_room(struct sample *sample)
{
    if (sample->count < sample->room)
        return ERR_OK;
    size_t room = sample->room == 0 ? 1024 : sample->room * 2;
    struct learn_row *rows = reallocarray(sample->rows, room, sizeof *rows);
    if (rows == NULL)
        return ERR_NOMEM;
    sample->rows = rows;
    uint8_t *folds = reallocarray(sample->folds, room, sizeof *folds);
    if (folds == NULL)
        return ERR_NOMEM;
    sample->folds = folds;
    sample->room = room;
    return ERR_OK;
}

/* What the labels themselves make of an address, or of its neighbours, is no feature here. */
static void
forget_labels(double *of)
{
    static const enum feature labels[] = {
        FEATURE_REPORT_SPAM, FEATURE_REPORT_HAM, FEATURE_NEAR_BAD, FEATURE_DOMAIN_BAD};

    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        of[labels[i]] = 0;
}

static enum err
on_client(void *ctx, const struct client_facts *facts, const struct judgement *judgement)
{
    (void)judgement;
    struct sample *sample = ctx;
    const struct hist_client *client = facts->client;
    struct features features;
    bool ham = features_has_ham(client);

    if (!ham && client->spam == 0 && client->weights[HIST_TRAP].weight == 0)
        return ERR_OK;
    enum err err = make_room(sample);
    if (err < 0)
        return err;
    features_of(facts, &sample->env->conf->policy, sample->env->weights, &features);
    struct learn_row *row = &sample->rows[sample->count];
    row->spam = !ham;
    memcpy(row->of, features.of, sizeof row->of);
    forget_labels(row->of);
    sample->folds[sample->count++] = fold_of(&client->ip);
    sample->of_label[row->spam]++;
    return ERR_OK;
}

/* How many of each label are at the threshold or below, of one fold or of all (FOLDS). */
static void
count_listed(
    const struct sample *sample, const struct weights *weights, unsigned fold, size_t listed[2])
{
    int threshold = (int)sample->env->conf->policy.score_threshold;

    for (size_t i = 0; i < sample->count; i++) {
        const struct learn_row *row = &sample->rows[i];
        if (fold != FOLDS && sample->folds[i] != fold)
            continue;
        listed[row->spam] += weights_score(weights_badness(weights, row->of)) <= threshold;
    }
}

static enum err
fit_others(const struct sample *sample, unsigned fold, double penalty, struct learn_row *room,
    struct weights *out)
{
    size_t count = 0;

    for (size_t i = 0; i < sample->count; i++)
        if (sample->folds[i] != fold)
            room[count++] = sample->rows[i];
    *out = *sample->env->weights;
    return learn_fit(room, count, penalty, out);
}

/* Fills out for one penalty. ERR_RANGE: all of a label are in one fold. */
static enum err
fit(const struct sample *sample, double penalty, struct learnhistory *out, bool *safe)
{
    struct learn_row *room = calloc(sample->count, sizeof *room);
    size_t apart[2] = {0}, within[2] = {0}, most = sample->of_label[0] / LEARNHISTORY_OF;
    enum err err = room == NULL ? ERR_NOMEM : ERR_OK;

    for (unsigned fold = 0; fold < FOLDS && err == ERR_OK; fold++) {
        struct weights weights;
        err = fit_others(sample, fold, penalty, room, &weights);
        if (err == ERR_OK)
            count_listed(sample, &weights, fold, apart);
    }
    if (err == ERR_OK)
        err = fit_others(sample, FOLDS, penalty, room, &out->weights);
    free(room);
    if (err < 0)
        return err;
    count_listed(sample, &out->weights, FOLDS, within);
    out->listed_ham = apart[0];
    out->listed_spam = apart[1];
    out->penalty = penalty;
    *safe = apart[0] <= most && within[0] <= most;
    return ERR_OK;
}

static enum err
fit_safely(
    const struct sample *sample, double penalty, struct learnhistory *out, struct errmsg *msg)
{
    for (bool safe = false; !safe; penalty *= PENALTY_STEP) {
        enum err err = fit(sample, penalty, out, &safe);
        if (err == ERR_RANGE)
            return errmsg_set(msg, ERR_REFUSED,
                "nothing learnt: all labelled addresses of a kind are near each other");
        if (err < 0)
            return errmsg_set(msg, err, "out of memory");
        if (!safe && penalty > PENALTY_MAX)
            return errmsg_set(msg, ERR_REFUSED,
                "nothing learnt: of %zu addresses of which mail was kept, %zu look so bad that "
                "even the weights to begin with give them a score of %u or less, and no more "
                "than 1 of %d may be; see why with repdns explain, or lower score_threshold",
                out->ham, out->listed_ham, sample->env->conf->policy.score_threshold,
                LEARNHISTORY_OF);
    }
    return ERR_OK;
}

/* Weights choose which of several looks speaks for an address: these are looked at by theirs. */
static enum err
check_again(struct sample *sample, const struct learnhistory *learnt, struct errmsg *msg)
{
    struct judging_env env = *sample->env;
    struct judging_visitor visitor = {.client = on_client, .ctx = sample};
    size_t listed[2] = {0};

    env.weights = &learnt->weights;
    sample->env = &env;
    sample->count = 0;
    enum err err = judging_walk(&env, NULL, &visitor);
    if (err < 0)
        return errmsg_set(msg, err, "walking the history failed: %s", err_text(err));
    count_listed(sample, &learnt->weights, FOLDS, listed);
    if (listed[0] > learnt->ham / LEARNHISTORY_OF)
        return errmsg_set(msg, ERR_REFUSED,
            "nothing learnt: %zu of %zu addresses of which mail was kept would be listed; pull "
            "harder with --penalty",
            listed[0], learnt->ham);
    return ERR_OK;
}

enum err
learnhistory_fit(
    const struct judging_env *env, double penalty, struct learnhistory *out, struct errmsg *msg)
{
    struct sample sample = {.env = env};
    struct judging_visitor visitor = {.client = on_client, .ctx = &sample};
    enum err err = judging_walk(env, NULL, &visitor);

    *out = (struct learnhistory){.ham = sample.of_label[0], .spam = sample.of_label[1]};
    if (err < 0)
        err = errmsg_set(msg, err, "walking the history failed: %s", err_text(err));
    else if (out->ham < LEARNHISTORY_HAM_MIN || out->spam < LEARNHISTORY_SPAM_MIN)
        err = errmsg_set(msg, ERR_REFUSED,
            "nothing learnt: the history knows %zu addresses of which mail was kept and %zu of "
            "which it was reported, and learning takes %d and %d; import mail stores, or report "
            "with repdns-load report, and wait",
            out->ham, out->spam, LEARNHISTORY_HAM_MIN, LEARNHISTORY_SPAM_MIN);
    else
        err = fit_safely(&sample, penalty, out, msg);
    if (err == ERR_OK)
        err = check_again(&sample, out, msg);
    free(sample.rows);
    free(sample.folds);
    return err;
}
