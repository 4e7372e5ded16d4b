/*
 * What one line of a mail log says of a client or of a mail: plain data that the sources of MTAs
 * yield whose lines name the client, or the session, each on their own. Postfix has events of its
 * own (src_postfix.h).
 *
 * Texts are borrowed from the line. Of senders only the domain comes out, of recipients nothing.
 */
#ifndef LOADER_LOGEVENT_H
#define LOADER_LOGEVENT_H

#include <stdint.h>

#include "loader/observation.h"
#include "loader/src_text.h"

struct log_client {
    bool has_ip; /* false for "unknown[unknown]" */
    struct ip ip;
    uint16_t port;    /* 0: not logged */
    struct text name; /* n 0: not told, or "unknown" */
    enum obs_ptr ptr; /* NONE where the log says that there is none, UNSEEN where it says nothing */
};

enum log_event_kind {
    LOG_EVENT_NONE,     /* nothing that matters here */
    LOG_EVENT_CLIENT,   /* client: it is there, no mail yet; with a session, its begin */
    LOG_EVENT_PTR,      /* client: what a reverse look-up found */
    LOG_EVENT_AUTH,     /* of the session, or of the client in its process */
    LOG_EVENT_REJECT,   /* a command or a mail was turned away, for good or for now */
    LOG_EVENT_ACCEPT,   /* the mail is in the queue */
    LOG_EVENT_ENVELOPE, /* mail: its sender, after it was accepted */
    LOG_EVENT_REVOKE,   /* mail: it is turned away after all */
    LOG_EVENT_END,      /* of the session */
    LOG_EVENT_CLASS,    /* mail or client: what a filter says of it, label */
    LOG_EVENT_COUNT
};

struct log_event {
    enum log_event_kind kind;
    struct text session; /* n 0: the lines of this MTA name none */
    struct text mail;    /* the queue's id, where later lines speak of the mail by it; n 0: none */
    struct log_client client;
    bool authenticated;
    bool submission; /* the port or listener for our own users */
    struct text helo;
    enum obs_sender sender;
    struct dname sender_domain;
    enum obs_spf spf;
    enum obs_label label;
};

/* With empty texts, which must point somewhere. */
static inline struct log_event
log_event_none(struct text line)
{
    const struct text none = text_until(line, 0);

    return (struct log_event){.session = none, .mail = none, .client.name = none, .helo = none};
}

#endif
