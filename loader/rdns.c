/*
 * Dynamic-looking reverse names: the patterns of rdns_patterns.def in one Hyperscan database, and
 * the address itself in the name, which is done in code because the address differs for each name.
 *
 * The database is compiled at every start (milliseconds for so few): a stored one would have to be
 * tied to the library's version. One thread per struct rdns, as it holds the scratch space.
 */
#include "loader/rdns.h"

#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pattern {
    const char *name;
    const char *regex;
};

static const struct pattern patterns[] = {
#define RDNS_PATTERN(name, regex, matches, must_not_match) {name, regex},
#include "loader/rdns_patterns.def"
#undef RDNS_PATTERN
};

enum { PATTERN_COUNT = sizeof patterns / sizeof patterns[0] };
_Static_assert(PATTERN_COUNT <= 20, "the promise of rdns.h");

struct rdns {
    hs_database_t *database;
    hs_scratch_t *scratch;
};

enum err
rdns_open(struct rdns **out, struct errmsg *msg)
{
    const char *regexes[PATTERN_COUNT];
    unsigned flags[PATTERN_COUNT], ids[PATTERN_COUNT];
    hs_compile_error_t *error = NULL;
    enum err err = ERR_OK;

    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < PATTERN_COUNT; i++) {
        regexes[i] = patterns[i].regex;
        flags[i] = HS_FLAG_SINGLEMATCH;
        ids[i] = i;
    }
    if (hs_compile_multi(regexes, flags, ids, PATTERN_COUNT, HS_MODE_BLOCK, NULL, &(*out)->database,
            &error) != HS_SUCCESS) {
        const char *which = error != NULL && error->expression >= 0
                                ? patterns[error->expression].name
                                : "any of them";
        err = errmsg_set(msg, ERR_FORMAT, "reverse-name pattern \"%s\": %s", which,
            error != NULL ? error->message : "unknown failure");
        (void)hs_free_compile_error(error);
    } else if (hs_alloc_scratch((*out)->database, &(*out)->scratch) != HS_SUCCESS) {
        err = errmsg_set(msg, ERR_NOMEM, "out of memory for reverse-name patterns");
    }
    if (err != ERR_OK)
        rdns_close(out);
    return err;
}

void
rdns_close(struct rdns **rdns)
{
    if (*rdns == NULL)
        return;
    (void)hs_free_scratch((*rdns)->scratch);
    (void)hs_free_database((*rdns)->database);
    free(*rdns);
    *rdns = NULL;
}

/*
 * Words by which an operator says that this is no dial-up line, whatever else the name holds:
 * addresses that stay, and hosts that serve. They count where they stand alone, left of the last
 * two labels, or as the first label.
 */
static const char *const serving[] = {
    "static",
    "sta",
    "fixed",
    "fixip",
    "staticip",
    "dedicated",
    "bstatic",
    "colo",
    "vps",
    "vds",
    "server",
    "servers",
    "srv",
    "mail",
    "email",
    "webmail",
    "smtp",
    "esmtp",
    "mx",
    "mta",
    "mout",
    "mailout",
    "outmail",
    "relay",
    "mailer",
    "mailrelay",
    "mailgw",
    "imap",
    "lists",
    "newsletter",
    "ns",
    "dns",
    "www",
    "web",
    "vmi",
    "bounce",
    "delivery",
    "gateway",
    "gw",
    "out",
    "outbound",
};

static bool
is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
says_serving(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t n = 0;

        while (at + n < len && is_letter(text[at + n]))
            n++;
        for (size_t i = 0; n > 0 && i < sizeof serving / sizeof serving[0]; i++)
            if (strlen(serving[i]) == n && memcmp(serving[i], text + at, n) == 0)
                return true;
        at += n + 1;
    }
    return false;
}

/* Length of what lies left of the last two labels, the network's own name. */
static size_t
own_part(const char *text, size_t len)
{
    unsigned dots = 0;

    for (size_t i = len; i-- > 0;)
        if (text[i] == '.' && ++dots == 2)
            return i;
    return strcspn(text, ".");
}

/* The longest run of other characters between two octets of one address: "w7.z203000113". */
#define BETWEEN_MAX 10

/*
 * The octets one after another, each with or without leading zeros, and between two of them nothing
 * ("203000113007") or a few characters that are no digits. Where nothing stands between, short
 * numbers could be split anyhow, so at least joined_min digits are asked for.
 */
struct digits {
    unsigned seen, joined_min, between_max;
    bool joined;
};

static bool
match_octets(const char *text, const uint8_t *octets, unsigned count, struct digits digits)
{
    if (count == 0)
        return !is_digit(*text) && (!digits.joined || digits.seen >= digits.joined_min);
    for (unsigned padded = 0; padded < 2; padded++) {
        struct digits now = digits;
        char number[8];
        size_t gap = 0;
        int n = padded ? snprintf(number, sizeof number, "%03u", (unsigned)octets[0])
                       : snprintf(number, sizeof number, "%u", (unsigned)octets[0]);

        if (strncmp(text, number, (size_t)n) != 0)
            continue;
        if (count > 1)
            while (text[n + (int)gap] != '\0' && !is_digit(text[n + (int)gap]))
                gap++;
        now.seen += (unsigned)n;
        now.joined = now.joined || (count > 1 && gap == 0);
        if (gap <= digits.between_max && match_octets(text + n + gap, octets + 1, count - 1, now))
            return true;
    }
    return false;
}

