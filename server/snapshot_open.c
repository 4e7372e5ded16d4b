/* Opening, following and giving up a store; see snapshot.h. Never on the answer path. */
#include <stdlib.h>

#include "server/probes.h"
#include "server/snapshot_internal.h"
#include "server/views.h"

/* A worker renews at most this often a second while it waits for a store. */
enum { RETRY_AFTER = 16 };

static void
give_up(struct snapshot *snapshot, const char *why)
{
    (void)errmsg_set(&snapshot->trouble, ERR_IO, "%s", why);
    kvread_close(&snapshot->reader);
    snapshot->ready = false;
}

static void
take_catalog(struct snapshot *snapshot)
{
    struct errmsg msg;
    snapshot->generation = kvread_generation(snapshot->reader);
    enum err err = snapshot_read_catalog(snapshot);
    snapshot->ready = err == ERR_OK;
    if (err == ERR_OK) {
        snapshot->trouble.text[0] = '\0';
        PROBE_PUBLISH(snapshot->generation, snapshot->serial);
        return;
    }
    (void)errmsg_set(&msg, err,
        "%s: not a store of format %d, or damaged; run this version's repdns-load to write it anew",
        snapshot->path, STORE_FORMAT);
    give_up(snapshot, msg.text);
}

static void
try_open(struct snapshot *snapshot)
{
    struct errmsg msg;
    if (kvread_open(snapshot->path, &snapshot->reader, &msg) < 0)
        give_up(snapshot, msg.text);
    else
        take_catalog(snapshot);
}

static size_t
count_authorities(const struct view_table *views)
{
    size_t count = 0;
    for (unsigned i = 0; i < views->count; i++)
        count += views->entries[i].zone->authority_data;
    return count;
}

enum err
snapshot_open(
    const struct view_table *views, const char *path, struct snapshot **out, struct errmsg *msg)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    struct snapshot *snapshot = *out;
    snapshot->views = views;
    snapshot->path = strdup(path);
    snapshot->datasets = calloc(STORE_DATASETS_MAX, sizeof *snapshot->datasets);
    snapshot->view_states = calloc(views->count + 1, sizeof *snapshot->view_states);
    snapshot->authorities = calloc(count_authorities(views) + 1, sizeof *snapshot->authorities);
    if (snapshot->path == NULL || snapshot->datasets == NULL || snapshot->view_states == NULL ||
        snapshot->authorities == NULL) {
        snapshot_close(out);
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    }
    try_open(snapshot);
    return ERR_OK;
}

void
snapshot_close(struct snapshot **snapshot)
{
    if (*snapshot == NULL)
        return;
    kvread_close(&(*snapshot)->reader);
    free((*snapshot)->path);
    free((*snapshot)->datasets);
    free((*snapshot)->view_states);
    free((*snapshot)->authorities);
    free(*snapshot);
    *snapshot = NULL;
}

void
snapshot_renew(struct snapshot *snapshot)
{
    if (snapshot->reader == NULL) {
        if (snapshot->retry++ % RETRY_AFTER == 0)
            try_open(snapshot);
        return;
    }
    if (kvread_renew(snapshot->reader) < 0) {
        give_up(snapshot, "the store could not be read any more; trying to open it again");
        return;
    }
    PROBE_RENEWED(kvread_generation(snapshot->reader));
    if (kvread_generation(snapshot->reader) != snapshot->generation)
        take_catalog(snapshot);
}
