/*
 * What the stores hold, what was left out and why: printed by repdns-load's stage and by repdns.
 * Reads alone; a store that is not there yet is said, and no failure.
 */
#ifndef LOADER_STATUS_H
#define LOADER_STATUS_H

#include <stdint.h>
#include <stdio.h>

#include "zones/err.h"
#include "zones/zoneconf.h"

/* Prints everything that can be read; the first failure is returned at the end. */
enum err status_print(
    FILE *out, const struct conf *conf, int64_t now_s, struct errmsg *msg) MUST_CHECK;

#define STATUS_TIME_SIZE 32
/* "2026-06-01T12:00:00Z"; "-" for 0. Always terminated. */
void status_time(int64_t when_s, char out[STATUS_TIME_SIZE]);

#endif
