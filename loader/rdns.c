/*
 * A name is cut into the host's own labels and the registered domain; each part is scanned once by
 * the patterns that are for it, and the first row of the table that matches decides. Where the
 * table says nothing of the host, the address spelled in the name does; and a name without any
 * number of that kind is one that somebody gave.
 *
 * The database is compiled by each process that needs it: a stored one would have to be tied to the
 * library's version.
 */
#include "loader/rdns.h"

#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loader/clock.h"
#include "loader/rdnsaddress.h"

/* What a row's match says. */
enum sign {
    SIGN_NOTHING,
    SIGN_ESP,
    SIGN_SERVER,
    SIGN_UNSET,
    SIGN_STATIC,   /* this and what follows: only of a host with a digit */
    SIGN_ACCESS,   /* a line, by how it is reached */
    SIGN_DYNAMIC,  /* a line otherwise */
    SIGN_NUMBERED, /* a line or a rented machine */
    SIGN_LINES,    /* domain: its hosts with several digits are lines */
    SIGN_HOSTING,  /* domain: numbered hosts of it are rented */
    SIGN_MAIL      /* domain: numbered hosts of it are its servers */
};

struct row {
    enum sign sign;
    bool domain; /* looks at the registered domain, else at the host's labels */
    const char *name, *regex;
};

static const struct row rows[] = {
#define RDNS_HOST(sign, name, regex, matches, must_not_match)   {SIGN_##sign, false, name, regex},
#define RDNS_DOMAIN(sign, name, regex, matches, must_not_match) {SIGN_##sign, true, name, regex},
#include "loader/rdns_patterns.def"
#undef RDNS_HOST
#undef RDNS_DOMAIN
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0], NO_ROW = ROW_COUNT };

/* The two parts of a name, each with a database of its own. */
enum part { PART_HOST, PART_DOMAIN, PART_COUNT };

/*
 * Whether two labels are a public suffix ("co.uk") is asked for every name, and most names come
 * from few networks. Suffixes of three labels are not looked for: all that is lost is that one
 * label of the network's own is taken for the host's.
 */
enum { SUFFIXES = 1024, SUFFIX_TEXT = 31 };
struct suffix {
    char text[SUFFIX_TEXT]; /* two labels; "" while empty */
    bool is_public;
};

/* For the same reason: which row a registered domain matches. */
enum { DOMAINS = 1024, DOMAIN_TEXT = 44 };
struct domain {
    char text[DOMAIN_TEXT]; /* "" while empty */
    unsigned row;
};

struct rdns {
    const struct publicname *names;
    hs_database_t *databases[PART_COUNT];
    hs_scratch_t *scratch;
    double compile_ms;
    struct suffix suffixes[SUFFIXES];
    struct domain domains[DOMAINS];
};

enum err
rdns_open(const struct publicname *names, struct rdns **out, struct errmsg *msg)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    (*out)->names = names;
    return ERR_OK;
}

static void
drop_databases(struct rdns *rdns)
{
    (void)hs_free_scratch(rdns->scratch);
    rdns->scratch = NULL;
    for (unsigned part = 0; part < PART_COUNT; part++) {
        (void)hs_free_database(rdns->databases[part]);
        rdns->databases[part] = NULL;
    }
}

void
rdns_close(struct rdns **rdns)
{
    if (*rdns == NULL)
        return;
    drop_databases(*rdns);
    free(*rdns);
    *rdns = NULL;
}

static enum err
compile_part(struct rdns *rdns, enum part part, struct errmsg *msg)
{
    const char *regexes[ROW_COUNT];
    unsigned flags[ROW_COUNT], ids[ROW_COUNT], count = 0;
    hs_compile_error_t *error = NULL;

    for (unsigned i = 0; i < ROW_COUNT; i++) {
        if (rows[i].domain != (part == PART_DOMAIN))
            continue;
        regexes[count] = rows[i].regex;
        flags[count] = HS_FLAG_SINGLEMATCH;
        ids[count++] = i;
    }
    if (hs_compile_multi(regexes, flags, ids, count, HS_MODE_BLOCK, NULL, &rdns->databases[part],
            &error) != HS_SUCCESS) {
        const char *which =
            error != NULL && error->expression >= 0 ? rows[ids[error->expression]].name : "any";
        enum err err = errmsg_set(msg, ERR_FORMAT, "reverse-name pattern \"%s\": %s", which,
            error != NULL ? error->message : "unknown failure");
        (void)hs_free_compile_error(error);
        return err;
    }
    if (hs_alloc_scratch(rdns->databases[part], &rdns->scratch) != HS_SUCCESS)
        return errmsg_set(msg, ERR_NOMEM, "out of memory for reverse-name patterns");
    return ERR_OK;
}

