/* Making a view table; see snapshot.h. */
#include <stdlib.h>

#include "server/views.h"

static int
by_length(const void *a, const void *b)
{
    const struct view_entry *x = a, *y = b;
    return (int)y->len - (int)x->len;
}

enum err
view_table_new(const struct conf *conf, struct view_table **out)
{
    *out = calloc(1, sizeof **out + conf->zone_count * sizeof *(*out)->entries);
    if (*out == NULL)
        return ERR_NOMEM;
    (*out)->conf = conf;
    (*out)->count = conf->zone_count;
    for (unsigned i = 0; i < conf->zone_count; i++) {
        const struct zone_def *zone = &conf->zones[i];
        struct view_entry *entry = &(*out)->entries[i];
        *entry = (struct view_entry){.zone = zone, .index = i, .len = zone->apex.len};
        memcpy(&entry->first, zone->apex.b, sizeof entry->first);
    }
    qsort((*out)->entries, (*out)->count, sizeof *(*out)->entries, by_length);
    return ERR_OK;
}

void
view_table_free(struct view_table **views)
{
    free(*views);
    *views = NULL;
}
