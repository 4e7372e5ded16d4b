/*
 * What a publish of these judged sets would change of what is served, a line each, and why; for
 * "judge --dry-run". Writes nothing.
 */
#ifndef LOADER_JUDGEDIFF_H
#define LOADER_JUDGEDIFF_H

#include <stdio.h>

#include "loader/publish.h"

/* Of the sets that have evidence: "+" would be there anew, "-" no more, "~" with other reasons;
 * then dataset, subject, reasons, and the evidence in quotes; or the same as JSON. Then the counts.
 * O(entries). */
enum err judgediff_print(FILE *out, const struct conf *conf, const struct publish_set *sets,
    size_t count, bool json, struct errmsg *msg) MUST_CHECK;

#endif