static enum err
compile(struct rdns *rdns, struct errmsg *msg)
{
    double start = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    enum err err = compile_part(rdns, PART_HOST, msg);

    if (err == ERR_OK)
        err = compile_part(rdns, PART_DOMAIN, msg);
    if (err < 0)
        drop_databases(rdns);
    rdns->compile_ms = (clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - start) * 1000;
    return err;
}

/* For a table of some thousand slots. */
static uint32_t
hash_text(const char *text, size_t len)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619U;
    return hash ^ hash >> 16;
}

static bool
is_suffix(struct rdns *rdns, const char *text, size_t len)
{
    if (len >= SUFFIX_TEXT)
        return false; /* no public suffix of two labels is so long, but for some in punycode */
    struct suffix *slot = &rdns->suffixes[hash_text(text, len) % SUFFIXES];
    if (strcmp(slot->text, text) != 0) {
        memcpy(slot->text, text, len + 1);
        slot->is_public = publicname_is_suffix(rdns->names, text);
    }
    return slot->is_public;
}

/* Where the registered domain begins; 0 if the name has no label left of it. */
static size_t
domain_start(struct rdns *rdns, const char *text, size_t len)
{
    size_t starts[3] = {0}; /* of the last label, of the last two, three */
    unsigned found = 0;

    for (size_t i = len; i > 0 && found < 3; i--)
        if (text[i - 1] == '.')
            starts[found++] = i;
    if (found < 2)
        return 0;
    return is_suffix(rdns, text + starts[1], len - starts[1]) ? starts[2] : starts[1];
}

/* Which rows match; NO_ROW where none does. */
struct found {
    unsigned first;  /* the first of the table */
    unsigned access; /* the first of SIGN_ACCESS */
};

static int
on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx)
{
    struct found *found = ctx;

    (void)from, (void)to, (void)flags;
    if (id < found->first)
        found->first = id;
    if (rows[id].sign == SIGN_ACCESS && id < found->access)
        found->access = id;
    return 0;
}

static struct found
scan(struct rdns *rdns, enum part part, const char *text, size_t len)
{
    struct found found = {NO_ROW, NO_ROW};

    if (len == 0 || hs_scan(rdns->databases[part], text, (unsigned)len, 0, rdns->scratch, on_match,
                        &found) != HS_SUCCESS)
        return (struct found){NO_ROW, NO_ROW};
    return found;
}

/* The first row that matches the registered domain, which ends the text. */
static unsigned
scan_domain(struct rdns *rdns, const char *text, size_t len)
{
    if (len == 0 || len >= DOMAIN_TEXT)
        return scan(rdns, PART_DOMAIN, text, len).first;
    struct domain *slot = &rdns->domains[hash_text(text, len) % DOMAINS];
    if (strcmp(slot->text, text) != 0) {
        memcpy(slot->text, text, len + 1);
        slot->row = scan(rdns, PART_DOMAIN, text, len).first;
    }
    return slot->row;
}

static enum sign
sign_of(unsigned row)
{
    return row < ROW_COUNT ? rows[row].sign : SIGN_NOTHING;
}

static unsigned
count_digits(const char *text, size_t len)
{
    unsigned digits = 0;

    for (size_t i = 0; i < len; i++)
        digits += text[i] >= '0' && text[i] <= '9';
    return digits;
}

/* Of a network that calls itself after lines: several digits, or a label more than its own servers
 * have. */
static bool
looks_like_line(const char *host, size_t len)
{
    unsigned digits = count_digits(host, len);

    return digits >= 3 || (digits >= 2 && memchr(host, '.', len) != NULL);
}

/* Whether a server's word is outweighed: "mx" is also a country, "out" a place, and no server is
 * named after both its line and its whole address. */
static bool
outweighed(struct found found, const char *text, size_t len, size_t host, const struct ip *ip)
{
    return found.access != NO_ROW && ip != NULL &&
           rdnsaddress_is_whole(rdnsaddress_find(text, len, host, ip));
}

