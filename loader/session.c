/* Joining the events of a log. See session.h. */
#include <string.h>

#include "loader/session_table.h"
#include "zones/fnv.h"

/* -- keys -- */

uint64_t
session_host_key(const struct logline *line)
{
    return fnv_add(FNV_START, line->host.p, line->host.n);
}

/* smtpd serves one client at a time, postscreen many. */
static uint64_t
process_key(const struct logline *line, const struct postfix_program *program, const struct ip *ip)
{
    uint64_t key = fnv_add(session_host_key(line), &line->pid, sizeof line->pid);
    const uint8_t service = (uint8_t)program->service;

    key = fnv_add(key, &service, 1);
    return program->service == POSTFIX_POSTSCREEN ? fnv_add(key, ip->b, sizeof ip->b) : key;
}

static uint64_t
address_hash(const struct ip *ip)
{
    return fnv_add(FNV_START, ip->b, sizeof ip->b);
}

uint64_t
session_id_key(const struct logline *line, struct text id)
{
    return fnv_add(session_host_key(line), id.p, id.n);
}

struct slot *
session_find_id(struct sessions *s, const struct logline *line, struct text id)
{
    uint64_t key = session_id_key(line, id);

    for (ref r = s->by_id[session_bucket(key)]; r != 0; r = session_at(s, r)->id_next) {
        struct slot *slot = session_at(s, r);

        if (slot->queue_key == key && slot->queue_id_len == id.n &&
            memcmp(slot->queue_id, id.p, id.n) == 0)
            return slot;
    }
    return NULL;
}

struct slot *
session_find_note(struct sessions *s, uint64_t key)
{
    for (ref r = s->by_key[session_bucket(key)]; r != 0; r = session_at(s, r)->key_next)
        if (session_at(s, r)->key == key && session_at(s, r)->kind == SLOT_NOTE)
            return session_at(s, r);
    return NULL;
}

bool
session_same_ip(const struct slot *slot, const struct ip *ip)
{
    return ip_cmp(&slot->seen.client, ip) == 0;
}

static bool
same_sender(const struct slot *slot, enum obs_sender sender, const struct dname *domain)
{
    return slot->seen.sender == sender &&
           (sender != OBS_SENDER_DOMAIN || dname_equal(&slot->seen.sender_domain, domain));
}

static void
set_sender(struct slot *slot, const struct postfix_event *event)
{
    slot->seen.sender = event->sender;
    if (event->sender == OBS_SENDER_DOMAIN)
        slot->seen.sender_domain = event->sender_domain;
}

/* The sender of a mail that has a queue id. One that differs from that of a rejected mail is a mail
 * of its own, that began in the same session without a line to tell. Otherwise the sender as the
 * client gave it stands: cleanup may have rewritten the other. */
static void
settle_sender(struct sessions *s, struct slot *slot, const struct postfix_event *event)
{
    if (event->sender == OBS_SENDER_UNKNOWN ||
        same_sender(slot, event->sender, &event->sender_domain))
        return;
    if (slot->seen.sender == OBS_SENDER_UNKNOWN) {
        set_sender(slot, event);
    } else if ((slot->flags & FLAG_REJECTED) != 0) {
        session_emit(s, slot, OBS_ATTEMPT);
        slot->seen.label = OBS_UNLABELLED;
        slot->seen.by_filter = false;
        set_sender(slot, event);
    }
}

/* -- transactions -- */

static void
set_ptr(struct sessions *s, struct slot *slot, const struct log_client *client)
{
    struct observation *seen = &slot->seen;

    seen->ptr_seen = client->ptr;
    if (client->ptr == OBS_PTR_VERIFIED &&
        dname_parse(client->name.p, client->name.n, &seen->ptr) < 0) {
        seen->ptr_seen = OBS_PTR_UNSEEN;
        seen->ptr = (struct dname){0};
    } else if (client->ptr == OBS_PTR_NONE) {
        const struct slot *note = session_find_note(s, slot->key);

        if (note != NULL && session_same_ip(note, &client->ip)) {
            seen->ptr_seen = OBS_PTR_UNVERIFIED;
            seen->ptr = note->seen.ptr;
        }
    }
}

static struct slot *
new_mail(struct sessions *s, const struct logline *line, const struct postfix_program *program,
    const struct postfix_event *event, uint64_t key)
{
    struct slot *slot = session_insert(s, SLOT_MAIL, key);

    slot->seen.when_s = line->when_s;
    slot->seen.client = event->client.ip;
    slot->flags = (uint8_t)((program->submission ? FLAG_SUBMISSION : 0) |
                            (program->reinjection ? FLAG_REINJECTION : 0));
    set_ptr(s, slot, &event->client);
    return slot;
}

