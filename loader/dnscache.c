/*
 * DNS answers of a run, and their records in history.mdb; see dnscache.h. Sends nothing itself.
 *
 * A stored record is read when its question first comes up, through the transaction given to
 * dnscache_new, which therefore lives as long as the cache. Record: key 'd' type(2)
 * dname_key(name), value status(1) expires(8) count(2) and the records as in struct dns_answer. One
 * thread.
 */
#include "loader/dnscache.h"

#include <stdalign.h>
#include <stdlib.h>
#include <sys/random.h>

#include "loader/history.h"
#include "zones/wire.h"

#define CHUNK_SIZE      (64U << 10)
#define BUCKETS_FIRST   1024U
#define VALUE_HEAD      11U
#define KEY_MAX         (3U + DNAME_KEY_MAX)
#define KEEP_EXPIRED_S  (INT64_C(30) * 86400) /* how long yesterday's verdict may lean on it */
#define COUNT_MAX       UINT16_MAX            /* of the value's count field */
#define CHUNK_DATA_SIZE (CHUNK_SIZE - sizeof(struct chunk))

_Static_assert(KEY_MAX <= KV_KEY_MAX, "a DNS key fits LMDB");

/* Answers are borrowed until the cache is freed, so nothing is ever given back singly. */
struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) uint8_t data[];
};

struct held {
    enum dns_status status;
    int64_t expires_s;
    unsigned count;
    struct slice records;
};

struct entry {
    struct entry *chain;       /* of its bucket */
    struct entry *next_wanted; /* FIFO */
    uint64_t hash;
    struct held now;    /* PENDING until put, or the stored answer while it is fresh */
    struct held stored; /* what history.mdb has; PENDING if nothing */
    enum dns_type type;
    bool wanted; /* was put on the list; stays set when taken off */
    bool dirty;  /* put in this run, and not what is stored */
    uint8_t name_len;
    uint8_t name[];
};

struct dnscache {
    struct kv_txn *txn;
    int64_t now_s;
    uint64_t secret[2]; /* names come from strangers, who must not choose the buckets */
    struct chunk *chunks;
    struct entry **buckets;
    size_t bucket_count, entry_count; /* bucket_count is a power of two */
    struct entry *wanted_first, *wanted_last;
    size_t wanted_count, dirty_count;
};

static void *
arena_take(struct dnscache *cache, size_t n)
{
    struct chunk *chunk = cache->chunks;
    n = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (chunk == NULL || chunk->size - chunk->used < n) {
        size_t size = n > CHUNK_DATA_SIZE ? n : CHUNK_DATA_SIZE;
        chunk = malloc(sizeof *chunk + size);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct chunk){.next = cache->chunks, .size = size};
        cache->chunks = chunk;
    }
    void *p = chunk->data + chunk->used;
    chunk->used += n;
    return p;
}

/* Copies into the arena; n 0 needs no room. */
static enum err
arena_copy(struct dnscache *cache, struct slice from, struct slice *out)
{
    *out = slice_of(NULL, 0);
    if (from.n == 0)
        return ERR_OK;
    void *p = arena_take(cache, from.n);
    if (p == NULL)
        return ERR_NOMEM;
    memcpy(p, from.p, from.n);
    *out = slice_of(p, from.n);
    return ERR_OK;
}

/* Multiply-and-fold over eight bytes at a time, both factors masked by the secret. */
static uint64_t
hash_of(const struct dnscache *cache, enum dns_type type, const struct dname *name)
{
    uint64_t h = cache->secret[0] ^ (uint64_t)type << 32 ^ name->len;
    for (size_t at = 0; at < name->len; at += 8) {
        uint64_t word = 0;
        size_t n = name->len - at < 8U ? name->len - at : 8U;
        memcpy(&word, name->b + at, n);
        unsigned __int128 product = (unsigned __int128)(h ^ word) * (cache->secret[1] | 1);
        h = (uint64_t)product ^ (uint64_t)(product >> 64) ^ cache->secret[0];
    }
    return h ^ h >> 32;
}

static size_t
make_key(enum dns_type type, const struct dname *name, uint8_t key[KEY_MAX])
{
    struct wire_out out = wire_out_of(key, 3);
    wire_put_u8(&out, HISTORY_DNS);
    wire_put_u16(&out, (uint16_t)type);
    return 3 + dname_key(name, key + 3);
}

