/* Formats of mail logs; see logformat.h. */
#include "logformat.h"

#include <string.h>

static const char *const names[LOG_FORMAT_COUNT] = {
#define LOG_FORMAT(id, name, source) [LOG_##id] = (name),
#include "logformats.def"
#undef LOG_FORMAT
};

const char log_format_names[] =
#define LOG_FORMAT(id, name, source) " " name
#include "logformats.def"
#undef LOG_FORMAT
    " ";

const char *
log_format_name(enum log_format format)
{
    return names[format];
}

bool
log_format_find(const char *name, enum log_format *out)
{
    for (unsigned i = 0; i < LOG_FORMAT_COUNT; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        *out = (enum log_format)i;
        return true;
    }
    return false;
}
