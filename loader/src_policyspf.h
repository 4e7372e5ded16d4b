/* What SPF policy services for Postfix log: policyd-spf (Python) and postfix-policyd-spf-perl. */
#ifndef LOADER_SRC_POLICYSPF_H
#define LOADER_SRC_POLICYSPF_H

#include "loader/src_postfix.h"

/* Fills the POSTFIX_SPF fields; false for a message without a result for a MAIL FROM domain, and
 * where a field occurs twice, as a stranger's text may hold one. */
bool policyspf_parse(struct text message, struct postfix_event *out);
/* "pass", "SoftFail": the word at the start; false for others. */
bool policyspf_result(struct text in, enum obs_spf *out);

#endif
