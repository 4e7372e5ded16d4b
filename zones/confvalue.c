/* Values of a configuration; see confvalue.h. */
#include "confvalue.h"

#include <stdlib.h>

static enum err
number(const char **text, uint32_t most, uint32_t *out)
{
    uint64_t n = 0;
    const char *p = *text;
    if (*p < '0' || *p > '9')
        return ERR_SYNTAX;
    for (; *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (uint64_t)(*p - '0');
        if (n > most)
            return ERR_RANGE;
    }
    *text = p;
    *out = (uint32_t)n;
    return ERR_OK;
}

enum err
confvalue_duration(const char *text, uint32_t *seconds)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}, {'\0', 1}};
    const uint32_t most = 3650U * 86400;
    uint32_t n;
    enum err err = number(&text, most, &n);
    if (err < 0)
        return err;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (*text != units[i].unit || (*text != '\0' && text[1] != '\0'))
            continue;
        if (n > most / units[i].seconds)
            return ERR_RANGE;
        *seconds = n * units[i].seconds;
        return ERR_OK;
    }
    return ERR_SYNTAX;
}

enum err
confvalue_endpoint(const char *text, uint16_t default_port, struct endpoint *out)
{
    const char *at = strchr(text, '@');
    size_t n = at != NULL ? (size_t)(at - text) : strlen(text);
    uint32_t port = default_port;
    enum err err = ip_parse(text, n, &out->ip);
    if (err == ERR_OK && at != NULL) {
        at++;
        err = number(&at, UINT16_MAX, &port);
        if (err == ERR_OK && (*at != '\0' || port == 0))
            err = ERR_SYNTAX;
    }
    out->port = (uint16_t)port;
    return err;
}

enum err
confvalue_mailbox(const char *text, struct dname *out)
{
    const char *at = strchr(text, '@');
    size_t local = at != NULL ? (size_t)(at - text) : 0;
    struct dname left, right;
    if (strpbrk(text, " \t\r\n") != NULL)
        return ERR_SYNTAX;
    if (at == NULL)
        return dname_parse(text, strlen(text), out);
    if (local == 0 || local > 63)
        return ERR_SYNTAX;
    /* The local part is one label, its dots are no label borders. */
    left.len = (uint8_t)(local + 2);
    left.b[0] = (uint8_t)local;
    for (size_t i = 0; i < local; i++)
        left.b[i + 1] = (uint8_t)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    left.b[local + 1] = 0;
    enum err err = dname_parse(at + 1, strlen(at + 1), &right);
    return err < 0 ? err : dname_join(&left, &right, out);
}

bool
confvalue_dataset_name(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n < DATASET_NAME_SIZE &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

/* Passes over a comment or a quoted string that begins with c; returns the lines in it. */
static unsigned
pass_over(FILE *file, int c)
{
    unsigned lines = 0;
    int next = c == '/' ? getc(file) : 0, before = 0;
    bool line_comment = c == '#' || next == '/', quoted = c == '"' || c == '\'';
    if (c == '/' && next != '/' && next != '*') {
        (void)ungetc(next, file);
        return 0;
    }
    for (int in; (in = getc(file)) != EOF; before = in) {
        lines += in == '\n';
        if ((line_comment && in == '\n') || (quoted && in == c) ||
            (next == '*' && before == '*' && in == '/'))
            break;
        if (quoted && in == '\\')
            lines += getc(file) == '\n';
    }
    return lines;
}

unsigned
confvalue_unclosed(FILE *file)
{
    enum { DEPTH_MAX = 8 };
    unsigned opened[DEPTH_MAX], depth = 0, line = 1;
    for (int c; (c = getc(file)) != EOF;) {
        if (strchr("#/\"'", c) != NULL && c != '\0')
            line += pass_over(file, c);
        line += c == '\n';
        if (c == '{' && depth < DEPTH_MAX)
            opened[depth++] = line;
        if (c == '}' && depth > 0)
            depth--;
    }
    return depth > 0 ? opened[depth - 1] : 0;
}
