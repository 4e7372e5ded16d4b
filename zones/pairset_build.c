/* Pairs: packing. For the loader. See pairset.h. */
#include <stdlib.h>

#include "pairset.h"

#include "be.h"

enum { HEADER_SIZE = 12, FORM = 1 };

static unsigned
least_limit(const struct pairset_entry *entries, size_t count)
{
    unsigned least = 0;
    for (size_t i = 0; i < count; i++)
        if (entries[i].limit_day != 0 && (least == 0 || entries[i].limit_day < least))
            least = entries[i].limit_day;
    return least;
}

/* The addresses of one family, then their reasons. */
static uint8_t *
put_family(uint8_t *out, const struct pairset_entry *entries, size_t count, enum ip_family family)
{
    uint8_t address[16];
    for (size_t i = 0; i < count; i++) {
        if (ip_family(&entries[i].ip) != family)
            continue;
        size_t n = ip_key(&entries[i].ip, address);
        memcpy(out, address, n);
        out += n;
    }
    for (size_t i = 0; i < count; i++)
        if (ip_family(&entries[i].ip) == family)
            *out++ = (uint8_t)entries[i].reason;
    return out;
}

static enum err
emit_domain(uint16_t dataset, const struct pairset_entry *entries, size_t count, store_emit_fn emit,
    void *ctx)
{
    size_t n4 = 0;
    for (size_t i = 0; i < count; i++)
        n4 += ip_is4(&entries[i].ip);
    uint8_t *value = malloc(HEADER_SIZE + count * 17);
    if (value == NULL)
        return ERR_NOMEM;
    unsigned limit = least_limit(entries, count);
    value[0] = FORM;
    value[1] = 0;
    value[2] = (uint8_t)(limit >> 8);
    value[3] = (uint8_t)limit;
    (void)be_put(value + 4, n4, 4);
    (void)be_put(value + 8, count - n4, 4);
    uint8_t *out = put_family(value + HEADER_SIZE, entries, count, IP_V4);
    out = put_family(out, entries, count, IP_V6);
    struct store_key key;
    uint8_t name[DNAME_KEY_MAX];
    store_key_init(&key, STORE_PAIR, dataset, 0);
    store_key_add(&key, name, dname_key(&entries->domain, name));
    enum err err = emit(ctx, store_key_slice(&key), slice_of(value, (size_t)(out - value)));
    free(value);
    return err;
}

enum err
pairset_build(uint16_t dataset, const struct pairset_entry *entries, size_t count,
    store_emit_fn emit, void *ctx)
{
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count; to++)
            if (!dname_equal(&entries[from].domain, &entries[to].domain))
                break;
        enum err err = emit_domain(dataset, entries + from, to - from, emit, ctx);
        if (err < 0)
            return err;
    }
    return ERR_OK;
}
