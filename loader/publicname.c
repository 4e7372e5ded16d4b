/*
 * Public names by the Public Suffix List and a closed table of special-use names.
 */
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "loader/publicname.h"

struct publicname {
    const psl_ctx_t *psl;
    psl_ctx_t *own; /* to be freed; NULL for the library's built-in list */
};

/* Top levels, and one second level, that public DNS never has. */
static const char *const special[] = {
    "localhost",                   /* RFC 6761 6.3 */
    "localdomain",                 /* what installers write; never delegated */
    "invalid",                     /* RFC 6761 6.4 */
    "test",                        /* RFC 6761 6.2 */
    "local",                       /* RFC 6762 3 */
    "onion",                       /* RFC 7686 */
    "alt",                         /* RFC 9476 */
    "internal",                    /* reserved by ICANN for private use */
    "lan", "home", "corp", "mail", /* ICANN does not delegate these */
    "home.arpa",                   /* RFC 8375 */
};

enum err
publicname_open(struct publicname **out, struct errmsg *msg)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    /* The distribution's list is newer than the one compiled in. */
    (*out)->own = psl_latest(NULL);
    (*out)->psl = (*out)->own != NULL ? (*out)->own : psl_builtin();
    if ((*out)->psl != NULL)
        return ERR_OK;
    publicname_close(out);
    return errmsg_set(msg, ERR_IO, "no public suffix list found; install the package publicsuffix");
}

void
publicname_close(struct publicname **names)
{
    if (*names == NULL)
        return;
    psl_free((*names)->own);
    free(*names);
    *names = NULL;
}

bool
publicname_special(const struct dname *name)
{
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        struct dname top;
        if (dname_parse(special[i], strlen(special[i]), &top) == ERR_OK && dname_under(name, &top))
            return true;
    }
    return false;
}

bool
publicname_known_top(const struct publicname *names, const struct dname *name)
{
    unsigned labels = dname_labels(name);
    if (labels == 0)
        return false;
    struct dname top;
    dname_strip(name, labels - 1, &top);
    char text[DNAME_TEXT_SIZE];
    dname_format(&top, text);
    /* Without the implied "*" rule, so that only listed top levels count. */
    return psl_is_public_suffix2(names->psl, text, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) != 0;
}

bool
publicname_is_suffix(const struct publicname *names, const char *text)
{
    return psl_is_public_suffix2(names->psl, text, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) != 0;
}

void
publicname_registrable(const struct publicname *names, const struct dname *name, struct dname *out)
{
    char text[DNAME_TEXT_SIZE];
    dname_format(name, text);
    const char *found = psl_registrable_domain(names->psl, text);
    if (found == NULL || dname_parse(found, strlen(found), out) != ERR_OK)
        *out = *name;
}
