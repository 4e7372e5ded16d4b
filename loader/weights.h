/*
 * The weights of a client's features: the shipped ones are weights.def, others come from a file
 * that repdns-load learn wrote, a line "name weight # meaning" for each feature. Pure but for the
 * file.
 */
#ifndef LOADER_WEIGHTS_H
#define LOADER_WEIGHTS_H

#include <stdbool.h>
#include <stdio.h>

#include "zones/err.h"
#include "zones/zoneconf.h"

enum feature {
#define FEATURE(id, name, kind, side, origin, weight, meaning) FEATURE_##id,
#include "loader/weights.def"
#undef FEATURE
    FEATURE_COUNT
};

/* Kinds before KIND_EVIDENCE are independent evidence. */
enum feature_kind {
    KIND_RDNS,
    KIND_HELO,
    KIND_SENDER,
    KIND_REPORT,
    KIND_EVIDENCE,
    KIND_PRIOR = KIND_EVIDENCE,
    KIND_RECORD,
    KIND_NONE
};
enum feature_side { SIDE_ANY, SIDE_BAD, SIDE_GOOD };
enum feature_origin { ORIGIN_LEARNT, ORIGIN_SET };

struct feature_info {
    const char *name;
    enum feature_kind kind;
    enum feature_side side;
    enum feature_origin origin;
    double weight; /* as shipped */
    const char *meaning;
};

struct weights {
    double of[FEATURE_COUNT];
};

const struct feature_info *feature_info(enum feature feature);
void weights_shipped(struct weights *out);
/* Features that the file does not name keep the shipped weight. Messages are "name:line: what". */
enum err weights_read(
    FILE *in, const char *name, struct weights *out, struct errmsg *msg) MUST_CHECK;
enum err weights_open(const char *path, struct weights *out, struct errmsg *msg) MUST_CHECK;
/* The policy's file, or the shipped ones. */
enum err weights_of(
    const struct policy *policy, struct weights *out, struct errmsg *msg) MUST_CHECK;
void weights_write(FILE *out, const struct weights *weights);
/* The sum of what features of these sizes add. */
double weights_badness(const struct weights *weights, const double of[FEATURE_COUNT]);
/* 0 worst to WEIGHTS_BEST: even odds are WEIGHTS_EVEN, and a factor of e in them 10 points. */
enum { WEIGHTS_EVEN = 50, WEIGHTS_BEST = 100 };
int weights_score(double badness);
/* Whether a weight has the sign that its feature's side allows, and is no absurd number. */
bool weights_allow(enum feature feature, double weight);

#endif
