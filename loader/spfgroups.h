/*
 * Groups of addresses that an SPF evaluation has not decided yet. All addresses of a group have
 * made the same look-ups so far, so that the limits of RFC 7208 4.6.4, which depend on the path
 * that an address takes through a policy, hold for the whole group or not at all. Decided
 * addresses leave their groups as pieces.
 */
#ifndef LOADER_SPFGROUPS_H
#define LOADER_SPFGROUPS_H

#include <stdint.h>

#include "loader/spfset.h"
#include "zones/spftable.h"

struct spfgroup {
    enum ip_family family;
    unsigned lookups, voids; /* used so far */
    struct spfset set;
};

/* An empty list is all zero bytes. Slots past count keep their memory for the next group. */
struct spfgroups {
    struct spfgroup *items;
    size_t count, room;
};

struct spfpiece {
    struct spfset_range range;
    enum ip_family family;
    uint8_t result;          /* enum spfresult */
    uint8_t text;            /* as in struct spftable_span */
    uint16_t lookups, voids; /* what its addresses had used when they were decided */
};

struct spfpieces {
    struct spfpiece *items;
    size_t count, room;
};

void spfgroups_free(struct spfgroups *groups);
void spfpieces_free(struct spfpieces *pieces);

/* The group of these; a new one is empty. NULL: out of memory. Pointers to groups are void
 * afterwards. */
struct spfgroup *spfgroups_find(
    struct spfgroups *groups, enum ip_family family, unsigned lookups, unsigned voids);
/* Orders the sets, unites groups that have become equal, drops empty ones. */
enum err spfgroups_settle(struct spfgroups *groups) MUST_CHECK;
/* Empties from's set into to's, to be ordered by spfgroups_settle. */
enum err spfgroup_move(struct spfgroup *from, struct spfgroup *to) MUST_CHECK;

enum err spfpieces_add(struct spfpieces *pieces, const struct spfpiece *piece) MUST_CHECK;
/* All addresses of the group. */
enum err spfpieces_decide(struct spfpieces *pieces, struct spfgroup *group, enum spfresult result,
    uint8_t text) MUST_CHECK;
/* By family, then by address. */
void spfpieces_sort(struct spfpieces *pieces);

#endif
