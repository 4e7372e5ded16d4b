/* Name sets: look-up. On the answer path. See nameset.h. */
#include "nameset.h"

#include "be.h"

enum { HEADER_SIZE = 7, PAIR_SIZE = 4, KEY_FIXED = 4 };

/* A block being read; at never passes end. */
struct reader {
    const uint8_t *dict, *pairs, *at, *end;
    unsigned dict_count, pair_count, context_count, entry_count;
    /* The entry read last: its key is shared bytes of the one before, and then rest. */
    const uint8_t *rest;
    size_t shared, key_n;
    uint32_t pair;
};

static enum err
reader_init(struct reader *reader, struct slice value)
{
    const uint8_t *in = value.p;
    if (value.n < HEADER_SIZE)
        return ERR_FORMAT;
    reader->context_count = in[0];
    reader->dict_count = (unsigned)be_get(in + 1, 2);
    reader->pair_count = (unsigned)be_get(in + 3, 2);
    reader->entry_count = (unsigned)be_get(in + 5, 2);
    reader->end = in + value.n;
    reader->at = reader->dict = in + HEADER_SIZE;
    reader->key_n = 0;
    for (unsigned i = 0; i < reader->dict_count; i++) {
        if (reader->end - reader->at < 2)
            return ERR_FORMAT;
        size_t n = (unsigned)be_get(reader->at, 2);
        reader->at += 2;
        if ((size_t)(reader->end - reader->at) < n)
            return ERR_FORMAT;
        reader->at += n;
    }
    reader->pairs = reader->at;
    if ((size_t)(reader->end - reader->at) / PAIR_SIZE < reader->pair_count)
        return ERR_FORMAT;
    reader->at += (size_t)reader->pair_count * PAIR_SIZE;
    return ERR_OK;
}

/* Inline: nearly all have one byte, and a block has many. */
static inline enum err
get_varint(struct reader *reader, uint32_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        if (reader->at == reader->end)
            return ERR_FORMAT;
        uint8_t byte = *reader->at++;
        *out |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return ERR_OK;
    }
    return ERR_FORMAT;
}

static enum err
read_entry(struct reader *reader)
{
    if (reader->at == reader->end)
        return ERR_FORMAT;
    size_t shared = *reader->at++;
    uint32_t rest;
    if (get_varint(reader, &rest) < 0 || shared > reader->key_n || rest > DNAME_KEY_MAX - shared ||
        (size_t)(reader->end - reader->at) < rest)
        return ERR_FORMAT;
    reader->rest = reader->at;
    reader->at += rest;
    reader->shared = shared;
    reader->key_n = shared + rest;
    reader->pair = 0;
    if ((reader->pair_count > 1 && get_varint(reader, &reader->pair) < 0) ||
        reader->pair >= reader->pair_count)
        return ERR_FORMAT;
    return ERR_OK;
}

static uint32_t
exact_slot(const struct reader *reader)
{
    return (uint32_t)be_get(reader->pairs + reader->pair * PAIR_SIZE, 2);
}

static uint32_t
wild_slot(const struct reader *reader)
{
    return (uint32_t)be_get(reader->pairs + reader->pair * PAIR_SIZE + 2, 2);
}

/* The value of a slot that is neither empty nor an exclusion. */
static enum err
slot_value(const struct reader *reader, uint32_t slot, struct slice *out)
{
    if (slot - 2 >= reader->dict_count)
        return ERR_FORMAT;
    const uint8_t *at = reader->dict;
    for (uint32_t i = 0; i < slot - 2; i++)
        at += 2 + (unsigned)be_get(at, 2);
    *out = slice_of(at + 2, (unsigned)be_get(at, 2));
    return ERR_OK;
}

/* What is looked for, and what the scan of a block has found. */
struct scan {
    const uint8_t *name;
    size_t name_n;
    size_t common; /* bytes that the name and the entry before have in common */
    uint32_t exact, wild;
    size_t wild_n; /* bytes of the name's key that the wildcard covers */
    bool below;
};

/* True when the scan is over: the entry lies past the name. Most entries have more in common with
 * the one before than the name has, and so lie before the name as that one does. */
