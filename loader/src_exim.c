/* Messages of Exim. See src_exim.h; their parts are read in src_exim_parts.c. */
#include "loader/src_exim.h"

#include "loader/logsource.h"
#include "loader/src_exim_parts.h"

/* Longer lines may have been cut, Exim does so at 8192 bytes, and the client with them. */
enum { WHOLE_MAX = 4096 };

/* -- the head -- */

/* "[2/3] " or "[2\3] ", as Exim splits long messages for syslog. False: not the first piece. */
static bool
skip_piece(struct text *in)
{
    struct text rest = *in;
    unsigned piece, all;

    if (!text_char(&rest, '[') || !text_number(&rest, 1, 4, &piece) ||
        (!text_char(&rest, '/') && !text_char(&rest, '\\')) || !text_number(&rest, 1, 4, &all) ||
        !text_take(&rest, "] "))
        return true;
    /* What is cut at a length may have lost its client, and hold a forged one. */
    bool whole = piece == 1 && in->p[2] == '\\';
    *in = rest;
    return whole;
}

/* "[5908] " of log_selector = +pid. */
static void
skip_pid(struct text *in)
{
    struct text rest = *in;
    unsigned pid;

    if (text_char(&rest, '[') && text_number(&rest, 1, 9, &pid) && text_take(&rest, "] "))
        *in = rest;
}

/* "1xVgzv-00003k-2y ", since 4.97 "1xVgzv-000000005vi-0000 ". */
static void
skip_message_id(struct text *in)
{
    static const size_t lengths[][3] = {{6, 6, 2}, {6, 11, 4}};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t at = 0, part = 0;

        for (; part < 3; part++) {
            size_t end = at + lengths[i][part];

            while (at < end && at < in->n &&
                   (text_is_digit(in->p[at]) || (in->p[at] >= 'A' && in->p[at] <= 'Z') ||
                       (in->p[at] >= 'a' && in->p[at] <= 'z')))
                at++;
            if (at < end || at >= in->n || in->p[at] != (part < 2 ? '-' : ' '))
                break;
            at++;
        }
        if (part == 3) {
            *in = text_skip(*in, at);
            return;
        }
    }
}

enum err
exim_head(struct text line, int64_t now_s, int32_t utc_offset_s, struct logline *out)
{
    struct text in = line, rest;
    int64_t when_s;

    while (in.n > 0 && text_is_space(in.p[in.n - 1]))
        in.n--;
    if (logline_parse(in.p, in.n, now_s, utc_offset_s, out) == ERR_OK &&
        text_begins(out->program, "exim")) {
        in = out->text;
        if (!skip_piece(&in))
            in.n = 0;
        rest = in;
        if (rest.n > 0 && text_is_digit(*rest.p) &&
            logline_stamp(&rest, now_s, utc_offset_s, &when_s) == ERR_OK) {
            out->when_s = when_s;
            in = text_trim(rest);
        }
    } else {
        *out = (struct logline){.host = text_until(line, 0), .program = text_until(line, 0)};
        if (in.n == 0 || !text_is_digit(*in.p) ||
            logline_stamp(&in, now_s, utc_offset_s, &out->when_s) < 0)
            return ERR_SYNTAX;
        in = text_trim(in);
    }
    out->pid = 0;
    skip_pid(&in);
    skip_message_id(&in);
    out->text = in;
    return ERR_OK;
}

/* -- "<= sender H=... P=esmtp S=1234 id=..." -- */

static bool
follows_arrival(struct text rest)
{
    struct exim_fields fields;

    exim_take_fields(&rest, &fields);
    /* In a HELO that begins such a list the true client would follow. */
    return rest.n == 0 || ((text_begins(rest, " from <") || text_begins(rest, " for ")) &&
                              text_find(rest, ") [") == SIZE_MAX);
}

static bool
parse_arrival(struct text in, bool whole, struct log_event *out)
{
    struct text sender, ignored;
    struct exim_host host;
    struct exim_fields fields;

    if (!exim_take_value(&in, &sender))
        return false;
    if (text_take(&in, " R=") && !exim_take_value(&in, &ignored))
        return false;
    (void)text_take(&in, " DS");
    /* Without a host: made on this machine. */
    if (!text_take(&in, " H=") || !exim_take_host(in, follows_arrival, &host) ||
        (!whole && host.helo.n > 0))
        return false;
    exim_set_host(&host, true, out);
    exim_set_sender(sender, out);
    exim_take_fields(&host.rest, &fields);
    exim_set_fields(&fields, out);
    return true;
}

