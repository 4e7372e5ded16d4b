/* The look-up's inside, for lookup*.c; callers see lookup.h. */
#ifndef SERVER_LOOKUP_INTERNAL_H
#define SERVER_LOOKUP_INTERNAL_H

#include "server/lookup.h"

struct asking {
    const struct lookup_ask *ask;
    const struct dname *relative;
    bool expired;
    bool exists;  /* the name, or something below it, could be listed */
    bool found;   /* a dataset has the name, be there something to show of it or not */
    bool allowed; /* by the operator, so that nothing is listed */
    struct lookup *out;
};

static inline struct lookup_subject
lookup_subject_ip(const struct ip *ip)
{
    return (struct lookup_subject){.is_ip = true, .ip = *ip};
}

/* What is asked without its first labels: of a list's section below a sub-zone too, where it is the
 * beginning of the name that the client asked. */
static inline struct lookup_subject
lookup_subject_name(const struct asking *asking, unsigned labels)
{
    const struct dname *name = asking->relative;
    size_t at = 0;
    while (labels-- > 0)
        at += name->b[at] + 1U;
    return (struct lookup_subject){.at = (uint8_t)at, .n = (uint8_t)(name->len - at - 1)};
}

/* text: what a policy adds. Left out past LOOKUP_ITEMS_MAX. */
void lookup_add_reason(struct asking *asking, enum reason reason, const struct dataset *dataset,
    const struct lookup_subject *subject, struct slice text);

/* What the zone shows of a value that a dataset has. */
enum err lookup_add_value(struct asking *asking, struct slice value, const struct dataset *dataset,
    const struct lookup_subject *subject) MUST_CHECK;

/* lookup_word.c: what the operator says. Asks before the other datasets: what he blocks is added,
 * what he allows is noted in asking, unless the zone only informs. */
enum err lookup_word_ip(struct asking *asking) MUST_CHECK;
enum err lookup_word_name(struct asking *asking) MUST_CHECK;
/* Whether he allows the address, or the domain, of a pair. */
enum err lookup_word_pair(struct asking *asking, const struct ip *ip, const struct dname *domain,
    bool *allowed) MUST_CHECK;

/* lookup_pair.c: an address and a domain. False when the name is decided already; *test is set
 * where it is the built-in test entry. */
bool lookup_begin_pair(struct asking *asking, bool *test);
/* The whole of an address lies left of a domain. */
bool lookup_is_pair(const struct dname *relative);
enum err lookup_ask_pair(struct asking *asking, const struct dataset *dataset) MUST_CHECK;

/* A list of any kind; fills asking and its out. */
void lookup_ask_list(struct asking *asking);
/* lookup_combined.c: a list whose sections are asked below sub-zones. Two seeks more. */
enum err lookup_ask_combined(struct asking *asking, const struct dataset *dataset) MUST_CHECK;

/* RFC 5782 5 */
extern const struct dname lookup_test_name, lookup_invalid_name;

#endif
