/* Which zone a name belongs to. On the answer path. See snapshot.h. */
#include "server/views.h"

const struct zone_def *
view_find(const struct view_table *views, const struct dname *name, unsigned *index)
{
    const struct view_entry *entry = views->entries, *end = entry + views->count;
    const size_t len = name->len;
    for (; entry < end; entry++) {
        /* Of the root there is no second byte, not even to read where a name is the longest. */
        uint16_t first = entry->first;
        if (len < entry->len)
            continue;
        if (entry->len > 1)
            memcpy(&first, name->b + len - entry->len, sizeof first);
        if (first != entry->first || !dname_under(name, &entry->zone->apex))
            continue;
        if (index != NULL)
            *index = entry->index;
        return entry->zone;
    }
    return NULL;
}

bool
view_below(const struct view_table *views, const struct dname *name)
{
    for (unsigned i = 0; i < views->count && views->entries[i].len >= name->len; i++)
        if (dname_under(&views->entries[i].zone->apex, name))
            return true;
    return false;
}

const struct conf *
view_conf(const struct view_table *views)
{
    return views->conf;
}
