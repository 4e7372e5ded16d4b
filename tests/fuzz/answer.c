/*
 * Any bytes as a query, of the golden store in each golden configuration and of no store, over UDP
 * and TCP, of clients that access lists know and do not: the answer is a DNS message as ldns reads
 * it, and keeps what every answer must (check_answer), or there is none. Run it in the
 * repository's folder.
 */
#include <ldns/ldns.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/answer.h"
#include "server/query.h"
#include "server/strict.h"
#include "tests/golden/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERVERS = 4, WAYS = 4 * SERVERS, ACL_CLIENTS = 67, STEP = 31 };
#ifdef REPDNS_FUZZ
enum { WAYS_AT_ONCE = 2 }; /* the input says which: many inputs are worth more than many ways */
#else
enum { WAYS_AT_ONCE = WAYS };
#endif

struct server {
    struct conf *conf;
    struct view_table *views;
    struct snapshot *snapshot;
};
static struct server servers[SERVERS];
static char dir[] = "/tmp/repdns-fuzz-XXXXXX", answers[64];

static void
die(const char *what)
{
    fprintf(stderr, "fuzz answer: %s\n", what);
    exit(1);
}

static void
close_all(void)
{
    char lock[80];
    for (unsigned i = 0; i < SERVERS; i++) {
        snapshot_close(&servers[i].snapshot);
        view_table_free(&servers[i].views);
        conf_free(&servers[i].conf);
    }
    (void)snprintf(lock, sizeof lock, "%s-lock", answers);
    (void)unlink(lock);
    (void)unlink(answers);
    (void)rmdir(dir);
}

/* The last one finds no store. */
static void
open_all(void)
{
    static const char *const paths[SERVERS] = {"tests/golden/golden.conf",
        "tests/golden/golden-strict.conf", "tests/golden/golden-protocol.conf",
        "tests/golden/golden.conf"};
    struct errmsg msg = {""};
    if (mkdtemp(dir) == NULL)
        die("no temporary folder");
    (void)snprintf(answers, sizeof answers, "%s/answers.mdb", dir);
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *server = &servers[i];
        bool stored = i < SERVERS - 1;
        if (conf_load(paths[i], &server->conf, &msg) < 0)
            die(msg.text);
        if (stored)
            server->conf->answers_path = answers;
        if ((i == 0 && fixture_publish(server->conf, &msg) < 0) ||
            view_table_new(server->conf, &server->views) < 0 ||
            snapshot_open(server->views, server->conf->answers_path, &server->snapshot, &msg) < 0 ||
            snapshot_ready(server->snapshot) != stored)
            die(msg.text);
    }
    (void)atexit(close_all);
}

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static unsigned
u16_at(const uint8_t *p, size_t at)
{
    return (unsigned)p[at] << 8 | p[at + 1];
}

/* RFC 6891 6.2.5, RFC 1035 4.2.1: what the client takes, and we send. */
static size_t
size_allowed(const struct conf *conf, const struct request *request, const struct query *query)
{
    size_t most = conf->strict_rbldnsd ? STRICT_UDP_MAX : conf->protocol.udp_size;
    if (request->tcp)
        return ANSWER_TCP_MAX;
    if (!query->edns || query->udp_size < ANSWER_PLAIN_MAX)
        return ANSWER_PLAIN_MAX;
    return query->udp_size < most ? query->udp_size : most;
}

