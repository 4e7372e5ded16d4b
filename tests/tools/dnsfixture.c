/*
 * A small name server for tests: answers from text files, and misbehaves on demand.
 *
 *   dnsfixture [-a ADDR] [-p PORT] [-P FILE] [-d MS] [-m MODE] [-s SCENARIO] ZONEFILE...
 *
 * UDP and TCP on one port, 127.0.0.1 by default; port 0 picks one, which -P writes to FILE once it
 * answers. -d delays every answer. SIGUSR1 switches the mode off and on again, SIGTERM ends.
 * Modes: none; servfail; silent; slow (700 ms late); rewrite (NXDOMAIN becomes A 192.0.2.99);
 * wrongid; liar (answers another question); truncate (TC over UDP, right over TCP); garbage.
 *
 * Zone files, plain or .gz: "name [TTL] TYPE data" with # comments and TXT "a" "b"; or the
 * tab-separated "Z owner type data" in "S scenario" groups of the SPF suites, bytes as %XX. Types A
 * AAAA MX TXT SPF PTR CNAME NS; SERVFAIL, TIMEOUT and REFUSED are what types get that a name has no
 * record of. Every name stands for itself: no delegations, no wildcards. The root's SOA goes with
 * NODATA (the name, or a name below it, is known) and NXDOMAIN (all else, "invalid" too).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/tools/dnsfixture_zone.h"

enum { NOERROR = 0, SERVFAIL = 2, NXDOMAIN = 3, SOA_TTL = 600, SOA_MINIMUM = 60 };
enum { FLAG_QR = 0x8000, FLAG_TC = 0x200, FLAG_RD = 0x100, FLAG_RA = 0x80 };
enum { CONNS = 512, QUERY_SIZE = 1024, CHAIN_MAX = 16, SLOW_MS = 700 };

enum mode { NONE, MODE_SERVFAIL, SILENT, SLOW, REWRITE, WRONGID, LIAR, TRUNCATE, GARBAGE, MODES };
static const char *const mode_names[MODES] = {
    "none", "servfail", "silent", "slow", "rewrite", "wrongid", "liar", "truncate", "garbage"};

struct conn {
    int fd; /* -1: free */
    unsigned serial;
    size_t got, out_n, out_at;
    uint8_t in[2 + QUERY_SIZE];
    uint8_t *out; /* non-NULL while a reply is being sent */
    bool waiting; /* for a delayed answer, or for ever */
};

struct delayed {
    struct delayed *next;
    int64_t due_ms;
    int conn; /* -1: UDP */
    unsigned serial;
    struct sockaddr_storage peer;
    socklen_t peer_len;
    size_t n;
    uint8_t bytes[];
};

struct fixture {
    struct zone zone;
    enum mode mode;
    int64_t delay_ms;
    int udp, tcp;
    struct conn conns[CONNS];
    struct delayed *delayed; /* by due_ms */
    struct pollfd polls[2 + CONNS];
    uint8_t out[UINT16_MAX];
};

static volatile sig_atomic_t ended, toggles;

static void
on_signal(int number)
{
    if (number == SIGUSR1)
        toggles++;
    else
        ended = 1;
}

static int64_t
now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct reply {
    struct wire_out out;
    struct dname qname;
    uint16_t answers;
    bool silent;
};

static void
put_head(struct wire_out *out, const struct dname *owner, const struct dname *qname, uint16_t type,
    uint32_t ttl_s)
{
    wire_put_name(out, owner, qname, 12);
    wire_put_u16(out, type);
    wire_put_u16(out, 1);
    wire_put_u32(out, ttl_s);
}

static void
put_record(struct reply *reply, const struct dname *owner, const struct record *record)
{
    put_head(&reply->out, owner, &reply->qname, record->type, record->ttl_s);
    wire_put_u16(&reply->out, (uint16_t)record->rdata.n);
    wire_put(&reply->out, record->rdata.p, record->rdata.n);
    reply->answers++;
}

