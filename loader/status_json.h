/* What status.h prints, as an object of JSON; advice is not in it. */
#ifndef LOADER_STATUS_JSON_H
#define LOADER_STATUS_JSON_H

#include "loader/jsonline.h"
#include "zones/zoneconf.h"

/* *object is made in any case, NULL only for want of memory; jsonline_print takes it over. A store
 * that is not there yet is null in it, what can't be read an object of "error"; the first failure
 * is returned. */
enum err status_json(
    const struct conf *conf, int64_t now_s, json_t **object, struct errmsg *msg) MUST_CHECK;

#endif
