/* See helohabit.h. */
#include "loader/helohabit.h"

/* How many of the names are in use at the time when one of them was first said. */
static unsigned
in_use_at(const struct helo_fact *const *names, unsigned count, int64_t when_s)
{
    unsigned used = 0;

    for (unsigned i = 0; i < count; i++)
        used += names[i]->use->first_s <= when_s && when_s <= names[i]->use->last_s;
    return used;
}

/* Where spans overlap, they do so at the beginning of one of them. */
static unsigned
most_at_once(const struct helo_fact *const *names, unsigned count)
{
    unsigned most = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned used = in_use_at(names, count, names[i]->use->first_s);

        most = used > most ? used : most;
    }
    return most;
}

/* A name for inside use is a hobby server's; it says nothing, in whatever number. */
static bool
is_strange(const struct helo_fact *helo, int64_t since_s)
{
    return helo->use->first_s > since_s && helo->form.kind == HELO_KIND_NAME && !helo->form.local &&
           helo->resolves_here == FACT_NO;
}

static unsigned
organisations_of(const struct helo_fact *const *names, unsigned count, int64_t since_s)
{
    unsigned organisations = 0;

    for (unsigned i = 0; i < count; i++) {
        bool is_first = is_strange(names[i], since_s);

        for (unsigned j = 0; j < i && is_first; j++)
            is_first = !is_strange(names[j], since_s) ||
                       !dname_equal(&names[j]->organisation, &names[i]->organisation);
        organisations += is_first;
    }
    return organisations;
}

void
helohabit_of(const struct helo_fact *helos, size_t count, int64_t now_s, int64_t window_s,
    struct helo_habit *out)
{
    const struct helo_fact *compared[HELOHABIT_COMPARED];
    unsigned compared_count = 0;
    int64_t last_s = 0, since_s = now_s - window_s;

    *out = (struct helo_habit){0};
    for (size_t i = 0; i < count; i++) {
        const struct helo_fact *helo = &helos[i];

        if (helo->form.kind == HELO_KIND_ABSENT || helo->use->last_s <= since_s ||
            helo->use->first_s > now_s)
            continue;
        out->names++;
        out->fresh += helo->use->first_s > since_s;
        out->strange += is_strange(helo, since_s);
        if (out->last == NULL || helo->use->last_s >= last_s) {
            out->last = helo->text;
            last_s = helo->use->last_s;
        }
        if (compared_count < HELOHABIT_COMPARED)
            compared[compared_count++] = helo;
    }
    out->organisations = organisations_of(compared, compared_count, since_s);
    out->alternating = most_at_once(compared, compared_count);
}
