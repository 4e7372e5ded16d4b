/*
 * The lines of a list in one of rbldnsd's formats (rbldnsd(8), listtypes.def): one line in, at most
 * one entry out. Pure: no files, no clock, nothing allocated.
 *
 * Files of one list are one logical file, but the default value ends with its file. Variables and
 * the base template belong to the whole list and may be set after the lines that use them, so a
 * value stays as written until everything is read (listfile_value). Where a type has one value for
 * all entries, it is the first default of all files, even after entries.
 *
 * Beyond rbldnsd: a carriage return at the end of a line is no part of it.
 */
#ifndef LOADER_LISTFILE_H
#define LOADER_LISTFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "zones/authority.h"
#include "zones/dname.h"
#include "zones/verdict.h"
#include "zones/zoneconf.h"

#define LISTFILE_LINE_MAX  32768 /* bytes of a line that count, as rbldnsd's istream.h */
#define LISTFILE_TEXT_MAX  255   /* bytes of a text as written */
#define LISTFILE_VALUE_MAX (6 + VALUE_TXT_MAX)
#define LISTFILE_A_DEFAULT 0x7f000002U /* 127.0.0.2 */
#define LISTFILE_RR_MAX    (6 + 2 + DNAME_MAX)
#define LISTFILE_TTL_MAX   UINT32_C(0x7fffffff) /* RFC 2181 8 */

/* Bytes of a line still to be read. */
struct listfile_cursor {
    const char *p, *end;
};

struct listfile_text {
    uint8_t n;
    char b[LISTFILE_TEXT_MAX];
};

/* A value as written: its text still has variables in it. */
struct listfile_raw {
    uint32_t a; /* host byte order, never 0 */
    struct listfile_text text;
};

enum { LISTFILE_BASE = 10, LISTFILE_VARIABLES = 11 };

/* A record of a generic list: type(2) ttl(4) rdata; numbers are big-endian. A TTL of 0 is that of
 * the zone. */
struct listfile_rr {
    uint16_t n;
    uint8_t b[LISTFILE_RR_MAX];
};

struct listfile {
    enum list_type type;
    int64_t now_s;
    bool keep_cr;                  /* a carriage return at a line's end is a part of it */
    bool host_bits;                /* bits past a prefix's length are cleared */
    uint32_t min_ttl_s, max_ttl_s; /* of TTLs that lines give; 0: no bound */
    uint32_t ttl_s;                /* the last $TTL; 0: none */
    uint32_t max_range;            /* $MAXRANGE4 in addresses; 0: none */
    int64_t expires_s;             /* the earliest of the $TIMESTAMPs; 0: never */
    struct listfile_raw def;     /* of the lines to come, or of all where the type has one value */
    bool has_def;                /* that one is there */
    uint32_t action;             /* of an access list: what is in force instead of def; 0: def is */
    struct authority *authority; /* borrowed; where $SOA and $NS go, NULL: they are read over */
    bool set[LISTFILE_VARIABLES];
    struct listfile_text variables[LISTFILE_VARIABLES]; /* $0 to $9, then $= */
};

struct listfile_entry {
    bool excluded;
    bool by_default; /* the value is the default in force */
    bool exact;      /* of a name: itself */
    bool wild;       /* and names below it */
    /* Of addresses, one prefix unless the type has ranges. An IPv6 list's may reach into
     * ::ffff:0:0/96; flattening cuts that out. */
    struct range range;
    struct dname name;
    struct listfile_raw value; /* unless excluded */
    struct listfile_rr rr;     /* of a generic list, instead of a value */
};

void listfile_init(struct listfile *file, enum list_type type, int64_t now_s);
/* A TTL that a line gives, within the bounds; 0 stays 0, the default. */
uint32_t listfile_ttl(const struct listfile *file, uint32_t ttl_s);
/* Before the lines of each file. */
void listfile_begin(struct listfile *file);

/*
 * A line of n bytes without its newline; more than LISTFILE_LINE_MAX are not looked at.
 * ERR_OK: *entry is set. ERR_NOTFOUND: the line has no entry. ERR_SYNTAX: it has no meaning and is
 * to be skipped. ERR_REFUSED: the whole load must fail. *what is NULL or a warning for people,
 * "what; what to do"; it can come with an entry too.
 */
enum err listfile_line(struct listfile *file, const char *line, size_t n,
    struct listfile_entry *entry, const char **what) MUST_CHECK;

/* Whether the line is a directive; *rest is what follows its $, without blanks at the end. */
bool listfile_directive(
    const struct listfile *file, const char *line, size_t n, struct listfile_cursor *rest);

/* A value alone, as it would follow an entry at the end of its line. ERR_SYNTAX: *what says why.
 * ERR_OK may come with a warning. */
enum err listfile_parse_value(const struct listfile *file, const char *text, size_t n,
    struct listfile_raw *out, const char **what) MUST_CHECK;

/* The value as stores hold it (verdict.h), every substitution done but the subject's: "$" is the
 * subject and "$$" a dollar sign. Where the type has one value it is that, whatever raw is. Returns
 * its length. Only when all lines are read. */
size_t listfile_value(
    const struct listfile *file, const struct listfile_raw *raw, uint8_t out[LISTFILE_VALUE_MAX]);

/* What an entry has that says nothing itself. */
struct listfile_raw listfile_default(const struct listfile *file);

/* listspecial.c: a line that begins with $, without it; as listfile_line, but never ERR_OK. */
enum err listfile_special(
    struct listfile *file, const char *line, size_t n, const char **what) MUST_CHECK;

static inline bool
listfile_at(const struct listfile_cursor *at, char c)
{
    return at->p < at->end && *at->p == c;
}
static inline bool
listfile_blank(char c)
{
    return c == ' ' || c == '\t';
}
static inline void
listfile_skip_blanks(struct listfile_cursor *at)
{
    while (at->p < at->end && listfile_blank(*at->p))
        at->p++;
}
static inline bool
listfile_comment(const struct listfile_cursor *at)
{
    return listfile_at(at, '#') || listfile_at(at, ';');
}
static inline bool
listfile_digit(const struct listfile_cursor *at)
{
    return at->p < at->end && *at->p >= '0' && *at->p <= '9';
}
/* Copies at most LISTFILE_TEXT_MAX bytes; true if that was all. */
bool listfile_set_text(struct listfile_text *text, const struct listfile_cursor *from);

#endif
