/*
 * One connection to the policy service: requests one after the other, as Postfix sends them, and
 * the questions that each needs. Fails open: what the resolver does not answer is not listed.
 */
#ifndef TOOLS_POLICY_SESSION_H
#define TOOLS_POLICY_SESSION_H

#include <ev.h>

#include "tools/policy_dns.h"
#include "tools/policy_rules.h"

enum policy_counter {
#define POLICY_COUNTER(id, name, text) POLICY_##id,
#include "tools/policy_counters.def"
#undef POLICY_COUNTER
    POLICY_COUNTER_COUNT
};

/* What all sessions share. */
struct policy_service {
    struct ev_loop *loop;
    const struct conf *conf;
    struct policy_dns *dns;
    double idle_s;           /* after so long without a request a session ends */
    unsigned open;           /* sessions */
    bool ends_with_the_last; /* one connection is all there is: standard input */
    uint64_t counts[POLICY_COUNTER_COUNT];
};

/* Takes the descriptors over: they may be one and the same. Non-blocking. False: out of memory, and
 * they are closed. */
bool policy_session_begin(struct policy_service *service, int in, int out);

#endif
