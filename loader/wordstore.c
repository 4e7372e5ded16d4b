/* The operator's word in lists.mdb; see word.h. Opens the store for each call. */
#include <stdlib.h>
#include <string.h>

#include "loader/word.h"
#include "zones/be.h"

enum { WORD_TABLE = 'W', JOURNAL_TABLE = 'J', JOURNAL_KEY = 1 + 8 + 4, JOURNAL_HEAD = 3 };

void
words_free(struct words *words)
{
    free(words->items);
    *words = (struct words){0};
}

static enum err
add(struct words *words, const struct word *word)
{
    if (words->count == words->room) {
        size_t room = words->room * 2 + 16;
        struct word *grown = reallocarray(words->items, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        words->items = grown;
        words->room = room;
    }
    words->items[words->count++] = *word;
    return ERR_OK;
}

static enum err
say(const struct conf *conf, enum err err, struct errmsg *msg)
{
    return errmsg_set(msg, err, "%s: %s; restore it", conf->lists_path, err_text(err));
}

/* -- records -- */

static struct slice
word_key(const struct word *word, uint8_t key[2 + WORD_SUBJECT_BYTES])
{
    key[0] = WORD_TABLE;
    size_t n = 1 + word_subject_encode(&word->subject, key + 1);
    key[n] = (uint8_t)word->verb;
    return slice_of(key, n + 1);
}

static enum err
decode_word(struct slice key, struct slice value, struct word *out)
{
    const uint8_t *in = key.p;
    *out = (struct word){0};
    if (key.n < 3)
        return ERR_FORMAT;
    out->verb = (enum word_verb)in[key.n - 1];
    enum err err = word_subject_decode(slice_of(in + 1, key.n - 2), &out->subject);
    return err < 0 ? err : word_decode(value, out);
}

static enum err
decode_journal(struct slice key, struct slice value, struct word *out)
{
    const uint8_t *in = value.p;
    *out = (struct word){0};
    if (key.n != JOURNAL_KEY || value.n < JOURNAL_HEAD)
        return ERR_FORMAT;
    size_t n = (size_t)be_get(in + 1, 2);
    if (value.n - JOURNAL_HEAD < n)
        return ERR_FORMAT;
    out->verb = (enum word_verb)in[0];
    enum err err = word_subject_decode(slice_of(in + JOURNAL_HEAD, n), &out->subject);
    return err < 0 ? err
                   : word_decode(slice_of(in + JOURNAL_HEAD + n, value.n - JOURNAL_HEAD - n), out);
}

typedef enum err (*decode_fn)(struct slice key, struct slice value, struct word *out);
static const struct table {
    uint8_t byte;
    decode_fn decode;
} word_table = {WORD_TABLE, decode_word}, journal_table = {JOURNAL_TABLE, decode_journal};

/* Those that expired by now_s too, if that is 0. */
static enum err
read_table(struct kv_txn *txn, const struct table *table, int64_t now_s, struct words *out)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    struct word word;
    enum err err = kv_cursor_open(txn, slice_of(&table->byte, 1), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        err = table->decode(key, value, &word);
        bool over = now_s != 0 && word.expires_s != 0 && word.expires_s <= now_s;
        if (err == ERR_OK && !over)
            err = add(out, &word);
        if (err < 0)
            break;
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
read_store(const struct conf *conf, const struct table *table, int64_t now_s, struct words *out,
    struct errmsg *msg)
{
    struct kv *kv;
    struct kv_txn *txn;
    *out = (struct words){0};
    enum err err = kv_open(conf->lists_path, &(struct kv_options){.read_only = true}, &kv, msg);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    err = kv_begin(kv, false, &txn, msg);
    if (err == ERR_OK) {
        err = read_table(txn, table, now_s, out);
        kv_abort(&txn);
        if (err < 0)
            err = say(conf, err, msg);
    }
    kv_close(&kv);
    return err;
}

enum err
words_read(const struct conf *conf, int64_t now_s, struct words *out, struct errmsg *msg)
{
    return read_store(conf, &word_table, now_s, out, msg);
}

enum err
words_read_journal(const struct conf *conf, struct words *out, struct errmsg *msg)
{
    return read_store(conf, &journal_table, 0, out, msg);
}

/* -- writing -- */

/* One transaction; with create the store may be missing. Failed puts and deletes are the commit's
 * to tell. */
static enum err
write_store(const struct conf *conf, bool create, enum err (*each)(struct kv_txn *txn, void *ctx),
    void *ctx, struct errmsg *msg)
{
    struct kv *kv;
    struct kv_txn *txn;
    enum err err = kv_open(conf->lists_path, &(struct kv_options){.create = create}, &kv, msg);
    if (err < 0)
        return err;
    err = kv_begin(kv, true, &txn, msg);
    if (err == ERR_OK) {
        err = each(txn, ctx);
        if (err < 0) {
            kv_abort(&txn);
            err = say(conf, err, msg);
        } else {
            err = kv_commit(&txn, msg);
        }
    }
    kv_close(&kv);
    return err;
}

/* Time and number make it the last one, should the clock have been set back. */
static enum err
put_journal(struct kv_txn *txn, const struct word *word)
{
    uint8_t key[JOURNAL_KEY], value[JOURNAL_HEAD + WORD_SUBJECT_BYTES + WORD_BYTES];
    struct slice found;
    key[0] = JOURNAL_TABLE;
    be_put(key + 1, (uint64_t)word->since_s, 8);
    for (uint32_t number = 0;; number++) {
        be_put(key + 9, number, 4);
        enum err err = kv_get(txn, slice_of(key, sizeof key), &found);
        if (err == ERR_NOTFOUND)
            break;
        if (err < 0)
            return err;
    }
    value[0] = (uint8_t)word->verb;
    size_t n = word_subject_encode(&word->subject, value + JOURNAL_HEAD);
    be_put(value + 1, n, 2);
    n += JOURNAL_HEAD;
    n += word_encode(word, value + n);
    (void)kv_put(txn, slice_of(key, sizeof key), slice_of(value, n));
    return ERR_OK;
}

static enum err
take_back(struct kv_txn *txn, const struct word *word, enum word_verb verb, unsigned *taken)
{
    struct word old = {.verb = verb, .subject = word->subject};
    uint8_t room[2 + WORD_SUBJECT_BYTES];
    struct slice key = word_key(&old, room), value;
    enum err err = kv_get(txn, key, &value);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    ++*taken;
    (void)kv_del(txn, key);
    return ERR_OK;
}

struct writing {
    const struct word *words;
    size_t count;
    unsigned taken;
};

static enum err
write_word(struct kv_txn *txn, const struct word *word, unsigned *taken)
{
    uint8_t room[2 + WORD_SUBJECT_BYTES], value[WORD_BYTES];
    bool undo = word->verb == WORD_UNDO;
    enum err err = ERR_OK;
    if (undo || word->verb == WORD_UNLIST)
        err = take_back(txn, word, WORD_BLOCK, taken);
    if (err == ERR_OK && undo)
        err = take_back(txn, word, WORD_ALLOW, taken);
    if (err == ERR_OK && undo)
        err = take_back(txn, word, WORD_UNLIST, taken);
    if (err < 0)
        return err;
    if (!undo)
        (void)kv_put(txn, word_key(word, room), slice_of(value, word_encode(word, value)));
    return put_journal(txn, word);
}

static enum err
write_each(struct kv_txn *txn, void *ctx)
{
    struct writing *writing = ctx;
    enum err err = ERR_OK;
    for (size_t i = 0; i < writing->count && err == ERR_OK; i++)
        err = write_word(txn, &writing->words[i], &writing->taken);
    return err;
}

enum err
words_write(const struct conf *conf, const struct word *words, size_t count, unsigned *taken,
    struct errmsg *msg)
{
    struct writing writing = {.words = words, .count = count};
    enum err err = write_store(conf, true, write_each, &writing, msg);
    *taken = writing.taken;
    return err;
}

/* -- deleting -- */

/* What goes: of words, those in the subject or over by now_s; of the journal, those in it. */
struct deleting {
    const struct word_subject *subject; /* NULL: by time alone */
    int64_t now_s;
    bool judged;
    unsigned words, journal;
};

static bool
goes(const struct deleting *deleting, const struct word *word)
{
    if (deleting->subject != NULL)
        return word_subject_covers(deleting->subject, &word->subject);
    if (word->expires_s == 0)
        return deleting->judged && word->verb == WORD_UNLIST;
    return word->expires_s <= deleting->now_s;
}

/* Nothing may be deleted below a cursor: it is opened anew for each. */
static enum err
delete_of(struct kv_txn *txn, const struct table *table, const struct deleting *deleting,
    unsigned *deleted)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    struct word word;
    uint8_t found[KV_KEY_MAX];
    for (size_t n;; ++*deleted) {
        enum err err = kv_cursor_open(txn, slice_of(&table->byte, 1), &cursor);
        if (err < 0)
            return err;
        n = 0;
        while (n == 0 && err == ERR_OK && (err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
            err = table->decode(key, value, &word);
            if (err == ERR_OK && goes(deleting, &word))
                memcpy(found, key.p, n = key.n);
        }
        kv_cursor_close(&cursor);
        if (n == 0)
            return err == ERR_NOTFOUND ? ERR_OK : err;
        (void)kv_del(txn, slice_of(found, n));
    }
}

static enum err
delete_all(struct kv_txn *txn, void *ctx)
{
    struct deleting *deleting = ctx;
    enum err err = delete_of(txn, &word_table, deleting, &deleting->words);
    if (err == ERR_OK && deleting->subject != NULL)
        err = delete_of(txn, &journal_table, deleting, &deleting->journal);
    return err;
}

enum err
words_expire(const struct conf *conf, int64_t now_s, bool judged, struct errmsg *msg)
{
    struct words words;
    struct deleting deleting = {.now_s = now_s, .judged = judged};
    bool any = false;
    enum err err = words_read(conf, 0, &words, msg);
    for (size_t i = 0; i < words.count; i++)
        any = any || goes(&deleting, &words.items[i]);
    words_free(&words);
    return err < 0 || !any ? err : write_store(conf, false, delete_all, &deleting, msg);
}

enum err
words_forget(const struct conf *conf, const struct word_subject *subject, unsigned *words,
    unsigned *journal, struct errmsg *msg)
{
    struct deleting deleting = {.subject = subject};
    enum err err = write_store(conf, false, delete_all, &deleting, msg);
    *words = deleting.words;
    *journal = deleting.journal;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
