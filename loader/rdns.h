/*
 * What kind of host a reverse name speaks of: the table rdns_patterns.def, matched by Hyperscan
 * (rdns.c alone includes it), and the client's address spelled in the name (rdnsaddress.h).
 *
 * The patterns are compiled by the first classification, so that who asks for none does not pay.
 * One thread per struct rdns: it holds scratch space.
 */
#ifndef LOADER_RDNS_H
#define LOADER_RDNS_H

#include "loader/publicname.h"
#include "zones/dname.h"
#include "zones/err.h"
#include "zones/ip.h"

enum rdns_class {
    RDNS_CLASS_NONE,            /* no name */
    RDNS_CLASS_UNCONFIRMED,     /* a name that does not resolve back to the address */
    RDNS_CLASS_GENERIC_DYNAMIC, /* made from a number, of a line that nobody serves mail on */
    RDNS_CLASS_GENERIC_STATIC,  /* made from a number, of an address that stays, or of a rented host
                                 */
    RDNS_CLASS_SERVER,          /* a host that somebody named */
    RDNS_CLASS_ESP,             /* of a platform that sends for many */
    RDNS_CLASS_COUNT
};

struct rdns_verdict {
    enum rdns_class class;
    const char *why; /* the row or feature that decided; static storage */
};

/* Why a name without any sign is a server's. */
#define RDNS_WHY_OWN "a name of its own"

struct rdns;
/* names is borrowed until rdns_close. */
enum err rdns_open(
    const struct publicname *names, struct rdns **out, struct errmsg *msg) MUST_CHECK;
void rdns_close(struct rdns **rdns);

/* By the name alone: never UNCONFIRMED, and NONE only for the root. ip (may be NULL) is the
 * client's, to look for in the name. Fails only where the patterns can't be compiled. */
enum err rdns_classify(struct rdns *rdns, const struct dname *name, const struct ip *ip,
    struct rdns_verdict *out, struct errmsg *msg) MUST_CHECK;
/* "generic-dynamic". Static storage. */
const char *rdns_class_text(enum rdns_class class);
/* What compiling took, in milliseconds of CPU; 0 before the first classification. */
double rdns_compile_ms(const struct rdns *rdns);

#endif
