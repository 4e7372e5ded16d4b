/* The operator's word of addresses as a dataset; see wordset.h. Names: wordset_names.c. */
#include "loader/wordset_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/listoverlay.h"

const char *const wordset_names[WORDSET_SETS] = {
    [WORDSET_IP] = DATASET_WORD_IP, [WORDSET_NAME] = DATASET_WORD_NAME};

bool
wordset_allows(const struct word *word, bool judged)
{
    return word->verb == WORD_ALLOW ||
           (word->verb == WORD_UNLIST && (!judged || word->expires_s != 0));
}

/* Evidence is shown by the server: printable ASCII alone. */
static char *
detail_of(const struct word *word)
{
    size_t size = strlen(word->by) + strlen(word->note) + 32;
    char *text = malloc(size);
    if (text == NULL)
        return NULL;
    (void)snprintf(text, size, "blocked by %s: %s", word->by, word->note);
    for (char *p = text; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    return text;
}

enum err
wordset_add_evidence(struct wordset *set, unsigned number, const struct word *word)
{
    struct publish_set *out = &set->sets[number];
    struct evidence_entry *entry = &set->evidence[number][out->evidence_count];
    *entry = (struct evidence_entry){.is_ip = number == WORDSET_IP,
        .ip = word->subject.prefix.addr,
        .name = word->subject.name,
        .since_s = word->since_s,
        .detail = detail_of(word)};
    if (entry->detail == NULL)
        return ERR_NOMEM;
    out->evidence_count++;
    return ERR_OK;
}

static bool
is_single(const struct prefix *prefix)
{
    return prefix->len == ip_bits(ip_family(&prefix->addr));
}

static enum err
add_prefixes(const struct words *words, bool judged, struct wordset *out)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < words->count && err == ERR_OK; i++) {
        const struct word *word = &words->items[i];
        bool allows = wordset_allows(word, judged);
        if (!word->subject.is_name && (allows || word->verb == WORD_BLOCK))
            err = neverset_add(allows ? &out->allowed : &out->blocked, &word->subject.prefix, 1);
    }
    neverset_unite(&out->allowed);
    neverset_unite(&out->blocked);
    return err;
}

/* Why, of what is blocked still; the store has it for single addresses. Words come sorted by
 * family and address, as evidence has to be. */
static enum err
add_reasons(const struct words *words, struct wordset *out)
{
    const struct list_flat *addrs = &out->addrs;
    enum err err = ERR_OK;
    for (size_t i = 0; i < words->count && err == ERR_OK; i++) {
        const struct word *word = &words->items[i];
        const struct prefix *prefix = &word->subject.prefix;
        if (word->verb != WORD_BLOCK || word->subject.is_name || !is_single(prefix))
            continue;
        size_t at = listflat_find(addrs->addrs, addrs->count, &prefix->addr);
        if (at < addrs->count && ip_cmp(&addrs->addrs[at].range.first, &prefix->addr) <= 0 &&
            addrs->addrs[at].value.p == out->blocked.value)
            err = wordset_add_evidence(out, WORDSET_IP, word);
    }
    return err;
}

static int
by_ip(const void *a, const void *b)
{
    const struct evidence_entry *x = a, *y = b;
    return ip_cmp(&x->ip, &y->ip);
}

/* Blocks, without what is never listed, under what is allowed. */
static enum err
make_addresses(const struct words *words, bool judged, struct wordset *out)
{
    struct reason_set operator= {0};
    struct list_flat upper = {.addrs = out->never.entries, .count = out->never.count};
    uint64_t dropped;
    reasons_add(&operator, REASON_OPERATOR);
    value_of_reasons(operator, out->blocked.value);
    value_of_reasons(reasons_none(), out->allowed.value);
    enum err err = add_prefixes(words, judged, out);
    /* The ranges are the flat's from here on. */
    out->addrs = (struct list_flat){.addrs = out->blocked.entries, .count = out->blocked.count};
    out->blocked.entries = NULL;
    if (err == ERR_OK)
        err = listoverlay(&out->addrs, &upper, true, &dropped);
    upper = (struct list_flat){.addrs = out->allowed.entries, .count = out->allowed.count};
    if (err == ERR_OK)
        err = listoverlay(&out->addrs, &upper, false, &dropped);
    if (err == ERR_OK)
        err = add_reasons(words, out);
    struct publish_set *set = &out->sets[WORDSET_IP];
    set->info.kind = DATASET_ADDR;
    set->addrs = out->addrs.addrs;
    set->count = out->addrs.count;
    if (set->evidence_count > 0)
        qsort(out->evidence[WORDSET_IP], set->evidence_count, sizeof *set->evidence, by_ip);
    return err;
}

enum err
wordset_make(const struct conf *conf, const struct words *words, bool judged,
    const struct list_set *const *allow, size_t allow_count, struct wordset *out)
{
    *out = (struct wordset){0};
    enum err err = neverset_make(conf, allow, allow_count, &out->never);
    for (unsigned i = 0; i < WORDSET_SETS; i++) {
        strcpy(out->sets[i].info.name, wordset_names[i]);
        out->evidence[i] = calloc(words->count + 1, sizeof *out->evidence[i]);
        out->sets[i].evidence = out->evidence[i];
        if (out->evidence[i] == NULL)
            return ERR_NOMEM;
    }
    if (err == ERR_OK)
        err = make_addresses(words, judged, out);
    return err == ERR_OK ? wordset_make_names(conf, words, judged, allow, allow_count, out) : err;
}

void
wordset_free(struct wordset *set)
{
    for (unsigned i = 0; i < WORDSET_SETS; i++) {
        for (size_t k = 0; set->evidence[i] != NULL && k < set->sets[i].evidence_count; k++)
            free(set->evidence[i][k].detail);
        free(set->evidence[i]);
    }
    neverset_free(&set->never);
    neverset_free(&set->allowed);
    neverset_free(&set->blocked);
    listcollect_free_flat(&set->addrs);
    free(set->names);
    *set = (struct wordset){0};
}
