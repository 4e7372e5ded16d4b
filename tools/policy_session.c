/* A connection of the policy service; see policy_session.h. */
#include "tools/policy_session.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zones/wire.h"

struct session {
    struct policy_service *service;
    ev_io read, write;
    ev_timer idle; /* without a request, or with a reply that is not taken */
    int in, out;
    bool waiting;     /* for the resolver */
    unsigned pending; /* questions */
    struct policy_request request;
    struct policy_findings findings;
    const struct policy_rule *rule;     /* the strongest, when the listings are known */
    char instance[POLICY_INSTANCE_MAX]; /* of the last message that had its header */
    size_t got, reply_n, reply_at;
    char bytes[POLICY_REQUEST_MAX];
    char reply[POLICY_REPLY_MAX];
};

static void next_request(struct session *session);

static void
end(struct session *session)
{
    struct policy_service *service = session->service;
    ev_io_stop(service->loop, &session->read);
    ev_io_stop(service->loop, &session->write);
    ev_timer_stop(service->loop, &session->idle);
    if (session->pending > 0)
        policy_dns_forget(service->dns, session);
    if (session->out != session->in)
        (void)close(session->out);
    (void)close(session->in);
    free(session);
    if (--service->open == 0 && service->ends_with_the_last)
        ev_break(service->loop, EVBREAK_ALL);
}

/* False when the connection is gone. */
static bool
flush(struct session *session)
{
    struct ev_loop *loop = session->service->loop;
    while (session->reply_at < session->reply_n) {
        ssize_t n = write(
            session->out, session->reply + session->reply_at, session->reply_n - session->reply_at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            ev_io_start(loop, &session->write);
            return true;
        }
        if (n < 0)
            return false;
        session->reply_at += (size_t)n;
    }
    ev_io_stop(loop, &session->write);
    session->reply_n = session->reply_at = 0;
    return true;
}

static void
reply(struct session *session, const struct policy_rule *rule, const char *txt)
{
    static const enum policy_counter counters[] = {[POLICY_DUNNO] = POLICY_PASSED,
        [POLICY_PREPEND] = POLICY_PREPENDED,
        [POLICY_DEFER] = POLICY_DEFERRED,
        [POLICY_REJECT] = POLICY_REJECTED};
    struct policy_service *service = session->service;
    const struct policy_request *request = &session->request;
    bool first = request->takes_header && (request->instance[0] == '\0' ||
                                              strcmp(request->instance, session->instance) != 0);
    enum policy_action action = rule == NULL ? POLICY_DUNNO : rule->action;
    if (action == POLICY_PREPEND && (!first || !service->conf->policy_service.header))
        action = POLICY_DUNNO;
    session->waiting = false;
    session->reply_n = policy_reply(&service->conf->policy_service, request, &session->findings,
        rule, txt, first, session->reply);
    if (action == POLICY_PREPEND)
        memcpy(session->instance, request->instance, sizeof session->instance);
    service->counts[POLICY_REQUESTS]++;
    service->counts[counters[action]]++;
}

static bool
ask(struct session *session, enum dns_type type, const struct dname *name, policy_dns_fn done,
    unsigned number)
{
    struct policy_service *service = session->service;
    service->counts[POLICY_ASKED]++;
    if (!policy_dns_ask(service->dns, type, name, done, session, number)) {
        service->counts[POLICY_UNANSWERED]++;
        return false;
    }
    session->pending++;
    return true;
}

/* Sends what was decided while the loop waited, and goes on. */
static void
go_on(struct session *session)
{
    if (flush(session))
        next_request(session);
    else
        end(session);
}

/* The rule that the reply is of. */
static const struct policy_rule *
rule_at(const struct session *session, unsigned number)
{
    return &session->service->conf->policy_service.rules[number];
}

static void
on_text(void *ctx, unsigned number, const struct resolve_reply *answer)
{
    struct session *session = ctx;
    char text[256] = "";
    struct slice rdata;
    session->pending--;
    if (answer == NULL)
        session->service->counts[POLICY_UNANSWERED]++;
    else if (answer->count > 0) {
        struct dns_answer walk = {.records = answer->records};
        if (dns_next(&walk, &rdata) == ERR_OK)
            memcpy(text, rdata.p, rdata.n < sizeof text ? rdata.n : sizeof text - 1);
    }
    reply(session, rule_at(session, number), text);
    go_on(session);
}

