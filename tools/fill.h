/* Texts with places to fill in: configurations, pages and snippets as they are printed. Pure. */
#ifndef TOOLS_FILL_H
#define TOOLS_FILL_H

#include <stdbool.h>
#include <stdio.h>

/* A place is @KEY@; an array of these ends with a NULL key. */
struct fill {
    const char *key; /* without the @ */
    const char *value;
};

/* Prints text with its places filled. With html, values are escaped for text and attributes; what
 * is no key of fills stays as it is. */
void fill_print(FILE *out, const char *text, const struct fill *fills, bool html);

#endif
