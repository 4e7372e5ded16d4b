/* Packed IPv4 ranges under others; see listflat.h. */
#include <stdlib.h>
#include <string.h>

#include "loader/listflat.h"
#include "zones/fnv.h"

enum err
listflat_number(struct listflat_values *values, struct slice value, uint8_t *out)
{
    size_t slot = fnv_add(FNV_START, value.p, value.n) % LISTFLAT_NUMBER_SLOTS;
    while (
        values->slots[slot] != 0 && slice_cmp(values->items[values->slots[slot] - 1], value) != 0)
        slot = (slot + 1) % LISTFLAT_NUMBER_SLOTS;
    if (values->slots[slot] == 0) {
        if (values->count == IPSET_VALUES_MAX)
            return ERR_RANGE;
        values->items[values->count++] = value;
        values->slots[slot] = (uint16_t)values->count;
    }
    *out = (uint8_t)(values->slots[slot] - 1);
    return ERR_OK;
}

/* One call of listflat_over. */
struct over {
    struct listflat_v4 out;
    const struct ipset_entry *upper;
    const uint8_t *upper_number; /* NULL: all have the one value, or are cut out */
    size_t at, count;            /* the next of the upper ones, and how many there are */
    bool cut;
};

/* There is room; what touches the range before and has the same value is one with it. */
static void
put_range(struct listflat_v4 *out, uint64_t first, uint64_t last, uint8_t number)
{
    size_t n = out->ranges.count;
    if (n > 0 && out->last[n - 1] + UINT64_C(1) == first &&
        (out->number == NULL || out->number[n - 1] == number)) {
        out->last[n - 1] = (uint32_t)last;
        return;
    }
    out->first[n] = (uint32_t)first;
    out->last[n] = (uint32_t)last;
    if (out->number != NULL)
        out->number[n] = number;
    out->ranges.count++;
}

/* Gives upper ranges out that end before at. */
static void
pass_upper(struct over *over, uint64_t at)
{
    for (; over->at < over->count && ip_v4(&over->upper[over->at].range.last) < at; over->at++)
        if (!over->cut)
            put_range(&over->out, ip_v4(&over->upper[over->at].range.first),
                ip_v4(&over->upper[over->at].range.last),
                over->upper_number != NULL ? over->upper_number[over->at] : 0);
}

/* What is left of one range of the lower layer; false: nothing. */
static bool
pass_lower(struct over *over, uint64_t from, uint64_t last, uint8_t number)
{
    bool left = false;
    pass_upper(over, from);
    while (over->at < over->count && from <= last &&
           ip_v4(&over->upper[over->at].range.first) <= last) {
        uint64_t begin = ip_v4(&over->upper[over->at].range.first);
        if (from < begin)
            put_range(&over->out, from, begin - 1, number);
        left = left || from < begin;
        from = ip_v4(&over->upper[over->at].range.last) + UINT64_C(1);
        pass_upper(over, from <= last ? from : last);
    }
    if (from <= last)
        put_range(&over->out, from, last, number);
    return left || from <= last;
}

/* The values of both layers with numbers, where there is more than one. */
static enum err
number_upper(const struct listflat_v4 *flat, struct over *over, uint8_t *numbers)
{
    struct listflat_values *values = calloc(1, sizeof *values);
    uint8_t number;
    enum err err = ERR_OK;
    over->out.values = values;
    if (values == NULL)
        return ERR_NOMEM;
    if (flat->values != NULL)
        *values = *flat->values;
    else
        err = listflat_number(values, flat->ranges.value, &number);
    for (size_t i = 0; err == ERR_OK && !over->cut && i < over->count; i++)
        err = listflat_number(values, over->upper[i].value, &numbers[i]);
    over->upper_number = numbers;
    return err;
}

static void
set_ranges(const struct listflat_v4 *lower, struct listflat_v4 *out)
{
    out->ranges.first = out->first;
    out->ranges.last = out->last;
    out->ranges.value = lower->ranges.value;
    out->ranges.number = out->number;
    if (out->number != NULL) {
        out->ranges.values = out->values->items;
        out->ranges.value_count = out->values->count;
    }
}

static enum err
lay_over(struct listflat_v4 *flat, struct over *over, uint8_t *numbers, uint64_t *dropped)
{
    size_t room = flat->ranges.count + 2 * over->count + 1;
    struct listflat_v4 *out = &over->out;
    enum err err = number_upper(flat, over, numbers);
    if (err < 0)
        return err;
    out->first = calloc(room, sizeof *out->first);
    out->last = calloc(room, sizeof *out->last);
    if (out->values->count > 1)
        out->number = calloc(room, sizeof *out->number);
    if (out->first == NULL || out->last == NULL || (out->values->count > 1 && out->number == NULL))
        return ERR_NOMEM;
    for (size_t k = 0; k < flat->ranges.count; k++)
        *dropped += !pass_lower(
            over, flat->first[k], flat->last[k], flat->number != NULL ? flat->number[k] : 0);
    pass_upper(over, UINT64_MAX);
    return ERR_OK;
}

enum err
listflat_over(struct listflat_v4 *flat, const struct ipset_entry *upper, size_t count, bool cut,
    uint64_t *dropped)
{
    struct over over = {.upper = upper, .count = count, .cut = cut};
    uint8_t *numbers = calloc(count + 1, sizeof *numbers);
    *dropped = 0;
    enum err err = numbers == NULL ? ERR_NOMEM : lay_over(flat, &over, numbers, dropped);
    free(numbers);
    if (err < 0) {
        listflat_free_v4(&over.out);
        return err;
    }
    set_ranges(flat, &over.out);
    listflat_free_v4(flat);
    *flat = over.out;
    return ERR_OK;
}

struct ipset_entry *
listflat_unpack(const struct ipset_v4 *ranges)
{
    struct ipset_entry *out = calloc(ranges->count + 1, sizeof *out);
    for (size_t i = 0; out != NULL && i < ranges->count; i++)
        out[i] = (struct ipset_entry){
            {ip_from_v4(ranges->first[i]), ip_from_v4(ranges->last[i])}, ipset_v4_value(ranges, i)};
    return out;
}
