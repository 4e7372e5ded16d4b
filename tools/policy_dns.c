/*
 * The policy service's questions; see policy_dns.h. An id names a slot, and a slot has a socket for
 * as long as it is taken: with the ports some 20 bits to guess (RFC 5452 4.3). Sockets are
 * connected, so that nobody else's packets come in.
 */
#include "tools/policy_dns.h"

#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS    4096U
#define SOURCES  16U
#define SWEEP_S  0.05
#define NO_SLOT  UINT16_MAX
#define PACKET   4096U
#define PER_READ 64U /* packets of one socket before the others get their turn */

struct slot {
    struct resolve_question question;
    policy_dns_fn done; /* NULL: free, or nobody waits for it */
    void *ctx;
    unsigned number, source;
    double again, until; /* of the loop's clock; again is 0 once it was repeated */
    bool busy;
};

struct source {
    ev_io io;
    int fd;
    struct policy_dns *dns;
};

struct policy_dns {
    struct ev_loop *loop;
    ev_timer sweep;
    struct source sources[SOURCES];
    double timeout_s;
    unsigned busy, free_count;
    uint16_t free_slots[SLOTS];
    uint16_t by_id[UINT16_MAX + 1];
    struct slot slots[SLOTS];
};

static void
release(struct policy_dns *dns, struct slot *slot)
{
    dns->by_id[slot->question.id] = NO_SLOT;
    dns->free_slots[dns->free_count++] = (uint16_t)(slot - dns->slots);
    slot->busy = false;
    slot->done = NULL;
    if (--dns->busy == 0)
        ev_timer_stop(dns->loop, &dns->sweep);
}

static void
finish(struct policy_dns *dns, struct slot *slot, const struct resolve_reply *reply)
{
    const struct slot was = *slot;
    release(dns, slot);
    if (was.done != NULL)
        was.done(was.ctx, was.number, reply);
}

static bool
send_question(struct policy_dns *dns, const struct slot *slot)
{
    uint8_t packet[RESOLVE_QUERY_SIZE];
    size_t n;
    return resolve_wire_query(&slot->question, packet, &n) == ERR_OK &&
           send(dns->sources[slot->source].fd, packet, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void
take_packet(struct policy_dns *dns, const struct source *source, const uint8_t *packet, size_t n)
{
    struct resolve_reply reply;
    if (n < 2)
        return;
    uint16_t at = dns->by_id[packet[0] << 8 | packet[1]];
    if (at == NO_SLOT || &dns->sources[dns->slots[at].source] != source)
        return;
    struct slot *slot = &dns->slots[at];
    enum resolve_reply_kind kind = resolve_wire_reply(&slot->question, packet, n, &reply);
    if (kind == REPLY_PLAIN) {
        slot->question.plain = true;
        (void)send_question(dns, slot);
    } else if (kind != REPLY_STRANGER) {
        finish(dns, slot, kind == REPLY_ANSWER ? &reply : NULL);
    }
    free(reply.buffer);
}

static void
on_packet(struct ev_loop *loop, ev_io *io, int events)
{
    struct source *source = io->data;
    uint8_t packet[PACKET];
    (void)loop;
    (void)events;
    for (unsigned i = 0; i < PER_READ; i++) {
        ssize_t n = recv(source->fd, packet, sizeof packet, 0);
        if (n < 0)
            return;
        take_packet(source->dns, source, packet, (size_t)n);
    }
}

/* Asks again what has waited for half of its time, gives up what has waited for all of it. */
static void
on_sweep(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct policy_dns *dns = timer->data;
    double now = ev_now(loop);
    (void)events;
    for (unsigned i = 0; i < SLOTS && dns->busy > 0; i++) {
        struct slot *slot = &dns->slots[i];
        if (!slot->busy)
            continue;
        if (slot->until <= now) {
            finish(dns, slot, NULL);
        } else if (slot->again > 0 && slot->again <= now) {
            slot->again = 0;
            (void)send_question(dns, slot);
        }
    }
}

enum err
policy_dns_open(struct ev_loop *loop, const struct resolve_peer *peer, uint32_t timeout_s,
    struct policy_dns **out, struct errmsg *msg)
{
    struct policy_dns *dns = *out = calloc(1, sizeof *dns);
    if (dns == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    dns->loop = loop;
    dns->timeout_s = timeout_s;
    memset(dns->by_id, 0xff, sizeof dns->by_id);
    for (unsigned i = 0; i < SLOTS; i++)
        dns->free_slots[dns->free_count++] = (uint16_t)i;
    ev_timer_init(&dns->sweep, on_sweep, SWEEP_S, SWEEP_S);
    dns->sweep.data = dns;
    for (unsigned i = 0; i < SOURCES; i++)
        dns->sources[i].fd = -1;
    for (unsigned i = 0; i < SOURCES; i++) {
        struct source *source = &dns->sources[i];
        source->dns = dns;
        source->fd = resolve_peer_udp(peer);
        if (source->fd < 0) {
            policy_dns_close(out);
            return errmsg_set(msg, ERR_IO, "no socket to the resolver %s", peer->text);
        }
        ev_io_init(&source->io, on_packet, source->fd, EV_READ);
        source->io.data = source;
        ev_io_start(loop, &source->io);
    }
    return ERR_OK;
}

void
policy_dns_close(struct policy_dns **dns)
{
    if (*dns == NULL)
        return;
    ev_timer_stop((*dns)->loop, &(*dns)->sweep);
    for (unsigned i = 0; i < SOURCES; i++)
        if ((*dns)->sources[i].fd >= 0) {
            ev_io_stop((*dns)->loop, &(*dns)->sources[i].io);
            (void)close((*dns)->sources[i].fd);
        }
    free(*dns);
    *dns = NULL;
}

bool
policy_dns_ask(struct policy_dns *dns, enum dns_type type, const struct dname *name,
    policy_dns_fn done, void *ctx, unsigned number)
{
    uint16_t random[2];
    if (dns->free_count == 0 ||
        getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        return false;
    while (dns->by_id[random[0]] != NO_SLOT)
        random[0]++;
    uint16_t at = dns->free_slots[--dns->free_count];
    double now = ev_now(dns->loop);
    dns->slots[at] = (struct slot){.question = {.id = random[0], .type = type, .name = *name},
        .done = done,
        .ctx = ctx,
        .number = number,
        .source = random[1] % SOURCES,
        .again = now + dns->timeout_s / 2,
        .until = now + dns->timeout_s,
        .busy = true};
    dns->by_id[random[0]] = at;
    if (dns->busy++ == 0)
        ev_timer_again(dns->loop, &dns->sweep);
    /* One that can't be sent now is sent again by the sweep. */
    (void)send_question(dns, &dns->slots[at]);
    return true;
}

void
policy_dns_forget(struct policy_dns *dns, const void *ctx)
{
    for (unsigned i = 0; i < SLOTS && dns->busy > 0; i++)
        if (dns->slots[i].busy && dns->slots[i].ctx == ctx)
            dns->slots[i].done = NULL;
}
