/* Address sets: look-up. On the answer path. See ipset.h. */
#include "ipset.h"

#include "be.h"
#include "ipset_internal.h"

/* A block taken apart; every column lies inside the record. */
struct block {
    const uint8_t *p;
    size_t n;
    struct ipset_head head;
    struct ipset_layout at;
    ipset_number prefix_first, prefix_last;
};

enum bit { ZEROS, ONES };

/* The bounds of the block's prefix. Not by ip.h's functions: the last address of an IPv6 prefix may
 * have the look of a mapped IPv4 address (::/80 ends with ::ffff:ffff:ffff). */
static enum err
parse_key(struct slice key, struct block *out)
{
    const uint8_t *in = (const uint8_t *)key.p + IPSET_KEY_FIXED;
    ipset_number last, host;

    if (key.n == IPSET_KEY_FIXED + 4U)
        last = (ipset_number)0xffff << 32 | be_get(in, 4);
    else if (key.n == IPSET_KEY_FIXED + 16U)
        last = (ipset_number)ipset_load64(in) << 64 | ipset_load64(in + 8);
    else
        return ERR_FORMAT;
    out->head.bits = (unsigned)(key.n - IPSET_KEY_FIXED) * 8;
    if (out->head.plen + out->head.unit_bits > out->head.bits)
        return ERR_FORMAT;
    host = ipset_ones(out->head.bits - out->head.plen);
    out->prefix_first = last & ~host;
    out->prefix_last = last | host;
    return ERR_OK;
}

static enum err
parse_block(struct slice key, struct slice value, struct block *out)
{
    enum err err;

    if (value.n < IPSET_HEADER_SIZE)
        return ERR_FORMAT;
    out->p = value.p;
    out->n = value.n;
    out->head.plen = out->p[0];
    out->head.unit_bits = out->p[1];
    out->head.length_width = out->p[2];
    out->head.values = out->p[3] + 1U;
    out->head.count = (unsigned)be_get(out->p + 4, 2);
    err = parse_key(key, out);
    if (err != ERR_OK)
        return err;
    if (out->head.count == 0 || out->head.length_width > 128)
        return ERR_FORMAT;
    ipset_layout(&out->head, &out->at);
    return out->at.values <= out->n ? ERR_OK : ERR_FORMAT;
}

/* 64 bits from a byte of the record; past its end they are 0. */
static uint64_t
word_at(const struct block *block, size_t at)
{
    uint64_t word = 0;

    if (at + 8 <= block->n)
        return ipset_load64(block->p + at);
    for (size_t i = at; i < at + 8; i++)
        word = word << 8 | (i < block->n ? block->p[i] : 0);
    return word;
}

/* Element index of a row of numbers of width bits each, which begins at byte column. */
static ipset_number
element(const struct block *block, size_t column, size_t index, unsigned width)
{
    size_t at = column + index * width / 8;
    unsigned skip = (unsigned)(index * width % 8);
    ipset_number n;

    if (width == 0)
        return 0;
    if (width <= 56)
        return word_at(block, at) << skip >> (64 - width);
    n = (ipset_number)word_at(block, at) << 64 | word_at(block, at + 8);
    if (skip > 0)
        n = n << skip | word_at(block, at + 16) >> (64 - skip);
    return n >> (128 - width);
}

/* Counting ones is what a look-up does most; every processor of the last fifteen years can, but
 * only when told that it may. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(REPDNS_FUZZ)
#define COUNTS_ONES __attribute__((target_clones("popcnt", "default")))
#else
#define COUNTS_ONES
#endif

/* 64 of the buckets' bits as ones to look for; at is a multiple of 64. */
static uint64_t
bucket_word(const struct block *block, const struct ipset_column *column, enum bit bit, size_t at)
{
    uint64_t word = word_at(block, column->buckets + at / 8);

    if (bit == ZEROS)
        word = ~word;
    if (column->buckets_size - at < 64)
        word &= ~(UINT64_MAX >> (column->buckets_size - at));
    return word;
}

/* Where the k-th one of a word with more than k is, both counted from the highest bit. Without a
 * branch, since each would be taken by chance: the byte by sums over bytes, then the bit in it by
 * the same means (S. Vigna, Broadword implementation of rank/select queries, 2008). */
