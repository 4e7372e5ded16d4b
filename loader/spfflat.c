/* Flat SPF policies from pieces; see spfflat.h. */
#include "loader/spfflat.h"

#include <stdlib.h>
#include <string.h>

#include "loader/spfflat_internal.h"

static const enum ip_family families[SPFFLAT_FAMILIES] = {IP_V4, IP_V6};

enum err
spfflat_open(const struct spf_dns *dns, const struct spf_limits *limits, struct spfflat **out)
{
    struct spfflat *flat = calloc(1, sizeof *flat);

    *out = flat;
    if (flat == NULL)
        return ERR_NOMEM;
    flat->dns = *dns;
    flat->limits = *limits;
    if (flat->limits.lookups > SPF_LOOKUPS_MAX)
        flat->limits.lookups = SPF_LOOKUPS_MAX;
    return ERR_OK;
}

static void
forget_texts(struct spfflat *flat)
{
    for (unsigned i = 0; i < flat->text_count; i++)
        free((void *)(uintptr_t)flat->texts[i].p);
    flat->text_count = 0;
}

void
spfflat_close(struct spfflat **out)
{
    struct spfflat *flat = *out;

    *out = NULL;
    if (flat == NULL)
        return;
    for (unsigned i = 0; i < SPFFLAT_LEVELS; i++) {
        free(flat->levels[i].record.mechanisms);
        spfgroups_free(&flat->levels[i].groups);
        spfpieces_free(&flat->levels[i].pieces);
    }
    spfset_free(&flat->taken);
    forget_texts(flat);
    free(flat->spans);
    free(flat);
}

uint8_t
spfflat_text(struct spfflat *flat, const char *text, size_t n)
{
    if (n == 0)
        return 0;
    for (unsigned i = 0; i < flat->text_count; i++)
        if (slice_cmp(flat->texts[i], slice_of(text, n)) == 0)
            return (uint8_t)(i + 1);
    if (flat->text_count == SPFFLAT_TEXTS_MAX)
        return 0;
    char *copy = malloc(n);
    if (copy == NULL) {
        flat->failed = ERR_NOMEM;
        return 0;
    }
    memcpy(copy, text, n);
    flat->texts[flat->text_count++] = slice_of(copy, n);
    return (uint8_t)flat->text_count;
}

enum dns_status
spfflat_ask(
    struct spfflat *flat, enum dns_type type, const struct dname *name, struct dns_answer *answer)
{
    if (flat->asked++ >= SPFFLAT_LOOKUPS_MAX) {
        flat->too_large = true;
        *answer = (struct dns_answer){.status = DNS_NODATA, .expires_s = INT64_MAX};
        return DNS_NODATA;
    }
    flat->dns.lookup(flat->dns.ctx, type, name, answer);
    if (answer->status == DNS_PENDING)
        flat->pending = true;
    else if (answer->expires_s < flat->expires_s)
        flat->expires_s = answer->expires_s;
    return answer->status;
}

/* %{c} and %{i} for spftable_text; every other value that depends on the sender has been refused.
 */
static void
start(struct spfflat *flat, const struct dname *domain)
{
    static const char client[] = {SPFTABLE_CLIENT, '\0'};

    flat->sender = *domain;
    flat->pending = flat->too_large = false;
    flat->asked = 0;
    flat->failed = ERR_OK;
    flat->expires_s = INT64_MAX;
    forget_texts(flat);
    for (unsigned i = 0; i < SPFFLAT_FAMILIES; i++) {
        struct spfmacro_values *values = &flat->values[i];

        *values = (struct spfmacro_values){.local = "", .helo = "", .client = client};
        values->ip = i == SPFFLAT_V4 ? ip_from_v4(0) : (struct ip){{0}};
        spfmacro_domain(domain, values->sender_domain);
    }
    struct spfflat_level *first = &flat->levels[0];
    first->final = true;
    first->domain = *domain;
    first->pieces.count = first->groups.count = 0;
    for (unsigned i = 0; i < SPFFLAT_FAMILIES && flat->failed == ERR_OK; i++) {
        struct spfgroup *group = spfgroups_find(&first->groups, families[i], 0, 0);

        flat->failed = group == NULL ? ERR_NOMEM : spfset_all(&group->set, families[i]);
    }
}

