/*
 * What keys have used of their quotas: counts in memory that all workers share, from which each
 * takes a chunk at a time, so that most queries cost no common access. A quota is never exceeded;
 * at its end up to a chunk less one may lie unused with each other worker. On the answer path, but
 * for quota_table.c and quota_file.c: the table, and the file by which a day's counts outlive the
 * process.
 */
#ifndef SERVER_QUOTA_H
#define SERVER_QUOTA_H

#include <stdatomic.h>

#include "server/keys.h"

#define QUOTA_DAY_S 86400

enum key_count { KEY_ANSWERED, KEY_OVER_SECOND, KEY_OVER_DAY, KEY_COUNTS };

/* A key's, with a cache line of its own. */
struct quota_slot {
    _Alignas(64) _Atomic uint64_t second; /* the second << 40, and what was taken of it */
    _Atomic uint64_t day;                 /* likewise, of days since 1970 */
    _Atomic uint64_t counts[KEY_COUNTS];  /* since the start; exact */
};

/* The supervisor's; workers have the slots. */
struct quota_table {
    struct quota_slot *slots; /* KEYS_MAX of them */
    unsigned count;           /* of ids */
    char (*ids)[KEY_ID_SIZE]; /* by slot; one stays a key's until the process ends */
    uint64_t written;         /* a digest of the counts that the file has */
    bool failed;              /* and said so */
};

/* What a worker has taken and not used. */
struct quota_chunk {
    uint64_t period;
    uint32_t left;
};
struct quota_share {
    struct quota_chunk second, day;
};

/* Charges a query. KEY_ANSWERED, or which quota is used up; either is counted. share is the
 * worker's own, of this key. */
enum key_count quota_charge(
    const struct key *key, struct quota_slot *slot, struct quota_share *share, int64_t now_s);

/* What was taken on this day (UTC). */
uint64_t quota_day_used(const struct quota_slot *slot, int64_t now_s);
/* Before any worker charges. used <= KEY_PER_DAY_MOST */
void quota_set_day_used(struct quota_slot *slot, int64_t now_s, uint64_t used);

/* quota_table.c */
enum err quota_table_map(struct quota_table *out, struct errmsg *msg) MUST_CHECK;
void quota_table_unmap(struct quota_table *table);
/* Gives each key the slot of its id. ERR_FULL: ids of keys that are gone take the room. */
enum err quota_table_adopt(
    struct quota_table *table, struct keyring *ring, struct errmsg *msg) MUST_CHECK;
/* A line for each id, to the log; and as Prometheus reads them. */
void quota_table_log(const struct quota_table *table, int64_t now_s);
void quota_table_print_prometheus(const struct quota_table *table, FILE *out);

/* quota_file.c: the day's counts in the file of the path, a line of day, id and count for each. One
 * that is not there is no error; a damaged line is left out. */
void quota_table_load(struct quota_table *table, const char *path, int64_t now_s);
/* Replaces the file if a count has changed. Trouble is logged once. */
void quota_table_save(struct quota_table *table, const char *path, int64_t now_s);
/* The text itself, for tests too; read returns how many lines were left out. */
unsigned quota_table_read(struct quota_table *table, FILE *file, int64_t now_s);
void quota_table_print(const struct quota_table *table, int64_t now_s, FILE *out);

#endif
