/* What Postfix and Exim ask; see mtause.h. */
#include "tools/mtause.h"

#include <string.h>

/* Text of which the first n bytes are left. */
struct rest {
    const char *p;
    size_t n;
    unsigned line;
};

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static void
step(struct rest *rest)
{
    rest->line += *rest->p == '\n';
    rest->p++;
    rest->n--;
}

static bool
word_is(const char *word, size_t n, const char *text)
{
    return strlen(text) == n && memcmp(word, text, n) == 0;
}

/* False for what can be no name of ours: too long, or with a byte 0. */
static bool
set_zone(struct mta_use *use, const char *zone, size_t n)
{
    if (n == 0 || n >= sizeof use->zone || memchr(zone, '\0', n) != NULL)
        return false;
    memcpy(use->zone, zone, n);
    use->zone[n] = '\0';
    return true;
}

static const struct restriction {
    const char *name;
    enum mta_asks asks;
    enum mta_effect effect;
} restrictions[] = {
    {"reject_rbl_client", MTA_ADDRESS, MTA_REJECTS},
    {"reject_rhsbl_client", MTA_NAME, MTA_REJECTS},
    {"reject_rhsbl_reverse_client", MTA_NAME, MTA_REJECTS},
    {"reject_rhsbl_helo", MTA_NAME, MTA_REJECTS},
    {"reject_rhsbl_sender", MTA_NAME, MTA_REJECTS},
    {"reject_rhsbl_recipient", MTA_NAME, MTA_REJECTS},
    {"permit_dnswl_client", MTA_ADDRESS, MTA_WELCOMES},
    {"permit_rhswl_client", MTA_NAME, MTA_WELCOMES},
};

static const struct restriction *
find_restriction(const char *word, size_t n)
{
    for (size_t i = 0; i < sizeof restrictions / sizeof *restrictions; i++)
        if (word_is(word, n, restrictions[i].name))
            return &restrictions[i];
    return NULL;
}

/* A word of postscreen_dnsbl_sites: "zone=filter*weight". */
static bool
read_site(const char *word, size_t n, struct mta_use *use)
{
    size_t zone = 0;
    while (zone < n && word[zone] != '=' && word[zone] != '*')
        zone++;
    const char *weight = memchr(word, '*', n);
    use->asks = MTA_ADDRESS;
    use->filtered = zone < n && word[zone] == '=';
    use->effect =
        weight != NULL && weight + 1 < word + n && weight[1] == '-' ? MTA_WELCOMES : MTA_COUNTS;
    return set_zone(use, word, zone);
}

void
mtause_postfix(const char *text, size_t n, mta_use_fn each, void *ctx)
{
    struct rest rest = {text, n, 1};
    const struct restriction *before = NULL; /* the word before was one */
    bool tries = false;
    unsigned sites_line = 0; /* postscreen_dnsbl_sites is on this line */
    while (rest.n > 0) {
        if (is_one_of(*rest.p, " \t\r\n,") || *rest.p == '\0') {
            step(&rest);
            continue;
        }
        const char *word = rest.p;
        struct mta_use use = {.line = rest.line};
        while (rest.n > 0 && !is_one_of(*rest.p, " \t\r\n,") && *rest.p != '\0')
            step(&rest);
        size_t length = (size_t)(rest.p - word);
        if (before != NULL) {
            const char *filter = memchr(word, '=', length);
            use.asks = before->asks;
            use.effect = tries && before->effect == MTA_REJECTS ? MTA_TRIES : before->effect;
            use.filtered = filter != NULL;
            if (set_zone(&use, word, filter != NULL ? (size_t)(filter - word) : length))
                each(ctx, &use);
            before = NULL;
            tries = false;
            continue;
        }
        before = find_restriction(word, length);
        if (word_is(word, length, "warn_if_reject"))
            tries = true;
        else if (word_is(word, length, "postscreen_dnsbl_sites"))
            sites_line = rest.line;
        else if (sites_line == use.line && before == NULL && !word_is(word, length, "=") &&
                 read_site(word, length, &use))
            each(ctx, &use);
    }
}

