/* What an entry lists; see listkey.h. */
#include "loader/listkey.h"

enum { OCTETS = 4, WORD_BITS = 16, ADDRESS_BITS = 128 };

static const char bad_range4[] =
    "not an address, prefix, CIDR or range; write 192.0.2.1, 192.0.2, 192.0.2.0/24 or 192.0.2.1-9";
static const char bad_host4[] = "not a single address; write 192.0.2.1, or make it an ip4trie";
static const char no_exclusion[] =
    "this type has no exclusions; remove the address or make the list an ip4trie";
static const char bad_prefix4[] =
    "not an address, prefix or CIDR; write 192.0.2.1, 192.0.2 or 192.0.2.0/24";
static const char bad_half6[] =
    "not the four words of a /64; write 2001:db8:0:1, or make the list an ip6trie";
static const char bad_full6[] = "not a single address; exclude one as !2001:db8:0:1::5";
static const char bad_prefix6[] =
    "not an address, prefix or CIDR; write 2001:db8::1, 2001:db8:0:1 or 2001:db8::/32";
static const char host_part[] =
    "the address has bits past the prefix length; clear them or correct the length";
static const char too_large[] = "the range is larger than $MAXRANGE4; list it in parts or raise it";
static const char mapped[] =
    "an IPv4 address, which no IPv6 list is asked for; list it in an ip4trie";
static const char bad_client[] =
    "not an address or CIDR; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32";
static const char bad_none[] = "a list of this type has no entries by address or name";
static const char bad_name[] =
    "not a domain name; write name, .name (with all below) or *.name (only what is below)";

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

unsigned
listkey_octets(struct listfile_cursor *at, uint32_t *out)
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

unsigned
listkey_a(struct listfile_cursor *at, uint32_t *out)
{
    unsigned bits = listkey_octets(at, out);
    if (bits == 8)
        *out >>= 24;
    else if (bits == 16)
        *out = (*out & 0xff000000U) | (*out >> 16 & 255);
    else if (bits == 24)
        *out = (*out & 0xffff0000U) | (*out >> 8 & 255);
    return bits;
}

static void
set_range4(struct listfile_entry *entry, uint32_t first, uint32_t last)
{
    entry->range = (struct range){ip_from_v4(first), ip_from_v4(last)};
}

/* After the octets written, which are bits long: the length, of which least is the least. */
static bool
rest_of_prefix4(struct listfile_cursor *at, uint32_t first, unsigned bits, unsigned least,
    struct listfile_entry *entry, const char **what)
{
    if (listfile_at(at, '/')) {
        at->p++;
        if (!number(at, 32, &bits) || bits < least)
            return false;
    } else if (bits == 8) {
        return false; /* a bare number is rather a mistake than a /8 */
    }
    set_range4(entry, first & mask(bits), first | ~mask(bits));
    if ((first & ~mask(bits)) == 0)
        return true;
    *what = host_part;
    return false;
}

