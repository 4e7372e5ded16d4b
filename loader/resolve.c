/*
 * The resolver's client: a window of questions in flight over UDP; see resolve.h. What packets say
 * is resolve_wire.c's, TCP is resolve_tcp.c's. One thread, one event loop of its own.
 *
 * A question keeps its id and its socket over all tries, so that a late reply to an earlier try
 * still counts. Sockets are connected: the kernel drops what does not come from the resolver's
 * address and port (RFC 5452 4.4, 9.1).
 */
#include "loader/resolve.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "loader/resolve_peer.h"
#include "loader/resolve_tcp.h"
#include "loader/resolve_wire.h"
#include "zones/wire.h"

#define CANARY_DEFAULT "a.root-servers.net"
#define SOURCES        16U   /* source ports: with the id some 20 bits to guess */
#define PRIVATE_SLOTS  4U    /* beside the window: three canary questions, or one probe */
#define WINDOW_MAX     4096U /* as the configuration allows */
#define NO_SLOT        UINT16_MAX
#define RECEIVE_BATCH  256U /* packets of one socket before the others get their turn */

struct outcome {
    enum dns_status status;
};

struct query {
    struct resolver *resolver;
    struct resolve_question question;
    struct outcome *outcome; /* of a private question; NULL: it goes to the cache */
    bool busy, again;        /* again: to be sent at the next sweep */
    unsigned tries, source;
    int64_t deadline_ms;
    struct resolve_tcp tcp;
};

struct source {
    struct resolver *resolver;
    ev_io io;
    int fd;
    unsigned number;
};

struct resolver {
    struct ev_loop *loop;
    ev_timer sweep;
    struct source sources[SOURCES];
    struct resolve_peer peer;
    struct dname canary;
    uint32_t timeout_ms, tries, window, min_ttl_s, max_ttl_s;

    struct query *queries; /* window of them, then PRIVATE_SLOTS */
    uint16_t *free_slots;
    uint32_t free_count;
    uint32_t busy_count; /* the probe is not counted */
    uint16_t by_id[UINT16_MAX + 1];

    struct dnscache *cache; /* during resolve_wanted */
    enum err failure;       /* of dnscache_put */
    struct query *probe;
    struct outcome probe_outcome;
    int64_t heard_ms; /* when the resolver last gave sign of life */
    bool gave_up;

    resolve_progress_fn progress;
    void *progress_ctx;
    int64_t progress_ms;
    uint64_t done;
    struct resolve_stats stats;
    uint8_t packet[UINT16_MAX];
};

/* Elapsed time only: no date is taken from here. */
static int64_t
monotonic_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint32_t
draw(void)
{
    uint32_t value;
    /* Up to 256 bytes never come short once the pool is ready (getrandom(2)). */
    while (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value)
        ;
    return value;
}

static void
send_query(struct query *query)
{
    struct resolver *r = query->resolver;
    uint8_t packet[RESOLVE_QUERY_SIZE];
    size_t n;
    query->again = false;
    query->tries++;
    query->deadline_ms = monotonic_ms() + r->timeout_ms;
    /* A packet that could not be made or sent is one that got lost: the deadline sees to it. */
    if (resolve_wire_query(&query->question, packet, &n) == ERR_OK)
        (void)send(r->sources[query->source].fd, packet, n, 0);
}

static void
start(struct query *query, enum dns_type type, const struct dname *name, struct outcome *outcome)
{
    struct resolver *r = query->resolver;
    uint32_t random;
    do
        random = draw();
    while (r->by_id[random & UINT16_MAX] != NO_SLOT);
    query->question = (struct resolve_question){
        .id = (uint16_t)(random & UINT16_MAX), .type = type, .name = *name};
    r->by_id[query->question.id] = (uint16_t)(query - r->queries);
    query->source = (random >> 16) % SOURCES;
    query->outcome = outcome;
    query->busy = true;
    query->tries = 0;
    if (outcome != &r->probe_outcome)
        r->busy_count++;
    send_query(query);
}

