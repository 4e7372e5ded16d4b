/* Explaining: what the operator says. See explain.h. */
#include <string.h>

#include "loader/wordcmd.h"
#include "loader/wordset.h"
#include "tools/explain.h"

static struct word_subject
subject_of(const struct ip *ip, const struct dname *name)
{
    struct word_subject subject = {.is_name = name != NULL};
    if (name != NULL)
        subject.name = *name;
    else
        subject.prefix = prefix_of(ip, ip_bits(ip_family(ip)));
    return subject;
}

bool
explain_allowed(const struct explain *explain, const struct ip *ip, const struct dname *name,
    char why[EXPLAIN_WHY_SIZE])
{
    const struct word_subject subject = subject_of(ip, name);
    for (size_t i = 0; i < explain->words.count; i++) {
        const struct word *word = &explain->words.items[i];
        char text[WORD_SUBJECT_SIZE];
        if (!wordset_allows(word, true) || !word_subject_covers(&word->subject, &subject))
            continue;
        word_subject_format(&word->subject, text);
        (void)snprintf(why, EXPLAIN_WHY_SIZE, "the operator allows %.200s", text);
        return true;
    }
    return false;
}

void
explain_words(
    const struct explain *explain, unsigned indent, const struct ip *ip, const struct dname *name)
{
    const struct word_subject subject = subject_of(ip, name);
    for (size_t i = 0; i < explain->words.count; i++) {
        if (!word_subject_covers(&explain->words.items[i].subject, &subject))
            continue;
        fprintf(explain->out, "%*sthe operator: ", (int)indent, "");
        word_print(explain->out, &explain->words.items[i]);
    }
}
