/* The grammar of SPF records. See spfrecord.h. */
#include "loader/spfrecord.h"

#include <string.h>
#include <strings.h>

#include "loader/spfmacro.h"

#define VERSION     "v=spf1"
#define VERSION_LEN 6

enum argument { ARGUMENT_NONE, ARGUMENT_MAY, ARGUMENT_MUST, ARGUMENT_ADDRESS };

static const struct mechanism {
    const char *name;
    enum spfterm_kind kind;
    enum argument argument;
    bool cidr; /* a dual-cidr-length may follow */
} mechanisms[] = {
    {"all", SPFTERM_ALL, ARGUMENT_NONE, false},         /* RFC 7208 5.1 */
    {"include", SPFTERM_INCLUDE, ARGUMENT_MUST, false}, /* 5.2 */
    {"a", SPFTERM_A, ARGUMENT_MAY, true},               /* 5.3 */
    {"mx", SPFTERM_MX, ARGUMENT_MAY, true},             /* 5.4 */
    {"ptr", SPFTERM_PTR, ARGUMENT_MAY, false},          /* 5.5 */
    {"ip4", SPFTERM_IP4, ARGUMENT_ADDRESS, false},      /* 5.6 */
    {"ip6", SPFTERM_IP6, ARGUMENT_ADDRESS, false},
    {"exists", SPFTERM_EXISTS, ARGUMENT_MUST, false}, /* 5.7 */
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct slice
cut(struct slice text, size_t from, size_t to)
{
    return slice_of((const char *)text.p + from, to - from);
}

static bool
named(struct slice text, const char *name)
{
    return text.n == strlen(name) && strncasecmp(text.p, name, text.n) == 0;
}

enum err
spfrecord_select(struct dns_answer *txt, struct slice *record, unsigned *count)
{
    struct slice rdata;

    *count = 0;
    while (dns_next(txt, &rdata) == ERR_OK) {
        const char *p = rdata.p;

        /* RFC 7208 4.5: the version ends at a space or the record's end. */
        if (rdata.n < VERSION_LEN || strncasecmp(p, VERSION, VERSION_LEN) != 0 ||
            (rdata.n > VERSION_LEN && p[VERSION_LEN] != ' '))
            continue;
        if ((*count)++ == 0)
            *record = rdata;
    }
    if (*count == 0)
        return ERR_NOTFOUND;
    return *count == 1 ? ERR_OK : ERR_REFUSED;
}

/* The number at the end of *text behind a '/': takes both off. ERR_NOTFOUND if there is none. */
static enum err
take_length(struct slice *text, unsigned max, uint8_t *out, const char **cause)
{
    const char *p = text->p;
    size_t at = text->n;
    unsigned value = 0;

    while (at > 0 && is_digit(p[at - 1]))
        at--;
    if (at == text->n || at == 0 || p[at - 1] != '/')
        return ERR_NOTFOUND;
    /* RFC 7208 5.6: "0" or no zero in front. */
    if (p[at] == '0' && text->n - at > 1) {
        *cause = "a prefix length with a zero in front";
        return ERR_SYNTAX;
    }
    for (size_t i = at; i < text->n && value <= max; i++)
        value = value * 10 + (unsigned)(p[i] - '0');
    if (value > max) {
        *cause = max == 32 ? "an IPv4 prefix length over 32" : "an IPv6 prefix length over 128";
        return ERR_SYNTAX;
    }
    *out = (uint8_t)value;
    text->n = at - 1;
    return ERR_OK;
}

/* RFC 7208 5.6: dual-cidr-length = [ "/" ip4 ] [ "/" "/" ip6 ], off the end of *text. What is left
 * in the wrong place after that is no top label, so no domain-spec. */
static const char *
take_dual_length(struct slice *text, struct spfterm *term)
{
    const char *p = text->p, *cause = NULL;
    size_t at = text->n;

    while (at > 0 && is_digit(p[at - 1]))
        at--;
    bool six = at >= 2 && at < text->n && p[at - 1] == '/' && p[at - 2] == '/';
    if (six) {
        if (take_length(text, 128, &term->cidr6, &cause) != ERR_OK)
            return cause;
        text->n--;
    }
    return take_length(text, 32, &term->cidr4, &cause) == ERR_SYNTAX ? cause : NULL;
}

/* RFC 7208 7.1: letters, digits and inner hyphens, not only digits. */
static bool
is_top_label(struct slice text)
{
    const char *p = text.p;
    bool other = false;

    if (text.n == 0 || p[0] == '-' || p[text.n - 1] == '-')
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (!is_alpha(p[i]) && !is_digit(p[i]) && p[i] != '-')
            return false;
        other |= !is_digit(p[i]);
    }
    return other;
}

