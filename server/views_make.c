/* Making a view table; see snapshot.h. */
#include <stdlib.h>

#include "server/views.h"

static int
by_length(const void *a, const void *b)
{
    const struct view_entry *x = a, *y = b;
    return (int)y->zone->apex.len - (int)x->zone->apex.len;
}

enum err
view_table_new(const struct conf *conf, struct view_table **out)
{
    *out = calloc(1, sizeof **out + conf->zone_count * sizeof *(*out)->entries);
    if (*out == NULL)
        return ERR_NOMEM;
    (*out)->conf = conf;
    (*out)->count = conf->zone_count;
    for (unsigned i = 0; i < conf->zone_count; i++)
        (*out)->entries[i] = (struct view_entry){.zone = &conf->zones[i], .index = i};
    qsort((*out)->entries, (*out)->count, sizeof *(*out)->entries, by_length);
    return ERR_OK;
}

void
view_table_free(struct view_table **views)
{
    free(*views);
    *views = NULL;
}
