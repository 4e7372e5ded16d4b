/* Importing mail stores. See observe.h. */
#include <stdlib.h>
#include <string.h>

#include "loader/observe.h"
#include "loader/src_mbox.h"

enum { CHUNK = 4096, DAY_S = 86400 };

/* Key: 'o' 'i' and the mail's id; the value begins as every record that expires, with the mail's
 * time twice. */
enum { KEY_SIZE = 2 + SOURCE_ID_SIZE - 1, VALUE_SIZE = 16 };

struct mail {
    char id[SOURCE_ID_SIZE];
    struct observation seen;
};

struct import {
    struct history *history;
    const struct policy *policy;
    struct observe_stats *out;
    struct errmsg *msg;
    int64_t oldest_s, newest_s;
    struct kv_txn *known; /* reads what earlier chunks stored */
    uint64_t mails;
    size_t count;
    struct mail mails_of[CHUNK];
};

static struct slice
key_of(const char *id, uint8_t room[KEY_SIZE])
{
    room[0] = HISTORY_POSITION;
    room[1] = 'i';
    memcpy(room + 2, id, SOURCE_ID_SIZE - 1);
    return slice_of(room, KEY_SIZE);
}

static bool
is_known(struct kv_txn *txn, const char *id)
{
    uint8_t key[KEY_SIZE];
    struct slice value;

    return kv_get(txn, key_of(id, key), &value) == ERR_OK;
}

static void
mark(struct kv_txn *txn, const char *id, int64_t when_s)
{
    uint8_t key[KEY_SIZE], value[VALUE_SIZE];

    for (unsigned i = 0; i < VALUE_SIZE; i++)
        value[i] = (uint8_t)((uint64_t)when_s >> (56 - 8 * (i % 8)));
    (void)kv_put(txn, key_of(id, key), slice_of(value, sizeof value));
}

/* A mail that lies in two folders is there twice in one chunk, hence the second look. */
static enum err
commit_chunk(struct import *import)
{
    struct kv_txn *txn;
    uint64_t observed = 0, dropped;
    enum err err;

    kv_abort(&import->known);
    if (import->count > 0) {
        err = kv_begin(history_kv(import->history), true, &txn, import->msg);
        if (err < 0)
            return err;
        for (size_t i = 0; i < import->count; i++) {
            const struct mail *mail = &import->mails_of[i];

            if (is_known(txn, mail->id))
                continue;
            mark(txn, mail->id, mail->seen.when_s);
            history_add(txn, &mail->seen);
            observed++;
        }
        history_count(txn, "store-observed", observed);
        const struct policy *policy = import->policy;
        err = history_trim(txn, policy->max_addresses, policy->half_life_days, &dropped);
        if (err < 0) {
            kv_abort(&txn);
            return errmsg_set(import->msg, err, "mail stores: %s", err_text(err));
        }
        if (dropped > 0)
            history_count(txn, "history-trimmed", dropped);
        err = kv_commit(&txn, import->msg);
        if (err < 0)
            return err;
    }
    import->out->sessions += import->mails;
    import->out->observed += observed;
    import->out->skipped += import->mails - observed;
    import->mails = 0;
    import->count = 0;
    return kv_begin(history_kv(import->history), false, &import->known, import->msg);
}

static enum err
on_mail(void *ctx, const char *id, const struct observation *observation)
{
    struct import *import = ctx;

    import->mails++;
    if (observation->when_s < import->oldest_s || observation->when_s > import->newest_s ||
        is_known(import->known, id))
        return ERR_OK;
    struct mail *mail = &import->mails_of[import->count++];
    memcpy(mail->id, id, SOURCE_ID_SIZE);
    mail->seen = *observation;
    return import->count < CHUNK ? ERR_OK : commit_chunk(import);
}

enum err
observe_store(struct history *history, const struct conf *conf, int64_t now_s,
    struct observe_stats *out, struct errmsg *msg)
{
    struct import *import = calloc(1, sizeof *import);
    struct mailstore_count count = {0};
    enum err err = ERR_OK;

    if (import == NULL)
        return errmsg_set(msg, ERR_NOMEM, "mail stores: out of memory");
    import->history = history;
    import->policy = &conf->policy;
    import->out = out;
    import->msg = msg;
    import->oldest_s = now_s - (int64_t)conf->policy.retention_days * DAY_S;
    import->newest_s = now_s + DAY_S;
    err = kv_begin(history_kv(history), false, &import->known, msg);
    for (unsigned i = 0; i < conf->mailstore_count && err == ERR_OK; i++) {
        const struct mailstore *store = &conf->mailstores[i];

        err = store->format == MAILSTORE_MAILDIR
                  ? src_maildir(store->path, conf, on_mail, import, &count, msg)
                  : src_mbox(store->path, conf, on_mail, import, &count, msg);
        if (err == ERR_OK)
            err = commit_chunk(import);
    }
    out->unparsed += count.unreadable;
    kv_abort(&import->known);
    free(import);
    return err;
}
