/* One run at a time; see runlock.h. */
#include "loader/runlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "loader/clock.h"
#include "zones/log.h"
#include "zones/ownfile.h"

static bool
wait_for_lock(int fd, const char *path, uint32_t wait_s)
{
    static const struct timespec pause = {.tv_nsec = 20000000};
    double end = clock_seconds(CLOCK_MONOTONIC) + wait_s;
    bool said = false;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_seconds(CLOCK_MONOTONIC) >= end)
            return false;
        if (!said)
            log_line(LOG_LEVEL_INFO, "%s: another run is active; waiting at most %u s for its end",
                path, wait_s);
        said = true;
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

static const char *
advice_on(int error)
{
    return error == ENOENT ? "create state_dir, owned by the loader's user"
           : error == EACCES || error == EPERM
               ? "run this as the loader's user, to whom state_dir must belong"
               : "make state_dir writable";
}

enum exit_code
runlock_get(const struct conf *conf, uint32_t wait_s, int *fd, struct errmsg *msg)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/lock", conf->state_dir);
    *fd = n < 0 || (size_t)n >= sizeof path ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (*fd < 0) {
        (void)errmsg_set(msg, ERR_IO, "%s: %s; %s", path, strerror(errno), advice_on(errno));
        return EXIT_FAILED;
    }
    ownfile_give(path);
    if (wait_for_lock(*fd, path, wait_s))
        return EXIT_DONE;
    (void)close(*fd);
    *fd = -1;
    (void)errmsg_set(msg, ERR_BUSY, "%s: another run is active; let it end", path);
    return EXIT_LOCKED;
}
