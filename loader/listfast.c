/* Edits of a list without the whole list; see listfast.h. */
#include "loader/listfast.h"

#include "loader/listbrake.h"
#include "loader/listedit.h"

/* What the edits are about is found while the store is open. */
static enum err
read_txn(const struct conf *conf, struct listfast *fast, const struct list_layer *layer,
    const struct list_change *change, struct kv_txn *txn)
{
    const struct list_source *source = fast->source;
    struct liststore_source stored;
    struct liststore_key key;
    struct slice value;
    uint64_t state;
    enum err err = liststore_get(txn, source->name, &stored);
    if (err == ERR_OK && stored.type != source->type)
        err = ERR_NOTFOUND;
    if (err == ERR_OK)
        err = liststore_get_published(txn, source->name, source->type, &fast->measure);
    if (err == ERR_OK)
        err = listedit_state(conf, txn, source->name, &state);
    if (err == ERR_OK && (fast->measure.state == 0 || fast->measure.state != state))
        err = ERR_NOTFOUND;
    if (err < 0)
        return err;
    liststore_key_default(&key, stored.id);
    err = kv_get(txn, liststore_slice(&key), &value);
    if (err == ERR_OK && (value.n == 0 || value.n > LISTFILE_VALUE_MAX))
        err = ERR_FORMAT;
    return err == ERR_OK ? listpatch_init(&fast->blocks, change, layer, value, txn, &stored) : err;
}

static enum err
read_stored(const struct conf *conf, struct listfast *fast, const struct list_layer *layer,
    const struct list_change *change)
{
    struct kv *kv;
    struct kv_txn *txn;
    enum err err = kv_open(conf->lists_path, &(struct kv_options){.read_only = true}, &kv, NULL);
    if (err < 0)
        return err;
    err = kv_begin(kv, false, &txn, NULL);
    if (err == ERR_OK) {
        err = read_txn(conf, fast, layer, change, txn);
        kv_abort(&txn);
    }
    kv_close(&kv);
    return err;
}

/* Only what is listed can be forbidden, and what was not is far from it. What is added counts even
 * where it stays off. */
static bool
is_harmless(struct listfast *fast, const struct list_change *change)
{
    bool added = !change->undone && change->edits[0].kind == LIST_EDIT_ADD;
    const struct list_flat *listed = added ? &fast->blocks.where : &fast->blocks.what;
    bool harmless = fast->measure.forbidden == 0;
    for (size_t i = 0; harmless && listed->addrs != NULL && i < listed->count; i++)
        harmless = listbrake_harmless(fast->patch.conf, &listed->addrs[i].range, &fast->measure);
    return harmless;
}

/* Names or ranges that are listed where the edits are. */
static uint64_t
count_listed(const struct list_flat *what)
{
    uint64_t listed = 0;
    for (size_t i = 0; i < what->count; i++)
        listed += what->names == NULL || what->names[i].exact.kind == NAMESET_SLOT_VALUE ||
                  what->names[i].wild.kind == NAMESET_SLOT_VALUE;
    return listed;
}

/* The number of entries as listset.c counts them, but for adds over what was taken off and what
 * comes back from there; that comes right with the next publish of the whole list. */
static bool
count_entries(struct listfast *fast, const struct list_change *change)
{
    uint64_t was = fast->measure.entries, more = change->adds, less = fast->blocks.dropped;
    if (change->undone) {
        more = change->dels > 0 ? count_listed(&fast->blocks.what) : 0;
        less = change->adds;
    } else if (change->edits[0].kind == LIST_EDIT_ADD) {
        less = 0;
    }
    fast->measure.entries += more;
    fast->measure.entries -= less < fast->measure.entries ? less : fast->measure.entries;
    return listbrake_small(fast->source, was, more > less ? more - less : less - more);
}

enum err
listfast_open(const struct conf *conf, const struct list_source *source,
    const struct list_layer *layer, const struct list_change *change, int64_t now_s,
    struct listfast *out)
{
    struct errmsg unused;
    enum list_holds holds = list_type_info(source->type)->holds;
    *out = (struct listfast){.source = source};
    if (source->role != LIST_BLOCK || holds > LIST_HOLDS_NAMES)
        return ERR_NOTFOUND;
    enum err err = read_stored(conf, out, layer, change);
    if (err == ERR_OK)
        err = publish_patch_open(
            conf, source->name, list_type_kind(source->type), now_s, &out->patch, &unused);
    if (err == ERR_OK && !is_harmless(out, change))
        err = ERR_NOTFOUND;
    if (err == ERR_OK)
        err = listpatch_blocks(
            &out->blocks, out->patch.txn, out->patch.dataset.id, &out->patch.changes);
    if (err == ERR_OK && !count_entries(out, change))
        err = ERR_NOTFOUND;
    return err;
}

void
listfast_close(struct listfast *fast)
{
    listpatch_free(&fast->blocks);
    publish_patch_close(&fast->patch);
}

enum err
listfast_write(struct listfast *fast, struct publish_result *out, struct errmsg *msg)
{
    const struct list_published published = {fast->source, fast->measure};
    enum err err = publish_patch_write(&fast->patch, fast->blocks.entries, out, msg);
    return err == ERR_OK ? listedit_published(fast->patch.conf, &published, 1, msg) : err;
}
