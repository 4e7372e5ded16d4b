/* The policies of a run; see spfpolicies.h. */
#include "loader/spfpolicies.h"

#include <stdlib.h>
#include <sys/random.h>

#include "loader/namemap.h"
#include "zones/fnv.h"

_Static_assert((int)PAIRSET_V4 == (int)SPFFLAT_V4 && (int)PAIRSET_V6 == (int)SPFFLAT_V6,
    "families are numbered alike");

/* A table that is held once; owned. */
struct held {
    uint64_t hash;
    uint8_t *bytes;
    size_t n;
};

struct spfpolicies {
    struct spfflat *flat;
    struct namemap domains;
    struct entry {
        unsigned round; /* when it was made last */
        struct spfpolicy policy;
    } * entries; /* beside domains.names */
    size_t room;
    unsigned round;
    uint64_t secret; /* policies come from strangers, who must not choose the slots */
    struct held *held;
    size_t held_count, held_size; /* held_size is 0 or a power of two */
};

enum err
spfpolicies_new(
    const struct spf_dns *dns, const struct spf_limits *limits, struct spfpolicies **out)
{
    struct spfpolicies *policies = calloc(1, sizeof *policies);

    *out = policies;
    if (policies == NULL)
        return ERR_NOMEM;
    policies->round = 1;
    enum err err = spfflat_open(dns, limits, &policies->flat);
    if (err == ERR_OK && getrandom(&policies->secret, sizeof policies->secret, 0) !=
                             (ssize_t)sizeof policies->secret)
        err = ERR_IO;
    if (err < 0)
        spfpolicies_free(out);
    return err;
}

void
spfpolicies_free(struct spfpolicies **out)
{
    struct spfpolicies *policies = *out;

    *out = NULL;
    if (policies == NULL)
        return;
    spfflat_close(&policies->flat);
    namemap_free(&policies->domains);
    free(policies->entries);
    for (size_t i = 0; i < policies->held_size; i++)
        free(policies->held[i].bytes);
    free(policies->held);
    free(policies);
}

/* The slot of a table with this content, or the free one where it belongs. */
static struct held *
find_held(const struct spfpolicies *policies, uint64_t hash, struct slice bytes)
{
    size_t mask = policies->held_size - 1;

    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct held *held = &policies->held[i];

        if (held->bytes == NULL ||
            (held->hash == hash && slice_cmp(slice_of(held->bytes, held->n), bytes) == 0))
            return held;
    }
}

static enum err
grow_held(struct spfpolicies *policies)
{
    struct spfpolicies old = *policies;

    if (policies->held_count * 2 < policies->held_size)
        return ERR_OK;
    size_t size = old.held_size == 0 ? 1024 : old.held_size * 2;
    struct held *held = calloc(size, sizeof *held);
    if (held == NULL)
        return ERR_NOMEM;
    policies->held = held;
    policies->held_size = size;
    for (size_t i = 0; i < old.held_size; i++)
        if (old.held[i].bytes != NULL)
            *find_held(policies, old.held[i].hash, slice_of(old.held[i].bytes, old.held[i].n)) =
                old.held[i];
    free(old.held);
    return ERR_OK;
}

/* Takes over bytes. */
static enum err
hold(struct spfpolicies *policies, uint8_t *bytes, size_t n, struct slice *out)
{
    enum err err = grow_held(policies);

    if (err < 0) {
        free(bytes);
        return err;
    }
    uint64_t hash = fnv_add(policies->secret, bytes, n);
    hash ^= hash >> 29;
    struct held *held = find_held(policies, hash, slice_of(bytes, n));
    if (held->bytes != NULL) {
        free(bytes);
    } else {
        *held = (struct held){hash, bytes, n};
        policies->held_count++;
    }
    *out = slice_of(held->bytes, held->n);
    return ERR_OK;
}

static enum err
make(struct spfpolicies *policies, const struct dname *domain, struct spfpolicy *out)
{
    static const enum ip_family families[] = {IP_V4, IP_V6};
    struct spfflat_policy flat;

    enum err err = spfflat_make(policies->flat, domain, &flat);
    if (err < 0 || flat.pending)
        return err;
    for (unsigned i = 0; i < PAIRSET_FAMILIES && err == ERR_OK; i++) {
        uint8_t *bytes;
        size_t n;

        err = spftable_build(families[i], flat.spans[i], flat.span_counts[i], flat.texts,
            flat.text_count, &bytes, &n);
        if (err == ERR_OK)
            err = hold(policies, bytes, n, &out->tables[i]);
    }
    out->temperror = flat.temperror;
    out->dynamic = flat.dynamic;
    out->passes_world = flat.passes_world;
    out->expires_s = flat.expires_s;
    out->ready = err == ERR_OK;
    return err;
}

enum err
spfpolicies_get(struct spfpolicies *policies, const struct dname *domain, struct spfpolicy *out)
{
    size_t number;
    enum err err = namemap_number(&policies->domains, domain, &number);

    *out = (struct spfpolicy){0};
    if (err < 0)
        return err;
    if (policies->domains.room > policies->room) {
        size_t room = policies->domains.room;
        struct entry *grown = reallocarray(policies->entries, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        for (size_t i = policies->room; i < room; i++)
            grown[i] = (struct entry){0};
        policies->entries = grown;
        policies->room = room;
    }
    struct entry *entry = &policies->entries[number];
    if (!entry->policy.ready && entry->round != policies->round) {
        entry->round = policies->round;
        err = make(policies, domain, &entry->policy);
    }
    *out = entry->policy;
    return err;
}

void
spfpolicies_again(struct spfpolicies *policies)
{
    policies->round++;
}

enum err
spfpolicy_find(const struct spfpolicy *policy, const struct ip *ip, struct spftable_hit *out)
{
    return spftable_find(policy->tables[ip_is4(ip) ? PAIRSET_V4 : PAIRSET_V6], ip, out);
}

size_t
spfpolicies_tables(const struct spfpolicies *policies)
{
    return policies->held_count;
}
