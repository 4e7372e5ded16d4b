/* Name sets: look-up. On the answer path. See nameset.h. */
#include "nameset.h"

#include "be.h"

enum { HEADER_SIZE = 7, PAIR_SIZE = 4, START_SIZE = 2, KEY_FIXED = 4 };

/* A block being read; at never passes end. */
struct reader {
    const uint8_t *dict, *pairs, *starts, *entries, *at, *end;
    unsigned dict_count, pair_count, context_count, entry_count;
    bool grouped;
    /* The entry read last: its key is shared bytes of the one before, and then rest. */
    const uint8_t *rest;
    size_t shared, key_n;
    size_t first_n; /* of the block's first entry, with which those that begin a group share */
    uint32_t pair;
};

/* Groups but for the first, whose begin is known. */
static unsigned
start_count(const struct reader *reader)
{
    return reader->grouped && reader->entry_count > 0 ? (reader->entry_count - 1) / NAMESET_GROUP
                                                      : 0;
}

/* Passes over a part of the block. */
static enum err
skip(struct reader *reader, size_t n)
{
    if ((size_t)(reader->end - reader->at) < n)
        return ERR_FORMAT;
    reader->at += n;
    return ERR_OK;
}

static enum err
reader_init(struct reader *reader, struct slice value)
{
    const uint8_t *in = value.p;
    enum err err = ERR_OK;
    if (value.n < HEADER_SIZE)
        return ERR_FORMAT;
    reader->context_count = in[0] & ~(unsigned)NAMESET_GROUPED;
    reader->grouped = (in[0] & NAMESET_GROUPED) != 0;
    reader->dict_count = (unsigned)be_get(in + 1, 2);
    reader->pair_count = (unsigned)be_get(in + 3, 2);
    reader->entry_count = (unsigned)be_get(in + 5, 2);
    reader->end = in + value.n;
    reader->at = reader->dict = in + HEADER_SIZE;
    reader->key_n = reader->first_n = 0;
    for (unsigned i = 0; i < reader->dict_count && err == ERR_OK; i++) {
        const uint8_t *size = reader->at;
        err = skip(reader, 2);
        if (err == ERR_OK)
            err = skip(reader, (size_t)be_get(size, 2));
    }
    reader->pairs = reader->at;
    if (err == ERR_OK)
        err = skip(reader, (size_t)reader->pair_count * PAIR_SIZE);
    reader->starts = reader->at;
    if (err == ERR_OK)
        err = skip(reader, (size_t)start_count(reader) * START_SIZE);
    reader->entries = reader->at;
    return err;
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

/* Inline likewise: what it reads stays in registers. */
static inline enum err
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

/* The block's own entry i, read after the context or, where it begins a group, from there. */
static inline enum err
read_own(struct reader *reader, unsigned i)
{
    if (i == 0)
        reader->key_n = 0;
    else if (reader->grouped && i % NAMESET_GROUP == 0)
        reader->key_n = reader->first_n;
    enum err err = read_entry(reader);
    if (i == 0)
        reader->first_n = reader->key_n;
    return err;
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
    size_t common;       /* bytes that the name and the entry before have in common */
    size_t first_common; /* likewise with the block's first entry */
    uint32_t exact, wild;
    size_t wild_n; /* bytes of the name's key that the wildcard covers */
    bool below;
};

/* True when the scan is over: the entry is the name or lies past it. Most entries have more in
 * common with the one before than the name has, and so lie before the name as that one does. */
static inline bool
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
    if (reader->key_n >= scan->name_n) {
        scan->exact = reader->key_n == scan->name_n ? exact_slot(reader) : 0;
        scan->below = true;
        return true;
    }
    if (wild_slot(reader) != 0) {
        scan->wild = wild_slot(reader);
        scan->wild_n = reader->key_n;
    }
    return false;
}

/* Where a group but the first begins, or the block's end if it would lie past that. */
static const uint8_t *
group_at(const struct reader *reader, unsigned group)
{
    size_t begin = (size_t)be_get(reader->starts + (group - 1) * START_SIZE, 2);
    size_t size = (size_t)(reader->end - reader->entries);
    return reader->entries + (begin < size ? begin : size);
}

/* Whether the group begins at the first n bytes of the name or before. */
static enum err
begins_before(struct reader *reader, unsigned group, const struct scan *scan, size_t n, bool *out)
{
    reader->at = group_at(reader, group);
    enum err err = read_own(reader, group * NAMESET_GROUP);
    if (err < 0)
        return err;
    /* Where the first entry differs from the name it lies before it, and so does what begins as it
     * does. */
    *out = true;
    if (reader->shared > scan->first_common)
        return ERR_OK;
    size_t rest_n = reader->key_n - reader->shared, want_n = n - reader->shared;
    int order =
        memcmp(reader->rest, scan->name + reader->shared, rest_n < want_n ? rest_n : want_n);
    *out = order < 0 || (order == 0 && rest_n <= want_n);
    return ERR_OK;
}