/* Exactly count records, each whole. */
static bool
records_whole(struct slice records, unsigned count)
{
    struct dns_answer walk = {.records = records};
    struct slice rdata;
    unsigned n = 0;
    enum err err;
    while ((err = dns_next(&walk, &rdata)) == ERR_OK)
        n++;
    return err == ERR_NOTFOUND && n == count;
}

/* out->records is borrowed from value. */
static enum err
decode_value(struct slice value, struct held *out)
{
    struct wire_in in = wire_in_of(value.p, value.n);
    uint8_t status = wire_get_u8(&in);
    uint64_t high = wire_get_u32(&in);
    uint64_t low = wire_get_u32(&in);
    unsigned count = wire_get_u16(&in);
    if (in.failed || (status != DNS_OK && status != DNS_NODATA && status != DNS_NXDOMAIN))
        return ERR_FORMAT;
    struct slice records = slice_of((const uint8_t *)value.p + VALUE_HEAD, value.n - VALUE_HEAD);
    if (!records_whole(records, count) || (status == DNS_OK) != (count > 0))
        return ERR_FORMAT;
    *out = (struct held){.status = (enum dns_status)status,
        .expires_s = (int64_t)(high << 32 | low),
        .count = count,
        .records = records};
    return ERR_OK;
}

enum err
dnscache_new(struct kv_txn *txn, int64_t now_s, struct dnscache **out)
{
    struct dnscache *cache = calloc(1, sizeof *cache);
    *out = NULL;
    if (cache == NULL)
        return ERR_NOMEM;
    cache->txn = txn;
    cache->now_s = now_s;
    cache->bucket_count = BUCKETS_FIRST;
    cache->buckets = calloc(cache->bucket_count, sizeof *cache->buckets);
    if (cache->buckets == NULL) {
        free(cache);
        return ERR_NOMEM;
    }
    if (getrandom(cache->secret, sizeof cache->secret, 0) != (ssize_t)sizeof cache->secret) {
        dnscache_free(&cache);
        return ERR_IO;
    }
    *out = cache;
    return ERR_OK;
}

void
dnscache_free(struct dnscache **cache)
{
    if (*cache == NULL)
        return;
    for (struct chunk *chunk = (*cache)->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free((*cache)->buckets);
    free(*cache);
    *cache = NULL;
}

/* A table that cannot grow only gets slower. */
static void
grow(struct dnscache *cache)
{
    size_t count = cache->bucket_count * 2;
    struct entry **buckets = calloc(count, sizeof *buckets);
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < cache->bucket_count; i++) {
        for (struct entry *entry = cache->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->chain;
            entry->chain = buckets[entry->hash & (count - 1)];
            buckets[entry->hash & (count - 1)] = entry;
        }
    }
    free(cache->buckets);
    cache->buckets = buckets;
    cache->bucket_count = count;
}

/* What is stored for the entry. A damaged record counts as none: the question is asked again and
 * the record overwritten. */
static enum err
load_stored(struct dnscache *cache, struct entry *entry, const struct dname *name)
{
    uint8_t key[KEY_MAX];
    struct slice value;
    struct held held;
    if (cache->txn == NULL)
        return ERR_OK;
    enum err err = kv_get(cache->txn, slice_of(key, make_key(entry->type, name, key)), &value);
    if (err == ERR_OK)
        err = decode_value(value, &held);
    if (err == ERR_NOTFOUND || err == ERR_FORMAT)
        return ERR_OK;
    if (err == ERR_OK)
        err = arena_copy(cache, held.records, &held.records);
    if (err < 0)
        return err;
    entry->stored = held;
    if (held.expires_s > cache->now_s)
        entry->now = held;
    return ERR_OK;
}

/* The entry of a question, made and filled from the store if it is new. NULL: no memory, or the
 * store cannot be read. */
static struct entry *
find(struct dnscache *cache, enum dns_type type, const struct dname *name)
{
    uint64_t hash = hash_of(cache, type, name);
    struct entry *entry = cache->buckets[hash & (cache->bucket_count - 1)];
    for (; entry != NULL; entry = entry->chain)
        if (entry->hash == hash && entry->type == type && entry->name_len == name->len &&
            memcmp(entry->name, name->b, name->len) == 0)
            return entry;

    entry = arena_take(cache, sizeof *entry + name->len);
    if (entry == NULL)
        return NULL;
    *entry = (struct entry){.hash = hash, .type = type, .name_len = name->len};
    memcpy(entry->name, name->b, name->len);
    if (load_stored(cache, entry, name) < 0)
        return NULL;
    if (++cache->entry_count > cache->bucket_count)
        grow(cache);
    entry->chain = cache->buckets[hash & (cache->bucket_count - 1)];
    cache->buckets[hash & (cache->bucket_count - 1)] = entry;
    return entry;
}

