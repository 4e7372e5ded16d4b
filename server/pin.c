/* See pin.h. */
#include "server/pin.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "zones/log.h"

/* The nth that the set has; it has more than n. */
static unsigned
nth_of(const cpu_set_t *set, unsigned n)
{
    unsigned core = 0;
    while (!CPU_ISSET(core, set) || n-- > 0)
        core++;
    return core;
}

void
pin_to_core(const struct process_conf *conf, unsigned number)
{
    cpu_set_t may, one;
    unsigned core;
    if (!conf->pin)
        return;
    if (conf->core_count > 0) {
        core = conf->cores[number % conf->core_count];
    } else {
        if (sched_getaffinity(0, sizeof may, &may) != 0 || CPU_COUNT(&may) == 0)
            return;
        core = nth_of(&may, number % (unsigned)CPU_COUNT(&may));
    }
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        log_line(LOG_LEVEL_WARNING, "pin: processor %u: %s; the worker runs on any", core,
            strerror(errno));
}
