/*
 * The operator's own edits of a list: entries added to it or taken off it, kept in lists.mdb apart
 * from what the files say, so that they survive every import. del beats add beats the files, each
 * address or name by itself. For the list's modules.
 *
 * In lists.mdb (liststore.h), by list name, so that a list needs not be imported first:
 *     L name 0 type(1) kind(1) key   an edit; key is the entry of liststore.h without its value
 * version(1) expires(8) added(8) value-bytes(2) value note. An edit of another type than the list
 * has now is kept and not used.
 */
#ifndef LOADER_LISTLAYER_H
#define LOADER_LISTLAYER_H

#include "loader/listfile.h"
#include "loader/listflat.h"
#include "loader/liststore.h"
#include "zones/kv.h"

#define LISTLAYER_NOTE_MAX 255

enum list_edit_kind { LIST_EDIT_ADD = 'A', LIST_EDIT_DEL = 'D' };

struct list_edit {
    enum list_edit_kind kind;
    enum list_type type;
    struct listfile_entry entry; /* what it is about; excluded and value mean nothing */
    int64_t added_s;
    int64_t expires_s;  /* gone from this time on; 0: never */
    struct slice value; /* as stores hold it; empty: the list's default */
    struct slice note;
};

/* All edits of a list in the order of the store. All zero bytes at first. */
struct list_layer {
    struct list_edit *edits;
    size_t count, room;
    struct listflat_arena bytes;
};
void listlayer_free(struct list_layer *layer);

/* Free it whatever is returned. */
enum err listlayer_read(struct kv_txn *txn, const char *name, struct list_layer *out) MUST_CHECK;

/* Puts the edit in the place of one of the same kind about the same entry, or where it belongs in
 * the order of the store, which values that meet come in. Bytes stay the caller's. */
enum err listlayer_put(struct list_layer *layer, const struct list_edit *edit) MUST_CHECK;
/* Removes those about the entry, of both kinds; returns how many. */
unsigned listlayer_undo(
    struct list_layer *layer, enum list_type type, const struct listfile_entry *entry);
size_t listlayer_count(const struct list_layer *layer, enum list_edit_kind kind);
/* The del that takes all of the entry off whatever is added, or NULL. */
const struct list_edit *listlayer_del_over(
    const struct list_layer *layer, enum list_type type, const struct listfile_entry *entry);

/* Makes the stored edits of a list those of the layer; writes what differs. ERR_NOMEM, ERR_FORMAT;
 * other failures are sticky in the transaction. */
enum err listlayer_write(
    struct kv_txn *txn, const char *name, const struct list_layer *layer) MUST_CHECK;

/* FNV-1a over the stored edits of a list, after hash. */
enum err listlayer_digest(struct kv_txn *txn, const char *name, uint64_t *hash) MUST_CHECK;

/* Removes edits that expired by now_s from the layer. */
void listlayer_expire(struct list_layer *layer, int64_t now_s);

#endif
