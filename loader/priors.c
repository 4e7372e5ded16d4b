/* Priors of networks and registered domains. See priors.h. */
#include "loader/priors.h"

#include <stdlib.h>
#include <string.h>

#include "loader/features.h"
#include "loader/judgedns.h"

enum {
    V4_BYTES = 15, /* of a mapped address: /24 */
    V6_BYTES = 6,  /* /48 */
    DOUBT = 2      /* neighbours of whom nothing is known, so that one bad one is not all */
};

static struct ip
first_of(const struct ip *ip)
{
    struct ip first = {{0}};

    memcpy(first.b, ip->b, ip_is4(ip) ? V4_BYTES : V6_BYTES);
    return first;
}

static double
own_bad(const struct judging_env *env, const struct hist_client *client)
{
    struct client_facts facts = {.client = client, .now_s = env->now_s};
    double spam = features_weight(&facts, &env->conf->policy, HIST_SPAM);

    if (features_has_ham(client))
        return 0;
    return spam < 1 ? spam : 1;
}

static void
add(struct prior *prior, double bad)
{
    prior->all++;
    prior->bad += bad;
}

static enum err
add_network(struct priors *priors, const struct ip *ip, double bad)
{
    struct ip first = first_of(ip);

    if (priors->count == 0 || ip_cmp(&priors->networks[priors->count - 1].first, &first) != 0) {
        if (priors->count == priors->room) {
            size_t room = priors->room == 0 ? 1024 : priors->room * 2;
            struct network_prior *grown = reallocarray(priors->networks, room, sizeof *grown);
            if (grown == NULL)
                return ERR_NOMEM;
            priors->networks = grown;
            priors->room = room;
        }
        priors->networks[priors->count++] = (struct network_prior){.first = first};
    }
    add(&priors->networks[priors->count - 1].prior, bad);
    return ERR_OK;
}

static enum err
add_domain(struct priors *priors, const struct dname *organisation, double bad)
{
    size_t number;
    enum err err = namemap_number(&priors->domains, organisation, &number);

    if (err < 0)
        return err;
    if (priors->domains.room > priors->domain_room) {
        struct prior *grown =
            reallocarray(priors->domain_rows, priors->domains.room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        memset(grown + priors->domain_room, 0,
            (priors->domains.room - priors->domain_room) * sizeof *grown);
        priors->domain_rows = grown;
        priors->domain_room = priors->domains.room;
    }
    add(&priors->domain_rows[number], bad);
    return ERR_OK;
}

static enum err
on_client(void *ctx, const struct hist_client *client)
{
    struct priors *priors = ctx;
    double bad = own_bad(priors->env, client);
    struct dname name, organisation;
    enum err err = add_network(priors, &client->ip, bad);

    if (err < 0)
        return err;
    enum rdns_state state = judgedns_client(priors->env, client, &name);
    if (state >= RDNS_STATE_UNCONFIRMED)
        err = rdnsrows_add(&priors->rows, &client->ip, &name);
    if (err < 0 || state != RDNS_STATE_CONFIRMED)
        return err;
    publicname_registrable(priors->env->names, &name, &organisation);
    return add_domain(priors, &organisation, bad);
}

enum err
priors_make(const struct judging_env *env, struct priors *out)
{
    *out = (struct priors){.env = env};
    struct history_visitor visitor = {.client = on_client, .ctx = out};
    enum err err = history_walk(env->txn, NULL, &visitor);
    return err < 0 ? err : rdnsrows_end(&out->rows);
}

/* The share of bad ones among the others. */
static double
others(const struct prior *prior, const struct prior *own)
{
    return prior->all < own->all || prior->bad <= own->bad
               ? 0
               : (prior->bad - own->bad) / (prior->all - own->all + DOUBT);
}

static const struct prior *
near(struct priors *priors, const struct ip *ip)
{
    static const struct prior nobody = {0};
    struct ip first = first_of(ip);

    while (priors->at < priors->count && ip_cmp(&priors->networks[priors->at].first, &first) != 0)
        priors->at++;
    return priors->at < priors->count ? &priors->networks[priors->at].prior : &nobody;
}

static void
fill_domain(struct priors *priors, struct client_facts *facts, const struct prior *own)
{
    size_t number;

    if (facts->rdns != RDNS_STATE_CONFIRMED ||
        namemap_number(&priors->domains, &facts->rdns_organisation, &number) < 0 ||
        number >= priors->domain_room)
        return;
    facts->domain_bad = others(&priors->domain_rows[number], own);
}

void
priors_fill(struct priors *priors, struct client_facts *facts)
{
    if (priors->count == 0) /* not made: nobody is judged, only DNS is wanted */
        return;
    struct prior own = {0};

    priors_add(priors, &own, facts->client);
    facts->near_bad = others(near(priors, &facts->client->ip), &own);
    const struct rdns_neighbours *row = rdnsrows_find(&priors->rows, &facts->client->ip);
    if (row != NULL && facts->rdns_look.why != NULL)
        facts->rdns_look = rdnsneighbours_weigh(facts->rdns_look, row);
    fill_domain(priors, facts, &own);
}

void
priors_add(const struct priors *priors, struct prior *own, const struct hist_client *client)
{
    add(own, own_bad(priors->env, client));
}

void
priors_fill_network(struct priors *priors, struct client_facts *facts, const struct prior *own,
    const struct prior *own_domain)
{
    if (priors->count == 0)
        return;
    facts->near_bad = others(near(priors, &facts->client->ip), own);
    facts->domain_bad = 0;
    fill_domain(priors, facts, own_domain);
}

void
priors_free(struct priors *priors)
{
    free(priors->networks);
    rdnsrows_free(&priors->rows);
    namemap_free(&priors->domains);
    free(priors->domain_rows);
}
