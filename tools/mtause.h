/*
 * Which DNS lists a mail program's configuration asks, and what it does with an answer: for telling
 * what would go wrong, not for understanding the whole language. Text comes from files of other
 * programs, so it may be anything. Pure.
 */
#ifndef TOOLS_MTAUSE_H
#define TOOLS_MTAUSE_H

#include <stdbool.h>
#include <stddef.h>

enum mta_asks {
    MTA_ADDRESS, /* the client's, reversed */
    MTA_NAME,
    MTA_OTHER /* composed, or not told */
};
/* Bits, so that a rule can name several. */
enum mta_effect {
    MTA_REJECTS = 1,
    MTA_COUNTS = 2, /* against the sender: a score, or a header */
    MTA_WELCOMES = 4,
    MTA_TRIES = 8 /* would reject, but only logs */
};

#define MTA_ZONE_SIZE 256
struct mta_use {
    char zone[MTA_ZONE_SIZE]; /* as it is written */
    enum mta_asks asks;
    enum mta_effect effect;
    bool filtered; /* only certain answers count */
    unsigned line; /* of the text, from 1 */
};

typedef void (*mta_use_fn)(void *ctx, const struct mta_use *use);

/* What "postconf -nx" and "postconf -P" print. */
void mtause_postfix(const char *text, size_t n, mta_use_fn each, void *ctx);
/* An Exim configuration: dnslists in access control lists. */
void mtause_exim(const char *text, size_t n, mta_use_fn each, void *ctx);
/* rspamd's module rbl: sections with "rbl". */
void mtause_rspamd(const char *text, size_t n, mta_use_fn each, void *ctx);

#endif
