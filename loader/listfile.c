/* Lines of rbldnsd's lists: entries and values; see listfile.h. Quirks are rbldnsd's. */
#include "loader/listfile.h"

#include <strings.h>

#include "loader/listkey.h"
#include "loader/listrecord.h"

static const struct listfile_raw built_in = {.a = LISTFILE_A_DEFAULT};

static const char bad_a[] = "not a value; write :127.0.0.2:text, :2:text, :2 or just text";
static const char after_a[] = "something follows the A value; write a second colon before the text";
static const char bad_action[] =
    "not an action; write ignore, blackhole, refuse, empty or pass, or a value as :127.0.0.2:text";
static const char bare_action[] =
    "an action without its colon is a text that clients get; write :refuse for the action";
static const char reserved_a[] = "0.0.0.1 to 0.0.0.4 stand for actions; choose another A";
static const char no_section[] =
    "data before the first $DATASET; begin each part as $DATASET ip4set sub-zone";
static const char cut_text[] = "the text is longer than 255 bytes and was cut; shorten it";

void
listfile_init(struct listfile *file, enum list_type type, int64_t now_s)
{
    *file = (struct listfile){.type = type, .now_s = now_s, .def = built_in};
    listfile_begin(file);
}

uint32_t
listfile_ttl(const struct listfile *file, uint32_t ttl_s)
{
    if (ttl_s == 0)
        return 0;
    if (ttl_s < file->min_ttl_s)
        return file->min_ttl_s;
    return file->max_ttl_s != 0 && ttl_s > file->max_ttl_s ? file->max_ttl_s : ttl_s;
}

static bool
has_one_value(const struct listfile *file)
{
    return list_type_info(file->type)->values == LIST_VALUES_ONE;
}

static bool
has_actions(const struct listfile *file)
{
    return list_type_info(file->type)->holds == LIST_HOLDS_CLIENTS;
}

void
listfile_begin(struct listfile *file)
{
    if (!has_one_value(file))
        file->def = built_in;
    file->action = has_actions(file) ? ACL_A_IGNORE : 0;
}

