/*
 * The table of open sessions, for session*.c alone: slots allocated once, in a list by age, found
 * by the key of their process or address and by queue id. O(1), but for the sweep of what is
 * overdue.
 */
#ifndef LOADER_SESSION_TABLE_H
#define LOADER_SESSION_TABLE_H

#include "loader/session.h"

enum {
    SLOTS = 4096,
    BUCKETS = 8192,
    QUEUE_ID_SIZE = 24,
    OPEN_S = 3600, /* a session that says nothing for so long is over */
    AFTER_S = 300, /* after disconnect, for qmgr's line of a mail */
    HOLD_S = 5,    /* an accepted mail waits so long for a late SPF line */
    SPF_S = 120,   /* an SPF line waits so long for its mail */
};

enum slot_kind {
    SLOT_MAIL = 1, /* key: the process; the queue id too, once there is one */
    SLOT_DONE,     /* accepted and held; key: the address; queue id */
    SLOT_NOTE,     /* an unverified PTR that the process warned of; key: the process */
    SLOT_SPF,      /* a result without its mail; key: the address */
    SLOT_KIND_COUNT
};

enum slot_flag { FLAG_REJECTED = 1, FLAG_SUBMISSION = 2, FLAG_AUTH = 4, FLAG_REINJECTION = 8 };

/* Index + 1; 0 is none. */
typedef uint16_t ref;

struct slot {
    enum slot_kind kind;
    uint8_t flags, queue_id_len;
    char queue_id[QUEUE_ID_SIZE];
    int64_t deadline_s;
    uint64_t key, queue_key;
    uint32_t touched;      /* the higher, the later */
    ref older, newer;      /* all in use, by age; free ones by newer */
    ref key_next, id_next; /* chains of the hash tables */
    struct observation seen;
};

struct sessions {
    session_fn fn;
    void *ctx;
    char *const *traps;
    unsigned trap_count;
    int64_t now_s, next_deadline_s;
    uint32_t touch;
    size_t count, begun; /* slots in use, and slots that ever were; the others are untouched */
    ref oldest, newest, free;
    ref by_key[BUCKETS], by_id[BUCKETS];
    struct slot slots[SLOTS];
};

struct slot *session_at(struct sessions *s, ref r); /* NULL for 0 */
ref session_ref(const struct sessions *s, const struct slot *slot);
size_t session_bucket(uint64_t key);
/* Empties it without handing anything on. */
void session_reset(struct sessions *s);

/* A new slot, with OPEN_S to live. A full table finishes its oldest. */
struct slot *session_insert(struct sessions *s, enum slot_kind kind, uint64_t key);
void session_link_key(struct sessions *s, struct slot *slot, uint64_t key);
void session_unlink_key(struct sessions *s, struct slot *slot);
/* Only the first queue id of a slot counts. */
void session_link_id(struct sessions *s, struct slot *slot, uint64_t queue_key, struct text id);
void session_deadline(struct sessions *s, struct slot *slot, int64_t deadline_s);

/* The time of the line, before anything else of it. */
void session_clock(struct sessions *s, int64_t now_s);

uint64_t session_host_key(const struct logline *line);
bool session_same_ip(const struct slot *slot, const struct ip *ip);
/* The slot of a mail that has this queue id. NULL: none. */
struct slot *session_find_id(struct sessions *s, const struct logline *line, struct text id);
uint64_t session_id_key(const struct logline *line, struct text id);
struct slot *session_find_note(struct sessions *s, uint64_t key);
/* The transaction that a line without queue id belongs to. One whose sender is not known yet
 * (rejected at CONNECT or EHLO) becomes that of the first sender. */
struct slot *session_find_mail(struct sessions *s, uint64_t key, const struct ip *ip,
    enum obs_sender sender, const struct dname *domain);

void session_emit(struct sessions *s, struct slot *slot, enum obs_outcome outcome);
/* Hands on what the slot holds, a mail that was not accepted as an attempt, and frees it. */
void session_finish(struct sessions *s, struct slot *slot);
/* Finishes what is overdue. */
void session_sweep(struct sessions *s);

#endif
