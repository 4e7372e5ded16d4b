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
    reader->key_n = reader->first_n = 0;
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
    size_t common;       /* bytes that the name and the entry before have in common */
    size_t first_common; /* likewise with the block's first entry */
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
static enum err
begins_before(
    struct nameset_reader *reader, unsigned group, const struct scan *scan, size_t n, bool *out)
{
    reader->at = group_at(reader, group);
    enum err err = nameset_read_own(reader, group * NAMESET_GROUP);
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
    reader->key_n = reader->first_n;
    return ERR_OK;
}

/* The block's own entries. */
static enum err
scan_own(struct nameset_reader *reader, struct scan *scan)
{
    unsigned i = 1;
    scan->outside = true;
    if (reader->entry_count == 0)
        return ERR_OK;
    scan->common = 0;
    enum err err = nameset_read_own(reader, 0);
    if (err < 0)
        return err;
    bool over = scan_entry(reader, scan);
    scan->first_common = scan->common;
    scan->outside = over && (reader->key_n != scan->name_n || scan->common != scan->name_n);
    if (over)
        return ERR_OK;
    if (start_count(reader) > 0)
        err = choose_group(reader, scan, &i);
    for (; err == ERR_OK && i < reader->entry_count; i++) {
        if (reader->grouped && i % NAMESET_GROUP == 0)
            scan->common = scan->first_common;
        err = nameset_read_own(reader, i);
        if (err == ERR_OK && scan_entry(reader, scan))
            break;
    }
    return err;
}

/* The context first, in which nothing lies past the name. */
static enum err
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

/* A beginning of the name's key. Names that share one are a region: the reader remembers the block
 * that one of them lay in, and the others mostly lie there too. */
struct region {
    size_t n;
    uint32_t hash;
    unsigned step;
};

/* What a region has behind the last label: so many bytes, and then the whole name. A block of a
 * large set holds few bytes' worth of names, one of a small set all of a label's. */
static const size_t region_steps[] = {2, 3, 4, 6, DNAME_KEY_MAX};
enum { REGIONS = sizeof region_steps / sizeof *region_steps, REGION_TAG = 0x80 };

static void
extend(struct region *region, const struct scan *scan, size_t n)
{
    for (; region->n < n; region->n++)
        region->hash = (region->hash ^ scan->name[region->n]) * 2654435761U;
}

/* Shorter regions come first; false after that of the whole name. */
static bool
next_region(struct region *region, const struct scan *scan, size_t label)
{
    if (region->step == REGIONS || (region->step > 0 && region->n == scan->name_n))
        return false;
    size_t n = label + region_steps[region->step++];
    extend(region, scan, n < scan->name_n ? n : scan->name_n);
    return true;
}

static uint32_t
place_of(const struct region *region)
{
    return region->hash >> 18;
}
_Static_assert(KVREAD_SPOTS == 1 << 14, "the hash's highest bits are a place");

static uint32_t
owner_of(const struct region *region, uint16_t dataset)
{
    return (uint32_t)dataset << 8 | REGION_TAG | (region->hash >> 11 & 0x7f);
}

/* Bytes of the last label, so far as the name has one. */
static size_t
last_label(const struct scan *scan)
{
    const uint8_t *end = memchr(scan->name, 0, scan->name_n);
    return end == NULL ? 0 : (size_t)(end - scan->name) + 1;
}

/* The block's last name is the name or lies past it. */
static bool
reaches(struct slice key, const struct scan *scan)
{
    const uint8_t *last = (const uint8_t *)key.p + KEY_FIXED;
    if (key.n <= KEY_FIXED)
        return true; /* the last block has the rest */
    size_t n = key.n - KEY_FIXED;
    int order = memcmp(last, scan->name, n < scan->name_n ? n : scan->name_n);
    return order > 0 || (order == 0 && n >= scan->name_n);
}

/* Looks where the block may be remembered. Between its first name and its last it is the one that a
 * seek would find. */
static bool
scan_remembered(
    struct kvread *reader, uint16_t dataset, struct scan *scan, struct nameset_reader *block)
{
    const struct scan fresh = *scan;
    const size_t label = last_label(scan);
    struct region region = {.hash = dataset};
    struct slice key, value;
    while (next_region(&region, scan, label)) {
        if (!kvread_recall(reader, place_of(&region), owner_of(&region, dataset), &key, &value) ||
            !reaches(key, scan))
            continue;
        if (scan_block(value, scan, block) == ERR_OK && !scan->outside)
            return true;
        *scan = fresh;
    }
    return false;
}

/* In the shortest region that is not larger than the block: what all names of the block begin with
 * others may begin with too. */
static void
remember(struct kvread *reader, uint16_t dataset, const struct scan *scan, struct slice key,
    struct slice value)
{
    const uint8_t *last = (const uint8_t *)key.p + KEY_FIXED;
    const size_t label = last_label(scan);
    struct region region = {.hash = dataset};
    size_t common = 0;
    while (common < key.n - KEY_FIXED && common < scan->first_common &&
           last[common] == scan->name[common])
        common++;
    while (next_region(&region, scan, label) && region.n <= common)
        continue;
    kvread_remember(reader, place_of(&region), owner_of(&region, dataset), key, value);
}

static enum err
scan_sought(
    struct kvread *reader, uint16_t dataset, struct scan *scan, struct nameset_reader *block)
{
    struct store_key key;
    struct slice found, value;
    store_key_init(&key, STORE_NAME, dataset, NAMESET_INNER);
    store_key_add(&key, scan->name, scan->name_n);
    enum err err = kvread_seek(reader, store_key_slice(&key), &found, &value);
    if (err < 0)
        return err;
    /* An empty set has no block: the seek finds a record of another set. */
    if (found.n < KEY_FIXED || memcmp(found.p, key.b, KEY_FIXED - 1) != 0)
        return ERR_NOTFOUND;
    err = scan_block(value, scan, block);
    if (err == ERR_OK && !scan->outside)
        remember(reader, dataset, scan, found, value);
    return err;
}

enum err
nameset_lookup(
    struct kvread *reader, uint16_t dataset, const struct dname *name, struct nameset_hit *out)
{
    uint8_t want[DNAME_KEY_MAX];
    struct nameset_reader block;
    struct scan scan = {.name = want, .name_n = dname_key(name, want)};
    enum err err = ERR_OK;
    out->match = NAMESET_NONE;
    out->above = 0;
    out->exists = false;
    if (!scan_remembered(reader, dataset, &scan, &block))
        err = scan_sought(reader, dataset, &scan, &block);
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    return err < 0 ? err : take_hit(&block, &scan, out);
}
