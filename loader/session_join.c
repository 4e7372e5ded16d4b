/*
 * Joining struct log_event: lines of MTAs that name the client or the session on their own. See
 * session.h.
 *
 * What a session said before its first mail (client, PTR, authentication) is kept as a note under
 * its key.
 */
#include <string.h>

#include "loader/session_table.h"
#include "zones/fnv.h"

enum {
    REJECTED_S = 120, /* a rejected mail waits so long for more of the same */
    LOOKUP_S = 300,   /* what a reverse look-up found is good for so long */
    REVOKE_S = 60     /* an accepted mail waits so long for a filter's word */
};

/* The session's name, else the process, which serves one client, else the client. */
static uint64_t
key_of(const struct logline *line, const struct log_event *event)
{
    uint64_t key = session_host_key(line);

    if (event->session.n > 0)
        return fnv_add(key, event->session.p, event->session.n);
    if (line->pid != 0)
        return fnv_add(key, &line->pid, sizeof line->pid);
    return fnv_add(key, event->client.ip.b, sizeof event->client.ip.b);
}

/* The name of a client as the log has it; one that is no name was not seen. */
static void
set_ptr(struct observation *seen, const struct log_client *client)
{
    seen->ptr_seen = client->ptr;
    seen->ptr = (struct dname){0};
    if (client->ptr >= OBS_PTR_UNVERIFIED &&
        dname_parse(client->name.p, client->name.n, &seen->ptr) < 0) {
        seen->ptr_seen = OBS_PTR_UNSEEN;
        seen->ptr = (struct dname){0};
    }
}

static void
on_note(struct sessions *s, const struct log_event *event, uint64_t key, int64_t good_s)
{
    struct slot *note = session_find_note(s, key);

    if (!event->client.has_ip)
        return;
    if (note == NULL || !session_same_ip(note, &event->client.ip)) {
        note = session_insert(s, SLOT_NOTE, key);
        note->seen.client = event->client.ip;
    }
    if (event->client.ptr != OBS_PTR_UNSEEN)
        set_ptr(&note->seen, &event->client);
    note->flags |= event->authenticated ? FLAG_AUTH : 0;
    session_deadline(s, note, s->now_s + good_s);
}

/* What follows belongs to one of our own users; so does what is still open. */
static void
on_auth(struct sessions *s, const struct log_event *event, uint64_t key)
{
    if (event->client.has_ip)
        on_note(s, event, key, OPEN_S);
    for (ref r = s->by_key[session_bucket(key)]; r != 0; r = session_at(s, r)->key_next) {
        struct slot *slot = session_at(s, r);

        if (slot->key == key && (slot->kind == SLOT_NOTE || slot->kind == SLOT_MAIL) &&
            (!event->client.has_ip || session_same_ip(slot, &event->client.ip)))
            slot->flags |= FLAG_AUTH;
    }
}

/* -- mails -- */

static struct slot *
new_mail(struct sessions *s, const struct logline *line, const struct log_event *event,
    uint64_t key, const struct ip *client)
{
    struct slot *slot = session_insert(s, SLOT_MAIL, key);

    slot->seen.when_s = line->when_s;
    slot->seen.client = *client;
    if (event->mail.n > 0)
        session_link_id(s, slot, session_id_key(line, event->mail), event->mail);
    if (event->session.n == 0)
        session_deadline(s, slot, s->now_s + REJECTED_S);
    return slot;
}

/* An open one that the line may be about. */
static struct slot *
find_open(struct sessions *s, const struct logline *line, const struct log_event *event,
    uint64_t key, const struct ip *client)
{
    struct slot *slot = event->mail.n > 0 ? session_find_id(s, line, event->mail) : NULL;

    if (slot != NULL)
        return slot;
    slot = session_find_mail(s, key, client, event->sender, &event->sender_domain);
    /* A mail was accepted, and its sender will be told: not that of a rejected one. */
    if (slot != NULL && event->kind == LOG_EVENT_ACCEPT && event->sender == OBS_SENDER_UNKNOWN &&
        slot->seen.sender != OBS_SENDER_UNKNOWN)
        return NULL;
    if (slot != NULL && event->mail.n > 0)
        session_link_id(s, slot, session_id_key(line, event->mail), event->mail);
    return slot;
}

/* The mail that the line is about, begun if need be. NULL where no client is known. */
static struct slot *
mail_of(struct sessions *s, const struct logline *line, const struct log_event *event, uint64_t key)
{
    const struct slot *note = session_find_note(s, key);
    struct ip client;

    if (!event->client.has_ip && note == NULL)
        return NULL;
    client = event->client.has_ip ? event->client.ip : note->seen.client;
    struct slot *slot = find_open(s, line, event, key, &client);
    if (slot == NULL)
        slot = new_mail(s, line, event, key, &client);
    if (!session_same_ip(slot, &client))
        return NULL;
    if (event->client.ptr != OBS_PTR_UNSEEN)
        set_ptr(&slot->seen, &event->client);
    /* Looked up again: a full table may have dropped it for the new mail. */
    note = session_find_note(s, key);
    if (note != NULL && session_same_ip(note, &client)) {
        slot->flags |= note->flags & FLAG_AUTH;
        if (event->client.ptr == OBS_PTR_UNSEEN) {
            slot->seen.ptr_seen = note->seen.ptr_seen;
            slot->seen.ptr = note->seen.ptr;
        }
    }
    return slot;
}

