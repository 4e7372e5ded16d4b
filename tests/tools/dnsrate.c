/*
 * Packets for a DNS server at a fixed rate, whatever it answers.
 *
 *   dnsrate ADDR PORT SECONDS RATE NAME       good queries, A of NAME; prints how many were
 * answered, the answers' times and the longest time without one dnsrate ADDR PORT SECONDS RATE
 * --hostile  what is no query: random bytes, queries that are cut short or have bytes changed,
 * responses
 *
 * An answer's time counts from when its query was due, so that a server that stands still is not
 * spared the queries of that time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "zones/wire.h"

enum { BATCH = 64, PACKET_MAX = 600, REPLY_MAX = 2048, IDS = 65536, KINDS = 4, AFTER_MS = 200 };

struct rate {
    int fd;
    bool hostile;
    double start, interval_s;
    unsigned long total, sent, answered;
    uint64_t random;
    uint8_t query[PACKET_MAX];
    size_t query_n;
    double due[IDS]; /* by id, 0: answered */
    float *times_us; /* of the answers */
    double last, gap;
};

static double
now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t
draw(struct rate *rate)
{
    rate->random ^= rate->random << 13;
    rate->random ^= rate->random >> 7;
    rate->random ^= rate->random << 17;
    return (uint32_t)(rate->random >> 16);
}

static size_t
make_hostile(struct rate *rate, uint8_t *out)
{
    size_t n = rate->query_n;
    memcpy(out, rate->query, n);
    switch (draw(rate) % KINDS) {
    case 0:
        n = draw(rate) % PACKET_MAX;
        for (size_t i = 0; i < n; i++)
            out[i] = (uint8_t)draw(rate);
        return n;
    case 1:
        return draw(rate) % n;
    case 2:
        for (unsigned i = draw(rate) % 6 + 1; i > 0; i--)
            out[draw(rate) % n] = (uint8_t)draw(rate);
        return n;
    default:
        out[2] |= 0x80; /* a response */
        return n;
    }
}

static size_t
make_good(struct rate *rate, uint8_t *out)
{
    size_t id = rate->sent % IDS;
    memcpy(out, rate->query, rate->query_n);
    out[0] = (uint8_t)(id >> 8);
    out[1] = (uint8_t)id;
    rate->due[id] = rate->start + (double)rate->sent * rate->interval_s;
    return rate->query_n;
}

/* What is due by now. */
static void
send_due(struct rate *rate)
{
    static uint8_t packets[BATCH][PACKET_MAX];
    struct mmsghdr out[BATCH];
    struct iovec vec[BATCH];
    unsigned long due = (unsigned long)((now() - rate->start) / rate->interval_s) + 1;
    unsigned n = 0;
    if (due > rate->total)
        due = rate->total;
    for (; rate->sent < due && n < BATCH; n++, rate->sent++) {
        size_t size = rate->hostile ? make_hostile(rate, packets[n]) : make_good(rate, packets[n]);
        vec[n] = (struct iovec){packets[n], size};
        out[n].msg_hdr = (struct msghdr){.msg_iov = &vec[n], .msg_iovlen = 1};
    }
    for (unsigned sent = 0; sent < n;) {
        int m = sendmmsg(rate->fd, out + sent, n - sent, 0);
        sent += m > 0 ? (unsigned)m : 1; /* refused: nobody listens at the moment */
    }
}

static void
take_answers(struct rate *rate)
{
    uint8_t reply[REPLY_MAX];
    for (ssize_t n; (n = recv(rate->fd, reply, sizeof reply, MSG_DONTWAIT)) > 0;) {
        double t = now();
        unsigned id = (unsigned)reply[0] << 8 | reply[1];
        if (rate->hostile || n < 2 || rate->due[id] <= 0)
            continue;
        rate->times_us[rate->answered++] = (float)((t - rate->due[id]) * 1e6);
        rate->due[id] = 0;
        rate->gap = t - rate->last > rate->gap ? t - rate->last : rate->gap;
        rate->last = t;
    }
}

static void
run(struct rate *rate)
{
    rate->start = rate->last = now();
    while (rate->sent < rate->total) {
        send_due(rate);
        double wait = rate->start + (double)rate->sent * rate->interval_s - now();
        const struct timespec pause = {.tv_nsec = wait > 0 ? (long)(wait * 1e9) % 1000000000 : 0};
        struct pollfd in = {.fd = rate->fd, .events = POLLIN};
        if (ppoll(&in, rate->hostile ? 0 : 1, &pause, NULL) > 0)
            take_answers(rate);
    }
    struct pollfd in = {.fd = rate->fd, .events = POLLIN};
    while (!rate->hostile && poll(&in, 1, AFTER_MS) > 0 && rate->answered < rate->total)
        take_answers(rate);
}

static int
by_time(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void
print(const struct rate *rate)
{
    printf("sent %lu\n", rate->sent);
    if (rate->hostile || rate->answered == 0)
        return;
    qsort(rate->times_us, rate->answered, sizeof *rate->times_us, by_time);
    printf("answered %lu\nlost %lu\nmedian-us %.0f\np99-us %.0f\nmost-us %.0f\ngap-ms %.0f\n",
        rate->answered, rate->sent - rate->answered, (double)rate->times_us[rate->answered / 2],
        (double)rate->times_us[rate->answered * 99 / 100],
        (double)rate->times_us[rate->answered - 1], rate->gap * 1e3);
}

int
main(int argc, char **argv)
{
    static struct rate rate = {.random = 88172645463325252U};
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct dname name;
    if (argc != 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || strtod(argv[4], NULL) <= 0) {
        fprintf(stderr, "usage: dnsrate ADDR PORT SECONDS RATE NAME|--hostile\n");
        return 2;
    }
    rate.hostile = strcmp(argv[5], "--hostile") == 0;
    const char *text = rate.hostile ? "2.0.0.127.ip.rep.example" : argv[5];
    to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    rate.interval_s = 1 / strtod(argv[4], NULL);
    rate.total = (unsigned long)(strtod(argv[3], NULL) / rate.interval_s);
    rate.times_us = calloc(rate.total + 1, sizeof *rate.times_us);
    rate.fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (rate.times_us == NULL || rate.fd < 0 || dname_parse(text, strlen(text), &name) < 0 ||
        connect(rate.fd, (struct sockaddr *)&to, sizeof to) != 0) {
        fprintf(stderr, "dnsrate: %s: %s\n", text, strerror(errno));
        return 1;
    }
    struct wire_out out = wire_out_of(rate.query, sizeof rate.query);
    wire_put_u32(&out, 0x00000100);
    wire_put_u32(&out, 0x00010000);
    wire_put_u32(&out, 0);
    wire_put(&out, name.b, name.len);
    wire_put_u32(&out, 0x00010001);
    rate.query_n = out.n;
    run(&rate);
    print(&rate);
    free(rate.times_us);
    (void)close(rate.fd);
    return rate.hostile || rate.answered > 0 ? 0 : 1;
}
