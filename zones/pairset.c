/* Pairs: look-up. On the answer path. See pairset.h. */
#include "pairset.h"

#include "be.h"

enum { HEADER_SIZE = 12, KEY_FIXED = 4, FORM = 2 };

/* Whose remembered tables are (kvread.h): those of a family of a dataset. */
enum { TABLE_TAG = 0x40 };

struct record {
    size_t n4, n6;
    const uint8_t *address4, *reason4, *address6, *reason6;
};

static enum err
parse_record(struct slice value, struct record *out)
{
    const uint8_t *in = value.p;
    if (value.n < HEADER_SIZE || in[0] != FORM)
        return ERR_FORMAT;
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

static bool
is_reason(uint8_t reason)
{
    return reason >= REASON_SPF_NONE && reason <= REASON_SPF_PERMERROR;
}

/* A pair that was seen; *out stays as it is without one. */
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
            if (!is_reason(reasons[middle]))
                return ERR_FORMAT;
            out->match = PAIRSET_FOUND;
            out->seen = true;
            out->result = (enum spfresult)(reasons[middle] - REASON_SPF_NONE);
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
pairset_value_decode(struct slice value, struct pairset_value *out)
{
    const uint8_t *in = value.p;
    if (value.n != PAIRSET_VALUE_SIZE)
        return ERR_FORMAT;
    out->tables[PAIRSET_V4] = (uint32_t)be_get(in, 4);
    out->tables[PAIRSET_V6] = (uint32_t)be_get(in + 4, 4);
    out->limit_day = (uint16_t)be_get(in + 8, 2);
    return ERR_OK;
}

void
pairset_table_key(struct store_key *key, uint16_t dataset, unsigned family, uint32_t id)
{
    uint8_t bytes[4];
    store_key_init(key, STORE_POLICY, dataset, family == PAIRSET_V4 ? IP_V4 : IP_V6);
    (void)be_put(bytes, id, 4);
    store_key_add(key, bytes, sizeof bytes);
}

static enum err
get_table(struct kvread *reader, uint16_t dataset, unsigned family,
    const struct pairset_value *value, struct slice *out)
{
    struct store_key key;
    uint32_t id = value->tables[family], owner = (uint32_t)dataset << 8 | TABLE_TAG | family;
    pairset_table_key(&key, dataset, family, id);
    enum err err =
        kvread_get_often(reader, id ^ owner * 2654435761U, owner, store_key_slice(&key), out);
    return err == ERR_NOTFOUND ? ERR_FORMAT : err;
}

static enum err
find_seen(struct kvread *reader, uint16_t dataset, const struct ip *ip, const struct dname *domain,
    struct pairset_hit *out)
{
    uint8_t name[DNAME_KEY_MAX];
    struct store_key key;
    struct slice value;
    struct record record = {0};
    store_key_init(&key, STORE_PAIR, dataset, 0);
    store_key_add(&key, name, dname_key(domain, name));
    enum err err = kvread_get(reader, store_key_slice(&key), &value);
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    if (err == ERR_OK)
        err = parse_record(value, &record);
    return err < 0 ? err : find_address(&record, ip, out);
}

/* The domain's value; match is PAIRSET_DOMAIN if it has one. */
static enum err
find_domain(struct kvread *reader, uint16_t dataset, const struct dname *domain,
    struct pairset_value *value, struct pairset_hit *out)
{
    struct nameset_hit hit;
    *out = (struct pairset_hit){.match = PAIRSET_NONE, .result = SPFRESULT_UNKNOWN};
    enum err err = nameset_lookup(reader, dataset, domain, &hit);
    if (err < 0)
        return err;
    if (hit.match != NAMESET_EXACT) {
        out->match = hit.exists ? PAIRSET_BELOW : PAIRSET_NONE;
        return ERR_OK;
    }
    out->match = PAIRSET_DOMAIN;
    return pairset_value_decode(hit.value, value);
}

enum err
pairset_lookup(struct kvread *reader, uint16_t dataset, const struct ip *ip,
    const struct dname *domain, int64_t now_s, struct pairset_hit *out)
{
    struct pairset_value value;
    struct spftable_hit hit = {0};
    struct slice table;
    enum err err = find_domain(reader, dataset, domain, &value, out);
    if (err < 0 || out->match != PAIRSET_DOMAIN || ip == NULL)
        return err;
    if (value.limit_day != 0 && now_s >= (int64_t)value.limit_day * 86400)
        return ERR_OK;
    err = get_table(reader, dataset, ip_is4(ip) ? PAIRSET_V4 : PAIRSET_V6, &value, &table);
    if (err == ERR_OK)
        err = spftable_find(table, ip, &hit);
    if (err < 0)
        return err;
    out->result = hit.result;
    out->text = hit.text;
    if (hit.result == SPFRESULT_DYNAMIC)
        return find_seen(reader, dataset, ip, domain, out);
    if (hit.result != SPFRESULT_UNKNOWN)
        out->match = PAIRSET_FOUND;
    return ERR_OK;
}

enum err
pairset_policy(
    struct kvread *reader, uint16_t dataset, const struct dname *domain, struct pairset_policy *out)
{
    struct pairset_value value;
    struct pairset_hit hit;
    enum err err = find_domain(reader, dataset, domain, &value, &hit);
    if (err == ERR_OK && hit.match != PAIRSET_DOMAIN)
        return ERR_NOTFOUND;
    for (unsigned i = 0; i < PAIRSET_FAMILIES && err == ERR_OK; i++)
        err = get_table(reader, dataset, i, &value, &out->tables[i]);
    if (err < 0)
        return err;
    out->domain = *domain;
    out->limit_day = value.limit_day;
    return ERR_OK;
}

static enum err
each_family(const struct record *record, size_t size, struct pairset_entry *entry,
    pairset_each_fn each, void *ctx)
{
    size_t count = size == 4 ? record->n4 : record->n6;
    const uint8_t *address = size == 4 ? record->address4 : record->address6;
    const uint8_t *reason = size == 4 ? record->reason4 : record->reason6;
    for (size_t i = 0; i < count; i++, address += size) {
        if (!is_reason(reason[i]))
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
    struct record record = {0};
    struct pairset_entry entry;
    if (key.n < KEY_FIXED)
        return ERR_FORMAT;
    enum err err =
        dname_from_key((const uint8_t *)key.p + KEY_FIXED, key.n - KEY_FIXED, &entry.domain);
    if (err == ERR_OK)
        err = parse_record(value, &record);
    if (err < 0)
        return err;
    err = each_family(&record, 4, &entry, each, ctx);
    return err < 0 ? err : each_family(&record, 16, &entry, each, ctx);
}
