/* Looks. See looks.h. */
#include "loader/looks.h"

/* What adding up rounds off, in sessions: less than that is no difference. */
static const double SLACK = 0.01;

void
looks_add(struct looks *looks, const struct look *look)
{
    unsigned at = looks->count;

    if (at == HISTORY_NAMES_MAX)
        return;
    for (; at > 0 && looks->of[at - 1].badness < look->badness; at--)
        looks->of[at] = looks->of[at - 1];
    looks->of[at] = *look;
    looks->count++;
}

/* What is folded into names of a class, and the names that it goes to. */
struct folded {
    double weight, sessions;
    double bad, all; /* weights of the names that are there */
    struct look *worst_bad, *worst_other;
};

/* Takes it off the names. */
static void
collect(struct looks *looks, const struct nameclass *class, struct folded *out)
{
    *out = (struct folded){0};
    for (unsigned i = 0; i < looks->count; i++) {
        struct look *look = &looks->of[i];
        struct look **worst = look->bad ? &out->worst_bad : &out->worst_other;

        if (!nameclass_equal(&look->class, class))
            continue;
        out->weight += look->folded_weight;
        out->sessions += look->folded_sessions;
        out->all += look->weight;
        out->bad += look->bad ? look->weight : 0;
        *worst = *worst == NULL ? look : *worst;
        look->folded_weight = look->folded_sessions = 0;
    }
}

static void
give(struct look *look, const struct folded *folded, double share)
{
    if (look == NULL)
        return;
    look->weight += folded->weight * share;
    look->sessions += folded->sessions * share;
}

void
looks_unfold(struct looks *looks)
{
    for (unsigned i = 0; i < looks->count; i++) {
        struct folded folded;

        if (looks->of[i].folded_sessions <= 0)
            continue;
        collect(looks, &looks->of[i].class, &folded);
        double share = folded.all > 0 ? folded.bad / folded.all : looks->of[i].bad;
        give(folded.worst_bad, &folded, share);
        give(folded.worst_other, &folded, 1 - share);
    }
}

double
looks_bad(const struct looks *looks)
{
    double bad = 0;

    for (unsigned i = 0; i < looks->count; i++)
        bad += looks->of[i].bad ? looks->of[i].weight : 0;
    return bad;
}

/* The first that, with those before it, weighs as much as what follows and is not bad; only if
 * there are some. A bad one that follows weighs nothing: it says nothing for the client; nor does
 * what is bad in another way, and it may be any of those that follow, as history does not keep
 * which names came together. */
unsigned
looks_speaker(const struct looks *looks, double otherwise_bad)
{
    double before = 0, after = -otherwise_bad;
    unsigned at = 0;

    for (unsigned i = 0; i < looks->count; i++)
        after += looks->of[i].bad ? 0 : looks->of[i].weight;
    for (; at + 1 < looks->count; at++) {
        before += looks->of[at].weight;
        after -= looks->of[at].bad ? 0 : looks->of[at].weight;
        if (before + SLACK >= after)
            break;
    }
    return looks->of[at].index;
}
