/*
 * Domain names: one type, always lower-case uncompressed wire form (RFC 1035 3.1, RFC 4343).
 *
 * Every byte value may stand in a label, 0 and '.' included; limits are 63 bytes a label, 255 bytes
 * a name with its root label, hence at most 127 labels. Text form uses the master-file escapes \.
 * \\ and \DDD (RFC 1035 5.1). Pure functions.
 */
#ifndef ZONES_DNAME_H
#define ZONES_DNAME_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "err.h"
#include "slice.h"

#define DNAME_MAX       255
#define DNAME_TEXT_SIZE 1010 /* each of 252 text bytes as \DDD, and the NUL */
#define DNAME_KEY_MAX   505  /* see dname_key */

/* len counts the root label too: the root alone is len 1. */
struct dname {
    uint8_t len;
    uint8_t b[DNAME_MAX];
};

/* Text of len bytes; one dot at the end is allowed, "" and "." are the root. Upper case is folded.
 * ERR_SYNTAX for empty labels and bad escapes, ERR_RANGE past a limit. */
enum err dname_parse(const char *text, size_t len, struct dname *out) MUST_CHECK;
/* No dot at the end, "." for the root. Returns the length. */
size_t dname_format(const struct dname *name, char out[DNAME_TEXT_SIZE]);

/* Uncompressed wire bytes, folded; n is the room to read. ERR_SYNTAX for pointers and a name that
 * does not end. */
enum err dname_from_wire(const uint8_t *wire, size_t n, struct dname *out) MUST_CHECK;

unsigned dname_labels(const struct dname *name); /* without the root */
bool dname_equal(const struct dname *a, const struct dname *b);
/* name is zone or lies below it. */
bool dname_under(const struct dname *name, const struct dname *zone);
/* On the answer path, instead of an assignment of 256 bytes: nearly all names are short, and a copy
 * of a fixed length needs no call. out is not name. */
static inline void
dname_copy(const struct dname *name, struct dname *out)
{
    enum { SHORT = 64 };
    out->len = name->len;
    if (name->len <= SHORT)
        memcpy(out->b, name->b, SHORT);
    else
        memcpy(out->b, name->b, name->len);
}
/* The name without its first count labels; count <= dname_labels. */
void dname_strip(const struct dname *name, unsigned count, struct dname *out);
/* name relative to zone: the labels left of it and a root label. Only if dname_under. */
void dname_relative(const struct dname *name, const struct dname *zone, struct dname *out);
/* left (its root dropped) followed by right; ERR_RANGE past 255 bytes. */
enum err dname_join(
    const struct dname *left, const struct dname *right, struct dname *out) MUST_CHECK;

/* A host name by RFC 1123 2.1 and RFC 5321 2.3.5: letters, digits, '-' (and '_', seen often), no
 * '-' at a label's ends. */
bool dname_is_hostname(const struct dname *name);
/* The last label is digits only, so it can be no public name (RFC 3696 2). */
bool dname_last_label_numeric(const struct dname *name);

/*
 * The store key: labels from right to left, each followed by 0; inside a label 0 is written 1 1 and
 * 1 is written 1 2. memcmp order puts a name right before the names below it, and
 * "key(a) is a prefix of key(b)" is "b is a or lies below a". The root is the empty key. At most
 * DNAME_KEY_MAX bytes; returns the length.
 */
size_t dname_key(const struct dname *name, uint8_t out[DNAME_KEY_MAX]);
enum err dname_from_key(const uint8_t *key, size_t n, struct dname *out) MUST_CHECK;

#endif