static const struct verb {
    const char *name;
    enum mta_effect effect;
} verbs[] = {{"accept", MTA_WELCOMES}, {"deny", MTA_REJECTS}, {"drop", MTA_REJECTS},
    {"defer", MTA_REJECTS}, {"discard", MTA_REJECTS}, {"require", MTA_WELCOMES},
    {"warn", MTA_COUNTS}};

/* "zone,other=127.0.0.2,127.0.0.3/key" */
static void
exim_item(const char *item, size_t n, struct mta_use *use, mta_use_fn each, void *ctx)
{
    while (n > 0 && is_one_of(*item, " \t!")) {
        item++;
        n--;
    }
    size_t zone = 0;
    while (zone < n && !is_one_of(item[zone], "=!&/, \t"))
        zone++;
    const char *key = memchr(item, '/', n);
    size_t before_key = key != NULL ? (size_t)(key - item) : n;
    use->asks = key != NULL ? MTA_OTHER : MTA_ADDRESS;
    use->filtered = memchr(item, '=', before_key) != NULL || memchr(item, '&', before_key) != NULL;
    /* "+include_unknown" is an option. */
    if (n > 0 && *item != '+' && set_zone(use, item, zone))
        each(ctx, use);
}

/* The list ends with its line; a backslash before the end goes on with the next one. Text in braces
 * is expanded before the list is split. */
static void
exim_list(struct rest *rest, enum mta_effect effect, mta_use_fn each, void *ctx)
{
    struct mta_use use = {.effect = effect, .line = rest->line};
    char separator = ':', item[1024];
    size_t used = 0;
    unsigned depth = 0;
    while (rest->n > 0 && is_one_of(*rest->p, " \t"))
        step(rest);
    if (rest->n > 1 && *rest->p == '<' && rest->p[1] != '\n') {
        separator = rest->p[1];
        step(rest);
        step(rest);
    }
    for (; rest->n > 0 && *rest->p != '\n'; step(rest)) {
        char c = *rest->p;
        if (c == '\\' && rest->n > 1 && rest->p[1] == '\n') {
            step(rest);
            continue;
        }
        depth += c == '{';
        depth -= c == '}' && depth > 0;
        if (c == separator && depth == 0) {
            exim_item(item, used, &use, each, ctx);
            used = 0;
        } else if (used < sizeof item)
            item[used++] = c;
    }
    exim_item(item, used, &use, each, ctx);
}

/* The word at the beginning of what is left: letters and _. */
static size_t
word_length(const struct rest *rest)
{
    size_t n = 0;
    while (n < rest->n && ((rest->p[n] >= 'a' && rest->p[n] <= 'z') || rest->p[n] == '_'))
        n++;
    return n;
}

void
mtause_exim(const char *text, size_t n, mta_use_fn each, void *ctx)
{
    struct rest rest = {text, n, 1};
    enum mta_effect effect = MTA_COUNTS;
    while (rest.n > 0) {
        while (rest.n > 0 && is_one_of(*rest.p, " \t!"))
            step(&rest);
        size_t length = word_length(&rest);
        const char *word = rest.p;
        for (size_t i = 0; i < length; i++)
            step(&rest);
        bool is_verb = false;
        for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
            if (word_is(word, length, verbs[i].name)) {
                effect = verbs[i].effect;
                is_verb = true;
            }
        /* A condition may follow its verb on the same line. */
        if (is_verb)
            continue;
        while (rest.n > 0 && is_one_of(*rest.p, " \t"))
            step(&rest);
        if (word_is(word, length, "dnslists") && rest.n > 0 && *rest.p == '=') {
            step(&rest);
            exim_list(&rest, effect, each, ctx);
        }
        while (rest.n > 0 && *rest.p != '\n')
            step(&rest);
        if (rest.n > 0)
            step(&rest);
    }
}
