/* The sections protocol and tcp: how repdnsd speaks DNS. */
#ifndef ZONES_CONFPROTOCOL_H
#define ZONES_CONFPROTOCOL_H

#include "confschema.h"
#include "zoneconf.h"

/* Of the whole file, whose checks have passed. conf->path is set. */
enum err confprotocol_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg) MUST_CHECK;

#endif
