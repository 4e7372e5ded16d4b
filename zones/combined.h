/*
 * A combined list (rbldnsd's type): one list whose sections are datasets of their own, each asked
 * below some sub-zones of the zone.
 *
 * The sections of the list NAME are the datasets "NAME#1", "NAME#2" and so on. Under NAME itself
 * lies a dataset without entries, of kind DATASET_COMBINED, and the record that says which of them
 * is asked where: STORE_COMBINED dataset 0 -> for each sub-zone its name in wire form, relative to
 * the zone and the root for the zone itself; the number of its datasets(1); their ids(2 each,
 * big-endian) in the order of the file Sub-zones with more labels come first, so the first one at
 * or above a name is the most specific. That one alone is asked; a name below none of them is
 * NXDOMAIN, and a sub-zone's own name exists whatever its datasets say.
 *
 * combined.c is on the answer path: nothing allocated, every length checked.
 */
#ifndef ZONES_COMBINED_H
#define ZONES_COMBINED_H

#include <stdint.h>

#include "dname.h"
#include "err.h"
#include "slice.h"
#include "store.h"

#define COMBINED_PARTS_MAX 99 /* sections of a list, so that "#n" has 3 bytes */
#define COMBINED_NAME_MAX  (DATASET_NAME_SIZE - 1 - 3)

void store_key_combined(struct store_key *key, uint16_t dataset);

struct combined_hit {
    struct dname zone;     /* the sub-zone */
    struct dname relative; /* the name below it; the root: the sub-zone itself */
    unsigned count;        /* at least 1 */
    uint16_t ids[COMBINED_PARTS_MAX];
};
/* name is relative to the zone. ERR_NOTFOUND: below no sub-zone. ERR_FORMAT for damaged bytes, as
 * far as they were looked at. */
enum err combined_find(
    struct slice value, const struct dname *name, struct combined_hit *out) MUST_CHECK;

/* A sub-zone and its datasets. */
struct combined_zone {
    struct dname zone;
    unsigned count;
    uint16_t ids[COMBINED_PARTS_MAX];
};
/* Takes the first sub-zone off *value. ERR_NOTFOUND at the end, ERR_FORMAT for damaged bytes. */
enum err combined_next(struct slice *value, struct combined_zone *out) MUST_CHECK;

#define COMBINED_ZONE_SIZE (DNAME_MAX + 1 + 2 * COMBINED_PARTS_MAX)
/* The bytes of one sub-zone, to be written one after the other, those with more labels first.
 * Returns the length. */
size_t combined_encode(const struct combined_zone *zone, uint8_t out[COMBINED_ZONE_SIZE]);

#endif
