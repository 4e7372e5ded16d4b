/*
 * A load for DNS servers: asks the names of a file over UDP, so many in flight, for so long, and
 * prints how many were answered.
 *
 *   dnsload ADDR PORT SECONDS NAMES [WINDOW]
 *
 * NAMES has a name a line, asked for A in turn. Time, not this program, bounds the load: it needs a
 * processor of its own.
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

enum { BATCH = 32, QUERY_MAX = 300, REPLY_MAX = 1500, NAMES_MAX = 2000000 };

struct question {
    uint16_t n;
    uint8_t packet[QUERY_MAX];
};

static struct question *
read_names(const char *path, size_t *count)
{
    char line[1024];
    size_t room = 1024;
    struct question *out = malloc(room * sizeof *out);
    FILE *file = fopen(path, "re");
    *count = 0;
    while (file != NULL && out != NULL && *count < NAMES_MAX &&
           fgets(line, sizeof line, file) != NULL) {
        struct dname name;
        if (dname_parse(line, strcspn(line, "\r\n"), &name) < 0)
            continue;
        if (*count == room)
            out = reallocarray(out, room *= 2, sizeof *out);
        if (out == NULL)
            break;
        struct question *question = &out[(*count)++];
        struct wire_out w = wire_out_of(question->packet, QUERY_MAX);
        wire_put_u32(&w, 0x00000100);
        wire_put_u32(&w, 0x00010000);
        wire_put_u32(&w, 0);
        wire_put(&w, name.b, name.len);
        wire_put_u32(&w, 0x00010001);
        question->n = (uint16_t)w.n;
    }
    if (file != NULL)
        (void)fclose(file);
    return out;
}

static double
now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned
send_some(int fd, struct question *questions, size_t count, size_t *next, unsigned wanted)
{
    struct mmsghdr out[BATCH];
    struct iovec vec[BATCH];
    unsigned n = wanted < BATCH ? wanted : BATCH;
    for (unsigned i = 0; i < n; i++) {
        struct question *question = &questions[(*next + i) % count];
        vec[i] = (struct iovec){question->packet, question->n};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &vec[i], .msg_iovlen = 1};
    }
    int sent = sendmmsg(fd, out, n, 0);
    if (sent < 0)
        return 0;
    *next = (*next + (size_t)sent) % count;
    return (unsigned)sent;
}

static unsigned
receive_some(int fd)
{
    static uint8_t reply[BATCH][REPLY_MAX];
    struct mmsghdr in[BATCH];
    struct iovec vec[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        vec[i] = (struct iovec){reply[i], REPLY_MAX};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &vec[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(fd, in, BATCH, MSG_DONTWAIT, NULL);
    return n > 0 ? (unsigned)n : 0;
}

int
main(int argc, char **argv)
{
    size_t count, next = 0;
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (argc < 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
        fprintf(stderr, "usage: dnsload ADDR PORT SECONDS NAMES [WINDOW]\n");
        return 2;
    }
    to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    unsigned window = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 256, flying = 0;
    struct question *questions = read_names(argv[4], &count);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (questions == NULL || count == 0 || fd < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        fprintf(stderr, "dnsload: %s: %s\n", argv[4], count == 0 ? "no names" : strerror(errno));
        return 1;
    }
    double start = now(), end = start + strtod(argv[3], NULL);
    unsigned long answered = 0, lost = 0;
    while (now() < end) {
        while (flying < window) {
            unsigned sent = send_some(fd, questions, count, &next, window - flying);
            if (sent == 0)
                break;
            flying += sent;
        }
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, 100) == 0) {
            lost += flying;
            flying = 0;
        }
        for (unsigned n; (n = receive_some(fd)) > 0;) {
            answered += n;
            flying -= n < flying ? n : flying;
        }
    }
    printf("%lu answered %lu lost %.0f per second\n", answered, lost,
        (double)answered / (now() - start));
    free(questions);
    (void)close(fd);
    return 0;
}
