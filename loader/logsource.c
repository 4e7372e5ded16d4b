/* The table of log sources. See logsource.h. */
#include "loader/logsource.h"

#include "loader/src_amavis.h"
#include "loader/src_rspamd.h"
#include "loader/src_sendmail.h"

static const logsource_fn sources[LOG_FORMAT_COUNT] = {
#define LOG_FORMAT(id, name, source) [LOG_##id] = source##_line,
#include "zones/logformats.def"
#undef LOG_FORMAT
};

logsource_fn
logsource_of(enum log_format format)
{
    return sources[format];
}

static const struct {
    const char *program;
    void (*parse)(struct text message, struct log_event *out);
} beside[] = {
    {"rspamd", rspamd_parse},
    {"amavis", amavis_parse},
    {"amavisd", amavis_parse},
    {"amavisd-new", amavis_parse},
};

void
logsource_beside(struct sessions *sessions, const struct logline *head)
{
    const char *slash = memrchr(head->program.p, '/', head->program.n);
    struct text name = head->program;
    struct log_event event;

    if (slash != NULL)
        name = text_skip(name, (size_t)(slash - name.p) + 1);
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        if (!text_equals(name, beside[i].program))
            continue;
        beside[i].parse(head->text, &event);
        if (event.kind != LOG_EVENT_NONE)
            sessions_join(sessions, head, &event);
    }
}

static bool
is_exim(struct text program)
{
    return text_begins(program, "exim");
}

static bool
is_opensmtpd(struct text program)
{
    return text_equals(program, "smtpd");
}

static const struct {
    bool (*wrote)(struct text program);
    logsource_fn read;
} writers[] = {
    {is_exim, exim_line}, {is_opensmtpd, opensmtpd_line}, {sendmail_program, sendmail_line}};

enum err
logsource_any(struct sessions *sessions, struct text line, int64_t now_s, int32_t utc_offset_s)
{
    struct logline head;

    /* Exim's own log, and rspamd's, have no program. */
    if (logline_parse(line.p, line.n, now_s, utc_offset_s, &head) < 0)
        return text_find(line, "rspamd_task_write_log: ") == SIZE_MAX
                   ? exim_line(sessions, line, now_s, utc_offset_s)
                   : rspamd_line(sessions, line, now_s, utc_offset_s);
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++)
        if (writers[i].wrote(head.program))
            return writers[i].read(sessions, line, now_s, utc_offset_s);
    return postfix_line(sessions, line, now_s, utc_offset_s);
}
