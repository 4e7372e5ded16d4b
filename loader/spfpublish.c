/* The pair dataset on its way; see spfpublish.h. */
#include "loader/spfpublish.h"

#include <stdlib.h>

#include "loader/previous.h"

enum { DAY_S = 86400 };

/* A copy of a table that the store serves; owned. */
struct kept {
    struct kept *next;
    uint8_t bytes[];
};

/* A policy or pair while they are sorted. */
struct sorted {
    struct slice key; /* dname_key of the domain */
    struct ip ip;     /* of a pair */
    size_t number;    /* in the list as it was */
};

struct spfpublish {
    struct kvread *previous; /* NULL: no such dataset */
    uint16_t dataset;        /* in previous */
    uint32_t keep_s;
    int64_t now_s;
    struct pairset_policy *policies;
    size_t policy_count, policy_room;
    struct pairset_entry *pairs;
    size_t pair_count, pair_room;
    struct kept *kept;
};

enum err
spfpublish_new(struct kvread *previous, const char *dataset, uint32_t keep_s, int64_t now_s,
    struct spfpublish **out)
{
    struct spfpublish *publish = calloc(1, sizeof *publish);
    struct dataset info;

    *out = publish;
    if (publish == NULL)
        return ERR_NOMEM;
    publish->keep_s = keep_s;
    publish->now_s = now_s;
    enum err err = previous == NULL ? ERR_NOTFOUND : previous_dataset(previous, dataset, &info);
    if (err == ERR_OK && info.kind == DATASET_PAIR) {
        publish->previous = previous;
        publish->dataset = info.id;
    }
    if (err == ERR_OK || err == ERR_NOTFOUND)
        return ERR_OK;
    spfpublish_free(out);
    return err;
}

void
spfpublish_free(struct spfpublish **out)
{
    struct spfpublish *publish = *out;

    *out = NULL;
    if (publish == NULL)
        return;
    for (struct kept *kept = publish->kept, *next; kept != NULL; kept = next) {
        next = kept->next;
        free(kept);
    }
    free(publish->policies);
    free(publish->pairs);
    free(publish);
}

/* The store may be closed before the set is used. */
static enum err
keep_table(struct spfpublish *publish, struct slice *table)
{
    struct kept *kept = malloc(sizeof *kept + table->n);

    if (kept == NULL)
        return ERR_NOMEM;
    memcpy(kept->bytes, table->p, table->n);
    kept->next = publish->kept;
    publish->kept = kept;
    *table = slice_of(kept->bytes, table->n);
    return ERR_OK;
}

static enum err
keep_policy(
    struct spfpublish *publish, const struct pairset_policy *before, struct pairset_policy *out)
{
    enum err err = ERR_OK;

    *out = *before;
    for (unsigned i = 0; i < PAIRSET_FAMILIES && err == ERR_OK; i++)
        err = keep_table(publish, &out->tables[i]);
    return err;
}

static uint16_t
limit_day(int64_t time_s)
{
    int64_t day = (time_s + DAY_S - 1) / DAY_S;

    return (uint16_t)(day < 1 ? 1 : day > UINT16_MAX ? UINT16_MAX : day);
}

enum err
spfpublish_policy(
    struct spfpublish *publish, const struct dname *domain, const struct spfpolicy *policy)
{
    struct pairset_policy before;
    enum err err = publish->previous == NULL
                       ? ERR_NOTFOUND
                       : pairset_policy(publish->previous, publish->dataset, domain, &before);

