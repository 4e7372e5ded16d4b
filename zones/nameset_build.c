/* Name sets: packing. For the loader. See nameset.h. */
#include <stdlib.h>

#include "nameset.h"

#include "be.h"

enum {
    ENTRY_MAX = DNAME_KEY_MAX + 16, /* the most bytes of one entry and its pair of slots */

    SLOT_MAX = UINT16_MAX,
    ANCESTORS_MAX = 128,
    VALUE_MAX = 30000
};

struct packed {
    uint8_t key[DNAME_KEY_MAX];
    size_t key_n;
    uint32_t exact, wild; /* slots */
    uint32_t pair;        /* their number in the block */
};

/* The pairs of slots of a block, each once. */
struct pairs {
    const struct packed **first; /* an entry that has it */
    uint32_t count;
};

struct nameset_builder {
    uint16_t dataset;
    store_emit_fn emit;
    void *ctx;
    struct packed *entries; /* of the block being filled */
    size_t entry_count, entry_room;
    bool full; /* it ends after its last entry */
    struct slice *dict;
    size_t dict_count, dict_room, bytes;
    /* Wildcards at the last name seen and above it, values borrowed from the caller's entries. */
    struct {
        struct packed entry;
        struct nameset_slot wild;
    } above[ANCESTORS_MAX], context[ANCESTORS_MAX];
    size_t above_count, context_count;
};

/* FNV-1a with a final mix, so that the low bits depend on the whole key. */
static uint32_t
key_hash(const uint8_t *key, size_t n)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ key[i]) * 16777619U;
    hash ^= hash >> 15;
    hash *= 2246822519U;
    return hash ^ hash >> 13;
}

static enum err
slot_number(struct nameset_builder *build, const struct nameset_slot *slot, uint32_t *out)
{
    *out = slot->kind == NAMESET_SLOT_EXCLUDED ? 1 : 0;
    if (slot->kind != NAMESET_SLOT_VALUE)
        return ERR_OK;
    if (slot->value.n > VALUE_MAX)
        return ERR_RANGE;
    size_t i = 0;
    while (i < build->dict_count && slice_cmp(build->dict[i], slot->value) != 0)
        i++;
    if (i == build->dict_count) {
        if (i == build->dict_room) {
            size_t room = build->dict_room == 0 ? 64 : build->dict_room * 2;
            struct slice *grown = reallocarray(build->dict, room, sizeof *grown);
            if (grown == NULL)
                return ERR_NOMEM;
            build->dict = grown;
            build->dict_room = room;
        }
        build->dict[build->dict_count++] = slot->value;
        build->bytes += 2 + slot->value.n;
    }
    *out = (uint32_t)i + 2;
    return ERR_OK;
}

static uint8_t *
put_varint(uint8_t *out, uint32_t n)
{
    for (; n >= 0x80; n >>= 7)
        *out++ = (uint8_t)(n | 0x80);
    *out++ = (uint8_t)n;
    return out;
}

/* Bytes that the keys have in common, as far as an entry can say it. */
static size_t
shared_of(const struct packed *a, const struct packed *b)
{
    size_t n = 0;
    while (n < UINT8_MAX && n < a->key_n && n < b->key_n && a->key[n] == b->key[n])
        n++;
    return n;
}

static uint8_t *
put_entry(uint8_t *out, const struct packed *entry, const struct packed *before,
    const struct pairs *pairs)
{
    size_t shared = before == NULL ? 0 : shared_of(before, entry);
    *out++ = (uint8_t)shared;
    out = put_varint(out, (uint32_t)(entry->key_n - shared));
    memcpy(out, entry->key + shared, entry->key_n - shared);
    out += entry->key_n - shared;
    return pairs->count > 1 ? put_varint(out, entry->pair) : out;
}

/* Neighbours mostly have the same pair, and a block has few. */
static void
number_pair(struct pairs *pairs, struct packed *entry)
{
    uint32_t i = 0;
    while (i < pairs->count &&
           (pairs->first[i]->exact != entry->exact || pairs->first[i]->wild != entry->wild))
        i++;
    if (i == pairs->count)
        pairs->first[pairs->count++] = entry;
    entry->pair = i;
}

