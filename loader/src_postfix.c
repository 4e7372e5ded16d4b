/* Messages of Postfix. See src_postfix.h; those of SPF policy services are in src_policyspf.c. */
#include "loader/src_postfix.h"

#include <limits.h>

#include "loader/logsource.h"
#include "loader/src_policyspf.h"
#include "loader/src_received.h"

enum { QUEUE_ID_MIN = 5, QUEUE_ID_MAX = 24, HOST_MAX = 255 };

/* -- programs -- */

static const struct {
    const char *name;
    enum postfix_service service;
} services[] = {
    {"smtpd", POSTFIX_SMTPD},
    {"postscreen", POSTFIX_POSTSCREEN},
    {"cleanup", POSTFIX_CLEANUP},
    {"qmgr", POSTFIX_QMGR},
    {"policyd-spf", POSTFIX_SPF_PYTHON},
    {"policy-spf", POSTFIX_SPF_PERL},
};

static const struct {
    const char *name;
    bool submission;
} listeners[] = {
    {"submission", true},
    {"submissions", true},
    {"smtps", true},
    {"amavisd", false}, /* Zimbra's names */
    {"amavis", false},
    {"dkimmilter", false},
    {"reinject", false},
};

/* "postfix/submission/smtpd", "postfix-in/smtpd", "policyd-spf": the last part is the service, one
 * in the middle the listener. */
void
postfix_program(struct text name, struct postfix_program *out)
{
    struct text part = name;

    *out = (struct postfix_program){.service = POSTFIX_NO_SERVICE};
    for (const char *slash; (slash = memchr(part.p, '/', part.n)) != NULL;) {
        size_t n = (size_t)(slash - part.p);

        for (size_t i = 0; i < sizeof listeners / sizeof listeners[0]; i++)
            if (n == strlen(listeners[i].name) && memcmp(part.p, listeners[i].name, n) == 0) {
                out->submission |= listeners[i].submission;
                out->reinjection |= !listeners[i].submission;
            }
        part = text_skip(part, n + 1);
    }
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (part.n == strlen(services[i].name) && memcmp(part.p, services[i].name, part.n) == 0)
            out->service = services[i].service;
    /* Sendmail and others have programs of these names too. */
    if (out->service < POSTFIX_SPF_PYTHON && !text_begins(name, "postfix"))
        out->service = POSTFIX_NO_SERVICE;
}

/* -- pieces of messages -- */

