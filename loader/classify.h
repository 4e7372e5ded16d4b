/*
 * "repdns-load classify": the class of reverse names, from standard input to standard output.
 */
#ifndef LOADER_CLASSIFY_H
#define LOADER_CLASSIFY_H

#include "loader/rdns.h"

/* The longest line that is looked at; of a longer one no class is given. */
#define CLASSIFY_LINE_MAX 2048

/* One line, without its line feed: a name, and after a tab the address, which may be missing. A
 * field that can't be read gives the class NONE with the reason as why. Fails as rdns_classify. */
enum err classify_line(struct rdns *rdns, const char *line, size_t len, struct rdns_verdict *out,
    struct errmsg *msg) MUST_CHECK;

/* argv[0] is "classify"; returns the exit status. */
int classify_command(int argc, char **argv);

#endif
