/* Flattening IPv4 entries that all have one value, most of them single addresses; see listflat.h.
 * The few others are swept with the addresses inside them alone; their order means nothing then. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "loader/listflat.h"

enum { PIECE_BITS = 16, PIECES = 1 << PIECE_BITS };

struct mix {
    struct listflat_entry *entries; /* the others, then the addresses inside them */
    size_t count;
    struct listflat_entry *places; /* what the others cover, in order and apart */
    size_t place_count;
    bool *pieces; /* whether something of a /16 is covered */
};

static int
by_first(const void *a, const void *b)
{
    const struct listflat_entry *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

static enum err
find_places(struct mix *mix, const struct listflat_entry *others, size_t count)
{
    mix->places = calloc(count + 1, sizeof *mix->places);
    mix->pieces = calloc(PIECES, sizeof *mix->pieces);
    if (mix->places == NULL || mix->pieces == NULL)
        return ERR_NOMEM;
    memcpy(mix->places, others, count * sizeof *mix->places);
    qsort(mix->places, count, sizeof *mix->places, by_first);
    for (size_t i = 0; i < count; i++) {
        const struct listflat_entry *place = &mix->places[i];
        for (uint32_t piece = place->first >> PIECE_BITS; piece <= place->last >> PIECE_BITS;
             piece++)
            mix->pieces[piece] = true;
        struct listflat_entry *last = &mix->places[mix->place_count - 1];
        if (mix->place_count == 0 || place->first > last->last)
            mix->places[mix->place_count++] = *place;
        else if (place->last > last->last)
            last->last = place->last;
    }
    return ERR_OK;
}

static bool
is_inside(const struct mix *mix, uint32_t v4)
{
    size_t low = 0, high = mix->place_count;
    if (!mix->pieces[v4 >> PIECE_BITS])
        return false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mix->places[middle].last < v4)
            low = middle + 1;
        else
            high = middle;
    }
    return low < mix->place_count && mix->places[low].first <= v4;
}

/* Moves the addresses inside the places to the entries; *count becomes that of the rest. */
static enum err
take_inside(struct mix *mix, uint32_t *addrs, size_t *count, struct slice value,
    const struct listflat_entry *others, size_t other_count)
{
    size_t inside = 0, kept = 0;
    for (size_t i = 0; i < *count; i++)
        inside += is_inside(mix, addrs[i]);
    mix->entries = calloc(other_count + inside + 1, sizeof *mix->entries);
    if (mix->entries == NULL)
        return ERR_NOMEM;
    memcpy(mix->entries, others, other_count * sizeof *mix->entries);
    mix->count = other_count;
    for (size_t i = 0; i < *count; i++) {
        uint32_t v4 = addrs[i];
        if (is_inside(mix, v4))
            mix->entries[mix->count++] = (struct listflat_entry){v4, v4, value};
        else
            addrs[kept++] = v4;
    }
    *count = kept;
    return ERR_OK;
}

enum err
listflat_mixed(uint32_t **addrs, size_t count, struct slice value,
    const struct listflat_entry *others, size_t other_count, struct listflat_arena *arena,
    struct listflat_v4 *out)
{
    struct mix mix = {0};
    struct ipset_entry *swept = NULL;
    size_t swept_count;
    uint64_t dropped;
    *out = (struct listflat_v4){0};
    if (other_count == 0)
        return listflat_plain(addrs, count, value, out);
    enum err err = find_places(&mix, others, other_count);
    if (err == ERR_OK)
        err = take_inside(&mix, *addrs, &count, value, others, other_count);
    if (err == ERR_OK)
        err = listflat_plain(addrs, count, value, out);
    if (err == ERR_OK)
        err = listflat_ranges(mix.entries, mix.count, arena, &swept, &swept_count);
    if (err == ERR_OK)
        err = listflat_over(out, swept, swept_count, false, &dropped);
    free(swept);
    free(mix.entries);
    free(mix.places);
    free(mix.pieces);
    return err;
}
