/* amavis' verdicts. See src_amavis.h. */
#include "loader/src_amavis.h"

#include "loader/logsource.h"
#include "loader/src_received.h"

enum { QUEUE_ID_MAX = 24, TASK_MAX = 24 };

static const struct {
    const char *word;
    enum obs_label label;
} verdicts[] = {
    {"Passed CLEAN", OBS_HAM},
    {"Passed SPAMMY", OBS_SPAM},
    {"Passed SPAM", OBS_SPAM},
    {"Blocked SPAMMY", OBS_SPAM},
    {"Blocked SPAM", OBS_SPAM},
};

/* "Passed CLEAN {RelayedInbound}, "; before 2.7 without the braces. False for other directions than
 * in. */
static bool
take_verdict(struct text *in, enum obs_label *out)
{
    size_t i = 0, n = sizeof verdicts / sizeof verdicts[0];

    while (i < n && !text_take(in, verdicts[i].word))
        i++;
    if (i == n)
        return false;
    *out = verdicts[i].label;
    if (text_take(in, " {")) {
        struct text actions = text_before(*in, "}");

        *in = text_skip(*in, actions.n);
        if (text_find(actions, "Inbound") == SIZE_MAX || !text_char(in, '}'))
            return false;
    }
    return text_take(in, ", ");
}

/* "[192.0.2.1]:4711 [192.0.2.1] <sender> -> <recipient>,..": the client that handed the mail in,
 * and the one of the first Received line, which anybody may write. */
static bool
take_client(struct text *in, struct log_event *out)
{
    struct text address, ignored;
    unsigned port;

    if (!text_char(in, '['))
        return false;
    address = text_before(*in, "]");
    *in = text_skip(*in, address.n);
    if (!text_char(in, ']'))
        return false;
    if (address.n > 5 && text_starts(address, "IPv6:"))
        address = text_skip(address, 5);
    out->client.has_ip = ip_parse(address.p, address.n, &out->client.ip) == ERR_OK &&
                         !ip_is_special(&out->client.ip);
    if (text_char(in, ':') && !text_number(in, 1, 5, &port))
        return false;
    if (text_take(in, " [")) {
        ignored = text_before(*in, "]");
        *in = text_skip(*in, ignored.n);
        if (!text_char(in, ']'))
            return false;
    }
    return text_take(in, " ");
}

static bool
parse_verdict(struct text in, struct log_event *out)
{
    struct text rest;
    size_t end = text_find(text_until(in, TASK_MAX), ") ");

    if (!text_begins(in, "(") || end == SIZE_MAX)
        return false;
    in = text_skip(in, end + 2);
    if (!take_verdict(&in, &out->label) || !take_client(&in, out))
        return false;
    end = text_find(in, "> -> <");
    if (end == SIZE_MAX)
        return false;
    out->sender = envelope_domain(in.p, end + 1, &out->sender_domain);
    if (text_once(in, ", Queue-ID: ", &rest))
        out->mail = text_before(rest, ",");
    /* What was let through for want of signs is no ham. */
    if (out->label == OBS_HAM && (!text_once(in, ", Hits: ", &rest) || !text_at_most_zero(rest)))
        return false;
    out->kind = LOG_EVENT_CLASS;
    return out->mail.n <= QUEUE_ID_MAX && (out->mail.n > 0 || out->client.has_ip);
}

void
amavis_parse(struct text message, struct log_event *out)
{
    *out = log_event_none(message);
    if (!parse_verdict(message, out))
        *out = log_event_none(message);
}

enum err
amavis_line(struct sessions *sessions, struct text line, int64_t now_s, int32_t utc_offset_s)
{
    struct logline head;
    struct log_event event;
    enum err err = logline_parse(line.p, line.n, now_s, utc_offset_s, &head);

    if (err < 0)
        return err;
    amavis_parse(head.text, &event);
    if (event.kind != LOG_EVENT_NONE)
        sessions_join(sessions, &head, &event);
    return ERR_OK;
}
