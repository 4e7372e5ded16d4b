/* Messages of Sendmail. See src_sendmail.h. */
#include "loader/src_sendmail.h"

#include "loader/logsource.h"
#include "loader/src_received.h"

enum { QUEUE_ID_MIN = 7, QUEUE_ID_MAX = 24, READINGS_MAX = 8 };

/* "sendmail", "sm-mta", "sm-acceptingconnections"; "sm-msp-queue" hands on what was made here. */
bool
sendmail_program(struct text name)
{
    return (text_begins(name, "sendmail") || text_begins(name, "sm-")) &&
           !text_begins(name, "sm-msp");
}

/* "s1P819mk027713: ", "NOQUEUE: ", or nothing. */
static void
take_queue_id(struct text *in, struct text *out)
{
    size_t n = 0;

    if (text_take(in, "NOQUEUE: "))
        return;
    while (n < in->n && (text_is_digit(in->p[n]) || (in->p[n] >= 'A' && in->p[n] <= 'Z') ||
                            (in->p[n] >= 'a' && in->p[n] <= 'z')))
        n++;
    if (n < QUEUE_ID_MIN || n > QUEUE_ID_MAX || !text_begins(text_skip(*in, n), ": "))
        return;
    *out = text_until(*in, n);
    *in = text_skip(*in, n + 2);
}

/* -- "ident@name [address] (may be forged)" -- */

/* Of a text that ends behind it. The name is what stands before the address, without blanks; an
 * ident of the client's choice comes before its '@'. */
static bool
parse_relay(struct text in, struct log_client *out)
{
    bool forged = text_ends(in, " (may be forged)");
    size_t open;
    struct text address;

    *out = (struct log_client){.name = text_until(in, 0)};
    if (forged)
        in.n -= strlen(" (may be forged)");
    open = text_find_last(in, "[");
    if (open == SIZE_MAX || !text_ends(in, "]"))
        return false;
    address = (struct text){in.p + open + 1, in.n - open - 2};
    if (text_starts(address, "IPv6:"))
        address = text_skip(address, strlen("IPv6:"));
    if (ip_parse(address.p, address.n, &out->ip) != ERR_OK)
        return false;
    out->has_ip = true;
    in.n = open;
    if (!text_ends(in, " ")) {
        /* Which name was forged is not told. */
        out->ptr = forged ? OBS_PTR_UNSEEN : OBS_PTR_NONE;
        return true;
    }
    in.n--;
    size_t begin = in.n;
    while (begin > 0 && !text_is_space(in.p[begin - 1]) && in.p[begin - 1] != '@')
        begin--;
    out->name = text_skip(in, begin);
    if (out->name.n > 0)
        out->ptr = forged ? OBS_PTR_UNVERIFIED : OBS_PTR_VERIFIED;
    return true;
}

/* The same with more text behind: the first that ends right before `behind`. */
static bool
parse_relay_before(struct text in, const char *behind, struct log_client *out)
{
    size_t at = text_find(in, behind);

    return at != SIZE_MAX && parse_relay(text_until(in, at), out);
}

/* -- "from=<s>, size=1, class=0, nrcpts=1, msgid=<..>, proto=ESMTP, daemon=MTA, relay=.." -- */

/* ", size=108, class=0, nrcpts=1": *in is then behind it. */
static bool
take_counts(struct text *in, unsigned *recipients)
{
    struct text rest = *in;
    unsigned ignored;

    if (!text_take(&rest, ", size=") || !text_number(&rest, 1, 9, &ignored) ||
        !text_take(&rest, ", class="))
        return false;
    (void)text_char(&rest, '-');
    if (!text_number(&rest, 1, 9, &ignored) || !text_take(&rest, ", nrcpts=") ||
        !text_number(&rest, 1, 9, recipients))
        return false;
    *in = rest;
    return true;
}

/* What stands right before the relay: ", daemon=MSA" is for our own users; newer versions put
 * ", tls_verify=NO, auth=PLAIN" behind it. */
static void
parse_listener(struct text before_relay, struct log_event *out)
{
    for (unsigned fields = 0; fields < 3; fields++) {
        size_t at = text_find_last(before_relay, ", ");
        struct text field;

        if (at == SIZE_MAX)
            return;
        field = text_skip(before_relay, at);
        before_relay.n = at;
        if (text_take(&field, ", daemon=")) {
            out->submission = text_begins(field, "MSA");
            return;
        }
        if (text_take(&field, ", auth="))
            out->authenticated = field.n > 0 && !text_equals(field, "NONE");
        else if (!text_begins(field, ", tls_verify="))
            return;
    }
}

static bool
parse_from(struct text in, struct log_event *out)
{
    size_t relay = text_find_last(in, ", relay="), step;
    struct text sender = text_until(in, 0), rest = in;
    unsigned found = 0, recipients = 0;

    if (relay == SIZE_MAX || !parse_relay(text_skip(in, relay + strlen(", relay=")), &out->client))
        return false;
    /* Both the sender and the message's id may hold such counts. */
    for (; (step = text_find(rest, ", size=")) != SIZE_MAX; rest = text_skip(rest, 1)) {
        unsigned n;

        rest = text_skip(rest, step);
        struct text behind = rest;
        if (!take_counts(&behind, &n))
            continue;
        if (found++ == 0)
            sender = text_until(in, (size_t)(rest.p - in.p));
        recipients = n > recipients ? n : recipients;
    }
    if (found == 0)
        return false;
    out->kind = recipients > 0 ? LOG_EVENT_ACCEPT : LOG_EVENT_REJECT;
    parse_listener(text_until(in, relay), out);
    out->sender =
        found > 1 ? OBS_SENDER_BAD : envelope_domain(sender.p, sender.n, &out->sender_domain);
    return true;
}

