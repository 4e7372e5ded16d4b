/*
 * What a worker answers from: the zones of the configuration (views) and the newest state of
 * answers.mdb (snapshot). Renewed once per batch; the catalog is read again only when the store's
 * generation changed. Nothing is allocated after open.
 */
#ifndef SERVER_SNAPSHOT_H
#define SERVER_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "server/soa_record.h"
#include "zones/kvread.h"
#include "zones/store.h"
#include "zones/zoneconf.h"

/* The zones of a configuration, made ready for longest-match look-up. Borrows conf. */
struct view_table;
enum err view_table_new(const struct conf *conf, struct view_table **out) MUST_CHECK;
void view_table_free(struct view_table **views);
/* The most specific zone at or above the name, NULL if none; *index (may be NULL) numbers it. */
const struct zone_def *view_find(
    const struct view_table *views, const struct dname *name, unsigned *index);
/* Whether some zone's apex lies below the name: then it is NODATA, not REFUSED or NXDOMAIN. */
bool view_below(const struct view_table *views, const struct dname *name);
const struct conf *view_conf(const struct view_table *views);

struct snapshot;

/* The store of the path; with no usable store the snapshot answers nothing (snapshot_ready false)
 * until snapshot_renew finds one. Call in the worker, after fork. */
enum err snapshot_open(const struct view_table *views, const char *path, struct snapshot **out,
    struct errmsg *msg) MUST_CHECK;
void snapshot_close(struct snapshot **snapshot);

/* Before each batch: takes the newest state. Not allowed to fail: an unusable store makes it
 * unready, and the reason is in snapshot_trouble. */
void snapshot_renew(struct snapshot *snapshot);
/* Before each wait. */
void snapshot_release(struct snapshot *snapshot);
bool snapshot_ready(const struct snapshot *snapshot);
const char *snapshot_trouble(const struct snapshot *snapshot);

/* An access list (acl.h). */
struct acl_list {
    bool wanted;                   /* the configuration names one */
    const struct dataset *dataset; /* NULL: the store lacks it */
};

/* What an access list has of a client that asked before: most queries come from few resolvers. */
struct acl_seen {
    struct ip client;
    struct slice value; /* of its entry; p is NULL: it has none */
    uint64_t epoch;     /* kvread_epoch when it was looked up */
    uint16_t dataset;
};
#define ACL_SEEN 64 /* 3 KiB, so that they stay in the first-level cache */
/* ACL_SEEN places, by a hash of the reader's choice. */
struct acl_seen *snapshot_acl_seen(struct snapshot *snapshot);

/* For the answer path: by the zone's index. */
struct view_state {
    uint32_t serial; /* of the zone's SOA: the newest of its definition's and its datasets', or what
                        the data says */
    const struct soa *soa; /* NULL: the zone's data has none */
    struct soa_record soa_record;
    unsigned ns_count;
    const struct dname *ns;
    uint32_t ns_ttl_s;
    struct acl_list acl;
    unsigned count; /* datasets, in the zone's order; a dataset not in the store is left out */
    const struct dataset *datasets[16];
    const struct dataset *never; /* of a pair zone that is not informational: addresses that it
                                    does not list; NULL: none */
    /* The operator's word, for a zone that judges; NULL: none, or nothing is said. */
    const struct dataset *word_ip, *word_name;
    bool has_v4, has_v6; /* its address datasets may have such */
    bool missing;        /* the zone names a dataset that the store lacks */
};
const struct view_state *snapshot_view(const struct snapshot *snapshot, unsigned index);
/* The access list of all zones. */
const struct acl_list *snapshot_acl(const struct snapshot *snapshot);
/* By its id, of any zone; NULL: the store has none. */
const struct dataset *snapshot_dataset(const struct snapshot *snapshot, uint16_t id);
/* Not to be served at this time: its own expiry, or the heartbeat too old for its max_age_s. */
bool snapshot_expired(
    const struct snapshot *snapshot, const struct dataset *dataset, int64_t now_s);
/* For the catalog that the operator is told of: another number means another state of it. */
uint64_t snapshot_generation(const struct snapshot *snapshot);
uint32_t snapshot_serial(const struct snapshot *snapshot);
int64_t snapshot_beat_s(const struct snapshot *snapshot);
const struct dataset *snapshot_datasets(const struct snapshot *snapshot, unsigned *count);
struct kvread *snapshot_reader(struct snapshot *snapshot);

#endif
