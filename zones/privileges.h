/* Becoming another user, and giving up all that a user may gain. Numbers may stand for names, for a
 * process that has no /etc/passwd. */
#ifndef ZONES_PRIVILEGES_H
#define ZONES_PRIVILEGES_H

#include <sys/types.h>

#include "err.h"

/* A name, or a number, which is not looked up. *gid is the user's own group, or that number.
 * ERR_NOTFOUND: there is none. */
enum err privileges_user(const char *name, uid_t *uid, gid_t *gid) MUST_CHECK;
enum err privileges_group(const char *name, gid_t *gid) MUST_CHECK;

/* For good, with no other groups and no capabilities. Refuses root. */
enum err privileges_drop(uid_t uid, gid_t gid, struct errmsg *msg) MUST_CHECK;

/* What is left when no other user has to be become: no capabilities, no privileges to be had by
 * executing anything, no core files. privileges_drop does that too. */
enum err privileges_renounce(struct errmsg *msg) MUST_CHECK;

#endif