/* Sends wanted questions while the window has room. */
static void
fill(struct resolver *r)
{
    enum dns_type type;
    struct dname name;
    while (r->cache != NULL && !r->gave_up && r->failure == ERR_OK && r->free_count > 0 &&
           dnscache_take_wanted(r->cache, &type, &name)) {
        r->stats.asked++;
        start(&r->queries[r->free_slots[--r->free_count]], type, &name, NULL);
    }
}

static struct query *
start_private(struct resolver *r, const struct dname *name, struct outcome *outcome)
{
    for (uint32_t i = r->window; i < r->window + PRIVATE_SLOTS; i++) {
        if (r->queries[i].busy)
            continue;
        start(&r->queries[i], DNS_A, name, outcome);
        return &r->queries[i];
    }
    return NULL;
}

static uint32_t
bounded_ttl(const struct resolver *r, uint32_t ttl_s)
{
    if (ttl_s < r->min_ttl_s)
        return r->min_ttl_s;
    return ttl_s > r->max_ttl_s ? r->max_ttl_s : ttl_s;
}

static void
store(struct resolver *r, enum dns_type type, const struct dname *name,
    const struct resolve_reply *reply)
{
    bool failed = reply->status == DNS_FAIL;
    r->done++;
    r->stats.answered += !failed;
    r->stats.failed += failed;
    enum err err = dnscache_put(r->cache, type, name, reply->status,
        failed ? 0 : bounded_ttl(r, reply->ttl_s), reply->count, reply->records);
    if (err < 0 && r->failure == ERR_OK)
        r->failure = err;
}

/* The end of a question: its slot and id are free again, and the next one is sent. */
static void
finish(struct query *query, const struct resolve_reply *reply)
{
    struct resolver *r = query->resolver;
    resolve_tcp_stop(&query->tcp);
    r->by_id[query->question.id] = NO_SLOT;
    query->busy = false;
    if (query == r->probe) {
        r->probe = NULL;
        return;
    }
    r->busy_count--;
    if (query->outcome != NULL) {
        query->outcome->status = reply->status;
    } else {
        r->free_slots[r->free_count++] = (uint16_t)(query - r->queries);
        store(r, query->question.type, &query->question.name, reply);
    }
    fill(r);
    if (r->busy_count == 0 || r->failure < 0)
        ev_break(r->loop, EVBREAK_ALL);
}

static void
finish_failed(struct query *query)
{
    const struct resolve_reply failed = {.status = DNS_FAIL};
    finish(query, &failed);
}

/* This try came to nothing. The next waits for the sweep, as a SERVFAIL at once asked again is a
 * SERVFAIL again. */
static void
try_failed(struct query *query)
{
    resolve_tcp_stop(&query->tcp);
    if (query->tries >= query->resolver->tries)
        finish_failed(query);
    else
        query->again = true;
}

static void on_tcp_done(void *ctx, const uint8_t *reply, size_t n);

static void
start_tcp(struct query *query)
{
    struct resolver *r = query->resolver;
    uint8_t packet[RESOLVE_QUERY_SIZE];
    size_t n;
    r->stats.tcp++;
    query->deadline_ms = monotonic_ms() + r->timeout_ms;
    query->again = false;
    if (resolve_wire_query(&query->question, packet, &n) < 0 ||
        !resolve_tcp_start(
            &query->tcp, r->loop, &r->peer.addr, r->peer.len, packet, n, on_tcp_done, query))
        try_failed(query);
}

