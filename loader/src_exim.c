/* Messages of Exim. See src_exim.h. */
#include "loader/src_exim.h"

#include "loader/logsource.h"
#include "loader/src_policyspf.h"
#include "loader/src_received.h"

enum {
    READINGS_MAX = 8, /* places that may be the client, before a line is given up */
    /* Longer lines may have been cut, Exim does so at 8192 bytes, and the client with them. */
    WHOLE_MAX = 4096
};

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

/* -- fields: " KEY=value" -- */

enum field { FIELD_SENDER, FIELD_AUTH, FIELD_PROTOCOL, FIELD_SPF, FIELD_INTERFACE, FIELD_COUNT };

struct fields {
    struct text value[FIELD_COUNT];
    bool twice; /* one of them: part of it is a stranger's text */
};

/* An address, a word, a quoted text: up to a blank that is neither quoted nor escaped. False where
 * a quote is never closed. */
static bool
take_value(struct text *in, struct text *out)
{
    bool quoted = false;
    size_t n = 0;

    for (; n < in->n && (quoted || in->p[n] != ' '); n++) {
        if (in->p[n] == '\\' && n + 1 < in->n)
            n++;
        else if (in->p[n] == '"')
            quoted = !quoted;
    }
    *out = text_until(*in, n);
    *in = text_skip(*in, n);
    return !quoted;
}

static bool
is_flag(struct text key)
{
    static const char *const flags[] = {"TFO", "L", "K", "PRDR", "DS", "ARC", "SPF"};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (text_begins(key, flags[i]) && key.n == strlen(flags[i]))
            return true;
    return false;
}

static void
keep_field(struct fields *fields, struct text key, struct text value)
{
    static const char *const names[FIELD_COUNT] = {[FIELD_SENDER] = "F",
        [FIELD_AUTH] = "A",
        [FIELD_PROTOCOL] = "P",
        [FIELD_SPF] = "SPF",
        [FIELD_INTERFACE] = "I"};

    for (unsigned i = 0; i < FIELD_COUNT; i++)
        if (text_begins(key, names[i]) && key.n == strlen(names[i])) {
            fields->twice |= fields->value[i].n > 0;
            fields->value[i] = value;
        }
}

/* From the left; *in is then what follows them. */
static void
take_fields(struct text *in, struct fields *out)
{
    *out = (struct fields){0};
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        out->value[i] = text_until(*in, 0);
    while (in->n > 1 && *in->p == ' ') {
        struct text rest = text_skip(*in, 1), key, value;

        key = text_before(rest, "= *.-");
        if (key.n == 0 || key.n > 8)
            return;
        rest = text_skip(rest, key.n);
        if (text_char(&rest, '=')) {
            if (!take_value(&rest, &value))
                return;
            keep_field(out, key, value);
        } else if (is_flag(key)) {
            /* "L.", "L-", "TFO*" */
            while (rest.n > 0 && *rest.p != ' ' && !text_is_digit(*rest.p))
                rest = text_skip(rest, 1);
        } else {
            return;
        }
        *in = rest;
    }
}

/* -- the client: "name (HELO) [address]:port" -- */

struct host {
    struct log_client client;
    struct text helo;
    bool helo_is_name; /* no HELO is written: it is the name, or the address as a literal, or the
                          client has not greeted yet */
    struct text rest;
};

/* Whether what follows a client has the form that it must have. */
typedef bool (*follows_fn)(struct text rest);

static bool
take_address(struct text *in, struct log_client *out)
{
    struct text rest = *in, address;
    unsigned port;

    if (!text_char(&rest, '['))
        return false;
    address = text_before(rest, "]");
    rest = text_skip(rest, address.n);
    if (!text_char(&rest, ']') || ip_parse(address.p, address.n, &out->ip) != ERR_OK)
        return false;
    if (rest.n > 1 && *rest.p == ':' && text_is_digit(rest.p[1])) {
        rest = text_skip(rest, 1);
        if (!text_number(&rest, 1, 5, &port) || port > UINT16_MAX)
            return false;
        out->port = (uint16_t)port;
    }
    if (rest.n > 0 && *rest.p != ' ' && *rest.p != ':' && *rest.p != ')')
        return false;
    out->has_ip = true;
    *in = rest;
    return true;
}

