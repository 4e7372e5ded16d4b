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
    size_t first_n; /* of the block's first entry, with which those that begin a group share */
    uint32_t pair;
};

enum err nameset_reader_init(struct nameset_reader *reader, struct slice value) MUST_CHECK;

/* The value of a slot that is neither empty nor an exclusion. */
enum err nameset_slot_value(
    const struct nameset_reader *reader, uint32_t slot, struct slice *out) MUST_CHECK;

/* Inline: nearly all have one byte, and a block has many. */
static inline enum err
nameset_get_varint(struct nameset_reader *reader, uint32_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        if (reader->at == reader->end)
            return ERR_FORMAT;
        uint8_t byte = *reader->at++;
        *out |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return ERR_OK;
    }
    return ERR_FORMAT;
}

/* Inline likewise: what it reads stays in registers. */
static inline enum err
nameset_read_entry(struct nameset_reader *reader)
{
    if (reader->at == reader->end)
        return ERR_FORMAT;
    size_t shared = *reader->at++;
    uint32_t rest;
    if (nameset_get_varint(reader, &rest) < 0 || shared > reader->key_n ||
        rest > DNAME_KEY_MAX - shared || (size_t)(reader->end - reader->at) < rest)
        return ERR_FORMAT;
    reader->rest = reader->at;
    reader->at += rest;
    reader->shared = shared;
    reader->key_n = shared + rest;
    reader->pair = 0;
    if ((reader->pair_count > 1 && nameset_get_varint(reader, &reader->pair) < 0) ||
        reader->pair >= reader->pair_count)
        return ERR_FORMAT;
    return ERR_OK;
}

/* The block's own entry i, read after the context or, where it begins a group, from there. */
static inline enum err
nameset_read_own(struct nameset_reader *reader, unsigned i)
{
    if (i == 0)
        reader->key_n = 0;
    else if (reader->grouped && i % NAMESET_GROUP == 0)
        reader->key_n = reader->first_n;
    enum err err = nameset_read_entry(reader);
    if (i == 0)
        reader->first_n = reader->key_n;
    return err;
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