/* What the block's own entry i shares bytes with. */
static const struct packed *
before_of(const struct nameset_builder *build, size_t i)
{
    if (i == 0)
        return NULL;
    return &build->entries[i % NAMESET_GROUP == 0 ? 0 : i - 1];
}

/* Entries of a block and of its context stay far below the 64 KiB that an offset can say. */
static uint8_t *
put_entries(uint8_t *out, const struct nameset_builder *build, const struct packed *context,
    const struct pairs *pairs)
{
    uint8_t *start = out;
    if (build->entry_count > 0)
        out += (build->entry_count - 1) / NAMESET_GROUP * 2;
    const uint8_t *base = out;
    for (size_t i = 0; i < build->context_count; i++)
        out = put_entry(out, &context[i], i == 0 ? NULL : &context[i - 1], pairs);
    for (size_t i = 0; i < build->entry_count; i++) {
        if (i > 0 && i % NAMESET_GROUP == 0)
            start = be_put(start, (size_t)(out - base), 2);
        out = put_entry(out, &build->entries[i], before_of(build, i), pairs);
    }
    return out;
}

/* Everything behind the key. */
static uint8_t *
put_block(uint8_t *out, const struct nameset_builder *build, const struct packed *context,
    const struct pairs *pairs)
{
    *out++ = (uint8_t)(NAMESET_GROUPED | build->context_count);
    out = be_put(be_put(out, build->dict_count, 2), pairs->count, 2);
    out = be_put(out, build->entry_count, 2);
    for (size_t i = 0; i < build->dict_count; i++) {
        out = be_put(out, build->dict[i].n, 2);
        memcpy(out, build->dict[i].p, build->dict[i].n);
        out += build->dict[i].n;
    }
    for (uint32_t i = 0; i < pairs->count; i++)
        out = be_put(be_put(out, pairs->first[i]->exact, 2), pairs->first[i]->wild, 2);
    return put_entries(out, build, context, pairs);
}

static enum err
emit_record(struct nameset_builder *build, bool last, struct slice value)
{
    struct store_key key;
    const struct packed *final = &build->entries[build->entry_count - 1];
    store_key_init(&key, STORE_NAME, build->dataset, last ? NAMESET_LAST : NAMESET_INNER);
    if (!last)
        store_key_add(&key, final->key, final->key_n);
    build->entry_count = build->dict_count = build->bytes = 0;
    return build->emit(build->ctx, store_key_slice(&key), value);
}

static enum err
emit_block(struct nameset_builder *build, bool last)
{
    struct packed context[ANCESTORS_MAX];
    size_t count = build->entry_count + build->context_count;
    for (size_t i = 0; i < build->context_count; i++) {
        context[i] = build->context[i].entry;
        enum err err = slot_number(build, &build->context[i].wild, &context[i].wild);
        if (err < 0)
            return err;
    }
    if (build->dict_count + 1 > SLOT_MAX)
        return ERR_RANGE;
    struct pairs pairs = {.first = calloc(count, sizeof *pairs.first)};
    uint8_t *value = malloc(64 + build->bytes + count * (size_t)ENTRY_MAX);
    enum err err = pairs.first == NULL || value == NULL ? ERR_NOMEM : ERR_OK;
    if (err == ERR_OK) {
        for (size_t i = 0; i < build->context_count; i++)
            number_pair(&pairs, &context[i]);
        for (size_t i = 0; i < build->entry_count; i++)
            number_pair(&pairs, &build->entries[i]);
        size_t n = (size_t)(put_block(value, build, context, &pairs) - value);
        err = emit_record(build, last, slice_of(value, n));
    }
    free(pairs.first);
    free(value);
    return err;
}

/* The context of a block is what lies above the last name before it. */
static void
start_block(struct nameset_builder *build)
{
    memcpy(build->context, build->above, build->above_count * sizeof *build->above);
    build->context_count = build->above_count;
}