/* RFC 7208 7.1: domain-spec = macro-string domain-end; a domain ends in a macro or a top label. */
static const char *
check_domain(struct slice domain)
{
    struct slice rest = domain;
    struct spfmacro_part part = {0};
    const char *cause;
    enum err err;

    if (domain.n == 0)
        return "no domain is given";
    while ((err = spfmacro_next(&rest, SPFMACRO_DOMAIN, &part, &cause)) == ERR_OK)
        continue;
    if (err != ERR_NOTFOUND)
        return cause;
    if (part.expand)
        return NULL;
    struct slice end = part.literal;
    const char *p = end.p;
    if (p[end.n - 1] == '.')
        end.n--;
    const char *dot = end.n > 0 ? memrchr(p, '.', end.n) : NULL;
    if (dot == NULL)
        return "a domain of one label";
    size_t top = (size_t)(dot - p) + 1;
    return is_top_label(cut(end, top, end.n)) ? NULL : "a domain with a wrong top label";
}

/* RFC 7208 5.6: qnum has no zero in front. */
static bool
is_ip4_network(struct slice text)
{
    const char *p = text.p;

    for (size_t i = 0; i < text.n; i++) {
        bool first = i == 0 || p[i - 1] == '.';

        if (!is_digit(p[i]) && p[i] != '.')
            return false;
        if (first && p[i] == '0' && i + 1 < text.n && is_digit(p[i + 1]))
            return false;
    }
    return true;
}

/* argument begins with the colon, or is empty. */
static const char *
parse_address(struct slice argument, struct spfterm *term)
{
    bool four = term->kind == SPFTERM_IP4;
    const char *p = argument.p, *cause = NULL;
    struct slice address;

    if (argument.n < 2 || p[0] != ':')
        return "no address is given";
    address = cut(argument, 1, argument.n);
    enum err err =
        take_length(&address, four ? 32 : 128, four ? &term->cidr4 : &term->cidr6, &cause);
    if (err == ERR_SYNTAX)
        return cause;
    /* ip_parse reads both families; a colon tells which one was written. */
    bool colon = memchr(address.p, ':', address.n) != NULL;
    if (colon == four || (four && !is_ip4_network(address)) ||
        ip_parse(address.p, address.n, &term->ip) != ERR_OK)
        return four ? "not an IPv4 address" : "not an IPv6 address";
    return NULL;
}

static const char *
parse_mechanism(struct slice text, size_t name_end, struct spfterm *term)
{
    const struct mechanism *found = NULL;
    struct slice name = cut(text, 0, name_end), argument = cut(text, name_end, text.n);

    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++)
        if (named(name, mechanisms[i].name))
            found = &mechanisms[i];
    if (found == NULL)
        return "an unknown mechanism";
    term->kind = found->kind;
    if (found->argument == ARGUMENT_ADDRESS)
        return parse_address(argument, term);
    if (found->cidr) {
        const char *cause = take_dual_length(&argument, term);

        if (cause != NULL)
            return cause;
    }
    if (argument.n == 0)
        return found->argument == ARGUMENT_MUST ? "no domain is given" : NULL;
    if (found->argument == ARGUMENT_NONE)
        return "it takes no argument";
    if (((const char *)argument.p)[0] != ':')
        return found->cidr ? "a wrong prefix length" : "it takes no prefix length";
    term->domain = cut(argument, 1, argument.n);
    return check_domain(term->domain);
}

