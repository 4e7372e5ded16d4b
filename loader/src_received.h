/*
 * Received headers: who handed a mail to us (RFC 5321 4.4, RFC 5322 3.6.7), as Postfix, Exim,
 * Sendmail, qmail and Zimbra write it. Pure; no files, no DNS.
 *
 * Everything below the line that our own border host wrote was written by strangers, so a line that
 * cannot be read ends the walk: nothing is better than a forged client. What identifies persons
 * (local parts, recipients, idents, message ids) is read over and never handed out.
 */
#ifndef LOADER_SRC_RECEIVED_H
#define LOADER_SRC_RECEIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/observation.h"
#include "zones/err.h"
#include "zones/fnv.h"
#include "zones/zoneconf.h"

/* What a source of observations calls for each; an error ends the source's run. id names the mail
 * without saying anything about it, so that a mail seen again is counted once. */
typedef enum err (*source_fn)(void *ctx, const char *id, const struct observation *observation);

/* 16 hexadecimal digits and the NUL. */
#define SOURCE_ID_SIZE 17

/* From an FNV-1a hash: an adversary's collision could only have his own mail counted once. */
void source_id(uint64_t hash, char out[SOURCE_ID_SIZE]);

/* One hop. */
struct received {
    bool local; /* handed over inside a site (LMTP, a pipe): no client, only time and sender */
    struct ip client; /* unless local */
    struct helo helo; /* empty: not told */
    enum obs_ptr ptr_seen;
    struct dname ptr;   /* len 0: none. qmail does not tell whether it was verified: UNSEEN */
    bool authenticated; /* SMTP AUTH or a web form: a user of the host that wrote this */
    bool fetched;       /* by POP or IMAP: the "client" is a server */
    bool has_time;
    int64_t when_s;
    enum obs_sender sender; /* "(envelope-from <...>)", else UNKNOWN */
    struct dname sender_domain;
};

/* value: one unfolded header value, without "Received:". ERR_SYNTAX for a form that is not known.
 */
enum err received_parse(const char *value, size_t len, struct received *out) MUST_CHECK;

/* What stands in "<>" or bare, of an envelope or a From header: the domain, and nothing else. */
enum obs_sender address_domain(const char *text, size_t len, struct dname *out);

/* The same of an envelope alone, "<a@b>" or bare, whose quoted local part may hold a '<'. */
enum obs_sender envelope_domain(const char *text, size_t len, struct dname *out);

/* Seconds since 1970; two-digit years and named zones are known, seconds may be absent; false for
 * what is no date. */
bool mail_date(const char *text, size_t len, int64_t *out);

/* One mail; src_header.c. */
struct received_mail {
    struct observation observation; /* accepted, unlabelled */
    struct dname from_domain;       /* of the From header, which anybody can write; len 0: none */
    uint64_t trace;                 /* FNV-1a of our own Received lines: same mail, same value */
};

/* block: a mail from its first header on; read up to the empty line. The border hop is the first
 * Received, from the top, whose client is public and neither an own network nor a trusted relay.
 * ERR_NOTFOUND when there is none: mail made inside, by an authenticated user, or fetched from
 * elsewhere. ERR_SYNTAX for a line that cannot be read above it. */
enum err received_border(
    const char *block, size_t len, const struct conf *conf, struct received_mail *out) MUST_CHECK;

#endif
