/* Counting a list's entries; see listcount.h. */
#include "loader/listcount.h"

#include <inttypes.h>
#include <stdio.h>

enum { STEP_BITS = 8 };

/* Whole blocks of 2^bits from *first on, at most to end; *first moves behind them. */
static uint64_t
take(uint64_t *first, uint64_t end, unsigned bits)
{
    uint64_t n = end > *first ? (end - *first) >> bits : 0;
    *first += n << bits;
    return n;
}

/* Small blocks up to the border of a larger one, and down again. */
static void
add_range(struct list_counts *counts, uint64_t first, uint64_t end)
{
    for (unsigned i = 0; i < LISTCOUNT_SORTS; i++) {
        uint64_t size = UINT64_C(1) << STEP_BITS * (i + 1);
        uint64_t border = i == LISTCOUNT_SORTS - 1 ? end : (first + size - 1) & ~(size - 1);
        counts->of[i] += take(&first, border < end ? border : end, STEP_BITS * i);
    }
    for (unsigned i = LISTCOUNT_SORTS - 1; i-- > 0;)
        counts->of[i] += take(&first, end, STEP_BITS * i);
}

void
listcount_add(struct list_counts *counts, enum list_type type, const struct listfile_entry *entry)
{
    switch (list_type_info(type)->overlaps) {
    case LIST_OVERLAPS_LEVELS:
        add_range(counts, ip_v4(&entry->range.first), (uint64_t)ip_v4(&entry->range.last) + 1);
        return;
    case LIST_OVERLAPS_NAMES:
        counts->of[0] += entry->exact;
        counts->of[1] += entry->wild;
        return;
    default:
        counts->of[0]++;
        return;
    }
}

void
listcount_format(const struct list_counts *counts, enum list_type type, char *out, size_t size)
{
    const struct list_type_info *info = list_type_info(type);
    const uint64_t *of = counts->of;
    if (info->overlaps == LIST_OVERLAPS_LEVELS)
        (void)snprintf(out, size, "e32/24/16/8=%" PRIu64 "/%" PRIu64 "/%" PRIu64 "/%" PRIu64, of[0],
            of[1], of[2], of[3]);
    else if (info->overlaps == LIST_OVERLAPS_NAMES)
        (void)snprintf(out, size, "e/w=%" PRIu64 "/%" PRIu64, of[0], of[1]);
    else if (info->holds == LIST_HOLDS_PARTS)
        (void)snprintf(out, size, "subzones=%" PRIu64 " datasets=%" PRIu64, of[LISTCOUNT_ZONES],
            of[LISTCOUNT_SECTIONS]);
    else if (info->holds == LIST_HOLDS_RECORDS)
        (void)snprintf(out, size, "e=%" PRIu64, of[0]);
    else if (info->holds == LIST_HOLDS_CLIENTS)
        (void)snprintf(out, size, "loaded");
    else
        (void)snprintf(
            out, size, "%s=%" PRIu64, info->values == LIST_VALUES_ONE ? "cnt" : "ents", of[0]);
}