/* Goes to the last group that begins at the name, or where wildcards above it may lie before that.
 * Those begin with what the first entry and the name have in common, and one label more at least:
 * nothing shorter lies behind the first entry. *next is the entry to read. */
static enum err
choose_group(struct reader *reader, const struct scan *scan, unsigned *next)
{
    unsigned from = 0, to = start_count(reader);
    const uint8_t *second = reader->at;
    const uint8_t *label = memchr(scan->name + scan->common, 0, scan->name_n - scan->common);
    size_t n = label == NULL ? scan->name_n : (size_t)(label - scan->name) + 1;
    while (from < to) {
        unsigned middle = to - (to - from) / 2;
        bool before;
        enum err err = begins_before(reader, middle, scan, n, &before);
        if (err < 0)
            return err;
        if (before)
            from = middle;
        else
            to = middle - 1;
    }
    *next = from == 0 ? 1 : from * NAMESET_GROUP;
    reader->at = from == 0 ? second : group_at(reader, from);
    reader->key_n = reader->first_n;
    return ERR_OK;
}

/* The block's own entries. */
static enum err
scan_own(struct reader *reader, struct scan *scan)
{
    unsigned i = 1;
    if (reader->entry_count == 0)
        return ERR_OK;
    scan->common = 0;
    enum err err = read_own(reader, 0);
    if (err < 0 || scan_entry(reader, scan))
        return err;
    scan->first_common = scan->common;
    if (start_count(reader) > 0)
        err = choose_group(reader, scan, &i);
    for (; err == ERR_OK && i < reader->entry_count; i++) {
        if (reader->grouped && i % NAMESET_GROUP == 0)
            scan->common = scan->first_common;
        err = read_own(reader, i);
        if (err == ERR_OK && scan_entry(reader, scan))
            break;
    }
    return err;
}

/* The context first, in which nothing lies past the name. */
static enum err
scan_block(struct slice value, struct scan *scan, struct reader *block)
{
    enum err err = reader_init(block, value);
    for (unsigned i = 0; err == ERR_OK && i < block->context_count; i++) {
        err = read_entry(block);
        if (err == ERR_OK)
            (void)scan_entry(block, scan);
    }
    return err < 0 ? err : scan_own(block, scan);
}

/* Labels of a part of a key. */
static unsigned
count_labels(const uint8_t *key, size_t n)
{
    unsigned count = 0;
    for (size_t i = 0; i < n; i++)
        count += key[i] == 0;
    return count;
}

static enum err
take_hit(const struct reader *reader, const struct scan *scan, struct nameset_hit *out)
{
    uint32_t slot = scan->exact != 0 ? scan->exact : scan->wild;
    out->exists = scan->below || scan->wild != 0;
    if (slot == 0)
        return ERR_OK;
    out->match = slot == 1 ? NAMESET_EXCLUDED : scan->exact != 0 ? NAMESET_EXACT : NAMESET_WILD;
    if (scan->exact == 0)
        out->above = count_labels(scan->name + scan->wild_n, scan->name_n - scan->wild_n);
    return slot == 1 ? ERR_OK : slot_value(reader, slot, &out->value);
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
    out->above = 0;
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
    struct scan scan = {.name = want, .name_n = want_n};
    err = scan_block(value, &scan, &block);
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

/* A whole entry, of the key that the reader has read. */
static enum err
give_entry(const struct reader *block, const uint8_t *key, nameset_each_fn each, void *ctx)
{
    struct nameset_entry entry;
    enum err err = dname_from_key(key, block->key_n, &entry.name);
    if (err == ERR_OK)
        err = entry_slot(block, exact_slot(block), &entry.exact);
    if (err == ERR_OK)
        err = entry_slot(block, wild_slot(block), &entry.wild);
    return err == ERR_OK ? each(ctx, &entry) : err;
}

/* Of the context or of the block itself. */
static enum err
each_entry(struct slice value, bool context, nameset_each_fn each, void *ctx)
{
    struct reader block;
    uint8_t key[DNAME_KEY_MAX], first[DNAME_KEY_MAX];
    enum err err = reader_init(&block, value);
    for (unsigned i = 0; err == ERR_OK && i < block.context_count; i++) {
        err = read_entry(&block);
        if (err < 0)
            return err;
        memcpy(key + block.shared, block.rest, block.key_n - block.shared);
        if (context)
            err = give_entry(&block, key, each, ctx);
    }
    for (unsigned i = 0; err == ERR_OK && !context && i < block.entry_count; i++) {
        err = read_own(&block, i);
        if (err < 0)
            return err;
        if (block.grouped && i % NAMESET_GROUP == 0 && i > 0)
            memcpy(key, first, block.shared);
        memcpy(key + block.shared, block.rest, block.key_n - block.shared);
        if (i == 0)
            memcpy(first, key, block.key_n);
        err = give_entry(&block, key, each, ctx);
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