/* What one name has of the type: writes it, or *alias. Returns the rcode. */
static unsigned
answer_name(const struct zone *zone, struct reply *reply, const struct dname *name, uint16_t type,
    const struct record **alias)
{
    uint8_t bytes[DNAME_KEY_MAX];
    struct slice key = slice_of(bytes, dname_key(name, bytes));
    size_t i = zone_find(zone, key);
    unsigned rcode = NOERROR;
    uint16_t before = reply->answers;
    if (i == zone->count || zone->records[i].key.n < key.n ||
        memcmp(zone->records[i].key.p, key.p, key.n) != 0)
        return key.n == 0 ? NOERROR : NXDOMAIN;
    for (; i < zone->count && slice_cmp(zone->records[i].key, key) == 0; i++) {
        const struct record *record = &zone->records[i];
        if (record->type == type)
            put_record(reply, name, record);
        else if (record->type == TYPE_CNAME)
            *alias = record;
        else if (record->type >= PSEUDO && reply->answers == before) {
            reply->silent = record->type == PSEUDO_TIMEOUT;
            rcode = reply->silent ? NOERROR : record->type - PSEUDO;
        }
    }
    return rcode;
}

static unsigned
answer_question(const struct zone *zone, struct reply *reply, uint16_t type)
{
    struct dname name = reply->qname;
    for (unsigned hops = 0; hops < CHAIN_MAX; hops++) {
        const struct record *alias = NULL;
        unsigned rcode = answer_name(zone, reply, &name, type, &alias);
        if (alias == NULL)
            return rcode;
        put_record(reply, &name, alias);
        if (dname_from_wire(alias->rdata.p, alias->rdata.n, &name) < 0)
            return SERVFAIL;
    }
    return SERVFAIL;
}

static void
put_soa(struct reply *reply)
{
    static const struct dname root = {.len = 1};
    put_head(&reply->out, &root, &root, TYPE_SOA, SOA_TTL);
    wire_put_u16(&reply->out, 22);
    wire_put_u16(&reply->out, 0); /* two root names */
    for (unsigned i = 0; i < 4; i++)
        wire_put_u32(&reply->out, 1);
    wire_put_u32(&reply->out, SOA_MINIMUM);
}

struct question {
    uint16_t id, flags, type;
    struct dname name;
    size_t edns; /* its UDP size, 0 without */
};

static bool
read_question(const uint8_t *packet, size_t n, struct question *q)
{
    struct wire_in in = wire_in_of(packet, n);
    *q = (struct question){.id = wire_get_u16(&in)};
    q->flags = wire_get_u16(&in);
    uint16_t questions = wire_get_u16(&in);
    uint32_t records = wire_get_u32(&in);
    uint16_t additional = wire_get_u16(&in);
    wire_get_name(&in, &q->name);
    q->type = wire_get_u16(&in);
    uint16_t class = wire_get_u16(&in);
    if (in.failed || (q->flags & FLAG_QR) != 0 || questions != 1 || records != 0 || class != 1)
        return false;
    if (additional > 0) {
        wire_skip_name(&in);
        bool opt = wire_get_u16(&in) == TYPE_OPT;
        uint16_t size = wire_get_u16(&in);
        if (!in.failed && opt)
            q->edns = size < 512 ? 512 : size;
    }
    return true;
}

static size_t
garbage(struct fixture *f)
{
    size_t n = 1 + (size_t)random() % 600;
    for (size_t i = 0; i < n; i++)
        f->out[i] = (uint8_t)(random() >> 8);
    return n;
}

/* The records of the reply after its question; returns the rcode. */
static unsigned
answer(const struct fixture *f, struct reply *reply, const struct question *q, bool tc)
{
    static const uint8_t elsewhere[4] = {192, 0, 2, 99};
    const struct record rewritten = {
        .rdata = slice_of(elsewhere, sizeof elsewhere), .ttl_s = ZONE_TTL, .type = TYPE_A};
    if (tc)
        return NOERROR;
    if (f->mode == MODE_SERVFAIL)
        return SERVFAIL;
    unsigned rcode = answer_question(&f->zone, reply, q->type);
    bool lie = (f->mode == REWRITE && rcode == NXDOMAIN) || f->mode == LIAR;
    if (lie && q->type == TYPE_A && reply->answers == 0)
        put_record(reply, &reply->qname, &rewritten);
    return lie ? NOERROR : rcode;
}

