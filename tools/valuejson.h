/* Stored values and records in the JSON of the tools. NULL is no memory, as in jsonline.h. */
#ifndef TOOLS_VALUEJSON_H
#define TOOLS_VALUEJSON_H

#include "loader/jsonline.h"
#include "zones/recordset.h"
#include "zones/verdict.h"

/* These two append to a list: an object of "reason" and "a" for each. */
void valuejson_reasons(json_t **list, struct reason_set reasons);
/* An object of "a" and, where there is one, "txt". */
void valuejson_literal(json_t **list, const struct value_element *element);
/* The elements of a value; one that is damaged ends with an object of "damaged". */
json_t *valuejson(struct slice value);
/* A record's data: of a TXT its text, of others as in a zone file. */
json_t *valuejson_record(const struct recordset_rr *rr);

#endif
