/* Which dataset of a combined list is asked where; see combined.h. On the answer path. */
#include "combined.h"

#include "be.h"

void
store_key_combined(struct store_key *key, uint16_t dataset)
{
    store_key_init(key, STORE_COMBINED, dataset, 0);
}

enum err
combined_next(struct slice *value, struct combined_zone *out)
{
    const uint8_t *in = value->p;
    if (value->n == 0)
        return ERR_NOTFOUND;
    if (dname_from_wire(in, value->n, &out->zone) < 0)
        return ERR_FORMAT;
    size_t at = out->zone.len;
    if (at == value->n)
        return ERR_FORMAT;
    out->count = in[at++];
    if (out->count == 0 || out->count > COMBINED_PARTS_MAX || value->n - at < 2 * out->count)
        return ERR_FORMAT;
    for (unsigned i = 0; i < out->count; i++, at += 2)
        out->ids[i] = (uint16_t)be_get(in + at, 2);
    *value = slice_of(in + at, value->n - at);
    return ERR_OK;
}

enum err
combined_find(struct slice value, const struct dname *name, struct combined_hit *out)
{
    struct combined_zone zone;
    enum err err;
    while ((err = combined_next(&value, &zone)) == ERR_OK) {
        if (!dname_under(name, &zone.zone))
            continue;
        out->zone = zone.zone;
        dname_relative(name, &zone.zone, &out->relative);
        out->count = zone.count;
        memcpy(out->ids, zone.ids, zone.count * sizeof *zone.ids);
        return ERR_OK;
    }
    return err;
}

size_t
combined_encode(const struct combined_zone *zone, uint8_t out[COMBINED_ZONE_SIZE])
{
    memcpy(out, zone->zone.b, zone->zone.len);
    uint8_t *at = be_put(out + zone->zone.len, zone->count, 1);
    for (unsigned i = 0; i < zone->count; i++)
        at = be_put(at, zone->ids[i], 2);
    return (size_t)(at - out);
}
