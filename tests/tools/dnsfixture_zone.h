/*
 * The zone files of dnsfixture: a part of that one program, apart for its length. The forms are
 * described there. What cannot be read ends the program.
 */
#ifndef TESTS_TOOLS_DNSFIXTURE_ZONE_H
#define TESTS_TOOLS_DNSFIXTURE_ZONE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "zones/ip.h"
#include "zones/wire.h"

enum {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_AAAA = 28,
    TYPE_OPT = 41,
    TYPE_SPF = 99,
    /* Not on the wire. Above them are no real types. */
    PSEUDO = 0xff00,
    PSEUDO_SERVFAIL = PSEUDO + 2,
    PSEUDO_REFUSED = PSEUDO + 5,
    PSEUDO_TIMEOUT = PSEUDO + 255
};
enum { ZONE_TTL = 300, ZONE_LINE = 1 << 18 };

static const struct {
    const char *name;
    uint16_t type;
} types[] = {{"A", TYPE_A}, {"AAAA", TYPE_AAAA}, {"MX", TYPE_MX}, {"TXT", TYPE_TXT},
    {"SPF", TYPE_SPF}, {"PTR", TYPE_PTR}, {"CNAME", TYPE_CNAME}, {"NS", TYPE_NS},
    {"SERVFAIL", PSEUDO_SERVFAIL}, {"REFUSED", PSEUDO_REFUSED}, {"TIMEOUT", PSEUDO_TIMEOUT}};

/* In order of key, type, place in the files. */
struct record {
    struct slice key; /* dname_key */
    struct slice rdata;
    uint32_t ttl_s;
    uint16_t type;
    size_t place;
};

struct zone {
    struct record *records;
    size_t count, room;
    const char *scenario; /* the only one to take, or NULL */
    uint8_t rdata[UINT16_MAX];
    char line[ZONE_LINE];
};

static _Noreturn void
die(const char *what, const char *why)
{
    (void)fprintf(stderr, "dnsfixture: %s: %s\n", what, why);
    exit(1);
}

static void *
need(void *p)
{
    if (p == NULL)
        die("memory", "used up");
    return p;
}

/* One character-string or, past 255 bytes, several. */
static void
put_string(struct wire_out *out, const char *text, size_t n)
{
    do {
        size_t piece = n < 255 ? n : 255;
        wire_put_u8(out, (uint8_t)piece);
        wire_put(out, text, piece);
        text += piece;
        n -= piece;
    } while (n > 0);
}

/* One "quoted" string, or the rest of the line as it is; returns the text after it, NULL if bad. */
static char *
put_quoted(struct wire_out *out, char *text)
{
    size_t n = 0;
    if (*text != '"') {
        put_string(out, text, strlen(text));
        return text + strlen(text);
    }
    char *in = text + 1;
    for (; *in != '"'; in++) {
        if (in[0] == '\\' && in[1] >= '0' && in[1] <= '9') {
            unsigned value;
            if (sscanf(in + 1, "%3u", &value) != 1 || value > 255)
                return NULL;
            text[n++] = (char)value;
            in += 3;
            continue;
        }
        in += *in == '\\';
        if (*in == '\0')
            return NULL;
        text[n++] = *in;
    }
    put_string(out, text, n);
    return in + 1 + strspn(in + 1, " \t");
}

static bool
put_txt(struct wire_out *out, char *text, size_t n, bool suite)
{
    char *end = text + n, *cut;
    while (!suite && text != NULL && text < end)
        text = put_quoted(out, text);
    if (!suite)
        return text != NULL && out->n > 0;
    for (; (cut = memchr(text, 0x1f, (size_t)(end - text))) != NULL; text = cut + 1)
        put_string(out, text, (size_t)(cut - text));
    put_string(out, text, (size_t)(end - text));
    return true;
}

/* The rdata of a line; text[n] is NUL. */
static bool
put_rdata(struct wire_out *out, uint16_t type, char *text, size_t n, bool suite)
{
    struct dname name;
    struct ip ip;
    if (type >= PSEUDO)
        return true;
    if (type == TYPE_TXT || type == TYPE_SPF)
        return put_txt(out, text, n, suite);
    if (type == TYPE_A || type == TYPE_AAAA) {
        if (ip_parse(text, n, &ip) < 0 || (type == TYPE_A && !ip_is4(&ip)))
            return false;
        wire_put(out, type == TYPE_A ? ip.b + 12 : ip.b, type == TYPE_A ? 4 : 16);
        return true;
    }
    if (type == TYPE_MX) {
        char *end;
        unsigned long preference = strtoul(text, &end, 10);
        if (end == text || preference > UINT16_MAX)
            return false;
        wire_put_u16(out, (uint16_t)preference);
        end += strspn(end, " \t");
        n -= (size_t)(end - text);
        text = end;
    }
    if (dname_parse(text, n, &name) < 0)
        return false;
    wire_put(out, name.b, name.len);
    return true;
}

static struct slice
keep(const void *p, size_t n)
{
    void *copy = need(malloc(n + 1));
    memcpy(copy, p, n);
    return slice_of(copy, n);
}

