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

/* Where the k-th (from 0) such bit of the buckets is. */
COUNTS_ONES static enum err
select_bit(const struct block *block, const struct ipset_column *column, enum bit bit, size_t k,
    size_t *out)
{
    for (size_t at = 0; at < column->buckets_size; at += 64) {
        uint64_t word = bucket_word(block, column, bit, at);
        unsigned ones = (unsigned)__builtin_popcountll(word);

        if (k >= ones) {
            k -= ones;
            continue;
        }
        *out = at;
        for (unsigned half = 32; half > 0; half /= 2) {
            ones = (unsigned)__builtin_popcountll(word >> (64 - half));
            if (k >= ones) {
                k -= ones;
                word <<= half;
                *out += half;
            }
        }
        return ERR_OK;
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

/* Where the reader remembers a block: by the address's first bits, 14 of IPv4 and 32 of IPv6, where
 * fewer would be much the same. Blocks of many such prefixes are at many places. */
static uint32_t
place_of(uint16_t dataset, const struct ip *ip)
{
    uint32_t bits = ip_is4(ip) ? ip_v4(ip) >> 18 : (uint32_t)be_get(ip->b, 4) * 2654435761U >> 18;

    return bits ^ dataset * 40503U;
}

/* The prefixes of blocks don't overlap: one that covers the address is what a seek would find. */
static bool
recall_block(const struct kvread *reader, uint32_t place, const struct store_key *key,
    ipset_number want, struct block *out)
{
    struct slice found, value;

    return kvread_recall(reader, place, &found, &value) && found.n == key->n &&
           memcmp(found.p, key->b, IPSET_KEY_FIXED) == 0 &&
           parse_block(found, value, out) == ERR_OK && covers(out, want);
}

static enum err
seek_block(struct kvread *reader, uint32_t place, const struct store_key *key, ipset_number want,
    struct block *out)
{
    struct slice found, value;
    enum err err = kvread_seek(reader, store_key_slice(key), &found, &value);

    if (err != ERR_OK)
        return err;
    /* Past the last block of this set the seek finds a record of another one. */
    if (found.n < IPSET_KEY_FIXED || memcmp(found.p, key->b, IPSET_KEY_FIXED) != 0)
        return ERR_NOTFOUND;
    err = parse_block(found, value, out);
    if (err != ERR_OK)
        return err;
    if (!covers(out, want))
        return ERR_NOTFOUND;
    kvread_remember(reader, place, found, value);
    return ERR_OK;
}

enum err
ipset_lookup(struct kvread *reader, uint16_t dataset, const struct ip *ip, struct ipset_hit *out)
{
    const ipset_number want = ipset_number_of(ip);
    const uint32_t place = place_of(dataset, ip);
    struct block block;
    struct store_key key;
    uint8_t address[16];
    enum err err;

    store_key_init(&key, STORE_ADDR, dataset, (uint8_t)ip_family(ip));
    store_key_add(&key, address, ip_key(ip, address));
    if (recall_block(reader, place, &key, want, &block))
        return find_in(&block, want, out);
    err = seek_block(reader, place, &key, want, &block);
    return err == ERR_OK ? find_in(&block, want, out) : err;
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
