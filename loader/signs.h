/*
 * What one HELO name, or one sender domain, says of the client that uses it: features by
 * themselves, of which features.h makes the client's. Pure.
 */
#ifndef LOADER_SIGNS_H
#define LOADER_SIGNS_H

#include "loader/judge.h"

/* of: FEATURE_COUNT zeros, of which those that hold are set. */
void signs_of_helo(const struct client_facts *facts, const struct helo_fact *helo, double *of);
void signs_of_sender(const struct client_facts *facts, const struct pair_fact *pair, double *of);

/* A session with such a name says nothing for the client. Forwarders fail SPF by nature: that does
 * not make a sender bad. */
bool signs_bad_helo(const double *of);
bool signs_bad_sender(const double *of);

#endif
