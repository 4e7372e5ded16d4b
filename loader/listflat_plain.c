/* Flattening single IPv4 addresses that all have one value; see listflat.h. */
#include <stdbool.h>
#include <stdlib.h>

#include "loader/listflat.h"

/* Three digits of a number of 32 bits. */
enum { DIGITS = 3, DIGIT_BITS = 11, DIGIT_VALUES = 1 << DIGIT_BITS };

void
listflat_free_v4(struct listflat_v4 *flat)
{
    free(flat->first);
    free(flat->last);
    *flat = (struct listflat_v4){0};
}

static unsigned
digit(uint32_t n, unsigned i)
{
    return n >> DIGIT_BITS * i & (DIGIT_VALUES - 1);
}

/* Where the numbers with each value of a digit begin, in their order. */
struct digits {
    size_t at[DIGITS][DIGIT_VALUES];
};

static void
count_digits(const uint32_t *numbers, size_t count, struct digits *out)
{
    for (size_t k = 0; k < count; k++)
        for (unsigned i = 0; i < DIGITS; i++)
            out->at[i][digit(numbers[k], i)]++;
    for (unsigned i = 0; i < DIGITS; i++) {
        size_t sum = 0;
        for (unsigned value = 0; value < DIGIT_VALUES; value++) {
            size_t n = out->at[i][value];
            out->at[i][value] = sum;
            sum += n;
        }
    }
}

/* By one digit after the other, from the lowest. Swaps the two arrays as often. */
static bool
sort(uint32_t **numbers, uint32_t **other, size_t count)
{
    struct digits *digits = calloc(1, sizeof *digits);
    if (digits == NULL)
        return false;
    count_digits(*numbers, count, digits);
    for (unsigned i = 0; i < DIGITS; i++) {
        const uint32_t *from = *numbers;
        uint32_t *to = *other;
        for (size_t k = 0; k < count; k++)
            to[digits->at[i][digit(from[k], i)]++] = from[k];
        *other = *numbers;
        *numbers = to;
    }
    free(digits);
    return true;
}

static bool
is_sorted(const uint32_t *numbers, size_t count)
{
    for (size_t k = 1; k < count; k++)
        if (numbers[k - 1] > numbers[k])
            return false;
    return true;
}

enum err
listflat_plain(uint32_t **addrs, size_t count, struct slice value, struct listflat_v4 *out)
{
    uint32_t *first = *addrs, *last = calloc(count + 1, sizeof *last);
    size_t n = 0;
    bool good = last != NULL && (is_sorted(first, count) || sort(&first, &last, count));
    *addrs = NULL;
    *out = (struct listflat_v4){.first = first, .last = last};
    if (!good)
        return ERR_NOMEM;
    for (size_t k = 0; k < count; k++) {
        uint32_t at = first[k];
        if (n > 0 && at - last[n - 1] <= 1) {
            last[n - 1] = at;
            continue;
        }
        first[n] = last[n] = at;
        n++;
    }
    out->ranges = (struct ipset_v4){first, last, n, value};
    return ERR_OK;
}

/* There is room; what touches the range before is one with it. */
static void
put_range(struct listflat_v4 *out, uint64_t first, uint64_t last)
{
    size_t n = out->ranges.count;
    if (n > 0 && out->last[n - 1] + UINT64_C(1) == first) {
        out->last[n - 1] = (uint32_t)last;
        return;
    }
    out->first[n] = (uint32_t)first;
    out->last[n] = (uint32_t)last;
    out->ranges.count++;
}

/* Gives upper ranges out that end before at. */
static size_t
pass_upper(struct listflat_v4 *out, const struct ipset_entry *upper, size_t i, size_t count,
    bool cut, uint64_t at)
{
    for (; i < count && ip_v4(&upper[i].range.last) < at; i++)
        if (!cut)
            put_range(out, ip_v4(&upper[i].range.first), ip_v4(&upper[i].range.last));
    return i;
}

enum err
listflat_over(struct listflat_v4 *flat, const struct ipset_entry *upper, size_t count, bool cut,
    uint64_t *dropped)
{
    size_t room = flat->ranges.count + 2 * count + 1, i = 0;
    struct listflat_v4 out = {.first = calloc(room, sizeof *out.first),
        .last = calloc(room, sizeof *out.last),
        .ranges = {.value = flat->ranges.value}};
    *dropped = 0;
    if (out.first == NULL || out.last == NULL) {
        listflat_free_v4(&out);
        return ERR_NOMEM;
    }
    for (size_t k = 0; k < flat->ranges.count; k++) {
        uint64_t from = flat->first[k], last = flat->last[k];
        bool left = false;
        i = pass_upper(&out, upper, i, count, cut, from);
        while (i < count && from <= last && ip_v4(&upper[i].range.first) <= last) {
            uint64_t begin = ip_v4(&upper[i].range.first);
            if (from < begin)
                put_range(&out, from, begin - 1);
            left = left || from < begin;
            from = ip_v4(&upper[i].range.last) + UINT64_C(1);
            i = pass_upper(&out, upper, i, count, cut, from <= last ? from : last);
        }
        if (from <= last)
            put_range(&out, from, last);
        *dropped += from > last && !left;
    }
    (void)pass_upper(&out, upper, i, count, cut, UINT64_MAX);
    listflat_free_v4(flat);
    *flat = out;
    flat->ranges.first = flat->first;
    flat->ranges.last = flat->last;
    return ERR_OK;
}

struct ipset_entry *
listflat_unpack(const struct ipset_v4 *ranges)
{
    struct ipset_entry *out = calloc(ranges->count + 1, sizeof *out);
    for (size_t i = 0; out != NULL && i < ranges->count; i++)
        out[i] = (struct ipset_entry){
            {ip_from_v4(ranges->first[i]), ip_from_v4(ranges->last[i])}, ranges->value};
    return out;
}
