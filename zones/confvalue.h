/*
 * The values that a configuration file holds, from text: durations, endpoints, mailboxes. Pure.
 */
#ifndef ZONES_CONFVALUE_H
#define ZONES_CONFVALUE_H

#include <stdio.h>

#include "zoneconf.h"

/* "90" or "90s", "30m", "2h", "7d", "1w"; at most ten years. */
enum err confvalue_duration(const char *text, uint32_t *seconds) MUST_CHECK;

/* "127.0.0.1", "127.0.0.1@5354", "::1@53": as nsd and unbound write it. default_port without @. */
enum err confvalue_endpoint(
    const char *text, uint16_t default_port, struct endpoint *out) MUST_CHECK;

/* "hostmaster@example.org" as an SOA's RNAME (RFC 1035 8); a name without @ is taken as it is. */
enum err confvalue_mailbox(const char *text, struct dname *out) MUST_CHECK;

/* A name of [a-z0-9_.-], shorter than DATASET_NAME_SIZE. */
bool confvalue_dataset_name(const char *text);

/* The line of a "{" that is never closed, 0 for none: libconfuse takes a file that was cut short
 * inside a section. Reads file to its end; comments and quoted strings are passed over. */
unsigned confvalue_unclosed(FILE *file);

#endif
