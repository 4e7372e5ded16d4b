/* Address sets: packing. For the loader. See ipset.h. */
#include <stdlib.h>

#include "ipset.h"

#include "be.h"
#include "fnv.h"
#include "ipset_internal.h"

/* More entries never fit: a column takes at least two bits of each. */
enum { COUNT_MAX = 4 * IPSET_BLOCK_MAX, SLOTS = 4 * IPSET_VALUES_MAX };

_Static_assert(COUNT_MAX <= IPSET_ENTRIES_MAX, "a block's entries are counted with two bytes");

/* The values of the block at work, found by their hash. */
struct dict {
    size_t count, bytes;
    const struct slice *values[IPSET_VALUES_MAX];
    uint16_t slots[SLOTS]; /* number + 1; 0: free */
};

struct build {
    uint16_t dataset;
    unsigned bits; /* of the family at work */
    const struct ipset_entry *entries;
    const struct ipset_v4 *v4; /* instead of entries, or NULL */
    store_emit_fn emit;
    void *ctx;
    struct dict dict;
    uint16_t numbers[COUNT_MAX]; /* of the values of the block's entries */
    uint8_t *out;
};

/* Entries [lo, hi) as far as they lie within first..last, both of which they cover. */
struct part {
    size_t lo, hi;
    ipset_number first, last;
};

static ipset_number
number_of_v4(uint32_t v4)
{
    return (ipset_number)0xffff << 32 | v4;
}

static ipset_number
begin_of(const struct build *build, size_t i)
{
    return build->v4 != NULL ? number_of_v4(build->v4->first[i])
                             : ipset_number_of(&build->entries[i].range.first);
}

static ipset_number
end_of(const struct build *build, size_t i)
{
    return build->v4 != NULL ? number_of_v4(build->v4->last[i])
                             : ipset_number_of(&build->entries[i].range.last);
}

static ipset_number
first_of(const struct build *build, const struct part *part, size_t i)
{
    return i == part->lo ? part->first : begin_of(build, i);
}

static ipset_number
last_of(const struct build *build, const struct part *part, size_t i)
{
    return i == part->hi - 1 ? part->last : end_of(build, i);
}

/* The number of a value; false when there are too many. */
static bool
dict_add(struct dict *dict, const struct slice *value, uint16_t *number)
{
    size_t slot = fnv_add(FNV_START, value->p, value->n) % SLOTS;

    while (dict->slots[slot] != 0 && slice_cmp(*dict->values[dict->slots[slot] - 1], *value) != 0)
        slot = (slot + 1) % SLOTS;
    if (dict->slots[slot] == 0) {
        if (dict->count == IPSET_VALUES_MAX)
            return false;
        dict->values[dict->count++] = value;
        dict->bytes += value->n;
        dict->slots[slot] = (uint16_t)dict->count;
    }
    *number = (uint16_t)(dict->slots[slot] - 1);
    return true;
}

/* Values that have numbers in the whole set. */
static bool
renumber_values(struct build *build, const struct part *part)
{
    const struct ipset_v4 *v4 = build->v4;
    uint16_t numbers[IPSET_VALUES_MAX];
    bool known[IPSET_VALUES_MAX] = {false};

    for (size_t i = part->lo; i < part->hi; i++) {
        unsigned n = v4->number[i];

        if (!known[n] && !dict_add(&build->dict, &v4->values[n], &numbers[n]))
            return false;
        known[n] = true;
        build->numbers[i - part->lo] = numbers[n];
    }
    return true;
}

static bool
number_values(struct build *build, const struct part *part)
{
    struct dict *dict = &build->dict;
    const struct slice *before = NULL;

    dict->count = dict->bytes = 0;
    memset(dict->slots, 0, sizeof dict->slots);
    if (build->v4 != NULL && build->v4->number != NULL)
        return renumber_values(build, part);
    if (build->v4 != NULL) {
        memset(build->numbers, 0, (part->hi - part->lo) * sizeof *build->numbers);
        return dict_add(dict, &build->v4->value, build->numbers);
    }
    for (size_t i = part->lo; i < part->hi; i++) {
        const struct slice *value = &build->entries[i].value;
        uint16_t *number = &build->numbers[i - part->lo];

        if (before != NULL && value->p == before->p && value->n == before->n)
            *number = number[-1];
        else if (!dict_add(dict, value, number))
            return false;
        before = value;
    }
    return true;
}

static unsigned
unit_bits(const struct ipset_head *head, ipset_number unaligned)
{
    unaligned &= ipset_ones(head->bits - head->plen);
    return unaligned == 0 ? head->bits - head->plen : ipset_width(unaligned & -unaligned) - 1;
}

/* Whether the part can't fit, from its first entries alone: more of them make the unit smaller and
 * so the columns wider. Most parts on the way down are so large. */
