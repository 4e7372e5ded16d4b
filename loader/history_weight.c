/* Weights that fade. See history.h. */
#include <math.h>

#include "loader/history.h"

enum { DAY_S = 86400 };

int32_t
hist_day(int64_t when_s)
{
    int64_t day = when_s >= 0 ? when_s / DAY_S : (when_s + 1) / DAY_S - 1;

    return day < INT32_MIN ? INT32_MIN : day > INT32_MAX ? INT32_MAX : (int32_t)day;
}

static uint32_t
faded(uint32_t weight, int64_t days, uint32_t half_life_days)
{
    return (uint32_t)((double)weight * exp2(-(double)days / (double)half_life_days));
}

uint32_t
hist_weight_on(const struct hist_weight *weight, int32_t day, uint32_t half_life_days)
{
    int64_t days = (int64_t)day - weight->day;

    return days <= 0 ? weight->weight : faded(weight->weight, days, half_life_days);
}

void
hist_weight_add(struct hist_weight *weight, int32_t day, uint32_t units, uint32_t half_life_days)
{
    uint64_t add = (uint64_t)units * HIST_UNIT;

    if (add > UINT32_MAX)
        add = UINT32_MAX;
    if (weight->weight == 0 || day >= weight->day) {
        weight->weight = hist_weight_on(weight, day, half_life_days);
        weight->day = day;
    } else {
        add = faded((uint32_t)add, (int64_t)weight->day - day, half_life_days);
    }
    add += weight->weight;
    weight->weight = add > UINT32_MAX ? UINT32_MAX : (uint32_t)add;
}

void
hist_weight_take(struct hist_weight *weight, int32_t day, uint32_t units, uint32_t half_life_days)
{
    struct hist_weight added = {.day = day};

    hist_weight_add(&added, day, units, half_life_days);
    uint32_t take = hist_weight_on(&added, weight->day, half_life_days);
    weight->weight -= take < weight->weight ? take : weight->weight;
}

void
hist_weight_sum(struct hist_weight *into, const struct hist_weight *more, uint32_t half_life_days)
{
    int32_t day = into->weight == 0 || more->day > into->day ? more->day : into->day;

    if (more->weight == 0)
        return;
    uint64_t whole = (uint64_t)hist_weight_on(into, day, half_life_days) +
                     hist_weight_on(more, day, half_life_days);
    into->day = day;
    into->weight = whole > UINT32_MAX ? UINT32_MAX : (uint32_t)whole;
}