static inline unsigned
select_in_word(uint64_t word, unsigned ones, unsigned k)
{
    const uint64_t each = 0x0101010101010101, top = each * 0x80;
    uint64_t sums = word - (word >> 1 & each * 0x55);
    unsigned rank = ones - 1 - k; /* from the lowest bit */

    sums = (sums & each * 0x33) + (sums >> 2 & each * 0x33);
    sums = ((sums + (sums >> 4)) & each * 0x0f) * each;
    unsigned at = 8 * (unsigned)__builtin_popcountll(((rank * each | top) - sums) & top);
    rank -= (unsigned)((sums << 8) >> at & 0xff);
    uint64_t bits = (word >> at & 0xff) * each & 0x8040201008040201;
    sums = (((bits | ((bits | top) - each)) & top) >> 7) * each;
    return 63 - at - (unsigned)__builtin_popcountll(((rank * each | top) - sums) & top);
}

/* Ones, or zeros, in 64 bits from a byte of the record, in any order. */
static inline unsigned
count_word(const uint8_t *in, enum bit bit)
{
    uint64_t word;

    memcpy(&word, in, sizeof word);
    return (unsigned)__builtin_popcountll(bit == ZEROS ? ~word : word);
}

/* Where the k-th (from 0) such bit of the buckets is. */
COUNTS_ONES static enum err
select_bit(const struct block *block, const struct ipset_column *column, enum bit bit, size_t k,
    size_t *out)
{
    const uint8_t *in = block->p + column->buckets;
    size_t at = 0;

    for (unsigned ones; at + 256 <= column->buckets_size; at += 256, k -= ones) {
        ones = count_word(in + at / 8, bit) + count_word(in + at / 8 + 8, bit) +
               count_word(in + at / 8 + 16, bit) + count_word(in + at / 8 + 24, bit);
        if (k < ones)
            break;
    }
    for (; at < column->buckets_size; at += 64) {
        uint64_t word = bucket_word(block, column, bit, at);
        unsigned ones = (unsigned)__builtin_popcountll(word);

        if (k < ones) {
            *out = at + select_in_word(word, ones, (unsigned)k);
            return ERR_OK;
        }
        k -= ones;
    }
    return ERR_FORMAT;
}

/* The first such bit at or after from. */
static enum err
next_bit(const struct block *block, const struct ipset_column *column, enum bit bit, size_t from,
    size_t *out)
{
    uint64_t seen = ~(UINT64_MAX >> from % 64);

    for (size_t at = from - from % 64; at < column->buckets_size; at += 64) {
        uint64_t word = bucket_word(block, column, bit, at) & ~seen;

        if (word != 0) {
            *out = at + (unsigned)__builtin_clzll(word);
            return ERR_OK;
        }
        seen = 0;
    }
    return ERR_FORMAT;
}

/* Number index of a column, whose 1 bit in the buckets is at bit. */
static ipset_number
number_at(const struct block *block, const struct ipset_column *column, size_t index, size_t bit)
{
    return ipset_shl((ipset_number)(bit - index), column->low_bits) |
           element(block, column->low, index, column->low_bits);
}

/* The last entry that begins at unit want or before it. */
static enum err
last_up_to(const struct block *block, ipset_number want, size_t *index, ipset_number *first)
{
    const struct ipset_column *column = &block->at.first;
    ipset_number low = want & ipset_ones(column->low_bits);
    size_t bucket = (size_t)ipset_shr(want, column->low_bits), begin = 0, end, from, to, before;
    enum err err = ERR_OK;

    if (bucket > 0) {
        err = select_bit(block, column, ZEROS, bucket - 1, &begin);
        begin++;
    }
    if (err == ERR_OK)
        err = next_bit(block, column, ZEROS, begin, &end);
    if (err != ERR_OK || end - bucket > block->head.count)
        return ERR_FORMAT;
    /* The numbers of the bucket are those from begin - bucket on. */
    before = from = begin - bucket;
    to = end - bucket;
    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (element(block, column->low, middle, column->low_bits) <= low)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == 0)
        return ERR_NOTFOUND;
    *index = from - 1;
    if (from > before) {
        *first = number_at(block, column, *index, bucket + *index);
        return ERR_OK;
    }
    if (block->head.length_width == 0)
        return ERR_NOTFOUND; /* it begins before want and is one unit long */
    err = select_bit(block, column, ONES, *index, &begin);
    if (err == ERR_OK)
        *first = number_at(block, column, *index, begin);
    return err;
}

