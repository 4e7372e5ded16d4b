/*
 * A source's entries in the order of its files, packed into the chunks that lists.mdb keeps
 * (listchunks.h). For listread.c, lists.c and listcollect.c.
 *
 * A chunk ends after an entry whose hash says so, one in so many that it has about 16 KiB, or where
 * it is full. So borders are a function of the entries around them, and a changed line changes the
 * chunk that it is in, seldom one beside it.
 *
 * As stored; numbers are big-endian:
 *     form(1) count(2) values(2) {bytes(2) value}... entries
 * In the plain form, of IPv4 alone, entries are single addresses of 4 bytes that have the first
 * value. In the other one an entry is flags(1) and what it is about, as in liststore.h, and unless
 * it is an exclusion the number(2) of its value among the chunk's.
 */
#ifndef LOADER_LISTPACK_H
#define LOADER_LISTPACK_H

#include "loader/listbytes.h"
#include "loader/listfile.h"
#include "zones/be.h"
#include "zones/slice.h"

enum { LISTPACK_VALUES_MAX = 4096, LISTPACK_CHUNK_MAX = 1 << 16, LISTPACK_CHUNK_MEAN = 1 << 14 };

struct list_chunk {
    size_t at, n;           /* where its entries are */
    size_t raws_at, raws_n; /* and its values as written: they are known after the last line */
    uint16_t count, values;
    bool plain;
};

/* All zero bytes at first. */
struct list_pack {
    struct list_bytes entries, raws;
    struct list_chunk *chunks;
    size_t chunk_count, chunk_room;
    uint32_t count; /* of entries */
    bool open;      /* the last chunk takes more */
    bool quick;     /* the last entry was plain and had the default: listpack_quick will do */
    /* Values of the open chunk, found by their hash. */
    size_t *value_at;
    uint16_t *slots; /* number + 1; 0: free */
};
void listpack_free(struct list_pack *pack);

/* The entry's value stays as it is written. ERR_RANGE: more than 2^32 entries. */
enum err listpack_add(
    struct list_pack *pack, enum list_type type, const struct listfile_entry *entry) MUST_CHECK;

/* Whether the chunk ends after a plain entry. Multiplied by 2^32 / the golden ratio. */
static inline bool
listpack_ends(uint32_t hash, size_t bytes)
{
    return hash < bytes * (UINT32_MAX / LISTPACK_CHUNK_MEAN);
}
static inline uint32_t
listpack_hash_v4(uint32_t v4)
{
    return (v4 ^ v4 >> 15) * UINT32_C(0x9e3779b1);
}

/* The same for a single IPv4 address with the value of the entry before it; false: nothing was
 * done, as this is not the way for it. */
static inline bool
listpack_quick(struct list_pack *pack, uint32_t v4)
{
    struct list_chunk *chunk = &pack->chunks[pack->chunk_count - 1];
    struct list_bytes *bytes = &pack->entries;
    if (!pack->quick || bytes->room - bytes->n < 4 || pack->count == UINT32_MAX)
        return false;
    (void)be_put(bytes->p + bytes->n, v4, 4);
    bytes->n += 4;
    chunk->n += 4;
    chunk->count++;
    pack->count++;
    pack->open = pack->quick =
        !listpack_ends(listpack_hash_v4(v4), 4) && chunk->count < LISTPACK_CHUNK_MAX / 4 - 1;
    return true;
}

/* A chunk as stored; file as it is after the last line. Replaces *out. */
enum err listpack_encode(const struct list_pack *pack, size_t chunk, const struct listfile *file,
    struct list_bytes *out) MUST_CHECK;

/* A stored chunk being read; borrows the record. */
struct listpack_reader {
    enum list_type type;
    const uint8_t *at, *end;
    unsigned left, values;
    unsigned number; /* of the value of the entry read last */
    bool plain;
    struct slice value[LISTPACK_VALUES_MAX];
};
/* ERR_FORMAT: damaged. */
enum err listpack_open(
    struct listpack_reader *reader, struct slice record, enum list_type type) MUST_CHECK;
/* ERR_NOTFOUND past the last; entry's value is not set. */
enum err listpack_next(
    struct listpack_reader *reader, struct listfile_entry *entry, struct slice *value) MUST_CHECK;

/* Of IPv4: goes past entries that have no address from first to last, so that what listpack_next
 * gives, unless it is past the last, has some. */
enum err listpack_skip_v4(struct listpack_reader *reader, uint32_t first, uint32_t last) MUST_CHECK;

#endif
