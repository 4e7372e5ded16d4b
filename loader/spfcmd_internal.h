/* What the parts of the spf command share; see spfcmd.h. */
#ifndef LOADER_SPFCMD_INTERNAL_H
#define LOADER_SPFCMD_INTERNAL_H

#include "loader/resolve.h"
#include "loader/spf.h"
#include "loader/spfpolicies.h"

/* One sender, and what came of it. */
struct spfsender {
    struct ip ip;
    char *helo, *from; /* from is cut at its @; owned; NULL of an observed pair */
    const char *local; /* within from, or NULL */
    struct dname domain;
    bool valid; /* there is a domain to ask about */
    struct spf_result result;
};

struct spfcommand {
    /* Of the command line. */
    const char *ip, *helo, *from, *batch, *config;
    bool help, json, via_pair, verify, stats, has_resolver, has_lookups, has_voids;
    struct endpoint resolver_at;
    struct spf_limits limits;

    struct conf *loaded;     /* owned; NULL without -c */
    const struct conf *conf; /* that, or what the resolver reads of one */
    int64_t now_s;
    struct spfsender *senders;
    size_t count, room;
    struct dnscache *cache;
    struct resolver *resolver; /* NULL: nothing is asked, only the cache is read */
    struct spf *spf;
    unsigned rounds;
};

/* spfcmd_senders.c: the senders of the command line, of a batch, or of the history. */
enum err spfcmd_read_senders(struct spfcommand *command, struct errmsg *msg) MUST_CHECK;
enum err spfcmd_add_pair(
    struct spfcommand *command, const struct ip *ip, const struct dname *domain) MUST_CHECK;
void spfcmd_free_senders(struct spfcommand *command);

/* spfcmd.c: a lookup function of struct spf_dns whose context is the command. Without a resolver
 * what the cache lacks has failed. */
void spfcmd_ask(void *ctx, enum dns_type type, const struct dname *name, struct dns_answer *out);
/* Calls round until it wants nothing more from DNS, and asks in between. */
typedef enum err (*spfcmd_round_fn)(void *ctx, struct spfcommand *command);
enum err spfcmd_rounds(
    struct spfcommand *command, spfcmd_round_fn round, void *ctx, struct errmsg *msg) MUST_CHECK;
/* Evaluates one sender by itself. */
void spfcmd_evaluate(struct spfcommand *command, struct spfsender *sender);
/* The line of a sender; text is the explanation or the reason, "" for none. ERR_NOMEM. */
enum err spfcmd_print(const struct spfcommand *command, const struct spfsender *sender,
    const char *result, const char *text) MUST_CHECK;

/* spfcmd_pair.c: --via pair. Prints. */
enum err spfcmd_pair(struct spfcommand *command, struct errmsg *msg) MUST_CHECK;
/* spfcmd_verify.c: --verify. Prints; *differences says how many. */
enum err spfcmd_verify(
    struct spfcommand *command, size_t *differences, struct errmsg *msg) MUST_CHECK;

#endif
