/*
 * Erasing a subject from history.mdb, and discounting what it knows of addresses. Opens the store
 * for each call; one that is not there knows nothing.
 *
 * Log sessions that are open yet are not looked at: they end in minutes, and count anew.
 */
#ifndef LOADER_HISTORY_FORGET_H
#define LOADER_HISTORY_FORGET_H

#include "loader/history.h"
#include "loader/word.h"

/* Records that went; of addresses whose reverse name was in the log, that name. */
struct history_forgotten {
    uint64_t clients, helos, pairs, domains, reverse_names, answers, policies;
};

/* Of an address or prefix: its clients with all of theirs, and DNS answers about it. Of a name:
 * that name and all below it, as HELO, sender domain, reverse name, in DNS answers and policies.
 * O(records of the history). */
enum err history_forget(const struct conf *conf, const struct word_subject *subject,
    struct history_forgotten *out, struct errmsg *msg) MUST_CHECK;

/* What is known of the addresses no longer speaks against them: their sessions, names and reports
 * of spam begin anew; what speaks for them stays. Adds the number of addresses. */
enum err history_discount(const struct conf *conf, const struct prefix *prefix, uint64_t *clients,
    struct errmsg *msg) MUST_CHECK;

#endif
