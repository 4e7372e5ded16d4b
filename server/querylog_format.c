/* The lines of the query log; see querylog.h. Of the logger, who believes no record. */
#include <stdio.h>
#include <time.h>

#include "server/query.h"
#include "server/querylog.h"

struct code {
    uint16_t code;
    const char *name;
};

/* rbldnsd's names; what it does not know it writes as "type65". */
static const struct code rbldnsd_types[] = {{0, "INVALID"}, {1, "A"}, {2, "NS"}, {3, "MD"},
    {4, "MF"}, {5, "CNAME"}, {6, "SOA"}, {7, "MB"}, {8, "MG"}, {9, "MR"}, {10, "NULL"}, {11, "WKS"},
    {12, "PTR"}, {13, "HINFO"}, {14, "MINFO"}, {15, "MX"}, {16, "TXT"}, {17, "RP"}, {18, "AFSDB"},
    {19, "X25"}, {20, "ISDN"}, {21, "RT"}, {22, "NSAP"}, {23, "NSAP_PTR"}, {24, "SIG"}, {25, "KEY"},
    {26, "PX"}, {27, "GPOS"}, {28, "AAAA"}, {29, "LOC"}, {30, "NXT"}, {31, "EID"}, {32, "NIMLOC"},
    {33, "SRV"}, {34, "ATMA"}, {35, "NAPTR"}, {36, "KX"}, {37, "CERT"}, {38, "A6"}, {39, "DNAME"},
    {40, "SINK"}, {41, "OPT"}, {250, "TSIG"}, {251, "IXFR"}, {252, "AXFR"}, {253, "MAILB"},
    {254, "MAILA"}, {255, "ANY"}, {256, "ZXFR"}};
static const struct code rbldnsd_classes[] = {
    {0, "INVALID"}, {1, "IN"}, {3, "CH"}, {4, "HS"}, {255, "ANY"}};
static const struct code rbldnsd_rcodes[] = {{RCODE_NOERROR, "NOERROR"}, {RCODE_FORMERR, "FORMERR"},
    {RCODE_SERVFAIL, "SERVFAIL"}, {RCODE_NXDOMAIN, "NXDOMAIN"}, {RCODE_NOTIMP, "NOTIMPL"},
    {RCODE_REFUSED, "REFUSED"}, {RCODE_BADVERS, "BADVERS"}};
/* What has another name in the registry, or one at all, in the text format. */
static const struct code types[] = {{0, "TYPE0"}, {23, "NSAP-PTR"}, {43, "DS"}, {44, "SSHFP"},
    {46, "RRSIG"}, {47, "NSEC"}, {48, "DNSKEY"}, {50, "NSEC3"}, {51, "NSEC3PARAM"}, {52, "TLSA"},
    {59, "CDS"}, {60, "CDNSKEY"}, {64, "SVCB"}, {65, "HTTPS"}, {99, "SPF"}, {256, "URI"},
    {257, "CAA"}};
static const struct code classes[] = {{0, "CLASS0"}, {254, "NONE"}};
static const struct code rcodes[] = {{RCODE_NOTIMP, "NOTIMP"}};

struct code_table {
    const struct code *own, *rbldnsd;
    size_t own_count, rbldnsd_count;
    const char *text_base, *rbldnsd_base; /* before a number */
};
#define TABLE(own, rbldnsd, text_base, rbldnsd_base)                                               \
    {                                                                                              \
        own, rbldnsd, sizeof(own) / sizeof *(own), sizeof(rbldnsd) / sizeof *(rbldnsd), text_base, \
            rbldnsd_base                                                                           \
    }
static const struct code_table type_table = TABLE(types, rbldnsd_types, "TYPE", "type");
static const struct code_table class_table = TABLE(classes, rbldnsd_classes, "CLASS", "class");
static const struct code_table rcode_table = TABLE(rcodes, rbldnsd_rcodes, "RCODE", "rcode");

enum { NAME_TEXT_SIZE = DNAME_MAX * 4 + 1, CODE_SIZE = 16 };

static const char *
find(const struct code *codes, size_t count, unsigned code)
{
    for (size_t i = 0; i < count; i++)
        if (codes[i].code == code)
            return codes[i].name;
    return NULL;
}

