/* What one name says of a client. See signs.h. */
#include "loader/signs.h"

#include <ctype.h>
#include <string.h>

#include "loader/country.h"
#include "loader/providers.h"

/* -- one HELO name -- */

static bool
is_kin(const struct client_facts *facts, const struct dname *organisation)
{
    return facts->rdns == RDNS_STATE_CONFIRMED && organisation->len > 1 &&
           dname_equal(&facts->rdns_organisation, organisation);
}

/* A provider has several domains. */
static bool
is_host_of(const struct client_facts *facts, const char *provider)
{
    const char *owner =
        facts->rdns == RDNS_STATE_CONFIRMED ? provider_of_host(&facts->rdns_organisation) : NULL;

    return owner != NULL && strcmp(owner, provider) == 0;
}

static void
name_signs(const struct client_facts *facts, const struct helo_fact *helo, double *of)
{
    const struct dname *name = &helo->form.name;

    if (helo->resolves_here == FACT_YES) {
        of[FEATURE_HELO_RESOLVES] = 1;
        return;
    }
    /* Its reverse name, or one of that organisation, as ordinary spammers have, too: no sign. */
    if (is_kin(facts, &helo->organisation))
        return;
    /* What DNS or the reverse name has not said yet is no evidence. */
    if (helo->resolves_here == FACT_UNKNOWN && facts->rdns == RDNS_UNKNOWN)
        return;
    of[FEATURE_HELO_NAME] = !helo->form.local;
    of[FEATURE_HELO_PROVIDER] = helo->identity == HELO_IDENTITY_PROVIDER;
    of[FEATURE_HELO_BARE_DOMAIN] = !helo->form.local && dname_equal(name, &helo->organisation);
}

void
signs_of_helo(const struct client_facts *facts, const struct helo_fact *helo, double *of)
{
    static const enum feature of_kind[] = {[HELO_KIND_SINGLE] = FEATURE_HELO_SINGLE,
        [HELO_KIND_BARE_IP] = FEATURE_HELO_BARE,
        [HELO_KIND_INVALID] = FEATURE_HELO_INVALID};
    enum helo_kind kind = helo->form.kind;

    of[FEATURE_HELO_FORGED] =
        helo->identity == HELO_IDENTITY_OURS || helo->identity == HELO_IDENTITY_ADDRESS;
    if (kind == HELO_KIND_NAME)
        name_signs(facts, helo, of);
    else if (kind != HELO_KIND_LITERAL && kind != HELO_KIND_ABSENT && !helo->form.local)
        of[of_kind[kind]] = 1;
}

bool
signs_bad_helo(const double *of)
{
    return of[FEATURE_HELO_FORGED] + of[FEATURE_HELO_SINGLE] + of[FEATURE_HELO_BARE] +
               of[FEATURE_HELO_INVALID] + of[FEATURE_HELO_PROVIDER] >
           0;
}

/* -- one sender domain -- */

/* A name that it greets with, and that nothing shows to be its own. */
static const struct dname *
unverified_name(const struct client_facts *facts, const struct helo_fact *helo)
{
    double of[FEATURE_COUNT] = {0};

    if (helo->form.kind != HELO_KIND_NAME)
        return NULL;
    signs_of_helo(facts, helo, of);
    return of[FEATURE_HELO_NAME] > 0 ? &helo->form.name : NULL;
}

static bool
is_unverified_helo(const struct client_facts *facts, const struct dname *domain)
{
    for (unsigned i = 0; i < facts->helo_count; i++) {
        const struct dname *name = unverified_name(facts, &facts->helos[i]);

        if (name != NULL && dname_equal(name, domain))
            return true;
    }
    return false;
}

/* A reverse name that does not resolve back tells where the line is nevertheless. Where there is
 * none, any name said as HELO: one at home does not make up for one that is not. */
static bool
is_abroad(const struct client_facts *facts, const struct dname *domain)
{
    if (facts->rdns >= RDNS_STATE_UNCONFIRMED)
        return country_differs(facts->rdns_name, domain);
    for (unsigned i = 0; facts->rdns == RDNS_STATE_NONE && i < facts->helo_count; i++) {
        const struct dname *name = unverified_name(facts, &facts->helos[i]);

        if (name != NULL && country_differs(name, domain))
            return true;
    }
    return false;
}

/* In the label that somebody registered, not in a public suffix below which they did. */
static bool
has_digits(const struct dname *organisation)
{
    for (unsigned i = 1; i <= organisation->b[0] && i < organisation->len; i++)
        if (isdigit(organisation->b[i]))
            return true;
    return false;
}

void
signs_of_sender(const struct client_facts *facts, const struct pair_fact *pair, double *of)
{
    const char *provider = provider_of_sender(&pair->organisation);
    bool kin = is_kin(facts, &pair->organisation);
    bool own = kin || (provider != NULL && is_host_of(facts, provider));
    bool pass = pair->has_spf && pair->spf == REASON_SPF_PASS;

    /* A domain below it is one host's, as those are that only send. */
    of[FEATURE_SENDER_OWN] = own && dname_equal(pair->domain, &pair->organisation);
    of[FEATURE_SENDER_OWN_DIGITS] = kin && provider == NULL && has_digits(&pair->organisation);
    of[FEATURE_SENDER_PROVIDER_OWN] = own && provider != NULL;
    of[FEATURE_SENDER_SPF_PASS] = pass;
    if (own || pass)
        return;
    /* Unknown is not "elsewhere". */
    of[FEATURE_SENDER_PROVIDER] = provider != NULL && facts->rdns != RDNS_UNKNOWN;
    of[FEATURE_SENDER_PROVIDER_UNNAMED] = provider != NULL && facts->rdns == RDNS_STATE_NONE;
    of[FEATURE_SENDER_IS_HELO] = is_unverified_helo(facts, pair->domain);
    of[FEATURE_SENDER_ABROAD] = is_abroad(facts, pair->domain);
}

bool
signs_bad_sender(const double *of)
{
    return of[FEATURE_SENDER_PROVIDER] > 0 || of[FEATURE_SENDER_ABROAD] > 0;
}
