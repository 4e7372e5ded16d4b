/* Targets and explanations of flat policies: the macros that are the same for every client of a
 * family. See spfflat.h. */
#include <string.h>

#include "loader/spfflat_internal.h"

/* The same for all clients of a family (RFC 7208 7.2). */
#define STATIC_LETTERS (SPFMACRO_LETTER('d') | SPFMACRO_LETTER('o') | SPFMACRO_LETTER('v'))

enum { EXPLANATION_SIZE = 500 };

enum spfflat_target
spfflat_target(struct spfflat *flat, const struct spfflat_level *level, const struct spfterm *term,
    unsigned family, struct dname *target)
{
    struct spfmacro_values *values = &flat->values[family];
    const char *spec = term->domain.p;
    char text[1024];
    size_t n = term->domain.n;

    if (n == 0) {
        *target = level->domain;
        return SPFFLAT_TARGET_OK;
    }
    if (memchr(spec, '%', n) != NULL) {
        if ((spfmacro_letters(term->domain, SPFMACRO_DOMAIN) & ~STATIC_LETTERS) != 0)
            return SPFFLAT_TARGET_DYNAMIC;
        spfmacro_domain(&level->domain, values->domain);
        if (spfmacro_expand(term->domain, SPFMACRO_DOMAIN, values, text, sizeof text, &n) != ERR_OK)
            return SPFFLAT_TARGET_BAD;
        spec = text;
    }
    return spfmacro_name(spec, n, target) == ERR_OK && dname_labels(target) > 1
               ? SPFFLAT_TARGET_OK
               : SPFFLAT_TARGET_BAD;
}

/* Whether the text is the same for every client but for its address as it stands. */
static bool
is_template(struct slice text, unsigned family)
{
    struct spfmacro_part part;
    const char *cause;
    enum err err;

    while ((err = spfmacro_next(&text, SPFMACRO_EXPLAIN, &part, &cause)) == ERR_OK) {
        bool whole = part.keep == 0 && !part.reverse && !part.escape && part.delimiters.n == 0;

        if (part.letter == '\0' || strchr("dovr", part.letter) != NULL)
            continue;
        /* %{i} is the address as text for IPv4 alone (RFC 7208 7.3). */
        bool client = part.letter == 'c' || (part.letter == 'i' && family == SPFFLAT_V4);
        if (!client || !whole)
            return false;
    }
    return err == ERR_NOTFOUND;
}

/* RFC 7208 6.2: whatever is wrong about it, there is no explanation. */
uint8_t
spfflat_explanation(struct spfflat *flat, struct spfflat_level *level, unsigned family)
{
    struct spfmacro_values *values = &flat->values[family];
    char out[EXPLANATION_SIZE];
    struct dname target;
    struct dns_answer answer;
    struct slice text;
    size_t n;

    if (spfflat_target(flat, level, &level->record.exp, family, &target) != SPFFLAT_TARGET_OK ||
        spfflat_ask(flat, DNS_TXT, &target, &answer) != DNS_OK || answer.count != 1 ||
        dns_next(&answer, &text) != ERR_OK || !is_template(text, family))
        return 0;
    spfmacro_domain(&level->domain, values->domain);
    /* The byte that stands for the client must come from nowhere else. */
    if (strchr(values->domain, SPFTABLE_CLIENT) != NULL ||
        strchr(values->sender_domain, SPFTABLE_CLIENT) != NULL ||
        spfmacro_expand(text, SPFMACRO_EXPLAIN, values, out, sizeof out, &n) != ERR_OK)
        return 0;
    return spfflat_text(flat, out, n);
}
