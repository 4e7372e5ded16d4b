/* Messages of OpenSMTPD. See src_opensmtpd.h. */
#include "loader/src_opensmtpd.h"

#include "loader/logsource.h"
#include "loader/src_received.h"

enum { SESSION_LEN = 16, MESSAGE_LEN = 8 };

/* -- pieces -- */

/* n hexadecimal digits. */
static bool
take_id(struct text *in, size_t n, struct text *out)
{
    if (in->n < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!text_is_digit(in->p[i]) && (in->p[i] < 'a' || in->p[i] > 'f'))
            return false;
    *out = text_until(*in, n);
    *in = text_skip(*in, n);
    return true;
}

/* "192.0.2.1", "[2001:db8::1]", "IPv6:2001:db8::1". False for "local" too: a mail made here. */
static bool
parse_address(struct text address, struct log_client *out)
{
    if (address.n > 2 && *address.p == '[' && address.p[address.n - 1] == ']')
        address = (struct text){address.p + 1, address.n - 2};
    if (text_starts(address, "IPv6:"))
        address = text_skip(address, strlen("IPv6:"));
    out->has_ip = ip_parse(address.p, address.n, &out->ip) == ERR_OK;
    return out->has_ip;
}

/* Whether a name leads back to the address is not told. */
static void
set_name(struct text name, struct log_client *out)
{
    if (text_begins(name, "<unknown>"))
        out->ptr = OBS_PTR_NONE;
}

/* "from=<s> to=<r>", "from=<s>, to=<r>". OpenSMTPD takes no address with a '>' in it. */
static bool
parse_sender(struct text in, struct log_event *out)
{
    struct text sender;
    const char *close = in.n == 0 ? NULL : memchr(in.p, '>', in.n);

    if (!text_begins(in, "<") || close == NULL)
        return false;
    sender = text_until(in, (size_t)(close - in.p) + 1);
    out->sender = envelope_domain(sender.p, sender.n, &out->sender_domain);
    return true;
}

/* -- a command that failed: command="MAIL FROM:<s> SIZE=1" result="550 .." -- */

static bool
parse_command(struct text command, struct log_event *out)
{
    static const char *const mails[] = {"\"", "HELO ", "EHLO ", "RCPT TO:", "DATA", ".\""};

    out->kind = LOG_EVENT_REJECT;
    if (text_starts(command, "MAIL FROM:")) {
        command = text_trim(text_skip(command, strlen("MAIL FROM:")));
        if (!parse_sender(command, out))
            out->sender = OBS_SENDER_BAD;
        return true;
    }
    /* Others are log-ins and mistakes. */
    for (size_t i = 0; i < sizeof mails / sizeof mails[0]; i++)
        if (text_starts(command, mails[i]))
            return true;
    return false;
}

/* -- "SESSION smtp ..." -- */

/* Behind "address=" up to the name; *in is then behind both. */
static bool
take_client(struct text *in, struct log_client *out)
{
    struct text address, name;

    if (!text_take(in, "address="))
        return false;
    address = text_before(*in, " ");
    *in = text_skip(*in, address.n);
    if (!text_take(in, " host="))
        return false;
    name = text_before(*in, " ");
    *in = text_skip(*in, name.n);
    (void)text_take(in, " ");
    if (!parse_address(address, out))
        return false;
    set_name(name, out);
    return true;
}

/* "msgid=c405e39a size=303 nrcpt=1 proto=ESMTP"; until 6.3 one for each recipient, with
 * "from=<s> to=<r>" in it. */
static bool
parse_accepted(struct text in, struct log_event *out)
{
    out->kind = LOG_EVENT_ACCEPT;
    if (!text_take(&in, "msgid=") || !take_id(&in, MESSAGE_LEN, &out->mail))
        return false;
    return !text_take(&in, " from=") || parse_sender(in, out);
}

/* "evpid=c405e39a12345678 from=<s> to=<r>": the message's id, and the recipient's part of it. */
static bool
parse_envelope(struct text in, struct log_event *out)
{
    struct text ignored;

    out->kind = LOG_EVENT_ENVELOPE;
    return text_take(&in, "evpid=") && take_id(&in, MESSAGE_LEN, &out->mail) &&
           take_id(&in, SESSION_LEN - MESSAGE_LEN, &ignored) && text_take(&in, " from=") &&
           parse_sender(in, out);
}

