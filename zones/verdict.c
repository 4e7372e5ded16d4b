/* Verdicts. See verdict.h. */
#include "verdict.h"

#include "be.h"

#include <stdio.h>
#include <string.h>

static const struct reason_info infos[REASON_COUNT] = {
#define REASON(id, bit, name, space, code, text)                                                   \
    [REASON_##id] = {#id, (name), REASON_SPACE_##space, (code), (text)},
#include "reasons.def"
#undef REASON
};

const struct reason_info *
reason_info(enum reason reason)
{
    return &infos[reason];
}

uint32_t
reason_a(enum reason reason)
{
    return UINT32_C(127) << 24 | (uint32_t)infos[reason].space << 8 | infos[reason].code;
}

enum err
reason_by_name(const char *name, enum reason *out)
{
    for (unsigned i = 0; i < REASON_COUNT; i++)
        if (strcmp(infos[i].name, name) == 0) {
            *out = (enum reason)i;
            return ERR_OK;
        }
    return ERR_NOTFOUND;
}

enum reason
reasons_take(struct reason_set *set)
{
    unsigned lowest = (unsigned)__builtin_ctz(set->bits);

    set->bits &= set->bits - 1;
    return (enum reason)lowest;
}

void
reasons_format(struct reason_set set, char *out, size_t size)
{
    size_t n = 0;

    (void)snprintf(out, size, "-");
    set.bits &= (UINT32_C(1) << REASON_COUNT) - 1;
    while (!reasons_empty(set) && n < size) {
        int more =
            snprintf(out + n, size - n, "%s%s", n == 0 ? "" : ",", infos[reasons_take(&set)].name);

        n += more < 0 ? size : (size_t)more;
    }
}

void
value_of_reasons(struct reason_set set, uint8_t out[VALUE_REASONS_SIZE])
{
    out[0] = 'R';
    (void)be_put(out + 1, set.bits, 4);
}

enum err
value_append(uint8_t *out, size_t size, size_t *n, const struct value_element *element)
{
    bool txt = element->literal && element->has_txt;
    size_t need = 5 + (txt ? 1 + element->txt.n : 0);

    if (txt && element->txt.n > VALUE_TXT_MAX)
        return ERR_RANGE;
    if (size - *n < need)
        return ERR_RANGE;
    out += *n;
    *n += need;
    if (!element->literal) {
        value_of_reasons(element->reasons, out);
        return ERR_OK;
    }
    out[0] = txt ? 'T' : 'L';
    (void)be_put(out + 1, element->a, 4);
    if (txt) {
        out[5] = (uint8_t)element->txt.n;
        memcpy(out + 6, element->txt.p, element->txt.n);
    }
    return ERR_OK;
}

enum err
value_next(struct slice *value, struct value_element *out)
{
    const uint8_t *in = value->p;
    size_t used = 5;

    if (value->n == 0)
        return ERR_NOTFOUND;
    if (value->n < used)
        return ERR_FORMAT;
    *out = (struct value_element){.literal = in[0] != 'R'};
    if (in[0] == 'R') {
        out->reasons.bits = (uint32_t)be_get(in + 1, 4);
    } else if (in[0] == 'L' || in[0] == 'T') {
        out->a = (uint32_t)be_get(in + 1, 4);
        out->has_txt = in[0] == 'T';
    } else {
        return ERR_FORMAT;
    }
    if (out->has_txt) {
        if (value->n < 6 || value->n - 6 < in[5])
            return ERR_FORMAT;
        out->txt = slice_of(in + 6, in[5]);
        used = 6U + in[5];
    }
    *value = slice_of(in + used, value->n - used);
    return ERR_OK;
}