struct listfile_raw
listfile_default(const struct listfile *file)
{
    return file->action != 0 ? (struct listfile_raw){.a = file->action} : file->def;
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

/* After the colon; one number is 127.0.0.number. */
static bool
a_value(struct listfile_cursor *at, uint32_t *a)
{
    unsigned bits = listkey_a(at, a);
    /* 0 must stay 0, to be refused. */
    if (bits == 8 && *a != 0)
        *a |= UINT32_C(127) << 24;
    return bits != 0 && *a != 0;
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

/* What is done with a client, in any case; 0: not such a word. */
static uint32_t
action_of(struct listfile_cursor at)
{
    static const struct {
        const char *word;
        enum acl_a action;
    } actions[] = {{"ignore", ACL_A_IGNORE}, {"blackhole", ACL_A_IGNORE}, {"refuse", ACL_A_REFUSE},
        {"empty", ACL_A_EMPTY}, {"pass", ACL_A_PASS}};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        size_t n = strlen(actions[i].word);
        struct listfile_cursor rest = {at.p + n, at.end};
        if ((size_t)(at.end - at.p) < n || strncasecmp(at.p, actions[i].word, n) != 0)
            continue;
        if (rest.p == rest.end || listfile_blank(*rest.p) || listfile_comment(&rest) ||
            *rest.p == ':')
            return actions[i].action;
    }
    return 0;
}

/* As value, of an access list: an action is a raw value without text. */
static enum err
client_value(const struct listfile *file, struct listfile_cursor *at, struct listfile_raw *out,
    const char **what)
{
    bool equals = listfile_at(at, '='), marked = equals || listfile_at(at, ':');
    uint32_t action = action_of((struct listfile_cursor){at->p + marked, at->end});
    if (marked && action != 0) {
        *out = (struct listfile_raw){.a = action};
        return ERR_OK;
    }
    if (equals) {
        *what = bad_action;
        return ERR_SYNTAX;
    }
    if (action != 0)
        *what = bare_action;
    enum err err = value(at, &file->def, out, what);
    if (err < 0 || out->a > ACL_A_PASS)
        return err;
    *what = reserved_a;
    return ERR_SYNTAX;
}

static enum err
entry_line(const struct listfile *file, struct listfile_cursor at, struct listfile_entry *entry,
    const char **what)
{
    entry->excluded = listfile_at(&at, '!') && !has_actions(file);
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
        return has_actions(file) ? client_value(file, &at, &entry->value, what)
                                 : value(&at, &file->def, &entry->value, what);
    entry->by_default = true;
    entry->value = listfile_default(file);
    return ERR_OK;
}

static bool
is_default(const struct listfile *file, const struct listfile_cursor *at)
{
    /* "::" begins an address, in the types that may have it at the beginning. */
    bool address = (file->type == LIST_IP6TRIE || has_actions(file)) && at->end - at->p >= 2 &&
                   at->p[1] == ':';
    return (listfile_at(at, ':') && !address) || (listfile_at(at, '=') && has_actions(file));
}

/* Unlike in other lists, it refers to the one before it. */
static enum err
default_action(struct listfile *file, struct listfile_cursor at, const char **what)
{
    struct listfile_raw def;
    enum err err = client_value(file, &at, &def, what);
    if (err < 0)
        return err;
    file->action = def.a <= ACL_A_PASS ? def.a : 0;
    if (file->action == 0)
        file->def = def;
    return ERR_NOTFOUND;
}

static enum err
default_line(struct listfile *file, struct listfile_cursor at, const char **what)
{
    struct listfile_raw def;
    if (has_one_value(file) && file->has_def)
        return ERR_NOTFOUND;
    if (has_actions(file))
        return default_action(file, at, what);
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
    return has_actions(file) ? client_value(file, &at, out, what)
                             : value(&at, &file->def, out, what);
}

/* Without blanks around it, and nothing from a NUL on, as a C string. */
static struct listfile_cursor
trim(const struct listfile *file, const char *line, size_t n)
{
    if (n > LISTFILE_LINE_MAX)
        n = LISTFILE_LINE_MAX;
    struct listfile_cursor at = {line, line + n};
    const char *nul = n == 0 ? NULL : memchr(line, '\0', n);
    if (nul != NULL)
        at.end = nul;
    listfile_skip_blanks(&at);
    while (at.end > at.p && (listfile_blank(at.end[-1]) || (at.end[-1] == '\r' && !file->keep_cr)))
        at.end--;
    return at;
}

static bool
is_directive(struct listfile_cursor at, struct listfile_cursor *rest)
{
    bool marks = listfile_comment(&at) || listfile_at(&at, ':');
    if (marks && at.end - at.p >= 2 && at.p[1] == '$')
        at.p++;
    if (!listfile_at(&at, '$'))
        return false;
    *rest = (struct listfile_cursor){at.p + 1, at.end};
    return true;
}

bool
listfile_directive(
    const struct listfile *file, const char *line, size_t n, struct listfile_cursor *rest)
{
    return is_directive(trim(file, line, n), rest);
}

enum err
listfile_line(struct listfile *file, const char *line, size_t n, struct listfile_entry *entry,
    const char **what)
{
    struct listfile_cursor rest, at = trim(file, line, n);
    *what = NULL;
    if (is_directive(at, &rest))
        return listfile_special(file, rest.p, (size_t)(rest.end - rest.p), what);
    if (at.p == at.end || listfile_comment(&at))
        return ERR_NOTFOUND;
    if (list_type_info(file->type)->holds == LIST_HOLDS_RECORDS)
        return listrecord_parse(file, at, entry, what);
    if (list_type_info(file->type)->holds == LIST_HOLDS_PARTS) {
        *what = no_section;
        return ERR_REFUSED;
    }
    return is_default(file, &at) ? default_line(file, at, what) : entry_line(file, at, entry, what);
}
