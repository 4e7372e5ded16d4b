/* Lines of rbldnsd's lists: entries and values; see listfile.h. Quirks are rbldnsd's. */
#include "loader/listfile.h"

#include "loader/listkey.h"

static const struct listfile_raw built_in = {.a = LISTFILE_A_DEFAULT};

static const char bad_a[] = "not a value; write :127.0.0.2:text, :2:text, :2 or just text";
static const char after_a[] = "something follows the A value; write a second colon before the text";
static const char cut_text[] = "the text is longer than 255 bytes and was cut; shorten it";

void
listfile_init(struct listfile *file, enum list_type type, int64_t now_s)
{
    *file = (struct listfile){.type = type, .now_s = now_s, .def = built_in};
}

static bool
has_one_value(const struct listfile *file)
{
    return list_type_info(file->type)->values == LIST_VALUES_ONE;
}

void
listfile_begin(struct listfile *file)
{
    if (!has_one_value(file))
        file->def = built_in;
}

bool
listfile_set_text(struct listfile_text *text, const struct listfile_cursor *from)
{
    size_t n = (size_t)(from->end - from->p);
    bool all = n <= LISTFILE_TEXT_MAX;
    text->n = (uint8_t)(all ? n : LISTFILE_TEXT_MAX);
    memcpy(text->b, from->p, text->n);
    return all;
}

/* After the colon. Short forms are those of inet_aton, except that one number is 127.0.0.number. */
static bool
a_value(struct listfile_cursor *at, uint32_t *a)
{
    switch (listkey_octets(at, a)) {
    case 8:
        *a >>= 24;
        /* 0 must stay 0, to be refused. */
        if (*a != 0)
            *a |= UINT32_C(127) << 24;
        break;
    case 16:
        *a = (*a & 0xff000000U) | (*a >> 16 & 255);
        break;
    case 24:
        *a = (*a & 0xffff0000U) | (*a >> 8 & 255);
        break;
    case 32:
        break;
    default:
        return false;
    }
    return *a != 0;
}

/* The rest of a line, not empty. An A without a second colon has the default's text. */
static enum err
value(struct listfile_cursor *at, const struct listfile_raw *def, struct listfile_raw *out,
    const char **what)
{
    uint32_t a = def->a;
    if (listfile_at(at, ':')) {
        at->p++;
        if (!a_value(at, &a)) {
            *what = bad_a;
            return ERR_SYNTAX;
        }
        listfile_skip_blanks(at);
        if (at->p == at->end) {
            struct listfile_text text = def->text;
            *out = (struct listfile_raw){a, text};
            return ERR_OK;
        }
        if (*at->p != ':') {
            *what = after_a;
            return ERR_SYNTAX;
        }
        at->p++;
        listfile_skip_blanks(at);
    }
    out->a = a;
    if (!listfile_set_text(&out->text, at))
        *what = cut_text;
    return ERR_OK;
}

static enum err
entry_line(const struct listfile *file, struct listfile_cursor at, struct listfile_entry *entry,
    const char **what)
{
    entry->excluded = listfile_at(&at, '!');
    entry->by_default = false;
    if (entry->excluded) {
        at.p++;
        listfile_skip_blanks(&at);
    }
    if (!listkey_parse(file, &at, entry, what))
        return ERR_SYNTAX;
    if (entry->excluded)
        return ERR_OK;
    listfile_skip_blanks(&at);
    if (at.p < at.end && !listfile_comment(&at) && !has_one_value(file))
        return value(&at, &file->def, &entry->value, what);
    entry->by_default = true;
    entry->value = file->def;
    return ERR_OK;
}

static bool
is_default(const struct listfile *file, const struct listfile_cursor *at)
{
    /* "::" begins an address, in the one type that may have it at the beginning. */
    bool address = file->type == LIST_IP6TRIE && at->end - at->p >= 2 && at->p[1] == ':';
    return listfile_at(at, ':') && !address;
}

static enum err
default_line(struct listfile *file, struct listfile_cursor at, const char **what)
{
    struct listfile_raw def;
    if (has_one_value(file) && file->has_def)
        return ERR_NOTFOUND;
    /* It refers to the one that is built in, not to the one before it. */
    enum err err = value(&at, &built_in, &def, what);
    if (err < 0)
        return err;
    file->def = def;
    file->has_def = true;
    return ERR_NOTFOUND;
}

enum err
listfile_parse_value(const struct listfile *file, const char *text, size_t n,
    struct listfile_raw *out, const char **what)
{
    struct listfile_cursor at = {text, text + n};
    *what = NULL;
    listfile_skip_blanks(&at);
    while (at.end > at.p && listfile_blank(at.end[-1]))
        at.end--;
    return value(&at, &file->def, out, what);
}

enum err
listfile_line(struct listfile *file, const char *line, size_t n, struct listfile_entry *entry,
    const char **what)
{
    if (n > LISTFILE_LINE_MAX)
        n = LISTFILE_LINE_MAX;
    struct listfile_cursor at = {line, line + n};
    const char *nul = memchr(line, '\0', n);
    *what = NULL;
    if (nul != NULL)
        at.end = nul; /* as a C string */
    listfile_skip_blanks(&at);
    while (at.end > at.p && (listfile_blank(at.end[-1]) || at.end[-1] == '\r'))
        at.end--;
    if (at.p == at.end)
        return ERR_NOTFOUND;
    if (listfile_at(&at, '$'))
        return listfile_special(file, at.p + 1, (size_t)(at.end - at.p) - 1, what);
    bool marks = listfile_comment(&at) || *at.p == ':';
    if (marks && at.end - at.p >= 2 && at.p[1] == '$')
        return listfile_special(file, at.p + 2, (size_t)(at.end - at.p) - 2, what);
    if (listfile_comment(&at))
        return ERR_NOTFOUND;
    return is_default(file, &at) ? default_line(file, at, what) : entry_line(file, at, entry, what);
}
