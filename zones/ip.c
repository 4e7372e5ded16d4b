/* Addresses. See ip.h. */
#include "ip.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

enum ip_family
ip_family(const struct ip *ip)
{
    uint64_t upper;
    uint32_t next;

    /* Each query's addresses pass here a dozen times: no call of memcmp. */
    memcpy(&upper, ip->b, sizeof upper);
    memcpy(&next, ip->b + sizeof upper, sizeof next);
    return upper == 0 && next == htobe32(0xffff) ? IP_V4 : IP_V6;
}

unsigned
ip_bits(enum ip_family family)
{
    return family == IP_V4 ? 32 : 128;
}

/* Where the family's own bytes start. */
static unsigned
key_offset(const struct ip *ip)
{
    return ip_is4(ip) ? 12 : 0;
}

struct ip
ip_from_v4(uint32_t v4)
{
    struct ip ip;

    memcpy(ip.b, mapped, sizeof mapped);
    ip.b[12] = (uint8_t)(v4 >> 24);
    ip.b[13] = (uint8_t)(v4 >> 16);
    ip.b[14] = (uint8_t)(v4 >> 8);
    ip.b[15] = (uint8_t)v4;
    return ip;
}

uint32_t
ip_v4(const struct ip *ip)
{
    return (uint32_t)ip->b[12] << 24 | (uint32_t)ip->b[13] << 16 | (uint32_t)ip->b[14] << 8 |
           ip->b[15];
}

size_t
ip_key(const struct ip *ip, uint8_t out[16])
{
    unsigned from = key_offset(ip);

    memcpy(out, ip->b + from, 16 - from);
    return 16 - from;
}

enum err
ip_from_key(const uint8_t *key, size_t n, struct ip *out)
{
    if (n != 4 && n != 16)
        return ERR_SYNTAX;
    memcpy(out->b, mapped, sizeof mapped);
    memcpy(out->b + 16 - n, key, n);
    return ERR_OK;
}

int
ip_cmp(const struct ip *a, const struct ip *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}

/* One decimal number 0..255 of at most three digits; returns digits used, 0 for none. */
static size_t
parse_octet(const char *text, size_t len, uint8_t *out)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < len && n < 3 && text[n] >= '0' && text[n] <= '9')
        value = value * 10 + (unsigned)(text[n++] - '0');
    if (n == 0 || value > 255 || (n < len && text[n] >= '0' && text[n] <= '9'))
        return 0;
    *out = (uint8_t)value;
    return n;
}

static enum err
parse_v4(const char *text, size_t len, struct ip *out)
{
    uint8_t quad[4];
    size_t at = 0;

    for (unsigned i = 0; i < 4; i++) {
        size_t used;

        if (i > 0 && (at >= len || text[at++] != '.'))
            return ERR_SYNTAX;
        used = parse_octet(text + at, len - at, &quad[i]);
        if (used == 0)
            return ERR_SYNTAX;
        at += used;
    }
    return at == len ? ip_from_key(quad, sizeof quad, out) : ERR_SYNTAX;
}

enum err
ip_parse(const char *text, size_t len, struct ip *out)
{
    char copy[IP_TEXT_SIZE];

    if (memchr(text, ':', len) == NULL)
        return parse_v4(text, len, out);
    if (len >= sizeof copy || memchr(text, '\0', len) != NULL)
        return ERR_SYNTAX;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return inet_pton(AF_INET6, copy, out->b) == 1 ? ERR_OK : ERR_SYNTAX;
}

/* With a NUL; returns the length. inet_ntop takes as long as the rest of an answer. */
static size_t
format_quad(const uint8_t quad[4], char *out)
{
    size_t n = 0;

    for (unsigned i = 0; i < 4; i++) {
        unsigned octet = quad[i];

        if (octet >= 100)
            out[n++] = (char)('0' + octet / 100);
        if (octet >= 10)
            out[n++] = (char)('0' + octet / 10 % 10);
        out[n++] = (char)('0' + octet % 10);
        out[n++] = '.';
    }
    out[--n] = '\0';
    return n;
}

void
ip_format(const struct ip *ip, char out[IP_TEXT_SIZE])
{
    if (ip_is4(ip)) {
        (void)format_quad(ip->b + key_offset(ip), out);
        return;
    }
    (void)inet_ntop(AF_INET6, ip->b, out, IP_TEXT_SIZE);
    /* It writes a quad in ::/96 too; RFC 5952 5 wants one where an IPv4 address is known to be. */
    if (strchr(out, '.') != NULL)
        (void)snprintf(out, IP_TEXT_SIZE, "::%x:%x", (unsigned)ip->b[12] << 8 | ip->b[13],
            (unsigned)ip->b[14] << 8 | ip->b[15]);
}

