/*
 * The operator's word: what he blocks is listed, and what he allows is not, whatever the other
 * datasets of a zone say; see lookup.h. Zones that only inform show what is known all the same.
 */
#include "server/lookup_internal.h"

#include "zones/ipset.h"
#include "zones/nameset.h"

/* Being in the set without a reason is being allowed. */
static bool
allows(struct slice value)
{
    struct value_element element;
    return value_next(&value, &element) == ERR_OK && !element.literal &&
           reasons_empty(element.reasons);
}

/* ERR_NOTFOUND: nothing is said of the address. */
static enum err
find_ip(struct asking *asking, const struct ip *ip, struct slice *value)
{
    const struct dataset *word = asking->ask->view->word_ip;
    struct ipset_hit hit;
    if (word == NULL)
        return ERR_NOTFOUND;
    enum err err = ipset_lookup(snapshot_reader(asking->ask->snapshot), word->id, ip, &hit);
    *value = hit.value;
    return err;
}

/* Access lists take the place of everything that is listed. */
static bool
is_asked(const struct asking *asking)
{
    return asking->ask->acl->action == ACL_NONE;
}

enum err
lookup_word_ip(struct asking *asking)
{
    struct slice value;
    if (!is_asked(asking))
        return ERR_OK;
    enum err err = find_ip(asking, &asking->out->ip, &value);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (allows(value)) {
        asking->allowed = !asking->ask->zone->informational;
        return ERR_OK;
    }
    asking->exists = true;
    const struct lookup_subject subject = lookup_subject_ip(&asking->out->ip);
    return lookup_add_value(asking, value, asking->ask->view->word_ip, &subject);
}

enum err
lookup_word_name(struct asking *asking)
{
    const struct lookup_ask *ask = asking->ask;
    const struct dataset *word = ask->view->word_name;
    struct nameset_hit hit;
    if (word == NULL || !is_asked(asking))
        return ERR_OK;
    enum err err = nameset_lookup(snapshot_reader(ask->snapshot), word->id, asking->relative, &hit);
    if (err < 0)
        return err;
    asking->exists = asking->exists || hit.exists;
    if (hit.match == NAMESET_EXCLUDED)
        asking->allowed = !ask->zone->informational;
    if (hit.match != NAMESET_EXACT && hit.match != NAMESET_WILD)
        return ERR_OK;
    const struct lookup_subject subject = lookup_subject_name(asking, hit.above);
    return lookup_add_value(asking, hit.value, word, &subject);
}

enum err
lookup_word_pair(
    struct asking *asking, const struct ip *ip, const struct dname *domain, bool *allowed)
{
    const struct lookup_ask *ask = asking->ask;
    struct slice value;
    struct nameset_hit hit;
    *allowed = false;
    if (ask->zone->informational)
        return ERR_OK;
    enum err err = find_ip(asking, ip, &value);
    if (err < 0 && err != ERR_NOTFOUND)
        return err;
    *allowed = err == ERR_OK && allows(value);
    if (*allowed || ask->view->word_name == NULL)
        return ERR_OK;
    err = nameset_lookup(snapshot_reader(ask->snapshot), ask->view->word_name->id, domain, &hit);
    *allowed = err == ERR_OK && hit.match == NAMESET_EXCLUDED;
    return err;
}
