/*
 * What the HELO names of one client look like over time: a server that was renamed, one that greets
 * with several names in turn, or one that ever makes up new ones. Pure.
 */
#ifndef LOADER_HELOHABIT_H
#define LOADER_HELOHABIT_H

#include <stddef.h>

#include "loader/judge.h"

struct helo_habit {
    unsigned names;          /* said in the window, in whatever form; HELOs not logged aside */
    unsigned fresh;          /* of them: said for the first time in the window */
    unsigned strange;        /* of the fresh: public names that do not resolve to the client */
    unsigned organisations;  /* of the strange: registered domains */
    unsigned alternating;    /* the most names whose spans of use overlap; 1: one after another */
    const struct helo *last; /* said last, borrowed from the facts; NULL if none */
};

/* Of more names than these in a window, only so many are compared with each other; a client has
 * HISTORY_NAMES_MAX at the most. */
#define HELOHABIT_COMPARED 256

/* The window is the window_s seconds up to now_s. */
void helohabit_of(const struct helo_fact *helos, size_t count, int64_t now_s, int64_t window_s,
    struct helo_habit *out);

#endif
