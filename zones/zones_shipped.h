/*
 * The zones that every installation has, with their safe defaults: blocking zones list only what
 * may be rejected for that alone, informational ones are off.
 */
#ifndef ZONES_ZONES_SHIPPED_H
#define ZONES_ZONES_SHIPPED_H

#include "zoneconf.h"

struct shipped_zone {
    const char *label; /* below the base; "" is the base itself */
    enum zone_kind kind;
    bool enabled, informational;
    uint32_t show, beside_score; /* bits of reason sets */
    const char *dataset;         /* the judged one, or NULL */
    bool takes_lists;            /* block lists of its kind that no zone of the file names */
};

/* In order; *count of them. Static storage. */
const struct shipped_zone *zones_shipped(unsigned *count);

#endif