static bool
is_far_too_large(const struct build *build, const struct part *part, unsigned plen)
{
    size_t count = part->hi - part->lo, end = part->lo + (count < 8 ? count : 8);
    ipset_number unaligned = 0;
    struct ipset_layout layout;

    if (count > COUNT_MAX)
        return true;
    for (size_t i = part->lo; i < end; i++)
        unaligned |= first_of(build, part, i) | ~last_of(build, part, i);
    struct ipset_head head = {
        .bits = build->bits, .plen = plen, .values = 1, .count = (unsigned)count};
    head.unit_bits = unit_bits(&head, unaligned);
    ipset_layout(&head, &layout);
    return count > 1 && layout.values > IPSET_BLOCK_MAX;
}

/* How the part would be packed; false when it does not fit. */
static bool
measure(struct build *build, const struct part *part, unsigned plen, struct ipset_head *head,
    struct ipset_layout *layout)
{
    size_t count = part->hi - part->lo;
    ipset_number unaligned = 0, lengths = 0;

    if (is_far_too_large(build, part, plen) || !number_values(build, part))
        return false;
    for (size_t i = part->lo; i < part->hi; i++) {
        ipset_number first = first_of(build, part, i), last = last_of(build, part, i);

        unaligned |= first | ~last;
        lengths += last - first;
    }
    *head = (struct ipset_head){.bits = build->bits, .plen = plen, .count = (unsigned)count};
    /* The lowest bit that is set in a first or clear in a last address. */
    head->unit_bits = unit_bits(head, unaligned);
    lengths = ipset_shr(lengths - count * ipset_ones(head->unit_bits), head->unit_bits);
    head->length_width = ipset_width(lengths);
    head->values = (unsigned)build->dict.count;
    ipset_layout(head, layout);
    return count == 1 || layout->values + build->dict.bytes <= IPSET_BLOCK_MAX;
}

/* Sets the lowest width bits of n at bit at of out, which is clear there. */
static void
put_bits(uint8_t *out, size_t at, ipset_number n, unsigned width)
{
    while (width > 0) {
        unsigned room = 8 - (unsigned)(at % 8), take = width < room ? width : room;
        unsigned bits = (unsigned)(n >> (width - take)) & (0xffU >> (8 - take));

        out[at / 8] |= (uint8_t)(bits << (room - take));
        at += take;
        width -= take;
    }
}

static void
put_number(uint8_t *out, const struct ipset_column *column, size_t index, ipset_number n)
{
    size_t bit = index + (size_t)ipset_shr(n, column->low_bits);

    out[column->buckets + bit / 8] |= (uint8_t)(0x80U >> bit % 8);
    put_bits(out + column->low, index * column->low_bits, n, column->low_bits);
}

static void
put_columns(const struct build *build, const struct part *part, const struct ipset_head *head,
    const struct ipset_layout *layout)
{
    uint8_t *out = build->out;
    ipset_number host = ipset_ones(head->bits - head->plen), sum = 0;

    for (size_t i = part->lo; i < part->hi; i++) {
        size_t index = i - part->lo;
        ipset_number first = first_of(build, part, i), last = last_of(build, part, i);

        put_number(out, &layout->first, index, ipset_shr(first & host, head->unit_bits));
        sum += ipset_shr(last - first, head->unit_bits);
        if (head->length_width > 0)
            put_number(out, &layout->length, index, sum);
        put_bits(out + layout->number, index * layout->number_bits, build->numbers[index],
            layout->number_bits);
    }
}

static enum err
emit_block(struct build *build, const struct part *part, const struct ipset_head *head,
    const struct ipset_layout *layout)
{
    const struct dict *dict = &build->dict;
    uint8_t *out = build->out, *end = out + layout->ends, last[16];
    size_t bytes = 0;
    struct store_key key;

    memset(out, 0, layout->ends);
    out[0] = (uint8_t)head->plen;
    out[1] = (uint8_t)head->unit_bits;
    out[2] = (uint8_t)head->length_width;
    out[3] = (uint8_t)(head->values - 1);
    (void)be_put(out + 4, head->count, 2);
    put_columns(build, part, head, layout);
    for (size_t i = 0; i < dict->count; i++) {
        memcpy(out + layout->values + bytes, dict->values[i]->p, dict->values[i]->n);
        bytes += dict->values[i]->n;
        if (i + 1 < dict->count)
            end = be_put(end, bytes, 2);
    }

    ipset_number prefix_last = part->first | ipset_ones(head->bits - head->plen);
    (void)be_put(be_put(last, (uint64_t)(prefix_last >> 64), 8), (uint64_t)prefix_last, 8);
    store_key_init(&key, STORE_ADDR, build->dataset, head->bits == 32 ? 4 : 6);
    store_key_add(&key, last + 16 - head->bits / 8, head->bits / 8);
    return build->emit(build->ctx, store_key_slice(&key), slice_of(out, layout->values + bytes));
}

