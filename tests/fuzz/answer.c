/*
 * Any bytes as a query, by the way that a worker takes with each: gate, answer, counters, query log
 * and dnstap. The golden store is asked in the golden configurations, in one that limits, demands
 * keys and cookies and drops (answer.conf), and where there is none, over UDP and TCP, by clients
 * that access lists know and do not: the answer is a DNS message as ldns reads it, and keeps what
 * every answer must (check_answer), or there is none. Run it in the repository's folder.
 */
#include <ldns/ldns.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/answer.h"
#include "server/gate.h"
#include "server/query.h"
#include "server/strict.h"
#include "server/worker.h"
#include "tests/golden/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SERVERS = 5,
    CLIENTS = 4,
    WAYS = 2 * CLIENTS * SERVERS,
    ASKED = 3,    /* more than answer.conf's limit */
    TABLE = 1024, /* accounts: they are forgotten in each run */
    ACL_CLIENTS = 67,
    STEP = 31
};
#ifdef REPDNS_FUZZ
enum { WAYS_AT_ONCE = 2 }; /* the input says which: many inputs are worth more than many ways */
#else
enum { WAYS_AT_ONCE = WAYS };
#endif

struct server {
    struct conf *conf;
    struct gate_common common;
    struct counter_slots slots;
    struct logring *rings; /* of the query log, of dnstap */
    struct worker worker;
};
static struct server servers[SERVERS];
static char dir[] = "/tmp/repdns-fuzz-XXXXXX", answers[64], keys[] = "tests/golden/keys";

static void
die(const char *what)
{
    fprintf(stderr, "fuzz answer: %s\n", what);
    exit(1);
}

static void
close_server(struct server *server)
{
    gate_free(&server->worker.gate);
    gate_common_free(&server->common);
    counters_unmap(&server->slots);
    logrings_unmap(&server->rings, 2);
    snapshot_close(&server->worker.snapshot);
    view_table_free(&server->worker.views);
    conf_free(&server->conf);
}

static void
close_all(void)
{
    char lock[80];
    for (unsigned i = 0; i < SERVERS; i++)
        close_server(&servers[i]);
    (void)snprintf(lock, sizeof lock, "%s-lock", answers);
    (void)unlink(lock);
    (void)unlink(answers);
    (void)rmdir(dir);
}

/* Like a worker's, but with secrets that are the same in each run. */
static bool
make_gate(struct server *server, struct errmsg *msg)
{
    struct worker *worker = &server->worker;
    if (gate_common_init(&server->common, server->conf, FIXTURE_NOW_S, msg) < 0)
        return false;
    memset(&server->common.secret, 1, sizeof server->common.secret);
    if (gate_new(server->conf, &server->common, &worker->gate, msg) < 0)
        return false;
    memset(&worker->gate->rrl.key, 2, sizeof worker->gate->rrl.key);
    return true;
}

static bool
make_watched(struct server *server, struct errmsg *msg)
{
    struct worker *worker = &server->worker;
    server->rings = logrings_map(2);
    if (server->rings == NULL || counters_map(1, server->conf->zone_count, &server->slots, msg) < 0)
        return false;
    worker->counters = counters_slot(&server->slots, 0);
    worker->log = (struct querylog){.ring = &server->rings[0], .sample = 1};
    worker->tap = (struct dnstap){.ring = &server->rings[1], .sample = 1};
    return true;
}

