/*
 * Combined lists: a list's sections are datasets of their own, each asked below its sub-zones. On
 * the answer path. See lookup_internal.h and zones/combined.h.
 */
#include "server/lookup_internal.h"
#include "zones/combined.h"

/* The sub-zone's datasets as a view of their own; false if one is not there. */
static bool
make_view(const struct asking *asking, const struct combined_hit *hit, struct view_state *out)
{
    bool whole = true;
    *out = *asking->ask->view;
    out->count = 0;
    /* Which family a section has is not worth a look: its blocks say. */
    out->has_v4 = out->has_v6 = true;
    for (unsigned i = 0; i < hit->count; i++) {
        const struct dataset *dataset = snapshot_dataset(asking->ask->snapshot, hit->ids[i]);
        if (dataset == NULL || dataset->kind == DATASET_COMBINED)
            whole = false;
        else
            out->datasets[out->count++] = dataset;
    }
    return whole;
}

/* The name lies in the sub-zone: asked as if that were a zone. */
static enum err
ask_sub_zone(struct asking *asking, const struct combined_hit *hit)
{
    struct view_state view;
    if (hit->count > sizeof view.datasets / sizeof *view.datasets)
        return ERR_RANGE;
    bool whole = make_view(asking, hit, &view);
    struct lookup_ask ask = *asking->ask;
    ask.view = &view;
    struct asking below = {.ask = &ask, .relative = &hit->relative, .out = asking->out};
    lookup_ask_list(&below);
    asking->expired = asking->expired || below.expired || !whole;
    asking->exists = asking->exists || below.exists;
    asking->found = asking->found || below.found;
    return asking->out->status == LOOKUP_FAILED ? ERR_FORMAT : ERR_OK;
}

/* A name above sub-zones exists, as they do (RFC 8020). */
static enum err
find_below(struct asking *asking, struct slice value)
{
    struct combined_zone zone;
    enum err err;
    while ((err = combined_next(&value, &zone)) == ERR_OK)
        if (dname_under(&zone.zone, asking->relative))
            asking->exists = true;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
lookup_ask_combined(struct asking *asking, const struct dataset *dataset)
{
    struct store_key key;
    struct slice value;
    struct combined_hit hit;
    store_key_combined(&key, dataset->id);
    struct kvread *reader = snapshot_reader(asking->ask->snapshot);
    enum err err = kvread_get_often(
        reader, dataset->id, (uint32_t)dataset->id << 8, store_key_slice(&key), &value);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    err = find_below(asking, value);
    if (err == ERR_OK)
        err = combined_find(value, asking->relative, &hit);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    /* A sub-zone's own name exists whatever its datasets say. */
    if (hit.relative.len == 1 && hit.zone.len > 1)
        asking->exists = asking->found = true;
    return ask_sub_zone(asking, &hit);
}
