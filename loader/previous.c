/*
 * Look-ups in the store that is being served; see previous.h.
 */
#include "loader/previous.h"
#include "zones/ipset.h"
#include "zones/nameset.h"
#include "zones/pairset.h"

enum err
previous_dataset(struct kvread *reader, const char *name, struct dataset *out)
{
    if (reader == NULL)
        return ERR_NOTFOUND;
    struct store_key key;
    store_key_dataset(&key, name);
    struct slice value;
    enum err err = kvread_get(reader, store_key_slice(&key), &value);
    return err < 0 ? err : dataset_decode(store_key_slice(&key), value, out);
}

static enum err
read_value(struct slice value, struct previous *out)
{
    struct value_element element;
    enum err err;
    while ((err = value_next(&value, &element)) == ERR_OK)
        if (!element.literal)
            out->reasons = reasons_union(out->reasons, element.reasons);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
read_since(struct kvread *reader, const struct store_key *key, struct previous *out)
{
    struct slice value;
    struct evidence evidence;
    enum err err = kvread_get(reader, store_key_slice(key), &value);
    if (err == ERR_OK)
        err = evidence_decode(value, &evidence);
    if (err == ERR_OK)
        out->since_s = evidence.since_s;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
previous_ip(struct kvread *reader, const char *dataset, const struct ip *ip, struct previous *out)
{
    *out = (struct previous){0};
    struct dataset info;
    struct ipset_hit hit;
    enum err err = previous_dataset(reader, dataset, &info);
    if (err == ERR_OK)
        err = ipset_lookup(reader, info.id, ip, &hit);
    if (err == ERR_OK)
        err = read_value(hit.value, out);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct store_key key;
    store_key_evidence_ip(&key, info.id, &hit.range.first);
    return read_since(reader, &key, out);
}

enum err
previous_name(
    struct kvread *reader, const char *dataset, const struct dname *name, struct previous *out)
{
    *out = (struct previous){0};
    struct dataset info;
    struct nameset_hit hit;
    enum err err = previous_dataset(reader, dataset, &info);
    if (err == ERR_OK)
        err = nameset_lookup(reader, info.id, name, &hit);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (hit.match != NAMESET_EXACT)
        return ERR_OK;
    err = read_value(hit.value, out);
    if (err < 0)
        return err;
    struct store_key key;
    store_key_evidence_name(&key, info.id, name);
    return read_since(reader, &key, out);
}

enum err
previous_pair(struct kvread *reader, const char *dataset, const struct ip *ip,
    const struct dname *domain, int64_t now_s, struct reason_set *out)
{
    *out = (struct reason_set){0};
    struct dataset info;
    struct pairset_hit hit;
    enum err err = previous_dataset(reader, dataset, &info);
    if (err == ERR_OK)
        err = pairset_lookup(reader, info.id, ip, domain, now_s, &hit);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (hit.match == PAIRSET_FOUND)
        reasons_add(out, spfresult_reason(hit.result));
    return ERR_OK;
}
