/* Logistic regression. See learn.h. */
#include "loader/learn.h"

#include <math.h>
#include <string.h>

enum { STEPS_MAX = 50 };

/* Below this nothing changes in the digits that weights_write prints. */
static const double DONE = 1e-7;

struct fit {
    const struct learn_row *rows;
    size_t count;
    double penalty;
    double each[2]; /* weight of a ham and of a spam row */
    const struct weights *begin;
    bool fixed[FEATURE_COUNT];
    double gradient[FEATURE_COUNT];
    double hessian[FEATURE_COUNT][FEATURE_COUNT];
};

static void
add_row(struct fit *fit, const struct learn_row *row, const struct weights *weights)
{
    double p = 1 / (1 + exp(-weights_badness(weights, row->of))), each = fit->each[row->spam];
    double slope = each * (p - row->spam), bend = each * p * (1 - p);

    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        if (row->of[i] == 0 || fit->fixed[i])
            continue;
        fit->gradient[i] += slope * row->of[i];
        for (unsigned k = 0; k <= i; k++)
            fit->hessian[i][k] += fit->fixed[k] ? 0 : bend * row->of[i] * row->of[k];
    }
}

static void
differentiate(struct fit *fit, const struct weights *weights)
{
    memset(fit->gradient, 0, sizeof fit->gradient);
    memset(fit->hessian, 0, sizeof fit->hessian);
    for (size_t i = 0; i < fit->count; i++)
        add_row(fit, &fit->rows[i], weights);
    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        /* Where everybody begins is no feature to be doubted. */
        double pull = i == FEATURE_BIAS ? 1e-9 : fit->penalty;
        fit->gradient[i] += fit->fixed[i] ? 0 : pull * (weights->of[i] - fit->begin->of[i]);
        fit->hessian[i][i] += fit->fixed[i] ? 1 : pull;
    }
}

/* Solves hessian * x = gradient in place, by Cholesky's way: the matrix is positive definite. */
static void
solve(struct fit *fit)
{
    double(*h)[FEATURE_COUNT] = fit->hessian, *x = fit->gradient;

    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        for (unsigned k = 0; k <= i; k++) {
            double sum = h[i][k];
            for (unsigned j = 0; j < k; j++)
                sum -= h[i][j] * h[k][j];
            h[i][k] = i == k ? sqrt(sum) : sum / h[k][k];
        }
        for (unsigned j = 0; j < i; j++)
            x[i] -= h[i][j] * x[j];
        x[i] /= h[i][i];
    }
    for (unsigned i = FEATURE_COUNT; i-- > 0;) {
        for (unsigned j = i + 1; j < FEATURE_COUNT; j++)
            x[i] -= h[j][i] * x[j];
        x[i] /= h[i][i];
    }
}

static void
descend(struct fit *fit, struct weights *weights)
{
    for (unsigned step = 0; step < STEPS_MAX; step++) {
        double longest = 0;

        differentiate(fit, weights);
        solve(fit);
        for (unsigned i = 0; i < FEATURE_COUNT; i++) {
            weights->of[i] -= fit->gradient[i];
            longest = fmax(longest, fabs(fit->gradient[i]));
        }
        if (longest < DONE)
            return;
    }
}

/* A weight that came out with the wrong sign is nothing, and the others are fitted again. */
static bool
fix_signs(struct fit *fit, struct weights *weights)
{
    bool fixed = false;

    for (enum feature i = 0; i < FEATURE_COUNT; i++) {
        if (fit->fixed[i] || weights_allow(i, weights->of[i]))
            continue;
        weights->of[i] = 0;
        fit->fixed[i] = fixed = true;
    }
    return fixed;
}

enum err
learn_fit(const struct learn_row *rows, size_t count, double penalty, struct weights *inout)
{
    const struct weights begin = *inout;
    struct fit fit = {.rows = rows, .count = count, .penalty = penalty, .begin = &begin};
    size_t spam = 0;

    for (size_t i = 0; i < count; i++)
        spam += rows[i].spam;
    if (spam == 0 || spam == count)
        return ERR_RANGE;
    fit.each[0] = (double)count / 2 / (double)(count - spam);
    fit.each[1] = (double)count / 2 / (double)spam;
    for (enum feature i = 0; i < FEATURE_COUNT; i++)
        fit.fixed[i] = feature_info(i)->origin == ORIGIN_SET;
    do
        descend(&fit, inout);
    while (fix_signs(&fit, inout));
    return ERR_OK;
}
