/* What the two parts of repdns dump --as bind share. */
#ifndef TOOLS_DUMP_BIND_H
#define TOOLS_DUMP_BIND_H

#include "tools/tools.h"
#include "zones/nameset.h"

/* A and TXT records of all elements; owner as it stands in the file. */
enum err dump_bind_value(
    FILE *out, const char *owner, struct slice value, const char *subject) MUST_CHECK;

/* dump_bind_names.c: the names of a list, sorted as nameset_build wants them. */
enum err dump_bind_names(FILE *out, const struct nameset_entry *names, size_t count) MUST_CHECK;

#endif
