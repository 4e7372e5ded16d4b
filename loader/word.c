/* The operator's word as text and bytes; see word.h. Pure. */
#include "loader/word.h"

#include <string.h>

#include "zones/be.h"

enum { VERSION = 1, FIXED = 1 + 8 + 8 + 1 };

static const struct {
    const char *name;
    enum word_verb verb;
    bool in_force;
} verbs[] = {{"allow", WORD_ALLOW, true}, {"block", WORD_BLOCK, true},
    {"unlist", WORD_UNLIST, true}, {"undo", WORD_UNDO, false}, {"forget", WORD_FORGET, false}};

const char *
word_verb_name(enum word_verb verb)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (verbs[i].verb == verb)
            return verbs[i].name;
    return "?";
}

enum err
word_verb_parse(const char *text, enum word_verb *out)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (!verbs[i].in_force || strcmp(verbs[i].name, text) != 0)
            continue;
        *out = verbs[i].verb;
        return ERR_OK;
    }
    return ERR_SYNTAX;
}

enum err
word_subject_parse(const char *text, struct word_subject *out)
{
    size_t n = strlen(text);
    *out = (struct word_subject){0};
    if (prefix_parse(text, n, false, &out->prefix) == ERR_OK)
        return ERR_OK;
    out->is_name = true;
    if (dname_parse(text, n, &out->name) < 0 || out->name.len <= 1 ||
        !dname_is_hostname(&out->name) || dname_last_label_numeric(&out->name))
        return ERR_SYNTAX;
    return ERR_OK;
}

void
word_subject_format(const struct word_subject *subject, char out[WORD_SUBJECT_SIZE])
{
    const struct prefix *prefix = &subject->prefix;
    if (subject->is_name)
        (void)dname_format(&subject->name, out);
    else if (prefix->len == ip_bits(ip_family(&prefix->addr)))
        ip_format(&prefix->addr, out);
    else
        prefix_format(prefix, out);
}

bool
word_subject_covers(const struct word_subject *outer, const struct word_subject *inner)
{
    if (outer->is_name || inner->is_name)
        return outer->is_name && inner->is_name && dname_under(&inner->name, &outer->name);
    return outer->prefix.len <= inner->prefix.len &&
           prefix_contains(&outer->prefix, &inner->prefix.addr);
}

size_t
word_subject_encode(const struct word_subject *subject, uint8_t out[WORD_SUBJECT_BYTES])
{
    out[0] = 'n';
    if (subject->is_name)
        return 1 + dname_key(&subject->name, out + 1);
    out[0] = ip_is4(&subject->prefix.addr) ? '4' : '6';
    size_t n = 1 + ip_key(&subject->prefix.addr, out + 1);
    out[n] = subject->prefix.len;
    return n + 1;
}

enum err
word_subject_decode(struct slice bytes, struct word_subject *out)
{
    const uint8_t *in = bytes.p;
    *out = (struct word_subject){0};
    if (bytes.n < 2)
        return ERR_FORMAT;
    if (in[0] == 'n') {
        out->is_name = true;
        return dname_from_key(in + 1, bytes.n - 1, &out->name) < 0 ? ERR_FORMAT : ERR_OK;
    }
    size_t n = in[0] == '4' ? 4 : 16;
    struct ip ip;
    if ((in[0] != '4' && in[0] != '6') || bytes.n != n + 2 || in[n + 1] > 8 * n ||
        ip_from_key(in + 1, n, &ip) < 0)
        return ERR_FORMAT;
    out->prefix = prefix_of(&ip, in[n + 1]);
    return ERR_OK;
}

size_t
word_encode(const struct word *word, uint8_t out[WORD_BYTES])
{
    size_t by_n = strnlen(word->by, WORD_BY_MAX), note_n = strnlen(word->note, WORD_NOTE_MAX);
    out[0] = VERSION;
    be_put(out + 1, (uint64_t)word->since_s, 8);
    be_put(out + 9, (uint64_t)word->expires_s, 8);
    out[17] = (uint8_t)by_n;
    memcpy(out + FIXED, word->by, by_n);
    memcpy(out + FIXED + by_n, word->note, note_n);
    return FIXED + by_n + note_n;
}

enum err
word_decode(struct slice bytes, struct word *out)
{
    const uint8_t *in = bytes.p;
    if (bytes.n < FIXED || in[0] != VERSION || in[17] > WORD_BY_MAX || bytes.n - FIXED < in[17] ||
        bytes.n - FIXED - in[17] > WORD_NOTE_MAX)
        return ERR_FORMAT;
    size_t by_n = in[17], note_n = bytes.n - FIXED - by_n;
    out->since_s = (int64_t)be_get(in + 1, 8);
    out->expires_s = (int64_t)be_get(in + 9, 8);
    memcpy(out->by, in + FIXED, by_n);
    out->by[by_n] = '\0';
    memcpy(out->note, in + FIXED + by_n, note_n);
    out->note[note_n] = '\0';
    return ERR_OK;
}
