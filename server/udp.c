/*
 * The UDP worker: batches from the kernel, one snapshot and one clock reading a batch.
 *
 * With one socket it waits in the receiving call itself: two system calls a batch, which is what
 * decides where batches are short. A tick ends that wait every TICK_MS; only then, and about as
 * often under load, are signals looked for. With several sockets, and once nothing comes, poll
 * waits for all of them and for signals.
 *
 * The tick is one timer that goes on by itself. A time-out of the socket would be set and taken
 * back at each wait, and the kernel would look for its next timer whenever the worker sleeps.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "server/listen.h"
#include "server/worker.h"

/* Larger batches gain nothing measurable; a query of over 1,500 bytes is no query. */
enum { BATCH = 64, QUERY_SIZE = 1536, CONTROL_SIZE = 64, POLL_MS = 1000 };
/* What a worker that waits for queries may take to see a signal. Shorter would wake it for nothing,
 * longer would be felt at a reload. */
enum { TICK_MS = 10 };
/* One of so many batches is timed: two readings of a clock, some 50 ns, in 16 times the 3,000 that
 * a batch costs even if it is of one query. */
enum { TIMED = 16 };

struct batch {
    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec in_vec[BATCH], out_vec[BATCH];
    struct sockaddr_in6 from[BATCH];
    uint8_t query[BATCH][QUERY_SIZE];
    uint8_t reply[BATCH][ANSWER_UDP_MAX];
    _Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_SIZE];
    unsigned untimed; /* batches since the last that was timed */
    bool ticking;
};

/* Makes the first count messages ready to receive again. */
static void
prepare(struct batch *batch, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        batch->in_vec[i] = (struct iovec){batch->query[i], QUERY_SIZE};
        batch->in[i].msg_hdr = (struct msghdr){.msg_name = &batch->from[i],
            .msg_namelen = sizeof batch->from[i],
            .msg_iov = &batch->in_vec[i],
            .msg_iovlen = 1,
            .msg_control = batch->control[i],
            .msg_controllen = CONTROL_SIZE};
    }
}

/* The interface that a query came by need not be the way back to its sender. */
static void
loosen_interface(struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            info.ipi_ifindex = 0;
            memcpy(CMSG_DATA(c), &info, sizeof info);
        }
}

/* Answers the first count of the batch; returns how many replies are in out. */
static unsigned
answer_batch(struct worker *worker, struct batch *batch, unsigned count)
{
    unsigned replies = 0;
    int64_t now_s = worker_now_s();
    for (unsigned i = 0; i < count; i++) {
        struct msghdr *in = &batch->in[i].msg_hdr;
        struct answer_note note = {.dropped = true, .drop = DROP_LARGE};
        const struct request request = {.packet = batch->query[i],
            .len = batch->in[i].msg_len,
            .client = sockaddr_ip(&batch->from[i]),
            .port = ntohs(batch->from[i].sin6_port),
            .gate = worker->gate};
        size_t n = 0;
        if ((in->msg_flags & MSG_TRUNC) == 0)
            n = answer(worker->views, worker->snapshot, &request, now_s, batch->reply[i],
                ANSWER_UDP_MAX, &note);
        worker_note(worker, &request, &note, batch->reply[i], n, now_s);
        if (n == 0)
            continue;
        loosen_interface(in);
        batch->out_vec[replies] = (struct iovec){batch->reply[i], n};
        batch->out[replies].msg_hdr = (struct msghdr){.msg_name = in->msg_name,
            .msg_namelen = in->msg_namelen,
            .msg_iov = &batch->out_vec[replies],
            .msg_iovlen = 1,
            .msg_control = in->msg_controllen > 0 ? in->msg_control : NULL,
            .msg_controllen = in->msg_controllen};
        replies++;
    }
    return replies;
}

static void
send_batch(struct worker *worker, struct batch *batch, int fd, unsigned replies)
{
    unsigned sent = 0;
    while (sent < replies) {
        int n = sendmmsg(fd, batch->out + sent, replies - sent, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            /* The first one can't be sent: its client is gone or the buffer full. Go on behind. */
            worker->counters->of[COUNTER_UNSENT]++;
            n = 1;
        }
        sent += (unsigned)n;
    }
}

static int64_t
clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Since from_ns, or since the kernel received the batch's last query, which it notes from the first
 * time on that it is asked. */
