/*
 * One message of Postfix (Zimbra's is the same) or of an SPF policy service, as an event. Pure.
 *
 * HELO, sender and recipient are what a stranger sent, and Postfix prints them with nothing quoted.
 * So the client is read from the left, where only a checked host name stands before it, and the
 * rest is anchored so that a HELO or a sender made to look like other fields shows as bad, never as
 * somebody else's. Of senders only the domain comes out, and the
 * recipient to be compared with traps, never to be kept.
 */
#ifndef LOADER_SRC_POSTFIX_H
#define LOADER_SRC_POSTFIX_H

#include <stdint.h>

#include "loader/logevent.h"

enum postfix_kind {
    POSTFIX_OTHER,      /* nothing that matters here */
    POSTFIX_CONNECT,    /* smtpd or postscreen; client */
    POSTFIX_DISCONNECT, /* client, authenticated */
    POSTFIX_CLIENT,     /* queue id, client, authenticated: a recipient was accepted */
    POSTFIX_FROM,       /* qmgr: queue id, sender, recipients: the mail is in the queue */
    POSTFIX_REMOVED,    /* qmgr: queue id */
    POSTFIX_ACTION,     /* queue id or none, reject, client, helo, sender */
    POSTFIX_UNVERIFIED, /* client.ip, client.name: a PTR that does not resolve back */
    POSTFIX_PREGREET,   /* client, helo */
    POSTFIX_SPF         /* client.ip, helo, sender, spf */
};

enum postfix_service {
    POSTFIX_NO_SERVICE,
    POSTFIX_SMTPD,
    POSTFIX_POSTSCREEN,
    POSTFIX_CLEANUP,
    POSTFIX_QMGR,
    POSTFIX_SPF_PYTHON, /* policyd-spf */
    POSTFIX_SPF_PERL    /* policy-spf, postfix-policyd-spf-perl */
};

struct postfix_program {
    enum postfix_service service;
    bool submission;  /* syslog_name postfix/submission, smtps, submissions */
    bool reinjection; /* a listener for mail that comes back from a filter: amavisd, dkimmilter */
};

/* Texts are borrowed from the message. */
struct postfix_event {
    enum postfix_kind kind;
    struct text queue_id;     /* n 0: NOQUEUE */
    struct log_client client; /* ptr NONE for "unknown", UNSEEN where postscreen did not ask */
    bool authenticated;
    bool reject;       /* reject, milter-reject, discard, proxy-reject */
    struct text stage; /* "RCPT", "END-OF-MESSAGE" */
    struct text helo;  /* n 0: not in the line, or cut off, or not to be told apart */
    enum obs_sender sender;
    struct dname sender_domain;
    struct text recipient; /* n 0: not in the line */
    uint32_t recipients;
    enum obs_spf spf;
};

void postfix_program(struct text name, struct postfix_program *out);
void postfix_parse(
    const struct postfix_program *program, struct text message, struct postfix_event *out);

#endif
