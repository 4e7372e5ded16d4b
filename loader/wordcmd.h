/*
 * "repdns-load allow", "unlist", "block" and "word": the operator's word, on the wire at once.
 * "forget" erases a subject: forget.h.
 */
#ifndef LOADER_WORDCMD_H
#define LOADER_WORDCMD_H

#include "loader/stages.h"
#include "loader/word.h"

enum word_act { WORD_SAY, WORD_TAKE_BACK, WORD_SHOW, WORD_SHOW_JOURNAL, WORD_ERASE };

struct word_request {
    enum word_act act;
    enum word_verb verb; /* of WORD_SAY */
    char *const *subjects;
    unsigned count;
    const char *duration, *note; /* --for, --note; NULL: not given */
    bool keep_word;              /* forget leaves what the operator said */
};

/* Whether the stage's name is one of these commands. */
bool word_is_command(const char *name);
/* words[0] is the name. The message says what is wrong. */
enum err word_request_parse(
    int count, char *const *words, struct word_request *out, struct errmsg *msg) MUST_CHECK;

/* Whether it writes, so that it has to wait for a run that is active. */
static inline bool
word_request_writes(const struct word_request *request)
{
    return request->act != WORD_SHOW && request->act != WORD_SHOW_JOURNAL;
}

/* All subjects or none; prints on out. A subject that is none, or that may not be blocked, is
 * EXIT_USAGE: then nothing was changed. */
enum exit_code word_command(
    struct run *run, const struct word_request *request, FILE *out, struct errmsg *msg);

/* One line, without a raw byte from outside. */
void word_print(FILE *out, const struct word *word);

#endif
