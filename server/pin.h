/* Keeping a worker on one processor. */
#ifndef SERVER_PIN_H
#define SERVER_PIN_H

#include "zones/zoneconf.h"

/* In the worker of that number, if the configuration wants it: the next one of its cores, or of
 * those that the process may use, in turn. A line says if it can't be done; the worker runs
 * anywhere then. */
void pin_to_core(const struct process_conf *conf, unsigned number);

#endif
