/*
 * Macro strings of SPF records: syntax and expansion (RFC 7208 7). Pure but for %{p}, which the
 * caller answers.
 */
#ifndef LOADER_SPFMACRO_H
#define LOADER_SPFMACRO_H

#include <stdbool.h>
#include <stdint.h>

#include "zones/dname.h"
#include "zones/err.h"
#include "zones/ip.h"
#include "zones/slice.h"

/* Explanation texts may hold spaces and %{c} %{r} %{t}, domain-specs and modifiers may not. */
enum spfmacro_where { SPFMACRO_DOMAIN, SPFMACRO_EXPLAIN };

/* One piece of a macro string. */
struct spfmacro_part {
    bool expand;             /* written with '%': a domain-spec may end in it (RFC 7208 7.1) */
    char letter;             /* lower case; 0: literal is what comes out */
    struct slice literal;    /* borrowed from the text, or static */
    bool escape;             /* the letter was upper case: URL-escape */
    bool reverse;            /* r */
    unsigned keep;           /* so many parts from the right; 0: all */
    struct slice delimiters; /* empty: "." */
};

/* Takes the first piece off *text. ERR_NOTFOUND at the end, ERR_SYNTAX with *cause (static). */
enum err spfmacro_next(struct slice *text, enum spfmacro_where where, struct spfmacro_part *out,
    const char **cause) MUST_CHECK;
/* ERR_SYNTAX with *cause (static). */
enum err spfmacro_check(
    struct slice text, enum spfmacro_where where, const char **cause) MUST_CHECK;

/* The macro letters of a text, each a bit: 1 << (letter - 'a'); up to its first error. */
uint32_t spfmacro_letters(struct slice text, enum spfmacro_where where);
#define SPFMACRO_LETTER(letter) (UINT32_C(1) << ((letter) - 'a'))

#define SPFMACRO_DOMAIN_SIZE 256 /* 253 bytes of a name's text, and the NUL */

/* What the letters stand for (RFC 7208 7.2). */
struct spfmacro_values {
    struct ip ip;
    const char *local;
    const char *helo;
    char sender_domain[SPFMACRO_DOMAIN_SIZE];
    char domain[SPFMACRO_DOMAIN_SIZE]; /* of the record at work */
    int64_t now_s;
    /* %{p}: the validated name of ip, "unknown" if there is none. */
    void (*validated)(void *ctx, char out[SPFMACRO_DOMAIN_SIZE]);
    void *ctx;
    const char *client; /* what %{c}, and %{i} as well, give in place of ip; NULL: its text */
    bool used_local, used_helo; /* set, never cleared, when %{l} or %{s}, and %{h}, come up */
};

/* Fills out, terminated; returns the length, below size (at least 512). Text past the end is cut:
 * for an explanation its tail, for a domain its head, because a name's right end is what counts
 * (RFC 7208 7.3). ERR_SYNTAX as spfmacro_check. */
enum err spfmacro_expand(struct slice text, enum spfmacro_where where,
    struct spfmacro_values *values, char *out, size_t size, size_t *n) MUST_CHECK;

/* An expanded domain-spec as a name. Every byte but '.' stands for itself: no escapes. Labels are
 * dropped at the left until 253 bytes remain (RFC 7208 7.3). ERR_SYNTAX for empty or long labels.
 */
enum err spfmacro_name(const char *text, size_t len, struct dname *out) MUST_CHECK;
/* And back; "" for the root. */
void spfmacro_domain(const struct dname *name, char out[SPFMACRO_DOMAIN_SIZE]);

#endif
