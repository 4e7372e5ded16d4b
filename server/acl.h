/*
 * Access lists: what a client's address decides before anything else of a zone. A global list and
 * one of the zone, each an address dataset whose literals say what to do (verdict.h, enum acl_a).
 * On the answer path: one seek for each list. rbldnsd's acl type (its manual, "acl").
 */
#ifndef SERVER_ACL_H
#define SERVER_ACL_H

#include "server/snapshot.h"
#include "zones/verdict.h"

/* In order of effect: of two lists the greater one acts. */
enum acl_action {
    ACL_NONE,
    ACL_LISTED, /* whatever is asked is listed with the value */
    ACL_EMPTY,  /* nothing is listed */
    ACL_REFUSE,
    ACL_IGNORE /* no answer */
};

enum acl_trouble { ACL_FINE, ACL_MISSING, ACL_EXPIRED, ACL_DAMAGED };

struct acl {
    enum acl_action action;
    enum acl_trouble trouble; /* a list could not be asked: then nobody is let through */
    uint32_t a;               /* of ACL_LISTED */
    bool has_txt;
    struct slice txt; /* its template, borrowed from the snapshot */
    uint32_t ttl_s;   /* 0: the zone's */
};

/* Asks a list and joins what it says to *acl, in which the lists asked before are: of two values
 * the first stays. */
void acl_ask(struct snapshot *snapshot, const struct acl_list *list, const struct ip *client,
    int64_t now_s, struct acl *acl);

#endif
