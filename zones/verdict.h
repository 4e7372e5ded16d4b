/*
 * Verdicts: sets of reasons, the values that stores hold and the codes that DNS shows.
 *
 * reasons.def is the source. A value is an ordered list of elements; an element is a reason set
 * (the view supplies A and TXT) or a literal (A and TXT template, as rbldnsd's lists have them).
 */
#ifndef ZONES_VERDICT_H
#define ZONES_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "slice.h"

enum reason {
#define REASON(id, bit, name, space, code, text) REASON_##id = (bit),
#include "reasons.def"
#undef REASON
    REASON_COUNT
};

enum reason_space { REASON_SPACE_ADDRESS = 0, REASON_SPACE_NAME = 1, REASON_SPACE_SPF = 2 };

struct reason_info {
    const char *id; /* "RDNS_NONE" */
    const char *name;
    enum reason_space space;
    uint8_t code;
    const char *text; /* $ is the subject */
};

/* Never NULL for a reason of the enum. */
const struct reason_info *reason_info(enum reason reason);
/* 127.0.space.code in host byte order. */
uint32_t reason_a(enum reason reason);
enum err reason_by_name(const char *name, enum reason *out) MUST_CHECK;

struct reason_set {
    uint32_t bits;
};

static inline struct reason_set
reasons_none(void)
{
    return (struct reason_set){0};
}
static inline struct reason_set
reasons_all(void)
{
    return (struct reason_set){UINT32_MAX};
}
static inline void
reasons_add(struct reason_set *set, enum reason reason)
{
    set->bits |= UINT32_C(1) << reason;
}
static inline bool
reasons_have(struct reason_set set, enum reason reason)
{
    return (set.bits >> reason & 1) != 0;
}
static inline struct reason_set
reasons_union(struct reason_set a, struct reason_set b)
{
    return (struct reason_set){a.bits | b.bits};
}
static inline struct reason_set
reasons_filter(struct reason_set set, struct reason_set by)
{
    return (struct reason_set){set.bits & by.bits};
}
static inline bool
reasons_empty(struct reason_set set)
{
    return set.bits == 0;
}
/* Lowest reason of the set and removed from it; only if not empty. */
enum reason reasons_take(struct reason_set *set);
/* "rdns-none,helo-churn" or "-" for the empty set; cut to size, always terminated. */
void reasons_format(struct reason_set set, char *out, size_t size);

#define VALUE_TXT_MAX 255

/* One element of a value. txt is borrowed from the value's bytes; has_txt false is "no TXT". */
struct value_element {
    bool literal;
    struct reason_set reasons; /* if not literal */
    uint32_t a;                /* literal: host byte order, never 0 */
    bool has_txt;
    struct slice txt; /* literal: template, $ is the subject; at most VALUE_TXT_MAX bytes */
};

/* The A of a literal in an access list (rbldnsd's acl) where it says what is done with a client;
 * any other A, with its text, is what the client sees listed everywhere. */
enum acl_a { ACL_A_IGNORE = 1, ACL_A_REFUSE = 2, ACL_A_EMPTY = 3, ACL_A_PASS = 4 };

/* Appends one element to an encoded value; *n is the bytes used so far, ERR_RANGE when it does not
 * fit in size. Encoding: 'R' bits(4) or 'L' a(4) or 'T' a(4) len(1) txt, big-endian. */
enum err value_append(
    uint8_t *out, size_t size, size_t *n, const struct value_element *element) MUST_CHECK;
/* Takes the first element off *value. ERR_NOTFOUND at the end, ERR_FORMAT for damaged bytes. */
enum err value_next(struct slice *value, struct value_element *out) MUST_CHECK;

#define VALUE_REASONS_SIZE 5
/* The value that is one reason set. */
void value_of_reasons(struct reason_set set, uint8_t out[VALUE_REASONS_SIZE]);

#endif
