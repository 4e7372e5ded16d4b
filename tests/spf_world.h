/*
 * A small DNS in memory, and the check that a flat SPF policy (loader/spfflat.h) says the same as
 * an evaluation of each address by itself (loader/spf.h): for tests/tools/spfcompare.c and
 * tests/fuzz/spfflat.c. Knows nothing of how the flattening works.
 *
 * For one thread. Ends the program where memory runs out.
 */
#ifndef TESTS_SPF_WORLD_H
#define TESTS_SPF_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "loader/spfflat.h"
#include "loader/spfmacro.h"

/* The answer to one question. type 0 marks that the name exists. */
struct world_set {
    struct dname name;
    int type;
    bool fails, hidden; /* hidden: as if it were not there, to find out what matters */
    unsigned count, asked_round;
    uint8_t *records; /* size(2) rdata, count times */
    size_t n, room;
};

/* All zero bytes are an empty one. */
struct world {
    struct world_set *sets;
    size_t count, room;
    uint32_t *slots; /* of a hash table: number of a set and 1; 0: free */
    size_t slot_count;
    bool pending_first; /* a question is answered from the round after that which asked first */
    unsigned round;
    unsigned long lookups;
    bool odd;            /* asked for a name that nobody can ask for */
    struct dname client; /* the zone that names made of the client lie in; len 0: unknown */
    bool asked_client;   /* asked for a reverse name, or in that zone */
};

static inline void *
world_grow(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room * 2 + 16;
    array = reallocarray(array, *room, size);
    if (array == NULL)
        abort();
    return array;
}

static inline void
world_clear(struct world *world)
{
    for (size_t i = 0; i < world->count; i++)
        free(world->sets[i].records);
    if (world->slot_count > 0)
        memset(world->slots, 0, world->slot_count * sizeof *world->slots);
    world->count = 0;
    world->round = 0;
    world->odd = world->pending_first = false;
}

static inline void
world_free(struct world *world)
{
    world_clear(world);
    free(world->sets);
    free(world->slots);
    *world = (struct world){0};
}

static inline size_t
world_hash(const struct dname *name, int type)
{
    uint64_t hash = 0xcbf29ce484222325 ^ (unsigned)type; /* FNV-1a */

    for (unsigned i = 0; i < name->len; i++)
        hash = (hash ^ name->b[i]) * 0x100000001b3;
    return (size_t)(hash ^ hash >> 29);
}

/* The slot of the question, or the free one where it belongs. */
static inline uint32_t *
world_slot(struct world *world, const struct dname *name, int type)
{
    size_t at = world_hash(name, type) & (world->slot_count - 1);

    for (; world->slots[at] != 0; at = (at + 1) & (world->slot_count - 1)) {
        const struct world_set *set = &world->sets[world->slots[at] - 1];

        if (set->type == type && dname_equal(&set->name, name))
            break;
    }
    return &world->slots[at];
}

static inline struct world_set *
world_find(struct world *world, const struct dname *name, int type)
{
    uint32_t at = world->slot_count == 0 ? 0 : *world_slot(world, name, type);

    return at == 0 ? NULL : &world->sets[at - 1];
}

/* The answer to the question, made if it is new. Void after the next call. */
static inline struct world_set *
world_set(struct world *world, const struct dname *name, int type)
{
    struct world_set *set = world_find(world, name, type);

    if (set != NULL)
        return set;
    if (world->count * 2 >= world->slot_count) {
        free(world->slots);
        world->slot_count = world->slot_count == 0 ? 256 : world->slot_count * 2;
        world->slots = calloc(world->slot_count, sizeof *world->slots);
        if (world->slots == NULL)
            abort();
        for (size_t i = 0; i < world->count; i++)
            *world_slot(world, &world->sets[i].name, world->sets[i].type) = (uint32_t)i + 1;
    }
    world->sets = world_grow(world->sets, world->count, &world->room, sizeof *world->sets);
    *world_slot(world, name, type) = (uint32_t)world->count + 1;
    set = &world->sets[world->count++];
    *set = (struct world_set){.name = *name, .type = type};
    return set;
}

static inline void
world_add(struct world *world, const struct dname *name, enum dns_type type, struct slice rdata)
{
    (void)world_set(world, name, 0);
    struct world_set *set = world_set(world, name, (int)type);

    if (set->room - set->n < rdata.n + 2) {
        set->room = set->room * 2 + rdata.n + 2;
        set->records = realloc(set->records, set->room);
        if (set->records == NULL)
            abort();
    }
    set->records[set->n++] = (uint8_t)(rdata.n >> 8);
    set->records[set->n++] = (uint8_t)rdata.n;
    memcpy(set->records + set->n, rdata.p, rdata.n);
    set->n += rdata.n;
    set->count++;
}

