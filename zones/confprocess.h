/* The settings seccomp, pin and freebind: how the processes of repdnsd run. */
#ifndef ZONES_CONFPROCESS_H
#define ZONES_CONFPROCESS_H

#include "confschema.h"
#include "zoneconf.h"

/* Checks of single settings. */
int confprocess_check_seccomp(cfg_t *cfg, cfg_opt_t *opt);
int confprocess_check_pin(cfg_t *cfg, cfg_opt_t *opt);

/* Of the whole file, whose checks have passed. conf->path is set. */
enum err confprocess_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg) MUST_CHECK;

#endif
