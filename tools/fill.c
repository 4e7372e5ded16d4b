/* Texts with places to fill in; see fill.h. */
#include "tools/fill.h"

#include <string.h>

static void
print_html(FILE *out, const char *text)
{
    static const struct {
        char c;
        const char *escape;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (; *text != '\0'; text++) {
        const char *escape = NULL;
        for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
            if (escapes[i].c == *text)
                escape = escapes[i].escape;
        if (escape != NULL)
            fputs(escape, out);
        else
            fputc(*text, out);
    }
}

/* The value of the place that text begins with, behind its first @; *n is the key's length. */
static const char *
value_at(const char *text, const struct fill *fills, size_t *n)
{
    for (; fills->key != NULL; fills++) {
        *n = strlen(fills->key);
        if (strncmp(text, fills->key, *n) == 0 && text[*n] == '@')
            return fills->value;
    }
    return NULL;
}

void
fill_print(FILE *out, const char *text, const struct fill *fills, bool html)
{
    while (*text != '\0') {
        size_t n;
        const char *value = *text == '@' ? value_at(text + 1, fills, &n) : NULL;
        if (value == NULL) {
            fputc(*text++, out);
            continue;
        }
        if (html)
            print_html(out, value);
        else
            fputs(value, out);
        text += n + 2;
    }
}