static inline void
world_add_ip(struct world *world, const struct dname *name, const struct ip *ip)
{
    uint8_t key[16];
    size_t n = ip_key(ip, key);

    world_add(world, name, n == 4 ? DNS_A : DNS_AAAA, slice_of(key, n));
}

static inline void
world_add_mx(
    struct world *world, const struct dname *name, unsigned preference, const struct dname *host)
{
    uint8_t rdata[2 + DNAME_MAX] = {(uint8_t)(preference >> 8), (uint8_t)preference};

    memcpy(rdata + 2, host->b, host->len);
    world_add(world, name, DNS_MX, slice_of(rdata, 2U + host->len));
}

/* The question has no answer but a failure (SERVFAIL or a time-out). */
static inline void
world_add_failure(struct world *world, const struct dname *name, enum dns_type type)
{
    (void)world_set(world, name, 0);
    world_set(world, name, (int)type)->fails = true;
}

/* Expiries differ by name and type. */
static inline int64_t
world_expiry(const struct dname *name, int type)
{
    return 1000000 + (int64_t)(world_hash(name, type) % 5000);
}

static inline void
world_lookup(void *ctx, enum dns_type type, const struct dname *name, struct dns_answer *out)
{
    struct world *world = ctx;

    world->lookups++;
    world->odd |= name->len < 2 || dname_labels(name) == 0;
    world->asked_client |=
        type == DNS_PTR || (world->client.len > 0 && dname_under(name, &world->client));
    *out = (struct dns_answer){.status = DNS_PENDING};
    if (world->pending_first) {
        struct world_set *asked = world_set(world, name, (int)type);

        if (asked->asked_round == 0)
            asked->asked_round = world->round;
        if (asked->asked_round == world->round)
            return;
    }
    const struct world_set *set = world_find(world, name, (int)type);
    bool exists = world_find(world, name, 0) != NULL;
    out->status = exists ? DNS_NODATA : DNS_NXDOMAIN;
    out->expires_s = world_expiry(name, (int)type);
    if (set == NULL || set->hidden)
        return;
    if (set->fails) {
        out->status = DNS_FAIL;
    } else if (set->count > 0) {
        out->status = DNS_OK;
        out->count = set->count;
        out->records = slice_of(set->records, set->n);
    }
}

/* ---- The comparison ---- */

enum flatcheck_verdict { FLATCHECK_EQUAL, FLATCHECK_DYNAMIC, FLATCHECK_DIFFERENT };

struct flatcheck {
    struct world *world;
    struct spf *spf;
    struct spfflat *flat; /* made for world and limits */
    struct spf_limits limits;
    struct dname domain;
    bool any_text; /* explanations may be left out for reasons that the texts do not tell */
    struct spfflat_policy policy;
    struct slice tables[SPFFLAT_FAMILIES]; /* p is owned */
    char told[800];                        /* what is wrong */
    bool has_text;                         /* the texts of both have been compared */
    enum spfresult result;                 /* of the last evaluation */
};

/* A text with this in it has macros that a flat policy can't expand: it may be left out. */
#define FLATCHECK_SENDER "[of the sender]"
/* Likewise, but only for IPv6 clients: their %{i} is no text that the tables have. */
#define FLATCHECK_DOTTED "[dotted]"

static inline struct spf_dns
world_dns(struct world *world)
{
    return (struct spf_dns){.lookup = world_lookup, .ctx = world};
}

static inline unsigned
flatcheck_family(const struct ip *ip)
{
    return ip_is4(ip) ? SPFFLAT_V4 : SPFFLAT_V6;
}

static inline bool
flatcheck_says(struct flatcheck *check, const char *what)
{
    (void)snprintf(check->told, sizeof check->told, "%s", what);
    return false;
}

static inline void
flatcheck_forget(struct flatcheck *check)
{
    for (unsigned i = 0; i < SPFFLAT_FAMILIES; i++) {
        free((void *)(uintptr_t)check->tables[i].p);
        check->tables[i] = slice_of(NULL, 0);
    }
}

