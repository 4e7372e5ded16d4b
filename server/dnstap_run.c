/* The process for dnstap; see dnstap.h. libfstrm does the framing; the descriptor and the waiting
 * are ours, so that no reader can keep it from ending. */
#include <errno.h>
#include <fcntl.h>
#include <fstrm.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/dnstap.h"
#include "zones/log.h"
#include "zones/socketaddr.h"

enum {
    IDLE_MS = 20,       /* to the next look at rings that were empty */
    RETRY_MS = 1000,    /* after nobody was there to read */
    ENDING_MS = 100,    /* for a reader who does not read, at the end */
    HANDSHAKE_MS = 5000 /* for one who does not speak */
};

struct tap {
    const struct dnstap_conf *conf;
    struct logring *rings;
    unsigned count;
    struct counters *counters;
    int signals;
    int fd;
    struct fstrm_writer *writer; /* NULL: nobody reads */
    bool told, ending;
};

static void
trouble(struct tap *tap, const char *what, const char *why)
{
    if (!tap->told)
        log_line(LOG_LEVEL_ERROR, "dnstap %s: %s%s%s; trying again every second", tap->conf->path,
            what, why[0] != '\0' ? ": " : "", why);
    tap->told = true;
}

static void
read_signals(struct tap *tap)
{
    struct signalfd_siginfo info;
    while (read(tap->signals, &info, sizeof info) == (ssize_t)sizeof info)
        tap->ending = tap->ending || info.ssi_signo == (uint32_t)SIGTERM;
}

/* False if the descriptor is not ready in time; at the end that is soon. */
static bool
wait_for(struct tap *tap, short events, int most_ms)
{
    struct pollfd fds[2] = {{.fd = tap->fd, .events = events},
        {.fd = tap->ending ? -1 : tap->signals, .events = POLLIN}};
    for (;;) {
        int n = poll(fds, 2, tap->ending ? ENDING_MS : most_ms);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || fds[0].revents != 0)
            return n > 0;
        read_signals(tap);
        fds[1].fd = tap->ending ? -1 : tap->signals;
    }
}

/* libfstrm's four. */
static fstrm_res
on_open(void *ctx)
{
    const struct tap *tap = ctx;
    return tap->fd >= 0 ? fstrm_res_success : fstrm_res_failure;
}

static fstrm_res
on_close(void *ctx)
{
    struct tap *tap = ctx;
    if (tap->fd >= 0)
        (void)close(tap->fd);
    tap->fd = -1;
    return fstrm_res_success;
}

static fstrm_res
on_read(void *ctx, void *bytes, size_t n)
{
    struct tap *tap = ctx;
    for (uint8_t *at = bytes; n > 0;) {
        if (!wait_for(tap, POLLIN, HANDSHAKE_MS))
            return fstrm_res_failure;
        ssize_t got = read(tap->fd, at, n);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return fstrm_res_failure;
        at += got > 0 ? got : 0;
        n -= got > 0 ? (size_t)got : 0;
    }
    return fstrm_res_success;
}

