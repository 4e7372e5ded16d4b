/* The table of keys' counts; see quota.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "server/quota.h"
#include "zones/log.h"

enum { SLOTS_SIZE = KEYS_MAX * sizeof(struct quota_slot) };

static const struct {
    const char *name, *help;
} counts[KEY_COUNTS] = {[KEY_ANSWERED] = {"answered", "queries with the key, within its quotas"},
    [KEY_OVER_SECOND] = {"over_second", "queries over the quota per second"},
    [KEY_OVER_DAY] = {"over_day", "queries over the quota per day"}};

enum err
quota_table_map(struct quota_table *out, struct errmsg *msg)
{
    *out = (struct quota_table){0};
    out->ids = calloc(KEYS_MAX, sizeof *out->ids);
    void *memory =
        mmap(NULL, SLOTS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    out->slots = memory == MAP_FAILED ? NULL : memory;
    if (out->slots != NULL && out->ids != NULL)
        return ERR_OK;
    quota_table_unmap(out);
    return errmsg_set(msg, ERR_NOMEM, "no shared memory for the keys' quotas: %s", strerror(errno));
}

void
quota_table_unmap(struct quota_table *table)
{
    if (table->slots != NULL)
        (void)munmap(table->slots, SLOTS_SIZE);
    free(table->ids);
    *table = (struct quota_table){0};
}

/* Of ids in their slots' order, sorted by text. */
struct index {
    const char *id;
    unsigned slot;
};

static int
by_id(const void *a, const void *b)
{
    const struct index *x = a, *y = b;
    return strcmp(x->id, y->id);
}

enum err
quota_table_adopt(struct quota_table *table, struct keyring *ring, struct errmsg *msg)
{
    const unsigned known = table->count;
    struct index *index = calloc(known + 1U, sizeof *index);
    if (index == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < known; i++)
        index[i] = (struct index){table->ids[i], i};
    qsort(index, known, sizeof *index, by_id);
    enum err err = ERR_OK;
    for (unsigned i = 0; i < ring->count && err == ERR_OK; i++) {
        struct key *key = &ring->keys[i];
        const struct index wanted = {.id = key->id};
        const struct index *found = bsearch(&wanted, index, known, sizeof *index, by_id);
        key->slot = found != NULL ? found->slot : table->count;
        if (key->slot == KEYS_MAX)
            err = errmsg_set(msg, ERR_FULL,
                "more than %d ids of keys since the start; restart repdnsd for more", KEYS_MAX);
        else if (found == NULL)
            memcpy(table->ids[table->count++], key->id, sizeof key->id);
    }
    free(index);
    return err;
}

static unsigned long long
count_of(const struct quota_table *table, unsigned slot, enum key_count count)
{
    return atomic_load_explicit(&table->slots[slot].counts[count], memory_order_relaxed);
}

void
quota_table_log(const struct quota_table *table, int64_t now_s)
{
    for (unsigned i = 0; i < table->count; i++)
        log_line(LOG_LEVEL_INFO, "key %s: answered=%llu over-second=%llu over-day=%llu today=%llu",
            table->ids[i], count_of(table, i, KEY_ANSWERED), count_of(table, i, KEY_OVER_SECOND),
            count_of(table, i, KEY_OVER_DAY),
            (unsigned long long)quota_day_used(&table->slots[i], now_s));
}

void
quota_table_print_prometheus(const struct quota_table *table, FILE *out)
{
    for (unsigned k = 0; k < KEY_COUNTS && table->count > 0; k++) {
        (void)fprintf(out, "# HELP repdnsd_key_%s_total %s\n# TYPE repdnsd_key_%s_total counter\n",
            counts[k].name, counts[k].help, counts[k].name);
        for (unsigned i = 0; i < table->count; i++)
            (void)fprintf(out, "repdnsd_key_%s_total{key=\"%s\"} %llu\n", counts[k].name,
                table->ids[i], count_of(table, i, (enum key_count)k));
    }
}
