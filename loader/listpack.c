/* A source's entries in chunks; see listpack.h. */
#include "loader/listpack.h"

#include <stdlib.h>

#include "loader/liststore.h"
#include "zones/fnv.h"

enum {
    HEAD = 5,
    FORM_PLAIN = 0,
    FORM_MIXED = 1,
    PLAIN_SIZE = 4,
    MIXED_V4_SIZE = 1 + 4 + 4 + 2,
    SLOTS = 4 * LISTPACK_VALUES_MAX,
    RAW_MAX = 2 + sizeof(struct listfile_raw) + LISTFILE_RR_MAX,
    NUMBER_SIZE = 2
};

void
listpack_free(struct list_pack *pack)
{
    listbytes_free(&pack->entries);
    listbytes_free(&pack->raws);
    free(pack->chunks);
    free(pack->value_at);
    free(pack->slots);
    *pack = (struct list_pack){0};
}

static bool
holds_records(enum list_type type)
{
    return list_type_info(type)->holds == LIST_HOLDS_RECORDS;
}

/* The value as written: n(2), then a record, or A and text; nothing where all have one value. */
static size_t
put_raw(enum list_type type, const struct listfile_entry *entry, uint8_t out[RAW_MAX])
{
    const struct listfile_raw *raw = &entry->value;
    uint8_t *at = out + NUMBER_SIZE;
    if (holds_records(type)) {
        memcpy(at, entry->rr.b, entry->rr.n);
        at += entry->rr.n;
    } else if (list_type_info(type)->values == LIST_VALUES_OWN) {
        at = be_put(at, raw->a, 4);
        memcpy(at, raw->text.b, raw->text.n);
        at += raw->text.n;
    }
    (void)be_put(out, (uint64_t)(at - out - NUMBER_SIZE), NUMBER_SIZE);
    return (size_t)(at - out);
}

static struct list_chunk *
last_chunk(struct list_pack *pack)
{
    return &pack->chunks[pack->chunk_count - 1];
}

