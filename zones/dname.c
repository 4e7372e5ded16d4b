/* Domain names. See dname.h. */
#include "dname.h"

#include <string.h>

static uint8_t
fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Eight bytes at once: of each, bit 7 of "from_a" says that it is 'A' or above, of "past_z" that it
 * is above 'Z', as far as its lower seven bits go. */
static uint64_t
fold_eight(uint64_t word)
{
    const uint64_t each = 0x0101010101010101, top = each * 0x80;
    uint64_t lower = word & ~top;
    uint64_t from_a = lower + each * (0x80 - 'A'), past_z = lower + each * (0x80 - 'Z' - 1);
    return word | (from_a & ~past_z & ~word & top) >> 2;
}

/* Of a wire form; its length bytes are at most 63 and so never fold. in and out don't overlap. */
static void
fold_bytes(const uint8_t *in, size_t n, uint8_t *out)
{
    uint64_t word;

    if (n < sizeof word) {
        for (size_t i = 0; i < n; i++)
            out[i] = fold(in[i]);
        return;
    }
    for (size_t at = 0; at < n; at += sizeof word) {
        /* The last eight are partly folded again. */
        size_t from = at + sizeof word <= n ? at : n - sizeof word;
        memcpy(&word, in + from, sizeof word);
        word = fold_eight(word);
        memcpy(out + from, &word, sizeof word);
    }
}

/* One text byte, escapes resolved; returns bytes used, 0 for a bad escape. */
static size_t
parse_char(const char *text, size_t len, uint8_t *out)
{
    unsigned value = 0;

    if (text[0] != '\\') {
        *out = (uint8_t)text[0];
        return 1;
    }
    if (len < 2)
        return 0;
    if (text[1] < '0' || text[1] > '9') {
        *out = (uint8_t)text[1];
        return 2;
    }
    if (len < 4)
        return 0;
    for (unsigned i = 1; i < 4; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *out = (uint8_t)value;
    return value > 255 ? 0 : 4;
}

enum err
dname_parse(const char *text, size_t len, struct dname *out)
{
    size_t label = 0, n = 1; /* out->b[label] is the length byte of the label being filled */

    if (len == 1 && text[0] == '.')
        len = 0;
    for (size_t at = 0; at < len;) {
        uint8_t c;
        size_t used;

        if (text[at] == '.') {
            if (n - label == 1)
                return ERR_SYNTAX;
            out->b[label] = (uint8_t)(n - label - 1);
            label = n++;
            if (n > DNAME_MAX)
                return ERR_RANGE;
            at++;
            continue;
        }
        used = parse_char(text + at, len - at, &c);
        if (used == 0)
            return ERR_SYNTAX;
        if (n - label > 63 || n >= DNAME_MAX - 1)
            return ERR_RANGE;
        out->b[n++] = fold(c);
        at += used;
    }
    if (n - label > 1) {
        out->b[label] = (uint8_t)(n - label - 1);
        label = n++;
    }
    out->b[label] = 0;
    out->len = (uint8_t)n;
    return ERR_OK;
}

size_t
dname_format(const struct dname *name, char out[DNAME_TEXT_SIZE])
{
    size_t n = 0;

    for (size_t at = 0; name->b[at] != 0; at += name->b[at] + 1U) {
        if (n > 0)
            out[n++] = '.';
        for (size_t i = at + 1; i <= at + name->b[at]; i++) {
            uint8_t c = name->b[i];

            if (c > 32 && c < 127) {
                if (c == '.' || c == '\\')
                    out[n++] = '\\';
                out[n++] = (char)c;
            } else {
                out[n++] = '\\';
                out[n++] = (char)('0' + c / 100);
                out[n++] = (char)('0' + c / 10 % 10);
                out[n++] = (char)('0' + c % 10);
            }
        }
    }
    if (n == 0)
        out[n++] = '.';
    out[n] = '\0';
    return n;
}

enum err
dname_from_wire(const uint8_t *wire, size_t n, struct dname *out)
{
    size_t at = 0;

    for (;;) {
        if (at >= n || at >= DNAME_MAX || wire[at] > 63)
            return ERR_SYNTAX;
        if (wire[at] == 0)
            break;
        at += wire[at] + 1U;
    }
    fold_bytes(wire, at + 1, out->b);
    out->len = (uint8_t)(at + 1);
    return ERR_OK;
}

unsigned
dname_labels(const struct dname *name)
{
    unsigned count = 0;

    for (size_t at = 0; name->b[at] != 0; at += name->b[at] + 1U)
        count++;
    return count;
}

bool
dname_equal(const struct dname *a, const struct dname *b)
{
    return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

bool
dname_under(const struct dname *name, const struct dname *zone)
{
    size_t at = 0;

    if (name->len < zone->len)
        return false;
    /* A server asks this of each of its zones: most differ in the tail's first two bytes. */
    size_t tail = (size_t)name->len - zone->len;
    if (name->b[tail] != zone->b[0] || (zone->len > 1 && name->b[tail + 1] != zone->b[1]))
        return false;
    while (at < tail)
        at += name->b[at] + 1U;
    return at == tail && memcmp(name->b + at, zone->b, zone->len) == 0;
}

void
dname_strip(const struct dname *name, unsigned count, struct dname *out)
{
    size_t at = 0;

    while (count-- > 0)
        at += name->b[at] + 1U;
    out->len = (uint8_t)(name->len - at);
    memmove(out->b, name->b + at, out->len);
}

void
dname_relative(const struct dname *name, const struct dname *zone, struct dname *out)
{
    size_t n = (size_t)name->len - zone->len;

    memmove(out->b, name->b, n);
    out->b[n] = 0;
    out->len = (uint8_t)(n + 1);
}

enum err
dname_join(const struct dname *left, const struct dname *right, struct dname *out)
{
    size_t n = left->len - 1U;

    if (n + right->len > DNAME_MAX)
        return ERR_RANGE;
    memmove(out->b + n, right->b, right->len);
    memmove(out->b, left->b, n);
    out->len = (uint8_t)(n + right->len);
    return ERR_OK;
}

bool
dname_is_hostname(const struct dname *name)
{
    for (size_t at = 0; name->b[at] != 0; at += name->b[at] + 1U) {
        const uint8_t *text = name->b + at + 1;
        uint8_t n = name->b[at];

        if (text[0] == '-' || text[n - 1] == '-')
            return false;
        for (uint8_t i = 0; i < n; i++)
            if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') ||
                    text[i] == '-' || text[i] == '_'))
                return false;
    }
    return name->len > 1;
}

