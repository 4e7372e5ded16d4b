/*
 * Octets are looked for at the start of each run of digits, as a sequence in which every octet may
 * have leading zeros, and between two of them stands nothing or a few characters that are no
 * digits ("w007.z203000113" holds 203.0.113.7). Hexadecimal digits are looked for in the name
 * without its separators.
 */
#include "loader/rdnsaddress.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "zones/dname.h"

/* The ways to write one octet; len 0 ends them. */
enum { FORMS_MAX = 4 };
struct forms {
    struct {
        char text[5];
        uint8_t len;
    } of[FORMS_MAX];
};

/*
 * Which octets, in which order, and how many digits are asked for at least: short numbers stand
 * together by accident, and joined ones could be split anyhow. All four or three are no accident
 * wherever they stand. Two are how many networks number their lines, but a server farm may count so
 * too, hence: starting in the first label.
 */
struct order {
    enum rdnsaddress says;
    uint8_t count, index[4];
    uint8_t apart_min, joined_min;
    bool first_label;
};

static const struct order decimal_orders[] = {
    {RDNSADDRESS_DECIMAL, 4, {0, 1, 2, 3}, 4, 7, false},   /* 203-0-113-7 */
    {RDNSADDRESS_DECIMAL, 4, {3, 2, 1, 0}, 4, 7, false},   /* 7.113.0.203 */
    {RDNSADDRESS_DECIMAL, 4, {3, 0, 1, 2}, 4, 7, false},   /* w7.z203000113 */
    {RDNSADDRESS_DECIMAL, 4, {2, 3, 0, 1}, 4, 7, false},   /* l113-7.w203-0 */
    {RDNSADDRESS_DECIMAL, 4, {1, 0, 3, 2}, 4, 7, false},   /* 0-203.7-113 */
    {RDNSADDRESS_THREE_OCTETS, 3, {1, 2, 3}, 3, 6, false}, /* 0-113-7 */
    {RDNSADDRESS_THREE_OCTETS, 3, {3, 2, 1}, 3, 6, false}, /* 7-113-0 */
    {RDNSADDRESS_THREE_OCTETS, 3, {0, 2, 3}, 3, 6, false}, /* 203-113-7 */
    {RDNSADDRESS_THREE_OCTETS, 3, {0, 1, 2}, 5, 6, false}, /* p9.203-0-113 */
    {RDNSADDRESS_THREE_OCTETS, 3, {2, 1, 0}, 5, 6, false}, /* p9.113-0-203 */
    {RDNSADDRESS_TWO_OCTETS, 2, {2, 3}, 3, 5, true},       /* l113-207 */
    {RDNSADDRESS_TWO_OCTETS, 2, {3, 2}, 3, 5, true},       /* l207-113 */
};
static const struct order octal_orders[] = {
    {RDNSADDRESS_OCTAL, 4, {0, 1, 2, 3}, 9, 9, false}, /* 0313-0-0161-07 */
    {RDNSADDRESS_OCTAL, 4, {3, 2, 1, 0}, 9, 9, false},
};

/* The longest run of other characters between two octets of one address. */
enum { GAP_MAX = 10 };

