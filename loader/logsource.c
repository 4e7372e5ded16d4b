/* The table of log sources. See logsource.h. */
#include "loader/logsource.h"

static const logsource_fn sources[LOG_FORMAT_COUNT] = {
#define LOG_FORMAT(id, name, source) [LOG_##id] = source##_line,
#include "zones/logformats.def"
#undef LOG_FORMAT
};

logsource_fn
logsource_of(enum log_format format)
{
    return sources[format];
}
