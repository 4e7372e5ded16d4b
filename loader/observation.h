/*
 * What a source (mail log, mail store) yields: one mail transaction seen at the border hop.
 *
 * Plain data without pointers. No local parts, recipients, subjects or message ids: they are not
 * kept anywhere (design: privacy).
 */
#ifndef LOADER_OBSERVATION_H
#define LOADER_OBSERVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "zones/dname.h"
#include "zones/ip.h"
#include "zones/verdict.h"

/* A HELO as sent, lower case; bytes outside printable ASCII as '?'. Empty: not in the log, which is
 * never evidence. */
#define HELO_MAX 255
struct helo {
    uint8_t len;
    char text[HELO_MAX];
};

enum obs_outcome {
    OBS_ACCEPTED,
    /* Any reject of ours, of a DNSBL, of greylisting, a full mailbox: an attempt, never evidence.
     */
    OBS_ATTEMPT,
    /* Only what was said of a mail, its label: the mail itself is, or was, another observation. */
    OBS_REPORT
};

enum obs_label { OBS_UNLABELLED, OBS_HAM, OBS_SPAM, OBS_TRAP, OBS_LABEL_COUNT };

enum obs_sender {
    OBS_SENDER_UNKNOWN,
    OBS_SENDER_NULL,   /* <> : the pair is made with the HELO name (RFC 7208 2.4) */
    OBS_SENDER_DOMAIN, /* sender_domain is set */
    OBS_SENDER_BAD     /* no domain can be read: literal, no @, not a name */
};

enum obs_ptr {
    OBS_PTR_UNSEEN,     /* the source says nothing */
    OBS_PTR_NONE,       /* "unknown" */
    OBS_PTR_UNVERIFIED, /* a name that did not resolve back; ptr is set */
    OBS_PTR_VERIFIED    /* ptr is set */
};

/* What a policy service logged of SPF (RFC 7208 2.6). */
enum obs_spf {
    OBS_SPF_UNSEEN,
    OBS_SPF_NONE,
    OBS_SPF_NEUTRAL,
    OBS_SPF_PASS,
    OBS_SPF_FAIL,
    OBS_SPF_SOFTFAIL,
    OBS_SPF_PERMERROR,
    OBS_SPF_TEMPERROR,
    OBS_SPF_COUNT
};

/* "pass". Static storage. */
const char *obs_spf_text(enum obs_spf spf);

struct observation {
    int64_t when_s;
    struct ip client;
    struct helo helo;
    enum obs_sender sender;
    struct dname sender_domain;
    enum obs_outcome outcome;
    enum obs_label label;
    bool by_filter; /* the label is a filter's verdict (rspamd, amavis), nobody's own word */
    enum obs_ptr ptr_seen;
    struct dname ptr;
    enum obs_spf spf;
};

/* Lower-cases, cleans and cuts. */
void helo_set(struct helo *helo, const char *text, size_t len);

#endif
