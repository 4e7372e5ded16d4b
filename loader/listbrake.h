/*
 * The brake of a list: what a publish may not do to it unless forced. Pure, but for what conf says.
 *
 *     - grow or shrink it by more than max_change per cent and max_change_floor entries since the
 *       last publish; the first one is free
 *     - of a block list: list everything, an address of own_networks or of never_list, or
 *       a private range (of 256 IPv4 or 2^64 IPv6 addresses in one piece: a stray private address
 *       among a feed's entries hurts nobody)
 *
 * The sections of a combined list count as the list's own entries; an access list may name any
 * addresses. What was listed at the last publish, forced then, does not stop the next one.
 * 127.0.0.2 to 127.0.0.255 are test entries (RFC 5782 5) and may be listed.
 */
#ifndef LOADER_LISTBRAKE_H
#define LOADER_LISTBRAKE_H

#include <stdbool.h>

#include "loader/lists.h"
#include "loader/liststore.h"

/* What a publish of the set is to be remembered by. */
struct list_measure listbrake_measure(
    const struct conf *conf, const struct list_source *source, const struct list_set *set);

/* True: not to be published; msg says what and what to do. served: something of the list is. */
bool listbrake_stops(const struct conf *conf, const struct list_source *source,
    const struct list_set *set, bool served, struct errmsg *msg);

/* Of an entry that somebody adds by hand, of which not even one address may be private: a label for
 * what forbids it, else NULL. *range becomes what is forbidden of it. */
const char *listbrake_forbids(
    const struct conf *conf, const struct range *entry, struct range *range);

/* Whether a list that was published so stays one that nothing is forbidden of when the entry is
 * added: it is far from everything that may not be listed. The measure's share becomes that with
 * it. False: only listbrake_stops can tell. */
bool listbrake_harmless(
    const struct conf *conf, const struct range *entry, struct list_measure *measure);
/* Whether max_change allows a change by so many entries. */
bool listbrake_small(const struct list_source *source, uint64_t was, uint64_t change);

#define LISTBRAKE_TEXT_SIZE 128
/* "10.0.0.0-10.255.255.255 of private space". */
void listbrake_format(const char *label, const struct range *range, char out[LISTBRAKE_TEXT_SIZE]);

#endif
