/* The table of open sessions. See session_table.h. */
#include "loader/session_table.h"

#include <stdlib.h>
#include <string.h>

struct slot *
session_at(struct sessions *s, ref r)
{
    return r == 0 ? NULL : &s->slots[r - 1];
}

ref
session_ref(const struct sessions *s, const struct slot *slot)
{
    return (ref)(slot - s->slots + 1);
}

size_t
session_bucket(uint64_t key)
{
    return (size_t)((key ^ key >> 32) % BUCKETS);
}

void
session_unlink_key(struct sessions *s, struct slot *slot)
{
    ref *r = &s->by_key[session_bucket(slot->key)];

    while (session_at(s, *r) != slot)
        r = &session_at(s, *r)->key_next;
    *r = slot->key_next;
}

void
session_link_key(struct sessions *s, struct slot *slot, uint64_t key)
{
    ref *r = &s->by_key[session_bucket(key)];

    slot->key = key;
    slot->key_next = *r;
    *r = session_ref(s, slot);
}

static void
unlink_id(struct sessions *s, struct slot *slot)
{
    ref *r = &s->by_id[session_bucket(slot->queue_key)];

    if (slot->queue_id_len == 0)
        return;
    while (session_at(s, *r) != slot)
        r = &session_at(s, *r)->id_next;
    *r = slot->id_next;
}

void
session_link_id(struct sessions *s, struct slot *slot, uint64_t queue_key, struct text id)
{
    ref *r = &s->by_id[session_bucket(queue_key)];

    if (id.n == 0 || id.n > QUEUE_ID_SIZE || slot->queue_id_len > 0)
        return;
    slot->queue_key = queue_key;
    slot->queue_id_len = (uint8_t)id.n;
    memcpy(slot->queue_id, id.p, id.n);
    slot->id_next = *r;
    *r = session_ref(s, slot);
}

void
session_deadline(struct sessions *s, struct slot *slot, int64_t deadline_s)
{
    slot->deadline_s = deadline_s;
    if (deadline_s < s->next_deadline_s)
        s->next_deadline_s = deadline_s;
}

static void
release(struct sessions *s, struct slot *slot)
{
    session_unlink_key(s, slot);
    unlink_id(s, slot);
    if (slot->older != 0)
        session_at(s, slot->older)->newer = slot->newer;
    else
        s->oldest = slot->newer;
    if (slot->newer != 0)
        session_at(s, slot->newer)->older = slot->older;
    else
        s->newest = slot->older;
    slot->newer = s->free;
    s->free = session_ref(s, slot);
    s->count--;
}

void
session_emit(struct sessions *s, struct slot *slot, enum obs_outcome outcome)
{
    const struct session_origin origin = {.submission = (slot->flags & FLAG_SUBMISSION) != 0,
        .authenticated = (slot->flags & FLAG_AUTH) != 0,
        .reinjection = (slot->flags & FLAG_REINJECTION) != 0};

    slot->seen.outcome = outcome;
    s->fn(s->ctx, &slot->seen, &origin);
}

/* The end of one, whatever it is. */
void
session_finish(struct sessions *s, struct slot *slot)
{
    if (slot->kind == SLOT_MAIL)
        session_emit(s, slot, OBS_ATTEMPT);
    else if (slot->kind == SLOT_DONE)
        session_emit(s, slot, OBS_ACCEPTED);
    release(s, slot);
}

struct slot *
session_insert(struct sessions *s, enum slot_kind kind, uint64_t key)
{
    if (s->count == SLOTS)
        session_finish(s, session_at(s, s->oldest));
    struct slot *slot = s->free != 0 ? session_at(s, s->free) : &s->slots[s->begun++];

    if (s->free != 0)
        s->free = slot->newer;
    memset(slot, 0, sizeof *slot);
    slot->kind = kind;
    slot->touched = ++s->touch;
    slot->older = s->newest;
    if (s->newest != 0)
        session_at(s, s->newest)->newer = session_ref(s, slot);
    else
        s->oldest = session_ref(s, slot);
    s->newest = session_ref(s, slot);
    s->count++;
    session_link_key(s, slot, key);
    session_deadline(s, slot, s->now_s + OPEN_S);
    return slot;
}

void
session_sweep(struct sessions *s)
{
    s->next_deadline_s = INT64_MAX;
    for (ref r = s->oldest; r != 0;) {
        struct slot *slot = session_at(s, r);

        r = slot->newer;
        if (slot->deadline_s < s->now_s)
            session_finish(s, slot);
        else if (slot->deadline_s < s->next_deadline_s)
            s->next_deadline_s = slot->deadline_s;
    }
}

void
session_clock(struct sessions *s, int64_t now_s)
{
    s->now_s = now_s;
    if (s->now_s > s->next_deadline_s)
        session_sweep(s);
}

void
session_reset(struct sessions *s)
{
    memset(s->by_key, 0, sizeof s->by_key);
    memset(s->by_id, 0, sizeof s->by_id);
    s->oldest = s->newest = s->free = 0;
    s->count = s->begun = 0;
    s->now_s = 0;
    s->next_deadline_s = INT64_MAX;
}

enum err
sessions_new(session_fn fn, void *ctx, struct sessions **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return ERR_NOMEM;
    (*out)->fn = fn;
    (*out)->ctx = ctx;
    session_reset(*out);
    return ERR_OK;
}

void
sessions_traps(struct sessions *s, char *const *traps, unsigned count)
{
    s->traps = traps;
    s->trap_count = count;
}

void
sessions_free(struct sessions **s)
{
    free(*s);
    *s = NULL;
}

size_t
sessions_count(const struct sessions *s)
{
    return s->count;
}
