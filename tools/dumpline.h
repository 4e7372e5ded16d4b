/*
 * A record of a store on its way out: one line, as text or as a JSON object, made by the same
 * calls, so that both forms say the same.
 *
 * Text is the record's kind and its fields with blanks between; a NAMED field has its key before
 * it, with '-' for '_'. JSON has the kind as "record" and each field under its key. Between
 * list_begin and list_end fields have no keys: they go to the list.
 *
 * Errors stick (ERR_NOMEM) until they are asked for; what the stream could not take, its owner
 * sees.
 */
#ifndef TOOLS_DUMPLINE_H
#define TOOLS_DUMPLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "loader/jsonline.h"
#include "zones/dname.h"
#include "zones/err.h"
#include "zones/ip.h"
#include "zones/slice.h"

struct dumpline {
    FILE *out;
    bool json;
    enum err err;
    json_t *object, *list; /* of the line at work; NULL with text */
    const char *list_key;  /* NULL: outside of a list */
};

enum dumpline_how { BARE, NAMED };

void dumpline_begin(struct dumpline *line, const char *kind);
/* A line of a dataset. */
void dumpline_begin_of(struct dumpline *line, const char *kind, const char *dataset);
void dumpline_end(struct dumpline *line);

/* A word of the text alone. */
void dumpline_word(struct dumpline *line, const char *word);
/* Only where it is set: the word, in JSON the key with true. */
void dumpline_flag(struct dumpline *line, const char *key, const char *word, bool is_set);

void dumpline_string(
    struct dumpline *line, enum dumpline_how how, const char *key, const char *text);
/* Text from outside: quoted in text. */
void dumpline_quoted(
    struct dumpline *line, enum dumpline_how how, const char *key, struct slice text);
void dumpline_count(struct dumpline *line, enum dumpline_how how, const char *key, uint64_t count);
/* Of so many digits, in JSON a string. */
void dumpline_hex(
    struct dumpline *line, enum dumpline_how how, const char *key, int digits, uint64_t number);
/* A weight, by two decimals in text. */
void dumpline_weight(struct dumpline *line, enum dumpline_how how, const char *key, double weight);
/* Seconds since 1970; 0 is never. */
void dumpline_time(struct dumpline *line, enum dumpline_how how, const char *key, int64_t when_s);
void dumpline_ip(
    struct dumpline *line, enum dumpline_how how, const char *key, const struct ip *ip);
void dumpline_name(
    struct dumpline *line, enum dumpline_how how, const char *key, const struct dname *name);
/* In JSON "first" and "last". */
void dumpline_range(struct dumpline *line, const struct range *range);
/* A stored value, in JSON "values": see valuejson.h. */
void dumpline_value(struct dumpline *line, struct slice value);

void dumpline_list_begin(struct dumpline *line, enum dumpline_how how, const char *key);
void dumpline_list_end(struct dumpline *line);

#endif
