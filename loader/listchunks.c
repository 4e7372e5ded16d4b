/* Chunks in lists.mdb; see listchunks.h. */
#include "loader/listchunks.h"

#include <stdlib.h>

#include "loader/liststore.h"

/* How far chunks are looked for beside where they were. */
enum { REACH = 64 };

/* Between the numbers of chunks of a source that is new. */
#define STEP (UINT64_C(1) << 32)

/* A chunk, here or there. Equal hashes say what it is, but not that it needs not be written. */
struct place {
    uint64_t number, hash;
};

struct plan {
    struct kv_txn *txn;
    uint16_t id;
    const struct list_pack *pack;
    const struct listfile *file;
    struct place *old, *new;
    size_t old_count, old_room, new_count;
    struct list_bytes bytes; /* of the chunk at work */
};

/* By words: every byte of a list comes by here. */
static uint64_t
hash_of(struct slice bytes)
{
    const uint8_t *p = bytes.p;
    uint64_t hash = bytes.n, word = 0;
    for (; bytes.n > 0; p += sizeof word) {
        size_t n = bytes.n < sizeof word ? bytes.n : sizeof word;
        word = 0;
        memcpy(&word, p, n);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
        bytes.n -= n;
    }
    return hash;
}

static enum err
add_old(struct plan *plan, struct slice key, struct slice value)
{
    if (plan->old_count == plan->old_room) {
        size_t room = plan->old_room * 2 + 64;
        struct place *grown = reallocarray(plan->old, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        plan->old = grown;
        plan->old_room = room;
    }
    struct place *old = &plan->old[plan->old_count++];
    old->hash = hash_of(value);
    return liststore_chunk_number(key, &old->number);
}

static enum err
read_old(struct plan *plan)
{
    struct liststore_key prefix;
    struct kv_cursor *cursor;
    struct slice key, value;
    liststore_key_entries(&prefix, plan->id);
    enum err err = kv_cursor_open(plan->txn, liststore_slice(&prefix), &cursor);
    if (err < 0)
        return err;
    while (err == ERR_OK && (err = kv_cursor_next(cursor, &key, &value)) == ERR_OK)
        err = add_old(plan, key, value);
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
encode(struct plan *plan, size_t i, struct slice *out)
{
    enum err err = listpack_encode(plan->pack, i, plan->file, &plan->bytes);
    *out = slice_of(plan->bytes.p, plan->bytes.n);
    return err;
}

/* Only where there is something to compare them with. */
static enum err
hash_new(struct plan *plan)
{
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && plan->old_count > 0 && i < plan->new_count; i++) {
        struct slice bytes;
        err = encode(plan, i, &bytes);
        plan->new[i].hash = hash_of(bytes);
    }
    return err;
}

static bool
is_same(const struct plan *plan, size_t old, size_t new)
{
    return old < plan->old_count && new < plan->new_count &&
           plan->old[old].hash == plan->new[new].hash;
}

/* From chunks that differ on to the nearest that are the same, or both by one. */
static void
skip(const struct plan *plan, size_t *old, size_t *new)
{
    for (size_t apart = 1; apart <= REACH; apart++)
        for (size_t i = 0; i <= apart; i++)
            if (is_same(plan, *old + i, *new + apart - i)) {
                *old += i;
                *new += apart - i;
                return;
            }
    ++*old;
    ++*new;
}

/* Numbers for the new chunks [from, to) between two that stay: those of the old ones there as far
 * as they go, else others between them. False: there is no room for so many. */
static bool
number_run(struct plan *plan, size_t from, size_t to, const struct place *old, size_t old_count,
    uint64_t next)
{
    uint64_t before = from == 0 ? 0 : plan->new[from - 1].number;
    size_t count = to - from;
    uint64_t step = next == UINT64_MAX ? STEP : (next - before) / (count + 1);
    for (size_t i = 0; i < count; i++)
        plan->new[from + i].number = count <= old_count ? old[i].number : before + step *(i + 1);
    return count <= old_count || step > 0;
}

/* The number of every new chunk; false: all are to be numbered anew. */
static bool
place_new(struct plan *plan)
{
    size_t old = 0, new = 0, old_from, new_from;
    bool good = true;
    while (good && new < plan->new_count) {
        if (is_same(plan, old, new)) {
            plan->new[new ++].number = plan->old[old++].number;
            continue;
        }
        old_from = old;
        new_from = new;
        while (new < plan->new_count && !is_same(plan, old, new))
            skip(plan, &old, &new);
        if (old > plan->old_count || new == plan->new_count)
            old = plan->old_count;
        if (old_from > old)
            old_from = old;
        good = number_run(plan, new_from, new, plan->old + old_from, old - old_from,
            old < plan->old_count ? plan->old[old].number : UINT64_MAX);
    }
    return good;
}

static void
number_all(struct plan *plan)
{
    for (size_t i = 0; i < plan->new_count; i++)
        plan->new[i].number = STEP *(i + 1);
}

/* Deletes what has no new chunk of its number. Both are in the order of their numbers. */
static enum err
delete_old(struct plan *plan)
{
    enum err err = ERR_OK;
    for (size_t i = 0, k = 0; err == ERR_OK && i < plan->old_count; i++) {
        struct liststore_key key;
        while (k < plan->new_count && plan->new[k].number < plan->old[i].number)
            k++;
        if (k < plan->new_count && plan->new[k].number == plan->old[i].number)
            continue;
        liststore_key_chunk(&key, plan->id, plan->old[i].number);
        err = kv_del(plan->txn, liststore_slice(&key));
    }
    return err;
}

static enum err
put_new(struct plan *plan, bool *refused)
{
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < plan->new_count; i++) {
        struct liststore_key key;
        struct slice bytes, stored;
        liststore_key_chunk(&key, plan->id, plan->new[i].number);
        err = encode(plan, i, &bytes);
        if (err == ERR_OK && plan->old_count > 0 &&
            kv_get(plan->txn, liststore_slice(&key), &stored) == ERR_OK &&
            slice_cmp(stored, bytes) == 0)
            continue;
        if (err == ERR_OK) {
            err = kv_put(plan->txn, liststore_slice(&key), bytes);
            *refused = err < 0;
        }
    }
    return err;
}

enum err
listchunks_write(struct kv_txn *txn, uint16_t id, const struct list_pack *pack,
    const struct listfile *file, bool *refused)
{
    struct plan plan = {
        .txn = txn, .id = id, .pack = pack, .file = file, .new_count = pack->chunk_count};
    plan.new = calloc(plan.new_count + 1, sizeof *plan.new);
    enum err err = plan.new == NULL ? ERR_NOMEM : read_old(&plan);
    if (err == ERR_OK)
        err = hash_new(&plan);
    if (err == ERR_OK && !place_new(&plan))
        number_all(&plan);
    if (err == ERR_OK) {
        err = delete_old(&plan);
        *refused = err < 0;
    }
    if (err == ERR_OK)
        err = put_new(&plan, refused);
    listbytes_free(&plan.bytes);
    free(plan.old);
    free(plan.new);
    return err;
}
