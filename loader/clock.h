/* Seconds of a clock, for waits and reports. What is judged gets its time passed in. */
#ifndef LOADER_CLOCK_H
#define LOADER_CLOCK_H

#include <time.h>

static inline double
clock_seconds(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