static bool
is_queue_id_byte(char c)
{
    return text_is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "NOQUEUE: " or "463AFA72296: ", long ids too (enable_long_queue_ids). */
static bool
take_queue_id(struct text *in, struct text *out)
{
    size_t n = 0;

    *out = text_until(*in, 0);
    if (text_take(in, "NOQUEUE: "))
        return true;
    while (n < in->n && n <= QUEUE_ID_MAX && is_queue_id_byte(in->p[n]))
        n++;
    if (n < QUEUE_ID_MIN || n > QUEUE_ID_MAX || in->n < n + 2 || in->p[n] != ':' ||
        in->p[n + 1] != ' ')
        return false;
    *out = text_until(*in, n);
    *in = text_skip(*in, n + 2);
    return true;
}

/* "name[address]", "[address]:port" of postscreen, "name[address]:port" with
 * smtpd_client_port_logging. Postfix takes only valid host names, so the first '[' is the one. */
static bool
take_client(struct text *in, struct log_client *out)
{
    const char *open = memchr(in->p, '[', in->n < HOST_MAX + 1 ? in->n : HOST_MAX + 1);
    struct text rest, address;
    unsigned port;

    *out = (struct log_client){.name = text_until(*in, 0), .ptr = OBS_PTR_UNSEEN};
    if (open == NULL)
        return false;
    struct text name = text_until(*in, (size_t)(open - in->p));
    rest = text_skip(*in, name.n + 1);
    const char *close = memchr(rest.p, ']', rest.n);
    if (close == NULL || memchr(name.p, ' ', name.n) != NULL)
        return false;
    address = text_until(rest, (size_t)(close - rest.p));
    rest = text_skip(rest, address.n + 1);
    if (address.n > 5 && text_starts(address, "IPv6:"))
        address = text_skip(address, 5);
    out->has_ip = ip_parse(address.p, address.n, &out->ip) == ERR_OK;
    if (!out->has_ip && !text_equals(address, "unknown"))
        return false;
    if (name.n == strlen("unknown") && text_begins(name, "unknown")) {
        out->ptr = OBS_PTR_NONE;
    } else if (name.n > 0) {
        out->name = name;
        out->ptr = OBS_PTR_VERIFIED;
    }
    if (rest.n > 1 && *rest.p == ':' && text_is_digit(rest.p[1])) {
        rest = text_skip(rest, 1);
        if (!text_number(&rest, 1, 5, &port) || port > UINT16_MAX)
            return false;
        out->port = (uint16_t)port;
    }
    *in = rest;
    return true;
}

/* -- action lines: "...; from=<S> to=<R> proto=P helo=<H>" -- */

/* "<S>", which " to=<R>" or the end follows: a local part may hold a '>', with quotes around it or,
 * where info_log_address_format is internal, without. */
static bool
take_sender(struct text *left, struct text *out)
{
    size_t n = 0, step;

    while ((step = text_find(text_skip(*left, n), ">")) != SIZE_MAX) {
        n += step + 1;
        struct text rest = text_skip(*left, n);

        (void)text_take(&rest, ",");
        if (rest.n > 0 && (!text_take(&rest, " to=<") || text_find(rest, ">") == SIZE_MAX))
            continue;
        *out = text_until(*left, n);
        *left = rest;
        return true;
    }
    return false;
}

/* What stands left of " proto=": "reason; from=<S> to=<R>", each of the two optional. False when it
 * does not have this form to its end, as when a part of a HELO or sender was taken for a field. */
static bool
parse_envelope(struct text left, struct postfix_event *out)
{
    size_t at = text_find(left, "; from=<");
    struct text sender;

    out->sender = OBS_SENDER_UNKNOWN;
    out->recipient = text_until(left, 0);
    if (at == SIZE_MAX)
        return text_find(left, " from=<") == SIZE_MAX;
    left = text_skip(left, at + strlen("; from="));
    /* A reason may quote a recipient that is made to look like this. */
    if (text_find(left, "; from=<") != SIZE_MAX) {
        out->sender = OBS_SENDER_BAD;
        return true;
    }
    if (!take_sender(&left, &sender))
        return false;
    if (text_ends(left, ">"))
        out->recipient = text_until(left, left.n - 1);
    out->sender = envelope_domain(sender.p, sender.n, &out->sender_domain);
    return true;
}

/* " proto=ESMTP" or ", proto=SMTP," at the end is dropped. */
static bool
drop_proto(struct text *left)
{
    static const char *const protos[] = {
        " proto=ESMTP", " proto=SMTP", " proto=ESMTP,", " proto=SMTP,"};

    for (size_t i = 0; i < sizeof protos / sizeof protos[0]; i++)
        if (text_ends(*left, protos[i])) {
            left->n -= strlen(protos[i]);
            if (text_ends(*left, ","))
                left->n--;
            return true;
        }
    return false;
}

/* right: what follows "helo=". With own_end the HELO is the last of the line; some lines of cleanup
 * quote a header behind it. */
static struct text
helo_of(struct text right, bool own_end, bool *authenticated)
{
    const struct text none = text_until(right, 0);
    size_t sasl;

    if (!text_take(&right, "<"))
        return none;
    if (!own_end) {
        size_t close = text_find(right, ">");

        if (close == SIZE_MAX)
            return none;
        struct text rest = text_skip(right, close + 1);
        return rest.n == 0 || *rest.p == ':' ? text_until(right, close) : none;
    }
    /* A line that ends otherwise was cut, or tells of SASL too. */
    if (text_ends(right, ">"))
        return text_until(right, right.n - 1);
    sasl = text_find_last(right, "> sasl_");
    if (sasl == SIZE_MAX)
        sasl = text_find_last(right, ">, sasl_");
    *authenticated |= sasl != SIZE_MAX;
    return sasl == SIZE_MAX ? none : text_until(right, sasl);
}

/*
 * in: what follows the client. The first " helo=" whose left side has the right form begins the
 * HELO: so one that holds further fields comes out whole. Where none has, the sender is bad.
 */
static void
parse_fields(struct text in, bool own_end, struct postfix_event *out)
{
    size_t at = 0, step;

    while ((step = text_find(text_skip(in, at), " helo=")) != SIZE_MAX) {
        struct text left = text_until(in, at + step);
        struct text right = text_skip(in, at + step + strlen(" helo="));

        at += step + 1;
        /* Behind a quoted header nothing tells one that holds such fields from the real ones. */
        if (!own_end && text_find(right, " helo=") != SIZE_MAX)
            break;
        if (drop_proto(&left) && parse_envelope(left, out)) {
            out->helo = helo_of(right, own_end, &out->authenticated);
            return;
        }
    }
    if (at == 0 && (text_ends(in, " proto=SMTP") || text_ends(in, " proto=ESMTP"))) {
        /* Before HELO. */
        if (drop_proto(&in) && parse_envelope(in, out))
            return;
    }
    if (at == 0 && text_find(in, "from=<") == SIZE_MAX)
        return;
    out->sender = OBS_SENDER_BAD;
}

static const struct {
    const char *word;
    bool reject;
} actions[] = {
    {"reject: ", true},
    {"info: ", false},
    {"filter: ", false},
    {"reject_warning: ", false},
    {"milter-reject: ", true},
    {"warn: ", false},
    {"hold: ", false},
    {"milter-hold: ", false},
    {"discard: ", true},
    {"milter-discard: ", true},
    {"redirect: ", false},
    {"permit: ", false},
    {"prepend: ", false},
    {"replace: ", false},
    {"bcc: ", false},
    {"trigger: ", false},
    {"delay: ", false},
    {"proxy-accept: ", false},
    {"proxy-reject: ", true},
    {"client-reject: ", true},
};

/* "header Subject: text from name[address]; from=<..": both the text and the HELO at the end are a
 * stranger's, so two places that look like this are one too many. */
static bool
parse_quoted(struct text in, struct postfix_event *out)
{
    struct text fields = text_until(in, 0);
    unsigned found = 0;
    size_t step;

    out->stage = text_before(in, " ");
    while ((step = text_find(in, " from ")) != SIZE_MAX) {
        struct log_client client;

        in = text_skip(in, step + 1);
        struct text rest = text_skip(in, strlen("from "));
        if (!take_client(&rest, &client) || !text_begins(rest, "; "))
            continue;
        out->client = client;
        fields = rest;
        found++;
    }
    if (found == 1)
        parse_fields(fields, false, out);
    return found == 1;
}

static bool
parse_action(const struct postfix_program *program, struct text in, struct postfix_event *out)
{
    size_t i = 0, n = sizeof actions / sizeof actions[0];

    while (i < n && !text_take(&in, actions[i].word))
        i++;
    if (i == n)
        return false;
    out->kind = POSTFIX_ACTION;
    out->reject = actions[i].reject;
    if (program->service == POSTFIX_CLEANUP && !text_begins(in, "END-OF-MESSAGE ") &&
        !text_begins(in, "DATA ") && !text_begins(in, "CONNECT "))
        return parse_quoted(in, out);
    out->stage = text_before(in, " ");
    in = text_skip(in, out->stage.n);
    if (!text_take(&in, " from ") || !take_client(&in, &out->client))
        return false;
    parse_fields(in, program->service != POSTFIX_CLEANUP || text_begins(in, ": "), out);
    return true;
}

/* -- other messages -- */

/* "name[address]", "name[address]:port, sasl_method=LOGIN, sasl_username=user". */
static bool
parse_client(struct text in, struct postfix_event *out)
{
    out->kind = POSTFIX_CLIENT;
    if (!take_client(&in, &out->client))
        return false;
    out->authenticated = text_find(in, ", sasl_") != SIZE_MAX;
    return true;
}

/* " auth=1" and " auth=1/3" count what went well first. */
static bool
has_auth(struct text in)
{
    size_t at = text_find(in, " auth=");

    return at != SIZE_MAX && at + 6 < in.n && in.p[at + 6] >= '1' && in.p[at + 6] <= '9';
}

/* The order of name and address changed between versions. */
static bool
set_unverified(struct text name, struct text address, struct postfix_event *out)
{
    if (ip_parse(address.p, address.n, &out->client.ip) != ERR_OK) {
        struct text swap = name;

        name = address;
        address = swap;
        if (ip_parse(address.p, address.n, &out->client.ip) != ERR_OK)
            return false;
    }
    out->client.has_ip = true;
    out->client.name = name;
    out->client.ptr = OBS_PTR_UNVERIFIED;
    out->kind = POSTFIX_UNVERIFIED;
    return true;
}

static bool
parse_warning(struct text in, struct postfix_event *out)
{
    static const char resolve[] = " does not resolve to address ";
    struct text name, address;

    if (text_take(&in, "hostname ")) {
        name = text_before(in, " ");
        in = text_skip(in, name.n);
        if (!text_take(&in, resolve))
            return false;
        address = text_before(in, " ");
        if (text_ends(address, ":"))
            address.n--;
        return set_unverified(name, address, out);
    }
    /* Before 2.8: "192.0.2.1: hostname x verification failed: ..", "..: address not listed for
     * hostname x". */
    address = text_before(in, " ");
    in = text_skip(in, address.n);
    if (!text_ends(address, ":"))
        return false;
    address.n--;
    bool listed = text_take(&in, " address not listed for hostname ");
    if (!listed && !text_take(&in, " hostname "))
        return false;
    name = text_before(in, " ");
    in = text_skip(in, name.n);
    return (listed || text_begins(in, " verification failed")) &&
           set_unverified(name, address, out);
}

/* "16 after 2.6 from [177.154.236.182]:41323: EHLO 127.0.0.1\r\n", control bytes escaped. */
static bool
parse_pregreet(struct text in, struct postfix_event *out)
{
    size_t at = text_find(in, " from ");
    struct text line;

    if (at == SIZE_MAX)
        return false;
    in = text_skip(in, at + strlen(" from "));
    if (!take_client(&in, &out->client) || !text_take(&in, ": "))
        return false;
    out->kind = POSTFIX_PREGREET;
    line = text_until(in, text_find(in, "\\"));
    if (text_starts(line, "EHLO ") || text_starts(line, "HELO "))
        out->helo = text_trim(text_skip(line, 5));
    return true;
}

/* "from=<S>, size=566, nrcpt=1 (queue active)"; other lines of qmgr have no size. */
static bool
parse_from(struct text in, struct postfix_event *out)
{
    size_t at = text_find_last(in, ">, size=");
    struct text sender, rest;
    unsigned recipients;

    if (at == SIZE_MAX || !text_ends(in, "(queue active)"))
        return false;
    sender = text_until(in, at + 1);
    rest = text_skip(in, at);
    at = text_find(rest, ", nrcpt=");
    if (at == SIZE_MAX)
        return false;
    rest = text_skip(rest, at + strlen(", nrcpt="));
    if (!text_number(&rest, 1, 9, &recipients))
        return false;
    out->kind = POSTFIX_FROM;
    out->recipients = recipients;
    out->sender = envelope_domain(sender.p, sender.n, &out->sender_domain);
    return true;
}

static bool
parse_smtpd(const struct postfix_program *program, struct text in, struct postfix_event *out)
{
    if (text_take(&in, "connect from ") || text_take(&in, "CONNECT from ")) {
        out->kind = POSTFIX_CONNECT;
        return take_client(&in, &out->client);
    }
    if (text_take(&in, "disconnect from ") || text_take(&in, "DISCONNECT ")) {
        out->kind = POSTFIX_DISCONNECT;
        bool known = take_client(&in, &out->client);
        out->authenticated = known && has_auth(in);
        return known;
    }
    if (text_take(&in, "warning: "))
        return parse_warning(in, out);
    if (text_take(&in, "PREGREET "))
        return parse_pregreet(in, out);
    if (!take_queue_id(&in, &out->queue_id))
        return false;
    if (out->queue_id.n > 0 && text_take(&in, "client="))
        return parse_client(in, out);
    return parse_action(program, in, out);
}

void
postfix_parse(const struct postfix_program *program, struct text message, struct postfix_event *out)
{
    const struct text none = text_until(message, 0);
    struct text in = message;
    bool known = false;

    *out = (struct postfix_event){
        .queue_id = none, .client.name = none, .stage = none, .helo = none, .recipient = none};
    switch (program->service) {
    case POSTFIX_NO_SERVICE:
        break;
    case POSTFIX_SMTPD:
    case POSTFIX_POSTSCREEN:
        known = parse_smtpd(program, in, out);
        break;
    case POSTFIX_CLEANUP:
        known = take_queue_id(&in, &out->queue_id) && out->queue_id.n > 0 &&
                parse_action(program, in, out);
        break;
    case POSTFIX_QMGR:
        if (take_queue_id(&in, &out->queue_id) && out->queue_id.n > 0) {
            if (text_begins(in, "from=<"))
                known = parse_from(text_skip(in, strlen("from=")), out);
            else if (text_equals(in, "removed"))
                known = (out->kind = POSTFIX_REMOVED) == POSTFIX_REMOVED;
        }
        break;
    case POSTFIX_SPF_PYTHON:
    case POSTFIX_SPF_PERL:
        known = policyspf_parse(message, out);
        break;
    }
    if (!known)
        out->kind = POSTFIX_OTHER;
}

/* Zimbra's too. */
enum err
postfix_line(struct sessions *sessions, struct text line, int64_t now_s, int32_t utc_offset_s)
{
    struct logline head;
    struct postfix_program program;
    struct postfix_event event;
    enum err err = logline_parse(line.p, line.n, now_s, utc_offset_s, &head);

    if (err < 0)
        return err;
    postfix_program(head.program, &program);
    if (program.service == POSTFIX_NO_SERVICE) {
        logsource_beside(sessions, &head);
        return ERR_OK;
    }
    postfix_parse(&program, head.text, &event);
    if (event.kind != POSTFIX_OTHER)
        sessions_event(sessions, &head, &program, &event);
    return ERR_OK;
}