/* Depth: at most 129, for each level takes a longer prefix. */
static enum err
build_part(struct build *build, const struct part *part)
{
    struct ipset_head head;
    struct ipset_layout layout;
    unsigned host_bits = ipset_width(part->first ^ part->last);

    if (measure(build, part, build->bits - host_bits, &head, &layout))
        return emit_block(build, part, &head, &layout);

    /* The first entry that begins in the right half; the one before it may reach into it. */
    ipset_number middle = part->last & ~ipset_ones(host_bits - 1);
    size_t from = part->lo, to = part->hi;
    while (from < to) {
        size_t at = from + (to - from) / 2;
        if (begin_of(build, at) < middle)
            from = at + 1;
        else
            to = at;
    }
    struct part left = {part->lo, from, part->first, 0}, right = {from, part->hi, 0, part->last};
    ipset_number reach = end_of(build, from - 1);
    left.last = reach < middle ? reach : middle - 1;
    if (reach >= middle) {
        right.lo = from - 1;
        right.first = middle;
    } else {
        right.first = begin_of(build, from);
    }
    enum err err = build_part(build, &left);
    return err == ERR_OK ? build_part(build, &right) : err;
}

static enum err
build_all(struct build *build, unsigned bits, size_t count)
{
    if (count == 0)
        return ERR_OK;
    build->bits = bits;
    const struct part all = {0, count, begin_of(build, 0), end_of(build, count - 1)};
    return build_part(build, &all);
}

static enum err
build_family(struct build *build, unsigned bits, const struct ipset_entry *entries, size_t count)
{
    build->entries = entries;
    return build_all(build, bits, count);
}

/* Where the IPv4 entries are, and the longest value. */
struct found {
    size_t v4_first, v4_count, value_max;
};

/* Sorted, disjoint, each of one family. */
static enum err
check_entries(const struct ipset_entry *entries, size_t count, struct found *out)
{
    const ipset_number v4_space = 0xffff; /* an address without its last 32 bits */
    ipset_number before = 0;
    *out = (struct found){0};
    for (size_t i = 0; i < count; i++) {
        ipset_number first = ipset_number_of(&entries[i].range.first);
        ipset_number last = ipset_number_of(&entries[i].range.last);
        bool is4 = first >> 32 == v4_space;
        if (first > last || (i > 0 && first <= before))
            return ERR_RANGE;
        /* No range of IPv6 reaches or spans the mapped addresses. */
        if (is4 != (last >> 32 == v4_space) || (first >> 32 < v4_space && last >> 32 > v4_space))
            return ERR_RANGE;
        before = last;
        if (is4 && out->v4_count++ == 0)
            out->v4_first = i;
        if (entries[i].value.n > out->value_max)
            out->value_max = entries[i].value.n;
    }
    return ERR_OK;
}

/* The IPv6 entries lie on both sides of the IPv4 ones: copied only where they do on both. */
static enum err
build_v6(
    struct build *build, const struct ipset_entry *entries, size_t count, const struct found *found)
{
    size_t below = found->v4_first, above = count - below - found->v4_count;
    if (below == 0 || above == 0)
        return build_family(
            build, 128, below == 0 ? entries + found->v4_count : entries, below + above);
    struct ipset_entry *v6 = calloc(below + above, sizeof *v6);
    if (v6 == NULL)
        return ERR_NOMEM;
    memcpy(v6, entries, below * sizeof *v6);
    memcpy(v6 + below, entries + below + found->v4_count, above * sizeof *v6);
    enum err err = build_family(build, 128, v6, below + above);
    free(v6);
    return err;
}

/* value_max: bytes of the longest value. */
static struct build *
open_build(uint16_t dataset, size_t value_max, store_emit_fn emit, void *ctx)
{
    struct build *build = calloc(1, sizeof *build);
    if (build == NULL)
        return NULL;
    build->dataset = dataset;
    build->emit = emit;
    build->ctx = ctx;
    /* A block of one entry takes its value and columns of no more than 64 bytes. */
    build->out = malloc(IPSET_BLOCK_MAX + value_max + 64);
    if (build->out != NULL)
        return build;
    free(build);
    return NULL;
}

static void
close_build(struct build *build)
{
    free(build->out);
    free(build);
}

enum err
ipset_build(uint16_t dataset, const struct ipset_entry *entries, size_t count, store_emit_fn emit,
    void *ctx)
{
    struct found found;
    enum err err = check_entries(entries, count, &found);
    if (err < 0)
        return err;
    struct build *build = open_build(dataset, found.value_max, emit, ctx);
    if (build == NULL)
        return ERR_NOMEM;
    err = build_family(build, 32, entries + found.v4_first, found.v4_count);
    if (err == ERR_OK)
        err = build_v6(build, entries, count, &found);
    close_build(build);
    return err;
}

enum err
ipset_build_v4(uint16_t dataset, const struct ipset_v4 *ranges, store_emit_fn emit, void *ctx)
{
    for (size_t i = 0; i < ranges->count; i++)
        if (ranges->first[i] > ranges->last[i] ||
            (i > 0 && ranges->first[i] <= ranges->last[i - 1]))
            return ERR_RANGE;
    size_t value_max = ranges->value.n;
    for (size_t i = 0; i < ranges->value_count; i++)
        if (ranges->values[i].n > value_max)
            value_max = ranges->values[i].n;
    struct build *build = open_build(dataset, value_max, emit, ctx);
    if (build == NULL)
        return ERR_NOMEM;
    build->v4 = ranges;
    enum err err = build_all(build, 32, ranges->count);
    close_build(build);
    return err;
}
