/* The table of log sources. See logsource.h. */
#include "loader/logsource.h"

#include "loader/src_amavis.h"
#include "loader/src_rspamd.h"

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
