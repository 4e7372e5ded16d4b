/* Access lists; see acl.h. */
#include "server/acl.h"

#include "zones/be.h"
#include "zones/ipset.h"

static enum acl_action
action_of(uint32_t a)
{
    switch (a) {
    case ACL_A_IGNORE:
        return ACL_IGNORE;
    case ACL_A_REFUSE:
        return ACL_REFUSE;
    case ACL_A_EMPTY:
        return ACL_EMPTY;
    case ACL_A_PASS:
        return ACL_NONE;
    default:
        return ACL_LISTED;
    }
}

/* A list's first value decides. */
static enum err
join(struct acl *acl, struct slice value, const struct dataset *dataset)
{
    struct value_element element;
    enum err err = value_next(&value, &element);
    if (err < 0)
        return err;
    if (!element.literal)
        return ERR_FORMAT;
    enum acl_action action = action_of(element.a);
    if (action <= acl->action)
        return ERR_OK;
    acl->action = action;
    acl->a = element.a;
    acl->has_txt = element.has_txt;
    acl->txt = element.txt;
    acl->ttl_s = dataset->ttl_s;
    return ERR_OK;
}

static enum err
look_up(struct snapshot *snapshot, const struct dataset *dataset, const struct ip *client,
    struct slice *value)
{
    struct kvread *reader = snapshot_reader(snapshot);
    uint32_t hash = ((uint32_t)be_get(client->b + 12, 4) ^ dataset->id) * 2654435761U;
    struct acl_seen *seen = &snapshot_acl_seen(snapshot)[hash >> 16 & (ACL_SEEN - 1)];
    if (seen->epoch != kvread_epoch(reader) || seen->dataset != dataset->id ||
        ip_cmp(&seen->client, client) != 0) {
        struct ipset_hit hit = {.value = slice_of(NULL, 0)};
        enum err err = ipset_lookup(reader, dataset->id, client, &hit);
        if (err < 0 && err != ERR_NOTFOUND)
            return err;
        *seen = (struct acl_seen){*client, hit.value, kvread_epoch(reader), dataset->id};
    }
    *value = seen->value;
    return seen->value.p == NULL ? ERR_NOTFOUND : ERR_OK;
}

void
acl_ask(struct snapshot *snapshot, const struct acl_list *list, const struct ip *client,
    int64_t now_s, struct acl *acl)
{
    struct slice value;
    const struct dataset *dataset = list->dataset;
    if (!list->wanted)
        return;
    if (dataset == NULL) {
        acl->trouble = ACL_MISSING;
        return;
    }
    if (snapshot_expired(snapshot, dataset, now_s)) {
        acl->trouble = ACL_EXPIRED;
        return;
    }
    enum err err = look_up(snapshot, dataset, client, &value);
    if (err == ERR_OK)
        err = join(acl, value, dataset);
    if (err < 0 && err != ERR_NOTFOUND)
        acl->trouble = ACL_DAMAGED;
}
