/* The differences between our answers and rbldnsd's that a setting takes back; strict.def is the
 * one table of them. On the answer path. */
#ifndef SERVER_STRICT_H
#define SERVER_STRICT_H

#include "zones/zoneconf.h"

enum strict {
#define STRICT(id, text, where) STRICT_##id,
#include "server/strict.def"
#undef STRICT
    STRICT_COUNT
};

/* Whether to do as rbldnsd does here; they are all or none. */
static inline bool
strict_is(const struct conf *conf, enum strict rule)
{
    return rule < STRICT_COUNT && conf->strict_rbldnsd;
}

#define STRICT_UDP_MAX     2048 /* the most that rbldnsd sends, and what it advertises */
#define STRICT_OPT_SIZE    11
#define STRICT_ANSWERS_MAX 255

#endif
