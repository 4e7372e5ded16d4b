/* The sections query_log, statistics, metrics and dnstap: what repdnsd writes of its work. */
#ifndef ZONES_CONFLOGS_H
#define ZONES_CONFLOGS_H

#include "confschema.h"
#include "zoneconf.h"

/* Of the whole file, whose checks have passed. conf->path is set. */
enum err conflogs_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg) MUST_CHECK;

#endif