static void
hand_out(const struct held *held, struct dns_answer *out)
{
    *out = (struct dns_answer){.status = held->status,
        .expires_s = held->expires_s,
        .count = held->count,
        .records = held->records};
}

void
dnscache_lookup(
    struct dnscache *cache, enum dns_type type, const struct dname *name, struct dns_answer *out)
{
    /* struct dname holds no name over 253 characters; len 0 is what a failed join leaves. */
    if (name->len == 0) {
        *out = (struct dns_answer){.status = DNS_NXDOMAIN, .expires_s = INT64_MAX};
        return;
    }
    struct entry *entry = find(cache, type, name);
    if (entry == NULL) {
        *out = (struct dns_answer){.status = DNS_FAIL, .expires_s = cache->now_s};
        return;
    }
    if (entry->now.status == DNS_PENDING && !entry->wanted) {
        entry->wanted = true;
        if (cache->wanted_last == NULL)
            cache->wanted_first = entry;
        else
            cache->wanted_last->next_wanted = entry;
        cache->wanted_last = entry;
        cache->wanted_count++;
    }
    hand_out(&entry->now, out);
}

bool
dnscache_stale(
    struct dnscache *cache, enum dns_type type, const struct dname *name, struct dns_answer *out)
{
    struct entry *entry = name->len == 0 ? NULL : find(cache, type, name);
    if (entry == NULL || entry->stored.status == DNS_PENDING)
        return false;
    if (entry->now.status != DNS_PENDING && entry->now.status != DNS_FAIL)
        return false;
    hand_out(&entry->stored, out);
    return true;
}

size_t
dnscache_wanted(const struct dnscache *cache)
{
    return cache->wanted_count;
}

bool
dnscache_take_wanted(struct dnscache *cache, enum dns_type *type, struct dname *name)
{
    struct entry *entry = cache->wanted_first;
    if (entry == NULL)
        return false;
    cache->wanted_first = entry->next_wanted;
    if (cache->wanted_first == NULL)
        cache->wanted_last = NULL;
    entry->next_wanted = NULL;
    cache->wanted_count--;
    *type = entry->type;
    name->len = entry->name_len;
    memcpy(name->b, entry->name, entry->name_len);
    return true;
}

static bool
held_equal(const struct held *a, const struct held *b)
{
    return a->status == b->status && a->expires_s == b->expires_s && a->count == b->count &&
           slice_cmp(a->records, b->records) == 0;
}

enum err
dnscache_put(struct dnscache *cache, enum dns_type type, const struct dname *name,
    enum dns_status status, uint32_t ttl_s, unsigned count, struct slice records)
{
    if (name->len == 0 || status == DNS_PENDING || count > COUNT_MAX ||
        (status == DNS_OK) != (count > 0))
        return ERR_RANGE;
    if (!records_whole(records, count))
        return ERR_FORMAT;
    struct entry *entry = find(cache, type, name);
    if (entry == NULL)
        return ERR_NOMEM;
    struct held held = {.status = status, .expires_s = cache->now_s + ttl_s, .count = count};
    enum err err = arena_copy(cache, records, &held.records);
    if (err < 0)
        return err;
    entry->now = held;
    bool dirty = status != DNS_FAIL && !held_equal(&held, &entry->stored);
    cache->dirty_count = cache->dirty_count + dirty - entry->dirty;
    entry->dirty = dirty;
    return ERR_OK;
}

static enum err
write_entry(struct kv_txn *txn, const struct entry *entry)
{
    struct dname name = {.len = entry->name_len};
    uint8_t key[KEY_MAX];
    size_t size = VALUE_HEAD + entry->now.records.n;
    uint8_t *value = malloc(size);
    if (value == NULL)
        return ERR_NOMEM;
    memcpy(name.b, entry->name, entry->name_len);
    struct wire_out out = wire_out_of(value, size);
    uint64_t expires = (uint64_t)entry->now.expires_s;
    wire_put_u8(&out, (uint8_t)entry->now.status);
    wire_put_u32(&out, (uint32_t)(expires >> 32));
    wire_put_u32(&out, (uint32_t)expires);
    wire_put_u16(&out, (uint16_t)entry->now.count);
    if (entry->now.records.n > 0)
        wire_put(&out, entry->now.records.p, entry->now.records.n);
    enum err err =
        kv_put(txn, slice_of(key, make_key(entry->type, &name, key)), slice_of(value, size));
    free(value);
    return err;
}

