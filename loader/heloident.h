/*
 * Whose name or address a HELO is, beside the client that says it. Pure: what DNS and SPF say is
 * handed in, and what they can't say is UNKNOWN, never evidence.
 */
#ifndef LOADER_HELOIDENT_H
#define LOADER_HELOIDENT_H

#include "loader/judge.h"

/* All borrowed. */
struct helo_context {
    const struct ip *client;
    enum rdns_state rdns;
    const struct dname *rdns_name; /* of CONFIRMED */
    enum fact resolves_here;       /* the HELO name has the client's address */
    const struct pair_fact *pairs; /* the client's sender domains, with what SPF says */
    unsigned pair_count;
    const struct conf *conf; /* own names and networks */
};

enum helo_identity helo_identify(const struct helo_form *form, const struct helo_context *context);

/* OURS, ADDRESS and PROVIDER: nobody says these by mistake. */
bool helo_identity_forged(enum helo_identity identity);

#endif
