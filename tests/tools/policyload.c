/*
 * A load for the policy service: so many connections, each with one request on its way, as
 * Postfix's smtpd processes have them. Clients, HELO names and senders are new each time.
 *
 *   policyload PORT CONNECTIONS SECONDS
 *
 * One line: requests, requests a second, then microseconds: median and 99th percentile until the
 * reply. The service is at 127.0.0.1.
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

enum { CONNECTIONS_MAX = 1000, TOOK_MAX = 10000000, STALLED_MS = 10000 };

struct load {
    unsigned count;
    struct pollfd fds[CONNECTIONS_MAX];
    double sent_at[CONNECTIONS_MAX];
    unsigned long sent, replies;
    float *took;
};

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "policyload: %s: %s\n", what, strerror(errno));
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
send_request(struct load *load, unsigned at)
{
    char text[1024];
    unsigned long n = load->sent++;
    int len = snprintf(text, sizeof text,
        "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
        "client_address=198.%lu.%lu.%lu\nclient_name=unknown\nclient_port=40000\n"
        "reverse_client_name=unknown\nserver_address=192.0.2.1\nserver_port=25\n"
        "helo_name=mail%lu.isp.example\nsender=anna@domain%lu.example\n"
        "recipient=user@test.example\nrecipient_count=0\nqueue_id=\ninstance=%lx.1\nsize=0\n"
        "etrn_domain=\nstress=\nsasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\n"
        "ccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=\n"
        "encryption_cipher=\nencryption_keysize=0\npolicy_context=\n\n",
        51 + n % 49, n / 49 % 256, n / 12544 % 256, n % 100000, n % 99991, n);
    load->sent_at[at] = now();
    if (write(load->fds[at].fd, text, (size_t)len) != len)
        die("write");
}

static void
connect_all(struct load *load, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (unsigned i = 0; i < load->count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
            die("connect");
        load->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
}

/* Replies are short enough to come in one piece. */
static void
take_reply(struct load *load, unsigned at)
{
    static const char wanted[] = "action=DUNNO\n\n";
    char reply[1024];
    ssize_t n = read(load->fds[at].fd, reply, sizeof reply);
    if (n != (ssize_t)sizeof wanted - 1 || memcmp(reply, wanted, (size_t)n) != 0) {
        fprintf(stderr, "policyload: not DUNNO: %.*s\n", n < 0 ? 0 : (int)n, reply);
        exit(1);
    }
    if (load->replies < TOOK_MAX)
        load->took[load->replies] = (float)(now() - load->sent_at[at]);
    load->replies++;
}

static int
by_time(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
    static struct load load;
    load.count = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
    load.took = malloc(TOOK_MAX * sizeof *load.took);
    if (load.count == 0 || load.count > CONNECTIONS_MAX || load.took == NULL) {
        fputs("usage: policyload PORT CONNECTIONS SECONDS\n", stderr);
        return 2;
    }
    connect_all(&load, (uint16_t)atoi(argv[1]));
    double start = now(), end = start + atof(argv[3]);
    for (unsigned i = 0; i < load.count; i++)
        send_request(&load, i);
    while (now() < end) {
        if (poll(load.fds, load.count, STALLED_MS) <= 0)
            die("no reply");
        for (unsigned i = 0; i < load.count; i++)
            if (load.fds[i].revents != 0) {
                take_reply(&load, i);
                send_request(&load, i);
            }
    }
    double took = now() - start;
    unsigned long n = load.replies < TOOK_MAX ? load.replies : TOOK_MAX;
    qsort(load.took, n, sizeof *load.took, by_time);
    printf("%lu %.0f %.0f %.0f\n", load.replies, (double)load.replies / took,
        (double)load.took[n / 2] * 1e6, (double)load.took[n * 99 / 100] * 1e6);
    return 0;
}