    if (err < 0 && err != ERR_NOTFOUND)
        return err;
    bool known = err == ERR_OK, endless = known && before.limit_day == 0;
    int64_t limit_s = known ? (int64_t)before.limit_day * DAY_S : 0;
    uint16_t renewed = limit_day(publish->now_s + publish->keep_s + publish->keep_s / 2);
    if (publish->policy_count == publish->policy_room) {
        size_t room = publish->policy_room * 2 + 64;
        struct pairset_policy *grown = reallocarray(publish->policies, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        publish->policies = grown;
        publish->policy_room = room;
    }
    struct pairset_policy *out = &publish->policies[publish->policy_count++];
    if (policy->temperror && (endless || limit_s > publish->now_s)) {
        err = keep_policy(publish, &before, out);
    } else {
        err = ERR_OK;
        out->domain = *domain;
        memcpy(out->tables, policy->tables, sizeof out->tables);
        bool far = limit_s >= publish->now_s + publish->keep_s && before.limit_day <= renewed;
        out->limit_day = far ? before.limit_day : renewed;
    }
    /* The setting may have changed since. */
    if (publish->keep_s == 0)
        out->limit_day = 0;
    else if (out->limit_day == 0 || out->limit_day > renewed)
        out->limit_day = renewed;
    return err;
}

enum err
spfpublish_pair(
    struct spfpublish *publish, const struct dname *domain, const struct ip *ip, enum reason reason)
{
    if (publish->pair_count == publish->pair_room) {
        size_t room = publish->pair_room * 2 + 64;
        struct pairset_entry *grown = reallocarray(publish->pairs, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        publish->pairs = grown;
        publish->pair_room = room;
    }
    publish->pairs[publish->pair_count++] =
        (struct pairset_entry){.domain = *domain, .ip = *ip, .reason = reason};
    return ERR_OK;
}

enum err
spfpublish_keep_pair(struct spfpublish *publish, const struct dname *domain, const struct ip *ip)
{
    struct pairset_hit hit;

    if (publish->previous == NULL)
        return ERR_OK;
    enum err err =
        pairset_lookup(publish->previous, publish->dataset, ip, domain, publish->now_s, &hit);
    if (err < 0 || hit.match != PAIRSET_FOUND || !hit.seen)
        return err;
    return spfpublish_pair(publish, domain, ip, spfresult_reason(hit.result));
}

static int
sorted_cmp(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    int order = slice_cmp(x->key, y->key);

    return order != 0 ? order : ip_cmp(&x->ip, &y->ip);
}

/* The order of count domains, and addresses where there are some; element i is at items + i * size.
 * The caller frees both *order and *keys, also on failure. */
static enum err
sort(const uint8_t *items, size_t size, size_t domain_at, const size_t *ip_at, size_t count,
    struct sorted **order, uint8_t **keys)
{
    size_t n = 0;
    uint8_t key[DNAME_KEY_MAX];

    for (size_t i = 0; i < count; i++)
        n += dname_key((const struct dname *)(const void *)(items + i * size + domain_at), key);
    *order = calloc(count + 1, sizeof **order);
    *keys = malloc(n + 1);
    if (*order == NULL || *keys == NULL)
        return ERR_NOMEM;
    n = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *item = items + i * size;
        size_t len = dname_key((const struct dname *)(const void *)(item + domain_at), *keys + n);

        (*order)[i] = (struct sorted){.key = slice_of(*keys + n, len), .number = i};
        if (ip_at != NULL)
            memcpy(&(*order)[i].ip, item + *ip_at, sizeof(struct ip));
        n += len;
    }
    if (count > 1)
        qsort(*order, count, sizeof **order, sorted_cmp);
    return ERR_OK;
}

static enum err
sort_policies(struct spfpublish *publish)
{
    size_t count = publish->policy_count;
    struct sorted *order;
    uint8_t *keys;
    struct pairset_policy *out = calloc(count + 1, sizeof *out);
    enum err err = sort((const uint8_t *)publish->policies, sizeof *out,
        offsetof(struct pairset_policy, domain), NULL, count, &order, &keys);

    err = out == NULL ? ERR_NOMEM : err;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        out[i] = publish->policies[order[i].number];
    free(order);
    free(keys);
    if (err < 0) {
        free(out);
        return err;
    }
    free(publish->policies);
    publish->policies = out;
    return ERR_OK;
}

static enum err
sort_pairs(struct spfpublish *publish)
{
    static const size_t ip_at = offsetof(struct pairset_entry, ip);
    size_t count = publish->pair_count, kept = 0;
    struct sorted *order;
    uint8_t *keys;
    struct pairset_entry *out = calloc(count + 1, sizeof *out);
    enum err err = sort((const uint8_t *)publish->pairs, sizeof *out,
        offsetof(struct pairset_entry, domain), &ip_at, count, &order, &keys);

    err = out == NULL ? ERR_NOMEM : err;
    for (size_t i = 0; err == ERR_OK && i < count; i++) /* a pair may have come twice */
        if (i == 0 || sorted_cmp(&order[i - 1], &order[i]) != 0)
            out[kept++] = publish->pairs[order[i].number];
    free(order);
    free(keys);
    if (err < 0) {
        free(out);
        return err;
    }
    free(publish->pairs);
    publish->pairs = out;
    publish->pair_count = kept;
    return ERR_OK;
}

enum err
spfpublish_finish(struct spfpublish *publish, struct publish_set *out)
{
    enum err err = sort_policies(publish);

    if (err == ERR_OK)
        err = sort_pairs(publish);
    if (err < 0)
        return err;
    out->policies = publish->policies;
    out->policy_count = publish->policy_count;
    out->pairs = publish->pairs;
    out->count = publish->pair_count;
    return ERR_OK;
}