struct slot *
session_find_mail(struct sessions *s, uint64_t key, const struct ip *ip, enum obs_sender sender,
    const struct dname *domain)
{
    struct slot *unknown = NULL;

    for (ref r = s->by_key[session_bucket(key)]; r != 0; r = session_at(s, r)->key_next) {
        struct slot *slot = session_at(s, r);

        if (slot->key != key || slot->kind != SLOT_MAIL || slot->queue_id_len > 0 ||
            !session_same_ip(slot, ip))
            continue;
        if (same_sender(slot, sender, domain))
            return slot;
        if (slot->seen.sender == OBS_SENDER_UNKNOWN || sender == OBS_SENDER_UNKNOWN)
            unknown = slot;
    }
    return unknown;
}

/* "@domain" is the end of all addresses there. */
static bool
is_trap(const struct sessions *s, struct text recipient)
{
    for (unsigned i = 0; i < s->trap_count; i++) {
        size_t n = strlen(s->traps[i]);

        if (n <= recipient.n && (n == recipient.n || s->traps[i][0] == '@') &&
            text_equals(text_skip(recipient, recipient.n - n), s->traps[i]))
            return true;
    }
    return false;
}

static void
on_action(struct sessions *s, const struct logline *line, const struct postfix_program *program,
    const struct postfix_event *event)
{
    struct slot *slot;

    if (!event->client.has_ip)
        return;
    uint64_t key = process_key(line, program, &event->client.ip);
    if (event->queue_id.n > 0) {
        slot = session_find_id(s, line, event->queue_id);
        /* A line of cleanup quotes a stranger's text before the client. */
        if (slot != NULL && !session_same_ip(slot, &event->client.ip))
            return;
    } else {
        slot = session_find_mail(s, key, &event->client.ip, event->sender, &event->sender_domain);
    }
    if (slot == NULL) {
        slot = new_mail(s, line, program, event, key);
        session_link_id(s, slot, session_id_key(line, event->queue_id), event->queue_id);
    }
    slot->touched = ++s->touch;
    settle_sender(s, slot, event);
    slot->flags |=
        (uint8_t)((event->reject || event->kind == POSTFIX_PREGREET ? FLAG_REJECTED : 0) |
                  (event->authenticated ? FLAG_AUTH : 0));
    /* A bounce to a trap answers a mail that somebody forged. */
    if (event->sender != OBS_SENDER_NULL && is_trap(s, event->recipient)) {
        slot->seen.label = OBS_TRAP;
        slot->seen.by_filter = false;
    }
    if (event->helo.n > 0 && (event->queue_id.n == 0 || slot->seen.helo.len == 0))
        helo_set(&slot->seen.helo, event->helo.p, event->helo.n);
}

static void
on_client(struct sessions *s, const struct logline *line, const struct postfix_program *program,
    const struct postfix_event *event)
{
    struct slot *best = NULL;

    if (!event->client.has_ip || session_find_id(s, line, event->queue_id) != NULL)
        return;
    uint64_t key = process_key(line, program, &event->client.ip);
    for (ref r = s->by_key[session_bucket(key)]; r != 0; r = session_at(s, r)->key_next) {
        struct slot *slot = session_at(s, r);

        if (slot->key == key && slot->kind == SLOT_MAIL && slot->queue_id_len == 0 &&
            session_same_ip(slot, &event->client.ip) &&
            (best == NULL || slot->touched > best->touched))
            best = slot;
    }
    if (best == NULL)
        best = new_mail(s, line, program, event, key);
    session_link_id(s, best, session_id_key(line, event->queue_id), event->queue_id);
    best->flags |= event->authenticated ? FLAG_AUTH : 0;
    session_deadline(s, best, s->now_s + OPEN_S);
}

static struct slot *
find_by_sender(struct sessions *s, enum slot_kind kind, const struct ip *ip, enum obs_sender sender,
    const struct dname *domain)
{
    uint64_t key = address_hash(ip);

    for (ref r = s->by_key[session_bucket(key)]; r != 0; r = session_at(s, r)->key_next) {
        struct slot *slot = session_at(s, r);

        if (slot->key == key && slot->kind == kind && session_same_ip(slot, ip) &&
            same_sender(slot, sender, domain))
            return slot;
    }
    return NULL;
}

