/* Lines of rbldnsd's lists: entries and values; see listfile.h. Quirks are rbldnsd's. */
#include "loader/listfile.h"

enum { OCTETS = 4 };

static const char bad_address[] =
    "not an address, prefix, CIDR or range; write 192.0.2.1, 192.0.2, 192.0.2.0/24 or 192.0.2.1-9";
static const char host_part[] =
    "the address has bits past the prefix length; clear them or correct the length";
static const char too_large[] = "the range is larger than $MAXRANGE4; list it in parts or raise it";
static const char bad_name[] =
    "not a domain name; write name, .name (with all below) or *.name (only what is below)";
static const char bad_a[] = "not a value; write :127.0.0.2:text, :2:text, :2 or just text";
static const char after_a[] = "something follows the A value; write a second colon before the text";
static const char cut_text[] = "the text is longer than 255 bytes and was cut; shorten it";

void
listfile_init(struct listfile *file, enum list_type type, int64_t now_s)
{
    *file = (struct listfile){.type = type, .now_s = now_s};
    listfile_begin(file);
}

void
listfile_begin(struct listfile *file)
{
    file->def = (struct listfile_raw){.a = LISTFILE_A_DEFAULT};
}

bool
listfile_set_text(struct listfile_text *text, const struct listfile_cursor *from)
{
    size_t n = (size_t)(from->end - from->p);
    bool all = n <= LISTFILE_TEXT_MAX;
    text->n = (uint8_t)(all ? n : LISTFILE_TEXT_MAX);
    memcpy(text->b, from->p, text->n);
    return all;
}

static uint32_t
mask(unsigned bits)
{
    return bits == 0 ? 0 : UINT32_MAX << (32 - bits);
}

/* Digits up to most; false if there are none or too much. Leading zeros are allowed. */
static bool
number(struct listfile_cursor *at, unsigned most, unsigned *out)
{
    if (!listfile_digit(at))
        return false;
    for (*out = 0; listfile_digit(at); at->p++) {
        *out = *out * 10 + (unsigned)(*at->p - '0');
        if (*out > most)
            return false;
    }
    return true;
}

/* One to four octets, as the left part of an address; 8, 16, 24 or 32 bits, 0 for none. */
static unsigned
prefix(struct listfile_cursor *at, uint32_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < OCTETS; i++) {
        unsigned octet;
        if (!number(at, 255, &octet))
            return 0;
        *out |= (uint32_t)octet << (24 - 8 * i);
        if (i == OCTETS - 1 || !listfile_at(at, '.'))
            return 8 * (i + 1);
        at->p++;
    }
    return 0;
}

/* What follows a dash. A single octet replaces the last one written of the first end. */
static bool
range_end(struct listfile_cursor *at, unsigned bits, uint32_t first, uint32_t *last)
{
    unsigned end_bits = prefix(at, last);
    if (end_bits == 8) {
        *last = *last >> (bits - 8) | (first & mask(bits - 8));
        end_bits = bits;
    }
    if (end_bits != bits)
        return false;
    *last |= ~mask(bits);
    return first <= *last;
}

static bool
range(struct listfile_cursor *at, uint32_t *first, uint32_t *last, const char **what)
{
    unsigned bits = prefix(at, first);
    *what = bad_address;
    if (bits == 0)
        return false;
    if (listfile_at(at, '-')) {
        at->p++;
        return range_end(at, bits, *first, last);
    }
    if (listfile_at(at, '/')) {
        at->p++;
        if (!number(at, 32, &bits) || bits == 0)
            return false;
    } else if (bits == 8) {
        return false; /* a bare number is rather a mistake than a /8 */
    }
    *last = *first | ~mask(bits);
    if ((*first & ~mask(bits)) == 0)
        return true;
    *what = host_part;
    return false;
}

/* After the colon. Short forms are those of inet_aton, except that one number is 127.0.0.number. */
static bool
a_value(struct listfile_cursor *at, uint32_t *a)
{
    switch (prefix(at, a)) {
    case 8:
        *a >>= 24;
        /* 0 must stay 0, to be refused. */
        if (*a != 0)
            *a |= UINT32_C(127) << 24;
        break;
    case 16:
        *a = (*a & mask(8)) | (*a >> 16 & 255);
        break;
    case 24:
        *a = (*a & mask(16)) | (*a >> 8 & 255);
        break;
    case 32:
        break;
    default:
        return false;
    }
    return *a != 0;
}

/* The rest of a line, not empty. An A without a second colon has the default's text. */
static enum err
value(struct listfile_cursor *at, const struct listfile_raw *def, struct listfile_raw *out,
    const char **what)
{
    uint32_t a = def->a;
    if (listfile_at(at, ':')) {
        at->p++;
        if (!a_value(at, &a)) {
            *what = bad_a;
            return ERR_SYNTAX;
        }
        listfile_skip_blanks(at);
        if (at->p == at->end) {
            struct listfile_text text = def->text;
            *out = (struct listfile_raw){a, text};
            return ERR_OK;
        }
        if (*at->p != ':') {
            *what = after_a;
            return ERR_SYNTAX;
        }
        at->p++;
        listfile_skip_blanks(at);
    }
    out->a = a;
    if (!listfile_set_text(&out->text, at))
        *what = cut_text;
    return ERR_OK;
}

