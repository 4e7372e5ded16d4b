/* A time from the command line; see asof.h. */
#include "loader/asof.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum err
asof_parse(const char *text, int64_t *out_s)
{
    static const char *const forms[] = {
        "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"};
    if (*text >= '0' && *text <= '9' && strspn(text, "0123456789") == strlen(text)) {
        if (strlen(text) > 11)
            return ERR_RANGE;
        *out_s = strtoll(text, NULL, 10);
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm when = {0};
        const char *end = strptime(text, forms[i], &when);
        if (end == NULL || *end != '\0')
            continue;
        *out_s = (int64_t)timegm(&when);
        return ERR_OK;
    }
    return ERR_SYNTAX;
}
