/*
 * Name sets in answers.mdb: names with an exact value, a value for all names below, or exclusions
 * of either; packed in front-coded blocks ordered by dname_key (right to left).
 *
 * Key: STORE_NAME dataset 0 key-of-the-last-name-in-the-block; the last block's is STORE_NAME
 * dataset 1 with nothing after it, so that every look-up finds a block with one seek. A border
 * comes after an entry whose key hashes to 0 modulo NAMESET_BLOCK_MEAN, or where a block would pass
 * NAMESET_BLOCK_MAX bytes: a function of the content, so an edit changes blocks locally.
 *
 * A block begins with the wildcards at the last name before the block and above it ("context"):
 * every wildcard that can match a name in the block's interval is in the context or in the block
 * itself. So exact match, longest wildcard and "something lies below" all need one block.
 *
 * Value: context-count(1) dictionary-count(2) pair-count(2) entry-count(2); dictionary: size(2)
 * bytes ...; pairs of slots: exact(2) wild(2) ..., where a slot is 0 nothing, 1 excluded, n + 2 the
 * dictionary's value n; starts of groups: offset(2) ...; then context entries and entries:
 * shared(1) rest(varint) bytes pair(varint). shared counts bytes in common with the entry before;
 * the first of the context and the first of the block share 0. With one pair alone, which is the
 * rule, its number is left out. Numbers are big-endian, varints are 7 bits a byte, low first.
 *
 * Every NAMESET_GROUP entries of the block itself are a group. For each but the first there is an
 * offset, from the first byte after the offsets, and its first entry shares only bytes that the
 * block's first entry has too (and so each one between): it can be read right after that one, and a
 * look-up finds its group by bisection. It is the highest bit of context-count (NAMESET_GROUPED)
 * that says so; in stores of format 2 the block is one run of entries, without offsets.
 *
 * nameset.c is on the answer path: nothing allocated, every length checked.
 */
#ifndef ZONES_NAMESET_H
#define ZONES_NAMESET_H

#include <stdbool.h>
#include <stdint.h>

#include "dname.h"
#include "kvread.h"
#include "store.h"

#define NAMESET_BLOCK_MEAN 64
#define NAMESET_BLOCK_MAX  8000
/* An offset and what is not shared take five bytes a group: of sixteen entries 3 % of a store of
 * names (tests/perf/name-store). */
#define NAMESET_GROUP   16
#define NAMESET_GROUPED 0x80

enum nameset_family { NAMESET_INNER = 0, NAMESET_LAST = 1 };

enum nameset_match {
    NAMESET_NONE,     /* nothing matches */
    NAMESET_EXCLUDED, /* an exclusion matched first: not listed */
    NAMESET_EXACT,
    NAMESET_WILD
};

/* Names are relative to the zone (dname_relative). */
struct nameset_hit {
    enum nameset_match match;
    struct slice value; /* of an EXACT or WILD match; borrowed until the snapshot goes */
    unsigned above; /* of a WILD match, labels of the name in front of the entry's name; else 0 */
    bool exists;    /* the name, something below it, or a wildcard above or at it is in the set,
                       exclusions included: an unlisted name is NODATA, not NXDOMAIN (RFC 8020, RFC
                       4592) */
};

/* Exact first; only if the name itself has no exact slot, the longest wildcard above it; an
 * exclusion at the first hit means not listed (rbldnsd's dnset). A wildcard at x matches names
 * below x and not x. Fills *out also when nothing matches. ERR_FORMAT for a damaged block. */
enum err nameset_lookup(struct kvread *reader, uint16_t dataset, const struct dname *name,
    struct nameset_hit *out) MUST_CHECK;

/* The search inside one block, in whose interval the name lies. */
enum err nameset_block_find(
    struct slice value, const struct dname *name, struct nameset_hit *out) MUST_CHECK;

struct nameset_slot {
    enum { NAMESET_SLOT_EMPTY, NAMESET_SLOT_EXCLUDED, NAMESET_SLOT_VALUE } kind;
    struct slice value;
};

struct nameset_entry {
    struct dname name;
    struct nameset_slot exact;
    struct nameset_slot wild;
};

/* nameset_build.c: entries sorted by dname_key, names unique. Emits records in key order; an empty
 * set emits nothing. */
enum err nameset_build(uint16_t dataset, const struct nameset_entry *entries, size_t count,
    store_emit_fn emit, void *ctx) MUST_CHECK;

/* The same entry by entry, from the beginning or from any block on. Values, those of a context too,
 * are borrowed until it is closed. */
struct nameset_builder;
enum err nameset_builder_open(
    uint16_t dataset, store_emit_fn emit, void *ctx, struct nameset_builder **out) MUST_CHECK;
void nameset_builder_close(struct nameset_builder **builder);
/* Where the block begins that has this value, instead of at the beginning of the set. */
enum err nameset_builder_begin(struct nameset_builder *builder, struct slice value) MUST_CHECK;
enum err nameset_builder_add(
    struct nameset_builder *builder, const struct nameset_entry *entry) MUST_CHECK;
/* Whether a block ends after the last entry added, and its name has this key. */
bool nameset_builder_ends(const struct nameset_builder *builder, struct slice key);
/* Emits what is left: as the set's last block, or where more blocks follow. */
enum err nameset_builder_end(struct nameset_builder *builder, bool last) MUST_CHECK;

typedef enum err (*nameset_each_fn)(void *ctx, const struct nameset_entry *entry);
/* A block's own entries (not its context) in order, for dumps. */
enum err nameset_block_each(
    struct slice key, struct slice value, nameset_each_fn each, void *ctx) MUST_CHECK;
/* Its context, from the highest wildcard down. */
enum err nameset_block_context(struct slice value, nameset_each_fn each, void *ctx) MUST_CHECK;

#endif