/* RFC 7208 6: redirect and exp at most once each; others are ignored if well-formed. */
static const char *
parse_modifier(
    struct slice text, size_t name_end, struct spfrecord_walk *walk, struct spfterm *term)
{
    const char *p = text.p, *cause;
    struct slice name = cut(text, 0, name_end);

    if (name.n == 0 || !is_alpha(p[0]))
        return "a modifier's name begins with a letter";
    for (size_t i = 0; i < name.n; i++)
        if (!is_alpha(p[i]) && !is_digit(p[i]) && memchr("-_.", p[i], 3) == NULL)
            return "a wrong character in a modifier's name";
    term->domain = cut(text, name_end + 1, text.n);
    term->kind = SPFTERM_OTHER;
    if (named(name, "redirect"))
        term->kind = SPFTERM_REDIRECT;
    else if (named(name, "exp"))
        term->kind = SPFTERM_EXP;
    else
        return spfmacro_check(term->domain, SPFMACRO_DOMAIN, &cause) == ERR_OK ? NULL : cause;
    bool *seen = term->kind == SPFTERM_EXP ? &walk->seen_exp : &walk->seen_redirect;
    if (*seen)
        return "it stands here a second time";
    *seen = true;
    return check_domain(term->domain);
}

static const char *
parse_term(struct slice text, struct spfrecord_walk *walk, struct spfterm *term)
{
    const char *p = text.p;
    size_t end = 0;

    for (size_t i = 0; i < text.n; i++)
        if (p[i] <= ' ' || p[i] > '~')
            return "a byte that is not printable ASCII";
    bool qualified = memchr("+-~?", p[0], 4) != NULL;
    if (qualified) {
        term->qualifier = p[0];
        text = cut(text, 1, text.n);
        p = text.p;
    }
    /* RFC 7208 12: a name ends at the first of these, and only a modifier's at '='. */
    while (end < text.n && memchr(":/=", p[end], 3) == NULL)
        end++;
    if (end == text.n || p[end] != '=')
        return parse_mechanism(text, end, term);
    return qualified ? "a modifier takes no qualifier" : parse_modifier(text, end, walk, term);
}

void
spfrecord_start(struct slice record, struct spfrecord_walk *walk)
{
    *walk = (struct spfrecord_walk){.record = record, .at = VERSION_LEN};
}

enum err
spfrecord_next(struct spfrecord_walk *walk, struct spfterm *term, struct spfrecord_error *error)
{
    const char *p = walk->record.p;
    size_t n = walk->record.n, at = walk->at;

    while (at < n && p[at] == ' ')
        at++;
    if (at >= n)
        return ERR_NOTFOUND;
    size_t end = at;
    while (end < n && p[end] != ' ')
        end++;
    walk->at = end;
    *term = (struct spfterm){.qualifier = '+',
        .column = (unsigned)at + 1,
        .text = cut(walk->record, at, end),
        .cidr4 = 32,
        .cidr6 = 128};
    const char *cause = parse_term(term->text, walk, term);
    if (cause == NULL)
        return ERR_OK;
    *error = (struct spfrecord_error){.term = term->text, .column = term->column, .cause = cause};
    return ERR_SYNTAX;
}

enum err
spfrecord_check(struct slice record, struct spfrecord_error *error)
{
    struct spfrecord_walk walk;
    struct spfterm term;
    enum err err;

    spfrecord_start(record, &walk);
    do
        err = spfrecord_next(&walk, &term, error);
    while (err == ERR_OK);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
