/* Name sets: look-up. On the answer path. See nameset.h. */
#include "nameset_internal.h"

enum { HEADER_SIZE = 7, START_SIZE = 2, KEY_FIXED = 4 };

/* Groups but for the first, whose begin is known. */
static unsigned
start_count(const struct nameset_reader *reader)
{
    return reader->grouped && reader->entry_count > 0 ? (reader->entry_count - 1) / NAMESET_GROUP
                                                      : 0;
}

/* Passes over a part of the block. */
static enum err
skip(struct nameset_reader *reader, size_t n)
{
    if ((size_t)(reader->end - reader->at) < n)
        return ERR_FORMAT;
    reader->at += n;
    return ERR_OK;
}

enum err
nameset_reader_init(struct nameset_reader *reader, struct slice value)
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
    reader->key_n = 0;
    for (unsigned i = 0; i < reader->dict_count && err == ERR_OK; i++) {
        const uint8_t *size = reader->at;
        err = skip(reader, 2);
        if (err == ERR_OK)
            err = skip(reader, (size_t)be_get(size, 2));
    }
    reader->pairs = reader->at;
    if (err == ERR_OK)
        err = skip(reader, (size_t)reader->pair_count * NAMESET_PAIR_SIZE);
    reader->starts = reader->at;
    if (err == ERR_OK)
        err = skip(reader, (size_t)start_count(reader) * START_SIZE);
    reader->entries = reader->at;
    return err;
}

enum err
nameset_slot_value(const struct nameset_reader *reader, uint32_t slot, struct slice *out)
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
    /* Likewise with the block's first entry, and how long the key of that is. */
    size_t first_common, first_n;
    uint32_t exact, wild;
    size_t wild_n; /* bytes of the name's key that the wildcard covers */
    bool below;
    bool outside; /* the name lies before the block's first entry */
};

/* True when the scan is over: the entry is the name or lies past it. Most entries have more in
 * common with the one before than the name has, and so lie before the name as that one does. */
static inline bool
scan_entry(const struct nameset_reader *reader, struct scan *scan)
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
        scan->exact = reader->key_n == scan->name_n ? nameset_exact_slot(reader) : 0;
        scan->below = true;
        return true;
    }
    if (nameset_wild_slot(reader) != 0) {
        scan->wild = nameset_wild_slot(reader);
        scan->wild_n = reader->key_n;
    }
    return false;
}

/* Where a group but the first begins, or the block's end if it would lie past that. */
static const uint8_t *
group_at(const struct nameset_reader *reader, unsigned group)
{
    size_t begin = (size_t)be_get(reader->starts + (group - 1) * START_SIZE, 2);
    size_t size = (size_t)(reader->end - reader->entries);
    return reader->entries + (begin < size ? begin : size);
}

/* Whether the group begins at the first n bytes of the name or before. */
static inline enum err
begins_before(
    struct nameset_reader *reader, unsigned group, const struct scan *scan, size_t n, bool *out)
{
    reader->at = group_at(reader, group);
    reader->key_n = scan->first_n;
    enum err err = nameset_read_entry(reader);
    if (err < 0)
        return err;
    /* Where the first entry differs from the name it lies before it, and so does what begins as it
     * does. */
    *out = true;
    if (reader->shared > scan->first_common)
        return ERR_OK;
    size_t end = reader->key_n < n ? reader->key_n : n, at = reader->shared;
    const uint8_t *rest = reader->rest;
    while (at < end && *rest == scan->name[at])
        at++, rest++;
    *out = at < end ? *rest < scan->name[at] : reader->key_n <= n;
    return ERR_OK;
}

/* Goes to the last group that begins at the name, or where wildcards above it may lie before that.
 * Those begin with what the first entry and the name have in common, and one label more at least:
 * nothing shorter lies behind the first entry. *next is the entry to read. */
static inline enum err
choose_group(struct nameset_reader *reader, const struct scan *scan, unsigned *next)
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
    reader->key_n = scan->first_n;
    return ERR_OK;
}

/* The block's own entries. */
static inline enum err
scan_own(struct nameset_reader *reader, struct scan *scan)
{
    unsigned i = 1;
    scan->outside = true;
    if (reader->entry_count == 0)
        return ERR_OK;
    scan->common = reader->key_n = 0;
    enum err err = nameset_read_entry(reader);
    if (err < 0)
        return err;
    scan->first_n = reader->key_n;
    bool over = scan_entry(reader, scan);
    scan->first_common = scan->common;
    scan->outside = over && (reader->key_n != scan->name_n || scan->common != scan->name_n);
    if (over)
        return ERR_OK;
    if (start_count(reader) > 0)
        err = choose_group(reader, scan, &i);
    for (; err == ERR_OK && i < reader->entry_count; i++) {
        err = nameset_read_entry(reader);
        if (err == ERR_OK && scan_entry(reader, scan))
            break;
    }
    return err;
}

