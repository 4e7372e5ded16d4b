/*
 * Does a reverse name look dynamic or dial-up? At most 20 patterns, matched by Hyperscan (rdns.c
 * alone includes it); the table with a name each must match and one it must not is in
 * rdns_patterns.def.
 */
#ifndef LOADER_RDNS_H
#define LOADER_RDNS_H

#include "zones/dname.h"
#include "zones/err.h"
#include "zones/ip.h"

struct rdns;
enum err rdns_open(struct rdns **out, struct errmsg *msg) MUST_CHECK;
void rdns_close(struct rdns **rdns);
/* The name of the first pattern that matches, or NULL. ip (may be NULL) is used for names that
 * contain their address. Static storage. */
const char *rdns_dynamic(struct rdns *rdns, const struct dname *name, const struct ip *ip);

#endif
