/*
 * A log from anywhere through the source of one format: heads, events, sessions, and the saved
 * table. What comes out must be fit to be kept: texts within the line, clean HELOs, host names, and
 * a table that loads again to the same bytes.
 */
#ifndef TESTS_FUZZ_LOG_LINES_H
#define TESTS_FUZZ_LOG_LINES_H

#include <stdlib.h>
#include <string.h>

#include "loader/logsource.h"

#define NOW INT64_C(1795514400)

static inline void
must(bool holds)
{
    if (!holds)
        abort();
}

static inline void
check_text(struct text text, struct text line)
{
    must(text.n == 0 || (text.p >= line.p && text.p + text.n <= line.p + line.n));
}

static inline void
check_name(const struct dname *name)
{
    struct dname again;
    char text[DNAME_TEXT_SIZE];

    must(dname_parse(text, dname_format(name, text), &again) == ERR_OK);
    must(dname_equal(name, &again));
}

static inline void
check_head(const struct logline *head, struct text line)
{
    check_text(head->host, line);
    check_text(head->program, line);
    check_text(head->text, line);
}

static inline void
check_event(const struct log_event *event, struct text message)
{
    must(event->kind < LOG_EVENT_COUNT);
    check_text(event->session, message);
    check_text(event->mail, message);
    check_text(event->helo, message);
    check_text(event->client.name, message);
    must(event->mail.n <= 24);
    must(event->kind != LOG_EVENT_PTR || event->client.has_ip);
    if (event->sender == OBS_SENDER_DOMAIN) {
        check_name(&event->sender_domain);
        must(dname_is_hostname(&event->sender_domain));
    }
}

static inline void
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
    must(observation->outcome == OBS_ACCEPTED || observation->spf == OBS_SPF_UNSEEN);
}

/* Made once: a table of 5 MB takes longer than a hundred lines. count: what it handed on. */
struct table {
    struct sessions *sessions;
    size_t count;
};

/* An empty one. */
static inline void
empty_table(struct table *table)
{
    if (table->sessions == NULL)
        must(sessions_new(on_session, &table->count, &table->sessions) == ERR_OK);
    must(sessions_load(table->sessions, slice_of("", 0)) == ERR_FORMAT);
    must(sessions_count(table->sessions) == 0);
    table->count = 0;
}

/* What is saved and loaded is saved the same again. */
static inline void
check_saving(const struct sessions *sessions)
{
    static struct table again;
    size_t room = SESSIONS_SAVE_HEAD + sessions_count(sessions) * SESSIONS_SAVE_EACH;
    uint8_t *first = malloc(room), *second = malloc(room);

    must(first != NULL && second != NULL);
    empty_table(&again);
    size_t n = sessions_save(sessions, first, room);
    must(n < room);
    must(sessions_load(again.sessions, slice_of(first, n)) == ERR_OK);
    must(sessions_count(again.sessions) == sessions_count(sessions));
    must(sessions_save(again.sessions, second, room) == n && memcmp(first, second, n) == 0);
    must(again.count == 0);
    free(first);
    free(second);
}

/* A line of a filter's, by its own function: a verdict is of some mail. */
static inline void
check_filter(struct text line, void (*parse)(struct text, struct log_event *))
{
    struct logline head;
    struct log_event event;

    if (logline_parse(line.p, line.n, NOW, 3600, &head) != ERR_OK)
        return;
    check_head(&head, line);
    parse(head.text, &event);
    check_event(&event, line);
    must(event.kind == LOG_EVENT_NONE || event.mail.n > 0 || event.client.has_ip);
}

/* check_line: of what the source's own functions make of a line. */
static inline void
check_log(const uint8_t *data, size_t size, logsource_fn source, void (*check_line)(struct text))
{
    static struct table table;
    size_t lines = 0;
    const char *at = (const char *)data, *end = at + size;

    empty_table(&table);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct text line = {at, (size_t)((newline == NULL ? end : newline) - at)};

        at += line.n + 1;
        lines++;
        check_line(line);
        enum err err = source(table.sessions, line, NOW, 3600);
        must(err == ERR_OK || err == ERR_SYNTAX);
    }
    check_saving(table.sessions);
    sessions_settle(table.sessions);
    /* A line begins one mail at most, which ends once. */
    must(table.count <= lines);
}

#endif
