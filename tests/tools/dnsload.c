/*
 * A load for DNS servers: asks the names of a file over UDP, in turn, for so long.
 *
 *   dnsload [-c] [-s SOCKETS] [-b BATCH] [-r RATE] ADDR PORT SECONDS NAMES [WINDOW]
 *
 * NAMES has a name a line, and behind it TXT if not A is asked. WINDOW (256) are in flight, or with
 * -r so many are sent a second whatever comes back (0: as fast as can be). -c: every query has an
 * OPT with the server's cookie, which is asked for first; a server that has none gets the client's.
 *
 * One line: answered, lost, answered per second; rcodes and records of the answers; with -r the
 * median and 99th percentile in microseconds of the time from when a query was due. Time, not this
 * program, bounds the load: it needs a processor of its own, and does not sleep.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "zones/wire.h"

enum { BATCH_MAX = 256, SOCKETS_MAX = 64, QUERY_MAX = 340, REPLY_MAX = 1500, NAMES_MAX = 2000000 };
enum { IDS = 65536, ROOM = 4 << 20, TIMEOUT_MS = 100, LATENCIES = 100000, RCODES = 16 };
enum { HEADER = 12, RR_A = 1, RR_TXT = 16, CLIENT_COOKIE = 8, COOKIE_MAX = 40 };

struct question {
    uint16_t n;
    uint8_t packet[QUERY_MAX];
};

/* A query's id is its number on its socket. */
struct line {
    int fd;
    uint16_t next;
    unsigned flying;
    double due_at[IDS]; /* 0: not on its way */
};

struct load {
    struct question *questions;
    size_t count, at;
    unsigned lines_count, batch, window;
    double rate; /* below 0: WINDOW decides */
    uint8_t cookie[COOKIE_MAX];
    size_t cookie_n;
    struct line *lines;
    unsigned long sent, answered, lost, rcodes[RCODES], records;
    unsigned long latencies[LATENCIES + 1]; /* by microseconds; the last: longer */
};

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "dnsload: %s: %s\n", what, errno != 0 ? strerror(errno) : "no use");
    exit(1);
}

static double
now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
make_query(struct question *question, const struct dname *name, uint16_t type,
    const uint8_t *cookie, size_t cookie_n)
{
    struct wire_out w = wire_out_of(question->packet, QUERY_MAX);
    wire_put(&w, "\0\0\0\0\0\1\0\0\0\0\0", 11);
    wire_put_u8(&w, cookie_n > 0);
    wire_put(&w, name->b, name->len);
    wire_put_u16(&w, type);
    wire_put_u16(&w, 1);
    if (cookie_n > 0) {
        wire_put(&w, "\0\0\x29\4\xd0\0\0\0\0", 9); /* OPT of 1232 bytes */
        wire_put_u16(&w, (uint16_t)(cookie_n + 4));
        wire_put_u16(&w, 10);
        wire_put_u16(&w, (uint16_t)cookie_n);
        wire_put(&w, cookie, cookie_n);
    }
    question->n = (uint16_t)w.n;
}

static void
read_names(struct load *load, const char *path)
{
    char line[1200];
    size_t room = 1024;
    load->questions = malloc(room * sizeof *load->questions);
    FILE *file = fopen(path, "re");
    if (file == NULL || load->questions == NULL)
        die(path);
    while (load->count < NAMES_MAX && fgets(line, sizeof line, file) != NULL) {
        struct dname name;
        size_t n = strcspn(line, " \r\n");
        if (dname_parse(line, n, &name) < 0)
            continue;
        if (load->count == room)
            load->questions = reallocarray(load->questions, room *= 2, sizeof *load->questions);
        if (load->questions == NULL)
            die("memory");
        make_query(&load->questions[load->count++], &name,
            strncmp(line + n, " TXT", 4) == 0 ? RR_TXT : RR_A, load->cookie, load->cookie_n);
    }
    (void)fclose(file);
    errno = 0;
    if (load->count == 0)
        die(path);
}

