/* Flattening an ip4set; see listflat.h. */
#include "loader/listflat.h"

#include <stdbool.h>
#include <stdlib.h>

#include "zones/verdict.h"

enum { LEVELS = 4, CHUNK = 1 << 18, ELEMENT_MAX = 6 + VALUE_TXT_MAX };

struct listflat_chunk {
    struct listflat_chunk *next;
    size_t n, size;
    uint8_t bytes[];
};

void
listflat_free(struct listflat_arena *arena)
{
    while (arena->chunks != NULL) {
        struct listflat_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
}

struct slice
listflat_keep(struct listflat_arena *arena, struct slice bytes)
{
    struct listflat_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->n < bytes.n) {
        size_t size = bytes.n > CHUNK ? bytes.n : CHUNK;
        chunk = malloc(sizeof *chunk + size);
        if (chunk == NULL)
            return slice_of(NULL, 0);
        *chunk = (struct listflat_chunk){.next = arena->chunks, .size = size};
        arena->chunks = chunk;
    }
    uint8_t *at = chunk->bytes + chunk->n;
    if (bytes.n > 0)
        memcpy(at, bytes.p, bytes.n);
    chunk->n += bytes.n;
    return slice_of(at, bytes.n);
}

enum err
listflat_join(
    struct listflat_arena *arena, const struct slice *values, size_t count, struct slice *out)
{
    struct slice different[LISTFLAT_VALUES_MAX];
    uint8_t joined[LISTFLAT_VALUES_MAX * ELEMENT_MAX];
    size_t n = 0, size = 0;
    for (size_t i = 0; i < count && n < LISTFLAT_VALUES_MAX; i++) {
        size_t k = 0;
        while (k < n && slice_cmp(different[k], values[i]) != 0)
            k++;
        if (k == n && values[i].n <= sizeof joined - size) {
            memcpy(joined + size, values[i].p, values[i].n);
            size += values[i].n;
            different[n++] = values[i];
        }
    }
    *out = n == 1 ? different[0] : listflat_keep(arena, slice_of(joined, size));
    return out->p == NULL ? ERR_NOMEM : ERR_OK;
}

/* A part of an entry on one level. Entries are cut into at most seven of them. */
struct run {
    uint32_t first, last;
    uint32_t entry;
    uint32_t level; /* 0 is /32, 3 is /8 */
};

/* Runs that cover the present address, by entry. */
struct active {
    struct run *runs;
    size_t count, room;
    uint32_t first_end; /* no run ends before */
};

struct sweep {
    const struct listflat_entry *entries;
    struct listflat_arena *arena;
    struct run *runs;
    size_t run_count, run_room;
    uint64_t *borders; /* 64 bits: the one after the last address is 2^32 */
    size_t border_count;
    struct active active[LEVELS];
    struct slice *values; /* of one stretch */
    size_t value_room;
    struct ipset_entry *out;
    size_t out_count, out_room;
};

/* Room for one more item of size bytes. */
static enum err
grow(void *items, size_t count, size_t *room, size_t size)
{
    void *now, *grown;
    if (count < *room)
        return ERR_OK;
    size_t more = *room == 0 ? 64 : *room * 2;
    memcpy(&now, items, sizeof now);
    grown = reallocarray(now, more, size);
    if (grown == NULL)
        return ERR_NOMEM;
    memcpy(items, &grown, sizeof grown);
    *room = more;
    return ERR_OK;
}

static enum err
add_run(struct sweep *sweep, uint64_t first, uint64_t last, uint32_t level, size_t entry)
{
    enum err err = grow(&sweep->runs, sweep->run_count, &sweep->run_room, sizeof *sweep->runs);
    if (err < 0)
        return err;
    unsigned bits = 8 * level;
    sweep->runs[sweep->run_count++] = (struct run){.first = (uint32_t)(first << bits),
        .last = (uint32_t)(((last + 1) << bits) - 1),
        .entry = (uint32_t)entry,
        .level = level};
    return ERR_OK;
}

/* As rbldnsd: what does not fill a unit of the next level stays on this one, at both ends. */
static enum err
cut_entry(struct sweep *sweep, size_t entry)
{
    uint64_t first = sweep->entries[entry].first, end = sweep->entries[entry].last + UINT64_C(1);
    enum err err = ERR_OK;
    for (uint32_t level = 0; level < LEVELS - 1 && first < end; level++) {
        uint64_t up = (first + 255) / 256, down = end / 256;
        if (up >= down) { /* not even one whole unit */
            return add_run(sweep, first, end - 1, level, entry);
        }
        if (first < up * 256)
            err = add_run(sweep, first, up * 256 - 1, level, entry);
        if (err == ERR_OK && down * 256 < end)
            err = add_run(sweep, down * 256, end - 1, level, entry);
        if (err < 0)
            return err;
        first = up;
        end = down;
    }
    return add_run(sweep, first, end - 1, LEVELS - 1, entry);
}

