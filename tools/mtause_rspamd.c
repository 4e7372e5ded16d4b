/* What rspamd's module rbl asks; see mtause.h. Its files are in a loose form of JSON: sections in
 * braces, "key = value" or "key: value", strings with or without quotes, comments. */
#include <string.h>

#include "tools/mtause.h"

enum { DEPTH_MOST = 32, WORD_MOST = 256 };

struct section {
    struct mta_use use;
    bool has_zone, off;
};

struct reading {
    const char *p;
    size_t n;
    unsigned line;
    unsigned depth; /* sections beyond DEPTH_MOST are only counted */
    struct section sections[DEPTH_MOST];
    char key[WORD_MOST]; /* the word before, "" at the beginning of a line */
};

static void
step(struct reading *reading)
{
    reading->line += *reading->p == '\n';
    reading->p++;
    reading->n--;
}

/* "# ..." and a comment in the manner of C. */
static bool
skip_comment(struct reading *reading)
{
    if (*reading->p == '#') {
        while (reading->n > 0 && *reading->p != '\n')
            step(reading);
        return true;
    }
    if (reading->n < 2 || memcmp(reading->p, "/*", 2) != 0)
        return false;
    step(reading);
    step(reading);
    while (reading->n > 0 && (reading->n < 2 || memcmp(reading->p, "*/", 2) != 0))
        step(reading);
    for (int i = 0; i < 2 && reading->n > 0; i++)
        step(reading);
    return true;
}

/* A word, cut to its room; false where there is none. */
static bool
read_word(struct reading *reading, char word[WORD_MOST])
{
    size_t used = 0;
    bool quoted = *reading->p == '"' || *reading->p == '\'';
    char end = *reading->p;
    if (!quoted && strchr(" \t\r\n{}[]=:;,", *reading->p) != NULL)
        return false;
    if (quoted)
        step(reading);
    while (reading->n > 0) {
        char c = *reading->p;
        if (quoted ? c == end || c == '\n' : strchr(" \t\r\n{}[]=:;,", c) != NULL)
            break;
        if (used + 1 < WORD_MOST)
            word[used++] = c;
        step(reading);
    }
    if (quoted && reading->n > 0 && *reading->p == end)
        step(reading);
    word[used] = '\0';
    return true;
}

/* An answer counts, whatever it is, until more is said. */
static const struct section fresh = {.use = {.asks = MTA_OTHER, .effect = MTA_COUNTS}};

static struct section *
section_of(struct reading *reading)
{
    return reading->depth < DEPTH_MOST ? &reading->sections[reading->depth] : NULL;
}

static void
take_word(struct reading *reading, const char *word)
{
    static const char *const filters[] = {"returncodes", "returnbits", "returncodes_matcher"};
    struct section *section = section_of(reading);
    if (section != NULL && strcmp(reading->key, "rbl") == 0) {
        memcpy(section->use.zone, word, strlen(word) + 1);
        section->use.line = reading->line;
        section->has_zone = true;
    } else if (section != NULL && strcmp(reading->key, "enabled") == 0)
        section->off = strcmp(word, "false") == 0 || strcmp(word, "no") == 0;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (section != NULL && strcmp(word, filters[i]) == 0)
            section->use.filtered = true;
    memcpy(reading->key, word, strlen(word) + 1);
}

static void
section_end(struct reading *reading, mta_use_fn each, void *ctx)
{
    const struct section *section = section_of(reading);
    if (section != NULL && section->has_zone && !section->off && section->use.zone[0] != '\0')
        each(ctx, &section->use);
    /* One brace too many leaves the top open. */
    if (reading->depth > 0)
        reading->depth--;
    else
        reading->sections[0] = fresh;
}

static void
section_begin(struct reading *reading)
{
    reading->depth++;
    struct section *section = section_of(reading);
    if (section != NULL)
        *section = fresh;
}

void
mtause_rspamd(const char *text, size_t n, mta_use_fn each, void *ctx)
{
    struct reading reading = {.p = text, .n = n, .line = 1, .sections = {fresh}};
    while (reading.n > 0) {
        char word[WORD_MOST];
        char c = *reading.p;
        if (skip_comment(&reading))
            continue;
        if (read_word(&reading, word)) {
            take_word(&reading, word);
            continue;
        }
        if (c == '{')
            section_begin(&reading);
        else if (c == '}')
            section_end(&reading, each, ctx);
        if (strchr("{};,\n", c) != NULL)
            reading.key[0] = '\0';
        step(&reading);
    }
}