/* The cookie option of a response whose records before the OPT are none. */
static void
take_cookie(struct load *load, const uint8_t *reply, size_t n)
{
    struct wire_in in = wire_in_of(reply, n);
    wire_skip(&in, HEADER);
    wire_skip_name(&in);
    wire_skip(&in, 4 + 9 + 2); /* up to the first option */
    while (in.at < in.n && !in.failed) {
        uint16_t code = wire_get_u16(&in), size = wire_get_u16(&in);
        const uint8_t *bytes = in.p + in.at;
        wire_skip(&in, size);
        if (in.failed || code != 10 || size > COOKIE_MAX)
            continue;
        memcpy(load->cookie, bytes, size);
        load->cookie_n = size;
    }
}

/* Asks for a name that no server has, so that its answer has nothing but the OPT; NAMES are asked
 * with what comes back. */
static void
ask_cookie(struct load *load, int fd)
{
    static const struct dname other = {6, "\004none"};
    struct question question;
    uint8_t reply[REPLY_MAX];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    load->cookie_n = CLIENT_COOKIE;
    memcpy(load->cookie, "dnsload!", CLIENT_COOKIE);
    make_query(&question, &other, RR_A, load->cookie, load->cookie_n);
    if (send(fd, question.packet, question.n, 0) < 0 || poll(&wait, 1, 1000) != 1)
        return;
    ssize_t n = recv(fd, reply, sizeof reply, MSG_DONTWAIT);
    if (n > HEADER)
        take_cookie(load, reply, (size_t)n);
}

/* Of at most wanted queries, of which the first is due at due and another one each gap. */
static unsigned
send_some(struct load *load, struct line *line, unsigned wanted, double due, double gap)
{
    struct mmsghdr out[BATCH_MAX];
    struct iovec vec[BATCH_MAX];
    unsigned n = wanted < load->batch ? wanted : load->batch;
    if (n > load->count)
        n = (unsigned)load->count;
    for (unsigned i = 0; i < n; i++) {
        struct question *question = &load->questions[(load->at + i) % load->count];
        uint16_t id = (uint16_t)(line->next + i);
        question->packet[0] = (uint8_t)(id >> 8);
        question->packet[1] = (uint8_t)id;
        vec[i] = (struct iovec){question->packet, question->n};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &vec[i], .msg_iovlen = 1};
    }
    int sent = sendmmsg(line->fd, out, n, MSG_DONTWAIT);
    for (int i = 0; i < sent; i++) {
        double *at = &line->due_at[line->next++];
        if (*at != 0) { /* its id was used a round ago, and not answered */
            load->lost++;
            line->flying--;
        }
        *at = due + i * gap;
    }
    if (sent <= 0)
        return 0;
    line->flying += (unsigned)sent;
    load->sent += (unsigned)sent;
    load->at = (load->at + (size_t)sent) % load->count;
    return (unsigned)sent;
}

static void
take_reply(struct load *load, struct line *line, const uint8_t *reply, double at)
{
    double *due = &line->due_at[reply[0] << 8 | reply[1]];
    if (*due == 0)
        return;
    double us = (at - *due) * 1e6;
    load->latencies[us < 0 ? 0 : us > LATENCIES ? LATENCIES : (size_t)us]++;
    *due = 0;
    line->flying--;
    load->answered++;
    load->rcodes[reply[3] & 15]++;
    load->records += (unsigned)(reply[6] << 8 | reply[7]);
}

