/* See country.h. */
#include "loader/country.h"

#include <stdlib.h>
#include <string.h>

enum { LETTERS = 2 };

/* In order. .eu is of no single country; .cf, .ga, .gq, .ml and .tk were given away to whoever
 * asked. .su is sold too, but used in one country. */
static const char everybodys[][LETTERS + 1] = {"ac", "ag", "ai", "am", "bz", "cc", "cd", "cf", "co",
    "cx", "eu", "fm", "ga", "gg", "gq", "im", "io", "la", "li", "ly", "me", "ml", "mn", "ms", "nu",
    "pw", "sc", "sh", "st", "tk", "to", "tv", "vc", "ws"};

static int
by_letters(const void *a, const void *b)
{
    return memcmp(a, b, LETTERS);
}

bool
country_of(const struct dname *name, uint8_t letters[2])
{
    struct dname top;

    if (name->len <= 1)
        return false;
    dname_strip(name, dname_labels(name) - 1, &top);
    if (top.b[0] != LETTERS ||
        bsearch(top.b + 1, everybodys, sizeof everybodys / sizeof *everybodys, sizeof *everybodys,
            by_letters) != NULL)
        return false;
    memcpy(letters, top.b + 1, LETTERS);
    return true;
}

bool
country_differs(const struct dname *a, const struct dname *b)
{
    uint8_t here[LETTERS], there[LETTERS];

    return country_of(a, here) && country_of(b, there) && memcmp(here, there, LETTERS) != 0;
}