static void
take_reply(struct query *query, const uint8_t *packet, size_t n, bool over_tcp)
{
    struct resolver *r = query->resolver;
    struct resolve_reply reply;
    enum resolve_reply_kind kind = resolve_wire_reply(&query->question, packet, n, &reply);
    if (kind == REPLY_STRANGER)
        r->stats.mismatched++;
    else
        r->heard_ms = monotonic_ms();

    if (kind == REPLY_ANSWER)
        finish(query, &reply);
    else if (kind == REPLY_TRUNCATED && !over_tcp)
        start_tcp(query);
    else if (kind != REPLY_STRANGER || over_tcp) {
        query->question.plain = query->question.plain || kind == REPLY_PLAIN;
        try_failed(query);
    }
    free(reply.buffer);
}

static void
on_tcp_done(void *ctx, const uint8_t *reply, size_t n)
{
    if (reply == NULL)
        try_failed(ctx);
    else
        take_reply(ctx, reply, n, true);
}

static void
on_packet(struct source *source, const uint8_t *packet, size_t n)
{
    struct resolver *r = source->resolver;
    struct wire_in in = wire_in_of(packet, n);
    uint16_t slot = r->by_id[wire_get_u16(&in)];
    if (in.failed || slot == NO_SLOT || r->queries[slot].source != source->number) {
        r->stats.mismatched++;
        return;
    }
    /* A second reply while TCP is at work says nothing new. */
    if (!r->queries[slot].tcp.active)
        take_reply(&r->queries[slot], packet, n, false);
}

static void
on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    struct source *source = io->data;
    struct resolver *r = source->resolver;
    (void)loop;
    (void)events;
    for (unsigned i = 0; i < RECEIVE_BATCH; i++) {
        ssize_t n = recv(source->fd, r->packet, sizeof r->packet, 0);
        if (n >= 0)
            on_packet(source, r->packet, (size_t)n);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return;
        /* Else an ICMP error of an earlier packet, now taken off: the deadline counts. */
    }
}

/* Nothing at all was heard for so long that the rest would only take the same time each. */
static void
give_up(struct resolver *r)
{
    const struct resolve_reply failed = {.status = DNS_FAIL};
    enum dns_type type;
    struct dname name;
    r->gave_up = true;
    for (uint32_t i = 0; i < r->window; i++)
        if (r->queries[i].busy)
            finish_failed(&r->queries[i]);
    while (dnscache_take_wanted(r->cache, &type, &name))
        store(r, type, &name, &failed);
}

/* A window full of names whose own servers are dead looks like a dead resolver. A question that it
 * can answer by itself tells them apart. */
static void
watch_silence(struct resolver *r, int64_t now_ms)
{
    int64_t silent_ms = now_ms - r->heard_ms;
    if (r->cache == NULL || r->busy_count == 0)
        return;
    if (silent_ms >= (int64_t)r->timeout_ms * r->tries)
        give_up(r);
    else if (silent_ms >= r->timeout_ms / 2 && r->probe == NULL)
        r->probe = start_private(r, &r->canary, &r->probe_outcome);
}

static void
on_sweep(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct resolver *r = timer->data;
    int64_t now_ms = monotonic_ms();
    (void)loop;
    (void)events;
    for (uint32_t i = 0; i < r->window + PRIVATE_SLOTS; i++) {
        struct query *query = &r->queries[i];
        if (!query->busy || (!query->again && now_ms < query->deadline_ms))
            continue;
        resolve_tcp_stop(&query->tcp);
        if (query->tries >= r->tries) {
            finish_failed(query);
            continue;
        }
        r->stats.retried += query != r->probe;
        send_query(query);
    }
    watch_silence(r, now_ms);
    if (r->progress != NULL && now_ms - r->progress_ms >= 1000) {
        r->progress_ms = now_ms;
        r->progress(r->progress_ctx, r->done, r->done + r->busy_count + dnscache_wanted(r->cache));
    }
}