static void
set_sender(struct slot *slot, const struct log_event *event)
{
    if (event->sender == OBS_SENDER_UNKNOWN)
        return;
    slot->seen.sender = event->sender;
    slot->seen.sender_domain = event->sender_domain;
}

static void
set_fields(struct slot *slot, const struct log_event *event)
{
    set_sender(slot, event);
    if (event->helo.n > 0)
        helo_set(&slot->seen.helo, event->helo.p, event->helo.n);
    slot->flags |= (uint8_t)((event->authenticated ? FLAG_AUTH : 0) |
                             (event->submission ? FLAG_SUBMISSION : 0));
}

static void
on_reject(
    struct sessions *s, const struct logline *line, const struct log_event *event, uint64_t key)
{
    struct slot *slot = mail_of(s, line, event, key);

    if (slot == NULL || slot->kind != SLOT_MAIL)
        return;
    set_fields(slot, event);
    slot->flags |= FLAG_REJECTED;
}

static void
on_accept(
    struct sessions *s, const struct logline *line, const struct log_event *event, uint64_t key)
{
    struct slot *slot = mail_of(s, line, event, key);

    /* One line for each recipient: the first says all. */
    if (slot == NULL || slot->kind != SLOT_MAIL)
        return;
    set_fields(slot, event);
    slot->seen.spf = slot->seen.sender == OBS_SENDER_DOMAIN ? event->spf : OBS_SPF_UNSEEN;
    slot->kind = SLOT_DONE;
    if (event->mail.n == 0)
        session_finish(s, slot);
    else
        session_deadline(s, slot, s->now_s + REVOKE_S);
}

static void
on_later(struct sessions *s, const struct logline *line, const struct log_event *event)
{
    struct slot *slot = session_find_id(s, line, event->mail);

    if (slot == NULL)
        return;
    if (event->kind == LOG_EVENT_REVOKE) {
        slot->kind = SLOT_MAIL;
        slot->seen.spf = OBS_SPF_UNSEEN;
        session_finish(s, slot);
    } else if (slot->seen.sender == OBS_SENDER_UNKNOWN) {
        set_sender(slot, event);
    }
}

/* What a filter says of a mail. Where its session is over, or in another log, the word stands
 * alone. */
static void
on_class(struct sessions *s, const struct logline *line, const struct log_event *event)
{
    struct slot *slot = event->mail.n > 0 ? session_find_id(s, line, event->mail) : NULL;

    if (slot != NULL && (!event->client.has_ip || session_same_ip(slot, &event->client.ip))) {
        if (slot->seen.label == OBS_TRAP)
            return;
        slot->seen.label = event->label;
        slot->seen.by_filter = true;
    } else if (slot == NULL && event->client.has_ip) {
        const struct observation seen = {.when_s = line->when_s,
            .client = event->client.ip,
            .sender = event->sender,
            .sender_domain = event->sender_domain,
            .outcome = OBS_REPORT,
            .label = event->label,
            .by_filter = true};
        const struct session_origin origin = {.authenticated = event->authenticated};

        s->fn(s->ctx, &seen, &origin);
    }
}

static void
on_end(struct sessions *s, uint64_t key)
{
    for (ref r = s->by_key[session_bucket(key)]; r != 0;) {
        struct slot *slot = session_at(s, r);

        r = slot->key_next;
        if (slot->key == key)
            session_finish(s, slot);
    }
}

void
sessions_join(struct sessions *s, const struct logline *line, const struct log_event *event)
{
    uint64_t key = key_of(line, event);

    session_clock(s, line->when_s);
    switch (event->kind) {
    case LOG_EVENT_NONE:
    case LOG_EVENT_COUNT:
        break;
    case LOG_EVENT_CLIENT:
        if (event->session.n > 0)
            on_note(s, event, key, OPEN_S);
        break;
    case LOG_EVENT_PTR:
        on_note(s, event, key, LOOKUP_S);
        break;
    case LOG_EVENT_AUTH:
        on_auth(s, event, key);
        break;
    case LOG_EVENT_REJECT:
        on_reject(s, line, event, key);
        break;
    case LOG_EVENT_ACCEPT:
        on_accept(s, line, event, key);
        break;
    case LOG_EVENT_ENVELOPE:
    case LOG_EVENT_REVOKE:
        on_later(s, line, event);
        break;
    case LOG_EVENT_END:
        on_end(s, key);
        break;
    case LOG_EVENT_CLASS:
        on_class(s, line, event);
        break;
    }
}
