/*
 * For the tests of SPF: DNS as a table in memory, and a check that evaluates twice, once with all
 * answers there and once with each answer pending at first.
 */
#ifndef TESTS_UNIT_SPF_ZONE_H
#define TESTS_UNIT_SPF_ZONE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/spf.h"
#include "loader/spfmacro.h"

#define LINE_SIZE 65536

struct rr {
    struct dname owner;
    int type; /* 0: the server of this name does not answer */
    uint8_t *rdata;
    size_t n;
};

struct zone {
    struct rr *rrs;
    size_t count, room;
    void **answers; /* what is borrowed by an evaluation */
    size_t answer_count, answer_room;
    struct dname *asked; /* the questions that were pending once; not used if !pending_first */
    int *asked_types;
    size_t asked_count, asked_room;
    bool pending_first;
    int64_t expires_s;
};

static void *
room_for_one(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room * 2 + 16;
    array = realloc(array, *room * size);
    assert_non_null(array);
    return array;
}

static void
zone_free(struct zone *zone)
{
    for (size_t i = 0; i < zone->count; i++)
        free(zone->rrs[i].rdata);
    for (size_t i = 0; i < zone->answer_count; i++)
        free(zone->answers[i]);
    free(zone->rrs);
    free(zone->answers);
    free(zone->asked);
    free(zone->asked_types);
    *zone = (struct zone){0};
}

/* Between two evaluations: no answer is borrowed any more. */
static void
zone_forget(struct zone *zone, bool pending_first)
{
    for (size_t i = 0; i < zone->answer_count; i++)
        free(zone->answers[i]);
    zone->answer_count = 0;
    zone->asked_count = 0;
    zone->pending_first = pending_first;
}

static size_t
rdata_of(int type, const char *data, size_t n, uint8_t *out)
{
    struct dname name;
    struct ip ip;

    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        assert_int_equal(ip_parse(data, n, &ip), ERR_OK);
        return ip_key(&ip, out);
    case DNS_MX: {
        char *end;
        unsigned long preference = strtoul(data, &end, 10);

        out[0] = (uint8_t)(preference >> 8);
        out[1] = (uint8_t)preference;
        assert_int_equal(spfmacro_name(end + 1, n - (size_t)(end + 1 - data), &name), ERR_OK);
        memcpy(out + 2, name.b, name.len);
        return 2U + name.len;
    }
    case DNS_PTR:
        assert_int_equal(spfmacro_name(data, n, &name), ERR_OK);
        memcpy(out, name.b, name.len);
        return name.len;
    default: /* TXT: 0x1f stands between character-strings, which are joined */
        for (size_t i = 0, at = 0;; i++) {
            if (i == n)
                return at;
            if (data[i] != '\x1f')
                out[at++] = (uint8_t)data[i];
        }
    }
}

static void
zone_add(struct zone *zone, const char *owner, const char *type, const char *data, size_t n)
{
    static const struct {
        const char *name;
        int type;
    } types[] = {{"A", DNS_A}, {"AAAA", DNS_AAAA}, {"MX", DNS_MX}, {"PTR", DNS_PTR},
        {"TXT", DNS_TXT}, {"TIMEOUT", 0}};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(type, types[i].name) != 0)
            continue;
        zone->rrs = room_for_one(zone->rrs, zone->count, &zone->room, sizeof *zone->rrs);
        struct rr *rr = &zone->rrs[zone->count++];
        assert_int_equal(spfmacro_name(owner, strlen(owner), &rr->owner), ERR_OK);
        rr->type = types[i].type;
        rr->rdata = malloc(n + 300);
        assert_non_null(rr->rdata);
        rr->n = rr->type == 0 ? 0 : rdata_of(rr->type, data, n, rr->rdata);
    }
}

