/*
 * The model of listcompare.c: it goes over all lines of a list for every query, and says what
 * rbldnsd(8) says of them (listtypes.def).
 */
#ifndef TESTS_TOOLS_LISTCOMPARE_MODEL_H
#define TESTS_TOOLS_LISTCOMPARE_MODEL_H

#include "loader/listflat.h"
#include "tests/tools/listcompare_lists.h"

enum { VALUE_SIZE = 32 * 24 /* of a value of LISTFLAT_VALUES_MAX elements */ };

struct section {
    enum list_type type;
    struct line *lines;
    size_t count;
    uint16_t id; /* of its dataset */
};

struct query {
    struct ip ip;
    struct dname name;
};

/* What there is to say of a query. */
struct answer {
    bool listed, excluded, exists;
    struct slice value;   /* encoded */
    struct dname matched; /* of a name */
    uint8_t bytes[VALUE_SIZE];
};

static struct word
resolve(const struct said *said, const struct word *def)
{
    struct word out = *def;
    if (said->action)
        return said->word;
    if (said->a)
        out.a = said->word.a;
    if (said->text)
        memcpy(out.text, said->word.text, sizeof out.text);
    return out;
}

static bool
is_v4(const struct range *range)
{
    return ip_is4(&range->first) && ip_is4(&range->last);
}

/* Which lines count, and what each says in the end. */
static void
work_out(const struct section *section, bool host_bits)
{
    static const struct word built_in = {0x7f000002, ""}, ignore = {ACL_A_IGNORE, ""};
    const struct list_type_info *info = list_type_info(section->type);
    bool acl = section->type == LIST_ACL, one = info->values == LIST_VALUES_ONE, has_def = false;
    struct word def = built_in, in_force = acl ? ignore : def;
    uint32_t max = 0;
    unsigned files = 0;
    for (size_t i = 0; i < section->count; i++) {
        struct line *line = &section->lines[i];
        line->counts = false;
        if (line->hidden)
            continue;
        if (line->kind == LINE_FILE) {
            /* There are at most two. */
            if (files++ == 0 && !one) {
                def = built_in;
                in_force = acl ? ignore : def;
            }
        } else if (line->kind == LINE_DEFAULT && !(one && has_def)) {
            /* An access list's refers to the one before, the others' to what is built in. */
            in_force = resolve(&line->said, acl ? &def : &built_in);
            if (!line->said.action)
                def = in_force;
            has_def = true;
        } else if (line->kind == LINE_MAX && (max == 0 || line->max < max)) {
            max = line->max;
        } else if (line->kind == LINE_ENTRY) {
            const struct range *range = &line->range;
            line->counts = !line->host_bits || host_bits;
            if (info->holds != LIST_HOLDS_NAMES && info->holds != LIST_HOLDS_RECORDS && max != 0 &&
                is_v4(range) && info->holds != LIST_HOLDS_V6 &&
                ip_v4(&range->last) - ip_v4(&range->first) >= max)
                line->counts = false;
            bool says = line->said.a || line->said.text || line->said.action;
            line->word = says ? resolve(&line->said, &def) : in_force;
        }
    }
    for (size_t i = 0; i < section->count && one; i++)
        section->lines[i].word = in_force;
}

/* Values in their order, each once. */
static void
add_word(struct answer *answer, unsigned *count, const struct word *word)
{
    size_t n = strlen(word->text), at = answer->value.n, end = at;
    struct value_element element = {.literal = true,
        .a = word->a,
        .has_txt = n > 0,
        .txt = slice_of((const uint8_t *)word->text, n)};
    struct slice before = answer->value;
    struct value_element old;
    answer->listed = true;
    while (value_next(&before, &old) == ERR_OK)
        if (old.a == word->a && old.has_txt == (n > 0) && slice_cmp(old.txt, element.txt) == 0)
            return;
    if (*count == LISTFLAT_VALUES_MAX)
        return;
    if (value_append(answer->bytes, sizeof answer->bytes, &end, &element) != ERR_OK)
        die("a value has no room");
    answer->value = slice_of(answer->bytes, end);
    ++*count;
}

/* Of an ip4set's entry around the address, the largest of the units that it has there. */
static unsigned
level_of(const struct range *range, uint32_t at)
{
    unsigned level = 0;
    while (level < 3) {
        uint32_t host = UINT32_MAX >> (24 - 8 * level);
        if (ip_v4(&range->first) > (at & ~host) || ip_v4(&range->last) < (at | host))
            break;
        level++;
    }
    return level;
}

/* How close an entry is to the address; the greatest decides. */
static unsigned
closeness(const struct line *line, enum list_type type, const struct ip *ip)
{
    if (type == LIST_IP4SET)
        return 4 - level_of(&line->range, ip_v4(ip));
    /* The family's own lengths; 0 is one too. */
    return line->len + 1;
}

static bool
covers(const struct line *line, const struct section *section, const struct ip *ip)
{
    bool v6 = list_type_info(section->type)->holds == LIST_HOLDS_V6;
    if (!line->counts || ip_cmp(&line->range.first, ip) > 0 || ip_cmp(&line->range.last, ip) < 0)
        return false;
    /* IPv6 never reaches IPv4. */
    return !ip_is4(ip) || (!v6 && is_v4(&line->range));
}

static void
ask_addresses(const struct section *section, const struct ip *ip, struct answer *out)
{
    unsigned best = 0, count = 0;
    bool first_only = section->type != LIST_IP4SET;
    for (size_t i = 0; i < section->count; i++) {
        const struct line *line = &section->lines[i];
        unsigned close = covers(line, section, ip) ? closeness(line, section->type, ip) : 0;
        if (close > best)
            best = close;
    }
    for (size_t i = 0; i < section->count && best > 0; i++) {
        const struct line *line = &section->lines[i];
        if (!covers(line, section, ip) || closeness(line, section->type, ip) != best)
            continue;
        if (line->excluded)
            out->excluded = true;
        else
            add_word(out, &count, &line->word);
        if (first_only)
            break;
    }
}

/* The lines about one name. */
static bool
ask_lines(const struct section *section, const struct dname *name, bool wild, struct answer *out)
{
    unsigned count = 0;
    bool found = false;
    for (size_t i = 0; i < section->count; i++) {
        const struct line *line = &section->lines[i];
        if (!line->counts || !(wild ? line->wild : line->exact) || !dname_equal(&line->name, name))
            continue;
        found = true;
        if (line->excluded)
            out->excluded = true;
        else
            add_word(out, &count, &line->word);
    }
    out->matched = *name;
    return found;
}

static void
ask_names(const struct section *section, const struct dname *name, struct answer *out)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct line *line = &section->lines[i];
        out->exists =
            out->exists || (line->counts && (dname_under(&line->name, name) ||
                                                (line->wild && dname_under(name, &line->name))));
    }
    if (ask_lines(section, name, false, out))
        return;
    for (unsigned strip = 1; strip < dname_labels(name); strip++) {
        struct dname above;
        dname_strip(name, strip, &above);
        if (ask_lines(section, &above, true, out))
            return;
    }
}

#endif
