/* Types of list files; listtypes.def is the source. */
#ifndef ZONES_LISTTYPE_H
#define ZONES_LISTTYPE_H

#include <stdbool.h>

#include "store.h"

enum list_type {
#define LIST_TYPE(id, name, holds, key, values, overlaps) LIST_##id,
#include "listtypes.def"
#undef LIST_TYPE
    LIST_TYPE_COUNT
};

enum list_holds {
    LIST_HOLDS_V4,
    LIST_HOLDS_V6,
    LIST_HOLDS_NAMES,
    LIST_HOLDS_RECORDS,
    LIST_HOLDS_CLIENTS,
    LIST_HOLDS_PARTS
};
enum list_values { LIST_VALUES_OWN, LIST_VALUES_ONE };
enum list_overlaps {
    LIST_OVERLAPS_LEVELS,
    LIST_OVERLAPS_LONGEST,
    LIST_OVERLAPS_NAMES,
    LIST_OVERLAPS_NONE
};

struct list_type_info {
    const char *name;
    enum list_holds holds;
    enum list_values values;
    enum list_overlaps overlaps;
};

const struct list_type_info *list_type_info(enum list_type type);
enum dataset_kind list_type_kind(enum list_type type); /* of the dataset that it becomes */
/* It says that addresses or names are listed: it can be an allow list, and part of zones of the
 * kinds address and name. The others are asked by zones of kind list, or as access lists. */
bool list_type_lists(enum list_type type);
bool list_type_find(const char *name, enum list_type *out);
/* All names, a blank before and after each. */
extern const char list_type_names[];

#endif
