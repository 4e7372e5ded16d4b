/* Log events and the observations of a log's lines as short texts, for the tests of log sources. */
#ifndef TESTS_UNIT_LOG_LINES_H
#define TESTS_UNIT_LOG_LINES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/logsource.h"

enum { BRIEF_SIZE = 4096, SEEN_SIZE = 16384 };

/* 2026-11-24 10:00:00 UTC */
#define NOW INT64_C(1795514400)

static inline struct text
text_of(const char *s)
{
    return (struct text){s, strlen(s)};
}

static const char *
sender_text(enum obs_sender sender, const struct dname *domain, char out[DNAME_TEXT_SIZE])
{
    static const char *const names[] = {"-", "<>", "", "bad"};

    (void)strcpy(out, names[sender]);
    if (sender == OBS_SENDER_DOMAIN)
        (void)dname_format(domain, out);
    return out;
}

/* "kind[*] session/mail ptr+name ip port helo sender [spf]"; * is authenticated, ^ submission. */
static inline const char *
brief(const struct log_event *e, char out[BRIEF_SIZE])
{
    static const char *const kinds[LOG_EVENT_COUNT] = {
        "none", "client", "ptr", "auth", "reject", "accept", "envelope", "revoke", "end", "class"};
    char ip[IP_TEXT_SIZE] = "-", domain[DNAME_TEXT_SIZE];

    if (e->client.has_ip)
        ip_format(&e->client.ip, ip);
    (void)snprintf(out, BRIEF_SIZE, "%s%s%s %.*s/%.*s %c%.*s %s %u %.*s %s%s%s", kinds[e->kind],
        e->authenticated ? "*" : "", e->submission ? "^" : "", (int)e->session.n, e->session.p,
        (int)e->mail.n, e->mail.p, "-0?+"[e->client.ptr], (int)e -> client.name.n, e->client.name.p,
        ip, e->client.port, (int)e->helo.n, e->helo.p,
        sender_text(e->sender, &e->sender_domain, domain), e->spf ? " spf-" : "",
        e->spf ? obs_spf_text(e->spf) : "");
    return out;
}

struct message {
    const char *text, *wanted; /* NULL: none */
};

static inline void
check_messages(void (*parse)(struct text message, struct log_event *out),
    const struct message *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char got[BRIEF_SIZE];
        struct log_event event;

        parse(text_of(cases[i].text), &event);
        if (cases[i].wanted == NULL ? event.kind != LOG_EVENT_NONE
                                    : strcmp(brief(&event, got), cases[i].wanted) != 0)
            fail_msg("%s\n got \"%s\"\nnot \"%s\"", cases[i].text, brief(&event, got),
                cases[i].wanted == NULL ? "none" : cases[i].wanted);
    }
}
#define CHECK(parse, cases) check_messages(parse, cases, sizeof cases / sizeof cases[0])

struct seen {
    char text[SEEN_SIZE];
    size_t n;
    unsigned accepted, attempts, unparsed, with_helo;
};

/* "+ ip ptr helo sender[ spf][ who][ label]\n" for an accepted mail, "- .." for an attempt, "= .."
 * for a label alone. */
static inline void
on_observation(void *ctx, const struct observation *o, const struct session_origin *origin)
{
    static const char *const labels[] = {"", " ham", " spam", " trap"};
    struct seen *seen = ctx;
    char ip[IP_TEXT_SIZE], domain[DNAME_TEXT_SIZE], ptr[DNAME_TEXT_SIZE] = "";

    seen->accepted += o->outcome == OBS_ACCEPTED;
    seen->attempts += o->outcome == OBS_ATTEMPT;
    assert_int_equal(o->by_filter, o->label == OBS_SPAM || o->label == OBS_HAM);
    seen->with_helo += o->helo.len > 0;
    ip_format(&o->client, ip);
    if (o->ptr_seen >= OBS_PTR_UNVERIFIED)
        (void)dname_format(&o->ptr, ptr);
    if (seen->n < sizeof seen->text)
        seen->n += (size_t)snprintf(seen->text + seen->n, sizeof seen->text - seen->n,
            "%c %s %c%s %.*s %s%s%s%s%s%s\n", "+-="[o->outcome], ip, "-0?+"[o->ptr_seen], ptr,
            o -> helo.len, o->helo.text, sender_text(o->sender, &o->sender_domain, domain),
            o->spf ? " spf-" : "", o->spf ? obs_spf_text(o->spf) : "",
            origin->authenticated ? " authenticated" : "", origin->submission ? " submission" : "",
            labels[o->label]);
}

static inline struct sessions *
sessions_of(struct seen *seen)
{
    struct sessions *sessions;

    *seen = (struct seen){.n = 0};
    assert_int_equal(sessions_new(on_observation, seen, &sessions), ERR_OK);
    return sessions;
}

/* The log ends, and so does everything that is open. */
static inline void
end_sessions(struct sessions **sessions, enum log_format format)
{
    static const char *const lines[LOG_FORMAT_COUNT] = {[LOG_EXIM] = "2026-11-25 00:00:00 H=[::1] "
                                                                     "rejected EHLO or HELO end",
        [LOG_SENDMAIL] = "Nov 25 00:00:00 mx sm-mta[1]: [127.0.0.1]: EXPN end [rejected]",
        [LOG_OPENSMTPD] =
            "Nov 25 00:00:00 mx smtpd[1]: ffffffffffffffff smtp disconnected reason=q",
        [LOG_POSTFIX] = "Nov 25 00:00:00 mx postfix/smtpd[1]: connect from unknown[127.0.0.1]",
        [LOG_RSPAMD] = "2026-11-25 00:00:00 #1(main) <x>; main; end",
        [LOG_AMAVIS] = "Nov 25 00:00:00 mx amavis[1]: end"};

    sessions_settle(*sessions);
    assert_int_equal(
        logsource_of(format)(*sessions, text_of(lines[format]), NOW + 86400, 0), ERR_OK);
    sessions_free(sessions);
}

/* What the lines of a log yield, in order. */
static inline void
check_log(enum log_format format, const char *log, const char *wanted)
{
    struct seen seen;
    struct sessions *sessions = sessions_of(&seen);

    while (*log != '\0') {
        size_t n = strcspn(log, "\n");

        if (n > 0)
            seen.unparsed += logsource_of(format)(sessions, (struct text){log, n}, NOW, 0) < 0;
        log += n + (log[n] == '\n');
    }
    end_sessions(&sessions, format);
    assert_string_equal(seen.text, wanted);
    assert_int_equal(seen.unparsed, 0);
}

#endif
