/*
 * The SPF result of every address of one family under one policy: a table of intervals.
 *
 * Value: form(1, 1) text-count(1) index-count(2); texts: size(2) bytes ...; index: offset(4)
 * start(4 or 16) ...; intervals. An interval ends before the next one begins; the first begins at
 * the lowest address, so that the space is covered. An interval is
 *     IPv4: result(3 bits) text?(1) shared(2) length - 1(2), bytes
 *     IPv6: result(3 bits) text?(1) 0(4), shared(4) length - 1(4), bytes
 * and, with text? set, the number of its text from 1 (1 byte). Its start has length bytes before
 * its zeros, and the first shared of them in common with the start before. Every
 * SPFTABLE_STEP-th interval is in the index, with its offset from the first one, and shares
 * nothing. Numbers are big-endian.
 *
 * spftable.c is on the answer path: nothing allocated, every length checked.
 */
#ifndef ZONES_SPFTABLE_H
#define ZONES_SPFTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "ip.h"
#include "slice.h"
#include "verdict.h"

#define SPFTABLE_STEP 32

/* RFC 7208 2.6, in the order of the reasons SPF_NONE and on, and what a table alone can't say. */
enum spfresult {
    SPFRESULT_NONE,
    SPFRESULT_NEUTRAL,
    SPFRESULT_PASS,
    SPFRESULT_FAIL,
    SPFRESULT_SOFTFAIL,
    SPFRESULT_PERMERROR,
    SPFRESULT_DYNAMIC, /* ptr or a macro of the sender: evaluated for each pair seen */
    SPFRESULT_UNKNOWN  /* DNS failed (temperror): nothing is published */
};

/* Only up to SPFRESULT_PERMERROR. */
static inline enum reason
spfresult_reason(enum spfresult result)
{
    return (enum reason)(REASON_SPF_NONE + (int)result);
}

/* "none" ... "permerror", "dynamic", "temperror". */
const char *spfresult_name(enum spfresult result);

struct spftable_hit {
    enum spfresult result;
    struct slice text; /* why, of a permerror; the explanation of a fail, see spftable_text; n 0:
                          none. Borrowed from the table. */
};

/* table is that of the address's family. O(log n + SPFTABLE_STEP). ERR_FORMAT if it is damaged. */
enum err spftable_find(
    struct slice table, const struct ip *ip, struct spftable_hit *out) MUST_CHECK;

/* Where an explanation names the client (RFC 7208 7.2, "c"), its text has this byte. */
#define SPFTABLE_CLIENT '\1'
/* The text with the client's address, printable, cut to size, terminated; returns its length. */
size_t spftable_text(struct slice text, const struct ip *ip, char *out, size_t size);

struct spftable_span {
    struct ip start;
    enum spfresult result;
    uint8_t text; /* from 1; 0: none */
};

/* Calls each for every interval, in order, with its last address. */
typedef enum err (*spftable_each_fn)(
    void *ctx, const struct range *range, const struct spftable_hit *hit);
enum err spftable_each(
    struct slice table, enum ip_family family, spftable_each_fn each, void *ctx) MUST_CHECK;

/* spftable_build.c: spans sorted by start, the first at the lowest address of the family, at least
 * one; neighbours that say the same become one, and texts that no span has are left out. At most
 * 255 texts, of at most 65535 bytes. *out is allocated, the caller's to free. */
enum err spftable_build(enum ip_family family, const struct spftable_span *spans, size_t count,
    const struct slice *texts, unsigned text_count, uint8_t **out, size_t *size) MUST_CHECK;

#endif