/* Keys of records to drop, size(2) key each: no writing while the cursor is open. */
struct doomed {
    uint8_t *bytes;
    size_t n, size;
};

static enum err
doomed_add(struct doomed *doomed, struct slice key)
{
    size_t need = doomed->n + 2 + key.n;
    if (need > doomed->size) {
        size_t size = need * 2 + KEY_MAX;
        uint8_t *bytes = realloc(doomed->bytes, size);
        if (bytes == NULL)
            return ERR_NOMEM;
        doomed->bytes = bytes;
        doomed->size = size;
    }
    struct wire_out out = wire_out_of(doomed->bytes + doomed->n, doomed->size - doomed->n);
    wire_put_u16(&out, (uint16_t)key.n);
    wire_put(&out, key.p, key.n);
    doomed->n = need;
    return ERR_OK;
}

/* Adds what expired long ago, and what cannot be read; only the first one if first_only. O(table).
 */
static enum err
find_doomed(struct kv_txn *txn, int64_t now_s, bool first_only, struct doomed *doomed)
{
    const uint8_t table = HISTORY_DNS;
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct held held;
        if (decode_value(value, &held) == ERR_OK && held.expires_s > now_s - KEEP_EXPIRED_S)
            continue;
        err = doomed_add(doomed, key);
        if (err < 0 || first_only)
            break;
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
drop_expired(struct kv_txn *txn, int64_t now_s)
{
    struct doomed doomed = {0};
    struct slice key;
    enum err err = find_doomed(txn, now_s, false, &doomed);
    struct dns_answer walk = {.records = slice_of(doomed.bytes, doomed.n)};
    while (err == ERR_OK && dns_next(&walk, &key) == ERR_OK)
        err = kv_del(txn, key);
    free(doomed.bytes);
    return err;
}

enum err
dnscache_save(struct dnscache *cache, struct kv_txn *txn)
{
    for (size_t i = 0; i < cache->bucket_count && cache->dirty_count > 0; i++) {
        for (struct entry *entry = cache->buckets[i]; entry != NULL; entry = entry->chain) {
            if (!entry->dirty)
                continue;
            enum err err = write_entry(txn, entry);
            if (err < 0)
                return err;
            entry->stored = entry->now;
            entry->dirty = false;
            cache->dirty_count--;
        }
    }
    /* After the writing, so that what was asked anew is not dropped by its old date. */
    return drop_expired(txn, cache->now_s);
}

bool
dnscache_dirty(const struct dnscache *cache)
{
    struct doomed doomed = {0};
    if (cache->dirty_count > 0)
        return true;
    if (cache->txn == NULL)
        return false;
    enum err err = find_doomed(cache->txn, cache->now_s, true, &doomed);
    free(doomed.bytes);
    return err < 0 || doomed.n > 0;
}

enum err
dns_next(struct dns_answer *answer, struct slice *rdata)
{
    struct wire_in in = wire_in_of(answer->records.p, answer->records.n);
    *rdata = slice_of(NULL, 0);
    if (answer->records.n == 0)
        return ERR_NOTFOUND;
    uint16_t n = wire_get_u16(&in);
    wire_skip(&in, n);
    if (in.failed) {
        answer->records = slice_of(NULL, 0);
        return ERR_FORMAT;
    }
    const uint8_t *p = answer->records.p;
    *rdata = slice_of(p + 2, n);
    answer->records = slice_of(p + in.at, answer->records.n - in.at);
    return ERR_OK;
}

void
dns_reverse_name(const struct ip *ip, struct dname *out)
{
    static const char tail4[] = ".in-addr.arpa", tail6[] = ".ip6.arpa";
    char text[IP_REVERSE_SIZE + sizeof tail4];
    size_t n = ip_reverse(ip, text);
    const char *tail = ip_is4(ip) ? tail4 : tail6;
    size_t tail_len = strlen(tail);
    memcpy(text + n, tail, tail_len);
    /* RFC 1035 3.5, RFC 3596 2.5. Digits and dots always parse; len 0 is "no such name". */
    if (dname_parse(text, n + tail_len, out) < 0)
        out->len = 0;
}