/* What spftable.h demands of spans, and that their flags are right. */
static inline bool
flatcheck_spans(struct flatcheck *check)
{
    const struct spfflat_policy *policy = &check->policy;
    static const uint8_t zero[16];
    bool temperror = false, dynamic = false;

    for (unsigned f = 0; f < SPFFLAT_FAMILIES; f++) {
        const struct spftable_span *spans = policy->spans[f];
        uint8_t key[16];

        if (policy->span_counts[f] == 0)
            return flatcheck_says(check, "a family without spans");
        for (size_t i = 0; i < policy->span_counts[f]; i++) {
            if (flatcheck_family(&spans[i].start) != f)
                return flatcheck_says(check, "a span of the other family");
            if (i > 0 && ip_cmp(&spans[i - 1].start, &spans[i].start) >= 0)
                return flatcheck_says(check, "spans that are not sorted");
            if (spans[i].result > SPFRESULT_UNKNOWN || spans[i].text > policy->text_count)
                return flatcheck_says(check, "a span with a wrong result or text");
            if (spans[i].text != 0 && spans[i].result != SPFRESULT_FAIL &&
                spans[i].result != SPFRESULT_PERMERROR && spans[i].result != SPFRESULT_UNKNOWN)
                return flatcheck_says(check, "a text where none belongs");
            temperror |= spans[i].result == SPFRESULT_UNKNOWN;
            dynamic |= spans[i].result == SPFRESULT_DYNAMIC;
        }
        size_t n = ip_key(&spans[0].start, key);
        if (memcmp(key, zero, n) != 0)
            return flatcheck_says(check, "spans that do not begin at the lowest address");
    }
    if (temperror != policy->temperror || dynamic != policy->dynamic)
        return flatcheck_says(check, "a wrong temperror or dynamic");
    return true;
}

/* All of a family pass: passes_world must say so. None of either does: it must not. */
static inline bool
flatcheck_world(struct flatcheck *check)
{
    const struct spfflat_policy *policy = &check->policy;
    bool all = false, any = false;

    for (unsigned f = 0; f < SPFFLAT_FAMILIES; f++) {
        bool each = true;

        for (size_t i = 0; i < policy->span_counts[f]; i++) {
            each &= policy->spans[f][i].result == SPFRESULT_PASS;
            any |= policy->spans[f][i].result == SPFRESULT_PASS;
        }
        all |= each;
    }
    if ((all && !policy->passes_world) || (!any && policy->passes_world))
        return flatcheck_says(check, "a wrong passes_world");
    return true;
}

/* A walk over a table beside the spans that it was made of. */
struct flatcheck_walk {
    const struct spfflat_policy *policy;
    unsigned family;
    size_t at; /* the next span */
    bool good;
};

static inline enum err
flatcheck_interval(void *ctx, const struct range *range, const struct spftable_hit *hit)
{
    struct flatcheck_walk *walk = ctx;
    const struct spfflat_policy *policy = walk->policy;
    size_t count = policy->span_counts[walk->family];
    const struct spftable_span *spans = policy->spans[walk->family], *span = &spans[walk->at];

    walk->good = walk->at < count && ip_cmp(&range->first, &span->start) == 0 &&
                 span->result == hit->result &&
                 slice_cmp(hit->text,
                     span->text == 0 ? slice_of(NULL, 0) : policy->texts[span->text - 1]) == 0;
    if (!walk->good)
        return ERR_FORMAT;
    /* Neighbours that say the same have become one. */
    do
        walk->at++;
    while (walk->at < count && spans[walk->at].result == span->result &&
           spans[walk->at].text == span->text);
    struct ip last = range->last;
    bool more = ip_next(&last);
    walk->good = more == (walk->at < count);
    /* Behind the lowest 2^32 times 2^16 IPv6 addresses there are the mapped ones. */
    if (more && walk->good && ip_cmp(&last, &spans[walk->at].start) != 0)
        walk->good = walk->family == SPFFLAT_V6 && ip_family(&last) == IP_V4;
    return walk->good ? ERR_OK : ERR_FORMAT;
}

/* Flattens check->domain, and builds the tables. ERR_OK, or what is wrong is in check->told. */
static inline enum err
flatcheck_make(struct flatcheck *check)
{
    static const enum ip_family families[SPFFLAT_FAMILIES] = {IP_V4, IP_V6};
    struct spfflat_policy *policy = &check->policy;

    flatcheck_forget(check);
    if (spfflat_make(check->flat, &check->domain, policy) != ERR_OK)
        return flatcheck_says(check, "spfflat_make failed"), ERR_NOMEM;
    if (policy->pending)
        return flatcheck_says(check, "pending, with all answers there"), ERR_BUSY;
    if (!flatcheck_spans(check) || !flatcheck_world(check))
        return ERR_FORMAT;
    for (unsigned f = 0; f < SPFFLAT_FAMILIES; f++) {
        struct flatcheck_walk walk = {.policy = policy, .family = f};
        uint8_t *table;
        size_t n;

        if (spftable_build(families[f], policy->spans[f], policy->span_counts[f], policy->texts,
                policy->text_count, &table, &n) != ERR_OK)
            return flatcheck_says(check, "spftable_build failed"), ERR_NOMEM;
        check->tables[f] = slice_of(table, n);
        if (spftable_each(check->tables[f], families[f], flatcheck_interval, &walk) != ERR_OK ||
            walk.at != policy->span_counts[f])
            return flatcheck_says(check, "spftable_each has other intervals"), ERR_FORMAT;
    }
    return ERR_OK;
}

