/* What the files of the sandbox share. */
#ifndef SERVER_SANDBOX_INTERNAL_H
#define SERVER_SANDBOX_INTERNAL_H

#include "server/sandbox.h"

/* Roles as a set. */
enum {
#define SANDBOX_ROLE(id, name) IN_##id = 1U << SANDBOX_##id,
#include "server/sandbox.def"
    EVERY = (1U << SANDBOX_ROLES) - 1,
    WORKERS = IN_UDP | IN_TCP,
    WRITERS = IN_LOGGER | IN_DNSTAP
};

/* sandbox_calls.c: where a forbidden call is noted, then the seccomp profile. */
void sandbox_catch(enum sandbox_role role, _Atomic int *trespass);
enum err sandbox_limit_calls(
    enum sandbox_role role, enum conf_seccomp action, struct errmsg *msg) MUST_CHECK;

/* sandbox_files.c: Landlock. The version that this kernel has, 0: none. */
int sandbox_landlock(void);
/* Does nothing for the supervisor, which reads and writes what a configuration may yet name. */
enum err sandbox_limit_files(
    enum sandbox_role role, const struct conf *conf, struct errmsg *msg) MUST_CHECK;

#endif
