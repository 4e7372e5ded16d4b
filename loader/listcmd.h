/*
 * "repdns-load list": the operator's own edits of a list, on the wire at once. What is added or
 * taken off lies in a layer of its own (listlayer.h), which the next import leaves alone.
 */
#ifndef LOADER_LISTCMD_H
#define LOADER_LISTCMD_H

#include "loader/stages.h"

enum list_verb { LIST_VERB_ADD, LIST_VERB_DEL, LIST_VERB_UNDO, LIST_VERB_SHOW };

struct list_request {
    enum list_verb verb;
    const char *name;
    char *const *entries; /* in the syntax of the list's type */
    unsigned count;
    const char *duration, *value, *note; /* --for, --value, --note; NULL: not given */
};

/* The words after "list". The message says what is wrong. */
enum err list_request_parse(
    int count, char *const *words, struct list_request *out, struct errmsg *msg) MUST_CHECK;

/* Whether it writes, so that it has to wait for a run that is active. */
static inline bool
list_request_writes(const struct list_request *request)
{
    return request->verb != LIST_VERB_SHOW;
}

/* All entries or none. show prints on out. A wrong list or entry is EXIT_USAGE, what the brake
 * stops (listbrake.h) EXIT_TOO_MANY: then nothing was changed. */
enum exit_code list_command(
    struct run *run, const struct list_request *request, FILE *out, struct errmsg *msg);

#endif
