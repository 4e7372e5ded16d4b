/*
 * What of a HELO name, or of a sender domain, can make it look bad, without DNS: its form, the
 * provider that it belongs to, its country. Where a client has more names than are kept apart, one
 * gives way to another of its class, so that what it said of the client is not forgotten. Pure.
 */
#ifndef LOADER_NAMECLASS_H
#define LOADER_NAMECLASS_H

#include "loader/helo.h"

struct nameclass {
    uint8_t form;         /* of a HELO: enum helo_kind, whose address, for inside use */
    uint8_t country[2];   /* zeros: none */
    const char *provider; /* static storage, or NULL */
};

/* own: if it is an address, it is that of the client. */
void nameclass_of_helo(const struct helo_form *form, bool own, struct nameclass *out);
/* helo_only: of a pair that is only a HELO name, as of struct hist_use. */
void nameclass_of_sender(const struct dname *domain, bool helo_only, struct nameclass *out);
bool nameclass_equal(const struct nameclass *a, const struct nameclass *b);

/* A name that may have to give way. */
struct nameclass_row {
    struct nameclass class;
    uint64_t weight; /* of what it stands for */
    int64_t last_s;
};

/* Which one gives way, and which one of its class, if there is one, takes what it stands for: of
 * the class with the most names the one with the least weight, and the one with the most; of equals
 * the one that was seen last stays. At least one row. True: there is an heir. O(rows * classes) */
bool nameclass_choose(
    const struct nameclass_row *rows, unsigned count, unsigned *victim, unsigned *heir);

#endif