/* Where runs of digits begin. More than these no name of sense has. */
enum { RUNS_MAX = 32 };
struct name {
    const char *text;
    size_t len, host, first_label;
    unsigned run_count;
    uint16_t runs[RUNS_MAX];
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

static void
find_runs(const char *text, size_t len, size_t host, struct name *out)
{
    out->text = text;
    out->len = len;
    out->host = host;
    out->first_label = strcspn(text, ".");
    out->run_count = 0;
    for (size_t i = 0; i < len && out->run_count < RUNS_MAX; i++)
        if (is_digit(text[i]) && (i == 0 || !is_digit(text[i - 1])))
            out->runs[out->run_count++] = (uint16_t)i;
}

/* Writes value in a base, with at least width digits. */
static void
write_form(struct forms *forms, unsigned form, unsigned value, unsigned base, unsigned width)
{
    char digits[4];
    unsigned n = 0;

    for (; n < width || value > 0; value /= base)
        digits[n++] = (char)('0' + value % base);
    forms->of[form].len = (uint8_t)n;
    for (unsigned i = 0; i < n; i++)
        forms->of[form].text[i] = digits[n - 1 - i];
}

/* As short as it is, with leading zeros where that is another text, and octal also with the 0 that
 * marks it. */
static void
write_forms(const uint8_t octets[4], unsigned base, struct forms out[4])
{
    memset(out, 0, 4 * sizeof *out);
    for (unsigned i = 0; i < 4; i++) {
        unsigned n, form = 0;

        write_form(&out[i], form++, octets[i], base, 1);
        n = out[i].of[0].len;
        if (n < 3)
            write_form(&out[i], form++, octets[i], base, 3);
        if (base == 8) {
            write_form(&out[i], form++, octets[i], base, 4);
            if (n < 2)
                write_form(&out[i], form, octets[i], base, 2);
        }
    }
}

struct progress {
    unsigned seen; /* digits */
    bool joined;
};

static bool
match_from(const char *at, const struct forms *forms, const struct order *order, unsigned next,
    struct progress progress)
{
    if (next == order->count)
        return !is_digit(*at) &&
               progress.seen >= (progress.joined ? order->joined_min : order->apart_min);
    const struct forms *octet = &forms[order->index[next]];
    for (unsigned f = 0; f < FORMS_MAX && octet->of[f].len > 0; f++) {
        size_t n = octet->of[f].len, gap = 0;
        if (strncmp(at, octet->of[f].text, n) != 0)
            continue;
        struct progress now = {progress.seen + (unsigned)n, progress.joined};
        if (next + 1 < order->count) {
            while (gap <= GAP_MAX && at[n + gap] != '\0' && !is_digit(at[n + gap]))
                gap++;
            now.joined = now.joined || gap == 0;
        }
        if (gap <= GAP_MAX && match_from(at + n + gap, forms, order, next + 1, now))
            return true;
    }
    return false;
}

static enum rdnsaddress
find_octets(const struct name *name, const struct forms forms[4], const struct order *orders,
    size_t order_count)
{
    for (size_t i = 0; i < order_count; i++)
        for (unsigned run = 0; run < name->run_count; run++) {
            if (orders[i].first_label && name->runs[run] > name->first_label)
                break;
            if (match_from(name->text + name->runs[run], forms, &orders[i], 0,
                    (struct progress){0, false}))
                return orders[i].says;
        }
    return RDNSADDRESS_NONE;
}

/* A run of digits that is the number, which is text of n digits; too few could be any number. */
static bool
has_number(const struct name *name, const char *wanted, size_t n)
{
    if (n < 8)
        return false;
    for (unsigned run = 0; run < name->run_count; run++) {
        const char *at = name->text + name->runs[run];

        at += strspn(at, "0");
        if (strncmp(at, wanted, n) == 0 && !is_digit(at[n]))
            return true;
    }
    return false;
}

/* The 32 bits as one number: decimal, either way round, or octal. */
static bool
has_whole_number(const struct name *name, uint32_t v4)
{
    char wanted[16];
    int n = snprintf(wanted, sizeof wanted, "%u", v4);

    if (has_number(name, wanted, (size_t)n))
        return true;
    n = snprintf(wanted, sizeof wanted, "%u", __builtin_bswap32(v4));
    if (has_number(name, wanted, (size_t)n))
        return true;
    n = snprintf(wanted, sizeof wanted, "%o", v4);
    return has_number(name, wanted, (size_t)n);
}

/* The name without what separates digits; at most size - 1 bytes of it. */
static size_t
strip_separators(const struct name *name, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < name->len && n + 1 < size; i++)
        if (name->text[i] != '-' && name->text[i] != '.' && name->text[i] != '_')
            out[n++] = name->text[i];
    out[n] = '\0';
    return n;
}

