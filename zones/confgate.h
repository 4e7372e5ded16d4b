/* The sections rate_limit, cookies and keys: whom repdnsd limits, and whom it trusts. */
#ifndef ZONES_CONFGATE_H
#define ZONES_CONFGATE_H

#include "confschema.h"
#include "zoneconf.h"

/* Of the whole file, whose checks have passed. conf's path, state_dir and zones are set. */
enum err confgate_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg) MUST_CHECK;

#endif
