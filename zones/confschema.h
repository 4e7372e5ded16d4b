/* What the configuration file may hold: libconfuse's schema, and a check beside each setting. */
#ifndef ZONES_CONFSCHEMA_H
#define ZONES_CONFSCHEMA_H

#include <confuse.h>

/* NULL: out of memory. The checks tell their errors by cfg_error. */
cfg_t *confschema_new(void);

#endif