/* A host that is only numbered is what its domain's others are. */
static struct rdns_verdict
of_numbered(unsigned domain_row, const char *why)
{
    switch (sign_of(domain_row)) {
    case SIGN_HOSTING:
        return (struct rdns_verdict){RDNS_CLASS_GENERIC_STATIC, rows[domain_row].name};
    case SIGN_MAIL:
        return (struct rdns_verdict){RDNS_CLASS_SERVER, rows[domain_row].name};
    default:
        return (struct rdns_verdict){RDNS_CLASS_GENERIC_DYNAMIC, why};
    }
}

static struct rdns_verdict
decide(struct rdns *rdns, const char *text, size_t len, const struct ip *ip)
{
    static const enum rdns_class classes[] = {
        [SIGN_ESP] = RDNS_CLASS_ESP,
        [SIGN_SERVER] = RDNS_CLASS_SERVER,
        [SIGN_UNSET] = RDNS_CLASS_GENERIC_DYNAMIC,
        [SIGN_STATIC] = RDNS_CLASS_GENERIC_STATIC,
        [SIGN_ACCESS] = RDNS_CLASS_GENERIC_DYNAMIC,
        [SIGN_DYNAMIC] = RDNS_CLASS_GENERIC_DYNAMIC,
    };
    size_t start = domain_start(rdns, text, len), host = start > 0 ? start - 1 : 0;
    struct found found = scan(rdns, PART_HOST, text, host);
    unsigned domain_row = scan_domain(rdns, text + start, len - start);

    if (sign_of(domain_row) == SIGN_ESP)
        return (struct rdns_verdict){RDNS_CLASS_ESP, rows[domain_row].name};
    enum sign sign = sign_of(found.first);
    if (sign >= SIGN_STATIC && count_digits(text, host) == 0)
        sign = SIGN_NOTHING;
    if (sign == SIGN_SERVER && outweighed(found, text, len, host, ip))
        return (struct rdns_verdict){RDNS_CLASS_GENERIC_DYNAMIC, rows[found.access].name};
    if (sign == SIGN_NUMBERED)
        return of_numbered(domain_row, rows[found.first].name);
    if (sign != SIGN_NOTHING)
        return (struct rdns_verdict){classes[sign], rows[found.first].name};
    enum rdnsaddress spelling =
        ip != NULL ? rdnsaddress_find(text, len, host, ip) : RDNSADDRESS_NONE;
    if (spelling != RDNSADDRESS_NONE)
        return of_numbered(domain_row, rdnsaddress_text(spelling));
    if (sign_of(domain_row) == SIGN_LINES && looks_like_line(text, host))
        return (struct rdns_verdict){RDNS_CLASS_GENERIC_DYNAMIC, rows[domain_row].name};
    return (struct rdns_verdict){RDNS_CLASS_SERVER, RDNS_WHY_OWN};
}

enum err
rdns_classify(struct rdns *rdns, const struct dname *name, const struct ip *ip,
    struct rdns_verdict *out, struct errmsg *msg)
{
    char text[DNAME_TEXT_SIZE];

    if (rdns->scratch == NULL || rdns->databases[PART_DOMAIN] == NULL) {
        enum err err = compile(rdns, msg);
        if (err < 0)
            return err;
    }
    if (dname_labels(name) == 0) {
        *out = (struct rdns_verdict){RDNS_CLASS_NONE, "no name"};
        return ERR_OK;
    }
    *out = decide(rdns, text, dname_format(name, text), ip);
    return ERR_OK;
}

const char *rdns_class_text(enum rdns_class class)
{
    static const char *const texts[] = {
        [RDNS_CLASS_NONE] = "none",
        [RDNS_CLASS_UNCONFIRMED] = "unconfirmed",
        [RDNS_CLASS_GENERIC_DYNAMIC] = "generic-dynamic",
        [RDNS_CLASS_GENERIC_STATIC] = "generic-static",
        [RDNS_CLASS_SERVER] = "server",
        [RDNS_CLASS_ESP] = "esp",
    };
    _Static_assert(sizeof texts / sizeof *texts == RDNS_CLASS_COUNT, "a text for each class");

    return texts[class];
}

double
rdns_compile_ms(const struct rdns *rdns)
{
    return rdns->compile_ms;
}