static bool
add(struct zone *zone, const struct dname *owner, uint32_t ttl_s, const char *type,
    struct slice text, bool suite)
{
    uint8_t key[DNAME_KEY_MAX];
    struct wire_out rdata = wire_out_of(zone->rdata, sizeof zone->rdata);
    size_t i = 0;
    while (i < sizeof types / sizeof *types && strcmp(types[i].name, type) != 0)
        i++;
    char *copy = need(malloc(text.n + 1));
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    bool good = i < sizeof types / sizeof *types &&
                put_rdata(&rdata, types[i].type, copy, text.n, suite) && !rdata.full;
    free(copy);
    if (!good)
        return false;
    if (zone->count == zone->room) {
        zone->room = zone->room * 2 + 64;
        zone->records = need(realloc(zone->records, zone->room * sizeof *zone->records));
    }
    zone->records[zone->count] = (struct record){.key = keep(key, dname_key(owner, key)),
        .rdata = keep(zone->rdata, rdata.n),
        .ttl_s = ttl_s,
        .type = types[i].type,
        .place = zone->count};
    zone->count++;
    return true;
}

/* Undoes %XX in place; a % that begins none is empty. Returns the length. */
static size_t
unescape(char *text)
{
    size_t n = 0;
    for (char *in = text; *in != '\0'; in++) {
        unsigned value;
        if (*in != '%') {
            text[n++] = *in;
        } else if (strspn(in + 1, "0123456789abcdefABCDEF") >= 2 &&
                   sscanf(in + 1, "%2x", &value) == 1) {
            text[n++] = (char)value;
            in += 2;
        }
    }
    text[n] = '\0';
    return n;
}

static bool
suite_line(struct zone *zone, char *line, bool *wanted)
{
    char *field[4] = {0}, *save = NULL;
    unsigned count = 0;
    struct dname owner;
    for (char *at = strtok_r(line, "\t", &save); at != NULL && count < 4;
         at = strtok_r(NULL, "\t", &save))
        field[count++] = at;
    if (*line == 'S' && count >= 2) {
        (void)unescape(field[1]);
        *wanted = zone->scenario == NULL || strcmp(zone->scenario, field[1]) == 0;
        return true;
    }
    if (*line == 'T' || !*wanted)
        return true;
    if (count < 4 || dname_parse(field[1], unescape(field[1]), &owner) < 0)
        return false;
    size_t n = unescape(field[3]);
    return add(zone, &owner, ZONE_TTL, field[2], slice_of(field[3], n), true);
}

static bool
plain_line(struct zone *zone, char *line)
{
    bool quoted = false;
    struct dname owner;
    uint32_t ttl_s = ZONE_TTL;
    for (char *at = line; *at != '\0'; at++) {
        if (*at == '"' && (at == line || at[-1] != '\\'))
            quoted = !quoted;
        if (*at == '#' && !quoted && (at == line || strchr(" \t", at[-1]) != NULL))
            *at-- = '\0';
    }
    for (size_t n = strlen(line); n > 0 && strchr(" \t", line[n - 1]) != NULL; n--)
        line[n - 1] = '\0';
    char *save = NULL, *name = strtok_r(line, " \t", &save);
    if (name == NULL)
        return true;
    char *type = strtok_r(NULL, " \t", &save);
    if (type != NULL && *type >= '0' && *type <= '9') {
        ttl_s = (uint32_t)strtoul(type, NULL, 10);
        type = strtok_r(NULL, " \t", &save);
    }
    if (type == NULL || dname_parse(name, strlen(name), &owner) < 0)
        return false;
    char *data = save == NULL ? type + strlen(type) : save + strspn(save, " \t");
    return add(zone, &owner, ttl_s, type, slice_of(data, strlen(data)), false);
}

static void
zone_load(struct zone *zone, const char *path)
{
    char where[4200];
    bool wanted = zone->scenario == NULL;
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        die(path, strerror(errno));
    for (unsigned line = 1; gzgets(file, zone->line, sizeof zone->line) != NULL; line++) {
        size_t n = strcspn(zone->line, "\n");
        bool whole = zone->line[n] == '\n' || gzeof(file);
        zone->line[n] = '\0';
        bool suite =
            strchr("SZT", zone->line[0]) != NULL && zone->line[0] != '\0' && zone->line[1] == '\t';
        if (whole && (suite ? suite_line(zone, zone->line, &wanted) : plain_line(zone, zone->line)))
            continue;
        (void)snprintf(where, sizeof where, "%s:%u", path, line);
        die(where, "is no record that this program knows");
    }
    (void)gzclose(file);
}

static int
compare_records(const void *left, const void *right)
{
    const struct record *a = left, *b = right;
    int c = slice_cmp(a->key, b->key);
    if (c == 0)
        c = (a->type > b->type) - (a->type < b->type);
    return c != 0 ? c : (a->place > b->place) - (a->place < b->place);
}

/* After the last file: the built-in name, and the order that zone_find needs. */
static void
zone_ready(struct zone *zone)
{
    static const char canary[] = "a.root-servers.net", address[] = "198.41.0.4";
    struct dname name;
    uint8_t bytes[DNAME_KEY_MAX];
    if (dname_parse(canary, strlen(canary), &name) < 0)
        return;
    struct slice key = slice_of(bytes, dname_key(&name, bytes));
    bool known = false;
    for (size_t i = 0; i < zone->count; i++)
        known = known || slice_cmp(zone->records[i].key, key) == 0;
    if (!known)
        (void)add(zone, &name, ZONE_TTL, "A", slice_of(address, strlen(address)), false);
    qsort(zone->records, zone->count, sizeof *zone->records, compare_records);
}

/* The first record at or after the name. */
static size_t
zone_find(const struct zone *zone, struct slice key)
{
    size_t low = 0, high = zone->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (slice_cmp(zone->records[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
