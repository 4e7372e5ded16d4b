/*
 * The HELO names of all clients, while the history is walked: by how many each was said, and what
 * is to be judged of it then.
 */
#ifndef LOADER_HELONAMES_H
#define LOADER_HELONAMES_H

#include "loader/judging.h"
#include "loader/namemap.h"

/* What a name's clients are to it. Who has an IPv6 address has a /64, and counts once. */
struct helonames_row {
    unsigned clients, resolving_to, unknown;
    struct prefix last; /* of the client that was counted last */
};

/* Zeros to begin with. */
struct helonames {
    struct namemap names;
    struct helonames_row *rows; /* beside names.names */
    size_t room;
};

/* Clients in the order of the history. resolves: the name has the client's address, or the
 * registered domain of its confirmed reverse name. ERR_NOMEM. */
enum err helonames_add(struct helonames *names, const struct dname *name, const struct ip *client,
    enum fact resolves) MUST_CHECK;
/* Judges each, in the order of their first use, for the visitor. */
enum err helonames_judge(const struct helonames *names, const struct judging_env *env, bool mature,
    const struct judging_visitor *visitor) MUST_CHECK;
void helonames_free(struct helonames *names);

#endif