/* The answer in f->out; 0 for none. */
static size_t
make_reply(struct fixture *f, const uint8_t *packet, size_t n, bool over_tcp)
{
    struct question q;
    if (!read_question(packet, n, &q) || f->mode == SILENT)
        return 0;
    if (f->mode == GARBAGE)
        return garbage(f);
    if (f->mode == LIAR && dname_parse("liar.invalid", 12, &q.name) < 0)
        return 0;
    bool tc = f->mode == TRUNCATE && !over_tcp;
    size_t size = over_tcp ? sizeof f->out : q.edns > 0 ? q.edns : 512;
    for (;; tc = true) {
        struct reply reply = {.out = wire_out_of(f->out, size), .qname = q.name};
        for (unsigned i = 0; i < 6; i++)
            wire_put_u16(&reply.out, i == 2);
        wire_put(&reply.out, q.name.b, q.name.len);
        wire_put_u16(&reply.out, q.type);
        wire_put_u16(&reply.out, 1);
        unsigned rcode = answer(f, &reply, &q, tc);
        bool negative = !tc && (rcode == NXDOMAIN || (rcode == NOERROR && reply.answers == 0));
        if (negative)
            put_soa(&reply);
        if (q.edns > 0) {
            wire_put_u8(&reply.out, 0);
            wire_put_u16(&reply.out, TYPE_OPT);
            wire_put_u16(&reply.out, QUERY_SIZE);
            wire_put_u32(&reply.out, 0);
            wire_put_u16(&reply.out, 0);
        }
        if (reply.silent)
            return 0;
        if (reply.out.full && !tc)
            continue;
        wire_patch_u16(&reply.out, 0, f->mode == WRONGID ? q.id ^ 0x5555 : q.id);
        wire_patch_u16(&reply.out, 2,
            (uint16_t)(FLAG_QR | FLAG_RA | (q.flags & FLAG_RD) | (tc ? FLAG_TC : 0) | (int)rcode));
        wire_patch_u16(&reply.out, 6, reply.answers);
        wire_patch_u16(&reply.out, 8, negative);
        wire_patch_u16(&reply.out, 10, q.edns > 0);
        return reply.out.n;
    }
}

static void
send_tcp(struct conn *conn, const uint8_t *bytes, size_t n)
{
    conn->out = need(malloc(n + 2));
    struct wire_out out = wire_out_of(conn->out, n + 2);
    wire_put_u16(&out, (uint16_t)n);
    wire_put(&out, bytes, n);
    conn->out_n = out.n;
    conn->out_at = 0;
}

/* Sends bytes now, or puts them in line. */
static void
deliver(struct fixture *f, int conn, const struct sockaddr_storage *peer, socklen_t peer_len,
    const uint8_t *bytes, size_t n)
{
    int64_t delay_ms = f->delay_ms + (f->mode == SLOW ? SLOW_MS : 0);
    struct delayed **at = &f->delayed;
    struct delayed *d = need(malloc(sizeof *d + n));
    *d = (struct delayed){.due_ms = now_ms() + delay_ms, .conn = conn, .n = n};
    if (conn >= 0)
        d->serial = f->conns[conn].serial;
    if (peer != NULL)
        d->peer = *peer;
    d->peer_len = peer_len;
    memcpy(d->bytes, bytes, n);
    while (*at != NULL && (*at)->due_ms <= d->due_ms)
        at = &(*at)->next;
    d->next = *at;
    *at = d;
}

static void
send_due(struct fixture *f)
{
    int64_t now = now_ms();
    while (f->delayed != NULL && f->delayed->due_ms <= now) {
        struct delayed *d = f->delayed;
        f->delayed = d->next;
        if (d->conn < 0)
            (void)sendto(f->udp, d->bytes, d->n, 0, (const struct sockaddr *)&d->peer, d->peer_len);
        else if (f->conns[d->conn].fd >= 0 && f->conns[d->conn].serial == d->serial)
            send_tcp(&f->conns[d->conn], d->bytes, d->n);
        free(d);
    }
}

