/*
 * A steady load for DNS servers: asks the names of a file over UDP, so many a second whatever comes
 * back (an open loop), and prints how many were lost, after how long the others were answered, and
 * the longest time without any answer.
 *
 *   dnspaced ADDR PORT SECONDS NAMES RATE
 *
 * One line: sent, lost, then microseconds: median, 99th percentile and longest latency, longest
 * silence. What is not answered 8 s after the last question is lost. Latency counts from the moment
 * a question was given to the kernel.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "zones/wire.h"

/* A question's number is its socket and its id: enough of them for all that are on their way. */
enum { SOCKETS = 8, IDS = 65536, FLYING = SOCKETS * IDS, NAMES_MAX = 100000, QUERY_MAX = 300 };
enum { LINGER_S = 8, ROOM = 8 << 20 };

struct question {
    uint16_t n;
    uint8_t packet[QUERY_MAX];
};

struct load {
    int fds[SOCKETS];
    struct question *questions;
    size_t question_count;
    double *sent_at; /* by number; 0: not on its way */
    double *took;
    unsigned long sent, answered, wanted;
    double last, silence;
};

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "dnspaced: %s: %s\n", what, strerror(errno));
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
read_names(struct load *load, const char *path)
{
    char line[1024];
    FILE *file = fopen(path, "re");
    load->questions = calloc(NAMES_MAX, sizeof *load->questions);
    if (file == NULL || load->questions == NULL)
        die(path);
    while (load->question_count < NAMES_MAX && fgets(line, sizeof line, file) != NULL) {
        struct dname name;
        if (dname_parse(line, strcspn(line, "\r\n"), &name) < 0)
            continue;
        struct question *question = &load->questions[load->question_count++];
        struct wire_out w = wire_out_of(question->packet, QUERY_MAX);
        wire_put_u32(&w, 0x00000100);
        wire_put_u32(&w, 0x00010000);
        wire_put_u32(&w, 0);
        wire_put(&w, name.b, name.len);
        wire_put_u32(&w, 0x00010001);
        question->n = (uint16_t)w.n;
    }
    (void)fclose(file);
    if (load->question_count == 0)
        die("no names");
}

static void
send_one(struct load *load)
{
    unsigned long number = load->sent++;
    struct question *question = &load->questions[number % load->question_count];
    size_t slot = number % FLYING;
    unsigned id = (unsigned)(slot / SOCKETS);
    question->packet[0] = (uint8_t)(id >> 8);
    question->packet[1] = (uint8_t)id;
    load->sent_at[slot] = now();
    /* One that the kernel does not take is lost as any other. */
    (void)!send(load->fds[slot % SOCKETS], question->packet, question->n, MSG_DONTWAIT);
}

static void
receive(struct load *load)
{
    uint8_t reply[1500];
    for (unsigned i = 0; i < SOCKETS; i++)
        while (recv(load->fds[i], reply, sizeof reply, MSG_DONTWAIT) >= 12) {
            size_t slot = ((size_t)reply[0] << 8 | reply[1]) * SOCKETS + i;
            double at = now();
            if (load->sent_at[slot] == 0)
                continue;
            load->took[load->answered++] = at - load->sent_at[slot];
            load->sent_at[slot] = 0;
            if (at - load->last > load->silence)
                load->silence = at - load->last;
            load->last = at;
        }
}

static void
run(struct load *load, double rate)
{
    double start = now();
    load->last = start;
    while (load->answered < load->wanted) {
        double at = now(), due = (at - start) * rate;
        if (load->sent == load->wanted && at - start > (double)load->wanted / rate + LINGER_S)
            break;
        /* A part of what is due, so that answers are not kept waiting. */
        for (unsigned i = 0; i < 32 && load->sent < load->wanted && (double)load->sent < due; i++)
            send_one(load);
        receive(load);
        if ((double)load->sent >= due || load->sent == load->wanted) {
            struct pollfd wait[SOCKETS];
            const struct timespec most = {0, 500000};
            for (unsigned i = 0; i < SOCKETS; i++)
                wait[i] = (struct pollfd){.fd = load->fds[i], .events = POLLIN};
            (void)ppoll(wait, SOCKETS, &most, NULL);
        }
    }
}

static int
by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
print(struct load *load)
{
    unsigned long n = load->answered;
    double *took = load->took;
    qsort(took, n, sizeof *took, by_time);
    double us = n == 0 ? 0 : 1e6;
    printf("%lu %lu %.0f %.0f %.0f %.0f\n", load->sent, load->sent - n,
        n == 0 ? 0 : took[n / 2] * us, n == 0 ? 0 : took[n * 99 / 100] * us,
        n == 0 ? 0 : took[n - 1] * us, load->silence * 1e6);
}

int
main(int argc, char **argv)
{
    static struct load load;
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (argc != 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
        fprintf(stderr, "usage: dnspaced ADDR PORT SECONDS NAMES RATE\n");
        return 2;
    }
    double rate = strtod(argv[5], NULL);
    to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    load.wanted = (unsigned long)(strtod(argv[3], NULL) * rate);
    load.sent_at = calloc(FLYING, sizeof *load.sent_at);
    load.took = calloc(load.wanted + 1, sizeof *load.took);
    if (load.sent_at == NULL || load.took == NULL)
        die("memory");
    read_names(&load, argv[4]);
    for (unsigned i = 0; i < SOCKETS; i++) {
        const int room = ROOM;
        load.fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (load.fds[i] < 0 || connect(load.fds[i], (struct sockaddr *)&to, sizeof to) != 0)
            die(argv[1]);
        (void)setsockopt(load.fds[i], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    }
    run(&load, rate);
    print(&load);
    for (unsigned i = 0; i < SOCKETS; i++)
        (void)close(load.fds[i]);
    free(load.questions);
    free(load.sent_at);
    free(load.took);
    return 0;
}
