/*
 * The TXT of a listing: one line, why and since when and where to read more; detail only where the
 * zone says private. On the answer path: no allocation, no locale, no time zone.
 */
#ifndef SERVER_TXT_H
#define SERVER_TXT_H

#include "server/lookup.h"
#include "zones/wire.h"

#define TXT_MAX 1200

/* Writes at most TXT_MAX bytes and returns how many; 0: this item has no TXT. */
size_t txt_make(struct snapshot *snapshot, const struct zone_def *zone, const struct lookup *found,
    const struct lookup_item *item, char out[TXT_MAX]);

/* RDATA: character-strings of at most 255 bytes (RFC 1035 3.3.14), without RDLENGTH. */
void txt_put_strings(struct wire_out *out, const char *text, size_t n);

#endif