bool
dname_last_label_numeric(const struct dname *name)
{
    size_t last = 0;

    if (name->b[0] == 0)
        return false;
    while (name->b[last + name->b[last] + 1U] != 0)
        last += name->b[last] + 1U;
    for (size_t i = last + 1; i <= last + name->b[last]; i++)
        if (name->b[i] < '0' || name->b[i] > '9')
            return false;
    return true;
}

/* Whether one of eight bytes is 0 or 1. */
static bool
has_escape(uint64_t word)
{
    const uint64_t each = 0x0101010101010101;

    return ((word - each * 2) & ~word & each * 0x80) != 0;
}

/* Eight bytes at once as long as there are so many, none of which needs an escape. */
static size_t
key_label(const uint8_t *in, size_t len, uint8_t *out)
{
    uint64_t word;
    size_t i = 0, n;

    for (; i + sizeof word <= len; i += sizeof word) {
        memcpy(&word, in + i, sizeof word);
        if (has_escape(word))
            break;
        memcpy(out + i, &word, sizeof word);
    }
    for (n = i; i < len; i++) {
        if (in[i] <= 1)
            out[n++] = 1;
        out[n++] = in[i] <= 1 ? (uint8_t)(in[i] + 1) : in[i];
    }
    return n;
}

size_t
dname_key(const struct dname *name, uint8_t out[DNAME_KEY_MAX])
{
    uint8_t starts[127];
    unsigned count = 0;
    size_t n = 0;

    for (size_t at = 0; name->b[at] != 0; at += name->b[at] + 1U)
        starts[count++] = (uint8_t)at;
    while (count-- > 0) {
        size_t at = starts[count];

        n += key_label(name->b + at + 1, name->b[at], out + n);
        out[n++] = 0;
    }
    return n;
}

enum err
dname_from_key(const uint8_t *key, size_t n, struct dname *out)
{
    uint8_t label[63];
    size_t len = 0, at = DNAME_MAX - 1;

    out->b[at] = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = key[i];

        if (c == 0) {
            if (len == 0 || at < len + 1)
                return ERR_SYNTAX;
            at -= len;
            memcpy(out->b + at, label, len);
            out->b[--at] = (uint8_t)len;
            len = 0;
            continue;
        }
        if (c == 1) {
            if (++i >= n || key[i] < 1 || key[i] > 2)
                return ERR_SYNTAX;
            c = (uint8_t)(key[i] - 1);
        }
        if (len >= sizeof label)
            return ERR_SYNTAX;
        label[len++] = c;
    }
    if (len != 0)
        return ERR_SYNTAX;
    out->len = (uint8_t)(DNAME_MAX - at);
    memmove(out->b, out->b + at, out->len);
    return ERR_OK;
}
