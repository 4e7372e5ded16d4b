/*
 * The mail server's own networks, where the configuration does not say: Postfix knows them.
 */
#ifndef LOADER_OWNNETS_H
#define LOADER_OWNNETS_H

#include "zones/ip.h"

#define OWNNETS_MAX 64

/* "127.0.0.0/8 [::1]/128 192.0.2.0/24": what is no network (a table, a negation) is left out.
 * Returns how many. Pure. */
unsigned ownnets_parse(const char *text, struct prefix out[OWNNETS_MAX]);

/* Asks postconf(1); 0 where there is none. */
unsigned ownnets_ask(struct prefix out[OWNNETS_MAX]);

#endif
