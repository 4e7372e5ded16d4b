/* Asking pair datasets: an address and a domain; see lookup.h. */
#include "server/lookup_internal.h"

#include "zones/ipset.h"
#include "zones/pairset.h"

enum { OCTETS = 4, NIBBLES = 32 };

static bool
is_nibble(const uint8_t *label)
{
    return label[0] == 1 &&
           ((label[1] >= '0' && label[1] <= '9') || (label[1] >= 'a' && label[1] <= 'f'));
}

/* Whether four labels of octets can't be the beginning of 32 nibbles. */
static bool
are_octets_only(const uint8_t *b)
{
    return !(is_nibble(b) && is_nibble(b + 2) && is_nibble(b + 4) && is_nibble(b + 6));
}

static enum err
pair_exists(struct asking *asking, const struct dataset *dataset, unsigned labels)
{
    const uint8_t *b = asking->relative->b;
    struct ip ip;
    for (unsigned k = 0; k < NIBBLES && k < labels; k++) {
        /* The k labels before the domain must be the top of an address. */
        if (k > 0 && ip_from_labels(b, k, &ip, NULL) == IP_LABELS_NOT)
            break;
        if (k == OCTETS && are_octets_only(b))
            break;
        struct dname domain;
        struct pairset_hit hit;
        dname_strip(asking->relative, k, &domain);
        enum err err = pairset_lookup(snapshot_reader(asking->ask->snapshot), dataset->id, NULL,
            &domain, asking->ask->now_s, &hit);
        if (err < 0)
            return err;
        if (hit.match == PAIRSET_DOMAIN || (k == 0 && hit.match == PAIRSET_BELOW)) {
            asking->exists = true;
            return ERR_OK;
        }
    }
    return ERR_OK;
}

/* The leftmost 32 or 4 labels are the address if all fit, nibbles first. */
static unsigned
pair_address(const struct dname *relative, unsigned labels, struct ip *ip)
{
    if (labels > NIBBLES && ip_from_labels(relative->b, NIBBLES, ip, NULL) == IP_LABELS_FULL)
        return NIBBLES;
    if (labels > OCTETS && ip_from_labels(relative->b, OCTETS, ip, NULL) == IP_LABELS_FULL)
        return OCTETS;
    return 0;
}

bool
lookup_is_pair(const struct dname *relative)
{
    struct ip ip;
    return pair_address(relative, dname_labels(relative), &ip) > 0;
}

/* A policy speaks of every address: those that no blocking zone lists are taken out here. A look-up
 * of its own, only where something would be listed. */
static enum err
is_never(struct asking *asking, const struct ip *ip, const struct dname *domain, bool *never)
{
    struct ipset_hit hit;
    enum err err = lookup_word_pair(asking, ip, domain, never);
    if (!asking->ask->zone->informational && ip_is_special(ip))
        *never = true;
    if (err < 0 || *never || asking->ask->view->never == NULL ||
        asking->ask->view->never->entries == 0)
        return err;
    err = ipset_lookup(
        snapshot_reader(asking->ask->snapshot), asking->ask->view->never->id, ip, &hit);
    *never = err == ERR_OK;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* A result that is known makes the name exist, whether or not the zone shows it. */
static enum err
add_pair_hit(struct asking *asking, const struct dataset *dataset, unsigned taken,
    const struct dname *domain, const struct pairset_hit *hit)
{
    enum reason reason = spfresult_reason(hit->result);
    bool never = false;
    enum err err = ERR_OK;
    if (reasons_have(asking->ask->zone->show, reason))
        err = is_never(asking, &asking->out->ip, domain, &never);
    if (err < 0 || never)
        return err;
    asking->exists = asking->found = true;
    const struct lookup_subject subject = lookup_subject_name(asking, taken);
    if (reasons_have(asking->ask->zone->show, reason))
        lookup_add_reason(asking, reason, dataset, &subject, hit->text);
    return ERR_OK;
}

enum err
lookup_ask_pair(struct asking *asking, const struct dataset *dataset)
{
    unsigned labels = dname_labels(asking->relative);
    struct ip ip;
    unsigned taken = pair_address(asking->relative, labels, &ip);
    if (taken > 0) {
        struct dname domain;
        struct pairset_hit hit;
        asking->out->ip = ip;
        dname_strip(asking->relative, taken, &domain);
        enum err err = pairset_lookup(snapshot_reader(asking->ask->snapshot), dataset->id, &ip,
            &domain, asking->ask->now_s, &hit);
        if (err < 0)
            return err;
        if (hit.match == PAIRSET_FOUND)
            return add_pair_hit(asking, dataset, taken, &domain, &hit);
        /* There is nothing at the domain or below it, where all that pair_exists asks for lies. */
        if (hit.match == PAIRSET_NONE && (taken == NIBBLES || are_octets_only(asking->relative->b)))
            return ERR_OK;
    }
    return pair_exists(asking, dataset, labels);
}

bool
lookup_begin_pair(struct asking *asking, bool *test)
{
    const struct dname *relative = asking->relative;
    unsigned labels = dname_labels(relative);
    struct dname domain;
    struct ip ip;
    if (dname_under(relative, &lookup_invalid_name))
        return false;
    if (!dname_under(relative, &lookup_test_name))
        return true;
    dname_relative(relative, &lookup_test_name, &domain);
    if (domain.len == 1 || ip_from_labels(domain.b, labels - 1, &ip, NULL) == IP_LABELS_PARTIAL) {
        asking->exists = true;
        return false;
    }
    if (ip_from_labels(domain.b, labels - 1, &ip, NULL) == IP_LABELS_FULL && ip_is4(&ip) &&
        ip_v4(&ip) == 0x7f000002)
        *test = true;
    return true;
}