/* Until every question in flight, and every wanted one, has its end. */
static void
run(struct resolver *r)
{
    int64_t begun_ms = monotonic_ms();
    r->heard_ms = r->progress_ms = begun_ms;
    r->gave_up = false;
    r->failure = ERR_OK;
    r->done = 0;
    fill(r);
    if (r->busy_count > 0) {
        ev_now_update(r->loop);
        ev_timer_again(r->loop, &r->sweep);
        (void)ev_run(r->loop, 0);
        ev_timer_stop(r->loop, &r->sweep);
    }
    /* What is left is the probe, and after a failure of the cache the rest. */
    for (uint32_t i = 0; i < r->window + PRIVATE_SLOTS; i++)
        if (r->queries[i].busy)
            finish_failed(&r->queries[i]);
    r->stats.seconds += (double)(monotonic_ms() - begun_ms) / 1000;
}

enum err
resolve_wanted(struct resolver *resolver, struct dnscache *cache, resolve_progress_fn progress,
    void *ctx, struct errmsg *msg)
{
    resolver->cache = cache;
    resolver->progress = progress;
    resolver->progress_ctx = ctx;
    run(resolver);
    if (progress != NULL)
        progress(ctx, resolver->done, resolver->done + dnscache_wanted(cache));
    resolver->cache = NULL;
    resolver->progress = NULL;
    if (resolver->failure < 0)
        return errmsg_set(
            msg, resolver->failure, "keeping DNS answers: %s", err_text(resolver->failure));
    return ERR_OK;
}

/* nx-<random> below a parent; false if that would be too long. */
static bool
nx_name(const struct dname *parent, struct dname *out)
{
    char text[32];
    struct dname label;
    int n = snprintf(text, sizeof text, "nx-%08x%08x", draw(), draw());
    return dname_parse(text, (size_t)n, &label) == ERR_OK &&
           dname_join(&label, parent, out) == ERR_OK;
}

static enum err
judge_nx(
    const struct resolver *r, const struct dname *name, enum dns_status status, struct errmsg *msg)
{
    char text[DNAME_TEXT_SIZE];
    (void)dname_format(name, text);
    if (status == DNS_NXDOMAIN)
        return ERR_OK;
    if (status == DNS_FAIL)
        return errmsg_set(msg, ERR_REFUSED,
            "resolver %s: no answer for %s, which it should say does not exist; check the option "
            "resolver and the network",
            r->peer.text, text);
    return errmsg_set(msg, ERR_REFUSED,
        "resolver %s: says that %s exists, but it cannot; a resolver that rewrites NXDOMAIN is of "
        "no use: set the option resolver to another one (or canary to a name not under a wildcard)",
        r->peer.text, text);
}

enum err
resolve_canary(struct resolver *resolver, struct errmsg *msg)
{
    static const struct dname invalid = {.len = 9, .b = "\7invalid"}; /* RFC 6761 6.4 */
    struct outcome outcomes[3] = {{DNS_NXDOMAIN}, {DNS_NXDOMAIN}, {DNS_NXDOMAIN}};
    struct dname names[3] = {resolver->canary};
    const struct dname *parents[3] = {NULL, &invalid, &resolver->canary};
    char text[DNAME_TEXT_SIZE];

    /* Resolvers may know of "invalid" by themselves (RFC 6761), so that a rewriting one upstream
     * shows only below a real name. */
    for (unsigned i = 0; i < 3; i++) {
        if (parents[i] == NULL || nx_name(parents[i], &names[i]))
            (void)start_private(resolver, &names[i], &outcomes[i]);
    }
    run(resolver);
    if (outcomes[0].status != DNS_OK) {
        (void)dname_format(&resolver->canary, text);
        return errmsg_set(msg, ERR_REFUSED,
            "resolver %s: %s for the canary %s; check the options resolver and canary, and the "
            "network",
            resolver->peer.text, outcomes[0].status == DNS_FAIL ? "no answer" : "no A record",
            text);
    }
    for (unsigned i = 1; i < 3; i++) {
        enum err err = judge_nx(resolver, &names[i], outcomes[i].status, msg);
        if (err < 0)
            return err;
    }
    return ERR_OK;
}

