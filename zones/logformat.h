/* Formats of mail logs; logformats.def is the source. */
#ifndef ZONES_LOGFORMAT_H
#define ZONES_LOGFORMAT_H

#include <stdbool.h>

enum log_format {
#define LOG_FORMAT(id, name, source) LOG_##id,
#include "logformats.def"
#undef LOG_FORMAT
    LOG_FORMAT_COUNT
};

/* "postfix". Static storage. */
const char *log_format_name(enum log_format format);
bool log_format_find(const char *name, enum log_format *out);
/* All names, a blank before and after each. */
extern const char log_format_names[];

#endif
