/* A name set's block, taken apart, for nameset.c and nameset_each.c; callers see nameset.h. */
#ifndef ZONES_NAMESET_INTERNAL_H
#define ZONES_NAMESET_INTERNAL_H

#include "be.h"
#include "nameset.h"

enum { NAMESET_PAIR_SIZE = 4 };

/* A block being read; at never passes end. */
struct nameset_reader {
    const uint8_t *dict, *pairs, *starts, *entries, *at, *end;
    unsigned dict_count, pair_count, context_count, entry_count;
    bool grouped;
    /* The entry read last: its key is shared bytes of the one before, and then rest. */
    const uint8_t *rest;
    size_t shared, key_n;
    uint32_t pair;
};

enum err nameset_reader_init(struct nameset_reader *reader, struct slice value) MUST_CHECK;

/* The value of a slot that is neither empty nor an exclusion. */
enum err nameset_slot_value(
    const struct nameset_reader *reader, uint32_t slot, struct slice *out) MUST_CHECK;

/* A varint, of which nearly all have one byte. NULL if it does not end in time. */
static inline const uint8_t *
nameset_get_varint(const uint8_t *at, const uint8_t *end, uint32_t *out)
{
    uint32_t n = 0;
    for (unsigned shift = 0; shift < 28 && at < end; shift += 7) {
        uint8_t byte = *at++;
        n |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = n;
            return at;
        }
    }
    return NULL;
}

/* Inline, as a look-up reads a dozen: what it reads stays in registers. */
static inline enum err
nameset_read_entry(struct nameset_reader *reader)
{
    const uint8_t *at = reader->at, *end = reader->end;
    if (end - at < 2)
        return ERR_FORMAT;
    size_t shared = at[0];
    uint32_t rest = at[1];
    at = rest < 0x80 ? at + 2 : nameset_get_varint(at + 1, end, &rest);
    if (at == NULL || shared > reader->key_n || rest > DNAME_KEY_MAX - shared ||
        rest > (size_t)(end - at))
        return ERR_FORMAT;
    reader->rest = at;
    reader->shared = shared;
    reader->key_n = shared + rest;
    reader->pair = 0;
    reader->at = at + rest;
    if (reader->pair_count > 1) {
        reader->at = nameset_get_varint(reader->at, end, &reader->pair);
        if (reader->at == NULL)
            return ERR_FORMAT;
    }
    return reader->pair < reader->pair_count ? ERR_OK : ERR_FORMAT;
}

static inline uint32_t
nameset_exact_slot(const struct nameset_reader *reader)
{
    return (uint32_t)be_get(reader->pairs + reader->pair * NAMESET_PAIR_SIZE, 2);
}

static inline uint32_t
nameset_wild_slot(const struct nameset_reader *reader)
{
    return (uint32_t)be_get(reader->pairs + reader->pair * NAMESET_PAIR_SIZE + 2, 2);
}

#endif
