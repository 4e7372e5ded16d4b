/*
 * The policy service's rule table: what to ask for a request, and what the answers come to. Pure.
 */
#ifndef TOOLS_POLICY_RULES_H
#define TOOLS_POLICY_RULES_H

#include "tools/policy_request.h"
#include "zones/zoneconf.h"

/* The name that a zone's rule asks of it; false where the request has nothing to ask about (no
 * domain, a name too long for DNS): then the rule finds nothing. RFC 5782 2.1, and for the null
 * sender RFC 7208 2.4. */
bool policy_question(
    const struct policy_rule *rule, const struct policy_request *request, struct dname *out);

/* Whether a check finds something. */
bool policy_check_finds(enum policy_check check, const struct policy_request *request);

/* Whether an A record of a zone is a listing by the rule. 127.255.255.0/24 never is: those are
 * errors, by the custom of public lists. */
bool policy_rule_counts(const struct policy_rule *rule, uint32_t a);

/* What was found for one request, by the rule's place in the table. */
struct policy_findings {
    bool found[POLICY_RULES_MAX];
    uint32_t a[POLICY_RULES_MAX]; /* of a zone: the first record that counts */
};

/* The first rule of the strongest action; NULL: nothing was found that asks for one. */
const struct policy_rule *policy_strongest(
    const struct policy_service_conf *service, const struct policy_findings *findings);

#define POLICY_REPLY_MAX 1000 /* no header's line is longer than 998 (RFC 5322 2.1.1) */
/* The reply, with its empty line. rule: as policy_strongest says; txt: what its zone says of the
 * listing, "" for nothing; first: the header may be put, as this message does not have it. Returns
 * its length. */
size_t policy_reply(const struct policy_service_conf *service, const struct policy_request *request,
    const struct policy_findings *findings, const struct policy_rule *rule, const char *txt,
    bool first, char out[POLICY_REPLY_MAX]);

#endif
