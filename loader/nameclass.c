/* Classes of names. See nameclass.h. */
#include "loader/nameclass.h"

#include <string.h>

#include "loader/country.h"
#include "loader/history.h"
#include "loader/providers.h"

/* Beside the kind of a HELO, in nameclass.form. */
enum form_bit { FORM_INSIDE = 0x10, FORM_OWN = 0x20, FORM_SPECIAL = 0x40, FORM_NULL_SENDER = 0x80 };

static void
class_of_name(const struct dname *name, struct nameclass *out)
{
    (void)country_of(name, out->country);
    out->provider = provider_of_name(name);
}

void
nameclass_of_helo(const struct helo_form *form, bool own, struct nameclass *out)
{
    bool has_ip = form->kind == HELO_KIND_LITERAL || form->kind == HELO_KIND_BARE_IP;
    unsigned bits = form->kind | (form->local ? FORM_INSIDE : 0U);

    if (has_ip)
        bits |= own ? FORM_OWN : ip_is_special(&form->ip) ? FORM_SPECIAL : 0U;
    *out = (struct nameclass){.form = (uint8_t)bits};
    if (form->kind == HELO_KIND_NAME)
        class_of_name(&form->name, out);
}

void
nameclass_of_sender(const struct dname *domain, bool helo_only, struct nameclass *out)
{
    *out = (struct nameclass){.form = helo_only ? FORM_NULL_SENDER : 0};
    class_of_name(domain, out);
}

bool
nameclass_equal(const struct nameclass *a, const struct nameclass *b)
{
    if (a->form != b->form || memcmp(a->country, b->country, sizeof a->country) != 0)
        return false;
    if (a->provider == NULL || b->provider == NULL)
        return a->provider == b->provider;
    return strcmp(a->provider, b->provider) == 0;
}

/* The order of giving way. */
static bool
is_less(const struct nameclass_row *a, const struct nameclass_row *b)
{
    return a->weight < b->weight || (a->weight == b->weight && a->last_s < b->last_s);
}

/* In the class with the most names, the first of those with as many. */
static unsigned
largest_class(const struct nameclass_row *rows, unsigned count)
{
    unsigned firsts[HISTORY_NAMES_MAX], sizes[HISTORY_NAMES_MAX], classes = 0, largest = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned at = 0;

        while (at < classes && !nameclass_equal(&rows[firsts[at]].class, &rows[i].class))
            at++;
        if (at == classes && classes == HISTORY_NAMES_MAX)
            continue;
        if (at == classes) {
            firsts[at] = i;
            sizes[classes++] = 0;
        }
        sizes[at]++;
        largest = sizes[at] > sizes[largest] ? at : largest;
    }
    return sizes[largest] > 1 ? firsts[largest] : count;
}

bool
nameclass_choose(const struct nameclass_row *rows, unsigned count, unsigned *victim, unsigned *heir)
{
    unsigned first = largest_class(rows, count);
    bool alone = first == count;

    *victim = *heir = alone ? 0 : first;
    for (unsigned i = 0; i < count; i++) {
        if (!alone && !nameclass_equal(&rows[i].class, &rows[first].class))
            continue;
        *victim = is_less(&rows[i], &rows[*victim]) ? i : *victim;
        *heir = is_less(&rows[*heir], &rows[i]) ? i : *heir;
    }
    /* Of equals in all, any two. */
    for (unsigned i = 0; i < count && *heir == *victim && !alone; i++)
        if (i != *victim && nameclass_equal(&rows[i].class, &rows[first].class))
            *heir = i;
    return !alone;
}
