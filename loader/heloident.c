/* See heloident.h. */
#include "loader/heloident.h"

#include <string.h>

#include "loader/providers.h"

static bool
owns(const char *owner, const struct dname *name)
{
    const char *other = provider_of_helo(name);

    return other != NULL && strcmp(owner, other) == 0;
}

/* Whether the client is the owner's: by its confirmed reverse name, or because a domain of the
 * owner's vouches for it. A domain whose SPF is not known excuses nobody, for a forger says it,
 * too; what the verdict stands on, the reverse name and the addresses of the HELO, is known. */
static enum fact
is_theirs(const char *owner, const struct helo_context *context)
{
    if (context->rdns == RDNS_STATE_CONFIRMED && owns(owner, context->rdns_name))
        return FACT_YES;
    for (unsigned i = 0; i < context->pair_count; i++) {
        const struct pair_fact *pair = &context->pairs[i];

        if (pair->has_spf && pair->spf == REASON_SPF_PASS && owns(owner, pair->domain))
            return FACT_YES;
    }
    bool unknown = context->rdns == RDNS_UNKNOWN || context->resolves_here == FACT_UNKNOWN;
    return unknown ? FACT_UNKNOWN : FACT_NO;
}

static enum helo_identity
identify_address(const struct ip *ip, const struct helo_context *context)
{
    const struct conf *conf = context->conf;

    if (ip_cmp(ip, context->client) == 0)
        return HELO_IDENTITY_OWN;
    if (ip_is_special(ip))
        return HELO_IDENTITY_PRIVATE;
    if (prefixes_contain(conf->own_networks, conf->own_network_count, ip))
        return HELO_IDENTITY_OURS;
    return HELO_IDENTITY_ADDRESS;
}

static enum helo_identity
identify_name(const struct dname *name, const struct helo_context *context)
{
    const struct conf *conf = context->conf;

    /* First: a host of ours outside of own_networks says its own name. */
    if (context->resolves_here == FACT_YES ||
        (context->rdns == RDNS_STATE_CONFIRMED && dname_equal(name, context->rdns_name)))
        return HELO_IDENTITY_OWN;
    for (unsigned i = 0; i < conf->own_name_count; i++)
        if (dname_under(name, &conf->own_names[i]))
            return HELO_IDENTITY_OURS;
    const char *owner = provider_of_helo(name);
    enum fact theirs = owner != NULL ? is_theirs(owner, context) : FACT_YES;
    if (theirs != FACT_YES)
        return theirs == FACT_NO ? HELO_IDENTITY_PROVIDER : HELO_IDENTITY_UNKNOWN;
    return context->resolves_here == FACT_NO ? HELO_IDENTITY_STRANGE : HELO_IDENTITY_UNKNOWN;
}

enum helo_identity
helo_identify(const struct helo_form *form, const struct helo_context *context)
{
    switch (form->kind) {
    case HELO_KIND_LITERAL:
    case HELO_KIND_BARE_IP:
        return identify_address(&form->ip, context);
    case HELO_KIND_NAME:
        return form->local ? HELO_IDENTITY_UNKNOWN : identify_name(&form->name, context);
    case HELO_KIND_ABSENT:
    case HELO_KIND_SINGLE:
    case HELO_KIND_INVALID:
        return HELO_IDENTITY_UNKNOWN;
    }
    return HELO_IDENTITY_UNKNOWN;
}

bool
helo_identity_forged(enum helo_identity identity)
{
    return identity >= HELO_IDENTITY_OURS;
}
