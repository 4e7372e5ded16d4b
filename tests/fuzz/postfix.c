/*
 * A log from anywhere: heads, messages, sessions, and the saved table. What comes out must be fit
 * to be kept: clean HELOs, host names, and a table that loads again to the same bytes.
 */
#include "tests/fuzz/log_lines.h"

#include "loader/src_postfix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_postfix(const struct postfix_event *event, struct text line)
{
    check_text(event->queue_id, line);
    check_text(event->stage, line);
    check_text(event->helo, line);
    check_text(event->client.name, line);
    must(event->queue_id.n <= 24);
    must(event->kind != POSTFIX_UNVERIFIED || event->client.has_ip);
    must(event->kind != POSTFIX_SPF || event->client.has_ip);
    if (event->sender == OBS_SENDER_DOMAIN) {
        check_name(&event->sender_domain);
        must(dname_is_hostname(&event->sender_domain));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct table table;
    size_t lines = 0;
    const char *at = (const char *)data, *end = at + size;

    empty_table(&table);
    struct sessions *sessions = table.sessions;
    enum err err = sessions_load(sessions, slice_of(data, size));
    must(err == ERR_OK || err == ERR_FORMAT);
    must(table.count == 0);
    empty_table(&table);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct text line = {at, (size_t)((newline == NULL ? end : newline) - at)};
        struct logline head;
        struct postfix_program program;
        struct postfix_event event;

        at += line.n + 1;
        lines++;
        if (logline_parse(line.p, line.n, NOW, 3600, &head) != ERR_OK)
            continue;
        check_text(head.text, line);
        check_text(head.program, line);
        postfix_program(head.program, &program);
        postfix_parse(&program, head.text, &event);
        check_postfix(&event, line);
        sessions_event(sessions, &head, &program, &event);
    }
    check_saving(sessions);
    sessions_settle(sessions);
    /* A line ends at most what earlier ones began, and may add an attempt of its own. */
    must(table.count <= 2 * lines);
    return 0;
}
