/* Which zone a name belongs to. On the answer path. See snapshot.h. */
#include "server/views.h"

const struct zone_def *
view_find(const struct view_table *views, const struct dname *name, unsigned *index)
{
    const struct view_entry *entry = views->entries, *end = entry + views->count;
    const size_t len = name->len;
    for (; entry < end; entry++) {
        uint16_t first;
        if (len < entry->len)
            continue;
        memcpy(&first, name->b + len - entry->len, sizeof first);
        /* Of the root the second byte is none. */
        if ((first != entry->first && entry->len > 1) || !dname_under(name, &entry->zone->apex))
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
