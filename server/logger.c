/* The logger; see logger.h. */
#include "server/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/querylog.h"
#include "zones/log.h"

enum {
    BUSY_MS = 5,       /* to the next look after one that found nothing, and twice as long then */
    IDLE_MS = 40,      /* up to this: a burst of 300,000 queries a second fits into a ring */
    BLOCKED_MS = 100,  /* the reader of a pipe does not read: until it does, but not longer */
    RETRY_MS = 1000,   /* after the file could not be opened or written */
    TAKE = 256,        /* records of a ring before the next ring's turn */
    END_TURNS = 1000,  /* at the end, and no more: more than all rings can hold */
    NO_FILE = INT_MAX, /* the descriptor of what needs none */
    END_BLOCKED = 20   /* of BUSY_MS, for a reader who does not read */
};

struct logger {
    const struct query_log_conf *conf;
    struct logring *rings;
    unsigned count;
    struct counters *counters;
    int signals;
    int fd; /* -1: not open */
    bool told, ending;
    /* A pipe takes so much at once or nothing, and never mixes it with another writer's. */
    char buffer[PIPE_BUF];
    size_t n;
};

static bool
is_stdout(const struct logger *logger)
{
    return strcmp(logger->conf->path, "-") == 0;
}

/* Such a log has no file: the buffer is handed over line by line. */
static bool
is_syslog(const struct logger *logger)
{
    return logger->conf->facility != NULL;
}

static void
trouble(struct logger *logger, const char *what)
{
    if (!logger->told)
        log_line(LOG_LEVEL_ERROR, "query log %s: %s: %s; trying again every second",
            logger->conf->path, what, strerror(errno));
    logger->told = true;
}

static void
close_file(struct logger *logger)
{
    if (logger->fd >= 0 && !is_stdout(logger) && !is_syslog(logger))
        (void)close(logger->fd);
    logger->fd = -1;
}

/* The new one is opened before the old one is closed, so that a pipe's reader sees no end. */
static void
open_file(struct logger *logger)
{
    if (is_syslog(logger)) {
        logger->fd = NO_FILE;
        return;
    }
    int fd = is_stdout(logger)
                 ? STDOUT_FILENO
                 : open(logger->conf->path,
                       O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0) {
        trouble(logger, errno == ENXIO ? "nobody reads the pipe" : "can't be opened");
        close_file(logger);
        return;
    }
    if (logger->fd >= 0 && !is_stdout(logger))
        (void)close(logger->fd);
    logger->fd = fd;
    if (logger->told)
        log_line(LOG_LEVEL_INFO, "query log %s: open", logger->conf->path);
    logger->told = false;
}

static bool
flush_syslog(struct logger *logger)
{
    for (size_t at = 0; at < logger->n;) {
        const char *end = memchr(logger->buffer + at, '\n', logger->n - at);
        size_t n = end == NULL ? logger->n - at : (size_t)(end - logger->buffer) - at;
        log_syslog(logger->conf->facility, logger->buffer + at, n);
        at += n + 1;
    }
    logger->n = 0;
    return true;
}

/* Writes the buffer; false if that can't be done now. */
static bool
flush(struct logger *logger)
{
    if (is_syslog(logger))
        return flush_syslog(logger);
    while (logger->n > 0) {
        struct pollfd to = {.fd = logger->fd, .events = POLLOUT};
        /* Standard output is shared and may block, so it is asked first. */
        if (poll(&to, 1, 0) <= 0 || to.revents == 0)
            return false;
        ssize_t n = write(logger->fd, logger->buffer, logger->n);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (n < 0) {
            trouble(logger, "can't be written");
            close_file(logger);
            return false;
        }
        logger->n -= (size_t)n;
        memmove(logger->buffer, logger->buffer + n, logger->n);
    }
    return true;
}

