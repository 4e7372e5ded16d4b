/*
 * SPF records: which TXT record is one, and its terms by the grammar of RFC 7208 12, strictly. An
 * error is told with the term and its column. Pure; asks no DNS, expands no macros, allocates
 * nothing.
 */
#ifndef LOADER_SPFRECORD_H
#define LOADER_SPFRECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/dnscache.h"
#include "zones/err.h"
#include "zones/ip.h"
#include "zones/slice.h"

enum spfterm_kind {
    SPFTERM_ALL,
    SPFTERM_INCLUDE,
    SPFTERM_A,
    SPFTERM_MX,
    SPFTERM_PTR,
    SPFTERM_IP4,
    SPFTERM_IP6,
    SPFTERM_EXISTS,
    SPFTERM_REDIRECT, /* modifiers from here on */
    SPFTERM_EXP,
    SPFTERM_OTHER /* a modifier that means nothing to us (RFC 7208 6) */
};

/* Slices are borrowed from the record. */
struct spfterm {
    enum spfterm_kind kind;
    char qualifier;      /* + - ~ ?, '+' if none is written */
    unsigned column;     /* of the term's first byte in the record, from 1 */
    struct slice text;   /* as written */
    struct slice domain; /* the domain-spec, macros unexpanded; n 0: the current domain */
    struct ip ip;        /* ip4, ip6: as written; ip6 may write a mapped address */
    uint8_t cidr4;       /* a, mx, ip4: 0..32 */
    uint8_t cidr6;       /* a, mx, ip6: 0..128 */
};

struct spfrecord_error {
    struct slice term; /* as written, any bytes */
    unsigned column;   /* from 1 */
    const char *cause; /* static */
};

/* The one record that is an SPF version 1 record, borrowed from *txt, which is used up.
 * ERR_NOTFOUND for none, ERR_REFUSED for several (RFC 7208 4.5); *count says how many. */
enum err spfrecord_select(struct dns_answer *txt, struct slice *record, unsigned *count) MUST_CHECK;

struct spfrecord_walk {
    struct slice record;
    size_t at;
    bool seen_redirect, seen_exp;
};

/* record as from spfrecord_select, at least its version; any bytes may follow. */
void spfrecord_start(struct slice record, struct spfrecord_walk *walk);
/* The terms in their order. ERR_NOTFOUND at the end, ERR_SYNTAX with *error. */
enum err spfrecord_next(
    struct spfrecord_walk *walk, struct spfterm *term, struct spfrecord_error *error) MUST_CHECK;

/* All terms: a syntax error anywhere is a permerror whatever stands before it (RFC 7208 4.6). */
enum err spfrecord_check(struct slice record, struct spfrecord_error *error) MUST_CHECK;

#endif
