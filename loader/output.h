/* What a command prints. */
#ifndef LOADER_OUTPUT_H
#define LOADER_OUTPUT_H

#include <stdio.h>

#include "zones/err.h"
#include "zones/slice.h"

/* err, or ERR_IO with a message if standard output could not take all: what a full disk or a closed
 * pipe left of an answer must not look whole. For commands that only print. */
enum err output_end(enum err err, struct errmsg *msg) MUST_CHECK;

/* In quotes; all but printable ASCII as \xHH, so that a terminal is safe and a line is one record.
 */
void output_quoted(FILE *out, struct slice text);

#endif
