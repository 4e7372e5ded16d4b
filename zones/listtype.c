/* Types of list files; see listtype.h. */
#include "listtype.h"

#include <string.h>

static const struct list_type_info infos[LIST_TYPE_COUNT] = {
#define LIST_TYPE(id, name, holds, key, values, overlaps)                                          \
    [LIST_##id] = {(name), LIST_HOLDS_##holds, LIST_VALUES_##values, LIST_OVERLAPS_##overlaps},
#include "listtypes.def"
#undef LIST_TYPE
};

const char list_type_names[] =
#define LIST_TYPE(id, name, holds, key, values, overlaps) " " name
#include "listtypes.def"
#undef LIST_TYPE
    " ";

const struct list_type_info *
list_type_info(enum list_type type)
{
    return &infos[type];
}

enum dataset_kind
list_type_kind(enum list_type type)
{
    static const enum dataset_kind kinds[] = {[LIST_HOLDS_V4] = DATASET_ADDR,
        [LIST_HOLDS_V6] = DATASET_ADDR,
        [LIST_HOLDS_NAMES] = DATASET_NAME,
        [LIST_HOLDS_RECORDS] = DATASET_RECORDS,
        [LIST_HOLDS_CLIENTS] = DATASET_ADDR,
        [LIST_HOLDS_PARTS] = DATASET_COMBINED};
    return kinds[infos[type].holds];
}

bool
list_type_lists(enum list_type type)
{
    return infos[type].holds <= LIST_HOLDS_NAMES;
}

bool
list_type_find(const char *name, enum list_type *out)
{
    for (unsigned i = 0; i < LIST_TYPE_COUNT; i++) {
        if (strcmp(infos[i].name, name) != 0)
            continue;
        *out = (enum list_type)i;
        return true;
    }
    return false;
}
