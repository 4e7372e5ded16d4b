/*
 * The operator's words as the two datasets that the server asks: DATASET_WORD_IP and
 * DATASET_WORD_NAME of zoneconf.h. Pure; the order of the words does not matter.
 *
 * allow beats block, and so does what is never listed: the configuration's networks and names and
 * the lists with the role allow. Of a block only what these leave is published.
 */
#ifndef LOADER_WORDSET_H
#define LOADER_WORDSET_H

#include "loader/listcollect.h"
#include "loader/neverset.h"
#include "loader/word.h"

enum { WORDSET_IP, WORDSET_NAME, WORDSET_SETS };
/* By number. */
extern const char *const wordset_names[WORDSET_SETS];

/* All zero bytes at first. Sets borrow from it: it stays where it is. */
struct wordset {
    struct neverset never, allowed, blocked;
    struct list_flat addrs;
    uint8_t name_value[VALUE_REASONS_SIZE];
    struct nameset_entry *names;
    size_t name_count;
    struct evidence_entry *evidence[WORDSET_SETS];
    struct publish_set sets[WORDSET_SETS];
};

/* words: those in force. judged: an UNLIST without an end has had its effect. Free *out whatever is
 * returned. O(n log n) for the words and the allow lists. */
enum err wordset_make(const struct conf *conf, const struct words *words, bool judged,
    const struct list_set *const *allow, size_t allow_count, struct wordset *out) MUST_CHECK;
void wordset_free(struct wordset *set);

/* Whether an UNLIST or ALLOW keeps its subject off every list. */
bool wordset_allows(const struct word *word, bool judged);

#endif
