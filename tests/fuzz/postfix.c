/*
 * A log from anywhere: heads, messages, sessions, and the saved table. What comes out must be fit
 * to be kept: clean HELOs, host names, and a table that loads again to the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1795514400)

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
check_text(struct text text, struct text line)
{
    must(text.n == 0 || (text.p >= line.p && text.p + text.n <= line.p + line.n));
}

static void
check_name(const struct dname *name)
{
    struct dname again;
    char text[DNAME_TEXT_SIZE];

    must(dname_parse(text, dname_format(name, text), &again) == ERR_OK);
    must(dname_equal(name, &again));
}

static void
check_event(const struct postfix_event *event, struct text line)
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

static void
on_session(void *ctx, const struct observation *observation, const struct session_origin *origin)
{
    size_t *count = ctx;

    (void)origin;
    (*count)++;
    for (unsigned i = 0; i < observation->helo.len; i++)
        must(observation->helo.text[i] >= 32 && observation->helo.text[i] < 127);
    if (observation->sender == OBS_SENDER_DOMAIN)
        check_name(&observation->sender_domain);
    if (observation->ptr_seen >= OBS_PTR_UNVERIFIED)
        check_name(&observation->ptr);
    must(observation->outcome == OBS_ACCEPTED || !observation->has_spf);
}

/* What is saved and loaded is saved the same again. */
static void
check_saving(const struct sessions *sessions)
{
    size_t room = SESSIONS_SAVE_HEAD + sessions_count(sessions) * SESSIONS_SAVE_EACH, ignored = 0;
    uint8_t *first = malloc(room), *second = malloc(room);
    struct sessions *again;

    must(first != NULL && second != NULL);
    must(sessions_new(on_session, &ignored, &again) == ERR_OK);
    size_t n = sessions_save(sessions, first, room);
    must(n < room);
    must(sessions_load(again, slice_of(first, n)) == ERR_OK);
    must(sessions_count(again) == sessions_count(sessions));
    must(sessions_save(again, second, room) == n && memcmp(first, second, n) == 0);
    must(ignored == 0);
    sessions_free(&again);
    free(first);
    free(second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sessions *sessions;
    size_t count = 0, lines = 0;
    const char *at = (const char *)data, *end = at + size;

    must(sessions_new(on_session, &count, &sessions) == ERR_OK);
    enum err err = sessions_load(sessions, slice_of(data, size));
    must(err == ERR_OK || err == ERR_FORMAT);
    must(sessions_load(sessions, slice_of("", 0)) == ERR_FORMAT);
    must(sessions_count(sessions) == 0);
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
        check_event(&event, line);
        sessions_event(sessions, &head, &program, &event);
    }
    check_saving(sessions);
    sessions_settle(sessions);
    /* A line ends at most what earlier ones began, and may add an attempt of its own. */
    must(count <= 2 * lines);
    sessions_free(&sessions);
    return 0;
}