static void
read_udp(struct fixture *f)
{
    uint8_t packet[QUERY_SIZE];
    struct sockaddr_storage peer;
    for (;;) {
        socklen_t peer_len = sizeof peer;
        ssize_t got =
            recvfrom(f->udp, packet, sizeof packet, 0, (struct sockaddr *)&peer, &peer_len);
        if (got < 0)
            return;
        size_t n = make_reply(f, packet, (size_t)got, false);
        if (n > 0)
            deliver(f, -1, &peer, peer_len, f->out, n);
    }
}

static void
conn_close(struct conn *conn)
{
    (void)close(conn->fd);
    free(conn->out);
    *conn = (struct conn){.fd = -1, .serial = conn->serial + 1};
}

static void
accept_conns(struct fixture *f)
{
    for (int i = 0; i < CONNS; i++) {
        if (f->conns[i].fd >= 0)
            continue;
        f->conns[i].fd = accept4(f->tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (f->conns[i].fd < 0)
            return;
    }
}

/* One query at a time: the next is read when this one is answered. */
static void
read_conn(struct fixture *f, int number)
{
    struct conn *conn = &f->conns[number];
    ssize_t got = recv(conn->fd, conn->in + conn->got, sizeof conn->in - conn->got, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || conn->waiting) {
        conn_close(conn);
        return;
    }
    conn->got += (size_t)got;
    struct wire_in in = wire_in_of(conn->in, conn->got);
    size_t length = wire_get_u16(&in);
    if (in.failed || conn->got < length + 2) {
        if (conn->got == sizeof conn->in)
            conn_close(conn);
        return;
    }
    size_t n = make_reply(f, conn->in + 2, length, true);
    conn->got = 0;
    conn->waiting = true;
    if (n > 0)
        deliver(f, number, NULL, 0, f->out, n);
}

static void
write_conn(struct conn *conn)
{
    ssize_t put =
        send(conn->fd, conn->out + conn->out_at, conn->out_n - conn->out_at, MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (put < 0) {
        conn_close(conn);
        return;
    }
    conn->out_at += (size_t)put;
    if (conn->out_at < conn->out_n)
        return;
    free(conn->out);
    conn->out = NULL;
    conn->waiting = false;
}

static void
wait_events(struct fixture *f, const sigset_t *open_mask)
{
    struct timespec left = {0};
    bool full = true;
    for (int i = 0; i < CONNS; i++) {
        const struct conn *conn = &f->conns[i];
        f->polls[2 + i] =
            (struct pollfd){.fd = conn->fd, .events = conn->out != NULL ? POLLOUT : POLLIN};
        full = full && conn->fd >= 0;
    }
    f->polls[0] = (struct pollfd){.fd = f->udp, .events = POLLIN};
    f->polls[1] = (struct pollfd){.fd = full ? -1 : f->tcp, .events = POLLIN};
    if (f->delayed != NULL) {
        int64_t ms = f->delayed->due_ms - now_ms();
        ms = ms < 0 ? 0 : ms;
        left = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    }
    if (ppoll(f->polls, 2 + CONNS, f->delayed != NULL ? &left : NULL, open_mask) < 0)
        for (int i = 0; i < 2 + CONNS; i++)
            f->polls[i].revents = 0;
}

static void
serve(struct fixture *f, const sigset_t *open_mask)
{
    enum mode mode = f->mode;
    while (!ended) {
        wait_events(f, open_mask);
        f->mode = toggles % 2 == 0 ? mode : NONE;
        if (f->polls[0].revents != 0)
            read_udp(f);
        for (int i = 0; i < CONNS; i++) {
            if (f->polls[2 + i].revents == 0)
                continue;
            if (f->conns[i].out != NULL)
                write_conn(&f->conns[i]);
            else
                read_conn(f, i);
        }
        if (f->polls[1].revents != 0)
            accept_conns(f);
        send_due(f);
    }
}

static socklen_t
make_address(const char *text, uint16_t port, struct sockaddr_storage *out)
{
    struct ip ip;
    *out = (struct sockaddr_storage){0};
    if (ip_parse(text, strlen(text), &ip) < 0)
        die(text, "no address");
    if (ip_is4(&ip)) {
        struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        in4.sin_addr.s_addr = htonl(ip_v4(&ip));
        memcpy(out, &in4, sizeof in4);
        return sizeof in4;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&in6.sin6_addr, ip.b, sizeof ip.b);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

static bool
bind_both(struct fixture *f, const char *text, uint16_t *port)
{
    struct sockaddr_storage address;
    const int one = 1, buffer = 4 << 20;
    socklen_t n = make_address(text, *port, &address);
    int sort = SOCK_NONBLOCK | SOCK_CLOEXEC;
    f->udp = socket(address.ss_family, SOCK_DGRAM | sort, 0);
    f->tcp = socket(address.ss_family, SOCK_STREAM | sort, 0);
    (void)setsockopt(f->udp, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    (void)setsockopt(f->tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool bound =
        f->udp >= 0 && f->tcp >= 0 && bind(f->udp, (const struct sockaddr *)&address, n) == 0 &&
        getsockname(f->udp, (struct sockaddr *)&address, &n) == 0 &&
        bind(f->tcp, (const struct sockaddr *)&address, n) == 0 && listen(f->tcp, CONNS) == 0;
    if (!bound) {
        int saved = errno;
        (void)close(f->udp);
        (void)close(f->tcp);
        errno = saved;
        return false;
    }
    *port =
        ntohs(address.ss_family == AF_INET ? ((const struct sockaddr_in *)&address)->sin_port
                                           : ((const struct sockaddr_in6 *)&address)->sin6_port);
    return true;
}

/* A port that is free for UDP may be taken for TCP: then another one. */
static uint16_t
open_port(struct fixture *f, const char *address, uint16_t wanted)
{
    for (unsigned tries = 0; tries < 50; tries++) {
        uint16_t port = wanted;
        if (bind_both(f, address, &port))
            return port;
        if (wanted != 0 || errno != EADDRINUSE)
            break;
    }
    die(address, strerror(errno));
}

/* Whole or not at all: who waits for the file reads it as soon as it is there. */
static void
write_port(const char *path, uint16_t port)
{
    char temporary[4096];
    int n = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *file = n < (int)sizeof temporary ? fopen(temporary, "we") : NULL;
    if (file == NULL || fprintf(file, "%u\n", port) < 0 || fclose(file) != 0 ||
        rename(temporary, path) < 0)
        die(path, strerror(errno));
}

/* The signals that end us wait until the loop does, lest one comes just before it sleeps. SIGUSR1
 * is open at all times: what was asked after it must be answered in the new mode. */
static sigset_t
catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked, before;
    (void)sigaction(SIGUSR1, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    (void)sigdelset(&before, SIGTERM);
    (void)sigdelset(&before, SIGINT);
    return before;
}

static enum mode
mode_of(const char *name)
{
    for (int i = 0; i < MODES; i++)
        if (strcmp(mode_names[i], name) == 0)
            return (enum mode)i;
    die(name, "no such mode");
}

int
main(int argc, char **argv)
{
    const char *address = "127.0.0.1", *port_file = NULL;
    long port = 0;
    static struct fixture fixture; /* a megabyte; what hangs on it lives as long as the program */
    struct fixture *f = &fixture;
    sigset_t open_mask = catch_signals();
    for (int option; (option = getopt(argc, argv, "a:p:P:d:m:s:")) != -1;) {
        if (option == 'a')
            address = optarg;
        else if (option == 'p')
            port = strtol(optarg, NULL, 10);
        else if (option == 'P')
            port_file = optarg;
        else if (option == 'd')
            f->delay_ms = strtol(optarg, NULL, 10);
        else if (option == 'm')
            f->mode = mode_of(optarg);
        else if (option == 's')
            f->zone.scenario = optarg;
        else
            return 2;
    }
    if (port < 0 || port > UINT16_MAX)
        die("-p", "no port");
    for (int i = optind; i < argc; i++)
        zone_load(&f->zone, argv[i]);
    zone_ready(&f->zone);
    for (int i = 0; i < CONNS; i++)
        f->conns[i].fd = -1;
    uint16_t bound = open_port(f, address, (uint16_t)port);
    if (port_file != NULL)
        write_port(port_file, bound);
    serve(f, &open_mask);
    return 0;
}
