/* Whom the server has to do with; see ties.h. */
#include "server/ties.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "zones/log.h"

enum { STEPS = 400, STEP_NS = 5000000 };

void
ties_open(struct ties *ties)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (path == NULL || strlen(path) >= sizeof to.sun_path || path[0] == '\0')
        return;
    strcpy(to.sun_path, path);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, n) == 0)
        ties->notify = fd;
    else if (fd >= 0)
        (void)close(fd);
    const char *pid = getenv("WATCHDOG_PID"), *every = getenv("WATCHDOG_USEC");
    if (every != NULL && (pid == NULL || strtol(pid, NULL, 10) == (long)getpid()))
        ties->watchdog_us = strtol(every, NULL, 10);
    if (ties->watchdog_us < 0)
        ties->watchdog_us = 0;
}

void
ties_alive(const struct ties *ties)
{
    if (ties->watchdog_us > 0)
        ties_notify(ties, "WATCHDOG=1");
}

struct timespec
ties_tick(const struct ties *ties, time_t most_s)
{
    long quarter_us = ties->watchdog_us / 4;
    if (quarter_us == 0 || quarter_us / 1000000 >= most_s)
        return (struct timespec){.tv_sec = most_s};
    return (struct timespec){quarter_us / 1000000, quarter_us % 1000000 * 1000};
}

void
ties_notify(const struct ties *ties, const char *state)
{
    if (ties->notify >= 0)
        (void)send(ties->notify, state, strlen(state), MSG_NOSIGNAL);
}

void
ties_ready(struct ties *ties)
{
    if (ties->ready >= 0) {
        (void)!write(ties->ready, "", 1);
        (void)close(ties->ready);
    }
    ties->ready = -1;
}

void
ties_reload(const struct ties *ties)
{
    if (ties->companion > 0)
        (void)kill(ties->companion, SIGHUP);
}

bool
ties_ended(struct ties *ties, pid_t pid)
{
    if (ties->companion <= 0 || pid != ties->companion)
        return false;
    ties->companion = 0;
    log_line(LOG_LEVEL_ERROR,
        "the loader has ended: changed files are not read any more; restart for that");
    return true;
}

void
ties_end(struct ties *ties)
{
    static const struct timespec pause = {.tv_nsec = STEP_NS};
    if (ties->companion <= 0)
        return;
    (void)kill(ties->companion, SIGTERM);
    for (unsigned step = 0; step < STEPS; step++) {
        if (waitpid(ties->companion, NULL, WNOHANG) != 0)
            break;
        if (step == STEPS - 1)
            (void)kill(ties->companion, SIGKILL);
        (void)nanosleep(&pause, NULL);
    }
    ties->companion = 0;
}