/* The header and the question, as they must be of any query. */
static void
check_header(const struct request *request, const uint8_t *out, size_t n, bool strict)
{
    const uint8_t *in = request->packet;
    unsigned flags = u16_at(out, 2), asked = u16_at(in, 2), questions = u16_at(out, 4);
    size_t end = QUERY_HEADER_SIZE;
    must(u16_at(out, 0) == u16_at(in, 0));
    must((flags & FLAG_QR) != 0 && (asked & FLAG_QR) == 0);
    must((flags & 0x00e0) == 0); /* RA, Z, AD */
    if (!strict)
        must((flags & (OPCODE_MASK | FLAG_RD | FLAG_CD)) ==
             (asked & (OPCODE_MASK | FLAG_RD | FLAG_CD)));
    must(questions <= 1 && u16_at(out, 10) <= 1);
    if (questions == 0)
        return;
    while (end < n && out[end] != 0)
        end += out[end] + 1U;
    end += 5;
    must(end <= n && end <= request->len);
    must(memcmp(in + QUERY_HEADER_SIZE, out + QUERY_HEADER_SIZE, end - QUERY_HEADER_SIZE) == 0);
}

static void
check_sections(
    const ldns_pkt *pkt, const struct request *request, const struct answer_note *note, bool strict)
{
    unsigned rcode = (unsigned)ldns_pkt_get_rcode(pkt);
    bool fine = rcode == RCODE_NOERROR || rcode == RCODE_NXDOMAIN;
    must(ldns_pkt_tc(pkt) == note->truncated);
    must(!ldns_pkt_tc(pkt) || !request->tcp);
    if (rcode != RCODE_NOERROR || ldns_pkt_tc(pkt))
        must(ldns_pkt_ancount(pkt) == 0);
    if (!fine || ldns_pkt_tc(pkt))
        must(ldns_pkt_nscount(pkt) == 0);
    must(!ldns_pkt_aa(pkt) || fine);
    /* RFC 6891 6.1.1: an OPT for an OPT, and for nothing else. */
    must(strict || ldns_pkt_edns(pkt) == note->edns);
    must(!ldns_pkt_edns(pkt) || ldns_pkt_edns_version(pkt) == 0);
    must(rcode == (note->rcode & 15U));
}

static void
check_answer(const struct server *server, const struct request *request,
    const struct answer_note *note, const uint8_t *out, size_t n)
{
    struct query query = {0};
    bool drop, strict = server->conf->strict_rbldnsd;
    ldns_pkt *pkt;
    must(note->dropped == (n == 0));
    enum rcode rcode = query_parse(server->conf, request->packet, request->len, &query, &drop);
    if (n == 0) {
        must(drop || note->acl);
        return;
    }
    must(!drop && n >= QUERY_HEADER_SIZE && n <= size_allowed(server->conf, request, &query));
    must(rcode == RCODE_NOERROR || note->rcode == rcode);
    check_header(request, out, n, strict);
    must(ldns_wire2pkt(&pkt, out, n) == LDNS_STATUS_OK);
    check_sections(pkt, request, note, strict);
    ldns_pkt_free(pkt);
}

static void
ask(unsigned way, const uint8_t *data, size_t size, uint32_t sum)
{
    static uint8_t out[ANSWER_TCP_MAX];
    const struct server *server = &servers[way / 4];
    struct answer_note note;
    /* A client of the access lists, and one that they do not know. */
    struct request request = {.packet = data,
        .len = size,
        .client = ip_from_v4(way % 4 < 2 ? 0x7f000001 : 0x0a000400 + sum % ACL_CLIENTS),
        .tcp = way % 2 == 1};
    size_t room = request.tcp ? ANSWER_TCP_MAX : ANSWER_UDP_MAX;
    snapshot_renew(server->snapshot);
    size_t n = answer(server->views, server->snapshot, &request, FIXTURE_NOW_S, out, room, &note);
    snapshot_release(server->snapshot);
    must(n <= room);
    check_answer(server, &request, &note, out, n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t sum = 0;
    if (servers[0].conf == NULL)
        open_all();
    if (size > ANSWER_TCP_MAX)
        return 0;
    for (size_t i = 0; i < size; i++)
        sum = sum * STEP + data[i];
    for (unsigned i = 0; i < WAYS_AT_ONCE; i++)
        ask((sum + i * (WAYS / WAYS_AT_ONCE)) % WAYS, data, size, sum);
    return 0;
}