static bool
scan_entry(const struct reader *reader, struct scan *scan)
{
    if (reader->shared > scan->common)
        return false;
    size_t n = reader->key_n < scan->name_n ? reader->key_n : scan->name_n;
    size_t at = reader->shared;
    const uint8_t *rest = reader->rest;
    while (at < n && *rest == scan->name[at])
        at++, rest++;
    scan->common = at;
    if (at < n)
        return *rest > scan->name[at];
    if (reader->key_n > scan->name_n) {
        scan->below = true;
        return true;
    }
    if (reader->key_n == scan->name_n) {
        scan->exact = exact_slot(reader);
        scan->below = true;
    } else if (wild_slot(reader) != 0) {
        scan->wild = wild_slot(reader);
        scan->wild_n = reader->key_n;
    }
    return false;
}

static enum err
take_hit(const struct reader *reader, const struct scan *scan, struct nameset_hit *out)
{
    uint32_t slot = scan->exact != 0 ? scan->exact : scan->wild;
    out->exists = scan->below || scan->wild != 0;
    if (slot == 0)
        return ERR_OK;
    out->match = slot == 1 ? NAMESET_EXCLUDED : scan->exact != 0 ? NAMESET_EXACT : NAMESET_WILD;
    enum err err = slot == 1 ? ERR_OK : slot_value(reader, slot, &out->value);
    if (err < 0)
        return err;
    size_t n = scan->exact != 0 ? scan->name_n : scan->wild_n;
    return dname_from_key(scan->name, n, &out->matched);
}

enum err
nameset_lookup(
    struct kvread *reader, uint16_t dataset, const struct dname *name, struct nameset_hit *out)
{
    uint8_t want[DNAME_KEY_MAX];
    size_t want_n = dname_key(name, want);
    struct store_key key;
    struct slice found, value;
    out->match = NAMESET_NONE;
    out->exists = false;
    store_key_init(&key, STORE_NAME, dataset, NAMESET_INNER);
    store_key_add(&key, want, want_n);
    enum err err = kvread_seek(reader, store_key_slice(&key), &found, &value);
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    if (err < 0)
        return err;
    /* An empty set has no block: the seek finds a record of another set. */
    if (found.n < KEY_FIXED || memcmp(found.p, key.b, KEY_FIXED - 1) != 0)
        return ERR_OK;
    struct reader block;
    err = reader_init(&block, value);
    struct scan scan = {.name = want, .name_n = want_n};
    for (unsigned i = 0; err == ERR_OK && i < block.context_count + block.entry_count; i++) {
        if (i == block.context_count)
            block.key_n = scan.common = 0;
        err = read_entry(&block);
        if (err == ERR_OK && scan_entry(&block, &scan))
            break;
    }
    return err < 0 ? err : take_hit(&block, &scan, out);
}

static enum err
entry_slot(const struct reader *reader, uint32_t slot, struct nameset_slot *out)
{
    *out = (struct nameset_slot){0};
    if (slot == 0)
        return ERR_OK;
    out->kind = slot == 1 ? NAMESET_SLOT_EXCLUDED : NAMESET_SLOT_VALUE;
    return slot == 1 ? ERR_OK : slot_value(reader, slot, &out->value);
}

/* Of the context or of the block itself. */
static enum err
each_entry(struct slice value, bool context, nameset_each_fn each, void *ctx)
{
    struct reader block;
    uint8_t name[DNAME_KEY_MAX];
    enum err err = reader_init(&block, value);
    for (unsigned i = 0; err == ERR_OK && i < block.context_count + block.entry_count; i++) {
        if (i == block.context_count)
            block.key_n = 0;
        err = read_entry(&block);
        if (err == ERR_OK)
            memcpy(name + block.shared, block.rest, block.key_n - block.shared);
        if (err < 0 || context != (i < block.context_count))
            continue;
        struct nameset_entry entry;
        err = dname_from_key(name, block.key_n, &entry.name);
        if (err == ERR_OK)
            err = entry_slot(&block, exact_slot(&block), &entry.exact);
        if (err == ERR_OK)
            err = entry_slot(&block, wild_slot(&block), &entry.wild);
        if (err == ERR_OK)
            err = each(ctx, &entry);
    }
    return err;
}

enum err
nameset_block_each(struct slice key, struct slice value, nameset_each_fn each, void *ctx)
{
    (void)key;
    return each_entry(value, false, each, ctx);
}

enum err
nameset_block_context(struct slice value, nameset_each_fn each, void *ctx)
{
    return each_entry(value, true, each, ctx);
}