/* All listings are known: a refusal says why in the words of the zone. True: the reply is there. */
static bool
decide(struct session *session)
{
    const struct policy_service_conf *conf = &session->service->conf->policy_service;
    const struct policy_rule *rule = policy_strongest(conf, &session->findings);
    struct dname name;
    if (rule != NULL && rule->zone != NULL && rule->action >= POLICY_DEFER &&
        policy_question(rule, &session->request, &name) &&
        ask(session, DNS_TXT, &name, on_text, (unsigned)(rule - conf->rules)))
        return false;
    reply(session, rule, "");
    return true;
}

static void
on_listing(void *ctx, unsigned number, const struct resolve_reply *answer)
{
    struct session *session = ctx;
    struct slice rdata;
    session->pending--;
    if (answer == NULL)
        session->service->counts[POLICY_UNANSWERED]++;
    else if (answer->status == DNS_OK) {
        struct dns_answer walk = {.records = answer->records};
        while (!session->findings.found[number] && dns_next(&walk, &rdata) == ERR_OK) {
            struct wire_in in = wire_in_of(rdata.p, rdata.n);
            uint32_t a = wire_get_u32(&in);
            session->findings.found[number] = policy_rule_counts(rule_at(session, number), a);
            session->findings.a[number] = a;
        }
    }
    if (session->pending == 0 && decide(session))
        go_on(session);
}

/* Own networks and users of ours are not judged (design, rules of judging), nor relays that forward
 * what others sent. */
static bool
is_exempt(const struct session *session)
{
    const struct conf *conf = session->service->conf;
    const struct policy_request *request = &session->request;
    return !request->is_access || !request->has_client || request->authenticated ||
           ip_is_special(&request->client) ||
           prefixes_contain(conf->own_networks, conf->own_network_count, &request->client) ||
           prefixes_contain(conf->trusted_relays, conf->trusted_relay_count, &request->client);
}

/* True: the reply is there already. */
static bool
judge(struct session *session)
{
    const struct policy_service_conf *conf = &session->service->conf->policy_service;
    session->findings = (struct policy_findings){0};
    session->waiting = true;
    if (is_exempt(session)) {
        session->service->counts[POLICY_EXEMPT]++;
        reply(session, NULL, "");
        return true;
    }
    for (unsigned i = 0; i < conf->rule_count; i++) {
        const struct policy_rule *rule = &conf->rules[i];
        struct dname name;
        if (rule->zone == NULL)
            session->findings.found[i] = policy_check_finds(rule->check, &session->request);
        else if (policy_question(rule, &session->request, &name))
            (void)ask(session, DNS_A, &name, on_listing, i);
    }
    return session->pending == 0 && decide(session);
}

/* Answers the requests that are there, until one has to wait. */
static void
next_request(struct session *session)
{
    while (!session->waiting && session->reply_n == 0) {
        size_t used = 0;
        enum policy_parse parsed =
            policy_request_parse(slice_of(session->bytes, session->got), &session->request, &used);
        if (parsed == POLICY_PARSE_BAD) {
            session->service->counts[POLICY_MALFORMED]++;
            end(session);
            return;
        }
        if (parsed == POLICY_PARSE_MORE)
            break;
        ev_timer_again(session->service->loop, &session->idle);
        session->got -= used;
        memmove(session->bytes, session->bytes + used, session->got);
        if (judge(session) && !flush(session)) {
            end(session);
            return;
        }
    }
    if (session->waiting || session->reply_n > 0)
        ev_io_stop(session->service->loop, &session->read);
    else
        ev_io_start(session->service->loop, &session->read);
}

static void
on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    struct session *session = io->data;
    (void)loop;
    (void)events;
    ssize_t n =
        read(session->in, session->bytes + session->got, sizeof session->bytes - session->got);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        end(session);
        return;
    }
    session->got += (size_t)n;
    next_request(session);
}

static void
on_writable(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    (void)events;
    go_on(io->data);
}

static void
on_idle(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct session *session = timer->data;
    (void)loop;
    (void)events;
    session->service->counts[POLICY_IDLE]++;
    end(session);
}

bool
policy_session_begin(struct policy_service *service, int in, int out)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        (void)close(in);
        if (out != in)
            (void)close(out);
        return false;
    }
    session->service = service;
    session->in = in;
    session->out = out;
    ev_io_init(&session->read, on_readable, in, EV_READ);
    ev_io_init(&session->write, on_writable, out, EV_WRITE);
    ev_timer_init(&session->idle, on_idle, 0, service->idle_s);
    session->read.data = session->write.data = session->idle.data = session;
    ev_timer_again(service->loop, &session->idle);
    ev_io_start(service->loop, &session->read);
    service->open++;
    service->counts[POLICY_CONNECTIONS]++;
    return true;
}