static void
write_hex(const uint8_t *bytes, unsigned count, char *out)
{
    for (unsigned i = 0; i < count; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
}

/* The last two or three octets are the four or six digits that a run of the first label ends with.
 * Letters before them may look like such digits too: "x71cf", "d71cf", "node71cf". */
static bool
has_hex_octets(const struct name *name, const char hex[8])
{
    for (size_t i = 0; i < name->first_label; i++) {
        if (!is_hex(name->text[i]) || (i > 0 && is_hex(name->text[i - 1])))
            continue;
        size_t letters = 0, n = 0;
        while (is_hex(name->text[i + n]))
            n++;
        while (letters < n && !is_digit(name->text[i + letters]))
            letters++;
        for (size_t wanted = 4; wanted <= 6 && wanted <= n; wanted += 2)
            if (letters >= n - wanted &&
                memcmp(name->text + i + n - wanted, hex + 8 - wanted, wanted) == 0)
                return true;
    }
    return false;
}

/* One octet proves little: a farm counts its hosts too. But a farm's names are not so deep, and do
 * not go by towns. Three digits are less of an accident than two: one town does, and a word. */
static bool
has_last_octet(const struct name *name, uint8_t octet)
{
    char wanted[4];
    size_t n = (size_t)snprintf(wanted, sizeof wanted, "%u", (unsigned)octet);
    size_t town = name->first_label + 1, letters = 0, labels = 1;
    size_t word_max = n == 3 ? 6 : 3, labels_min = n == 3 ? 2 : 3;

    if (n < 2 || name->run_count == 0 || name->runs[0] == 0 || name->runs[0] > word_max ||
        name->runs[0] + n != name->first_label ||
        memcmp(name->text + name->runs[0], wanted, n) != 0)
        return false;
    for (size_t i = 0; i < name->host; i++)
        labels += name->text[i] == '.';
    while (town + letters < name->host && name->text[town + letters] != '.' &&
           !is_digit(name->text[town + letters]))
        letters++;
    return labels >= labels_min && letters > 0 &&
           (town + letters == name->host || name->text[town + letters] == '.');
}

static enum rdnsaddress
find_v4(const struct name *name, const struct ip *ip)
{
    uint32_t v4 = ip_v4(ip);
    const uint8_t octets[4] = {
        (uint8_t)(v4 >> 24), (uint8_t)(v4 >> 16), (uint8_t)(v4 >> 8), (uint8_t)v4};
    const uint8_t reversed[4] = {octets[3], octets[2], octets[1], octets[0]};
    struct forms forms[4];
    char bare[DNAME_MAX + 1], hex[8];

    write_forms(octets, 10, forms);
    enum rdnsaddress found =
        find_octets(name, forms, decimal_orders, sizeof decimal_orders / sizeof *decimal_orders);
    if (found != RDNSADDRESS_NONE)
        return found;
    size_t n = strip_separators(name, bare, sizeof bare);
    write_hex(reversed, 4, hex);
    if (memmem(bare, n, hex, sizeof hex) != NULL)
        return RDNSADDRESS_HEXADECIMAL;
    write_hex(octets, 4, hex);
    if (memmem(bare, n, hex, sizeof hex) != NULL)
        return RDNSADDRESS_HEXADECIMAL;
    if (has_hex_octets(name, hex))
        return RDNSADDRESS_HEX_OCTETS;
    if (name->run_count == 0)
        return RDNSADDRESS_NONE;
    if (has_whole_number(name, v4))
        return RDNSADDRESS_NUMBER;
    if (has_last_octet(name, octets[3]))
        return RDNSADDRESS_LAST_OCTET;
    write_forms(octets, 8, forms);
    return find_octets(name, forms, octal_orders, sizeof octal_orders / sizeof *octal_orders);
}

/* Either half's 16 nibbles, either way round. A half with few of them set ("::1") is found in the
 * short form alone: it may be any number. */
static bool
has_half(const char *bare, size_t n, const uint8_t half[8])
{
    char nibbles[16], reversed[16];
    unsigned set = 0;

    write_hex(half, 8, nibbles);
    for (unsigned i = 0; i < 16; i++) {
        reversed[15 - i] = nibbles[i];
        set += nibbles[i] != '0';
    }
    return set >= 3 && (memmem(bare, n, nibbles, sizeof nibbles) != NULL ||
                           memmem(bare, n, reversed, sizeof reversed) != NULL);
}

static enum rdnsaddress
find_v6(const struct name *name, const struct ip *ip)
{
    char dashed[IP_TEXT_SIZE], bare[DNAME_MAX + 1];

    ip_format(ip, dashed);
    for (char *p = dashed; *p != '\0'; p++)
        if (*p == ':')
            *p = '-';
    if (strlen(dashed) >= 8 && strstr(name->text, dashed) != NULL)
        return RDNSADDRESS_IPV6;
    size_t n = strip_separators(name, bare, sizeof bare);
    return has_half(bare, n, ip->b) || has_half(bare, n, ip->b + 8) ? RDNSADDRESS_IPV6
                                                                    : RDNSADDRESS_NONE;
}

enum rdnsaddress
rdnsaddress_find(const char *text, size_t len, size_t host, const struct ip *ip)
{
    struct name name;

    find_runs(text, len, host, &name);
    return ip_is4(ip) ? find_v4(&name, ip) : find_v6(&name, ip);
}

bool
rdnsaddress_is_whole(enum rdnsaddress spelling)
{
    static const bool whole[] = {
        [RDNSADDRESS_DECIMAL] = true,
        [RDNSADDRESS_OCTAL] = true,
        [RDNSADDRESS_NUMBER] = true,
        [RDNSADDRESS_HEXADECIMAL] = true,
        [RDNSADDRESS_IPV6] = true,
    };

    return whole[spelling];
}

const char *
rdnsaddress_text(enum rdnsaddress spelling)
{
    static const char *const texts[] = {
        [RDNSADDRESS_NONE] = "no address",
        [RDNSADDRESS_DECIMAL] = "address, decimal",
        [RDNSADDRESS_OCTAL] = "address, octal",
        [RDNSADDRESS_NUMBER] = "address, one number",
        [RDNSADDRESS_HEXADECIMAL] = "address, hexadecimal",
        [RDNSADDRESS_THREE_OCTETS] = "address, three octets",
        [RDNSADDRESS_TWO_OCTETS] = "address, two octets",
        [RDNSADDRESS_HEX_OCTETS] = "address, hexadecimal octets",
        [RDNSADDRESS_LAST_OCTET] = "address, last octet",
        [RDNSADDRESS_IPV6] = "address, IPv6",
    };

    return texts[spelling];
}