static void
on_from(struct sessions *s, const struct logline *line, const struct postfix_event *event)
{
    struct slot *slot = session_find_id(s, line, event->queue_id);

    /* Not of this log, by a local user, or queued again after a deferral. */
    if (slot == NULL || slot->kind != SLOT_MAIL)
        return;
    settle_sender(s, slot, event);
    session_unlink_key(s, slot);
    session_link_key(s, slot, address_hash(&slot->seen.client));
    slot->kind = SLOT_DONE;
    const struct slot *spf = slot->seen.sender != OBS_SENDER_DOMAIN
                                 ? NULL
                                 : find_by_sender(s, SLOT_SPF, &slot->seen.client,
                                       slot->seen.sender, &slot->seen.sender_domain);
    if (spf != NULL) {
        slot->seen.spf = spf->seen.spf;
        session_finish(s, slot);
        return;
    }
    session_deadline(s, slot, s->now_s + HOLD_S);
}

static void
on_spf(struct sessions *s, const struct postfix_event *event)
{
    struct slot *slot;

    if (event->sender != OBS_SENDER_DOMAIN)
        return;
    while ((slot = find_by_sender(
                s, SLOT_DONE, &event->client.ip, event->sender, &event->sender_domain)) != NULL) {
        slot->seen.spf = event->spf;
        session_finish(s, slot);
    }
    slot = find_by_sender(s, SLOT_SPF, &event->client.ip, event->sender, &event->sender_domain);
    if (slot == NULL) {
        slot = session_insert(s, SLOT_SPF, address_hash(&event->client.ip));
        slot->seen.client = event->client.ip;
        set_sender(slot, event);
    }
    slot->seen.spf = event->spf;
    session_deadline(s, slot, s->now_s + SPF_S);
}

static void
on_unverified(struct sessions *s, const struct logline *line, const struct postfix_program *program,
    const struct postfix_event *event)
{
    uint64_t key = process_key(line, program, &event->client.ip);
    struct slot *slot = session_find_note(s, key);
    struct dname name;

    if (dname_parse(event->client.name.p, event->client.name.n, &name) < 0)
        return;
    if (slot == NULL)
        slot = session_insert(s, SLOT_NOTE, key);
    slot->seen.client = event->client.ip;
    slot->seen.ptr = name;
    session_deadline(s, slot, s->now_s + OPEN_S);
}

/* The process has done with its client, or begins with another. A warning about the new one's PTR
 * comes before its connect line and is kept then. */
static void
on_border(struct sessions *s, const struct logline *line, const struct postfix_program *program,
    const struct postfix_event *event)
{
    uint64_t key = process_key(line, program, &event->client.ip);
    bool end = event->kind == POSTFIX_DISCONNECT;

    for (ref r = s->by_key[session_bucket(key)]; r != 0;) {
        struct slot *slot = session_at(s, r);

        r = slot->key_next;
        if (slot->key != key || (slot->kind != SLOT_MAIL && slot->kind != SLOT_NOTE))
            continue;
        if (slot->kind == SLOT_NOTE && !end && event->client.has_ip &&
            session_same_ip(slot, &event->client.ip))
            continue;
        slot->flags |= event->authenticated ? FLAG_AUTH : 0;
        if (slot->queue_id_len == 0)
            session_finish(s, slot);
        else if (slot->deadline_s > s->now_s + AFTER_S)
            session_deadline(s, slot, s->now_s + AFTER_S);
    }
}

void
sessions_event(struct sessions *s, const struct logline *line,
    const struct postfix_program *program, const struct postfix_event *event)
{
    session_clock(s, line->when_s);
    switch (event->kind) {
    case POSTFIX_OTHER:
    case POSTFIX_REMOVED:
        break;
    case POSTFIX_CONNECT:
    case POSTFIX_DISCONNECT:
        on_border(s, line, program, event);
        break;
    case POSTFIX_CLIENT:
        on_client(s, line, program, event);
        break;
    case POSTFIX_FROM:
        on_from(s, line, event);
        break;
    case POSTFIX_ACTION:
    case POSTFIX_PREGREET:
        on_action(s, line, program, event);
        break;
    case POSTFIX_UNVERIFIED:
        on_unverified(s, line, program, event);
        break;
    case POSTFIX_SPF:
        on_spf(s, event);
        break;
    }
}

void
sessions_settle(struct sessions *s)
{
    for (ref r = s->oldest; r != 0;) {
        struct slot *slot = session_at(s, r);

        r = slot->newer;
        if (slot->kind == SLOT_DONE)
            session_finish(s, slot);
    }
}
