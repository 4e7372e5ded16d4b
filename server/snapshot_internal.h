/* The snapshot's inside, for snapshot.c and snapshot_open.c; callers see snapshot.h. */
#ifndef SERVER_SNAPSHOT_INTERNAL_H
#define SERVER_SNAPSHOT_INTERNAL_H

#include "server/snapshot.h"

struct snapshot {
    const struct view_table *views;
    struct kvread *reader; /* NULL: no usable store */
    char *path;
    struct errmsg trouble;
    bool ready;
    uint64_t generation; /* that the catalog below was read from */
    uint32_t serial;
    int64_t beat_s;
    unsigned dataset_count;
    struct dataset *datasets;       /* STORE_DATASETS_MAX of them */
    struct view_state *view_states; /* by the zone's index */
    struct acl_list acl;
    struct authority *authorities; /* of the zones whose data has it, as they come */
    struct acl_seen acl_seen[ACL_SEEN];
    unsigned retry; /* renewals until the next try to open */
};

/* Reads meta, heartbeat and catalog of the held transaction. */
enum err snapshot_read_catalog(struct snapshot *snapshot) MUST_CHECK;

#endif
