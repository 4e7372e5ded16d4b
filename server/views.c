/* Which zone a name belongs to. On the answer path. See snapshot.h. */
#include "server/views.h"

const struct zone_def *
view_find(const struct view_table *views, const struct dname *name, unsigned *index)
{
    for (unsigned i = 0; i < views->count; i++) {
        if (!dname_under(name, &views->entries[i].zone->apex))
            continue;
        if (index != NULL)
            *index = views->entries[i].index;
        return views->entries[i].zone;
    }
    return NULL;
}

bool
view_below(const struct view_table *views, const struct dname *name)
{
    for (unsigned i = 0; i < views->count; i++)
        if (dname_under(&views->entries[i].zone->apex, name))
            return true;
    return false;
}

const struct conf *
view_conf(const struct view_table *views)
{
    return views->conf;
}
