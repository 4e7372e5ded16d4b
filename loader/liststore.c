/* Records of lists.mdb; see liststore.h. */
#include "loader/liststore.h"

#include <stdio.h>
#include <stdlib.h>

#include "zones/combined.h"

enum { SOURCE_TABLE = 'S', ENTRY_TABLE = 'E', DEFAULT_TABLE = 'D', PUBLISHED_TABLE = 'P' };
/* Until the second version entries were kept one by one, and in the first without authority. */
enum { VERSION = 3, SECOND_VERSION = 2, FIRST_VERSION = 1, FIRST_FIXED = 20, SOURCE_FIXED = 22 };
enum { ENTRY_KEY_SIZE = 1 + 2 + 4, CHUNK_KEY_SIZE = 1 + 2 + 8 };
enum { PUBLISHED_OLD = 17, PUBLISHED_SIZE = 33 };
enum { FLAG_EXCLUDED = LISTSTORE_EXCLUDED, FLAG_EXACT = 2, FLAG_WILD = 4, FLAGS_ALL = 7 };

static uint8_t *
put(uint8_t *out, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(number >> 8 * (size - 1 - i));
    return out + size;
}

static uint64_t
get(const uint8_t **in, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | (*in)[i];
    *in += size;
    return number;
}

void
liststore_key_sources(struct liststore_key *key)
{
    key->b[0] = SOURCE_TABLE;
    key->n = 1;
}

void
liststore_key_source(struct liststore_key *key, const char *name)
{
    size_t n = strnlen(name, DATASET_NAME_SIZE);
    liststore_key_sources(key);
    memcpy(key->b + 1, name, n);
    key->n += n;
}

void
liststore_key_entries(struct liststore_key *key, uint16_t id)
{
    key->b[0] = ENTRY_TABLE;
    key->n = (size_t)(put(key->b + 1, id, 2) - key->b);
}

void
liststore_key_entry(struct liststore_key *key, uint16_t id, uint32_t n)
{
    liststore_key_entries(key, id);
    key->n = (size_t)(put(key->b + key->n, n, 4) - key->b);
}

void
liststore_key_chunk(struct liststore_key *key, uint16_t id, uint64_t n)
{
    liststore_key_entries(key, id);
    key->n = (size_t)(put(key->b + key->n, n, 8) - key->b);
}

enum err
liststore_chunk_number(struct slice key, uint64_t *out)
{
    const uint8_t *in = (const uint8_t *)key.p + CHUNK_KEY_SIZE - 8;
    if (key.n != CHUNK_KEY_SIZE)
        return ERR_FORMAT;
    *out = get(&in, 8);
    return ERR_OK;
}

bool
liststore_is_entry(struct slice key)
{
    return key.n == ENTRY_KEY_SIZE;
}

void
liststore_key_default(struct liststore_key *key, uint16_t id)
{
    key->b[0] = DEFAULT_TABLE;
    key->n = (size_t)(put(key->b + 1, id, 2) - key->b);
}

static void
key_published(struct liststore_key *key, const char *name)
{
    liststore_key_source(key, name);
    key->b[0] = PUBLISHED_TABLE;
}

enum err
liststore_get_published(
    struct kv_txn *txn, const char *name, enum list_type type, struct list_measure *out)
{
    struct liststore_key key;
    struct slice value;
    key_published(&key, name);
    enum err err = kv_get(txn, liststore_slice(&key), &value);
    if (err < 0)
        return err;
    const uint8_t *in = value.p;
    if (value.n != PUBLISHED_SIZE && value.n != PUBLISHED_OLD)
        return ERR_FORMAT;
    if (*in++ != (uint8_t)type)
        return ERR_NOTFOUND;
    out->entries = get(&in, 8);
    out->forbidden = get(&in, 8);
    out->share = value.n == PUBLISHED_SIZE ? get(&in, 8) : UINT64_MAX;
    out->state = value.n == PUBLISHED_SIZE ? get(&in, 8) : 0;
    return ERR_OK;
}

void
liststore_put_published(
    struct kv_txn *txn, const char *name, enum list_type type, const struct list_measure *measure)
{
    struct liststore_key key;
    uint8_t record[PUBLISHED_SIZE];
    uint8_t *out = put(record, (uint64_t)type, 1);
    out = put(out, measure->entries, 8);
    out = put(out, measure->forbidden, 8);
    out = put(out, measure->share, 8);
    (void)put(out, measure->state, 8);
    key_published(&key, name);
    struct slice stored, new = slice_of(record, sizeof record);
    if (kv_get(txn, liststore_slice(&key), &stored) < 0 || slice_cmp(stored, new) != 0)
        (void)kv_put(txn, liststore_slice(&key), new);
}

enum err
liststore_decode(struct slice value, struct liststore_source *out)
{
    const uint8_t *in = value.p;
    if (value.n < FIRST_FIXED || in[0] < FIRST_VERSION || in[0] > VERSION ||
        in[1] >= LIST_TYPE_COUNT)
        return ERR_FORMAT;
    bool has_authority = in[0] >= SECOND_VERSION;
    const uint8_t *end = in + value.n;
    size_t n = 0;
    out->old = in[0] != VERSION;
    out->type = (enum list_type)in[1];
    in += 2;
    out->id = (uint16_t)get(&in, 2);
    out->count = (uint32_t)get(&in, 4);
    out->ttl_s = (uint32_t)get(&in, 4);
    out->expires_s = (int64_t)get(&in, 8);
    if (has_authority) {
        if (end - in < 2)
            return ERR_FORMAT;
        n = (size_t)get(&in, 2);
    }
    if ((size_t)(end - in) < n)
        return ERR_FORMAT;
    out->authority = slice_of(in, n);
    out->files = slice_of(in + n, (size_t)(end - in) - n);
    return ERR_OK;
}

