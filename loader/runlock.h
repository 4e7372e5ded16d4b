/* One run at a time: an flock on <state_dir>/lock. */
#ifndef LOADER_RUNLOCK_H
#define LOADER_RUNLOCK_H

#include "loader/exitcode.h"
#include "zones/zoneconf.h"

/* Waits at most so many seconds for an active run to end, and says once that it waits. *fd is the
 * lock until it is closed. EXIT_LOCKED: the other run still goes on. */
enum exit_code runlock_get(const struct conf *conf, uint32_t wait_s, int *fd, struct errmsg *msg);

#endif
