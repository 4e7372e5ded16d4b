/*
 * LMDB for the answer path: one environment, one read transaction and one cursor a worker, renewed
 * once per batch, nothing allocated after open. Never used across fork(): open it in the worker.
 */
#ifndef ZONES_KVREAD_H
#define ZONES_KVREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "slice.h"

struct kvread;

/* Read only, but for the lock file. Refuses a file that is cut short, is no LMDB file or of another
 * version (ERR_FORMAT), a missing one (ERR_NOTFOUND), one without permission (ERR_IO); the message
 * says what to do. The snapshot is held at return. */
enum err kvread_open(const char *path, struct kvread **out, struct errmsg *msg) MUST_CHECK;
void kvread_close(struct kvread **reader);

/* Lets the snapshot go, before every wait: a held one keeps the loader from reusing pages. */
void kvread_reset(struct kvread *reader);
/* Takes the newest snapshot. All slices handed out before are void. */
enum err kvread_renew(struct kvread *reader) MUST_CHECK;
/* Transaction id of the held snapshot: another one means another publish. */
uint64_t kvread_generation(const struct kvread *reader);

/* Slices are borrowed from the map until kvread_reset; those of another transaction with the same
 * epoch, which is never 0, are valid again. */
uint64_t kvread_epoch(const struct kvread *reader);
enum err kvread_get(struct kvread *reader, struct slice key, struct slice *value) MUST_CHECK;
/* The first key >= key; ERR_NOTFOUND past the last. */
enum err kvread_seek(
    struct kvread *reader, struct slice key, struct slice *found, struct slice *value) MUST_CHECK;
/* The one after the last found by kvread_seek or kvread_next. */
enum err kvread_next(struct kvread *reader, struct slice *found, struct slice *value) MUST_CHECK;
/* The one before; ERR_NOTFOUND at the first. */
enum err kvread_prev(struct kvread *reader, struct slice *found, struct slice *value) MUST_CHECK;

/* Places to remember records at, numbered by the caller: whoever knows that a record is the one
 * that a seek would find has it without one, and likewise that none would be found. A seek costs a
 * fifth of an answer, and 16384 places take 400 KiB, which a second-level cache holds. One record a
 * place; another snapshot forgets all. */
#define KVREAD_SPOTS 16384
/* False if there is nothing of this owner; only the lower bits of place count. found.p is NULL
 * where it was remembered that there is no record. */
bool kvread_recall(const struct kvread *reader, uint32_t place, uint32_t owner, struct slice *found,
    struct slice *value);
/* Slices of this snapshot, or empty ones. */
void kvread_remember(
    struct kvread *reader, uint32_t place, uint32_t owner, struct slice found, struct slice value);
/* As kvread_get, of one of few records that are wanted all the time: it has a place. Moves the
 * cursor if it was not remembered. */
enum err kvread_get_often(struct kvread *reader, uint32_t place, uint32_t owner, struct slice key,
    struct slice *value) MUST_CHECK;

#endif
