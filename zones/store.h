/*
 * answers.mdb: key layout, catalog and heartbeat. What the loader publishes and the server maps.
 *
 * Everything lies in the unnamed database. A key is
 *     table(1) dataset(2, big-endian) family(1) rest
 * where family is 4 or 6 for addresses and 0 for names; the catalog's tables use their own forms:
 *     M "format"          store format, last publish serial, number of publishes
 *     M "beat"            when the loader last finished a run
 *     C name              a dataset (struct dataset)
 *     Z dname_key(apex)   a zone's definition digest and serial
 * Numbers are big-endian. The codecs of the other tables: ipset.h, nameset.h, pairset.h,
 * recordset.h, authority.h, combined.h, evidence in this file.
 */
#ifndef ZONES_STORE_H
#define ZONES_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "dname.h"
#include "err.h"
#include "ip.h"
#include "kv.h"
#include "kvread.h"
#include "slice.h"

#define STORE_FORMAT       3
#define STORE_FORMAT_FIRST 2  /* the oldest that is read, and written on as STORE_FORMAT */
#define DATASET_NAME_SIZE  64 /* with the NUL; [a-z0-9_.-], and "#n" after it for combined.h */
#define STORE_DATASETS_MAX 256

enum store_table {
    STORE_META = 'M',
    STORE_CATALOG = 'C',
    STORE_ZONE = 'Z',
    STORE_ADDR = 'A',
    STORE_NAME = 'N',
    STORE_PAIR = 'P',
    STORE_POLICY = 'Y',
    STORE_RECORD = 'R',
    STORE_AUTHORITY = 'S',
    STORE_COMBINED = 'B',
    STORE_EVIDENCE = 'E'
};

struct store_key {
    size_t n;
    uint8_t b[KV_KEY_MAX];
};

/* table, dataset and family; family 0, 4 or 6. */
void store_key_init(
    struct store_key *key, enum store_table table, uint16_t dataset, uint8_t family);
/* Appends; more than KV_KEY_MAX bytes in all is a bug of the caller and is cut. */
void store_key_add(struct store_key *key, const void *bytes, size_t n);
static inline struct slice
store_key_slice(const struct store_key *key)
{
    return slice_of(key->b, key->n);
}

enum dataset_kind {
    DATASET_ADDR = 1,
    DATASET_NAME = 2,
    DATASET_PAIR = 3,
    DATASET_RECORDS = 4,
    DATASET_COMBINED = 5 /* has no entries: it names others, combined.h */
};

struct dataset {
    char name[DATASET_NAME_SIZE];
    uint16_t id; /* given at the first publish, never reused for another name */
    enum dataset_kind kind;
    uint32_t serial;    /* of the last publish that changed it */
    int64_t built_s;    /* when that was */
    int64_t expires_s;  /* not served from this time on; 0: no limit of its own */
    uint32_t max_age_s; /* not served when the heartbeat is older than this; 0: no limit */
    uint32_t ttl_s;     /* of its answers; 0: the zone's */
    uint32_t entries;
};

/* Not to be served at this time: past its own expiry, or the heartbeat is too old for its
 * max_age_s. */
bool dataset_expired(const struct dataset *dataset, int64_t beat_s, int64_t now_s);

/* From when on that is so, if nothing changes; 0: never. */
int64_t dataset_expires_s(const struct dataset *dataset, int64_t beat_s);

#define DATASET_RECORD_SIZE 64
/* Encoded without the name, which is in the key. */
size_t dataset_encode(const struct dataset *dataset, uint8_t out[DATASET_RECORD_SIZE]);
/* key and value of a STORE_CATALOG record. ERR_FORMAT for damaged bytes. */
enum err dataset_decode(struct slice key, struct slice value, struct dataset *out) MUST_CHECK;
/* "address", "name", "pair", "records", "combined". Static storage. */
const char *dataset_kind_text(enum dataset_kind kind);

struct store_meta {
    uint32_t format;
    uint32_t serial;    /* RFC 1982 style zone serial of the last publish */
    uint64_t publishes; /* how many publishes changed something */
    uint16_t last_id;   /* the highest dataset id ever given */
};
#define STORE_META_SIZE 18
size_t store_meta_encode(const struct store_meta *meta, uint8_t out[STORE_META_SIZE]);
enum err store_meta_decode(struct slice value, struct store_meta *out) MUST_CHECK;

/* Whether this version reads stores of the format. */
static inline bool
store_format_known(uint32_t format)
{
    return format >= STORE_FORMAT_FIRST && format <= STORE_FORMAT;
}

/* Publish serial = max(previous + 1, now) mod 2^32. */
uint32_t store_next_serial(uint32_t previous, int64_t now_s);

struct zone_record {
    uint64_t digest; /* of the definition, zone_digest() */
    uint32_t serial;
};
#define ZONE_RECORD_SIZE 12
size_t zone_record_encode(const struct zone_record *zone, uint8_t out[ZONE_RECORD_SIZE]);
enum err zone_record_decode(struct slice value, struct zone_record *out) MUST_CHECK;

/* Heartbeat: seconds since 1970, 8 bytes. */
size_t store_beat_encode(int64_t beat_s, uint8_t out[8]);
enum err store_beat_decode(struct slice value, int64_t *beat_s) MUST_CHECK;

/* Keys of the records above. */
void store_key_meta(struct store_key *key);
void store_key_beat(struct store_key *key);
void store_key_dataset(struct store_key *key, const char *name);
void store_key_zone(struct store_key *key, const struct dname *apex);

/* Why and since when, apart from what A touches: STORE_EVIDENCE, dataset, family, address key or
 * name key -> since(8) detail. Detail is printable ASCII, shown only by private views and explain.
 */
struct evidence {
    int64_t since_s; /* 0: not known */
    struct slice detail;
};
#define EVIDENCE_DETAIL_MAX 400
void store_key_evidence_ip(struct store_key *key, uint16_t dataset, const struct ip *ip);
void store_key_evidence_name(struct store_key *key, uint16_t dataset, const struct dname *name);
size_t evidence_encode(const struct evidence *evidence, uint8_t *out, size_t size);
enum err evidence_decode(struct slice value, struct evidence *out) MUST_CHECK;

/* A record that a builder yields, in key order. Borrowed for the call. */
typedef enum err (*store_emit_fn)(void *ctx, struct slice key, struct slice value);

#endif
