/*
 * Labelled mail as lines of text: label (ham or spam), client's address, what of its reverse name
 * (none, forged or name), the name, HELO, sender's domain, separated by tabs; the last three may be
 * empty. A client with both labels is ham.
 */
#ifndef LOADER_LABELLED_H
#define LOADER_LABELLED_H

#include "loader/features.h"
#include "loader/publicname.h"
#include "loader/rdns.h"

struct labelled_mail {
    struct ip ip;
    bool spam;
    enum rdns_state rdns;
    struct dname rdns_name, sender; /* len 0: none */
    struct helo helo;
};

struct labelled {
    struct labelled_mail *mails; /* by address, then as they came */
    size_t count, room;
};

/* Messages are "name:line: what". */
enum err labelled_read(
    FILE *in, const char *name, struct labelled *out, struct errmsg *msg) MUST_CHECK;
void labelled_free(struct labelled *labelled);

struct labelled_tools {
    struct publicname *names;
    struct rdns *rdns;
};
/* The facts of the client whose mails begin at *at, which is moved to the next one's. They say what
 * each mail looks like, and nothing of labels. Borrowed until the next call with the same client.
 * Fails only where the patterns of reverse names can't be compiled. */
struct labelled_client {
    bool spam;
    struct hist_client client;
    struct client_facts facts;
    struct helo_fact helos[HISTORY_NAMES_MAX];
    struct pair_fact pairs[HISTORY_NAMES_MAX];
    struct hist_use helo_uses[HISTORY_NAMES_MAX], pair_uses[HISTORY_NAMES_MAX];
};
enum err labelled_next(const struct labelled *labelled, const struct labelled_tools *tools,
    size_t *at, struct labelled_client *out, struct errmsg *msg) MUST_CHECK;

#endif
