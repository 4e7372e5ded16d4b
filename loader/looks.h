/*
 * The looks of one client's sessions, by HELO names or by sender domains, and which of them speaks
 * for it (features.h). Pure.
 */
#ifndef LOADER_LOOKS_H
#define LOADER_LOOKS_H

#include "loader/history.h"
#include "loader/nameclass.h"

struct look {
    double badness;                        /* what it adds to the client's */
    bool bad;                              /* it says nothing for the client */
    double weight, sessions;               /* faded, and all */
    double folded_weight, folded_sessions; /* likewise, of other names of the class */
    struct nameclass class;                /* zeros where nothing is folded */
    unsigned index;                        /* of the name, the caller's */
};

/* The worst first. Zeros to begin with. */
struct looks {
    unsigned count;
    struct look of[HISTORY_NAMES_MAX];
};

/* At most HISTORY_NAMES_MAX are told apart. */
void looks_add(struct looks *looks, const struct look *look);

/* Gives what was folded to names of its class, to the worst of the bad ones as much as the bad ones
 * weigh among them all, the rest to the worst of the others: folded names are as those are that are
 * still there. */
void looks_unfold(struct looks *looks);

/* The weight of the bad ones. */
double looks_bad(const struct looks *looks);

/* The index of the one that speaks, of one at least. otherwise_bad: the weight of sessions that are
 * bad in another way, and may be any of these. */
unsigned looks_speaker(const struct looks *looks, double otherwise_bad);

#endif
