/*
 * Privileges: what a process may still do once its sockets are bound. Three fences, one behind the
 * other: another user without capabilities; Landlock, by which a worker reads the store's folder
 * and nothing else; seccomp, by which it has only the system calls of its role (sandbox.def).
 */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include <stdatomic.h>

#include "zones/zoneconf.h"

enum sandbox_role {
#define SANDBOX_ROLE(id, name) SANDBOX_##id,
#include "server/sandbox.def"
    SANDBOX_ROLES
};

const char *sandbox_role_name(enum sandbox_role role);

/* Started as root: becomes conf's user and group, for good. Then, in any case: no capabilities, no
 * new privileges by executing anything. The message names the user and what to do. */
enum err sandbox_drop(const struct conf *conf, struct errmsg *msg) MUST_CHECK;

/* Binds the process to its role, for good; the supervisor first, each child then to its own.
 * trespass: where the number of a call is left that the profile does not have, before the process
 * ends of SIGSYS; shared with who waits for it. NULL: a line on standard error says it. */
enum err sandbox_enter(enum sandbox_role role, const struct conf *conf, _Atomic int *trespass,
    struct errmsg *msg) MUST_CHECK;

/* The supervisor's, before the first child: a line of what is in force, a warning if that is less
 * than there should be. */
void sandbox_tell(const struct conf *conf);

enum { SANDBOX_CALL_SIZE = 64 };
/* "59 (execve)". */
void sandbox_call_name(int call, char out[SANDBOX_CALL_SIZE]);

#endif