static const char *
code_text(const struct code_table *table, unsigned code, bool text, char out[CODE_SIZE])
{
    const char *name = text ? find(table->own, table->own_count, code) : NULL;
    if (name == NULL)
        name = find(table->rbldnsd, table->rbldnsd_count, code);
    if (name != NULL)
        return name;
    (void)snprintf(out, CODE_SIZE, "%s%u", text ? table->text_base : table->rbldnsd_base, code);
    return out;
}

/* Escaped as rbldnsd does it, so that no name can forge a field or a line. False if it ends early.
 */
static bool
name_text(const uint8_t *name, size_t n, char *out)
{
    char *p = out;
    size_t at = 0;
    while (at < n && name[at] != 0) {
        size_t end = at + 1 + name[at];
        if (name[at] > 63 || end >= n)
            return false;
        if (p != out)
            *p++ = '.';
        for (at++; at < end; at++) {
            const uint8_t c = name[at];
            if (c <= ' ' || c > '~') {
                *p++ = '\\';
                *p++ = (char)('0' + c / 100);
                *p++ = (char)('0' + c / 10 % 10);
                *p++ = (char)('0' + c % 10);
                continue;
            }
            if (strchr("\".;\\@$", c) != NULL)
                *p++ = '\\';
            *p++ = (char)c;
        }
    }
    if (p == out)
        *p++ = '.';
    *p = '\0';
    return at + 1 == n;
}

/* The parts of a line that both formats have. */
struct line {
    char client[IP_TEXT_SIZE], name[NAME_TEXT_SIZE];
    char type_number[CODE_SIZE], class_number[CODE_SIZE], rcode_number[CODE_SIZE];
    const char *type, *class, *rcode;
};

static int
format_text(const struct querylog_record *r, const struct line *line, char *out)
{
    char when[32], cut[8] = "";
    struct tm tm;
    const time_t time_s = (time_t)r->time_s;
    if (gmtime_r(&time_s, &tm) == NULL ||
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return 0;
    if ((r->flags & QUERYLOG_CUT) != 0)
        (void)snprintf(
            cut, sizeof cut, "/%d", ip_is4(&r->client) ? QUERYLOG_BITS4 : QUERYLOG_BITS6);
    return snprintf(out, QUERYLOG_LINE_MAX,
        "%s client=%s%s transport=%s name=%s type=%s class=%s rcode=%s answers=%u bytes=%u%s%s%s\n",
        when, line->client, cut, (r->flags & QUERYLOG_TCP) != 0 ? "tcp" : "udp", line->name,
        line->type, line->class, line->rcode, r->answers, r->bytes,
        (r->flags & QUERYLOG_LISTED) != 0 ? " listed" : "",
        (r->flags & QUERYLOG_EDNS) != 0 ? " edns" : "",
        (r->flags & QUERYLOG_TRUNCATED) != 0 ? " truncated" : "");
}

static int
format_rbldnsd(const struct querylog_record *r, const struct line *line, char *out)
{
    return snprintf(out, QUERYLOG_LINE_MAX, "%lld %s %s %s %s: %s/%u/%u\n", (long long)r->time_s,
        line->client, line->name, line->type, line->class, line->rcode, r->answers, r->bytes);
}

size_t
querylog_format(const void *record, size_t n, bool text, char out[QUERYLOG_LINE_MAX])
{
    const size_t head = offsetof(struct querylog_record, name);
    struct querylog_record r = {0};
    struct line line = {.name = "-", .type = "-", .class = "-"};
    if (n < head || n > sizeof r)
        return 0;
    memcpy(&r, record, n);
    if (n != head + r.name_n || (r.name_n > 0 && !name_text(r.name, r.name_n, line.name)))
        return 0;
    ip_format(&r.client, line.client);
    if (r.name_n > 0) {
        line.type = code_text(&type_table, r.qtype, text, line.type_number);
        line.class = code_text(&class_table, r.qclass, text, line.class_number);
    }
    line.rcode = code_text(&rcode_table, r.rcode, text, line.rcode_number);
    int length = text ? format_text(&r, &line, out) : format_rbldnsd(&r, &line, out);
    return length > 0 && length < QUERYLOG_LINE_MAX ? (size_t)length : 0;
}