static void
note_latency(struct worker *worker, int fd, int64_t from_ns)
{
    struct timespec received;
    int64_t took_ns = clock_ns(CLOCK_MONOTONIC) - from_ns;
    if (worker->conf->metrics.kernel_latency && ioctl(fd, SIOCGSTAMPNS, &received) == 0)
        took_ns =
            clock_ns(CLOCK_REALTIME) - (int64_t)received.tv_sec * 1000000000 - received.tv_nsec;
    counters_latency(worker->counters, took_ns);
}

/* Answers one batch of a socket; returns how many messages it took, 0 if there were none. */
static unsigned
serve_batch(struct worker *worker, struct batch *batch, int fd, int flags)
{
    int n = recvmmsg(fd, batch->in, BATCH, flags, NULL);
    if (n <= 0)
        return 0;
    bool timed = ++batch->untimed >= TIMED;
    int64_t from_ns = timed ? clock_ns(CLOCK_MONOTONIC) : 0;
    counters_batch(worker->counters, (unsigned)n);
    snapshot_renew(worker->snapshot);
    unsigned replies = answer_batch(worker, batch, (unsigned)n);
    send_batch(worker, batch, fd, replies);
    if (timed) {
        note_latency(worker, fd, from_ns);
        batch->untimed = 0;
    }
    prepare(batch, (unsigned)n);
    snapshot_release(worker->snapshot);
    return (unsigned)n;
}

/* A full socket must not keep the signals waiting. */
static void
serve_all(struct worker *worker, struct batch *batch, const struct pollfd *fds, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++)
        for (unsigned rounds = 0; fds[i].revents != 0 && rounds < BATCH; rounds++)
            if (serve_batch(worker, batch, fds[i].fd, MSG_DONTWAIT) < BATCH)
                break;
}

static void
tick(int signal_number)
{
    (void)signal_number; /* it has ended the wait */
}

/* That it can't be set is no failure: poll then waits each time. */
static void
set_ticking(struct batch *batch, bool on)
{
    const struct timeval every = {.tv_usec = on ? TICK_MS * 1000 : 0};
    const struct itimerval timer = {every, every};
    if (on != batch->ticking && setitimer(ITIMER_REAL, &timer, NULL) == 0)
        batch->ticking = on;
}

/* Until the tick ends a wait, or it is time to look for signals. The tick is let in here alone. */
static void
serve_busy(struct worker *worker, struct batch *batch, int fd)
{
    int64_t until_ms = worker_now_ms() + TICK_MS;
    sigset_t alarm;
    (void)sigemptyset(&alarm);
    (void)sigaddset(&alarm, SIGALRM);
    set_ticking(batch, true);
    (void)sigprocmask(SIG_UNBLOCK, &alarm, NULL);
    while (batch->ticking && serve_batch(worker, batch, fd, MSG_WAITFORONE) > 0)
        if (worker_now_ms() >= until_ms)
            break;
    (void)sigprocmask(SIG_BLOCK, &alarm, NULL);
}

static void
serve(struct worker *worker, struct batch *batch, struct pollfd *fds, nfds_t count)
{
    for (;;) {
        int n = poll(fds, count, batch->ticking ? TICK_MS : POLL_MS);
        if (n == 0)
            set_ticking(batch, false);
        enum worker_order order =
            n > 0 && fds[0].revents != 0 ? worker_signalled(worker) : WORKER_GO_ON;
        if (order == WORKER_END)
            return;
        if (order == WORKER_FINISH)
            (void)poll(fds, count, 0); /* what came since */
        if (n == 0) {
            snapshot_renew(worker->snapshot);
            snapshot_release(worker->snapshot);
        }
        if (n > 0)
            serve_all(worker, batch, fds + 1, count - 1);
        if (order == WORKER_FINISH)
            return;
        if (n > 0 && count == 2)
            serve_busy(worker, batch, fds[1].fd);
        worker_tell(worker);
    }
}

int
udp_serve(struct worker *worker)
{
    nfds_t count = 1;
    struct pollfd *fds = calloc(worker->socket_count + 1, sizeof *fds);
    struct batch *batch = calloc(1, sizeof *batch);
    const struct sigaction on_tick = {.sa_handler = tick}; /* no SA_RESTART: it ends a wait */
    if (batch != NULL && fds != NULL) {
        (void)sigaction(SIGALRM, &on_tick, NULL);
        prepare(batch, BATCH);
        fds[0] = (struct pollfd){.fd = worker->signals, .events = POLLIN};
        for (unsigned i = 0; i < worker->socket_count; i++)
            fds[count++] = (struct pollfd){.fd = worker->sockets[i], .events = POLLIN};
        serve(worker, batch, fds, count);
    }
    int status = batch == NULL || fds == NULL;
    free(batch);
    free(fds);
    return status;
}
