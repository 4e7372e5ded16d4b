/* Dates of the civil calendar (proleptic Gregorian). Pure. */
#ifndef LOADER_CIVIL_H
#define LOADER_CIVIL_H

#include <stdint.h>

/* Days since 1970-01-01; year from 1 on, month 1 to 12. */
static inline int64_t
civil_days(int64_t year, unsigned month, unsigned day)
{
    static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    /* The leap day of a year counts from March on. */
    int64_t y = year - (month <= 2);

    return 365 * (year - 1970) + y / 4 - y / 100 + y / 400 - 477 + before[month - 1] + day - 1;
}

#endif
