/* SPF macros. See spfmacro.h. */
#include "loader/spfmacro.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_TEXT_MAX 253 /* RFC 7208 7.3 */
#define LOCAL_MAX     255 /* RFC 5321 4.5.3.1.1 allows 64; more is cut */
#define HELO_MAX_LEN  255
#define VALUE_MAX     (LOCAL_MAX + 1 + SPFMACRO_DOMAIN_SIZE)

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

static void
skip(struct slice *text, size_t n)
{
    text->p = (const char *)text->p + n;
    text->n -= n;
}

/* RFC 7208 7.1: transformers = *DIGIT [ "r" ], then delimiters, then "}". text is behind the
 * letter; *used is what was read. */
static const char *
parse_transformers(struct slice text, struct spfmacro_part *out, size_t *used)
{
    const char *p = text.p;
    size_t at = 0, start;

    while (at < text.n && is_digit(p[at])) {
        /* 127 labels is what a name can have, so more than that is "all" whatever its value. */
        if (out->keep < 1000)
            out->keep = out->keep * 10 + (unsigned)(p[at] - '0');
        at++;
    }
    if (at > 0 && out->keep == 0)
        return "a macro that keeps 0 parts"; /* RFC 7208 7.3: must be nonzero */
    if (at < text.n && (p[at] == 'r' || p[at] == 'R')) {
        out->reverse = true;
        at++;
    }
    start = at;
    while (at < text.n && memchr(".-+,/_=", p[at], 7) != NULL)
        at++;
    if (at == text.n)
        return "a macro without its }";
    if (p[at] != '}')
        return "a macro with a wrong transformer or delimiter";
    out->delimiters = slice_of(p + start, at - start);
    *used = at + 1;
    return NULL;
}

/* text begins with '%'. */
static const char *
parse_expand(struct slice *text, enum spfmacro_where where, struct spfmacro_part *out)
{
    const char *p = text->p;
    char second = text->n > 1 ? p[1] : '\0';
    size_t used;

    *out = (struct spfmacro_part){.expand = true};
    if (second == '%' || second == '_' || second == '-') {
        out->literal = second == '%'   ? slice_of("%", 1)
                       : second == '_' ? slice_of(" ", 1)
                                       : slice_of("%20", 3);
        skip(text, 2);
        return NULL;
    }
    if (second != '{')
        return "a % that begins no macro";
    if (text->n < 3 || !is_alpha(p[2]))
        return "a macro without a letter";
    out->escape = p[2] < 'a';
    out->letter = out->escape ? (char)(p[2] + ('a' - 'A')) : p[2];
    if (memchr("slodiphcrtv", out->letter, 11) == NULL)
        return "a macro letter that does not exist";
    /* RFC 7208 7.2: c, r and t only in the text of an explanation. */
    if (where == SPFMACRO_DOMAIN && memchr("crt", out->letter, 3) != NULL)
        return "a macro letter for explanation texts only";
    const char *cause = parse_transformers(slice_of(p + 3, text->n - 3), out, &used);
    if (cause == NULL)
        skip(text, 3 + used);
    return cause;
}

enum err
spfmacro_next(
    struct slice *text, enum spfmacro_where where, struct spfmacro_part *out, const char **cause)
{
    const char *p = text->p;
    size_t n = 0;

    if (text->n == 0)
        return ERR_NOTFOUND;
    if (p[0] == '%') {
        *cause = parse_expand(text, where, out);
        return *cause == NULL ? ERR_OK : ERR_SYNTAX;
    }
    /* RFC 7208 7.1: macro-literal is visible ASCII, explain-string adds the space. */
    char least = where == SPFMACRO_EXPLAIN ? ' ' : '!';
    while (n < text->n && p[n] != '%' && p[n] >= least && p[n] <= '~')
        n++;
    if (n == 0) {
        *cause = "a byte that is not printable ASCII";
        return ERR_SYNTAX;
    }
    *out = (struct spfmacro_part){.literal = slice_of(p, n)};
    skip(text, n);
    return ERR_OK;
}

enum err
spfmacro_check(struct slice text, enum spfmacro_where where, const char **cause)
{
    struct spfmacro_part part;
    enum err err;

    do
        err = spfmacro_next(&text, where, &part, cause);
    while (err == ERR_OK);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

uint32_t
spfmacro_letters(struct slice text, enum spfmacro_where where)
{
    struct spfmacro_part part;
    const char *cause;
    uint32_t letters = 0;

    while (spfmacro_next(&text, where, &part, &cause) == ERR_OK)
        if (part.letter != '\0')
            letters |= SPFMACRO_LETTER(part.letter);
    return letters;
}

struct output {
    char *p;
    size_t size, n;
    bool keep_end;
};

static void
put(struct output *out, char c)
{
    if (out->n + 1 >= out->size) {
        if (!out->keep_end)
            return;
        /* Half of the buffer still holds more than the longest name, so the cut stays unseen. */
        size_t keep = out->size / 2;
        memmove(out->p, out->p + out->n - keep, keep);
        out->n = keep;
    }
    out->p[out->n++] = c;
}

/* RFC 7208 7.3: what is not unreserved by RFC 3986 2.3 is escaped. */
static void
put_escaped(struct output *out, char c)
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned char byte = (unsigned char)c;

    if (is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
        put(out, c);
        return;
    }
    put(out, '%');
    put(out, hex[byte >> 4]);
    put(out, hex[byte & 15]);
}

