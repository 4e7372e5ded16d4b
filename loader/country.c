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

/* The two letters, or NULL; they lie in the room. */
static const uint8_t *
country_of(const struct dname *name, struct dname *room)
{
    if (name->len <= 1)
        return NULL;
    dname_strip(name, dname_labels(name) - 1, room);
    const uint8_t *letters = room->b + 1;
    bool sold = room->b[0] == LETTERS &&
                bsearch(letters, everybodys, sizeof everybodys / sizeof *everybodys,
                    sizeof *everybodys, by_letters) != NULL;
    return room->b[0] == LETTERS && !sold ? letters : NULL;
}

bool
country_differs(const struct dname *a, const struct dname *b)
{
    struct dname rooms[2];
    const uint8_t *here = country_of(a, &rooms[0]), *there = country_of(b, &rooms[1]);

    return here != NULL && there != NULL && memcmp(here, there, LETTERS) != 0;
}
