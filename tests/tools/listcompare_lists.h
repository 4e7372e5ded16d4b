/*
 * Random lists for listcompare.c: each line with what it means, which is known from how it was made
 * and never read back. What comes up often is what is hard: equal and nested entries, borders next
 * to each other, the ends of the address space, IPv6 around ::ffff:0:0/96.
 */
#ifndef TESTS_TOOLS_LISTCOMPARE_LISTS_H
#define TESTS_TOOLS_LISTCOMPARE_LISTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zones/dname.h"
#include "zones/ip.h"
#include "zones/listtype.h"
#include "zones/verdict.h"

enum { LINES_MAX = 2400, LINE_SIZE = 256, TEXT_MAX = 12, RDATA_MAX = 40, POOL = 24 };

/* A value as clients see it; an empty text is none. */
struct word {
    uint32_t a;
    char text[TEXT_MAX];
};

/* What a line says of its value; what it leaves out is the default's. */
struct said {
    bool a, text;
    bool action; /* of an access list: word.a is what is done */
    struct word word;
};

enum line_kind { LINE_NOTHING, LINE_FILE, LINE_DEFAULT, LINE_ENTRY, LINE_MAX };

struct line {
    enum line_kind kind;
    char text[LINE_SIZE];
    bool excluded, exact, wild, host_bits;
    struct range range;
    unsigned len; /* of a prefix, of its family; 0 where it is a range */
    uint32_t max; /* of LINE_MAX */
    struct dname name;
    uint16_t rr_type;
    uint32_t rr_ttl_s;
    size_t rr_n;
    uint8_t rr[RDATA_MAX];
    struct said said;
    bool hidden; /* taken away to make a list small */
    /* By the model. */
    bool counts;
    struct word word;
};

struct maker {
    uint64_t seed;
    bool host_bits;          /* the list's option */
    struct ip pool[2][POOL]; /* of IPv4 and IPv6 */
    struct dname names[POOL];
};

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "listcompare: %s\n", what);
    exit(2);
}

/* splitmix64 */
static uint32_t
draw(struct maker *m, uint32_t below)
{
    uint64_t z = m->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % below);
}

static bool
percent(struct maker *m, unsigned share)
{
    return draw(m, 100) < share;
}

#define PICK(m, array) ((array)[draw(m, sizeof(array) / sizeof *(array))])

/* ---- Addresses ---- */

/* Over all 128 bits: from IPv6 into ::ffff:0:0/96 and out of it. */
static struct ip
beside(const struct ip *ip, int step)
{
    struct ip out = *ip;
    for (unsigned i = 16; step != 0 && i-- > 0;) {
        out.b[i] = (uint8_t)(out.b[i] + step);
        if (out.b[i] != (step > 0 ? 0 : 0xff))
            break;
    }
    return out;
}