/* RFC 7208 7.3: an IPv6 address is 32 nibbles with dots; its examples have upper case. */
static void
format_dotted(const struct ip *ip, char out[VALUE_MAX])
{
    static const char hex[] = "0123456789ABCDEF";

    if (ip_is4(ip)) {
        ip_format(ip, out);
        return;
    }
    for (unsigned i = 0; i < 32; i++) {
        unsigned byte = ip->b[i / 2];

        out[2 * i] = hex[i % 2 == 0 ? byte >> 4 : byte & 15];
        out[2 * i + 1] = i < 31 ? '.' : '\0';
    }
}

/* Of a local part that is too long, as of a name (RFC 7208 7.3), the right end counts. */
static const char *
end_of(const char *local)
{
    size_t n = strlen(local);

    return n > LOCAL_MAX ? local + n - LOCAL_MAX : local;
}

static void
value_of(char letter, struct spfmacro_values *values, char out[VALUE_MAX])
{
    values->used_local |= letter == 'l' || letter == 's';
    values->used_helo |= letter == 'h';
    if (values->client != NULL && (letter == 'c' || letter == 'i')) {
        (void)snprintf(out, VALUE_MAX, "%s", values->client);
        return;
    }
    switch (letter) {
    case 's':
        (void)snprintf(out, VALUE_MAX, "%s@%s", end_of(values->local), values->sender_domain);
        return;
    case 'l':
        (void)snprintf(out, VALUE_MAX, "%s", end_of(values->local));
        return;
    case 'o':
        (void)snprintf(out, VALUE_MAX, "%s", values->sender_domain);
        return;
    case 'd':
        (void)snprintf(out, VALUE_MAX, "%s", values->domain);
        return;
    case 'i':
        format_dotted(&values->ip, out);
        return;
    case 'p':
        values->validated(values->ctx, out);
        return;
    case 'v':
        (void)snprintf(out, VALUE_MAX, "%s", ip_is4(&values->ip) ? "in-addr" : "ip6");
        return;
    case 'h':
        (void)snprintf(out, VALUE_MAX, "%.*s", HELO_MAX_LEN, values->helo);
        return;
    case 'c':
        ip_format(&values->ip, out);
        return;
    case 't':
        (void)snprintf(out, VALUE_MAX, "%" PRId64, values->now_s);
        return;
    default: /* r: RFC 7208 7.3 lets a receiver be "unknown" */
        (void)snprintf(out, VALUE_MAX, "unknown");
        return;
    }
}

/* RFC 7208 7.3: split at the delimiters, reverse, keep the right parts, join with ".". */
static void
put_macro(const struct spfmacro_part *part, struct spfmacro_values *values, struct output *out)
{
    char value[VALUE_MAX];
    uint16_t starts[VALUE_MAX + 1]; /* of each part; the next one's less 1 is its end */
    size_t count = 0, len;
    struct slice delimiters = part->delimiters.n > 0 ? part->delimiters : slice_of(".", 1);

    value_of(part->letter, values, value);
    len = strlen(value);
    starts[count++] = 0;
    for (size_t i = 0; i < len; i++)
        if (memchr(delimiters.p, value[i], delimiters.n) != NULL)
            starts[count++] = (uint16_t)(i + 1);
    starts[count] = (uint16_t)(len + 1);

    size_t first = part->keep > 0 && part->keep < count ? count - part->keep : 0;
    for (size_t i = first; i < count; i++) {
        size_t k = part->reverse ? count - 1 - i : i;

        if (i > first)
            put(out, '.');
        for (size_t at = starts[k]; at + 1 < starts[k + 1]; at++) {
            if (part->escape)
                put_escaped(out, value[at]);
            else
                put(out, value[at]);
        }
    }
}

enum err
spfmacro_expand(struct slice text, enum spfmacro_where where, struct spfmacro_values *values,
    char *buffer, size_t size, size_t *n)
{
    struct output out = {.p = buffer, .size = size, .keep_end = where == SPFMACRO_DOMAIN};
    struct spfmacro_part part;
    const char *cause;
    enum err err;

    while ((err = spfmacro_next(&text, where, &part, &cause)) == ERR_OK) {
        const char *literal = part.literal.p;

        if (part.letter != '\0')
            put_macro(&part, values, &out);
        else
            for (size_t i = 0; i < part.literal.n; i++)
                put(&out, literal[i]);
    }
    buffer[out.n] = '\0';
    *n = out.n;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
spfmacro_name(const char *text, size_t len, struct dname *out)
{
    size_t at = 0, n = 0;

    if (len > 0 && text[len - 1] == '.')
        len--;
    while (len - at > NAME_TEXT_MAX) {
        const char *dot = memchr(text + at, '.', len - at);

        if (dot == NULL)
            return ERR_SYNTAX;
        at = (size_t)(dot - text) + 1;
    }
    uint8_t wire[DNAME_MAX];
    while (at < len) {
        const char *dot = memchr(text + at, '.', len - at);
        size_t label = dot == NULL ? len - at : (size_t)(dot - (text + at));

        if (label == 0 || label > 63 || (dot != NULL && at + label + 1 == len))
            return ERR_SYNTAX;
        wire[n] = (uint8_t)label;
        memcpy(wire + n + 1, text + at, label);
        n += label + 1;
        at += label + 1;
    }
    wire[n++] = 0;
    return dname_from_wire(wire, n, out);
}

void
spfmacro_domain(const struct dname *name, char out[SPFMACRO_DOMAIN_SIZE])
{
    size_t n = 0;

    for (size_t at = 0; name->b[at] != 0; at += name->b[at] + 1U) {
        if (n > 0)
            out[n++] = '.';
        for (unsigned i = 1; i <= name->b[at]; i++) {
            char c = (char)name->b[at + i];

            out[n++] = c == '\0' ? '?' : c; /* a C string is what the macros are made of */
        }
    }
    out[n] = '\0';
}