static enum err
open_chunk(struct list_pack *pack, enum list_type type)
{
    if (pack->chunk_count == pack->chunk_room) {
        size_t room = pack->chunk_room * 2 + 16;
        struct list_chunk *grown = reallocarray(pack->chunks, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        pack->chunks = grown;
        pack->chunk_room = room;
    }
    if (pack->slots == NULL)
        pack->slots = calloc(SLOTS, sizeof *pack->slots);
    if (pack->value_at == NULL)
        pack->value_at = calloc(LISTPACK_VALUES_MAX, sizeof *pack->value_at);
    /* Bytes that even a chunk without values can point to. */
    if (pack->slots == NULL || pack->value_at == NULL || !listbytes_reserve(&pack->entries, 1) ||
        !listbytes_reserve(&pack->raws, 1))
        return ERR_NOMEM;
    memset(pack->slots, 0, SLOTS * sizeof *pack->slots);
    pack->chunks[pack->chunk_count++] = (struct list_chunk){.at = pack->entries.n,
        .raws_at = pack->raws.n,
        .plain = list_type_info(type)->holds == LIST_HOLDS_V4};
    pack->open = true;
    return ERR_OK;
}

/* The number of a value among the open chunk's. */
static enum err
number_value(struct list_pack *pack, const uint8_t *raw, size_t n, unsigned *number)
{
    struct list_chunk *chunk = last_chunk(pack);
    size_t slot = fnv_add(FNV_START, raw, n) % SLOTS;
    for (; pack->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
        *number = pack->slots[slot] - 1U;
        const uint8_t *other = pack->raws.p + pack->value_at[*number];
        if (NUMBER_SIZE + be_get(other, NUMBER_SIZE) == n && memcmp(other, raw, n) == 0)
            return ERR_OK;
    }
    *number = chunk->values;
    pack->value_at[*number] = pack->raws.n;
    if (!listbytes_append(&pack->raws, raw, n))
        return ERR_NOMEM;
    pack->slots[slot] = (uint16_t)++chunk->values;
    chunk->raws_n += n;
    return ERR_OK;
}

/* From the last entry to the first, since each takes more bytes than before. */
static enum err
mix(struct list_pack *pack)
{
    struct list_chunk *chunk = last_chunk(pack);
    size_t more = chunk->count * (size_t)(MIXED_V4_SIZE - PLAIN_SIZE);
    if (!listbytes_reserve(&pack->entries, more))
        return ERR_NOMEM;
    uint8_t *bytes = pack->entries.p + chunk->at;
    for (size_t i = chunk->count; i-- > 0;) {
        uint64_t v4 = be_get(bytes + i * PLAIN_SIZE, 4);
        uint8_t *out = be_put(bytes + i * MIXED_V4_SIZE, 0, 1);
        out = be_put(out, v4, 4);
        out = be_put(out, v4, 4);
        (void)be_put(out, 0, NUMBER_SIZE);
    }
    chunk->plain = false;
    chunk->n += more;
    pack->entries.n += more;
    return ERR_OK;
}

static bool
is_single(const struct listfile_entry *entry)
{
    return !entry->excluded && ip_cmp(&entry->range.first, &entry->range.last) == 0;
}

/* Appends to the open chunk, and ends it where that is to be. */
static enum err
put_entry(struct list_pack *pack, enum list_type type, const struct listfile_entry *entry,
    unsigned number)
{
    struct list_chunk *chunk = last_chunk(pack);
    uint8_t out[LISTSTORE_ENTRY_MAX + NUMBER_SIZE];
    size_t n = liststore_entry(entry, type, slice_of(NULL, 0), out);
    bool v4 = list_type_info(type)->holds == LIST_HOLDS_V4;
    uint32_t hash = v4 ? listpack_hash_v4(ip_v4(&entry->range.first))
                       : (uint32_t)(fnv_add(FNV_START, out + 1, n - 1) >> 32);
    if (chunk->plain)
        n = (size_t)(be_put(out, ip_v4(&entry->range.first), PLAIN_SIZE) - out);
    else if (!entry->excluded)
        n = (size_t)(be_put(out + n, number, NUMBER_SIZE) - out);
    if (!listbytes_append(&pack->entries, out, n))
        return ERR_NOMEM;
    chunk->n += n;
    chunk->count++;
    pack->count++;
    pack->open = !listpack_ends(hash, n) && chunk->values < LISTPACK_VALUES_MAX &&
                 chunk->count < LISTPACK_CHUNK_MAX / 4 - 1 &&
                 chunk->n + chunk->raws_n < LISTPACK_CHUNK_MAX;
    return ERR_OK;
}

enum err
listpack_add(struct list_pack *pack, enum list_type type, const struct listfile_entry *entry)
{
    uint8_t raw[RAW_MAX];
    unsigned number = 0;
    enum err err = pack->count == UINT32_MAX ? ERR_RANGE : ERR_OK;
    if (err == ERR_OK && !pack->open)
        err = open_chunk(pack, type);
    if (err == ERR_OK && !entry->excluded)
        err = number_value(pack, raw, put_raw(type, entry, raw), &number);
    if (err == ERR_OK && last_chunk(pack)->plain && (!is_single(entry) || number != 0))
        err = mix(pack);
    if (err == ERR_OK)
        err = put_entry(pack, type, entry, number);
    pack->quick = err == ERR_OK && pack->open && last_chunk(pack)->plain && entry->by_default;
    return err;
}

/* Appends n(2) and the value as stores have it; raw is as put_raw made it. */
static bool
encode_value(struct list_bytes *out, const struct listfile *file, const uint8_t *raw, size_t raw_n)
{
    struct listfile_raw as_written = {0};
    uint8_t value[LISTFILE_VALUE_MAX], size[NUMBER_SIZE];
    struct slice is = slice_of(raw, raw_n);
    if (!holds_records(file->type)) {
        if (raw_n > 0) {
            as_written.a = (uint32_t)be_get(raw, 4);
            as_written.text.n = (uint8_t)(raw_n - 4);
            memcpy(as_written.text.b, raw + 4, raw_n - 4);
        }
        is = slice_of(value, listfile_value(file, &as_written, value));
    }
    (void)be_put(size, is.n, NUMBER_SIZE);
    return listbytes_append(out, size, sizeof size) && listbytes_append(out, is.p, is.n);
}

enum err
listpack_encode(
    const struct list_pack *pack, size_t chunk, const struct listfile *file, struct list_bytes *out)
{
    const struct list_chunk *from = &pack->chunks[chunk];
    const uint8_t *raw = pack->raws.p + from->raws_at;
    uint8_t head[HEAD];
    uint8_t *at = be_put(head, from->plain ? FORM_PLAIN : FORM_MIXED, 1);
    at = be_put(at, from->count, 2);
    (void)be_put(at, from->values, 2);
    out->n = 0;
    bool good = listbytes_append(out, head, sizeof head);
    for (unsigned i = 0; good && i < from->values; i++) {
        size_t n = (size_t)be_get(raw, NUMBER_SIZE);
        good = encode_value(out, file, raw + NUMBER_SIZE, n);
        raw += NUMBER_SIZE + n;
    }
    good = good && listbytes_append(out, pack->entries.p + from->at, from->n);
    return good ? ERR_OK : ERR_NOMEM;
}

/* Bytes of a number, which the reader goes past; false: not there. */
static bool
take(struct listpack_reader *reader, unsigned bytes, unsigned *out)
{
    if ((size_t)(reader->end - reader->at) < bytes)
        return false;
    *out = (unsigned)be_get(reader->at, bytes);
    reader->at += bytes;
    return true;
}

enum err
listpack_open(struct listpack_reader *reader, struct slice record, enum list_type type)
{
    unsigned form;
    reader->type = type;
    reader->at = record.p;
    reader->end = reader->at + record.n;
    if (!take(reader, 1, &form) || form > FORM_MIXED || !take(reader, 2, &reader->left) ||
        !take(reader, 2, &reader->values) || reader->values > LISTPACK_VALUES_MAX)
        return ERR_FORMAT;
    for (unsigned i = 0; i < reader->values; i++) {
        unsigned n;
        if (!take(reader, NUMBER_SIZE, &n) || n == 0 || n > (size_t)(reader->end - reader->at))
            return ERR_FORMAT;
        reader->value[i] = slice_of(reader->at, n);
        reader->at += n;
    }
    reader->plain = form == FORM_PLAIN;
    reader->number = 0;
    if (!reader->plain)
        return ERR_OK;
    bool good = list_type_info(type)->holds == LIST_HOLDS_V4 && reader->values > 0 &&
                (size_t)(reader->end - reader->at) == reader->left * (size_t)PLAIN_SIZE;
    return good ? ERR_OK : ERR_FORMAT;
}

enum err
listpack_next(struct listpack_reader *reader, struct listfile_entry *entry, struct slice *value)
{
    if (reader->left == 0)
        return reader->at == reader->end ? ERR_NOTFOUND : ERR_FORMAT;
    reader->left--;
    if (reader->plain) {
        struct ip ip = ip_from_v4((uint32_t)be_get(reader->at, PLAIN_SIZE));
        reader->at += PLAIN_SIZE;
        entry->range = (struct range){ip, ip};
        entry->excluded = entry->exact = entry->wild = false;
        *value = reader->value[0];
        return ERR_OK;
    }
    enum err err = liststore_key_take(&reader->at, reader->end, reader->type, entry);
    *value = slice_of(NULL, 0);
    if (err < 0 || entry->excluded)
        return err;
    if (!take(reader, NUMBER_SIZE, &reader->number) || reader->number >= reader->values)
        return ERR_FORMAT;
    *value = reader->value[reader->number];
    return ERR_OK;
}

/* A plain entry is its own first and last address. */
enum err
listpack_skip_v4(struct listpack_reader *reader, uint32_t first, uint32_t last)
{
    const size_t bare = reader->plain ? PLAIN_SIZE : MIXED_V4_SIZE - NUMBER_SIZE;
    const size_t from = reader->plain ? 0 : 1, to = bare - PLAIN_SIZE;
    for (; reader->left > 0; reader->left--) {
        if ((size_t)(reader->end - reader->at) < bare)
            return ERR_FORMAT;
        if (be_get(reader->at + from, 4) <= last && be_get(reader->at + to, 4) >= first)
            return ERR_OK;
        size_t n = bare;
        if (!reader->plain && (*reader->at & LISTSTORE_EXCLUDED) == 0)
            n += NUMBER_SIZE;
        if ((size_t)(reader->end - reader->at) < n)
            return ERR_FORMAT;
        reader->at += n;
    }
    return ERR_OK;
}
