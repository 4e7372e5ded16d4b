/*
 * Learning the weights of features from labelled clients: logistic regression, each of the two
 * labels weighing half, with a quadratic penalty that pulls towards the weights it begins with
 * (ridge). Deterministic: Newton's method on a convex function. Pure.
 */
#ifndef LOADER_LEARN_H
#define LOADER_LEARN_H

#include <stddef.h>

#include "loader/weights.h"

struct learn_row {
    double of[FEATURE_COUNT];
    bool spam;
};

/* Fits the learnt weights, and leaves those that are set and the signs of all as they must be. In:
 * where to begin. ERR_RANGE if a label is missing, ERR_NOMEM. */
enum err learn_fit(
    const struct learn_row *rows, size_t count, double penalty, struct weights *inout) MUST_CHECK;

#endif
