/*
 * The operator's word: what he says of an address, a prefix or a name, above everything that is
 * computed, kept in lists.mdb over every run, with a journal of who said it, when and why.
 *
 * In lists.mdb (liststore.h):
 *     W subject verb(1)      a word in force
 *     J time(8) number(4)    the journal, in the order of its writing
 * subject is '4' or '6', the address key and the prefix length, or 'n' and dname_key(name). The
 * value of a word is version(1) since(8) expires(8) by-bytes(1) by note; that of the journal act(1)
 * subject-bytes(2) subject and such a word. Numbers are big-endian.
 *
 * Words do not depend on the order in which they were said: allow beats block. A name speaks of
 * itself and of all names below it.
 */
#ifndef LOADER_WORD_H
#define LOADER_WORD_H

#include "zones/dname.h"
#include "zones/ip.h"
#include "zones/kv.h"
#include "zones/zoneconf.h"

#define WORD_BY_MAX   64
#define WORD_NOTE_MAX 255

enum word_verb {
    WORD_ALLOW = 'A',  /* never listed */
    WORD_BLOCK = 'B',  /* listed */
    WORD_UNLIST = 'U', /* what was known until then does not list it; without an end, only until
                          judging has followed */
    WORD_UNDO = 'X',   /* in the journal alone: */
    WORD_FORGET = 'F'
};
/* "allow"; "?" for what is none. Static storage. */
const char *word_verb_name(enum word_verb verb);
/* One that can be in force. */
enum err word_verb_parse(const char *text, enum word_verb *out) MUST_CHECK;

struct word_subject {
    bool is_name;
    struct prefix prefix;
    struct dname name;
};
/* An address, a prefix, or a name as hosts have them. */
enum err word_subject_parse(const char *text, struct word_subject *out) MUST_CHECK;
#define WORD_SUBJECT_SIZE DNAME_TEXT_SIZE
void word_subject_format(const struct word_subject *subject, char out[WORD_SUBJECT_SIZE]);
/* Every address or name of the second is one of the first. */
bool word_subject_covers(const struct word_subject *outer, const struct word_subject *inner);

struct word {
    enum word_verb verb;
    struct word_subject subject;
    int64_t since_s;
    int64_t expires_s;        /* not in force from this time on; 0: no end */
    char by[WORD_BY_MAX + 1]; /* the user */
    char note[WORD_NOTE_MAX + 1];
};

struct words {
    struct word *items;
    size_t count, room;
};
void words_free(struct words *words);

/* Those in force at now_s, in the order of the store; a store that is not there has none. Free *out
 * whatever is returned. */
enum err words_read(
    const struct conf *conf, int64_t now_s, struct words *out, struct errmsg *msg) MUST_CHECK;
/* The journal likewise, the oldest first. */
enum err words_read_journal(
    const struct conf *conf, struct words *out, struct errmsg *msg) MUST_CHECK;

/* Stores all and writes them into the journal, in one transaction; the store is made if it is not
 * there. An UNLIST takes back a BLOCK of the same subject, an UNDO every word of it: the number of
 * these is *taken. */
enum err words_write(const struct conf *conf, const struct word *words, size_t count,
    unsigned *taken, struct errmsg *msg) MUST_CHECK;
/* Deletes what expired by now_s, and with judged, when judging was published, each UNLIST without
 * an end; without any, nothing is written. */
enum err words_expire(
    const struct conf *conf, int64_t now_s, bool judged, struct errmsg *msg) MUST_CHECK;
/* Deletes what is said of the subject, of what lies in it, and the journal of it. */
enum err words_forget(const struct conf *conf, const struct word_subject *subject, unsigned *words,
    unsigned *journal, struct errmsg *msg) MUST_CHECK;

/* Subjects and words as bytes; for word*.c and tests. ERR_FORMAT: damaged. */
enum { WORD_SUBJECT_BYTES = 1 + DNAME_KEY_MAX, WORD_BYTES = 18 + WORD_BY_MAX + WORD_NOTE_MAX };
size_t word_subject_encode(const struct word_subject *subject, uint8_t out[WORD_SUBJECT_BYTES]);
enum err word_subject_decode(struct slice bytes, struct word_subject *out) MUST_CHECK;
size_t word_encode(const struct word *word, uint8_t out[WORD_BYTES]);
/* Fills all but verb and subject. */
enum err word_decode(struct slice bytes, struct word *out) MUST_CHECK;

#endif
