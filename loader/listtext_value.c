/* Values of lists as text; see listtext.h. */
#include "loader/listtext.h"

#include <stdio.h>

/* What a line says is what the parser of such lines makes of it, so that is asked. base may be
 * empty. */
static bool
says(const char *line, const char *base, size_t base_n, const struct value_element *element)
{
    struct listfile file;
    struct listfile_entry entry;
    const char *what;
    uint8_t got[LISTFILE_VALUE_MAX], wanted[LISTFILE_VALUE_MAX];
    char base_line[LISTFILE_VALUE_MAX + 4];
    size_t n = 0;
    listfile_init(&file, LIST_IP4SET, 0);
    if (base_n > 0) {
        int used = snprintf(base_line, sizeof base_line, "$= %.*s", (int)base_n, base);
        if (listfile_line(&file, base_line, (size_t)used, &entry, &what) != ERR_NOTFOUND)
            return false;
    }
    if (listfile_line(&file, line, strlen(line), &entry, &what) != ERR_NOTFOUND ||
        value_append(wanted, sizeof wanted, &n, element) < 0)
        return false;
    size_t got_n = listfile_value(&file, &file.def, got);
    return slice_cmp(slice_of(got, got_n), slice_of(wanted, n)) == 0;
}

/* The first of the ways to write it that is read back as it is. A text that begins with "=" is
 * without the base template and keeps blanks at its beginning; a byte past the longest is cut off,
 * and keeps blanks before it. */
static size_t
write_value(const struct listtext_values *values, const struct value_element *element,
    char out[LISTTEXT_VALUE_SIZE])
{
    static const char *const ways[][2] = {{"", ""}, {"=", ""}, {"", "."}, {"=", "."}};
    char a[IP_TEXT_SIZE];
    struct ip ip = ip_from_v4(element->a);
    size_t base_n = values->has_base ? values->n : 0;
    ip_format(&ip, a);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int n = snprintf(out, LISTTEXT_VALUE_SIZE, ":%s:%s%.*s%s", a, ways[i][0],
            (int)element->txt.n, (const char *)element->txt.p, ways[i][1]);
        if (says(out, values->base, base_n, element))
            return (size_t)n;
    }
    if (!values->has_base || slice_cmp(values->based, element->txt) != 0)
        return 0;
    int n = snprintf(out, LISTTEXT_VALUE_SIZE, ":%s:", a);
    return says(out, values->base, base_n, element) ? (size_t)n : 0;
}

/* As the base template says it: the subject is "$=" there. */
static void
set_base(struct listtext_values *values, struct slice text)
{
    const char *in = text.p;
    values->n = 0;
    for (size_t i = 0; i < text.n; i++) {
        bool dollar = in[i] == '$' && i + 1 < text.n && in[i + 1] == '$';
        if (values->n + 2 > sizeof values->base)
            break;
        values->base[values->n++] = in[i];
        if (dollar)
            values->base[values->n++] = in[++i];
        else if (in[i] == '$')
            values->base[values->n++] = '=';
    }
    values->has_base = true;
    values->based = text;
}

enum err
listtext_look(struct listtext_values *values, const struct value_element *element)
{
    static const struct listtext_values without;
    char out[LISTTEXT_VALUE_SIZE];
    const char *text = element->txt.p;
    if (!element->literal || (element->has_txt && element->txt.n > VALUE_TXT_MAX))
        return ERR_RANGE;
    if (!element->has_txt || element->txt.n == 0 || memchr(text, '$', element->txt.n) == NULL)
        return ERR_OK;
    if (write_value(&without, element, out) > 0)
        return ERR_OK;
    if (values->has_base)
        return slice_cmp(values->based, element->txt) == 0 ? ERR_OK : ERR_RANGE;
    set_base(values, element->txt);
    return ERR_OK;
}

size_t
listtext_value(const struct listtext_values *values, const struct value_element *element,
    char out[LISTTEXT_VALUE_SIZE])
{
    struct value_element plain = *element;
    if (!plain.has_txt)
        plain.txt = slice_of("", 0);
    return write_value(values, &plain, out);
}