/* The length of an entry in units, less one. */
static enum err
length_of(const struct block *block, size_t index, ipset_number *out)
{
    const struct ipset_column *column = &block->at.length;
    ipset_number before = 0;
    size_t bit = 0;
    enum err err = ERR_OK;

    *out = 0;
    if (block->head.length_width == 0)
        return ERR_OK;
    if (index > 0) {
        err = select_bit(block, column, ONES, index - 1, &bit);
        before = number_at(block, column, index - 1, bit);
        bit++;
    }
    if (err == ERR_OK)
        err = next_bit(block, column, ONES, bit, &bit);
    *out = number_at(block, column, index, bit) - before;
    return err;
}

static void
put_ip(ipset_number n, struct ip *out)
{
    (void)be_put(be_put(out->b, (uint64_t)(n >> 64), 8), (uint64_t)n, 8);
}

/* An entry's value and range from its first unit and its length less one. */
static enum err
fill_hit(const struct block *block, size_t index, ipset_number first, ipset_number length,
    struct ipset_hit *out)
{
    const struct ipset_head *head = &block->head;
    const uint8_t *ends = block->p + block->at.ends;
    size_t value = (size_t)element(block, block->at.number, index, block->at.number_bits);
    size_t size = block->n - block->at.values, begin, end;
    ipset_number last_unit = ipset_ones(head->bits - head->plen - head->unit_bits);

    if (first > last_unit || length > last_unit - first || value >= head->values)
        return ERR_FORMAT;
    begin = value == 0 ? 0 : (size_t)be_get(ends + 2 * (value - 1), 2);
    end = value == head->values - 1 ? size : (size_t)be_get(ends + 2 * value, 2);
    if (begin > end || end > size)
        return ERR_FORMAT;
    out->value = slice_of(block->p + block->at.values + begin, end - begin);
    put_ip(block->prefix_first | ipset_shl(first, head->unit_bits), &out->range.first);
    put_ip(block->prefix_first | ipset_shl(first + length, head->unit_bits) |
               ipset_ones(head->unit_bits),
        &out->range.last);
    return ERR_OK;
}

static bool
covers(const struct block *block, ipset_number want)
{
    return want >= block->prefix_first && want <= block->prefix_last;
}

/* want lies in the block's prefix. */
static enum err
find_in(const struct block *block, ipset_number want, struct ipset_hit *out)
{
    ipset_number first, length;
    size_t index;
    enum err err;

    want = ipset_shr(want - block->prefix_first, block->head.unit_bits);
    err = last_up_to(block, want, &index, &first);
    if (err == ERR_OK)
        err = length_of(block, index, &length);
    if (err != ERR_OK)
        return err;
    if (want - first > length)
        return ERR_NOTFOUND;
    return fill_hit(block, index, first, length, out);
}

enum err
ipset_block_find(struct slice key, struct slice value, const struct ip *ip, struct ipset_hit *out)
{
    struct block block;
    ipset_number want = ipset_number_of(ip);
    enum err err = parse_block(key, value, &block);

    if (err != ERR_OK)
        return err;
    return covers(&block, want) ? find_in(&block, want, out) : ERR_NOTFOUND;
}

/* What is asked of a set. Addresses of IPv4 with the same first REGION_BITS, and those of IPv6 with
 * the same first 32, where fewer would be much the same, are a region: the reader remembers one
 * block of each, or for IPv4 that there is none. Those of IPv6 may share a place. */
struct question {
    ipset_number want;
    uint32_t place, owner;
    uint16_t dataset;
    enum ip_family family;
};

enum { REGION_BITS = 14, HASH = 40503 };
_Static_assert(KVREAD_SPOTS == 1 << REGION_BITS, "a region of IPv4 has a place of its own");

static struct question
question_of(uint16_t dataset, const struct ip *ip)
{
    enum ip_family family = ip_family(ip);
    uint32_t region = family == IP_V4
                          ? ip_v4(ip) >> (32 - REGION_BITS)
                          : (uint32_t)be_get(ip->b, 4) * 2654435761U >> (32 - REGION_BITS);

    return (struct question){.want = ipset_number_of(ip),
        .place = region ^ dataset * (uint32_t)HASH,
        .owner = (uint32_t)dataset << 8 | (uint32_t)family,
        .dataset = dataset,
        .family = family};
}