static bool
write_all(struct tap *tap, const uint8_t *at, size_t n)
{
    while (n > 0) {
        if (!wait_for(tap, POLLOUT, -1))
            return false;
        ssize_t put = write(tap->fd, at, n);
        if (put < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        at += put > 0 ? put : 0;
        n -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

static fstrm_res
on_write(void *ctx, const struct iovec *parts, int count)
{
    for (int i = 0; i < count; i++)
        if (!write_all(ctx, parts[i].iov_base, parts[i].iov_len))
            return fstrm_res_failure;
    return fstrm_res_success;
}

/* A socket that somebody listens at, else a file, which begins anew. */
static int
open_path(const char *path, bool *local)
{
    struct socketaddr address;
    struct stat st;
    *local = stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
    if (!*local)
        return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0640);
    return socketaddr_of_path(path, &address) ? socketaddr_connect(&address, SOCK_NONBLOCK) : -1;
}

static void
open_writer(struct tap *tap)
{
    bool local;
    tap->fd = open_path(tap->conf->path, &local);
    if (tap->fd < 0) {
        trouble(tap, "can't be opened", strerror(errno));
        return;
    }
    struct fstrm_rdwr *rdwr = fstrm_rdwr_init(tap);
    struct fstrm_writer_options *options = fstrm_writer_options_init();
    fstrm_rdwr_set_open(rdwr, on_open);
    fstrm_rdwr_set_close(rdwr, on_close);
    fstrm_rdwr_set_write(rdwr, on_write);
    /* Whoever listens at a socket says what it takes, and when it has all. */
    if (local)
        fstrm_rdwr_set_read(rdwr, on_read);
    (void)fstrm_writer_options_add_content_type(options, DNSTAP_CONTENT, sizeof DNSTAP_CONTENT - 1);
    tap->writer = fstrm_writer_init(options, &rdwr);
    fstrm_writer_options_destroy(&options);
    if (tap->writer != NULL && fstrm_writer_open(tap->writer) == fstrm_res_success) {
        if (tap->told)
            log_line(LOG_LEVEL_INFO, "dnstap %s: open", tap->conf->path);
        tap->told = false;
        return;
    }
    trouble(tap, "nobody there speaks dnstap", "");
    (void)fstrm_writer_destroy(&tap->writer);
    (void)on_close(tap);
}

/* Both frames of one record; false if they could not be written. */
static bool
write_record(struct tap *tap, const uint8_t *record, size_t n)
{
    uint8_t frame[DNSTAP_FRAME_MAX];
    for (unsigned response = 0; response < 2; response++) {
        size_t frame_n = dnstap_frame(record, n, response == 1, tap->conf->identity, frame);
        if (frame_n > 0 && fstrm_writer_write(tap->writer, frame, frame_n) != fstrm_res_success)
            return false;
    }
    return true;
}

/* Writes what the rings have; false if there was nothing. */
static bool
drain(struct tap *tap)
{
    uint8_t record[LOGRING_RECORD_MAX];
    bool any = false;
    for (unsigned i = 0; i < tap->count && tap->writer != NULL; i++) {
        size_t n = logring_get(&tap->rings[i], record);
        if (n == 0)
            continue;
        any = true;
        if (write_record(tap, record, n))
            continue;
        tap->counters->of[COUNTER_DNSTAP_LOST]++;
        if (!tap->ending)
            trouble(tap, "its reader has gone", "");
        (void)fstrm_writer_destroy(&tap->writer);
        (void)on_close(tap);
    }
    return any;
}

static void
count_lost(struct tap *tap)
{
    uint8_t record[LOGRING_RECORD_MAX];
    uint64_t lost = 0;
    for (unsigned i = 0; i < tap->count; i++)
        while (logring_get(&tap->rings[i], record) > 0)
            lost++;
    tap->counters->of[COUNTER_DNSTAP_LOST] += lost;
    if (lost > 0)
        log_line(LOG_LEVEL_WARNING, "dnstap %s: the last %llu answers could not be written",
            tap->conf->path, (unsigned long long)lost);
}

static void
loop(struct tap *tap)
{
    struct pollfd fd = {.fd = tap->signals, .events = POLLIN};
    while (!tap->ending) {
        if (tap->writer == NULL)
            open_writer(tap);
        int wait_ms = tap->writer == NULL ? RETRY_MS : drain(tap) ? 0 : IDLE_MS;
        if (poll(&fd, 1, wait_ms) > 0)
            read_signals(tap);
    }
    while (drain(tap))
        continue;
}

int
dnstap_run(const struct dnstap_conf *conf, struct logring *rings, unsigned count,
    struct counters *counters)
{
    struct tap tap = {.conf = conf, .rings = rings, .count = count, .counters = counters, .fd = -1};
    sigset_t set;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    tap.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (tap.signals < 0) {
        log_line(LOG_LEVEL_ERROR, "dnstap: signalfd: %s", strerror(errno));
        return 1;
    }
    loop(&tap);
    (void)fstrm_writer_destroy(&tap.writer);
    count_lost(&tap);
    (void)close(tap.signals);
    return 0;
}