/*
 * Which octets, in which order. All four or three are no accident wherever they stand. Two are how
 * many networks number their lines ("line113-7"), but a server farm may count so too, hence: first
 * label only, close together, and not short.
 */
struct order {
    unsigned count;
    uint8_t index[4];
    unsigned joined_min, split_min, between_max;
};

static const struct order orders[] = {
    {4, {0, 1, 2, 3}, 9, 4, BETWEEN_MAX}, /* 203-0-113-7 */
    {4, {3, 2, 1, 0}, 9, 4, BETWEEN_MAX}, /* 7.113.0.203 */
    {4, {3, 0, 1, 2}, 9, 4, BETWEEN_MAX}, /* w7.z203000113 */
    {3, {1, 2, 3}, 8, 4, BETWEEN_MAX},    /* 0-113-7 */
    {3, {3, 2, 1}, 8, 4, BETWEEN_MAX},    /* 7-113-0 */
    {3, {0, 2, 3}, 8, 4, BETWEEN_MAX},    /* 203-113-7 */
    {2, {2, 3}, 6, 4, 1},                 /* line113-207 */
    {2, {3, 2}, 6, 4, 1},                 /* line207-113 */
};

/* Large mailers number their hosts by the last octets too ("m113-7.somemailer.example"). */
static bool
says_mailer(const char *text)
{
    return strstr(text, "mail") != NULL || strstr(text, "mta") != NULL ||
           strstr(text, "smtp") != NULL;
}

static bool
has_order(const char *text, const uint8_t octets[4], const struct order *order)
{
    size_t end = order->count > 2 ? strlen(text) : strcspn(text, ".");
    uint8_t wanted[4] = {0};
    unsigned shortest = 0;
    struct digits digits = {0, order->joined_min, order->between_max, false};

    for (unsigned i = 0; i < order->count; i++) {
        wanted[i] = octets[order->index[i]];
        shortest += wanted[i] > 99 ? 3 : wanted[i] > 9 ? 2 : 1;
    }
    if (shortest < order->split_min || (order->count < 4 && says_mailer(text)))
        return false;
    for (size_t at = 0; at < end; at++)
        if (is_digit(text[at]) && (at == 0 || !is_digit(text[at - 1])) &&
            match_octets(text + at, wanted, order->count, digits))
            return true;
    return false;
}

static bool
has_v4(const char *text, const struct ip *ip)
{
    uint32_t v4 = ip_v4(ip);
    const uint8_t octets[4] = {
        (uint8_t)(v4 >> 24), (uint8_t)(v4 >> 16), (uint8_t)(v4 >> 8), (uint8_t)v4};
    char hex[16];

    (void)snprintf(hex, sizeof hex, "%08x", v4);
    if (strstr(text, hex) != NULL)
        return true;
    (void)snprintf(hex, sizeof hex, "%02x%02x%02x%02x", octets[3], octets[2], octets[1], octets[0]);
    if (strstr(text, hex) != NULL)
        return true;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (has_order(text, octets, &orders[i]))
            return true;
    return false;
}

/*
 * An IPv6 address: its short form with '-' for ':', or the 16 nibbles of its host half without
 * regard to what separates them, either way round.
 */
static bool
has_v6(const char *text, const struct ip *ip)
{
    char dashed[IP_TEXT_SIZE], nibbles[17], reversed[17], bare[DNAME_MAX + 1];
    size_t n = 0;

    ip_format(ip, dashed);
    for (char *p = dashed; *p != '\0'; p++)
        if (*p == ':')
            *p = '-';
    if (strlen(dashed) >= 8 && strstr(text, dashed) != NULL)
        return true;
    for (unsigned i = 0; i < 16; i++) {
        unsigned nibble = i % 2 == 0 ? ip->b[8 + i / 2] >> 4 : ip->b[8 + i / 2] & 15;

        nibbles[i] = reversed[15 - i] = "0123456789abcdef"[nibble];
    }
    nibbles[16] = reversed[16] = '\0';
    for (const char *p = text; *p != '\0' && n < DNAME_MAX; p++)
        if (*p != '-' && *p != '.')
            bare[n++] = *p;
    bare[n] = '\0';
    return strstr(bare, nibbles) != NULL || strstr(bare, reversed) != NULL;
}

static int
on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx)
{
    unsigned *lowest = ctx;

    (void)from, (void)to, (void)flags;
    if (id < *lowest)
        *lowest = id;
    return 0;
}

const char *
rdns_dynamic(struct rdns *rdns, const struct dname *name, const struct ip *ip)
{
    char text[DNAME_TEXT_SIZE];
    size_t len = dname_format(name, text);
    unsigned lowest = PATTERN_COUNT;

    if (says_serving(text, own_part(text, len)))
        return NULL;
    if (hs_scan(rdns->database, text, (unsigned)len, 0, rdns->scratch, on_match, &lowest) ==
            HS_SUCCESS &&
        lowest < PATTERN_COUNT)
        return patterns[lowest].name;
    if (ip != NULL && (ip_is4(ip) ? has_v4(text, ip) : has_v6(text, ip)))
        return "address in name";
    return NULL;
}
