/*
 * JSON of the command line: one object a line, in ASCII alone, so that a terminal is safe. Values
 * are jansson's, of which each function takes over the reference that it is given.
 *
 * NULL is a value that there was no memory for. What is made with it is NULL too, so that only the
 * line's end has to look.
 */
#ifndef LOADER_JSONLINE_H
#define LOADER_JSONLINE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "zones/dname.h"
#include "zones/err.h"
#include "zones/ip.h"
#include "zones/slice.h"
#include "zones/verdict.h"

struct jsonline_member {
    const char *key;
    json_t *value;
};

/* Text that is no UTF-8 is taken for Latin-1, byte by byte. */
json_t *jsonline_text(struct slice text);
/* That of a string. */
json_t *jsonline_string(const char *text);
json_t *jsonline_count(uint64_t count);
/* null for what is no number. */
json_t *jsonline_number(double number);
/* Seconds since 1970 as "2026-06-01T12:00:00Z"; null for 0, which is never. */
json_t *jsonline_time(int64_t when_s);
json_t *jsonline_ip(const struct ip *ip);
/* "127.0.0.3" of an address in host byte order. */
json_t *jsonline_a(uint32_t a);
json_t *jsonline_name(const struct dname *name);
/* A list of their names. */
json_t *jsonline_reasons(struct reason_set reasons);
json_t *jsonline_object(const struct jsonline_member *members, size_t count);

/* Add to an object or list, or make it NULL. */
void jsonline_set(json_t **object, const char *key, json_t *value);
void jsonline_append(json_t **list, json_t *value);

/* Prints the object's line and frees it. ERR_NOMEM for NULL; what the stream could not take, its
 * owner sees. */
enum err jsonline_print(FILE *out, json_t *object) MUST_CHECK;
/* Made of members at once. */
enum err jsonline_print_members(
    FILE *out, const struct jsonline_member *members, size_t count) MUST_CHECK;

#endif