static bool
parse_event(struct text in, struct log_event *out)
{
    /* Until 6.3 each line repeats the client. */
    bool old = text_take(&in, "event=");
    struct text word = text_before(in, " "), again;
    struct log_client client = out->client;

    in = text_skip(in, word.n);
    (void)text_take(&in, " ");
    if (text_equals(word, "connected")) {
        out->kind = LOG_EVENT_CLIENT;
        return take_client(&in, &out->client);
    }
    if (text_equals(word, "disconnected") || text_equals(word, "closed")) {
        out->kind = LOG_EVENT_END;
        return true;
    }
    if (text_equals(word, "authentication")) {
        out->kind = LOG_EVENT_AUTH;
        out->authenticated = true;
        return text_ends(in, " result=ok");
    }
    again = in;
    if (old && take_client(&again, &client)) {
        out->client = client;
        in = again;
    }
    if (text_equals(word, "message"))
        return parse_accepted(in, out);
    if (text_equals(word, "envelope"))
        return parse_envelope(in, out);
    return text_equals(word, "failed-command") && text_take(&in, "command=\"") &&
           parse_command(in, out);
}

/* -- "smtp-in: ..." -- */

/* "New session SESSION from host name [address]" */
static bool
parse_new_session(struct text in, struct log_event *out)
{
    struct text name;

    out->kind = LOG_EVENT_CLIENT;
    if (!take_id(&in, SESSION_LEN, &out->session) || !text_take(&in, " from host "))
        return false;
    name = text_before(in, " ");
    in = text_skip(in, name.n);
    if (!text_take(&in, " [") || !text_ends(in, "]") ||
        !parse_address(text_until(in, in.n - 1), &out->client))
        return false;
    set_name(name, &out->client);
    return true;
}

/* "Accepted message 4296f490 on session SESSION: from=<s>, to=<r>, size=1746, .." */
static bool
parse_old_accepted(struct text in, struct log_event *out)
{
    out->kind = LOG_EVENT_ACCEPT;
    return take_id(&in, MESSAGE_LEN, &out->mail) && text_take(&in, " on session ") &&
           take_id(&in, SESSION_LEN, &out->session) && text_take(&in, ": from=") &&
           parse_sender(in, out);
}

static bool
parse_old(struct text in, struct log_event *out)
{
    if (text_take(&in, "New session "))
        return parse_new_session(in, out);
    if (text_take(&in, "Accepted message "))
        return parse_old_accepted(in, out);
    if (text_take(&in, "Failed command on session "))
        return take_id(&in, SESSION_LEN, &out->session) && text_take(&in, ": \"") &&
               parse_command(in, out);
    if (text_take(&in, "Closing session ") || text_take(&in, "Disconnecting session ")) {
        out->kind = LOG_EVENT_END;
        return take_id(&in, SESSION_LEN, &out->session);
    }
    if (!text_take(&in, "Accepted authentication for user "))
        return false;
    out->kind = LOG_EVENT_AUTH;
    out->authenticated = true;
    size_t at = text_find_last(in, " on session ");
    if (at == SIZE_MAX)
        return false;
    in = text_skip(in, at + strlen(" on session "));
    return take_id(&in, SESSION_LEN, &out->session) && in.n == 0;
}

void
opensmtpd_parse(struct text message, struct log_event *out)
{
    struct text in = message;
    bool known;

    *out = log_event_none(message);
    if (text_take(&in, "smtp-in: "))
        known = parse_old(in, out);
    else
        known = take_id(&in, SESSION_LEN, &out->session) && text_take(&in, " smtp ") &&
                parse_event(in, out);
    if (!known)
        *out = log_event_none(message);
}

enum err
opensmtpd_line(struct sessions *sessions, struct text line, int64_t now_s, int32_t utc_offset_s)
{
    struct logline head;
    struct log_event event;
    enum err err = logline_parse(line.p, line.n, now_s, utc_offset_s, &head);

    if (err < 0)
        return err;
    if (!text_equals(head.program, "smtpd")) {
        logsource_beside(sessions, &head);
        return ERR_OK;
    }
    opensmtpd_parse(head.text, &event);
    if (event.kind != LOG_EVENT_NONE)
        sessions_join(sessions, &head, &event);
    return ERR_OK;
}