static int
by_first(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

static int
by_number(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Where the set of covering runs can change, each place once. */
static enum err
find_borders(struct sweep *sweep)
{
    size_t n = 0;
    sweep->borders = calloc(2 * sweep->run_count + 1, sizeof *sweep->borders);
    if (sweep->borders == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < sweep->run_count; i++) {
        sweep->borders[n++] = sweep->runs[i].first;
        sweep->borders[n++] = sweep->runs[i].last + UINT64_C(1);
    }
    qsort(sweep->borders, n, sizeof *sweep->borders, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || sweep->borders[i] != sweep->borders[sweep->border_count - 1])
            sweep->borders[sweep->border_count++] = sweep->borders[i];
    return ERR_OK;
}

static enum err
begin_run(struct active *active, const struct run *run)
{
    enum err err = grow(&active->runs, active->count, &active->room, sizeof *active->runs);
    if (err < 0)
        return err;
    size_t at = active->count++;
    for (; at > 0 && active->runs[at - 1].entry > run->entry; at--)
        active->runs[at] = active->runs[at - 1];
    active->runs[at] = *run;
    if (active->count == 1 || run->last < active->first_end)
        active->first_end = run->last;
    return ERR_OK;
}

static void
end_runs(struct active *active, uint64_t at)
{
    size_t kept = 0;
    if (active->count == 0 || active->first_end >= at)
        return;
    active->first_end = UINT32_MAX;
    for (size_t i = 0; i < active->count; i++) {
        if (active->runs[i].last < at)
            continue;
        if (active->runs[i].last < active->first_end)
            active->first_end = active->runs[i].last;
        active->runs[kept++] = active->runs[i];
    }
    active->count = kept;
}

/* The value of the stretch that begins now; empty if it is not listed. */
static enum err
value_now(struct sweep *sweep, struct slice *out)
{
    const struct active *active = sweep->active;
    *out = slice_of(NULL, 0);
    while (active < sweep->active + LEVELS && active->count == 0)
        active++;
    if (active == sweep->active + LEVELS)
        return ERR_OK;
    while (sweep->value_room < active->count) {
        enum err err =
            grow(&sweep->values, sweep->value_room, &sweep->value_room, sizeof *sweep->values);
        if (err < 0)
            return err;
    }
    for (size_t i = 0; i < active->count; i++) {
        sweep->values[i] = sweep->entries[active->runs[i].entry].value;
        if (sweep->values[i].n == 0)
            return ERR_OK;
    }
    return listflat_join(sweep->arena, sweep->values, active->count, out);
}

static enum err
add_range(struct sweep *sweep, uint64_t first, uint64_t last, struct slice value)
{
    const struct range range = {ip_from_v4((uint32_t)first), ip_from_v4((uint32_t)last)};
    struct ipset_entry *before = sweep->out_count == 0 ? NULL : &sweep->out[sweep->out_count - 1];
    if (before != NULL && ip_v4(&before->range.last) + UINT64_C(1) == first &&
        slice_cmp(before->value, value) == 0) {
        before->range.last = range.last;
        return ERR_OK;
    }
    enum err err = grow(&sweep->out, sweep->out_count, &sweep->out_room, sizeof *sweep->out);
    if (err == ERR_OK)
        sweep->out[sweep->out_count++] = (struct ipset_entry){range, value};
    return err;
}

static enum err
sweep_over(struct sweep *sweep)
{
    enum err err = ERR_OK;
    size_t next = 0;
    for (size_t i = 0; err == ERR_OK && i + 1 < sweep->border_count; i++) {
        struct slice value;
        uint64_t at = sweep->borders[i];
        for (unsigned level = 0; level < LEVELS; level++)
            end_runs(&sweep->active[level], at);
        for (; err == ERR_OK && next < sweep->run_count && sweep->runs[next].first == at; next++)
            err = begin_run(&sweep->active[sweep->runs[next].level], &sweep->runs[next]);
        if (err == ERR_OK)
            err = value_now(sweep, &value);
        if (err == ERR_OK && value.n > 0)
            err = add_range(sweep, at, sweep->borders[i + 1] - 1, value);
    }
    return err;
}

enum err
listflat_ranges(const struct listflat_entry *entries, size_t count, struct listflat_arena *arena,
    struct ipset_entry **out, size_t *out_count)
{
    struct sweep sweep = {.entries = entries, .arena = arena};
    enum err err = count > UINT32_MAX ? ERR_RANGE : ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = cut_entry(&sweep, i);
    if (err == ERR_OK && sweep.run_count > 0) {
        qsort(sweep.runs, sweep.run_count, sizeof *sweep.runs, by_first);
        err = find_borders(&sweep);
    }
    if (err == ERR_OK)
        err = sweep_over(&sweep);
    for (unsigned level = 0; level < LEVELS; level++)
        free(sweep.active[level].runs);
    free(sweep.runs);
    free(sweep.borders);
    free(sweep.values);
    if (err < 0) {
        free(sweep.out);
        sweep.out = NULL;
        sweep.out_count = 0;
    }
    *out = sweep.out;
    *out_count = sweep.out_count;
    return err;
}

size_t
listflat_find(const struct ipset_entry *entries, size_t count, const struct ip *ip)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ip_cmp(&entries[middle].range.last, ip) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