static inline enum spfresult
flatcheck_result(const struct spf_result *result)
{
    if (result->temperror)
        return SPFRESULT_UNKNOWN;
    return (enum spfresult)((int)result->reason - (int)REASON_SPF_NONE);
}

/* Whether an explanation may be left out. */
static inline bool
flatcheck_may_omit(const struct flatcheck *check, const struct ip *ip, const char *wanted)
{
    char domain[SPFMACRO_DOMAIN_SIZE];

    spfmacro_domain(&check->domain, domain);
    return (check->any_text && check->result == SPFRESULT_FAIL) ||
           strstr(wanted, FLATCHECK_SENDER) != NULL ||
           (!ip_is4(ip) && strstr(wanted, FLATCHECK_DOTTED) != NULL) ||
           strchr(domain, SPFTABLE_CLIENT) != NULL || check->policy.text_count == UINT8_MAX;
}

/* The texts of one result must be the same. */
static inline bool
flatcheck_text(struct flatcheck *check, const struct spf_result *result, const struct ip *ip,
    struct slice text)
{
    const char *wanted = "";
    char got[sizeof result->explanation];

    if (check->result == SPFRESULT_FAIL)
        wanted = result->explanation;
    else if (check->result == SPFRESULT_PERMERROR || check->result == SPFRESULT_UNKNOWN)
        wanted = result->why;
    (void)spftable_text(text, ip, got, sizeof got);
    check->has_text = text.n > 0;
    if (text.n == 0)
        return wanted[0] == '\0' || flatcheck_may_omit(check, ip, wanted);
    return strcmp(got, wanted) == 0;
}

static inline void
flatcheck_tell(struct flatcheck *check, const struct ip *ip, const struct spftable_hit *hit,
    const struct spf_result *result)
{
    char address[IP_TEXT_SIZE], domain[DNAME_TEXT_SIZE];

    ip_format(ip, address);
    (void)dname_format(&check->domain, domain);
    (void)snprintf(check->told, sizeof check->told,
        "%.100s from %s (limits %u, %u)\n  flat:       %s \"%.*s\"\n"
        "  evaluation: %s \"%s\" \"%.200s\"",
        domain, address, check->limits.lookups, check->limits.voids, spfresult_name(hit->result),
        hit->text.n > 200 ? 200 : (int)hit->text.n, (const char *)hit->text.p,
        spfresult_name(check->result), result->why, result->explanation);
}

/* One address, after flatcheck_make. Of FLATCHECK_DIFFERENT, check->told says what. */
static inline enum flatcheck_verdict
flatcheck_address(struct flatcheck *check, const struct ip *ip)
{
    struct spf_query query = {.ip = *ip,
        .domain = check->domain,
        .local = "joe",
        .helo = "mail.helo.test",
        .dns = world_dns(check->world),
        .limits = check->limits,
        .now_s = 1700000000};
    struct spftable_hit hit;
    struct spf_result result;
    unsigned f = flatcheck_family(ip);

    check->has_text = false;
    if (spftable_find(check->tables[f], ip, &hit) != ERR_OK)
        return flatcheck_says(check, "spftable_find failed"), FLATCHECK_DIFFERENT;
    check->world->asked_client = false;
    spf_check(check->spf, &query, &result);
    check->result = flatcheck_result(&result);
    bool depends = check->world->asked_client || result.uses_local || result.uses_helo;
    if (hit.result == SPFRESULT_DYNAMIC && (depends || check->world->client.len == 0))
        return FLATCHECK_DYNAMIC;
    /* An explanation may depend on the client. */
    depends &= check->result != SPFRESULT_FAIL || result.uses_local || result.uses_helo;
    /* The explanation's look-up is the one that a flat policy may leave out. */
    bool expiry = check->result == SPFRESULT_FAIL || check->policy.expires_s <= result.expires_s;
    if (result.status == SPF_DONE && check->result == hit.result && expiry && !depends &&
        flatcheck_text(check, &result, ip, hit.text))
        return FLATCHECK_EQUAL;
    flatcheck_tell(check, ip, &hit, &result);
    return FLATCHECK_DIFFERENT;
}

#endif