struct prefix
prefix_of(const struct ip *ip, unsigned len)
{
    struct prefix prefix = {.addr = *ip, .len = (uint8_t)len};
    unsigned bit = key_offset(ip) * 8 + len;
    unsigned at = bit < 64 ? 0 : 8; /* of the half that is cut */
    uint64_t half;

    if (bit == 128)
        return prefix;
    memcpy(&half, ip->b + at, sizeof half);
    half &= htobe64(~(UINT64_MAX >> bit % 64));
    memcpy(prefix.addr.b + at, &half, sizeof half);
    if (at == 0)
        memset(prefix.addr.b + 8, 0, 8);
    return prefix;
}

enum err
prefix_parse(const char *text, size_t len, bool clear_host_bits, struct prefix *out)
{
    const char *slash = memchr(text, '/', len);
    size_t alen = slash == NULL ? len : (size_t)(slash - text);
    uint8_t plen = 0;
    struct ip ip;
    enum err err = ip_parse(text, alen, &ip);

    if (err != ERR_OK)
        return err;
    if (slash == NULL) {
        plen = (uint8_t)ip_bits(ip_family(&ip));
    } else {
        size_t digits = len - alen - 1;

        if (digits == 0 || parse_octet(slash + 1, digits, &plen) != digits)
            return ERR_SYNTAX;
        if (plen > ip_bits(ip_family(&ip)))
            return ERR_RANGE;
    }
    *out = prefix_of(&ip, plen);
    return clear_host_bits || ip_cmp(&out->addr, &ip) == 0 ? ERR_OK : ERR_RANGE;
}

void
prefix_format(const struct prefix *prefix, char out[PREFIX_TEXT_SIZE])
{
    char text[IP_TEXT_SIZE];

    ip_format(&prefix->addr, text);
    if (prefix->len == ip_bits(ip_family(&prefix->addr)))
        (void)snprintf(out, PREFIX_TEXT_SIZE, "%s", text);
    else
        (void)snprintf(out, PREFIX_TEXT_SIZE, "%s/%u", text, prefix->len);
}

bool
prefix_contains(const struct prefix *prefix, const struct ip *ip)
{
    unsigned bits = key_offset(ip) * 8 + prefix->len;
    uint64_t ours[2], theirs[2];

    if (ip_family(&prefix->addr) != ip_family(ip))
        return false;
    memcpy(ours, prefix->addr.b, sizeof ours);
    memcpy(theirs, ip->b, sizeof theirs);
    uint64_t high = be64toh(ours[0] ^ theirs[0]), low = be64toh(ours[1] ^ theirs[1]);
    if (bits <= 64)
        return bits == 0 || high >> (64 - bits) == 0;
    return high == 0 && low >> (128 - bits) == 0;
}

bool
prefixes_contain(const struct prefix *prefixes, unsigned count, const struct ip *ip)
{
    for (unsigned i = 0; i < count; i++)
        if (prefix_contains(&prefixes[i], ip))
            return true;
    return false;
}

struct range
prefix_range(const struct prefix *prefix)
{
    struct range range = {prefix->addr, prefix->addr};
    unsigned at = 128 - ip_bits(ip_family(&range.first)) + prefix->len;

    for (; at < 128; at++)
        range.last.b[at / 8] |= (uint8_t)(0x80 >> at % 8);
    return range;
}

bool
range_prefix(const struct range *range, struct prefix *out)
{
    unsigned bits = ip_bits(ip_family(&range->first)), at = 128 - bits;

    while (at < 128 && ((range->first.b[at / 8] ^ range->last.b[at / 8]) & 0x80U >> at % 8) == 0)
        at++;
    *out = prefix_of(&range->first, at + bits - 128);
    struct range whole = prefix_range(out);
    return ip_cmp(&whole.first, &range->first) == 0 && ip_cmp(&whole.last, &range->last) == 0;
}

bool
ip_next(struct ip *ip)
{
    unsigned from = key_offset(ip);

    for (unsigned i = 16; i-- > from;)
        if (++ip->b[i] != 0)
            return true;
    memset(ip->b + from, 0xff, 16 - from);
    return false;
}

bool
ip_prev(struct ip *ip)
{
    unsigned from = key_offset(ip);

    for (unsigned i = 16; i-- > from;)
        if (ip->b[i]-- != 0)
            return true;
    memset(ip->b + from, 0, 16 - from);
    return false;
}

struct block {
    struct prefix prefix;
    bool private;
};

#define V4(a, b, c, d, l, p)                                                                       \
    {                                                                                              \
        .prefix = {.addr = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}}, .len = (l)},  \
        .private = (p)                                                                             \
    }
#define V6(a, b, l, p)                                                                             \
    {                                                                                              \
        .prefix = {.addr = {{a, b}}, .len = (l)}, .private = (p)                                   \
    }