/* -- "ruleset=check_rcpt, arg1=<r>, relay=.., reject=550 .." -- */

/* Where the relay of a ruleset's line ends: the one ", reject=" or ", discard" behind an address.
 */
static bool
find_ruleset_relay(struct text in, struct log_event *out, size_t *begin)
{
    static const char relay[] = ", relay=";
    static const char *const ends[] = {", reject=", ", discard"};
    unsigned readings = 0;
    size_t at = 0, step;

    while (readings < READINGS_MAX && (step = text_find(text_skip(in, at), relay)) != SIZE_MAX) {
        struct log_client client;

        at += step;
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
            if (!parse_relay_before(text_skip(in, at + strlen(relay)), ends[i], &client))
                continue;
            if (readings++ == 0) {
                out->client = client;
                *begin = at;
            }
        }
        at++;
    }
    return readings == 1;
}

static bool
parse_ruleset(struct text in, struct log_event *out)
{
    static const char sender_why[] = "Domain of sender address ";
    struct text ruleset = text_before(in, ","), rest = in;
    size_t relay = 0, at;

    if (!text_begins(ruleset, "check_") || text_equals(ruleset, "check_compat"))
        return false;
    in = text_skip(in, ruleset.n);
    if (!find_ruleset_relay(in, out, &relay))
        return false;
    out->kind = LOG_EVENT_REJECT;
    in.n = relay;
    if (text_equals(ruleset, "check_mail") && text_take(&in, ", arg1=")) {
        out->sender = envelope_domain(in.p, in.n, &out->sender_domain);
    } else if ((at = text_find_last(rest, sender_why)) != SIZE_MAX) {
        in = text_before(text_skip(rest, at + strlen(sender_why)), " ");
        out->sender = envelope_domain(in.p, in.n, &out->sender_domain);
    }
    return true;
}

/* -- other messages -- */

/* "name [address] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA" and the like. */
static const struct {
    const char *before, *behind;
    enum log_event_kind kind;
} messages[] = {
    {"rejecting commands from ", " due to pre-greeting traffic", LOG_EVENT_REJECT},
    {"", " did not issue MAIL/EXPN/VRFY/ETRN during", LOG_EVENT_CLIENT},
    {"", ": possible SMTP attack: command=", LOG_EVENT_CLIENT},
    {"", ": probable open proxy: command=", LOG_EVENT_CLIENT},
    {"lost input channel from ", " to ", LOG_EVENT_CLIENT},
    {"", ": EXPN ", LOG_EVENT_REJECT},
    {"", ": VRFY ", LOG_EVENT_REJECT},
    {"", ": expn ", LOG_EVENT_REJECT},
    {"", ": vrfy ", LOG_EVENT_REJECT},
};

static bool
parse_message(struct text message, struct log_event *out)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct text in = message;

        if (!text_take(&in, messages[i].before) ||
            !parse_relay_before(in, messages[i].behind, &out->client))
            continue;
        out->kind = messages[i].kind;
        return out->kind == LOG_EVENT_CLIENT || messages[i].behind[0] != ':' ||
               text_ends(in, " [rejected]");
    }
    return false;
}

/* "AUTH=server, relay=name [address], authid=u, mech=PLAIN, bits=0": it went well. */
static bool
parse_auth(struct text in, struct log_event *out)
{
    out->kind = LOG_EVENT_AUTH;
    out->authenticated = true;
    return parse_relay_before(in, ", authid=", &out->client) ||
           parse_relay_before(in, ", mech=", &out->client);
}

/* "Milter: data, reject=550 5.7.1 no", "milter=x, action=eom, reject=..": of a mail that was
 * accepted before. */
static bool
parse_milter(struct text in, struct log_event *out)
{
    static const char *const begins[] = {
        "Milter: data, reject=", "Milter: data, discard", "Milter: body, reject="};

    out->kind = LOG_EVENT_REVOKE;
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (text_begins(in, begins[i]))
            return out->mail.n > 0;
    return false;
}

void
sendmail_parse(struct text message, struct log_event *out)
{
    struct text in = message;
    bool known;

    *out = log_event_none(message);
    take_queue_id(&in, &out->mail);
    if (text_take(&in, "from="))
        known = parse_from(in, out);
    else if (text_take(&in, "ruleset="))
        known = parse_ruleset(in, out);
    else if (text_take(&in, "AUTH=server, relay="))
        known = parse_auth(in, out);
    else
        known = parse_milter(in, out) || parse_message(in, out);
    if (!known)
        *out = log_event_none(message);
}

enum err
sendmail_line(struct sessions *sessions, struct text line, int64_t now_s, int32_t utc_offset_s)
{
    struct logline head;
    struct log_event event;
    enum err err = logline_parse(line.p, line.n, now_s, utc_offset_s, &head);

    if (err < 0)
        return err;
    if (!sendmail_program(head.program)) {
        logsource_beside(sessions, &head);
        return ERR_OK;
    }
    sendmail_parse(head.text, &event);
    if (event.kind != LOG_EVENT_NONE)
        sessions_join(sessions, &head, &event);
    return ERR_OK;
}
