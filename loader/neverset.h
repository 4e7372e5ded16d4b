/*
 * The addresses that no blocking zone lists, whatever is known of them: the configuration's own
 * networks, trusted relays and never_list, and the lists with the role allow. Judging leaves them
 * out by itself; where an answer comes from a policy, the server asks this set.
 */
#ifndef LOADER_NEVERSET_H
#define LOADER_NEVERSET_H

#include "loader/lists.h"
#include "zones/ipset.h"
#include "zones/zoneconf.h"

/* An empty set is all zero bytes. Entries are as ipset_build wants them; they borrow from the set,
 * which therefore stays where it is. */
struct neverset {
    uint8_t value[VALUE_REASONS_SIZE]; /* no reasons: being in the set is all that it says */
    struct ipset_entry *entries;
    size_t count, room;
};

enum err neverset_make(const struct conf *conf, const struct list_set *const *allow,
    size_t allow_count, struct neverset *out) MUST_CHECK;
void neverset_free(struct neverset *set);

/* For sets that are made otherwise: adds prefixes, and when all are there, makes one of those that
 * overlap. */
enum err neverset_add(
    struct neverset *set, const struct prefix *prefixes, unsigned count) MUST_CHECK;
void neverset_unite(struct neverset *set);

#endif
