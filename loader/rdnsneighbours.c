/* See rdnsneighbours.h. */
#include "loader/rdnsneighbours.h"

#include <stdlib.h>
#include <string.h>

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether a is b but for numbers; *step is then by how much the last of those that differ does, 0
 * if none. Of a number only the last nine digits count. */
static bool
differ_in_numbers(const char *a, const char *b, long *step)
{
    *step = 0;
    while (*a != '\0' || *b != '\0') {
        if (!is_digit(*a) || !is_digit(*b)) {
            if (*a++ != *b++)
                return false;
            continue;
        }
        long of_a = 0, of_b = 0;
        for (; is_digit(*a); a++)
            of_a = (of_a * 10 + (*a - '0')) % 1000000000;
        for (; is_digit(*b); b++)
            of_b = (of_b * 10 + (*b - '0')) % 1000000000;
        if (of_a != of_b)
            *step = of_a - of_b;
    }
    return true;
}

bool
rdnsneighbours_share(const struct ip *a, const struct ip *b)
{
    if (ip_is4(a) != ip_is4(b))
        return false;
    struct prefix net = prefix_of(a, ip_is4(a) ? 24 : 64);
    return prefix_contains(&net, b);
}

void
rdnsneighbours_count(const struct rdns_named *own, const struct rdns_named *others, size_t count,
    struct rdns_neighbours *out)
{
    char text[DNAME_TEXT_SIZE], other[DNAME_TEXT_SIZE];

    *out = (struct rdns_neighbours){0};
    dname_format(own->name, text);
    for (size_t i = 0; i < count; i++) {
        long step;

        bool is_neighbour =
            rdnsneighbours_share(own->ip, others[i].ip) && ip_cmp(own->ip, others[i].ip) != 0;
        if (!is_neighbour || dname_labels(others[i].name) == 0)
            continue;
        out->named++;
        dname_format(others[i].name, other);
        if (!differ_in_numbers(text, other, &step) || step == 0)
            continue;
        out->alike++;
        out->counted += step == (long)own->ip->b[15] - (long)others[i].ip->b[15];
    }
}

struct rdns_verdict
rdnsneighbours_weigh(struct rdns_verdict verdict, const struct rdns_neighbours *neighbours)
{
    if (verdict.class != RDNS_CLASS_SERVER || strcmp(verdict.why, RDNS_WHY_OWN) != 0 ||
        neighbours->alike < RDNS_NEIGHBOURS_ROW || neighbours->counted < RDNS_NEIGHBOURS_ROW)
        return verdict;
    return (struct rdns_verdict){RDNS_CLASS_GENERIC_STATIC, "neighbours named alike"};
}
