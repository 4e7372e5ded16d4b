/*
 * Privileges: what the process may still do once its sockets are bound.
 */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include "zones/zoneconf.h"

/* Started as root: becomes conf's user and group, for good. Then, in any case: no new privileges by
 * executing anything. The message names the user and what to do. */
enum err sandbox_drop(const struct conf *conf, struct errmsg *msg) MUST_CHECK;

#endif