/* How many of the range's addresses lie between lo and hi. */
static spfset_addr
overlap(const struct spfset_range *range, spfset_addr lo, spfset_addr hi)
{
    spfset_addr from = range->lo > lo ? range->lo : lo, to = range->hi < hi ? range->hi : hi;

    return from > to ? 0 : to - from + 1;
}

/* Whether nearly every address that can be a client's passes: of IPv4 unicast without private and
 * loopback networks (RFC 1122 3.2.1.3, RFC 1918 3), or of 2000::/3 (RFC 4291 2.4). */
static bool
passes_world(const struct spfpieces *pieces)
{
    static const spfset_addr one = 1, slash8 = 1U << 24;
    spfset_addr four = 0, six = 0;

    for (size_t i = 0; i < pieces->count; i++) {
        const struct spfpiece *piece = &pieces->items[i];
        const struct spfset_range *range = &piece->range;

        if (piece->result != SPFRESULT_PASS)
            continue;
        if (piece->family == IP_V6)
            six += overlap(range, one << 125, (one << 126) - 1);
        else
            four += overlap(range, slash8, 10 * slash8 - 1) +
                    overlap(range, 11 * slash8, 127 * slash8 - 1) +
                    overlap(range, 128 * slash8, 224 * slash8 - 1);
    }
    /* All but one in 128. */
    return four >= 221 * slash8 / 128 * 127 || six >= (one << 125) / 128 * 127;
}

static enum err
make_spans(struct spfflat *flat, const struct spfpieces *pieces, struct spfflat_policy *out)
{
    if (pieces->count > flat->span_room) {
        free(flat->spans);
        flat->span_room = 0;
        flat->spans = calloc(pieces->count * 2, sizeof *flat->spans);
        if (flat->spans == NULL)
            return ERR_NOMEM;
        flat->span_room = pieces->count * 2;
    }
    for (unsigned i = 0; i < SPFFLAT_FAMILIES; i++)
        out->span_counts[i] = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        const struct spfpiece *piece = &pieces->items[i];
        unsigned family = piece->family == IP_V4 ? SPFFLAT_V4 : SPFFLAT_V6;

        flat->spans[i] =
            (struct spftable_span){.start = spfset_to_ip(piece->range.lo, piece->family),
                .result = (enum spfresult)piece->result,
                .text = piece->text};
        out->span_counts[family]++;
        out->temperror |= piece->result == SPFRESULT_UNKNOWN;
        out->dynamic |= piece->result == SPFRESULT_DYNAMIC;
    }
    out->spans[SPFFLAT_V4] = flat->spans;
    out->spans[SPFFLAT_V6] = flat->spans + out->span_counts[SPFFLAT_V4];
    return ERR_OK;
}

/* All addresses have to be evaluated one by one. */
static enum err
make_dynamic(struct spfflat *flat)
{
    struct spfpieces *pieces = &flat->levels[0].pieces;
    enum err err = ERR_OK;

    pieces->count = 0;
    forget_texts(flat);
    for (unsigned i = 0; i < SPFFLAT_FAMILIES && err == ERR_OK; i++) {
        struct spfpiece piece = {.family = families[i], .result = SPFRESULT_DYNAMIC};

        piece.range.hi = (spfset_addr)-1;
        err = spfpieces_add(pieces, &piece);
    }
    return err;
}

enum err
spfflat_make(struct spfflat *flat, const struct dname *domain, struct spfflat_policy *out)
{
    struct spfpieces *pieces = &flat->levels[0].pieces;

    *out = (struct spfflat_policy){0};
    start(flat, domain);
    if (flat->failed == ERR_OK)
        spfflat_walk(flat);
    /* While answers are pending the walk may take ways that it will not take in the end. */
    if (flat->failed == ERR_OK && flat->too_large && !flat->pending)
        flat->failed = make_dynamic(flat);
    out->pending = flat->pending;
    if (flat->failed < 0 || flat->pending)
        return flat->failed;
    spfpieces_sort(pieces);
    out->passes_world = passes_world(pieces);
    out->expires_s = flat->expires_s;
    out->texts = flat->texts;
    out->text_count = flat->text_count;
    return make_spans(flat, pieces, out);
}