/* A seek found a block behind the address, or what else comes after the set: if neither it nor the
 * one before reaches into the region, no address of the region needs another seek. */
static void
remember_gap(struct kvread *reader, const struct question *question, const struct store_key *key,
    const struct block *behind)
{
    ipset_number host = ipset_ones(32 - REGION_BITS);
    struct slice found, value;
    struct block before;

    if (question->family != IP_V4 ||
        (behind != NULL && behind->prefix_first <= (question->want | host)))
        return;
    enum err err = kvread_prev(reader, &found, &value);
    bool same = err == ERR_OK && found.n == key->n && memcmp(found.p, key->b, IPSET_KEY_FIXED) == 0;
    if (err != ERR_OK || (same && parse_block(found, value, &before) != ERR_OK) ||
        (same && before.prefix_last >= (question->want & ~host)))
        return;
    kvread_remember(reader, question->place, question->owner, slice_of(NULL, 0), slice_of(NULL, 0));
}

static enum err
seek_block(
    struct kvread *reader, const struct question *question, const struct ip *ip, struct block *out)
{
    struct slice found, value;
    struct store_key key;
    uint8_t address[16];

    store_key_init(&key, STORE_ADDR, question->dataset, (uint8_t)question->family);
    store_key_add(&key, address, ip_key(ip, address));
    enum err err = kvread_seek(reader, store_key_slice(&key), &found, &value);
    if (err != ERR_OK)
        return err;
    /* Past the last block of this set the seek finds a record of another one. */
    bool same = found.n >= IPSET_KEY_FIXED && memcmp(found.p, key.b, IPSET_KEY_FIXED) == 0;
    if (same)
        err = parse_block(found, value, out);
    if (err != ERR_OK)
        return err;
    if (same && covers(out, question->want)) {
        kvread_remember(reader, question->place, question->owner, found, value);
        return ERR_OK;
    }
    remember_gap(reader, question, &key, same ? out : NULL);
    return ERR_NOTFOUND;
}

enum err
ipset_lookup(struct kvread *reader, uint16_t dataset, const struct ip *ip, struct ipset_hit *out)
{
    const struct question question = question_of(dataset, ip);
    struct slice found, value;
    struct block block;
    enum err err = ERR_OK;

    bool known = kvread_recall(reader, question.place, question.owner, &found, &value);
    if (known && found.p == NULL)
        return ERR_NOTFOUND;
    /* The prefixes of blocks don't overlap: one that covers the address is what a seek would find.
     */
    if (!known || parse_block(found, value, &block) != ERR_OK || !covers(&block, question.want))
        err = seek_block(reader, &question, ip, &block);
    return err == ERR_OK ? find_in(&block, question.want, out) : err;
}

enum err
ipset_block_each(struct slice key, struct slice value, ipset_each_fn each, void *ctx)
{
    struct block block;
    struct ipset_hit hit;
    size_t bit = 0, length_bit = 0;
    ipset_number sum = 0, before;
    enum err err = parse_block(key, value, &block);

    for (size_t i = 0; err == ERR_OK && i < block.head.count; i++, bit++, length_bit++) {
        before = sum;
        err = next_bit(&block, &block.at.first, ONES, bit, &bit);
        if (err == ERR_OK && block.head.length_width > 0) {
            err = next_bit(&block, &block.at.length, ONES, length_bit, &length_bit);
            sum = number_at(&block, &block.at.length, i, length_bit);
        }
        if (err == ERR_OK)
            err =
                fill_hit(&block, i, number_at(&block, &block.at.first, i, bit), sum - before, &hit);
        if (err == ERR_OK)
            err = each(ctx, &hit);
    }
    return err;
}

enum err
ipset_block_range(struct slice key, struct slice value, struct range *out)
{
    struct block block;
    enum err err = parse_block(key, value, &block);

    if (err != ERR_OK)
        return err;
    put_ip(block.prefix_first, &out->first);
    put_ip(block.prefix_last, &out->last);
    return ERR_OK;
}
