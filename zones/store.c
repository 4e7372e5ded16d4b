/* answers.mdb: keys and the records of the catalog; see store.h. On the answer path. */
#include "store.h"

#include "be.h"

/* Takes a number off the front. */
static uint64_t
take(const uint8_t **in, unsigned bytes)
{
    uint64_t n = be_get(*in, bytes);
    *in += bytes;
    return n;
}

void
store_key_init(struct store_key *key, enum store_table table, uint16_t dataset, uint8_t family)
{
    key->n = 4;
    key->b[0] = (uint8_t)table;
    key->b[1] = (uint8_t)(dataset >> 8);
    key->b[2] = (uint8_t)dataset;
    key->b[3] = family;
}

void
store_key_add(struct store_key *key, const void *bytes, size_t n)
{
    if (n > sizeof key->b - key->n)
        n = sizeof key->b - key->n;
    if (n != 0)
        memcpy(key->b + key->n, bytes, n);
    key->n += n;
}

/* A key of the catalog's tables: the table byte and a text or name key. */
static void
catalog_key(struct store_key *key, enum store_table table, const void *rest, size_t n)
{
    key->n = 1;
    key->b[0] = (uint8_t)table;
    store_key_add(key, rest, n);
}

void
store_key_meta(struct store_key *key)
{
    catalog_key(key, STORE_META, "format", 6);
}

void
store_key_beat(struct store_key *key)
{
    catalog_key(key, STORE_META, "beat", 4);
}

void
store_key_dataset(struct store_key *key, const char *name)
{
    catalog_key(key, STORE_CATALOG, name, strlen(name));
}

void
store_key_zone(struct store_key *key, const struct dname *apex)
{
    uint8_t rest[DNAME_KEY_MAX];
    catalog_key(key, STORE_ZONE, rest, dname_key(apex, rest));
}

void
store_key_evidence_ip(struct store_key *key, uint16_t dataset, const struct ip *ip)
{
    uint8_t address[16];
    store_key_init(key, STORE_EVIDENCE, dataset, (uint8_t)ip_family(ip));
    store_key_add(key, address, ip_key(ip, address));
}

void
store_key_evidence_name(struct store_key *key, uint16_t dataset, const struct dname *name)
{
    uint8_t rest[DNAME_KEY_MAX];
    store_key_init(key, STORE_EVIDENCE, dataset, 0);
    store_key_add(key, rest, dname_key(name, rest));
}

/* id(2) kind(1) reserved(1) serial(4) built(8) expires(8) max_age(4) ttl(4) entries(4) */
enum { DATASET_BYTES = 36 };

size_t
dataset_encode(const struct dataset *dataset, uint8_t out[DATASET_RECORD_SIZE])
{
    uint8_t *p = out;
    p = be_put(p, dataset->id, 2);
    p = be_put(p, dataset->kind, 1);
    p = be_put(p, 0, 1);
    p = be_put(p, dataset->serial, 4);
    p = be_put(p, (uint64_t)dataset->built_s, 8);
    p = be_put(p, (uint64_t)dataset->expires_s, 8);
    p = be_put(p, dataset->max_age_s, 4);
    p = be_put(p, dataset->ttl_s, 4);
    p = be_put(p, dataset->entries, 4);
    return (size_t)(p - out);
}

enum err
dataset_decode(struct slice key, struct slice value, struct dataset *out)
{
    const uint8_t *k = key.p, *p = value.p;
    if (key.n < 2 || key.n - 1 >= DATASET_NAME_SIZE || k[0] != STORE_CATALOG ||
        value.n != DATASET_BYTES)
        return ERR_FORMAT;
    *out = (struct dataset){0};
    memcpy(out->name, k + 1, key.n - 1);
    out->id = (uint16_t)take(&p, 2);
    unsigned kind = (unsigned)take(&p, 1);
    if (kind < DATASET_ADDR || kind > DATASET_COMBINED)
        return ERR_FORMAT;
    out->kind = (enum dataset_kind)kind;
    (void)take(&p, 1);
    out->serial = (uint32_t)take(&p, 4);
    out->built_s = (int64_t)take(&p, 8);
    out->expires_s = (int64_t)take(&p, 8);
    out->max_age_s = (uint32_t)take(&p, 4);
    out->ttl_s = (uint32_t)take(&p, 4);
    out->entries = (uint32_t)take(&p, 4);
    return ERR_OK;
}