/* in: behind the '('. A HELO that holds what looks like its own end is told apart by what follows,
 * and where that fits twice not at all. */
static bool
take_greeted(struct text in, follows_fn follows, struct host *out)
{
    struct host first = *out, fitting = *out;
    unsigned readings = 0, fits = 0;
    size_t at = 0, step;

    while ((step = text_find(text_skip(in, at), ") [")) != SIZE_MAX) {
        struct host reading = *out;

        at += step + 1;
        reading.helo = text_until(in, at - 1);
        reading.rest = text_skip(in, at + 1);
        if (!take_address(&reading.rest, &reading.client) ||
            (reading.rest.n > 1 && *reading.rest.p == ')'))
            continue;
        if (readings++ == 0)
            first = reading;
        if (follows != NULL && follows(reading.rest)) {
            fitting = reading;
            fits++;
        }
        if (readings == READINGS_MAX || fits > 1)
            return false;
    }
    *out = readings == 1 ? first : fitting;
    return readings == 1 || fits == 1;
}

static bool
take_host(struct text in, follows_fn follows, struct host *out)
{
    *out = (struct host){.client = {.name = text_until(in, 0)},
        .helo = text_until(in, 0),
        .rest = text_until(in, 0)};
    if (in.n > 0 && *in.p != '[' && *in.p != '(') {
        /* Exim takes a name from DNS only where it has the form of one. */
        struct text name = text_before(in, " ()[]<>\"'=,;");

        in = text_skip(in, name.n);
        if (name.n == 0 || !text_char(&in, ' '))
            return false;
        out->client.name = name;
        out->client.ptr = OBS_PTR_VERIFIED;
    }
    if (text_char(&in, '('))
        return take_greeted(in, follows, out);
    out->helo_is_name = out->client.name.n > 0;
    out->rest = in;
    return take_address(&out->rest, &out->client);
}

/* Behind the one " H=" of a line that quotes a stranger's text before and after it. Where two can
 * be read the client is known if they agree, the HELO is not. */
static bool
find_host(struct text in, struct host *out)
{
    unsigned readings = 0;
    size_t step;

    while ((step = text_find(in, " H=")) != SIZE_MAX && readings < READINGS_MAX) {
        struct host host;

        in = text_skip(in, step + strlen(" H="));
        if (!take_host(in, NULL, &host))
            continue;
        if (readings++ == 0) {
            *out = host;
        } else if (ip_cmp(&host.client.ip, &out->client.ip) == 0) {
            out->helo = out->client.name = text_until(in, 0);
            out->client.ptr = OBS_PTR_UNSEEN;
            out->helo_is_name = false;
        } else {
            return false;
        }
    }
    return readings > 0 && readings < READINGS_MAX;
}

static void
set_host(const struct host *host, bool greeted, struct log_event *out)
{
    out->client = host->client;
    out->helo = host->helo_is_name && greeted ? host->client.name : host->helo;
}

static void
set_sender(struct text sender, struct log_event *out)
{
    out->sender = envelope_domain(sender.p, sender.n, &out->sender_domain);
}

/* RFC 3848: "esmtpa", "esmtpsa"; "asmtp" of old versions. */
static bool
is_authenticated(const struct fields *fields)
{
    struct text protocol = fields->value[FIELD_PROTOCOL];

    return !fields->twice && (fields->value[FIELD_AUTH].n > 0 || text_starts(protocol, "asmtp") ||
                                 text_ends(protocol, "smtpa") || text_ends(protocol, "smtpsa"));
}

static void
set_fields(const struct fields *fields, struct log_event *out)
{
    struct text interface = fields->value[FIELD_INTERFACE];

    out->authenticated = is_authenticated(fields);
    out->submission =
        !fields->twice && (text_ends(interface, "]:587") || text_ends(interface, "]:465"));
    out->has_spf = !fields->twice && policyspf_result(fields->value[FIELD_SPF], &out->spf);
}

