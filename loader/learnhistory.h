/*
 * Learning the weights from the site's own history: of the addresses of which mail was kept, or
 * reported, and of what the cache of DNS knows of them. The weights are pulled towards those to
 * begin with, the shipped ones, as hard as is needed for the honest addresses to stay unlisted.
 * Writes nothing.
 */
#ifndef LOADER_LEARNHISTORY_H
#define LOADER_LEARNHISTORY_H

#include "loader/judging.h"

enum {
    LEARNHISTORY_HAM_MIN = 100, /* fewer addresses of a label are not learnt from */
    LEARNHISTORY_SPAM_MIN = 100,
    LEARNHISTORY_PENALTY = 10, /* what some 60 addresses show moves a weight half the way */
    LEARNHISTORY_OF = 200      /* one of so many ham addresses may be at the threshold or below */
};

struct learnhistory {
    struct weights weights;
    size_t ham, spam;
    size_t listed_ham, listed_spam; /* at the threshold or below by weights learnt without them */
    double penalty;
};

/* The environment is an offline one; its weights are where to begin. penalty > 0. ERR_REFUSED: too
 * few labelled addresses, or too many honest ones whose score would list; the message has the
 * figures. */
enum err learnhistory_fit(const struct judging_env *env, double penalty, struct learnhistory *out,
    struct errmsg *msg) MUST_CHECK;

#endif