/* bits: of the 128. */
static struct range
range_of_prefix(const struct ip *ip, unsigned bits)
{
    struct range range = {*ip, *ip};
    for (unsigned bit = bits; bit < 128; bit++) {
        range.first.b[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
        range.last.b[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
    }
    return range;
}

/* A few of each list, so that entries meet. */
static struct ip
pool_ip(struct maker *m, bool v6)
{
    static const uint8_t bytes[] = {0, 1, 127, 128, 254, 255};
    struct ip ip = ip_from_v4(0);
    unsigned from = 12;
    if (v6) {
        from = percent(m, 60) ? draw(m, 12) : 10 + draw(m, 3);
        if (from < 10)
            memset(ip.b, 0, sizeof ip.b);
    }
    for (unsigned i = from; i < 16; i++)
        ip.b[i] = percent(m, 70) ? PICK(m, bytes) : (uint8_t)draw(m, 256);
    if (v6 && percent(m, 30))
        ip.b[0] = 0x20;
    return ip;
}

/* One of the pool with some bits at its end changed. */
static struct ip
near_pool(struct maker *m, bool v6)
{
    static const unsigned v4_bits[] = {0, 1, 2, 3, 4, 8, 9, 12, 16, 17, 24, 32},
                          v6_bits[] = {0, 1, 2, 4, 8, 16, 32, 33, 64, 65, 96, 128};
    struct ip ip = PICK(m, m->pool[v6]);
    unsigned bits = v6 ? PICK(m, v6_bits) : PICK(m, v4_bits);
    for (unsigned i = 0; i < bits; i++)
        if (draw(m, 2) == 1)
            ip.b[15 - i / 8] ^= (uint8_t)(1U << i % 8);
    return ip;
}

static size_t
put_v4(char *out, uint32_t a, unsigned octets)
{
    size_t n = 0;
    for (unsigned i = 0; i < octets; i++)
        n += (size_t)sprintf(out + n, i == 0 ? "%u" : ".%u", a >> (24 - 8 * i) & 255);
    return n;
}

/* All words, or without those of zero at the end, as rbldnsd allows. */
static size_t
put_words(char *out, const struct ip *ip, unsigned words)
{
    size_t n = 0;
    for (unsigned i = 0; i < words; i++)
        n += (size_t)sprintf(
            out + n, i == 0 ? "%x" : ":%x", (unsigned)ip->b[2 * i] << 8 | ip->b[2 * i + 1]);
    return n;
}

/* The prefix at ip, which gets bits past its length now and then. */
static size_t
put_prefix4(struct maker *m, enum list_type type, struct line *line, char *out, unsigned len)
{
    uint32_t first = ip_v4(&line->range.first), host = len == 32 ? 0 : UINT32_MAX >> len;
    line->len = len;
    if (type == LIST_IP4TSET)
        return put_v4(out, first, 4);
    if (len < 32 && percent(m, 8)) {
        uint32_t set = draw(m, UINT32_MAX) & host;
        line->host_bits = set != 0;
        first |= set;
    } else if (percent(m, 60) && (len == 32 || len == 24 || len == 16)) {
        return put_v4(out, first, len / 8);
    }
    size_t n = put_v4(out, first, 4);
    return n + (size_t)sprintf(out + n, "/%u", len);
}

static size_t
put_range4(struct maker *m, struct line *line, char *out)
{
    uint32_t first = ip_v4(&line->range.first), last = ip_v4(&line->range.last);
    unsigned octets = 4;
    size_t n;
    while (octets > 1 && percent(m, 70) && (first & UINT32_MAX >> 8 * (octets - 1)) == 0 &&
           (~last & UINT32_MAX >> 8 * (octets - 1)) == 0)
        octets--;
    uint32_t above = octets == 1 ? 0 : ~(UINT32_MAX >> 8 * (octets - 1));
    n = put_v4(out, first, octets);
    out[n++] = '-';
    if (octets > 1 && (first & above) == (last & above) && percent(m, 50))
        return n + (size_t)sprintf(out + n, "%u", last >> (32 - 8 * octets) & 255);
    return n + put_v4(out + n, last, octets);
}

static size_t
make_v4(struct maker *m, enum list_type type, struct line *line, char *out)
{
    static const unsigned lens[] = {
        0, 1, 7, 8, 8, 9, 15, 16, 16, 17, 22, 23, 24, 24, 24, 25, 26, 30, 31, 32, 32, 32, 32};
    struct ip ip = near_pool(m, false);
    unsigned len = PICK(m, lens);
    if (type == LIST_IP4TSET)
        len = 32;
    if (type == LIST_IP4SET && (len == 0 || percent(m, 30))) {
        static const uint32_t more[] = {0, 1, 2, 254, 255, 256, 257, 511, 65535, 65536, 70000,
            131071, 1 << 24, (1 << 24) + 255, 1 << 26};
        uint32_t first = ip_v4(&ip), step = PICK(m, more);
        if (percent(m, 40))
            first &= percent(m, 50) ? 0xffffff00 : 0xffff0000;
        if (len == 0 && percent(m, 30)) {
            first = 0;
            step = UINT32_MAX;
        }
        uint32_t last = first > UINT32_MAX - step ? UINT32_MAX : first + step;
        line->range = (struct range){ip_from_v4(first), ip_from_v4(last)};
        return put_range4(m, line, out);
    }
    line->range = range_of_prefix(&ip, 96 + len);
    return put_prefix4(m, type, line, out, len);
}

static size_t
make_v6(struct maker *m, enum list_type type, struct line *line, char *out)
{
    static const unsigned lens[] = {
        0, 1, 3, 16, 32, 48, 63, 64, 64, 65, 79, 80, 81, 95, 96, 97, 112, 120, 127, 128, 128, 128};
    struct ip ip = near_pool(m, true);
    unsigned len = PICK(m, lens), words = 8;
    size_t n;
    if (type == LIST_IP6TSET)
        len = line->excluded ? 128 : 64;
    line->range = range_of_prefix(&ip, len);
    ip = line->range.first;
    /* A mapped address is IPv4 everywhere. */
    line->len = ip_is4(&ip) && len >= 96 ? len - 96 : len;
    if (type == LIST_IP6TSET)
        return put_words(out, &ip, len / 16);
    if (len < 128 && percent(m, 8)) {
        unsigned bit = 127 - draw(m, 128 - len);
        ip.b[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
        line->host_bits = true;
    }
    /* The short form of a mapped address is IPv4's; a short "::" at the line's begin is a default
     * of the other types alone. */
    if (!ip_is4(&ip) && percent(m, 50)) {
        char text[IP_TEXT_SIZE];
        ip_format(&ip, text);
        n = (size_t)sprintf(out, "%s", text);
    } else {
        while (words > 2 && percent(m, 80) && ip.b[2 * words - 1] == 0 && ip.b[2 * words - 2] == 0)
            words--;
        n = put_words(out, &ip, words);
        /* Fewer words alone are as many bits. */
        if (words * 16 == len && percent(m, 50))
            return n;
    }
    return len == 128 && words == 8 && percent(m, 50) ? n
                                                      : n + (size_t)sprintf(out + n, "/%u", len);
}

/* ---- Names ---- */

static struct dname
random_name(struct maker *m, unsigned most)
{
    static const char *const labels[] = {"a", "b", "c", "a", "b", "mail", "x-1", "\\000", "\\001",
        "\\002", "a\\.b", "abcdefghijklmnopqrstuvwxyz"};
    char text[DNAME_TEXT_SIZE];
    struct dname name;
    size_t n = 0;
    for (unsigned i = 1 + draw(m, most); i > 0; i--)
        n += (size_t)sprintf(text + n, n == 0 ? "%s" : ".%s",
            labels[draw(m, percent(m, 85) ? 3 : sizeof labels / sizeof *labels)]);
    if (dname_parse(text, n, &name) != ERR_OK)
        die(text);
    return name;
}

/* As files have it: in any case, with a dot at the end or without. */
static size_t
put_name(struct maker *m, const struct dname *name, char *out)
{
    char text[DNAME_TEXT_SIZE];
    size_t n = dname_format(name, text);
    for (size_t i = 0; i < n; i++)
        if (text[i] >= 'a' && text[i] <= 'z' && percent(m, 5))
            text[i] = (char)(text[i] - 'a' + 'A');
    return (size_t)sprintf(out, "%s%s", text, percent(m, 5) ? "." : "");
}

static size_t
make_name(struct maker *m, struct line *line, char *out)
{
    static const char *const marks[] = {"", ".", "*."};
    unsigned form = draw(m, 3);
    line->exact = form != 2;
    line->wild = form != 0;
    line->name = percent(m, 60) ? PICK(m, m->names) : random_name(m, 4);
    size_t n = (size_t)sprintf(out, "%s", marks[form]);
    return n + put_name(m, &line->name, out + n);
}

/* A whole line of a generic list. */
static void
make_record(struct maker *m, struct line *line)
{
    char *out = line->text;
    uint32_t a = 0x7f000000 | (1 + draw(m, 4));
    struct dname host = random_name(m, 2);
    line->name = percent(m, 10)   ? (struct dname){.len = 1}
                 : percent(m, 70) ? PICK(m, m->names)
                                  : random_name(m, 4);
    line->rr_ttl_s = percent(m, 40) ? 60 + draw(m, 3) : 0;
    out += line->name.len == 1 ? (size_t)sprintf(out, "@") : put_name(m, &line->name, out);
    if (line->rr_ttl_s != 0)
        out += sprintf(out, " %u", line->rr_ttl_s);
    out += sprintf(out, percent(m, 50) ? " IN " : " ");
    switch (draw(m, 3)) {
    case 0:
        line->rr_type = 1;
        line->rr_n = 4;
        for (unsigned i = 0; i < 4; i++)
            line->rr[i] = (uint8_t)(a >> (24 - 8 * i));
        out += sprintf(out, "A ");
        (void)put_v4(out, a, 4);
        return;
    case 1:
        line->rr_type = 16;
        line->rr_n = 7;
        (void)snprintf((char *)line->rr, sizeof line->rr, "\006text %u", a & 7);
        (void)sprintf(out, "TXT %s", (char *)line->rr + 1);
        return;
    default:
        line->rr_type = 15;
        line->rr_n = 2U + host.len;
        line->rr[1] = (uint8_t)(a & 7);
        if (line->rr_n > sizeof line->rr)
            host = (struct dname){.len = 3, .b = {1, 'h'}};
        line->rr_n = 2U + host.len;
        memcpy(line->rr + 2, host.b, host.len);
        out += sprintf(out, "MX %u ", a & 7);
        (void)put_name(m, &host, out);
        return;
    }
}

/* ---- Values ---- */

static size_t
put_said(struct maker *m, enum list_type type, struct said *said, char *out)
{
    static const struct {
        const char *word;
        enum acl_a a;
    } actions[] = {{"ignore", ACL_A_IGNORE}, {"BLACKHOLE", ACL_A_IGNORE}, {"refuse", ACL_A_REFUSE},
        {"empty", ACL_A_EMPTY}, {"pass", ACL_A_PASS}};
    *said = (struct said){.a = percent(m, 70)};
    if (type == LIST_ACL && percent(m, 60)) {
        unsigned i = draw(m, sizeof actions / sizeof *actions);
        *said = (struct said){.action = true, .word.a = actions[i].a};
        return (size_t)sprintf(out, "%c%s", percent(m, 50) ? ':' : '=', actions[i].word);
    }
    size_t n = 0;
    if (said->a) {
        unsigned last = 2 + draw(m, percent(m, 90) ? 4 : 250);
        bool whole = percent(m, 30);
        said->word.a = 0x7f000000 | (whole && percent(m, 30) ? 0x100 : 0) | last;
        out[n++] = ':';
        if (whole)
            n += put_v4(out + n, said->word.a, 4);
        else
            n += (size_t)sprintf(out + n, "%u", last);
        if (percent(m, 30))
            return n;
        out[n++] = ':';
        out[n] = '\0';
    }
    said->text = true;
    if (said->a && percent(m, 30))
        return n;
    (void)snprintf(said->word.text, TEXT_MAX, "text %u", draw(m, 3));
    return n + (size_t)sprintf(out + n, "%s", said->word.text);
}

/* ---- Lines ---- */

static void
make_entry(struct maker *m, enum list_type type, struct line *line)
{
    enum list_holds holds = list_type_info(type)->holds;
    char *out = line->text;
    line->kind = LINE_ENTRY;
    if (holds == LIST_HOLDS_RECORDS) {
        make_record(m, line);
        return;
    }
    line->excluded = type != LIST_ACL && type != LIST_IP4TSET && percent(m, 20);
    if (line->excluded)
        *out++ = '!';
    if (holds == LIST_HOLDS_NAMES)
        out += make_name(m, line, out);
    else if (holds == LIST_HOLDS_V6 || (holds == LIST_HOLDS_CLIENTS && percent(m, 50)))
        out += make_v6(m, type, line, out);
    else
        out += make_v4(m, type, line, out);
    if (percent(m, 55))
        return;
    *out++ = percent(m, 80) ? ' ' : '\t';
    (void)put_said(m, type, &line->said, out);
}

/* combined: the list is a section, for which some lines mean something else. */
static void
make_line(struct maker *m, enum list_type type, bool combined, struct line *line)
{
    static const char *const nothings[] = {"", "# a comment", "; another", "   ", "#", "$0 text"};
    bool v4 = type == LIST_IP4SET || type == LIST_IP4TRIE || type == LIST_ACL;
    *line = (struct line){.kind = LINE_NOTHING};
    if (type != LIST_GENERIC && percent(m, 6)) {
        line->kind = LINE_DEFAULT;
        (void)put_said(m, type, &line->said, line->text);
        /* A text alone is no default. */
        if (!line->said.a && !line->said.action) {
            line->kind = LINE_NOTHING;
            line->text[0] = '\0';
        }
        return;
    }
    if (!combined && percent(m, 2)) {
        line->kind = LINE_FILE;
        return;
    }
    if (!combined && v4 && draw(m, 500) == 0) {
        line->kind = LINE_MAX;
        line->max = UINT32_C(1) << (8 + draw(m, 17));
        (void)sprintf(line->text, "$MAXRANGE4 %u", line->max);
        return;
    }
    if (percent(m, 4))
        (void)sprintf(line->text, "%s", PICK(m, nothings));
    else
        make_entry(m, type, line);
}

/* Fills lines; returns how many. */
static size_t
make_lines(struct maker *m, enum list_type type, bool combined, size_t most, struct line *lines)
{
    size_t count = draw(m, (uint32_t)most + 1);
    unsigned used = 1 + draw(m, POOL);
    for (unsigned i = 0; i < POOL; i++) {
        for (unsigned v6 = 0; v6 < 2; v6++)
            m->pool[v6][i] = i < used ? pool_ip(m, v6 == 1) : m->pool[v6][draw(m, used)];
        m->names[i] = random_name(m, 4);
    }
    for (size_t i = 0; i < count; i++)
        make_line(m, type, combined, &lines[i]);
    return count;
}

#endif
