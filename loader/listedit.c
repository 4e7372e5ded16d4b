/* Writing own edits and what was published; see listedit.h. */
#include "loader/listedit.h"

#include "zones/fnv.h"

static enum err
say(const struct conf *conf, enum err err, struct errmsg *msg)
{
    return errmsg_set(msg, err, "%s: %s; restore it, or delete it and run repdns-load import",
        conf->lists_path, err_text(err));
}

enum err
listedit_read(const struct conf *conf, const char *name, struct list_layer *out, struct errmsg *msg)
{
    struct kv *kv;
    struct kv_txn *txn;
    *out = (struct list_layer){0};
    enum err err = kv_open(conf->lists_path, &(struct kv_options){.read_only = true}, &kv, msg);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    err = kv_begin(kv, false, &txn, msg);
    if (err == ERR_OK) {
        err = listlayer_read(txn, name, out);
        kv_abort(&txn);
        if (err < 0)
            err = say(conf, err, msg);
    }
    kv_close(&kv);
    return err;
}

/* One write transaction. */
static enum err
write_all(const struct conf *conf, enum err (*each)(struct kv_txn *txn, const void *ctx),
    const void *ctx, struct errmsg *msg)
{
    struct kv *kv;
    struct kv_txn *txn;
    enum err err = kv_open(conf->lists_path, &(struct kv_options){0}, &kv, msg);
    if (err < 0)
        return err;
    err = kv_begin(kv, true, &txn, msg);
    if (err == ERR_OK) {
        enum err put = each(txn, ctx);
        /* What a put or delete could not do, the commit tells better. */
        if (put == ERR_NOMEM || put == ERR_FORMAT) {
            kv_abort(&txn);
            err = say(conf, put, msg);
        } else {
            err = kv_commit(&txn, msg);
        }
    }
    kv_close(&kv);
    return err;
}

struct layer_of {
    const char *name;
    const struct list_layer *layer;
};

static enum err
write_layer(struct kv_txn *txn, const void *ctx)
{
    const struct layer_of *of = ctx;
    return listlayer_write(txn, of->name, of->layer);
}

enum err
listedit_write(
    const struct conf *conf, const char *name, const struct list_layer *layer, struct errmsg *msg)
{
    return write_all(conf, write_layer, &(struct layer_of){name, layer}, msg);
}

enum err
listedit_expire(const struct conf *conf, int64_t now_s, struct errmsg *msg)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; i < conf->list_count && err == ERR_OK; i++) {
        struct list_layer layer;
        err = listedit_read(conf, conf->lists[i].name, &layer, msg);
        size_t count = layer.count;
        listlayer_expire(&layer, now_s);
        if (err == ERR_OK && layer.count < count)
            err = listedit_write(conf, conf->lists[i].name, &layer, msg);
        listlayer_free(&layer);
    }
    return err;
}

enum err
listedit_state(const struct conf *conf, struct kv_txn *txn, const char *name, uint64_t *out)
{
    struct liststore_key key;
    struct liststore_source source;
    struct slice value;
    uint64_t hash = fnv_add(
        FNV_START, conf->own_networks, conf->own_network_count * sizeof *conf->own_networks);
    hash = fnv_add(hash, "", 1);
    hash = fnv_add(hash, conf->never_list, conf->never_count * sizeof *conf->never_list);
    *out = 0;
    enum err err = liststore_get(txn, name, &source);
    if (err < 0)
        return err;
    liststore_key_source(&key, name);
    err = kv_get(txn, liststore_slice(&key), &value);
    if (err == ERR_OK)
        hash = fnv_add(hash, value.p, value.n);
    liststore_key_default(&key, source.id);
    if (err == ERR_OK && kv_get(txn, liststore_slice(&key), &value) == ERR_OK)
        hash = fnv_add(hash, value.p, value.n);
    if (err == ERR_OK)
        err = listlayer_digest(txn, name, &hash);
    *out = err == ERR_OK ? hash | 1 : 0;
    return err;
}

struct published {
    const struct conf *conf;
    const struct list_published *lists;
    size_t count;
};

static enum err
write_published(struct kv_txn *txn, const void *ctx)
{
    const struct published *published = ctx;
    for (size_t i = 0; i < published->count; i++) {
        const struct list_source *source = published->lists[i].source;
        struct list_measure measure = published->lists[i].measure;
        enum err err = listedit_state(published->conf, txn, source->name, &measure.state);
        if (err < 0 && err != ERR_NOTFOUND)
            return err;
        liststore_put_published(txn, source->name, source->type, &measure);
    }
    return ERR_OK;
}

enum err
listedit_published(
    const struct conf *conf, const struct list_published *lists, size_t count, struct errmsg *msg)
{
    if (count == 0)
        return ERR_OK;
    return write_all(conf, write_published, &(struct published){conf, lists, count}, msg);
}
