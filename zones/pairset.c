/* Pairs: look-up. On the answer path. See pairset.h. */
#include "pairset.h"

#include "be.h"

enum { HEADER_SIZE = 12, KEY_FIXED = 4, FORM = 1 };

struct record {
    unsigned limit_day;
    size_t n4, n6;
    const uint8_t *address4, *reason4, *address6, *reason6;
};

static enum err
parse_record(struct slice value, struct record *out)
{
    const uint8_t *in = value.p;
    if (value.n < HEADER_SIZE || in[0] != FORM)
        return ERR_FORMAT;
    out->limit_day = (unsigned)in[2] << 8 | in[3];
    out->n4 = be_get(in + 4, 4);
    out->n6 = be_get(in + 8, 4);
    if (value.n - HEADER_SIZE != out->n4 * 5 + out->n6 * 17)
        return ERR_FORMAT;
    out->address4 = in + HEADER_SIZE;
    out->reason4 = out->address4 + out->n4 * 4;
    out->address6 = out->reason4 + out->n4;
    out->reason6 = out->address6 + out->n6 * 16;
    return ERR_OK;
}

static enum err
find_address(const struct record *record, const struct ip *ip, struct pairset_hit *out)
{
    uint8_t want[16];
    size_t size = ip_key(ip, want);
    const uint8_t *addresses = size == 4 ? record->address4 : record->address6;
    const uint8_t *reasons = size == 4 ? record->reason4 : record->reason6;
    size_t from = 0, to = size == 4 ? record->n4 : record->n6;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = memcmp(addresses + middle * size, want, size);
        if (order == 0) {
            if (reasons[middle] < REASON_SPF_NONE || reasons[middle] >= REASON_COUNT)
                return ERR_FORMAT;
            out->match = PAIRSET_FOUND;
            out->reason = (enum reason)reasons[middle];
            return ERR_OK;
        }
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return ERR_OK;
}

enum err
pairset_lookup(struct kvread *reader, uint16_t dataset, const struct ip *ip,
    const struct dname *domain, int64_t now_s, struct pairset_hit *out)
{
    uint8_t name[DNAME_KEY_MAX];
    struct store_key key;
    struct slice found, value;
    struct record record;
    *out = (struct pairset_hit){.match = PAIRSET_NONE};
    store_key_init(&key, STORE_PAIR, dataset, 0);
    store_key_add(&key, name, dname_key(domain, name));
    enum err err = kvread_seek(reader, store_key_slice(&key), &found, &value);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (found.n < key.n || memcmp(found.p, key.b, key.n) != 0)
        return ERR_OK;
    out->match = found.n == key.n ? PAIRSET_DOMAIN : PAIRSET_BELOW;
    if (out->match == PAIRSET_BELOW || ip == NULL)
        return ERR_OK;
    err = parse_record(value, &record);
    if (err < 0 || (record.limit_day != 0 && now_s >= (int64_t)record.limit_day * 86400))
        return err;
    return find_address(&record, ip, out);
}

static enum err
each_family(const struct record *record, size_t size, struct pairset_entry *entry,
    pairset_each_fn each, void *ctx)
{
    size_t count = size == 4 ? record->n4 : record->n6;
    const uint8_t *address = size == 4 ? record->address4 : record->address6;
    const uint8_t *reason = size == 4 ? record->reason4 : record->reason6;
    for (size_t i = 0; i < count; i++, address += size) {
        if (reason[i] < REASON_SPF_NONE || reason[i] >= REASON_COUNT)
            return ERR_FORMAT;
        entry->reason = (enum reason)reason[i];
        enum err err = ip_from_key(address, size, &entry->ip);
        if (err == ERR_OK)
            err = each(ctx, entry);
        if (err < 0)
            return err;
    }
    return ERR_OK;
}

enum err
pairset_record_each(struct slice key, struct slice value, pairset_each_fn each, void *ctx)
{
    struct record record;
    struct pairset_entry entry;
    if (key.n < KEY_FIXED)
        return ERR_FORMAT;
    enum err err =
        dname_from_key((const uint8_t *)key.p + KEY_FIXED, key.n - KEY_FIXED, &entry.domain);
    if (err == ERR_OK)
        err = parse_record(value, &record);
    if (err < 0)
        return err;
    entry.limit_day = (uint16_t)record.limit_day;
    err = each_family(&record, 4, &entry, each, ctx);
    return err < 0 ? err : each_family(&record, 16, &entry, each, ctx);
}
