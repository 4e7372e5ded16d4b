/* "repdns-load forget": erases a subject from every store, and says what went. */
#ifndef LOADER_FORGET_H
#define LOADER_FORGET_H

#include "loader/wordcmd.h"

/* History and DNS answers, what the operator said of it unless he wants to keep that, and what is
 * served of it, by publishing anew. Again, it finds nothing. Prints a line for each subject. */
enum exit_code forget_command(
    struct run *run, const struct word_request *request, FILE *out, struct errmsg *msg);

#endif