/* -- "<= sender H=... P=esmtp S=1234 id=..." -- */

static bool
follows_arrival(struct text rest)
{
    struct fields fields;

    take_fields(&rest, &fields);
    /* In a HELO that begins such a list the true client would follow. */
    return rest.n == 0 || ((text_begins(rest, " from <") || text_begins(rest, " for ")) &&
                              text_find(rest, ") [") == SIZE_MAX);
}

static bool
parse_arrival(struct text in, bool whole, struct log_event *out)
{
    struct text sender, ignored;
    struct host host;
    struct fields fields;

    if (!take_value(&in, &sender))
        return false;
    if (text_take(&in, " R=") && !take_value(&in, &ignored))
        return false;
    (void)text_take(&in, " DS");
    /* Without a host: made on this machine. */
    if (!text_take(&in, " H=") || !take_host(in, follows_arrival, &host) ||
        (!whole && host.helo.n > 0))
        return false;
    set_host(&host, true, out);
    set_sender(sender, out);
    take_fields(&host.rest, &fields);
    set_fields(&fields, out);
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
    if (verb == VERBS && text_take(&rest, " RCPT ") && take_value(&rest, &recipient) &&
        text_begins(rest, " discarded by "))
        return take_verb(&rest);
    return verb;
}

static bool
follows_acl(struct text rest)
{
    struct fields fields;

    take_fields(&rest, &fields);
    return take_verb(&rest) < VERBS;
}

/* in: behind "H=". */
static bool
parse_acl(struct text in, bool whole, struct log_event *out)
{
    struct host host;
    struct fields fields;
    struct text sender;

    if (!take_host(in, follows_acl, &host) || (!whole && host.helo.n > 0))
        return false;
    take_fields(&host.rest, &fields);
    unsigned verb = take_verb(&host.rest);
    if (verb == VERBS)
        return false;
    out->kind = LOG_EVENT_REJECT;
    set_host(&host, verbs[verb].greeted, out);
    set_fields(&fields, out);
    if (fields.twice)
        out->sender = OBS_SENDER_BAD;
    else if (fields.value[FIELD_SENDER].n > 0)
        set_sender(fields.value[FIELD_SENDER], out);
    else if (verbs[verb].sender && text_begins(host.rest, "<") && take_value(&host.rest, &sender)) {
        if (text_ends(sender, ":"))
            sender.n--;
        set_sender(sender, out);
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
    struct host host;

    while (i < n && !text_take(&in, messages[i].begin))
        i++;
    if (i == n || !whole)
        return false;
    bool greeted = messages[i].greeted && text_find(in, "rejected connection from") == SIZE_MAX;
    if (messages[i].where == AT_ONCE)
        (void)text_take(&in, "H=");
    else if (messages[i].where == SENDER && !take_value(&in, &sender))
        return false;
    if (messages[i].where == AT_ONCE ? !take_host(in, NULL, &host) : !find_host(in, &host))
        return false;
    out->kind = messages[i].kind;
    set_host(&host, greeted, out);
    if (messages[i].where == SENDER)
        set_sender(sender, out);
    return true;
}

/* What a reverse look-up found: "no host name found for IP address 192.0.2.1", "no IP address found
 * for host name (during SMTP connection from [192.0.2.1])". */
static bool
parse_lookup(struct text in, struct log_event *out)
{
    struct host host;
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
    if (!text_take(&in, " (during SMTP connection from ") || !take_host(in, NULL, &host))
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
    struct host host;

    if (at == SIZE_MAX || memchr(in.p, ' ', at) != NULL)
        return false;
    in = text_skip(in, at + strlen(" authenticator failed for "));
    (void)text_take(&in, "H=");
    if (!take_host(in, NULL, &host))
        return false;
    out->kind = LOG_EVENT_CLIENT;
    set_host(&host, true, out);
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