static bool
is_pending(struct zone *zone, int type, const struct dname *name)
{
    if (!zone->pending_first)
        return false;
    for (size_t i = 0; i < zone->asked_count; i++)
        if (zone->asked_types[i] == type && dname_equal(&zone->asked[i], name))
            return false;
    size_t room = zone->asked_room;
    zone->asked_types =
        room_for_one(zone->asked_types, zone->asked_count, &room, sizeof *zone->asked_types);
    zone->asked =
        room_for_one(zone->asked, zone->asked_count, &zone->asked_room, sizeof *zone->asked);
    zone->asked[zone->asked_count] = *name;
    zone->asked_types[zone->asked_count++] = type;
    return true;
}

static void
zone_lookup(void *ctx, enum dns_type type, const struct dname *name, struct dns_answer *out)
{
    struct zone *zone = ctx;
    bool exists = false, timeout = false;
    size_t n = 0, size = 0;

    assert_true(name->len > 1);
    *out = (struct dns_answer){.status = DNS_PENDING};
    if (is_pending(zone, (int)type, name))
        return;
    for (size_t i = 0; i < zone->count; i++)
        size += zone->rrs[i].n + 2;
    uint8_t *records = malloc(size + 1);
    assert_non_null(records);
    zone->answers =
        room_for_one(zone->answers, zone->answer_count, &zone->answer_room, sizeof(void *));
    zone->answers[zone->answer_count++] = records;
    for (size_t i = 0; i < zone->count; i++) {
        const struct rr *rr = &zone->rrs[i];

        exists |= dname_under(&rr->owner, name);
        if (!dname_equal(&rr->owner, name))
            continue;
        timeout |= rr->type == 0;
        if (rr->type != (int)type)
            continue;
        records[n++] = (uint8_t)(rr->n >> 8);
        records[n++] = (uint8_t)rr->n;
        memcpy(records + n, rr->rdata, rr->n);
        n += rr->n;
        out->count++;
    }
    out->records = slice_of(records, n);
    out->status = out->count > 0 ? DNS_OK : timeout ? DNS_FAIL : exists ? DNS_NODATA : DNS_NXDOMAIN;
    out->expires_s = zone->expires_s + name->len;
}

static const char *
result_name(const struct spf_result *result)
{
    if (result->status == SPF_PENDING)
        return "pending";
    return result->temperror ? "temperror" : reason_info(result->reason)->name + strlen("spf-");
}

/* Both ways; they must agree. */
static void
check(struct spf *spf, struct zone *zone, struct spf_query *query, struct spf_result *result)
{
    struct spf_result later;
    unsigned rounds = 0;

    query->dns.lookup = zone_lookup;
    query->dns.ctx = zone;
    zone_forget(zone, false);
    spf_check(spf, query, result);
    assert_int_equal(result->status, SPF_DONE);
    zone_forget(zone, true);
    do {
        spf_check(spf, query, &later);
        assert_true(++rounds < 300);
    } while (later.status == SPF_PENDING);
    assert_string_equal(result_name(&later), result_name(result));
    assert_string_equal(later.why, result->why);
    assert_string_equal(later.explanation, result->explanation);
    assert_int_equal(later.expires_s, result->expires_s);
    assert_int_equal(later.uses_local, result->uses_local);
    /* What is pending is wanted with everything beside it. */
    assert_true(rounds <= zone->asked_count + 1);
    for (const char *p = result->explanation; *p != '\0'; p++)
        assert_in_range(*p, ' ', '~');
    for (const char *p = result->why; *p != '\0'; p++)
        assert_in_range(*p, ' ', '~');
}

/* Lines of owner, type and data; byte 1 of the data stands for NUL. */
static void
zone_add_lines(struct zone *zone, const char *lines)
{
    while (*lines != '\0') {
        size_t n = strcspn(lines, "\n"), at;
        char owner[300], type[10], data[LINE_SIZE];

        assert_int_equal(sscanf(lines, "%299s %9s", owner, type), 2);
        at = strlen(owner) + 1 + strlen(type);
        at += at < n;
        memcpy(data, lines + at, n - at);
        for (size_t i = 0; i < n - at; i++)
            data[i] = data[i] == 1 ? '\0' : data[i];
        zone_add(zone, owner, type, data, n - at);
        lines += n + (lines[n] == '\n');
    }
}

#endif
