/*
 * The flat SPF policies of a run, by domain: made when first asked for, or again while their DNS
 * answers are pending. Equal tables are held once.
 */
#ifndef LOADER_SPFPOLICIES_H
#define LOADER_SPFPOLICIES_H

#include "loader/spfflat.h"
#include "zones/pairset.h"

struct spfpolicy {
    bool ready; /* else answers are pending: resolve and ask again; the rest means nothing */
    bool
        temperror; /* some addresses are SPFRESULT_UNKNOWN: not to be published over a better one */
    bool dynamic;  /* some are SPFRESULT_DYNAMIC */
    bool passes_world;
    int64_t expires_s;                     /* least expiry of the answers used */
    struct slice tables[PAIRSET_FAMILIES]; /* spftable.h; they live as long as the policies */
};

struct spfpolicies;

/* dns and limits are copied; what dns points to is borrowed. */
enum err spfpolicies_new(const struct spf_dns *dns, const struct spf_limits *limits,
    struct spfpolicies **out) MUST_CHECK;
void spfpolicies_free(struct spfpolicies **policies);

/* What was pending is made again when it is next asked for; until then it stays pending, however
 * often it is asked for. */
void spfpolicies_again(struct spfpolicies *policies);
enum err spfpolicies_get(
    struct spfpolicies *policies, const struct dname *domain, struct spfpolicy *out) MUST_CHECK;
/* Only of a ready policy. */
enum err spfpolicy_find(
    const struct spfpolicy *policy, const struct ip *ip, struct spftable_hit *out) MUST_CHECK;

/* How many different tables there are. */
size_t spfpolicies_tables(const struct spfpolicies *policies);

#endif
