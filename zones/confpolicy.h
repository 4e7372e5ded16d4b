/* The section policy_service: what repdns policy tells Postfix. */
#ifndef ZONES_CONFPOLICY_H
#define ZONES_CONFPOLICY_H

#include "confschema.h"
#include "zoneconf.h"

/* Of the whole file, whose checks have passed. conf->path and its zones are set. */
enum err confpolicy_read(struct conf *conf, cfg_t *cfg, struct errmsg *msg) MUST_CHECK;

/* The name of a check, and what it says in a reply. */
const char *policy_check_name(enum policy_check check);
const char *policy_check_text(enum policy_check check);

#endif
