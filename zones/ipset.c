/* Address sets: look-up. On the answer path. See ipset.h. */
#include "ipset.h"

#include "be.h"

#include <stdbool.h>

/* A block taken apart; every column lies inside the record. */
struct block {
    const uint8_t *dict;
    size_t dict_n;
    const uint8_t *first, *last, *number; /* last and number may be NULL */
    unsigned count, w, number_w;
    uint8_t prefix_first[16], prefix_last[16]; /* kept as an address: IPv4 is mapped */
};

/* The bounds of the block's prefix. Not by ip.h's functions: the last address of an IPv6 prefix may
 * have the look of a mapped IPv4 address (::/80 ends with ::ffff:ffff:ffff). */
static enum err
parse_key(struct slice key, unsigned plen, struct block *out)
{
    const uint8_t *in = key.p;
    unsigned bits, offset;
    struct ip last;

    if (key.n != IPSET_KEY_FIXED + 4U && key.n != IPSET_KEY_FIXED + 16U)
        return ERR_FORMAT;
    bits = (unsigned)(key.n - IPSET_KEY_FIXED) * 8;
    offset = 16 - bits / 8;
    if (plen > bits || ip_from_key(in + IPSET_KEY_FIXED, bits / 8, &last) != ERR_OK)
        return ERR_FORMAT;
    memcpy(out->prefix_last, last.b, 16);
    memcpy(out->prefix_first, last.b, 16);
    if (plen < bits) {
        out->prefix_first[offset + plen / 8] &= (uint8_t)(0xff00 >> plen % 8);
        memset(out->prefix_first + offset + plen / 8 + 1, 0, 16 - offset - plen / 8 - 1);
    }
    out->w = (bits - plen + 7) / 8;
    return ERR_OK;
}

static enum err
parse_block(struct slice key, struct slice value, struct block *out)
{
    const uint8_t *in = value.p;
    size_t need;
    enum err err;

    if (value.n < IPSET_HEADER_SIZE)
        return ERR_FORMAT;
    err = parse_key(key, in[0], out);
    if (err != ERR_OK)
        return err;
    out->count = (unsigned)be_get(in + 2, 2);
    out->dict_n = be_get(in + 4, 2);
    out->number_w = (in[1] & IPSET_NUMBERS_1) != 0 ? 1 : 0;
    if ((in[1] & IPSET_NUMBERS_2) != 0)
        out->number_w = 2;
    need = IPSET_HEADER_SIZE + out->dict_n + out->count * (out->w + out->number_w);
    if ((in[1] & IPSET_RANGES) != 0)
        need += out->count * out->w;
    if (out->count == 0 || need != value.n)
        return ERR_FORMAT;
    out->dict = in + IPSET_HEADER_SIZE;
    out->first = out->dict + out->dict_n;
    out->last = (in[1] & IPSET_RANGES) != 0 ? out->first + out->count * out->w : NULL;
    out->number = in + value.n - out->count * out->number_w;
    return ERR_OK;
}

/* Entry i, which is less than count. */
static enum err
entry_at(const struct block *block, unsigned i, struct ipset_hit *out)
{
    const uint8_t *last = block->last == NULL ? block->first : block->last;
    const uint8_t *number = block->number + i * block->number_w;
    size_t at = 0, n, index = 0;

    memcpy(out->range.first.b, block->prefix_first, 16);
    memcpy(out->range.last.b, block->prefix_first, 16);
    memcpy(out->range.first.b + 16 - block->w, block->first + i * block->w, block->w);
    memcpy(out->range.last.b + 16 - block->w, last + i * block->w, block->w);
    if (block->number_w > 0)
        index = block->number_w == 1 ? number[0] : be_get(number, 2);
    for (;;) {
        if (block->dict_n - at < 2)
            return ERR_FORMAT;
        n = be_get(block->dict + at, 2);
        at += 2;
        if (block->dict_n - at < n)
            return ERR_FORMAT;
        if (index-- == 0)
            break;
        at += n;
    }
    out->value = slice_of(block->dict + at, n);
    return ERR_OK;
}

/* How many entries begin at low or before it. Columns are mostly 1 to 3 bytes wide: as numbers they
 * are compared without a call. */
static unsigned
count_up_to(const struct block *block, const uint8_t *low)
{
    unsigned from = 0, to = block->count, w = block->w;
    uint64_t want = w <= 8 ? be_get(low, w) : 0;

    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        const uint8_t *at = block->first + middle * w;

        if (w <= 8 ? be_get(at, w) <= want : memcmp(at, low, w) <= 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

enum err
ipset_block_find(struct slice key, struct slice value, const struct ip *ip, struct ipset_hit *out)
{
    struct block block;
    const uint8_t *low, *last;
    unsigned from;
    enum err err = parse_block(key, value, &block);

    if (err != ERR_OK)
        return err;
    if (memcmp(ip->b, block.prefix_first, 16) < 0 || memcmp(ip->b, block.prefix_last, 16) > 0)
        return ERR_NOTFOUND;
    low = ip->b + 16 - block.w;
    from = count_up_to(&block, low);
    if (from == 0)
        return ERR_NOTFOUND;
    from--;
    last = block.last == NULL ? block.first : block.last;
    if (memcmp(last + from * block.w, low, block.w) < 0)
        return ERR_NOTFOUND;
    return entry_at(&block, from, out);
}

enum err
ipset_lookup(struct kvread *reader, uint16_t dataset, const struct ip *ip, struct ipset_hit *out)
{
    struct slice found, value;
    struct store_key key;
    uint8_t address[16];
    enum err err;

    store_key_init(&key, STORE_ADDR, dataset, (uint8_t)ip_family(ip));
    store_key_add(&key, address, ip_key(ip, address));
    err = kvread_seek(reader, store_key_slice(&key), &found, &value);
    if (err != ERR_OK)
        return err;
    /* Past the last block of this set the seek finds a record of another one. */
    if (found.n < IPSET_KEY_FIXED || memcmp(found.p, key.b, IPSET_KEY_FIXED) != 0)
        return ERR_NOTFOUND;
    return ipset_block_find(found, value, ip, out);
}

enum err
ipset_block_each(struct slice key, struct slice value, ipset_each_fn each, void *ctx)
{
    struct block block;
    struct ipset_hit hit;
    enum err err = parse_block(key, value, &block);

    for (unsigned i = 0; err == ERR_OK && i < block.count; i++) {
        err = entry_at(&block, i, &hit);
        if (err == ERR_OK)
            err = each(ctx, &hit);
    }
    return err;
}
