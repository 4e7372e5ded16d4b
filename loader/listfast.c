/* Edits of a list without the whole list; see listfast.h. */
#include "loader/listfast.h"

#include "loader/listbrake.h"
#include "loader/listedit.h"

/* What lists.mdb says. */
struct stored {
    struct list_measure measure;
    uint64_t state; /* of now */
    uint8_t value[LISTFILE_VALUE_MAX];
    size_t value_n; /* the list's default */
};

static enum err
read_txn(const struct conf *conf, const struct list_source *source, struct kv_txn *txn,
    struct stored *out)
{
    struct liststore_source stored;
    struct liststore_key key;
    struct slice value;
    enum err err = liststore_get(txn, source->name, &stored);
    if (err == ERR_OK && stored.type != source->type)
        err = ERR_NOTFOUND;
    if (err == ERR_OK)
        err = liststore_get_published(txn, source->name, source->type, &out->measure);
    if (err == ERR_OK)
        err = listedit_state(conf, txn, source->name, &out->state);
    if (err < 0)
        return err;
    liststore_key_default(&key, stored.id);
    err = kv_get(txn, liststore_slice(&key), &value);
    if (err == ERR_OK && (value.n == 0 || value.n > sizeof out->value))
        err = ERR_FORMAT;
    if (err < 0)
        return err;
    memcpy(out->value, value.p, value.n);
    out->value_n = value.n;
    return ERR_OK;
}

static enum err
read_stored(const struct conf *conf, const struct list_source *source, struct stored *out)
{
    struct kv *kv;
    struct kv_txn *txn;
    enum err err = kv_open(conf->lists_path, &(struct kv_options){.read_only = true}, &kv, NULL);
    if (err < 0)
        return err;
    err = kv_begin(kv, false, &txn, NULL);
    if (err == ERR_OK) {
        err = read_txn(conf, source, txn, out);
        kv_abort(&txn);
    }
    kv_close(&kv);
    return err;
}

/* Only what is listed can be forbidden, and what was not is far from it. */
static bool
is_harmless(struct listfast *fast, enum list_edit_kind kind)
{
    const struct list_flat *where = &fast->blocks.where;
    bool harmless = fast->measure.forbidden == 0;
    for (size_t i = 0; harmless && kind == LIST_EDIT_ADD && i < where->count; i++)
        harmless = listbrake_harmless(fast->patch.conf, &where->addrs[i].range, &fast->measure);
    return harmless;
}

/* The number of entries as listset.c counts them, but for adds over what was taken off; that comes
 * right with the next publish of the whole list. */
static bool
count_entries(struct listfast *fast, enum list_edit_kind kind, size_t new_edits)
{
    uint64_t was = fast->measure.entries;
    uint64_t change = kind == LIST_EDIT_ADD ? new_edits : fast->blocks.dropped;
    if (kind == LIST_EDIT_ADD)
        fast->measure.entries += change;
    else
        fast->measure.entries -= change < was ? change : was;
    return listbrake_small(fast->source, was, change);
}

enum err
listfast_open(const struct conf *conf, const struct list_source *source,
    const struct list_layer *layer, const struct list_edit *edits, size_t count, size_t new_edits,
    int64_t now_s, struct listfast *out)
{
    struct stored stored;
    struct errmsg unused;
    *out = (struct listfast){.source = source};
    if (source->role != LIST_BLOCK || list_type_info(source->type)->holds > LIST_HOLDS_V6)
        return ERR_NOTFOUND;
    enum err err = read_stored(conf, source, &stored);
    if (err == ERR_OK && (stored.measure.state == 0 || stored.measure.state != stored.state))
        err = ERR_NOTFOUND;
    if (err < 0)
        return err;
    out->measure = stored.measure;
    err = publish_patch_open(conf, source->name, DATASET_ADDR, now_s, &out->patch, &unused);
    if (err == ERR_OK)
        err = listpatch_init(
            &out->blocks, layer, edits, count, slice_of(stored.value, stored.value_n));
    if (err == ERR_OK && !is_harmless(out, edits[0].kind))
        err = ERR_NOTFOUND;
    if (err == ERR_OK)
        err = listpatch_blocks(
            &out->blocks, out->patch.txn, out->patch.dataset.id, &out->patch.changes);
    if (err == ERR_OK && !count_entries(out, edits[0].kind, new_edits))
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
    enum err err = publish_patch_write(&fast->patch, fast->blocks.ranges, out, msg);
    return err == ERR_OK ? listedit_published(fast->patch.conf, &published, 1, msg) : err;
}