/* Up to three digits after a backslash, or one other byte; false past 255. */
static bool
escape(struct listfile_cursor *at, uint8_t *out)
{
    unsigned n = 0;
    if (!listfile_digit(at)) {
        *out = (uint8_t)*at->p++;
        return true;
    }
    for (unsigned i = 0; i < 3 && listfile_digit(at); i++)
        n = n * 10 + (unsigned)(*at->p++ - '0');
    *out = (uint8_t)n;
    return n <= 255;
}

/* A word as a name. Unlike dname_parse, dots too many are passed over and escapes may be short. */
static bool
name_of(struct listfile_cursor word, struct dname *out)
{
    uint8_t wire[DNAME_MAX + 1];
    size_t label = 0, n = 1;
    while (word.p < word.end) {
        uint8_t c = (uint8_t)*word.p++;
        if (c == '.') {
            if (n - label == 1)
                continue;
            wire[label] = (uint8_t)(n - label - 1);
            label = n++;
            if (n > DNAME_MAX)
                return false;
            continue;
        }
        if (c == '\\') {
            if (word.p == word.end)
                break;
            if (!escape(&word, &c))
                return false;
        }
        if (n >= DNAME_MAX - 1 || n - label > 63)
            return false;
        wire[n++] = c;
    }
    wire[label] = (uint8_t)(n - label - 1);
    if (wire[label] != 0)
        wire[n++] = 0;
    return n > 1 && dname_from_wire(wire, n, out) == ERR_OK && out->len > 1;
}

static bool
name(struct listfile_cursor *at, struct listfile_entry *entry)
{
    entry->exact = entry->wild = true;
    if (listfile_at(at, '.')) {
        at->p++;
    } else if (at->end - at->p >= 2 && at->p[0] == '*' && at->p[1] == '.') {
        entry->exact = false;
        at->p += 2;
    } else {
        entry->wild = false;
    }
    struct listfile_cursor word = {at->p, at->p};
    while (word.end < at->end && !listfile_blank(*word.end))
        word.end++;
    at->p = word.end;
    return name_of(word, &entry->name);
}

static bool
is_comment(const struct listfile_cursor *at)
{
    return listfile_at(at, '#') || listfile_at(at, ';');
}

/* What is listed: the key of an entry. */
static bool
key(const struct listfile *file, struct listfile_cursor *at, struct listfile_entry *entry,
    const char **what)
{
    if (file->type == LIST_DNSET) {
        *what = bad_name;
        return name(at, entry);
    }
    if (!range(at, &entry->first, &entry->last, what))
        return false;
    if (at->p < at->end && !listfile_blank(*at->p) && !is_comment(at) && *at->p != ':') {
        *what = bad_address;
        return false;
    }
    if (file->max_range != 0 && file->max_range <= entry->last - entry->first) {
        *what = too_large;
        return false;
    }
    return true;
}

static enum err
entry_line(const struct listfile *file, struct listfile_cursor at, struct listfile_entry *entry,
    const char **what)
{
    entry->excluded = listfile_at(&at, '!');
    entry->by_default = false;
    if (entry->excluded) {
        at.p++;
        listfile_skip_blanks(&at);
    }
    if (!key(file, &at, entry, what))
        return ERR_SYNTAX;
    *what = NULL;
    if (entry->excluded)
        return ERR_OK;
    listfile_skip_blanks(&at);
    if (at.p < at.end && !is_comment(&at))
        return value(&at, &file->def, &entry->value, what);
    entry->by_default = true;
    entry->value = file->def;
    return ERR_OK;
}

enum err
listfile_line(struct listfile *file, const char *line, size_t n, struct listfile_entry *entry,
    const char **what)
{
    if (n > LISTFILE_LINE_MAX)
        n = LISTFILE_LINE_MAX;
    struct listfile_cursor at = {line, line + n};
    const char *nul = memchr(line, '\0', n);
    *what = NULL;
    if (nul != NULL)
        at.end = nul; /* as a C string */
    listfile_skip_blanks(&at);
    while (at.end > at.p && (listfile_blank(at.end[-1]) || at.end[-1] == '\r'))
        at.end--;
    if (at.p == at.end)
        return ERR_NOTFOUND;
    if (listfile_at(&at, '$'))
        return listfile_special(file, at.p + 1, (size_t)(at.end - at.p) - 1, what);
    bool marks = is_comment(&at) || *at.p == ':';
    if (marks && at.end - at.p >= 2 && at.p[1] == '$')
        return listfile_special(file, at.p + 2, (size_t)(at.end - at.p) - 2, what);
    if (is_comment(&at))
        return ERR_NOTFOUND;
    if (*at.p != ':')
        return entry_line(file, at, entry, what);
    /* A default refers to the one that is built in, not to the one before it. */
    const struct listfile_raw built_in = {.a = LISTFILE_A_DEFAULT};
    struct listfile_raw def;
    enum err err = value(&at, &built_in, &def, what);
    if (err < 0)
        return err;
    file->def = def;
    return ERR_NOTFOUND;
}
