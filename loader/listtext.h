/*
 * Lists as text that listfile.h reads back: what an entry is about, its value, and the entries that
 * a flattened list can be written as. Pure.
 */
#ifndef LOADER_LISTTEXT_H
#define LOADER_LISTTEXT_H

#include <stdbool.h>

#include "loader/listfile.h"
#include "loader/publish.h"

#define LISTTEXT_KEY_SIZE   (DNAME_TEXT_SIZE + 8)
#define LISTTEXT_VALUE_SIZE 300 /* ":255.255.255.255:=", a text, one byte more and the NUL */

/* "192.0.2.0/24", "!192.0.2.1", "2001:db8:0:1", "*.example.com", as the type has it. Returns the
 * length. Any address or range as one of ip4set where the type has no text for it. */
size_t listtext_key(
    const struct listfile_entry *entry, enum list_type type, char out[LISTTEXT_KEY_SIZE]);

/* Takes the longest prefix whose length is a multiple of step off the beginning of *rest; false
 * when nothing remains after it. */
bool listtext_take(struct range *rest, unsigned step, struct prefix *out);

/* The entries of a flattened list, sorted, in a form that its type has: flattened again, they come
 * to the same. value is that of all elements, empty for an exclusion. ERR_RANGE: the type can't say
 * it, which no import brings about. */
typedef enum err (*listtext_each_fn)(
    void *ctx, const struct listfile_entry *entry, struct slice value);
enum err listtext_each(enum list_type type, const struct publish_set *set, listtext_each_fn each,
    void *ctx) MUST_CHECK;

/* Values are written as ":127.0.0.2:text". A text in which the subject stands right before a digit
 * or an equals sign can be said by the base template alone, of which a list has one: all values of
 * a list are looked at before the first is written. */
struct listtext_values {
    bool has_base;
    size_t n;
    char base[LISTFILE_VALUE_MAX]; /* what stands after "$= " */
    struct slice based;            /* the text that it is for; borrowed */
};
/* All zero bytes at first. ERR_RANGE: a text that no import brings about. */
enum err listtext_look(
    struct listtext_values *values, const struct value_element *element) MUST_CHECK;
/* Returns the length; 0: not to be written. After the last look. */
size_t listtext_value(const struct listtext_values *values, const struct value_element *element,
    char out[LISTTEXT_VALUE_SIZE]);

#endif