/* The context first, in which nothing lies past the name. */
static inline enum err
scan_block(struct slice value, struct scan *scan, struct nameset_reader *block)
{
    enum err err = nameset_reader_init(block, value);
    for (unsigned i = 0; err == ERR_OK && i < block->context_count; i++) {
        err = nameset_read_entry(block);
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
take_hit(const struct nameset_reader *reader, const struct scan *scan, struct nameset_hit *out)
{
    uint32_t slot = scan->exact != 0 ? scan->exact : scan->wild;
    out->exists = scan->below || scan->wild != 0;
    if (slot == 0)
        return ERR_OK;
    out->match = slot == 1 ? NAMESET_EXCLUDED : scan->exact != 0 ? NAMESET_EXACT : NAMESET_WILD;
    if (scan->exact == 0)
        out->above = count_labels(scan->name + scan->wild_n, scan->name_n - scan->wild_n);
    return slot == 1 ? ERR_OK : nameset_slot_value(reader, slot, &out->value);
}

static void
clear_hit(struct nameset_hit *out)
{
    out->match = NAMESET_NONE;
    out->above = 0;
    out->exists = false;
}

enum err
nameset_block_find(struct slice value, const struct dname *name, struct nameset_hit *out)
{
    uint8_t want[DNAME_KEY_MAX];
    struct nameset_reader block;
    struct scan scan = {.name = want, .name_n = dname_key(name, want)};
    clear_hit(out);
    enum err err = scan_block(value, &scan, &block);
    return err < 0 ? err : take_hit(&block, &scan, out);
}

/* A key to look for, in which dataset. */
struct question {
    const uint8_t *name;
    size_t name_n;
    size_t label_n; /* bytes of the last label, as far as the name has one */
    uint16_t dataset;
};

/* A beginning of the key. Names that share one are a region: the reader remembers the block that
 * one of them lay in, and the others mostly lie there too. */
struct region {
    size_t n;
    uint32_t hash;
    unsigned step;
};

/* What a region has behind the last label: so many bytes, and then the whole name. Which of them
 * is about as large as a block depends on the set, and on the part of it. */
static const size_t region_steps[] = {3, 4, 6, DNAME_KEY_MAX};
enum { REGIONS = sizeof region_steps / sizeof *region_steps, REGION_TAG = 0x80 };
_Static_assert(KVREAD_SPOTS == 1 << 14, "the highest bits of a hash are a place");

/* The shortest comes first; false after that of the whole name. */
static bool
next_region(struct region *region, const struct question *question)
{
    if (region->step == REGIONS || (region->step > 0 && region->n == question->name_n))
        return false;
    size_t n = question->label_n + region_steps[region->step++];
    if (n > question->name_n)
        n = question->name_n;
    for (; region->n < n; region->n++)
        region->hash = (region->hash ^ question->name[region->n]) * 2654435761U;
    return true;
}

static uint32_t
place_of(const struct region *region)
{
    return region->hash >> 18;
}

/* Of two regions at one place seven bits more of the hash tell most. */
static uint32_t
owner_of(const struct region *region, const struct question *question)
{
    return (uint32_t)question->dataset << 8 | REGION_TAG | (region->hash >> 11 & 0x7f);
}

/* The block's last name is the name or lies past it. */
static bool
reaches(struct slice key, const struct question *question)
{
    const uint8_t *last = (const uint8_t *)key.p + KEY_FIXED;
    if (key.n <= KEY_FIXED)
        return true; /* the last block has the rest */
    size_t n = key.n - KEY_FIXED;
    int order = memcmp(last, question->name, n < question->name_n ? n : question->name_n);
    return order > 0 || (order == 0 && n >= question->name_n);
}

/* A block that may be the one, from the next region that has some. */
static bool
recall(const struct kvread *reader, const struct question *question, struct region *region,
    struct slice *value)
{
    struct slice key;
    while (next_region(region, question))
        if (kvread_recall(reader, place_of(region), owner_of(region, question), &key, value) &&
            reaches(key, question))
            return true;
    return false;
}

/* In the shortest region that is not larger than the block: what all names of the block begin with
 * others may begin with too. common: bytes that its first name and the one asked have in common. */
static void
remember(struct kvread *reader, const struct question *question, size_t common, struct slice key,
    struct slice value)
{
    const uint8_t *last = (const uint8_t *)key.p + KEY_FIXED;
    struct region region = {.hash = question->dataset};
    size_t at = 0;
    while (at < key.n - KEY_FIXED && at < common && last[at] == question->name[at])
        at++;
    while (next_region(&region, question) && region.n <= at)
        continue;
    kvread_remember(reader, place_of(&region), owner_of(&region, question), key, value);
}

static enum err
seek(struct kvread *reader, const struct question *question, struct slice *found,
    struct slice *value)
{
    struct store_key key;
    store_key_init(&key, STORE_NAME, question->dataset, NAMESET_INNER);
    store_key_add(&key, question->name, question->name_n);
    enum err err = kvread_seek(reader, store_key_slice(&key), found, value);
    if (err < 0)
        return err;
    /* An empty set has no block: the seek finds a record of another set. */
    bool same = found->n >= KEY_FIXED && memcmp(found->p, key.b, KEY_FIXED - 1) == 0;
    return same ? ERR_OK : ERR_NOTFOUND;
}

enum err
nameset_lookup(
    struct kvread *reader, uint16_t dataset, const struct dname *name, struct nameset_hit *out)
{
    uint8_t want[DNAME_KEY_MAX];
    struct question question = {.name = want, .name_n = dname_key(name, want), .dataset = dataset};
    const uint8_t *label_end = memchr(want, 0, question.name_n);
    struct region region = {.hash = dataset};
    struct nameset_reader block;
    struct scan scan;
    struct slice key = slice_of(NULL, 0), value;
    bool recalled;
    enum err err;
    clear_hit(out);
    question.label_n = label_end == NULL ? 0 : (size_t)(label_end - want) + 1;
    do {
        scan = (struct scan){.name = want, .name_n = question.name_n};
        recalled = recall(reader, &question, &region, &value);
        err = recalled ? ERR_OK : seek(reader, &question, &key, &value);
        if (err == ERR_OK)
            err = scan_block(value, &scan, &block);
        /* Between its first name and its last a block is the one that a seek would find. */
    } while (recalled && (err < 0 || scan.outside));
    if (err == ERR_OK && !recalled && !scan.outside)
        remember(reader, &question, scan.first_common, key, value);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    return take_hit(&block, &scan, out);
}
