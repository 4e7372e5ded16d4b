/*
 * A run of bytes to be read from its left, for the parsers of mail headers. Borrowed, no NUL at its
 * end; p is never NULL.
 */
#ifndef LOADER_SRC_TEXT_H
#define LOADER_SRC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct text {
    const char *p;
    size_t n;
};

static inline bool
text_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline bool
text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline struct text
text_skip(struct text text, size_t n)
{
    return (struct text){text.p + n, text.n - n};
}

static inline struct text
text_trim(struct text text)
{
    while (text.n > 0 && text_is_space(*text.p))
        text = text_skip(text, 1);
    return text;
}

/* What stands before the first byte of stop, or all of it. */
static inline struct text
text_before(struct text text, const char *stop)
{
    size_t n = 0;

    while (n < text.n && text.p[n] != '\0' && strchr(stop, text.p[n]) == NULL)
        n++;
    return (struct text){text.p, n};
}

/* At most the first n bytes. */
static inline struct text
text_until(struct text text, size_t n)
{
    return (struct text){text.p, n < text.n ? n : text.n};
}

static inline bool
text_begins(struct text text, const char *with)
{
    size_t n = strlen(with);

    return text.n >= n && memcmp(text.p, with, n) == 0;
}

static inline bool
text_ends(struct text text, const char *with)
{
    size_t n = strlen(with);

    return text.n >= n && memcmp(text.p + text.n - n, with, n) == 0;
}

/* SIZE_MAX: not there. */
static inline size_t
text_find(struct text text, const char *what)
{
    const char *at = memmem(text.p, text.n, what, strlen(what));

    return at == NULL ? SIZE_MAX : (size_t)(at - text.p);
}

static inline size_t
text_find_last(struct text text, const char *what)
{
    size_t found = SIZE_MAX, step;

    for (size_t at = 0; (step = text_find(text_skip(text, at), what)) != SIZE_MAX; at += step + 1)
        found = at + step;
    return found;
}

static inline bool
text_take(struct text *text, const char *word)
{
    if (!text_begins(*text, word))
        return false;
    *text = text_skip(*text, strlen(word));
    return true;
}

/* What stands behind the one place where what does; false where there is none, or more than one. */
static inline bool
text_once(struct text text, const char *what, struct text *behind)
{
    size_t at = text_find(text, what);

    if (at == SIZE_MAX)
        return false;
    *behind = text_skip(text, at + strlen(what));
    return text_find(text_skip(text, at + 1), what) == SIZE_MAX;
}

/* "-1.9", "0", "0.00": a number that is not above 0. */
static inline bool
text_at_most_zero(struct text text)
{
    bool negative = text.n > 0 && *text.p == '-';
    size_t n = negative;

    if (n >= text.n || !text_is_digit(text.p[n]))
        return false;
    while (!negative && n < text.n && (text.p[n] == '0' || text.p[n] == '.'))
        n++;
    return negative || n == text.n || !text_is_digit(text.p[n]);
}

/* ASCII letters of either case are one. */
static inline bool
text_starts(struct text text, const char *with)
{
    size_t n = strlen(with);

    return text.n >= n && strncasecmp(text.p, with, n) == 0;
}

static inline bool
text_equals(struct text text, const char *with)
{
    return text.n == strlen(with) && text_starts(text, with);
}

/* least to most digits and no further one; at most 9. */
static inline bool
text_number(struct text *in, size_t least, size_t most, unsigned *out)
{
    size_t n = 0;

    *out = 0;
    while (n < in->n && n < most && text_is_digit(in->p[n]))
        *out = *out * 10 + (unsigned)(in->p[n++] - '0');
    *in = text_skip(*in, n);
    return n >= least && (in->n == 0 || !text_is_digit(*in->p));
}

static inline bool
text_char(struct text *in, char c)
{
    if (in->n == 0 || *in->p != c)
        return false;
    *in = text_skip(*in, 1);
    return true;
}

#endif