/* RFC 6890 and its registries. */
static const struct block special_blocks[] = {
    V4(0, 0, 0, 0, 8, false),                                        /* this network */
    V4(10, 0, 0, 0, 8, true),                                        /* RFC 1918 */
    V4(100, 64, 0, 0, 10, true),                                     /* RFC 6598 shared space */
    V4(127, 0, 0, 0, 8, true),                                       /* loopback */
    V4(169, 254, 0, 0, 16, true),                                    /* link local */
    V4(172, 16, 0, 0, 12, true),                                     /* RFC 1918 */
    V4(192, 168, 0, 0, 16, true),                                    /* RFC 1918 */
    V4(224, 0, 0, 0, 3, false),                                      /* multicast and reserved */
    V6(0xfc, 0, 7, true),                                            /* RFC 4193 unique local */
    V6(0xfe, 0x80, 10, true),                                        /* link local */
    V6(0xff, 0, 8, false),                                           /* multicast */
    {.prefix = {.addr = {{[15] = 1}}, .len = 128}, .private = true}, /* ::1 */
    {.prefix = {.addr = {{0}}, .len = 128}, .private = false},       /* :: */
};

/* Each query's client passes here: most blocks are told apart by their first byte. */
static const struct block *
find_block(const struct ip *ip)
{
    bool is4 = ip_is4(ip);
    unsigned at = is4 ? 12 : 0;

    for (size_t i = 0; i < sizeof special_blocks / sizeof *special_blocks; i++) {
        const struct prefix *prefix = &special_blocks[i].prefix;
        uint8_t mask = (uint8_t)(prefix->len >= 8 ? 0xff : 0xff00 >> prefix->len);

        if (((ip->b[at] ^ prefix->addr.b[at]) & mask) == 0 && prefix_contains(prefix, ip))
            return &special_blocks[i];
    }
    return NULL;
}

bool
ip_6to4(const struct ip *ip, struct ip *v4)
{
    if (ip->b[0] != 0x20 || ip->b[1] != 0x02)
        return false;
    memcpy(v4->b, mapped, sizeof mapped);
    memcpy(v4->b + sizeof mapped, ip->b + 2, 4);
    return true;
}

bool
ip_is_special(const struct ip *ip)
{
    return find_block(ip) != NULL;
}

bool
ip_is_private(const struct ip *ip)
{
    const struct block *block = find_block(ip);

    return block != NULL && block->private;
}

size_t
ip_reverse(const struct ip *ip, char out[IP_REVERSE_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;

    if (ip_is4(ip)) {
        const uint8_t quad[] = {ip->b[15], ip->b[14], ip->b[13], ip->b[12]};
        return format_quad(quad, out);
    }
    for (unsigned i = 16; i-- > 0;) {
        out[n++] = hex[ip->b[i] & 15];
        out[n++] = '.';
        out[n++] = hex[ip->b[i] >> 4];
        out[n++] = '.';
    }
    out[--n] = '\0';
    return n;
}

/* A label of one to three digits that say 0 to 255. Each query has four, of lengths that no
 * processor foresees: no loop. */
static bool
label_octet(const uint8_t *label, uint8_t *out)
{
    unsigned n = label[0], value = label[1] - (unsigned)'0';
    bool digits = value <= 9;

    if (n < 1 || n > 3)
        return false;
    if (n > 1) {
        unsigned digit = label[2] - (unsigned)'0';
        digits = digits && digit <= 9;
        value = value * 10 + digit;
    }
    if (n > 2) {
        unsigned digit = label[3] - (unsigned)'0';
        digits = digits && digit <= 9;
        value = value * 10 + digit;
    }
    *out = (uint8_t)value;
    return digits && value <= 255;
}

static int
nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four labels that are octets, the last one first. *digits: each is a single digit. */
static bool
quad_from_labels(const uint8_t *label, struct ip *out, bool *digits)
{
    uint8_t quad[4];
    unsigned length = 0;

    for (unsigned i = 4; i-- > 0; label += label[0] + 1U) {
        if (!label_octet(label, &quad[i]))
            return false;
        length += label[0];
    }
    *digits = length == 4;
    return ip_from_key(quad, sizeof quad, out) == ERR_OK;
}

enum ip_labels
ip_from_labels(const uint8_t *labels, unsigned count, struct ip *out, bool *also_partial)
{
    bool octets = count < 4, nibbles = count <= 32, digits = false;
    uint8_t addr[16] = {0}, octet;

    if (also_partial != NULL)
        *also_partial = false;
    if (count == 4 && quad_from_labels(labels, out, &digits)) {
        if (also_partial != NULL)
            *also_partial = digits;
        return IP_LABELS_FULL;
    }
    for (unsigned i = 0; i < count && (octets || nibbles); i++) {
        octets = octets && label_octet(labels, &octet);
        nibbles = nibbles && labels[0] == 1 && nibble(labels[1]) >= 0;
        if (nibbles)
            addr[15 - i / 2] |= (uint8_t)(nibble(labels[1]) << (i % 2 == 0 ? 0 : 4));
        labels += labels[0] + 1U;
    }
    if (nibbles && count == 32)
        return ip_from_key(addr, sizeof addr, out) == ERR_OK ? IP_LABELS_FULL : IP_LABELS_NOT;
    return octets || nibbles ? IP_LABELS_PARTIAL : IP_LABELS_NOT;
}
