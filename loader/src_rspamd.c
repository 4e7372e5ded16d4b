/* rspamd's verdicts. See src_rspamd.h. */
#include "loader/src_rspamd.h"

#include "loader/logsource.h"
#include "loader/src_received.h"

enum { QUEUE_ID_MAX = 24 };

static const struct {
    const char *begin; /* of what follows "(default: " */
    enum obs_label label;
} actions[] = {
    {"F (no action): [", OBS_HAM},
    {"T (add header): [", OBS_SPAM},
    {"F (add header): [", OBS_SPAM},
    {"T (rewrite subject): [", OBS_SPAM},
    {"F (rewrite subject): [", OBS_SPAM},
    {"T (reject): [", OBS_SPAM},
};

/* What was let through for want of signs is no ham: its score must not be above 0. */
static enum obs_label
label_of(struct text verdict)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (text_take(&verdict, actions[i].begin))
            return actions[i].label == OBS_HAM && !text_at_most_zero(verdict) ? OBS_UNLABELLED
                                                                              : actions[i].label;
    return OBS_UNLABELLED;
}

/* Left of the verdict: "id: <ID>, qid: <QID>, ip: IP, user: U, from: <S>,", each but the first
 * where it is known. */
static bool
parse_mail(struct text head, struct log_event *out)
{
    struct text rest;

    if (!text_once(head, ", ip: ", &rest))
        return false;
    struct text address = text_before(rest, ",");
    out->client.has_ip = ip_parse(address.p, address.n, &out->client.ip) == ERR_OK;
    if (text_once(head, ", qid: <", &rest)) {
        out->mail = text_before(rest, ">");
        if (out->mail.n > QUEUE_ID_MAX)
            return false;
    } else if (text_find(head, ", qid: <") != SIZE_MAX) {
        return false;
    }
    out->authenticated = text_find(head, ", user: ") != SIZE_MAX;
    if (text_once(head, ", from: <", &rest) && text_ends(rest, ">,"))
        out->sender = envelope_domain(rest.p - 1, rest.n, &out->sender_domain);
    return out->client.has_ip;
}

void
rspamd_parse(struct text message, struct log_event *out)
{
    struct text in, verdict;
    size_t at = text_find(message, "rspamd_task_write_log: id: <");

    *out = log_event_none(message);
    if (at == SIZE_MAX)
        return;
    in = text_skip(message, at);
    if (!text_once(in, " (default: ", &verdict))
        return;
    out->kind = LOG_EVENT_CLASS;
    out->label = label_of(verdict);
    in = text_until(in, (size_t)(verdict.p - in.p) - strlen(" (default: "));
    if (out->label == OBS_UNLABELLED || !parse_mail(in, out))
        *out = log_event_none(message);
}

/* "2026-11-24 03:25:01 #174(rspamd_proxy) <f81a2c>; proxy; rspamd_task_write_log: ..", or syslog.
 */
enum err
rspamd_line(struct sessions *sessions, struct text line, int64_t now_s, int32_t utc_offset_s)
{
    struct logline head;
    struct log_event event;

    if (logline_parse(line.p, line.n, now_s, utc_offset_s, &head) < 0) {
        struct text in = line;

        head = (struct logline){.host = text_until(line, 0), .program = text_until(line, 0)};
        if (logline_stamp(&in, now_s, utc_offset_s, &head.when_s) < 0)
            return ERR_SYNTAX;
        head.text = text_trim(in);
    }
    rspamd_parse(head.text, &event);
    if (event.kind != LOG_EVENT_NONE)
        sessions_join(sessions, &head, &event);
    return ERR_OK;
}
