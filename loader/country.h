/*
 * The country that a name tells: its top level of two letters (RFC 1591 2), unless that is one
 * whose registry sells it, or gave it away, to the whole world. Pure.
 */
#ifndef LOADER_COUNTRY_H
#define LOADER_COUNTRY_H

#include "zones/dname.h"

/* False: the name tells none, and nothing is set. */
bool country_of(const struct dname *name, uint8_t letters[2]);
/* Both names tell a country, and not the same one. */
bool country_differs(const struct dname *a, const struct dname *b);

#endif