void
resolver_stats(const struct resolver *resolver, struct resolve_stats *out)
{
    *out = resolver->stats;
}

static enum err
open_sources(struct resolver *r, struct errmsg *msg)
{
    for (unsigned i = 0; i < SOURCES; i++) {
        struct source *source = &r->sources[i];
        source->resolver = r;
        source->number = i;
        source->fd = resolve_peer_udp(&r->peer);
        if (source->fd < 0)
            return errmsg_set(msg, ERR_IO,
                "resolver %s: %s; check the option resolver and the network", r->peer.text,
                strerror(errno));
        ev_io_init(&source->io, on_readable, source->fd, EV_READ);
        source->io.data = source;
        ev_io_start(r->loop, &source->io);
    }
    return ERR_OK;
}

static enum err
prepare(struct resolver *r, const struct conf *conf, struct errmsg *msg)
{
    enum err err = resolve_peer_find(conf, &r->peer, msg);
    r->canary = conf->canary;
    if (err == ERR_OK && !conf->has_canary)
        err = dname_parse(CANARY_DEFAULT, strlen(CANARY_DEFAULT), &r->canary);
    if (err < 0)
        return err;
    for (uint32_t i = 0; i < r->window + PRIVATE_SLOTS; i++)
        r->queries[i].resolver = r;
    for (uint32_t i = 0; i < r->window; i++)
        r->free_slots[r->free_count++] = (uint16_t)(r->window - 1 - i);
    memset(r->by_id, 0xff, sizeof r->by_id);

    /* Often enough that a SERVFAIL is soon asked again, seldom enough to cost nothing. */
    double period_s = (double)r->timeout_ms / 10000;
    ev_init(&r->sweep, on_sweep);
    /* After a stall the replies that are there come first, then the time-outs. */
    ev_set_priority(&r->sweep, EV_MINPRI);
    r->sweep.repeat = period_s < 0.01 ? 0.01 : period_s > 0.1 ? 0.1 : period_s;
    r->sweep.data = r;
    return open_sources(r, msg);
}

enum err
resolver_open(const struct conf *conf, struct resolver **out, struct errmsg *msg)
{
    *out = NULL;
    if (conf->resolver_timeout_ms == 0 || conf->resolver_tries == 0 || conf->resolver_window == 0 ||
        conf->resolver_window > WINDOW_MAX)
        return errmsg_set(msg, ERR_RANGE, "resolver: time-out, tries or window out of range");
    struct resolver *r = calloc(1, sizeof *r);
    if (r == NULL)
        return errmsg_set(msg, ERR_NOMEM, "resolver: out of memory");
    for (unsigned i = 0; i < SOURCES; i++)
        r->sources[i].fd = -1; /* for resolver_close */
    r->timeout_ms = conf->resolver_timeout_ms;
    r->tries = conf->resolver_tries;
    r->window = conf->resolver_window;
    r->min_ttl_s = conf->min_ttl_s;
    r->max_ttl_s = conf->max_ttl_s;
    r->queries = calloc(r->window + PRIVATE_SLOTS, sizeof *r->queries);
    r->free_slots = calloc(r->window, sizeof *r->free_slots);
    r->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    enum err err = r->queries == NULL || r->free_slots == NULL || r->loop == NULL
                       ? errmsg_set(msg, ERR_NOMEM, "resolver: out of memory")
                       : prepare(r, conf, msg);
    if (err < 0)
        resolver_close(&r);
    else
        *out = r;
    return err;
}

void
resolver_close(struct resolver **resolver)
{
    struct resolver *r = *resolver;
    *resolver = NULL;
    if (r == NULL)
        return;
    for (unsigned i = 0; i < SOURCES; i++)
        if (r->sources[i].fd >= 0)
            (void)close(r->sources[i].fd);
    if (r->loop != NULL)
        ev_loop_destroy(r->loop);
    free(r->queries);
    free(r->free_slots);
    free(r);
}