static unsigned
receive_some(struct load *load, struct line *line)
{
    static uint8_t reply[BATCH_MAX][REPLY_MAX];
    struct mmsghdr in[BATCH_MAX];
    struct iovec vec[BATCH_MAX];
    for (unsigned i = 0; i < load->batch; i++) {
        vec[i] = (struct iovec){reply[i], REPLY_MAX};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &vec[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(line->fd, in, load->batch, MSG_DONTWAIT, NULL);
    double at = n > 0 ? now() : 0;
    for (int i = 0; i < n; i++)
        if (in[i].msg_len >= HEADER)
            take_reply(load, line, reply[i], at);
    return n > 0 ? (unsigned)n : 0;
}

static void
give_up(struct load *load)
{
    for (unsigned i = 0; i < load->lines_count; i++) {
        load->lost += load->lines[i].flying;
        load->lines[i].flying = 0;
        memset(load->lines[i].due_at, 0, sizeof load->lines[i].due_at);
    }
}

/* How many a line may send now. */
static unsigned
wanted(const struct load *load, const struct line *line, double since_start)
{
    const unsigned each = load->window / load->lines_count;
    if (load->rate < 0)
        return line->flying < each ? each - line->flying : 0;
    if (load->rate == 0)
        return load->batch;
    double due = since_start * load->rate - (double)load->sent;
    return due < 1 ? 0 : due > BATCH_MAX ? BATCH_MAX : (unsigned)due;
}

static void
run(struct load *load, double start, double seconds)
{
    double at, heard = start, gap = load->rate > 0 ? 1 / load->rate : 0;
    while ((at = now()) < start + seconds)
        for (unsigned i = 0; i < load->lines_count; i++) {
            struct line *line = &load->lines[i];
            if (receive_some(load, line) > 0)
                heard = at;
            unsigned n = wanted(load, line, at - start);
            if (n > 0)
                (void)send_some(
                    load, line, n, load->rate > 0 ? start + (double)load->sent * gap : at, gap);
            if (load->rate < 0 && at - heard > TIMEOUT_MS / 1e3) {
                give_up(load);
                heard = at;
            }
        }
    while (now() < at + TIMEOUT_MS / 1e3) /* what is still on its way */
        for (unsigned i = 0; i < load->lines_count; i++)
            (void)receive_some(load, &load->lines[i]);
    give_up(load);
}

static unsigned
percentile(const struct load *load, double part)
{
    double sum = 0;
    unsigned us = 0;
    while (us < LATENCIES && (sum += (double)load->latencies[us]) < part * (double)load->answered)
        us++;
    return us;
}

static void
print(const struct load *load, double seconds)
{
    unsigned long other = load->answered - load->rcodes[0] - load->rcodes[3];
    printf("%lu answered %lu lost %.0f per second %lu noerror %lu nxdomain %lu other %lu records",
        load->answered, load->lost, (double)load->answered / seconds, load->rcodes[0],
        load->rcodes[3], other, load->records);
    if (load->rate > 0)
        printf(" %u p50 %u p99", percentile(load, .5), percentile(load, .99));
    printf(" %zu cookie\n", load->cookie_n);
}

static void
open_lines(struct load *load, const struct sockaddr_in *to)
{
    const int room = ROOM;
    load->lines = calloc(load->lines_count, sizeof *load->lines);
    if (load->lines == NULL)
        die("memory");
    for (unsigned i = 0; i < load->lines_count; i++) {
        int fd = load->lines[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof *to) != 0)
            die("connect");
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    }
}

static unsigned
number(const char *text, unsigned least, unsigned most)
{
    unsigned long n = strtoul(text, NULL, 10);
    return n < least ? least : n > most ? most : (unsigned)n;
}

int
main(int argc, char **argv)
{
    static struct load load = {.lines_count = 1, .batch = 32, .window = 256, .rate = -1};
    struct sockaddr_in to = {.sin_family = AF_INET};
    bool cookie = false;
    for (int c; (c = getopt(argc, argv, "cs:b:r:")) != -1;)
        if (c == 'c')
            cookie = true;
        else if (c == 's')
            load.lines_count = number(optarg, 1, SOCKETS_MAX);
        else if (c == 'b')
            load.batch = number(optarg, 1, BATCH_MAX);
        else if (c == 'r')
            load.rate = strtod(optarg, NULL);
        else
            return 2;
    argv += optind;
    if (argc - optind < 4 || inet_pton(AF_INET, argv[0], &to.sin_addr) != 1) {
        fprintf(stderr, "usage: dnsload [-c] [-s SOCKETS] [-b BATCH] [-r RATE] "
                        "ADDR PORT SECONDS NAMES [WINDOW]\n");
        return 2;
    }
    to.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    if (argc - optind > 4)
        load.window = number(argv[4], load.lines_count, IDS / 2);
    open_lines(&load, &to);
    if (cookie)
        ask_cookie(&load, load.lines[0].fd);
    read_names(&load, argv[3]);
    double start = now(), seconds = strtod(argv[2], NULL);
    run(&load, start, seconds);
    print(&load, seconds);
    for (unsigned i = 0; i < load.lines_count; i++)
        (void)close(load.lines[i].fd);
    free(load.lines);
    free(load.questions);
    return 0;
}
