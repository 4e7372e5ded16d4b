/*
 * The features of a client, from its facts: what weights.def names, each 0 if it does not hold.
 * Pure.
 *
 * Of the HELO names, and of the sender domains, one speaks for the client: its sessions are put in
 * the order of how bad they look, and the worst is taken that, with those before it, weighs as much
 * as those after it with nothing bad about them. So one slip of a busy server says nothing, and a
 * bad session never makes the client look better: be it less bad than others, or bad in one way
 * (its HELO, its sender, a report of it) and innocent in the others. Good is said only of what is
 * verified, and does not fade; bad fades.
 */
#ifndef LOADER_FEATURES_H
#define LOADER_FEATURES_H

#include "loader/judge.h"
#include "loader/weights.h"

struct features {
    double of[FEATURE_COUNT];
    const struct helo_fact *helo; /* that speaks for the client, or NULL */
    const struct pair_fact *sender;
    uint64_t bad_helos, good_helos, bad_senders; /* sessions, by the names in them */
    uint64_t clean; /* sessions with nothing wrong, no more than there were */
};

/* The weights say which of two looks is worse. */
void features_of(const struct client_facts *facts, const struct policy *policy,
    const struct weights *weights, struct features *out);

/* How much of what its look says counts: all from the day of activity on that the policy's
 * list_days says, less before and when it has been silent. 0 to 1. */
double features_confidence(const struct client_facts *facts, const struct policy *policy);

/* Reports of spam, faded; 0 or more. */
double features_weight(
    const struct client_facts *facts, const struct policy *policy, enum hist_class class);
/* Mail of it came to a trap, not too long ago. */
bool features_is_trapped(const struct client_facts *facts, const struct policy *policy);
/* Mail of it was kept, and what was reported as spam is not of a month later. */
bool features_has_ham(const struct hist_client *client);

#endif