static void
follow_above(
    struct nameset_builder *build, const struct packed *entry, const struct nameset_slot *wild)
{
    while (build->above_count > 0) {
        const struct packed *top = &build->above[build->above_count - 1].entry;
        if (top->key_n <= entry->key_n && memcmp(top->key, entry->key, top->key_n) == 0)
            break;
        build->above_count--;
    }
    if (wild->kind == NAMESET_SLOT_EMPTY)
        return;
    build->above[build->above_count].entry = *entry;
    build->above[build->above_count].entry.exact = 0;
    build->above[build->above_count++].wild = *wild;
}

static enum err
add_entry(struct nameset_builder *build, const struct nameset_entry *from)
{
    if (build->entry_count == build->entry_room) {
        size_t room = build->entry_room == 0 ? 256 : build->entry_room * 2;
        struct packed *grown = reallocarray(build->entries, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        build->entries = grown;
        build->entry_room = room;
    }
    if (build->entry_count == 0)
        start_block(build);
    struct packed *entry = &build->entries[build->entry_count];
    entry->key_n = dname_key(&from->name, entry->key);
    enum err err = slot_number(build, &from->exact, &entry->exact);
    if (err == ERR_OK)
        err = slot_number(build, &from->wild, &entry->wild);
    if (err < 0)
        return err;
    build->entry_count++;
    /* An upper bound without front coding would cut blocks too early; the shared part counts. */
    const struct packed *before = before_of(build, build->entry_count - 1);
    build->bytes += 6 + entry->key_n - (before == NULL ? 0 : shared_of(before, entry));
    follow_above(build, entry, &from->wild);
    return ERR_OK;
}

enum err
nameset_builder_open(uint16_t dataset, store_emit_fn emit, void *ctx, struct nameset_builder **out)
{
    struct nameset_builder *build = calloc(1, sizeof *build);
    *out = build;
    if (build == NULL)
        return ERR_NOMEM;
    build->dataset = dataset;
    build->emit = emit;
    build->ctx = ctx;
    return ERR_OK;
}

void
nameset_builder_close(struct nameset_builder **builder)
{
    if (*builder == NULL)
        return;
    free((*builder)->entries);
    free((*builder)->dict);
    free(*builder);
    *builder = NULL;
}

static enum err
begin_below(void *ctx, const struct nameset_entry *entry)
{
    struct nameset_builder *build = ctx;
    struct packed packed = {0};
    if (build->above_count == ANCESTORS_MAX)
        return ERR_FORMAT;
    packed.key_n = dname_key(&entry->name, packed.key);
    follow_above(build, &packed, &entry->wild);
    return ERR_OK;
}

enum err
nameset_builder_begin(struct nameset_builder *builder, struct slice value)
{
    builder->above_count = builder->entry_count = builder->dict_count = builder->bytes = 0;
    builder->full = false;
    return nameset_block_context(value, begin_below, builder);
}

enum err
nameset_builder_add(struct nameset_builder *builder, const struct nameset_entry *entry)
{
    enum err err = builder->full ? emit_block(builder, false) : ERR_OK;
    builder->full = false;
    if (err == ERR_OK)
        err = add_entry(builder, entry);
    if (err < 0)
        return err;
    const struct packed *last = &builder->entries[builder->entry_count - 1];
    builder->full = builder->bytes >= NAMESET_BLOCK_MAX || builder->entry_count == UINT16_MAX ||
                    key_hash(last->key, last->key_n) % NAMESET_BLOCK_MEAN == 0;
    return ERR_OK;
}

bool
nameset_builder_ends(const struct nameset_builder *builder, struct slice key)
{
    if (!builder->full)
        return false;
    const struct packed *last = &builder->entries[builder->entry_count - 1];
    return slice_cmp(slice_of(last->key, last->key_n), key) == 0;
}

enum err
nameset_builder_end(struct nameset_builder *builder, bool last)
{
    builder->full = false;
    return builder->entry_count == 0 ? ERR_OK : emit_block(builder, last);
}

enum err
nameset_build(uint16_t dataset, const struct nameset_entry *entries, size_t count,
    store_emit_fn emit, void *ctx)
{
    struct nameset_builder *builder;
    enum err err = nameset_builder_open(dataset, emit, ctx, &builder);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = nameset_builder_add(builder, &entries[i]);
    if (err == ERR_OK)
        err = nameset_builder_end(builder, true);
    nameset_builder_close(&builder);
    return err;
}