/* Moves records of one ring into the buffer; false if the file takes no more. */
static bool
take(struct logger *logger, struct logring *ring, bool *any)
{
    uint8_t record[LOGRING_RECORD_MAX];
    for (unsigned i = 0; i < TAKE; i++) {
        if (sizeof logger->buffer - logger->n < QUERYLOG_LINE_MAX && !flush(logger))
            return false;
        size_t n = logring_get(ring, record);
        if (n == 0)
            return true;
        logger->n += querylog_format(record, n, logger->conf->text, logger->buffer + logger->n);
        *any = true;
    }
    return true;
}

/* One turn over all rings; false if the file takes no more. */
static bool
turn(struct logger *logger, bool *any)
{
    *any = false;
    for (unsigned i = 0; i < logger->count; i++)
        if (!take(logger, &logger->rings[i], any))
            return false;
    return flush(logger);
}

static void
read_signals(struct logger *logger)
{
    struct signalfd_siginfo info;
    while (read(logger->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == (uint32_t)SIGTERM)
            logger->ending = true;
        else
            open_file(logger);
    }
}

static void
wait_for(struct logger *logger, bool writable, int ms)
{
    struct pollfd fds[2] = {{.fd = logger->signals, .events = POLLIN},
        {.fd = writable ? logger->fd : -1, .events = POLLOUT}};
    (void)poll(fds, 2, ms);
    read_signals(logger);
}

static int
next_wait(int wait_ms, bool any)
{
    if (any)
        return 0;
    if (wait_ms == 0)
        return BUSY_MS;
    return wait_ms * 2 < IDLE_MS ? wait_ms * 2 : IDLE_MS;
}

static void
loop(struct logger *logger)
{
    int wait_ms = 0;
    while (!logger->ending) {
        bool any = false, went = false;
        if (logger->fd < 0)
            open_file(logger);
        if (logger->fd >= 0)
            went = turn(logger, &any);
        wait_ms = next_wait(wait_ms, any);
        if (logger->fd < 0)
            wait_for(logger, false, RETRY_MS);
        else
            wait_for(logger, !went, went ? wait_ms : BLOCKED_MS);
    }
}

/* Lines that nobody took: those of the buffer, the first perhaps in part, and those of the rings.
 */
static uint64_t
count_lost(struct logger *logger)
{
    uint8_t record[LOGRING_RECORD_MAX];
    uint64_t lost = 0;
    for (size_t i = 0; i < logger->n; i++)
        lost += logger->buffer[i] == '\n';
    for (unsigned i = 0; i < logger->count; i++)
        while (logring_get(&logger->rings[i], record) > 0)
            lost++;
    return lost;
}

/* The workers have ended, or are about to. */
static void
finish(struct logger *logger)
{
    unsigned quiet = 0, blocked = 0;
    for (unsigned turns = 0; turns < END_TURNS && quiet < 2 && blocked < END_BLOCKED; turns++) {
        bool any = false, went = logger->fd >= 0 && turn(logger, &any);
        quiet = went && !any ? quiet + 1 : 0;
        blocked += !went;
        if (!any || !went)
            wait_for(logger, !went, BUSY_MS);
    }
    uint64_t lost = count_lost(logger);
    logger->counters->of[COUNTER_LOG_LOST] += lost;
    if (lost > 0)
        log_line(LOG_LEVEL_WARNING, "query log %s: its last %llu lines could not be written",
            logger->conf->path, (unsigned long long)lost);
    close_file(logger);
}

int
logger_run(const struct query_log_conf *conf, struct logring *rings, unsigned count,
    struct counters *counters)
{
    sigset_t set;
    struct logger logger = {
        .conf = conf, .rings = rings, .count = count, .counters = counters, .fd = -1};
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(022);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    logger.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (logger.signals < 0) {
        log_line(LOG_LEVEL_ERROR, "query log: signalfd: %s", strerror(errno));
        return 1;
    }
    loop(&logger);
    finish(&logger);
    (void)close(logger.signals);
    return 0;
}