enum err
liststore_get(struct kv_txn *txn, const char *name, struct liststore_source *out)
{
    struct liststore_key key;
    struct slice value;
    liststore_key_source(&key, name);
    enum err err = kv_get(txn, liststore_slice(&key), &value);
    return err < 0 ? err : liststore_decode(value, out);
}

enum err
liststore_put(struct kv_txn *txn, const char *name, const struct liststore_source *source)
{
    struct liststore_key key;
    size_t n = SOURCE_FIXED + source->authority.n + source->files.n;
    uint8_t *record = malloc(n);
    if (record == NULL)
        return ERR_NOMEM;
    uint8_t *out = put(record, VERSION, 1);
    out = put(out, (uint64_t)source->type, 1);
    out = put(out, source->id, 2);
    out = put(out, source->count, 4);
    out = put(out, source->ttl_s, 4);
    out = put(out, (uint64_t)source->expires_s, 8);
    out = put(out, source->authority.n, 2);
    if (source->authority.n > 0)
        memcpy(out, source->authority.p, source->authority.n);
    if (source->files.n > 0)
        memcpy(out + source->authority.n, source->files.p, source->files.n);
    liststore_key_source(&key, name);
    (void)kv_put(txn, liststore_slice(&key), slice_of(record, n));
    free(record);
    return ERR_OK;
}

void
liststore_part_name(const char *name, size_t n, char out[DATASET_NAME_SIZE])
{
    (void)snprintf(out, DATASET_NAME_SIZE, "%.*s#%zu", COMBINED_NAME_MAX, name, n);
}

static bool
has_names(enum list_type type)
{
    enum list_holds holds = list_type_info(type)->holds;
    return holds == LIST_HOLDS_NAMES || holds == LIST_HOLDS_RECORDS;
}

/* Bytes of an address. */
static size_t
address_size(enum list_type type)
{
    return list_type_info(type)->holds == LIST_HOLDS_V4 ? 4 : 16;
}

static uint8_t *
put_address(uint8_t *out, const struct ip *ip, size_t size)
{
    memcpy(out, ip->b + sizeof ip->b - size, size);
    return out + size;
}

static void
get_address(const uint8_t **in, size_t size, struct ip *out)
{
    *out = ip_from_v4(0);
    memcpy(out->b + sizeof out->b - size, *in, size);
    *in += size;
}

size_t
liststore_entry(const struct listfile_entry *entry, enum list_type type, struct slice value,
    uint8_t out[LISTSTORE_ENTRY_MAX])
{
    unsigned flags = (entry->excluded ? FLAG_EXCLUDED : 0) | (entry->exact ? FLAG_EXACT : 0) |
                     (entry->wild ? FLAG_WILD : 0);
    uint8_t *at = put(out, flags, 1);
    if (has_names(type)) {
        memcpy(at, entry->name.b, entry->name.len);
        at += entry->name.len;
    } else {
        at = put_address(at, &entry->range.first, address_size(type));
        at = put_address(at, &entry->range.last, address_size(type));
    }
    if (value.n > 0)
        memcpy(at, value.p, value.n);
    return (size_t)(at - out) + value.n;
}

enum err
liststore_key_take(
    const uint8_t **in, const uint8_t *end, enum list_type type, struct listfile_entry *out)
{
    const uint8_t *at = *in;
    if (at == end || *at > FLAGS_ALL)
        return ERR_FORMAT;
    out->excluded = (*at & FLAG_EXCLUDED) != 0;
    out->exact = (*at & FLAG_EXACT) != 0;
    out->wild = (*at & FLAG_WILD) != 0;
    at++;
    if (has_names(type)) {
        if (dname_from_wire(at, (size_t)(end - at), &out->name) < 0)
            return ERR_FORMAT;
        at += out->name.len;
    } else {
        if ((size_t)(end - at) < 2 * address_size(type))
            return ERR_FORMAT;
        get_address(&at, address_size(type), &out->range.first);
        get_address(&at, address_size(type), &out->range.last);
        if (ip_cmp(&out->range.first, &out->range.last) > 0)
            return ERR_FORMAT;
    }
    *in = at;
    return ERR_OK;
}

enum err
liststore_entry_decode(
    struct slice record, enum list_type type, struct listfile_entry *out, struct slice *value)
{
    const uint8_t *in = record.p, *end = in + record.n;
    enum err err = liststore_key_take(&in, end, type, out);
    if (err < 0)
        return err;
    *value = slice_of(in, (size_t)(end - in));
    return out->excluded == (value->n == 0) ? ERR_OK : ERR_FORMAT;
}

enum err
liststore_key_decode(struct slice record, enum list_type type, struct listfile_entry *out)
{
    const uint8_t *in = record.p, *end = in + record.n;
    enum err err = liststore_key_take(&in, end, type, out);
    return err == ERR_OK && in != end ? ERR_FORMAT : err;
}
