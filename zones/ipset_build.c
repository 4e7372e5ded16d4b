/* Address sets: packing. For the loader. See ipset.h. */
#include <stdbool.h>
#include <stdlib.h>

#include "ipset.h"

#include "be.h"

enum { VALUES_MAX = 65535 };

/* A prefix whose first address is held as in struct ip; bits counts those of the family. */
struct node {
    uint8_t first[16];
    unsigned plen, bits;
};

struct build {
    uint16_t dataset;
    const struct ipset_entry *entries;
    store_emit_fn emit;
    void *ctx;
    struct slice *dict; /* of the block being measured; IPSET_BLOCK_MAX of them at most */
    uint8_t *out;
};

struct plan {
    size_t dict_count, dict_bytes, size;
    unsigned w, number_w;
    bool ranges;
};

static void
node_last(const struct node *node, uint8_t last[16])
{
    memcpy(last, node->first, 16);
    for (unsigned bit = 128 - node->bits + node->plen; bit < 128; bit++)
        last[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
}

static size_t
dict_find(const struct build *build, size_t count, struct slice value)
{
    size_t i = 0;
    while (i < count && slice_cmp(build->dict[i], value) != 0)
        i++;
    return i;
}

/* How the entries [lo, hi) would be packed; false when they are certainly too many. */
static bool
measure(struct build *build, const struct node *node, size_t lo, size_t hi, struct plan *plan)
{
    *plan = (struct plan){.w = (node->bits - node->plen + 7) / 8};
    size_t count = hi - lo;
    if (count > IPSET_BLOCK_MAX)
        return false;
    uint8_t last[16];
    node_last(node, last);
    for (size_t i = lo; i < hi; i++) {
        const struct ipset_entry *entry = &build->entries[i];
        const uint8_t *from = entry->range.first.b, *to = entry->range.last.b;
        if (memcmp(from, node->first, 16) < 0)
            from = node->first;
        if (memcmp(to, last, 16) > 0)
            to = last;
        plan->ranges = plan->ranges || memcmp(from, to, 16) != 0;
        if (dict_find(build, plan->dict_count, entry->value) == plan->dict_count) {
            build->dict[plan->dict_count++] = entry->value;
            plan->dict_bytes += 2 + entry->value.n;
        }
    }
    plan->number_w = plan->dict_count > 256 ? 2 : plan->dict_count > 1 ? 1 : 0;
    plan->size = IPSET_HEADER_SIZE + plan->dict_bytes +
                 count * (plan->w * (plan->ranges ? 2 : 1) + plan->number_w);
    return true;
}

static uint8_t *
put_columns(const struct build *build, const struct node *node, size_t lo, size_t hi,
    const struct plan *plan, uint8_t *out)
{
    uint8_t last[16];
    node_last(node, last);
    for (size_t i = lo; i < hi; i++, out += plan->w) {
        const uint8_t *from = build->entries[i].range.first.b;
        from = memcmp(from, node->first, 16) < 0 ? node->first : from;
        memcpy(out, from + 16 - plan->w, plan->w);
    }
    for (size_t i = lo; plan->ranges && i < hi; i++, out += plan->w) {
        const uint8_t *to = build->entries[i].range.last.b;
        to = memcmp(to, last, 16) > 0 ? last : to;
        memcpy(out, to + 16 - plan->w, plan->w);
    }
    for (size_t i = lo; plan->number_w > 0 && i < hi; i++) {
        size_t number = dict_find(build, plan->dict_count, build->entries[i].value);
        if (plan->number_w == 2)
            out = be_put(out, number, 2);
        else
            *out++ = (uint8_t)number;
    }
    return out;
}

static enum err
emit_block(
    struct build *build, const struct node *node, size_t lo, size_t hi, const struct plan *plan)
{
    if (plan->dict_bytes > VALUES_MAX)
        return ERR_RANGE;
    uint8_t *out = build->out;
    *out++ = (uint8_t)node->plen;
    *out++ =
        (uint8_t)((plan->ranges ? IPSET_RANGES : 0) | (plan->number_w == 1 ? IPSET_NUMBERS_1 : 0) |
                  (plan->number_w == 2 ? IPSET_NUMBERS_2 : 0));
    out = be_put(out, hi - lo, 2);
    out = be_put(out, plan->dict_bytes, 2);
    for (size_t i = 0; i < plan->dict_count; i++) {
        out = be_put(out, build->dict[i].n, 2);
        memcpy(out, build->dict[i].p, build->dict[i].n);
        out += build->dict[i].n;
    }
    out = put_columns(build, node, lo, hi, plan, out);

    uint8_t last[16];
    struct store_key key;
    node_last(node, last);
    store_key_init(&key, STORE_ADDR, build->dataset, node->bits == 32 ? 4 : 6);
    store_key_add(&key, last + 16 - node->bits / 8, node->bits / 8);
    return build->emit(
        build->ctx, store_key_slice(&key), slice_of(build->out, (size_t)(out - build->out)));
}

/* The entries [lo, hi) are those that touch the node's prefix. Depth: at most 129. */
static enum err
build_node(struct build *build, const struct node *node, size_t lo, size_t hi)
{
    if (lo == hi)
        return ERR_OK;
    struct plan plan;
    bool fits = measure(build, node, lo, hi, &plan);
    if (hi - lo == 1 || (fits && plan.size <= IPSET_BLOCK_MAX))
        return emit_block(build, node, lo, hi, &plan);

    struct node left = *node, right = *node;
    unsigned bit = 128 - node->bits + node->plen;
    left.plen = right.plen = node->plen + 1;
    right.first[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
    /* The first entry that begins in the right half; the one before it may reach into it. */
    size_t from = lo, to = hi;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (memcmp(build->entries[middle].range.first.b, right.first, 16) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    enum err err = build_node(build, &left, lo, from);
    bool crosses = from > lo && memcmp(build->entries[from - 1].range.last.b, right.first, 16) >= 0;
    if (err == ERR_OK)
        err = build_node(build, &right, crosses ? from - 1 : from, hi);
    return err;
}

/* Sorted, disjoint, each of one family; IPv6 ones are copied to v6. */
static enum err
check_entries(const struct ipset_entry *entries, size_t count, size_t *v4_first, size_t *v4_count,
    struct ipset_entry *v6)
{
    size_t v6_count = 0;
    *v4_first = *v4_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct range *range = &entries[i].range;
        bool is4 = ip_is4(&range->first);
        if (ip_cmp(&range->first, &range->last) > 0 || is4 != ip_is4(&range->last))
            return ERR_RANGE;
        if (i > 0 && ip_cmp(&entries[i - 1].range.last, &range->first) >= 0)
            return ERR_RANGE;
        struct ip mapped = ip_from_v4(0);
        if (!is4 && ip_cmp(&range->first, &mapped) < 0 && ip_cmp(&range->last, &mapped) > 0)
            return ERR_RANGE;
        if (is4 && (*v4_count)++ == 0)
            *v4_first = i;
        if (!is4)
            v6[v6_count++] = entries[i];
    }
    return ERR_OK;
}

enum err
ipset_build(uint16_t dataset, const struct ipset_entry *entries, size_t count, store_emit_fn emit,
    void *ctx)
{
    size_t v4_first = 0, v4_count = 0;
    struct build build = {.dataset = dataset, .emit = emit, .ctx = ctx};
    struct ipset_entry *v6 = calloc(count + 1, sizeof *v6);
    build.dict = calloc(IPSET_BLOCK_MAX + 1, sizeof *build.dict);
    build.out = malloc(IPSET_HEADER_SIZE + VALUES_MAX + 64);
    enum err err = v6 == NULL || build.dict == NULL || build.out == NULL ? ERR_NOMEM : ERR_OK;
    if (err == ERR_OK)
        err = check_entries(entries, count, &v4_first, &v4_count, v6);
    if (err == ERR_OK) {
        struct node root = {.bits = 32};
        memcpy(root.first, ip_from_v4(0).b, 16);
        build.entries = entries;
        err = build_node(&build, &root, v4_first, v4_first + v4_count);
    }
    if (err == ERR_OK) {
        struct node root = {.bits = 128};
        build.entries = v6;
        err = build_node(&build, &root, 0, count - v4_count);
    }
    free(v6);
    free(build.dict);
    free(build.out);
    return err;
}
