/*
 * An SPF record: parser, macros, and an evaluation in which every TXT record asked for is the input
 * itself, so that it also is its own include, redirect and explanation. The first byte chooses the
 * client.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/spf.h"
#include "loader/spfmacro.h"
#include "loader/spfrecord.h"

#define RECORD_MAX 65535 /* what a TXT record can hold */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
validated(void *ctx, char out[SPFMACRO_DOMAIN_SIZE])
{
    (void)ctx;
    memcpy(out, "unknown", 8);
}

/* A string that checks expands, and one that does not doesn't; the result stays in its buffer. */
static void
expand(struct slice text, enum spfmacro_where where)
{
    struct spfmacro_values values = {.ip = ip_from_v4(0xc0000201),
        .local = "strong-bad.x",
        .helo = "mx.example.org",
        .sender_domain = "email.example.com",
        .domain = "email.example.com",
        .validated = validated};
    char out[512];
    struct dname name;
    const char *cause;
    size_t n;

    enum err checked = spfmacro_check(text, where, &cause);
    must(spfmacro_expand(text, where, &values, out, sizeof out, &n) == checked);
    must(n < sizeof out && strlen(out) == n);
    if (checked == ERR_OK && spfmacro_name(out, n, &name) == ERR_OK)
        must(name.len > 0 && dname_labels(&name) <= 127);
}

static void
parse(struct slice record)
{
    struct spfrecord_walk walk;
    struct spfrecord_error error = {0};
    struct spfterm term;
    enum err err;
    size_t column = 6;

    spfrecord_start(record, &walk);
    while ((err = spfrecord_next(&walk, &term, &error)) == ERR_OK) {
        must(term.column > column && term.column - 1 + term.text.n <= record.n);
        must(memcmp((const char *)record.p + term.column - 1, term.text.p, term.text.n) == 0);
        must(term.cidr4 <= 32 && term.cidr6 <= 128);
        column = term.column;
        expand(term.domain, SPFMACRO_DOMAIN);
    }
    must(err == ERR_NOTFOUND || (error.cause != NULL && error.column > column));
    must((spfrecord_check(record, &error) == ERR_OK) == (err == ERR_NOTFOUND));
}

struct world {
    struct slice txt;                 /* size(2) and the input */
    uint8_t names[2 + 2 + 9];         /* an MX of "a.test", and the PTR from its third byte on */
    uint8_t four[2 + 4], six[2 + 16]; /* an address, as records */
};

static void
answer(void *ctx, enum dns_type type, const struct dname *name, struct dns_answer *out)
{
    const struct world *world = ctx;

    *out = (struct dns_answer){.status = name->len % 7 == 0 ? DNS_NXDOMAIN : DNS_OK};
    if (out->status != DNS_OK)
        return;
    out->count = 1;
    if (type == DNS_TXT)
        out->records = world->txt;
    else if (type == DNS_A)
        out->records = slice_of(world->four, sizeof world->four);
    else if (type == DNS_AAAA)
        out->records = slice_of(world->six, sizeof world->six);
    else if (type == DNS_MX)
        out->records = slice_of(world->names, 2 + 2 + 8);
    else
        *out = (struct dns_answer){.status = DNS_NODATA};
}

static void
evaluate(const uint8_t *record, size_t size, uint8_t choice)
{
    struct world world = {.names = {0, 10, 0, 1, 1, 'a', 4, 't', 'e', 's', 't', 0},
        .four = {0, 4, 192, 0, 2, 1},
        .six = {0, 16, 0x20, 1, 0xd, 0xb8}};
    struct spf_query query = {.ip = ip_from_v4(0xc0000201 + choice / 2),
        .local = "l o@c",
        .helo = "[192.0.2.1]",
        .dns = {.lookup = answer, .ctx = &world},
        .limits = {10, 2}};
    struct spf_result result;
    struct spf *spf;

    if (choice % 2 == 1)
        memcpy(query.ip.b, world.six + 2, 16);
    must(dname_parse("mail.example.com", 16, &query.domain) == ERR_OK);
    uint8_t *txt = malloc(size + 2);
    must(txt != NULL);
    txt[0] = (uint8_t)(size >> 8);
    txt[1] = (uint8_t)size;
    memcpy(txt + 2, record, size);
    world.txt = slice_of(txt, size + 2);
    must(spf_open(&spf) == ERR_OK);
    spf_check(spf, &query, &result);
    must(result.status == SPF_DONE);
    must(memchr(result.why, '\0', sizeof result.why) != NULL && result.why[0] != '\0');
    must(memchr(result.explanation, '\0', sizeof result.explanation) != NULL);
    must(result.explanation[0] == '\0' || result.reason == REASON_SPF_FAIL);
    for (const char *p = result.explanation; *p != '\0'; p++)
        must(*p >= ' ' && *p <= '~');
    struct spfrecord_error error;
    bool good = spfrecord_check(slice_of(record, size), &error) == ERR_OK;
    must(good || result.temperror || result.reason == REASON_SPF_PERMERROR);
    spf_close(&spf);
    free(txt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char version[] = "v=spf1 ";
    size_t n = sizeof version - 1;

    if (size == 0 || size - 1 > RECORD_MAX - n)
        return 0;
    uint8_t *record = malloc(n + size - 1);
    must(record != NULL);
    memcpy(record, version, n);
    memcpy(record + n, data + 1, size - 1);
    parse(slice_of(record, n + size - 1));
    expand(slice_of(data + 1, size - 1), SPFMACRO_EXPLAIN);
    evaluate(record, n + size - 1, data[0]);
    free(record);
    return 0;
}
