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
    free(flat->number);
    free(flat->values);
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

/* Numbers with, unless value is NULL, a byte each, and room for as many. */
struct sorting {
    uint32_t *numbers, *other;
    uint8_t *value, *other_value;
};

/* By one digit after the other, from the lowest. Swaps the arrays as often. Equal ones stay in
 * their order. */
static bool
sort(struct sorting *sorting, size_t count)
{
    struct digits *digits = calloc(1, sizeof *digits);
    if (digits == NULL)
        return false;
    count_digits(sorting->numbers, count, digits);
    for (unsigned i = 0; i < DIGITS; i++) {
        const struct sorting by = *sorting;
        for (size_t k = 0; k < count; k++) {
            size_t at = digits->at[i][digit(by.numbers[k], i)]++;
            by.other[at] = by.numbers[k];
            if (by.value != NULL)
                by.other_value[at] = by.value[k];
        }
        *sorting = (struct sorting){by.other, by.numbers, by.other_value, by.value};
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
    struct sorting sorting = {.numbers = *addrs, .other = calloc(count + 1, sizeof *sorting.other)};
    size_t n = 0;
    bool good =
        sorting.other != NULL && (is_sorted(sorting.numbers, count) || sort(&sorting, count));
    uint32_t *first = sorting.numbers, *last = sorting.other;
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
    out->ranges = (struct ipset_v4){.first = first, .last = last, .count = n, .value = value};
    return ERR_OK;
}

/* What all lines of one address come to, [from, to) in file order. */
static enum err
join_numbers(
    struct listflat_v4 *out, struct listflat_arena *arena, size_t from, size_t to, uint8_t *number)
{
    struct slice values[LISTFLAT_VALUES_MAX], joined;
    size_t n = 0;
    bool differ = false;
    for (size_t i = from + 1; i < to; i++)
        differ = differ || out->number[i] != out->number[from];
    *number = out->number[from];
    if (!differ)
        return ERR_OK;
    for (size_t i = from; i < to; i++) {
        struct slice value = out->values->items[out->number[i]];
        size_t k = 0;
        while (k < n && slice_cmp(values[k], value) != 0)
            k++;
        if (k == n && n < LISTFLAT_VALUES_MAX)
            values[n++] = value;
    }
    enum err err = listflat_join(arena, values, n, &joined);
    return err == ERR_OK ? listflat_number(out->values, joined, number) : err;
}

enum err
listflat_numbered(uint32_t **addrs, uint8_t **numbers, struct listflat_values **values,
    size_t count, struct listflat_arena *arena, struct listflat_v4 *out)
{
    struct sorting sorting = {*addrs, calloc(count + 1, sizeof *sorting.other), *numbers,
        calloc(count + 1, sizeof *sorting.other_value)};
    bool good = sorting.other != NULL && sorting.other_value != NULL &&
                (is_sorted(sorting.numbers, count) || sort(&sorting, count));
    size_t n = 0;
    *out = (struct listflat_v4){.first = sorting.numbers,
        .last = sorting.other,
        .number = sorting.value,
        .values = *values};
    *addrs = NULL;
    *numbers = NULL;
    *values = NULL;
    free(sorting.other_value);
    enum err err = good ? ERR_OK : ERR_NOMEM;
    for (size_t k = 0, end; err != ERR_NOMEM && k < count; k = end) {
        uint32_t at = out->first[k];
        uint8_t number = out->number[k];
        for (end = k + 1; err == ERR_OK && end < count && out->first[end] == at;)
            end++;
        if (err == ERR_OK)
            err = join_numbers(out, arena, k, end, &number);
        if (err == ERR_RANGE)
            end = k + 1; /* this line and the rest are left as they are */
        if (err == ERR_OK && n > 0 && at - out->last[n - 1] == 1 && out->number[n - 1] == number) {
            out->last[n - 1] = at;
            continue;
        }
        out->first[n] = out->last[n] = at;
        out->number[n++] = number;
    }
    out->ranges = (struct ipset_v4){.first = out->first,
        .last = out->last,
        .count = n,
        .number = out->number,
        .values = out->values->items,
        .value_count = out->values->count};
    return err;
}
