/* Words of a line; see listword.h. */
#include "loader/listword.h"

#include "loader/listkey.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, WEEK_S = 604800 };

bool
listword_is(struct listfile_cursor *at, const char *lower)
{
    const char *p = at->p;
    for (; *lower != '\0'; lower++, p++) {
        if (p == at->end)
            return false;
        char c = *p;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        if (c != *lower)
            return false;
    }
    if (p == at->end || !listfile_blank(*p))
        return false;
    at->p = p;
    listfile_skip_blanks(at);
    return true;
}

bool
listword_any(struct listfile_cursor *at, struct listfile_cursor *word)
{
    *word = (struct listfile_cursor){at->p, at->p};
    while (word->end < at->end && !listfile_blank(*word->end))
        word->end++;
    at->p = word->end;
    listfile_skip_blanks(at);
    return word->p < word->end;
}

/* Of digits alone; at goes past them. */
static bool
digits(struct listfile_cursor *at, uint32_t *out)
{
    uint64_t n = 0;
    if (!listfile_digit(at))
        return false;
    while (listfile_digit(at)) {
        n = n * 10 + (uint64_t)(*at->p++ - '0');
        if (n > UINT32_MAX)
            return false;
    }
    *out = (uint32_t)n;
    return true;
}

bool
listword_number(struct listfile_cursor *at, uint32_t *out)
{
    if (!digits(at, out) || !listword_at_end(at))
        return false;
    listfile_skip_blanks(at);
    return true;
}

bool
listword_time(struct listfile_cursor *at, uint32_t *seconds)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', MINUTE_S}, {'h', HOUR_S}, {'d', DAY_S}, {'w', WEEK_S}};
    uint32_t n, unit = 1;
    if (!digits(at, &n))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units && at->p < at->end; i++) {
        if ((*at->p | 32) != units[i].unit)
            continue;
        unit = units[i].seconds;
        at->p++;
        break;
    }
    if (n > UINT32_MAX / unit || !listword_at_end(at))
        return false;
    *seconds = n * unit;
    listfile_skip_blanks(at);
    return true;
}

bool
listword_name(struct listfile_cursor *at, struct dname *out)
{
    struct listfile_cursor word;
    return listword_any(at, &word) && listkey_name(word, out);
}
