/*
 * What a process that repdnsd was started by, or with, has to do with it: systemd, a front that
 * waits for it, a loader that lives beside it.
 */
#ifndef SERVER_TIES_H
#define SERVER_TIES_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct ties {
    int notify;       /* a socket to systemd, -1: there is none */
    long watchdog_us; /* systemd wants a sign of life so often; 0: it does not */
    int ready;        /* who waits there for a byte, -1: nobody */
    pid_t companion;  /* a child that gets SIGHUP and SIGTERM too; 0: there is none */
};

/* Connects to systemd (sd_notify(3)), if it said where: before a chroot. */
void ties_open(struct ties *ties);
/* One datagram to systemd. */
void ties_notify(const struct ties *ties, const char *state);
/* A sign of life, where one is wanted (sd_watchdog_enabled(3)). */
void ties_alive(const struct ties *ties);
/* How long to wait between two of them: a quarter of what is allowed, at most most_s. */
struct timespec ties_tick(const struct ties *ties, time_t most_s);
/* Tells whoever waits that queries are answered from now on. */
void ties_ready(struct ties *ties);

void ties_reload(const struct ties *ties);
/* Whether the child that ended was the companion, which is told. */
bool ties_ended(struct ties *ties, pid_t pid);
/* Ends the companion, by force if need be. */
void ties_end(struct ties *ties);

#endif