/* What follows a dash. A single octet replaces the last one written of the first end. */
static bool
range_end(struct listfile_cursor *at, unsigned bits, uint32_t first, uint32_t *last)
{
    unsigned end_bits = listkey_octets(at, last);
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
range4(struct listfile_cursor *at, struct listfile_entry *entry, const char **what)
{
    uint32_t first, last;
    unsigned bits = listkey_octets(at, &first);
    if (bits == 0)
        return false;
    if (!listfile_at(at, '-'))
        return rest_of_prefix4(at, first, bits, 1, entry, what);
    at->p++;
    if (!range_end(at, bits, first, &last))
        return false;
    set_range4(entry, first, last);
    return true;
}

static bool
prefix4(struct listfile_cursor *at, struct listfile_entry *entry, const char **what)
{
    uint32_t first;
    unsigned bits = listkey_octets(at, &first);
    return bits != 0 && rest_of_prefix4(at, first, bits, 0, entry, what);
}

static bool
host4(struct listfile_cursor *at, struct listfile_entry *entry, const char **what)
{
    uint32_t a;
    if (entry->excluded) {
        *what = no_exclusion;
        return false;
    }
    if (listkey_octets(at, &a) != 32)
        return false;
    set_range4(entry, a, a);
    return true;
}

static int
hex_digit(const struct listfile_cursor *at)
{
    if (listfile_digit(at))
        return *at->p - '0';
    if (at->p < at->end && *at->p >= 'a' && *at->p <= 'f')
        return *at->p - 'a' + 10;
    return at->p < at->end && *at->p >= 'A' && *at->p <= 'F' ? *at->p - 'A' + 10 : -1;
}

/* Hexadecimal digits; false if there are none, or before one too many. */
static bool
word(struct listfile_cursor *at, uint8_t out[2])
{
    const char *from = at->p;
    unsigned n = 0;
    for (int digit; (digit = hex_digit(at)) >= 0; at->p++) {
        if (n > 0xfff)
            return false;
        n = n << 4 | (unsigned)digit;
    }
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    return at->p > from;
}

/* Words as the left part of an address: 16 bits for each, 0 for none. With "::" it is a whole one,
 * 128 bits; then a colon may follow, which begins a value. */
static unsigned
words(struct listfile_cursor *at, struct ip *out)
{
    uint8_t b[sizeof out->b];
    size_t n = 0, gap = SIZE_MAX;
    bool ended = false;
    *out = (struct ip){{0}};
    if (at->end - at->p >= 2 && at->p[0] == ':' && at->p[1] == ':') {
        gap = 0;
        at->p += 2;
    }
    while (!ended && word(at, b + n)) {
        n += 2;
        ended = n == sizeof b || !listfile_at(at, ':');
        if (ended)
            break;
        at->p++;
        if (gap == SIZE_MAX && listfile_at(at, ':')) {
            gap = n;
            at->p++;
        }
    }
    if (gap == SIZE_MAX) {
        memcpy(out->b, b, n);
        return ended ? (unsigned)n * 8 : 0;
    }
    memcpy(out->b, b, gap);
    memcpy(out->b + sizeof b - (n - gap), b + gap, n - gap);
    return n == sizeof b ? 0 : ADDRESS_BITS;
}

/* False if bits past the length were set; they are cleared. */
static bool
set_range6(struct listfile_entry *entry, const struct ip *first, unsigned bits)
{
    bool clear = true;
    entry->range = (struct range){*first, *first};
    for (unsigned i = bits / 8; i < sizeof first->b; i++) {
        uint8_t host = (uint8_t)(i == bits / 8 ? 0xff >> bits % 8 : 0xff);
        clear = clear && (first->b[i] & host) == 0;
        entry->range.first.b[i] &= (uint8_t)~host;
        entry->range.last.b[i] |= host;
    }
    return clear;
}

static bool
half6(struct listfile_cursor *at, struct listfile_entry *entry, const char **what)
{
    struct ip first;
    unsigned bits = words(at, &first), want = entry->excluded ? ADDRESS_BITS : ADDRESS_BITS / 2;
    if (entry->excluded && bits != want)
        *what = bad_full6;
    return bits == want && set_range6(entry, &first, bits);
}

static bool
prefix6(struct listfile_cursor *at, struct listfile_entry *entry, const char **what)
{
    struct ip first;
    unsigned bits = words(at, &first);
    if (bits == 0)
        return false;
    if (listfile_at(at, '/')) {
        at->p++;
        if (!number(at, ADDRESS_BITS, &bits))
            return false;
    } else if (bits == WORD_BITS) {
        return false; /* as a bare number of IPv4 */
    }
    if (set_range6(entry, &first, bits))
        return true;
    *what = host_part;
    return false;
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

bool
listkey_name(struct listfile_cursor word, struct dname *out)
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
    return dname_from_wire(wire, n, out) == ERR_OK;
}

static bool
name(struct listfile_cursor *at, struct listfile_entry *entry, const char **what)
{
    (void)what;
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
    return listkey_name(word, &entry->name) && entry->name.len > 1;
}

static bool
ends_address(const struct listfile_cursor *at)
{
    return at->p == at->end || listfile_blank(*at->p) || listfile_comment(at) ||
           listfile_at(at, ':');
}

/* IPv4 first, as rbldnsd's access lists. */
static bool
client(struct listfile_cursor *at, struct listfile_entry *entry, const char **what)
{
    struct listfile_cursor v4 = *at;
    bool good = prefix4(&v4, entry, what);
    if ((good && ends_address(&v4)) || *what == host_part) {
        *at = v4;
        return good;
    }
    return prefix6(at, entry, what);
}

/* Lists without keys of this kind. */
static bool
none(struct listfile_cursor *at, struct listfile_entry *entry, const char **what)
{
    (void)at;
    (void)entry;
    (void)what;
    return false;
}

static const struct {
    bool (*parse)(struct listfile_cursor *at, struct listfile_entry *entry, const char **what);
    const char *bad;
} keys[LIST_TYPE_COUNT] = {
#define LIST_TYPE(id, name, holds, key, values, overlaps) [LIST_##id] = {key, bad_##key},
#include "zones/listtypes.def"
#undef LIST_TYPE
};

bool
listkey_parse(const struct listfile *file, struct listfile_cursor *at, struct listfile_entry *entry,
    const char **what)
{
    enum list_holds holds = list_type_info(file->type)->holds;
    *what = NULL;
    bool good = keys[file->type].parse(at, entry, what);
    if (!good && *what == host_part && file->host_bits) {
        *what = NULL;
        good = true;
    }
    if (!good || (holds != LIST_HOLDS_NAMES && !ends_address(at))) {
        if (*what == NULL)
            *what = keys[file->type].bad;
        return false;
    }
    bool v4 =
        holds == LIST_HOLDS_V4 ||
        (holds == LIST_HOLDS_CLIENTS && ip_is4(&entry->range.first) && ip_is4(&entry->range.last));
    if (v4 && file->max_range != 0 &&
        file->max_range <= ip_v4(&entry->range.last) - ip_v4(&entry->range.first)) {
        *what = too_large;
        return false;
    }
    if (holds == LIST_HOLDS_V6 && ip_is4(&entry->range.first) && ip_is4(&entry->range.last))
        *what = mapped;
    return true;
}
