/*
 * Joins the events of one log into observations: one for each mail transaction.
 *
 * Postfix: a mail is accepted when its queue id has a client= line and then qmgr's from=; its HELO
 * comes from the action lines (info, filter, ...) of the same smtpd process and client before. What
 * is never accepted is one attempt for each (process, client, sender). Accepted mails are held for
 * some seconds, as SPF policy services log by themselves and may come late.
 *
 * Other MTAs say in one line that a mail is accepted. What was rejected is one attempt for each
 * (client, sender) of a session, or where the lines name no session of two minutes; it is none of
 * its own when a mail of the same sender is accepted then.
 *
 * The table of what is open is bounded by time (of the log) and by count; it is allocated once.
 * One thread.
 */
#ifndef LOADER_SESSION_H
#define LOADER_SESSION_H

#include "loader/logline.h"
#include "loader/observation.h"
#include "loader/src_postfix.h"
#include "zones/slice.h"

/* What tells mail of our own users and mail that comes back from a filter. */
struct session_origin {
    bool submission, authenticated, reinjection;
};

/* The observation is borrowed during the call. */
typedef void (*session_fn)(
    void *ctx, const struct observation *observation, const struct session_origin *origin);

struct sessions;

enum err sessions_new(session_fn fn, void *ctx, struct sessions **out) MUST_CHECK;
void sessions_free(struct sessions **sessions);
/* Addresses of zoneconf.h's form, borrowed: mail to one, but for bounces, has the label trap. */
void sessions_traps(struct sessions *sessions, char *const *traps, unsigned count);

/* One message and what it says; the time of the line is the table's clock. */
void sessions_event(struct sessions *sessions, const struct logline *line,
    const struct postfix_program *program, const struct postfix_event *event);
/* The same for the MTAs whose sources yield struct log_event: session_join.c. */
void sessions_join(
    struct sessions *sessions, const struct logline *line, const struct log_event *event);
/* The log ends here for now: hands on the accepted mails that are held. */
void sessions_settle(struct sessions *sessions);

/* How many are open. */
size_t sessions_count(const struct sessions *sessions);
/* The open table as bytes, at most SESSIONS_SAVE_EACH for each and SESSIONS_SAVE_HEAD. */
#define SESSIONS_SAVE_HEAD 8
#define SESSIONS_SAVE_EACH 1024
size_t sessions_save(const struct sessions *sessions, uint8_t *out, size_t size);
/* Into a new table. ERR_FORMAT for damaged bytes: the table is then empty. */
enum err sessions_load(struct sessions *sessions, struct slice bytes) MUST_CHECK;

#endif