bool
dataset_expired(const struct dataset *dataset, int64_t beat_s, int64_t now_s)
{
    if (dataset->expires_s != 0 && now_s >= dataset->expires_s)
        return true;
    return dataset->max_age_s != 0 && now_s - beat_s > (int64_t)dataset->max_age_s;
}

int64_t
dataset_expires_s(const struct dataset *dataset, int64_t beat_s)
{
    int64_t until_s = dataset->max_age_s != 0 ? beat_s + dataset->max_age_s : 0;
    bool own = dataset->expires_s != 0 && (until_s == 0 || dataset->expires_s < until_s);
    return own ? dataset->expires_s : until_s;
}

size_t
store_meta_encode(const struct store_meta *meta, uint8_t out[STORE_META_SIZE])
{
    uint8_t *p = be_put(out, meta->format, 4);
    p = be_put(p, meta->serial, 4);
    p = be_put(p, meta->publishes, 8);
    p = be_put(p, meta->last_id, 2);
    return (size_t)(p - out);
}

enum err
store_meta_decode(struct slice value, struct store_meta *out)
{
    const uint8_t *p = value.p;
    if (value.n < 4)
        return ERR_FORMAT;
    *out = (struct store_meta){.format = (uint32_t)take(&p, 4)};
    /* The format comes first in every version, so that it can be named. */
    if (!store_format_known(out->format))
        return ERR_OK;
    if (value.n != STORE_META_SIZE)
        return ERR_FORMAT;
    out->serial = (uint32_t)take(&p, 4);
    out->publishes = take(&p, 8);
    out->last_id = (uint16_t)take(&p, 2);
    return ERR_OK;
}

uint32_t
store_next_serial(uint32_t previous, int64_t now_s)
{
    uint32_t now = (uint32_t)now_s, next = previous + 1;
    /* RFC 1982 3.2: now counts only if it is after the previous one. */
    return (int32_t)(now - next) > 0 ? now : next;
}

size_t
zone_record_encode(const struct zone_record *zone, uint8_t out[ZONE_RECORD_SIZE])
{
    uint8_t *p = be_put(out, zone->digest, 8);
    p = be_put(p, zone->serial, 4);
    return (size_t)(p - out);
}

enum err
zone_record_decode(struct slice value, struct zone_record *out)
{
    const uint8_t *p = value.p;
    if (value.n != ZONE_RECORD_SIZE)
        return ERR_FORMAT;
    out->digest = take(&p, 8);
    out->serial = (uint32_t)take(&p, 4);
    return ERR_OK;
}

size_t
store_beat_encode(int64_t beat_s, uint8_t out[8])
{
    return (size_t)(be_put(out, (uint64_t)beat_s, 8) - out);
}

enum err
store_beat_decode(struct slice value, int64_t *beat_s)
{
    const uint8_t *p = value.p;
    if (value.n != 8)
        return ERR_FORMAT;
    *beat_s = (int64_t)take(&p, 8);
    return ERR_OK;
}

const char *
dataset_kind_text(enum dataset_kind kind)
{
    static const char *const names[] = {[DATASET_ADDR] = "address",
        [DATASET_NAME] = "name",
        [DATASET_PAIR] = "pair",
        [DATASET_RECORDS] = "records",
        [DATASET_COMBINED] = "combined"};
    return names[kind];
}

size_t
evidence_encode(const struct evidence *evidence, uint8_t *out, size_t size)
{
    size_t n = evidence->detail.n;
    if (size < 8)
        return 0;
    n = n > EVIDENCE_DETAIL_MAX ? EVIDENCE_DETAIL_MAX : n;
    n = n > size - 8 ? size - 8 : n;
    uint8_t *p = be_put(out, (uint64_t)evidence->since_s, 8);
    if (n != 0)
        memcpy(p, evidence->detail.p, n);
    return 8 + n;
}

enum err
evidence_decode(struct slice value, struct evidence *out)
{
    const uint8_t *p = value.p;
    if (value.n < 8 || value.n > 8 + EVIDENCE_DETAIL_MAX)
        return ERR_FORMAT;
    out->since_s = (int64_t)take(&p, 8);
    out->detail = slice_of(p, value.n - 8);
    return ERR_OK;
}
