/*
 * Records of lists.mdb; for the list's modules alone.
 *
 *     S name         a source: id, type, counts, its $SOA and $NS (zones/authority.h), and what its
 *                    files were when they were read
 *     S name#n       the n-th section of a combined source, as a source with entries of its own;
 *                    instead of files its sub-zones' names in wire form
 *     E id(2) n(8)   a chunk of its entries, in the order of the files (listpack.h)
 *     E id(2) n(4)   its n-th entry, as it was kept before version 3 of S
 *     D id(2)        the value that its files end with as the default
 *     L name ...     the operator's own edits: listlayer.h
 *     W ..., J ...   the operator's word and its journal: word.h
 *     P name         what of the list was published last: type(1) entries(8) forbidden(8)
 *                    share(8) state(8); the last two are missing in older stores
 * An entry is flags(1), then first(4) last(4) of IPv4, first(16) last(16) of IPv6 or a name in wire
 * form, then its value (verdict.h), empty for an exclusion; the value of a generic list's entry is
 * its record (struct listfile_rr). Numbers are big-endian.
 */
#ifndef LOADER_LISTSTORE_H
#define LOADER_LISTSTORE_H

#include "loader/listfile.h"
#include "zones/kv.h"

#define LISTSTORE_KEY_MAX   (1 + DATASET_NAME_SIZE)
#define LISTSTORE_ENTRY_MAX (1 + DNAME_MAX + LISTFILE_RR_MAX) /* no other value is longer */

#define LISTSTORE_EXCLUDED 1 /* in an entry's flags */

struct liststore_key {
    size_t n;
    uint8_t b[LISTSTORE_KEY_MAX];
};
static inline struct slice
liststore_slice(const struct liststore_key *key)
{
    return slice_of(key->b, key->n);
}

struct liststore_source {
    uint16_t id;
    enum list_type type;
    uint32_t count; /* of entries, or of sections */
    uint32_t ttl_s;
    int64_t expires_s;
    struct slice authority; /* as authority_encode has it; n 0: none */
    struct slice files;     /* opaque: equal bytes are the same files in the same state */
    bool old;               /* of an earlier version: to be read again. Never written */
};

/* "name#n" of a section, from 1. */
void liststore_part_name(const char *name, size_t n, char out[DATASET_NAME_SIZE]);

void liststore_key_source(struct liststore_key *key, const char *name);
void liststore_key_sources(struct liststore_key *key); /* the prefix of all */
void liststore_key_entries(struct liststore_key *key, uint16_t id);
void liststore_key_entry(struct liststore_key *key, uint16_t id, uint32_t n);
void liststore_key_chunk(struct liststore_key *key, uint16_t id, uint64_t n);
/* ERR_FORMAT: the key of something else. */
enum err liststore_chunk_number(struct slice key, uint64_t *out) MUST_CHECK;
bool liststore_is_entry(struct slice key); /* one alone */
void liststore_key_default(struct liststore_key *key, uint16_t id);

/* ERR_NOTFOUND: never imported. ERR_FORMAT: damaged. authority and files are
 * borrowed from txn. */
enum err liststore_get(
    struct kv_txn *txn, const char *name, struct liststore_source *out) MUST_CHECK;
enum err liststore_decode(struct slice value, struct liststore_source *out) MUST_CHECK;
/* Failures are sticky in the transaction, but for ERR_NOMEM. */
enum err liststore_put(
    struct kv_txn *txn, const char *name, const struct liststore_source *source) MUST_CHECK;

/* What a publish is compared with, so that it may not change too much (listbrake.h). */
struct list_measure {
    uint64_t entries;
    uint64_t forbidden; /* a digest of what is listed and should not be; 0: nothing */
    uint64_t share;     /* at most so many 2^-32ths of one family's space are listed */
    uint64_t state;     /* a digest of all that it was made of; 0: not known */
};
/* ERR_NOTFOUND: never published with this type. */
enum err liststore_get_published(
    struct kv_txn *txn, const char *name, enum list_type type, struct list_measure *out) MUST_CHECK;
/* Failures are sticky in the transaction. The same again writes nothing. */
void liststore_put_published(
    struct kv_txn *txn, const char *name, enum list_type type, const struct list_measure *measure);

/* value: encoded, none for an exclusion. Returns the length. */
size_t liststore_entry(const struct listfile_entry *entry, enum list_type type, struct slice value,
    uint8_t out[LISTSTORE_ENTRY_MAX]);
/* out's value is not set. */
enum err liststore_entry_decode(struct slice record, enum list_type type,
    struct listfile_entry *out, struct slice *value) MUST_CHECK;
/* As it was made from an entry without value; *in goes past it. */
enum err liststore_key_take(const uint8_t **in, const uint8_t *end, enum list_type type,
    struct listfile_entry *out) MUST_CHECK;
/* The same where nothing may follow. */
enum err liststore_key_decode(
    struct slice record, enum list_type type, struct listfile_entry *out) MUST_CHECK;

#endif
