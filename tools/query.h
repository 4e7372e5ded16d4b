/* One answer of "repdns query"; for query*.c alone. */
#ifndef TOOLS_QUERY_H
#define TOOLS_QUERY_H

#include <ldns/ldns.h>
#include <stdio.h>

#include "zones/dname.h"
#include "zones/err.h"
#include "zones/zoneconf.h"

/* A line of JSON. ERR_NOMEM. */
enum err query_print_json(FILE *out, const struct endpoint *server, const struct dname *name,
    ldns_rr_type type, const ldns_pkt *packet) MUST_CHECK;

#endif