/* The last one finds no store. */
static void
open_all(void)
{
    static const char *const paths[SERVERS] = {"tests/golden/golden.conf",
        "tests/golden/golden-strict.conf", "tests/golden/golden-protocol.conf",
        "tests/fuzz/answer.conf", "tests/golden/golden.conf"};
    struct errmsg msg = {""};
    if (mkdtemp(dir) == NULL)
        die("no temporary folder");
    (void)snprintf(answers, sizeof answers, "%s/answers.mdb", dir);
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *server = &servers[i];
        struct worker *worker = &server->worker;
        bool stored = i < SERVERS - 1;
        if (conf_load(paths[i], &server->conf, &msg) < 0)
            die(msg.text);
        worker->conf = server->conf;
        if (stored)
            server->conf->answers_path = answers;
        if (server->conf->keys.path != NULL)
            server->conf->keys.path = keys;
        server->conf->rate.table = TABLE;
        if ((i == 0 && fixture_publish(server->conf, &msg) < 0) ||
            view_table_new(server->conf, &worker->views) < 0 ||
            snapshot_open(worker->views, server->conf->answers_path, &worker->snapshot, &msg) < 0 ||
            snapshot_ready(worker->snapshot) != stored || !make_gate(server, &msg) ||
            !make_watched(server, &msg))
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

/* The header and the question, as they must be of any query; asked_n: the bytes of its question. */
static void
check_header(
    const struct request *request, size_t asked_n, const uint8_t *out, size_t n, bool strict)
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
    must(questions == (asked_n > 0) && u16_at(out, 10) <= 1);
    if (questions == 0)
        return;
    while (end < n && out[end] != 0)
        end += out[end] + 1U;
    end += 5;
    must(end <= n && end == QUERY_HEADER_SIZE + asked_n);
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

/* What a limit may do, a key must, and an access list does. */
static void
check_gate(const struct gate *gate, const struct request *request, const struct answer_note *note,
    bool drop)
{
    bool limited = note->rate >= RRL_SLIP;
    must(!limited || (gate->rrl.rows != NULL && !request->tcp && note->cookie != COOKIE_GOOD));
    must(
        !note->dropped || drop || note->acl || note->drop == DROP_ERRORS || note->rate == RRL_DROP);
    must(note->key_n == 0 || (size_t)note->key_at + note->key_n + 1 < note->question_len);
    must(!note->listed || !note->zone->keyed || note->key_id != NULL);
}

static void
check_answer(const struct worker *worker, const struct request *request,
    const struct answer_note *note, const uint8_t *out, size_t n)
{
    struct query query = {0};
    bool drop, strict = worker->conf->strict_rbldnsd;
    ldns_pkt *pkt;
    enum rcode rcode = query_parse(worker->conf, request->packet, request->len, &query, &drop);
    must(note->dropped == (n == 0));
    check_gate(worker->gate, request, note, drop);
    if (n == 0)
        return;
    must(!drop && n >= QUERY_HEADER_SIZE && n <= size_allowed(worker->conf, request, &query));
    must(rcode == RCODE_NOERROR || note->rcode == rcode || note->rate == RRL_SLIP);
    check_header(request, query.question_len, out, n, strict);
    must(ldns_wire2pkt(&pkt, out, n) == LDNS_STATUS_OK);
    check_sections(pkt, request, note, strict);
    ldns_pkt_free(pkt);
}

/* An answer is noted for both logs, and nothing of a query comes into a line raw. */
static void
check_noted(const struct worker *worker, bool answered)
{
    static uint8_t record[LOGRING_RECORD_MAX], frame[DNSTAP_FRAME_MAX];
    char line[QUERYLOG_LINE_MAX];
    size_t n = logring_get(worker->log.ring, record);
    must((n > 0) == answered);
    for (unsigned text = 0; text < 2 && n > 0; text++) {
        size_t length = querylog_format(record, n, text == 1, line);
        must(length > 0 && line[length - 1] == '\n');
        for (size_t i = 0; i + 1 < length; i++)
            must(line[i] >= ' ' && line[i] <= '~');
    }
    n = logring_get(worker->tap.ring, record);
    must((n > 0) == answered);
    for (unsigned response = 0; response < 2 && n > 0; response++) {
        size_t length = dnstap_frame(record, n, response == 1, "fuzz", frame);
        must(length > 0 && length <= sizeof frame);
    }
}

/* Returns enum cookie_state. */
static unsigned
ask(struct worker *worker, const struct request *request)
{
    static uint8_t out[ANSWER_TCP_MAX];
    struct answer_note note;
    size_t room = request->tcp ? ANSWER_TCP_MAX : ANSWER_UDP_MAX;
    snapshot_renew(worker->snapshot);
    size_t n = answer(worker->views, worker->snapshot, request, FIXTURE_NOW_S, out, room, &note);
    worker_note(worker, request, &note, out, n, FIXTURE_NOW_S);
    snapshot_release(worker->snapshot);
    must(n <= room);
    check_answer(worker, request, &note, out, n);
    check_noted(worker, n > 0);
    return note.dropped ? COOKIE_NONE : note.cookie;
}

/* Nothing was counted yet: an input finds what it found before. */
static void
forget(struct gate *gate)
{
    struct rrl *rrl = &gate->rrl;
    if (rrl->rows != NULL)
        memset((void *)rrl->rows, 0, (rrl->row_mask + (size_t)1) * sizeof *rrl->rows);
    for (unsigned i = 0; i < gate->keys.count; i++) {
        unsigned slot = gate->keys.keys[i].slot;
        memset((void *)&gate->quotas[slot], 0, sizeof *gate->quotas);
        gate->shares[slot] = (struct quota_share){.second = {0}};
    }
}

/* The same query with a good cookie, if it has a cookie of that length. */
static bool
with_cookie(const struct worker *worker, const struct request *request, uint8_t *copy)
{
    struct query query = {0};
    bool drop;
    if (query_parse(worker->conf, request->packet, request->len, &query, &drop) != RCODE_NOERROR ||
        cookie_take(&worker->gate->cookies, &request->client, FIXTURE_NOW_S, &query) !=
            RCODE_NOERROR ||
        query.cookie.state == COOKIE_NONE)
        return false;
    const uint8_t *option = query.options.p;
    while (u16_at(option, 0) != OPTION_COOKIE)
        option += 4 + u16_at(option, 2);
    if (u16_at(option, 2) != COOKIE_SIZE)
        return false;
    memcpy(copy, request->packet, request->len);
    memcpy(copy + (option + 4 - request->packet), query.cookie.bytes, COOKIE_SIZE);
    return true;
}

static void
ask_way(unsigned way, const uint8_t *data, size_t size, uint32_t sum)
{
    static uint8_t copy[ANSWER_TCP_MAX];
    struct worker *worker = &servers[way / (2 * CLIENTS)].worker;
    /* Of the access lists: a private one, those listed by name, a stranger; and one of IPv6. */
    const struct ip clients[CLIENTS] = {ip_from_v4(0x7f000001),
        ip_from_v4(0x0a000400 + sum % ACL_CLIENTS), ip_from_v4(0xcb007105), {{0xfd, [15] = 5}}};
    struct request request = {.packet = data,
        .len = size,
        .client = clients[way / 2 % CLIENTS],
        .port = 53,
        .tcp = way % 2 == 1,
        .gate = worker->gate};
    unsigned times = worker->conf->rate.responses < ASKED ? ASKED : 1;
    forget(worker->gate);
    for (unsigned i = 0; i < times; i++)
        (void)ask(worker, &request);
    if (!with_cookie(worker, &request, copy))
        return;
    request.packet = copy;
    unsigned state = ask(worker, &request);
    must(state == COOKIE_GOOD || state == COOKIE_NONE);
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
        ask_way((sum + i * (WAYS / WAYS_AT_ONCE)) % WAYS, data, size, sum);
    return 0;
}
