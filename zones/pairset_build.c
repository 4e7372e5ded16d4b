/* Pairs: packing. For the loader. See pairset.h. */
#include <stdlib.h>

#include "pairset.h"

#include "be.h"
#include "fnv.h"

enum { HEADER_SIZE = 12, FORM = 2 };

/* A table of a policy, on its way to an id. */
struct table {
    uint32_t hash;
    uint32_t policy;
    uint32_t id;
    bool first; /* of those with this content */
    struct slice bytes;
};

struct build {
    uint16_t dataset;
    const struct pairset_policy *policies;
    size_t count;
    store_emit_fn emit;
    void *ctx;
    struct table *tables[PAIRSET_FAMILIES];
    uint8_t (*values)[PAIRSET_VALUE_SIZE]; /* of the policies */
    struct nameset_entry *names;
};

static int
table_cmp(const void *a, const void *b)
{
    const struct table *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return slice_cmp(x->bytes, y->bytes);
}

static uint32_t
table_hash(struct slice bytes)
{
    uint64_t hash = fnv_add(FNV_START, bytes.p, bytes.n);
    return (uint32_t)(hash ^ hash >> 32);
}

/* Gives the different tables of a family their ids, and writes those into the values. */
static enum err
number_tables(struct build *build, unsigned family)
{
    struct table *tables = build->tables[family];
    uint64_t id = 0;
    for (size_t i = 0; i < build->count; i++) {
        struct slice bytes = build->policies[i].tables[family];
        tables[i] =
            (struct table){.hash = table_hash(bytes), .policy = (uint32_t)i, .bytes = bytes};
    }
    if (build->count > 1)
        qsort(tables, build->count, sizeof *tables, table_cmp);
    for (size_t i = 0; i < build->count; i++) {
        tables[i].first = i == 0 || table_cmp(&tables[i], &tables[i - 1]) != 0;
        if (tables[i].first)
            id = i > 0 && id >= tables[i].hash ? id + 1 : tables[i].hash;
        if (id > UINT32_MAX)
            return ERR_RANGE;
        tables[i].id = (uint32_t)id;
        (void)be_put(build->values[tables[i].policy] + (size_t)4 * family, id, 4);
    }
    return ERR_OK;
}

static enum err
emit_tables(const struct build *build, unsigned family)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < build->count && err == ERR_OK; i++) {
        const struct table *table = &build->tables[family][i];
        struct store_key key;
        if (!table->first)
            continue;
        pairset_table_key(&key, build->dataset, family, table->id);
        err = build->emit(build->ctx, store_key_slice(&key), table->bytes);
    }
    return err;
}

static enum err
emit_names(struct build *build)
{
    for (size_t i = 0; i < build->count; i++) {
        const struct pairset_policy *policy = &build->policies[i];
        (void)be_put(build->values[i] + 8, policy->limit_day, 2);
        build->names[i] = (struct nameset_entry){.name = policy->domain,
            .exact = {NAMESET_SLOT_VALUE, slice_of(build->values[i], PAIRSET_VALUE_SIZE)}};
    }
    return nameset_build(build->dataset, build->names, build->count, build->emit, build->ctx);
}

/* The addresses of one family, then their reasons. */
static uint8_t *
put_family(uint8_t *out, const struct pairset_entry *entries, size_t count, enum ip_family family)
{
    uint8_t address[16];
    for (size_t i = 0; i < count; i++) {
        if (ip_family(&entries[i].ip) != family)
            continue;
        size_t n = ip_key(&entries[i].ip, address);
        memcpy(out, address, n);
        out += n;
    }
    for (size_t i = 0; i < count; i++)
        if (ip_family(&entries[i].ip) == family)
            *out++ = (uint8_t)entries[i].reason;
    return out;
}

static enum err
emit_pairs(const struct build *build, const struct pairset_entry *entries, size_t count)
{
    size_t n4 = 0;
    for (size_t i = 0; i < count; i++)
        n4 += ip_is4(&entries[i].ip);
    uint8_t *value = malloc(HEADER_SIZE + count * 17);
    if (value == NULL)
        return ERR_NOMEM;
    uint8_t *out = be_put(be_put(value, FORM, 1), 0, 3);
    out = be_put(be_put(out, n4, 4), count - n4, 4);
    out = put_family(out, entries, count, IP_V4);
    out = put_family(out, entries, count, IP_V6);
    struct store_key key;
    uint8_t name[DNAME_KEY_MAX];
    store_key_init(&key, STORE_PAIR, build->dataset, 0);
    store_key_add(&key, name, dname_key(&entries->domain, name));
    enum err err =
        build->emit(build->ctx, store_key_slice(&key), slice_of(value, (size_t)(out - value)));
    free(value);
    return err;
}

static enum err
build_all(struct build *build, const struct pairset_entry *entries, size_t count)
{
    enum err err = build->count > UINT32_MAX ? ERR_RANGE : ERR_OK;
    for (unsigned family = 0; family < PAIRSET_FAMILIES && err == ERR_OK; family++)
        err = number_tables(build, family);
    if (err == ERR_OK)
        err = emit_names(build);
    for (size_t from = 0, to; from < count && err == ERR_OK; from = to) {
        for (to = from + 1; to < count; to++)
            if (!dname_equal(&entries[from].domain, &entries[to].domain))
                break;
        err = emit_pairs(build, entries + from, to - from);
    }
    for (unsigned family = 0; family < PAIRSET_FAMILIES && err == ERR_OK; family++)
        err = emit_tables(build, family);
    return err;
}

enum err
pairset_build(uint16_t dataset, const struct pairset_policy *policies, size_t policy_count,
    const struct pairset_entry *entries, size_t count, store_emit_fn emit, void *ctx)
{
    struct build build = {.dataset = dataset,
        .policies = policies,
        .count = policy_count,
        .emit = emit,
        .ctx = ctx,
        .values = calloc(policy_count + 1, sizeof *build.values),
        .names = calloc(policy_count + 1, sizeof *build.names)};
    bool room = build.values != NULL && build.names != NULL;
    for (unsigned family = 0; family < PAIRSET_FAMILIES; family++) {
        build.tables[family] = calloc(policy_count + 1, sizeof *build.tables[family]);
        room = room && build.tables[family] != NULL;
    }
    enum err err = room ? build_all(&build, entries, count) : ERR_NOMEM;
    for (unsigned family = 0; family < PAIRSET_FAMILIES; family++)
        free(build.tables[family]);
    free(build.values);
    free(build.names);
    return err;
}