/* -- what the access control lists say: "H=... F=<sender> rejected RCPT <recipient>: why" -- */

static const struct {
    const char *text;
    bool greeted;
    bool sender; /* "<sender>" follows */
} verbs[] = {
    {" rejected connection in ", false, false},
    {" temporarily rejected connection in ", false, false},
    {" rejected MAIL ", true, true},
    {" temporarily rejected MAIL ", true, true},
    {" rejected ", true, false},
    {" temporarily rejected ", true, false},
    {" sender verify fail for ", true, true},
    {" sender verify defer for ", true, true},
    {" discarded by ", true, false},
    {" dropped by 'connect' ACL", false, false},
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

/* VERBS: none, and *in is unchanged. */
static unsigned
take_verb(struct text *in)
{
    struct text rest = *in, recipient;
    unsigned verb = 0;

    while (verb < VERBS && !text_take(in, verbs[verb].text))
        verb++;
    if (verb == VERBS && text_take(&rest, " RCPT ") && exim_take_value(&rest, &recipient) &&
        text_begins(rest, " discarded by "))
        return take_verb(&rest);
    return verb;
}

static bool
follows_acl(struct text rest)
{
    struct exim_fields fields;

    exim_take_fields(&rest, &fields);
    return take_verb(&rest) < VERBS;
}

/* in: behind "H=". */
static bool
parse_acl(struct text in, bool whole, struct log_event *out)
{
    struct exim_host host;
    struct exim_fields fields;
    struct text sender;

    if (!exim_take_host(in, follows_acl, &host) || (!whole && host.helo.n > 0))
        return false;
    exim_take_fields(&host.rest, &fields);
    unsigned verb = take_verb(&host.rest);
    if (verb == VERBS)
        return false;
    out->kind = LOG_EVENT_REJECT;
    exim_set_host(&host, verbs[verb].greeted, out);
    exim_set_fields(&fields, out);
    if (fields.twice)
        out->sender = OBS_SENDER_BAD;
    else if (fields.value[EXIM_FIELD_SENDER].n > 0)
        exim_set_sender(fields.value[EXIM_FIELD_SENDER], out);
    else if (verbs[verb].sender && text_begins(host.rest, "<") &&
             exim_take_value(&host.rest, &sender)) {
        if (text_ends(sender, ":"))
            sender.n--;
        exim_set_sender(sender, out);
    }
    return true;
}

/* -- other messages -- */

enum where {
    AT_ONCE, /* the client follows, with or without "H=" */
    SEARCH,  /* " H=" stands in what follows */
    SENDER   /* "<sender> H=" */
};

static const struct {
    const char *begin;
    enum log_event_kind kind;
    enum where where;
    bool greeted;
} messages[] = {
    {"rejected EHLO from ", LOG_EVENT_REJECT, AT_ONCE, false},
    {"rejected HELO from ", LOG_EVENT_REJECT, AT_ONCE, false},
    {"refused connection from ", LOG_EVENT_REJECT, AT_ONCE, false},
    {"rejected MAIL FROM:", LOG_EVENT_REJECT, SENDER, true},
    {"rejected from ", LOG_EVENT_REJECT, SENDER, true},
    {"unqualified sender rejected: ", LOG_EVENT_REJECT, SENDER, true},
    {"unqualified recipient rejected: ", LOG_EVENT_REJECT, SEARCH, true},
    {"F=", LOG_EVENT_REJECT, SENDER, true},
    {"SMTP protocol synchronization error (", LOG_EVENT_REJECT, SEARCH, true},
    {"SMTP protocol violation: ", LOG_EVENT_REJECT, SEARCH, true},
    {"SMTP protocol error in ", LOG_EVENT_CLIENT, SEARCH, true},
    {"SMTP syntax error in ", LOG_EVENT_CLIENT, SEARCH, true},
    {"SMTP call from ", LOG_EVENT_CLIENT, AT_ONCE, false},
    {"SMTP connection from ", LOG_EVENT_CLIENT, AT_ONCE, false},
    {"no MAIL in SMTP connection from ", LOG_EVENT_CLIENT, AT_ONCE, false},
    {"unexpected disconnection while reading SMTP command from ", LOG_EVENT_CLIENT, AT_ONCE, false},
    {"SMTP command timeout on connection from ", LOG_EVENT_CLIENT, AT_ONCE, false},
    {"VRFY failed for ", LOG_EVENT_CLIENT, SEARCH, true},
    {"EXPN failed for ", LOG_EVENT_CLIENT, SEARCH, true},
    {"rejected XCLIENT from ", LOG_EVENT_CLIENT, AT_ONCE, false},
};

static bool
parse_message(struct text in, bool whole, struct log_event *out)
{
    unsigned i = 0, n = sizeof messages / sizeof messages[0];
    struct text sender = text_until(in, 0);
    struct exim_host host;

    while (i < n && !text_take(&in, messages[i].begin))
        i++;
    if (i == n || !whole)
        return false;
    bool greeted = messages[i].greeted && text_find(in, "rejected connection from") == SIZE_MAX;
    if (messages[i].where == AT_ONCE)
        (void)text_take(&in, "H=");
    else if (messages[i].where == SENDER && !exim_take_value(&in, &sender))
        return false;
    if (messages[i].where == AT_ONCE ? !exim_take_host(in, NULL, &host)
                                     : !exim_find_host(in, &host))
        return false;
    out->kind = messages[i].kind;
    exim_set_host(&host, greeted, out);
    if (messages[i].where == SENDER)
        exim_set_sender(sender, out);
    return true;
}

/* What a reverse look-up found: "no host name found for IP address 192.0.2.1", "no IP address found
 * for host name (during SMTP connection from [192.0.2.1])". */
static bool
parse_lookup(struct text in, struct log_event *out)
{
    struct exim_host host;
    struct text name;

    out->kind = LOG_EVENT_PTR;
    if (text_take(&in, "no host name found for IP address ")) {
        out->client.ptr = OBS_PTR_NONE;
        out->client.has_ip = ip_parse(in.p, in.n, &out->client.ip) == ERR_OK;
        return out->client.has_ip;
    }
    if (!text_take(&in, "no IP address found for host "))
        return false;
    name = text_before(in, " ");
    in = text_skip(in, name.n);
    if (!text_take(&in, " (during SMTP connection from ") || !exim_take_host(in, NULL, &host))
        return false;
    out->client = host.client;
    out->client.name = name;
    out->client.ptr = OBS_PTR_UNVERIFIED;
    return true;
}

/* "login authenticator failed for (HELO) [192.0.2.1]: 535 ..": a log-in, no mail. */
static bool
parse_login(struct text in, struct log_event *out)
{
    size_t at = text_find(in, " authenticator failed for ");
    struct exim_host host;

    if (at == SIZE_MAX || memchr(in.p, ' ', at) != NULL)
        return false;
    in = text_skip(in, at + strlen(" authenticator failed for "));
    (void)text_take(&in, "H=");
    if (!exim_take_host(in, NULL, &host))
        return false;
    out->kind = LOG_EVENT_CLIENT;
    exim_set_host(&host, true, out);
    return true;
}

void
exim_parse(struct text message, struct log_event *out)
{
    struct text in = message;
    bool whole = message.n <= WHOLE_MAX, known;

    *out = log_event_none(message);
    if (text_take(&in, "<= ")) {
        out->kind = LOG_EVENT_ACCEPT;
        known = parse_arrival(in, whole, out);
    } else if (text_take(&in, "(= ") || text_take(&in, "(- ")) {
        /* The client was told that it is rejected. */
        out->kind = LOG_EVENT_REJECT;
        known = parse_arrival(in, whole, out);
    } else if (text_take(&in, "H=")) {
        known = parse_acl(in, whole, out);
    } else {
        known = parse_message(in, whole, out) || parse_lookup(in, out) ||
                (whole && parse_login(in, out));
    }
    if (!known)
        *out = log_event_none(message);
}

enum err
exim_line(struct sessions *sessions, struct text line, int64_t now_s, int32_t utc_offset_s)
{
    struct logline head;
    struct log_event event;
    enum err err = exim_head(line, now_s, utc_offset_s, &head);

    if (err < 0)
        return err;
    exim_parse(head.text, &event);
    if (event.kind != LOG_EVENT_NONE)
        sessions_join(sessions, &head, &event);
    return ERR_OK;
}
