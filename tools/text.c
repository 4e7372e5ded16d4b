/* How the tools write things; see tools.h. */
#include <string.h>

#include "loader/status.h"
#include "tools/tools.h"

void
text_quoted(FILE *out, struct slice text)
{
    const unsigned char *p = text.p;
    fputc('"', out);
    for (size_t i = 0; i < text.n; i++)
        if (p[i] < ' ' || p[i] > 126)
            fprintf(out, "\\x%02x", p[i]);
        else
            fprintf(out, "%s%c", p[i] == '"' || p[i] == '\\' ? "\\" : "", p[i]);
    fputc('"', out);
}

void
text_name(FILE *out, const struct dname *name)
{
    char text[DNAME_TEXT_SIZE];
    (void)dname_format(name, text);
    fputs(text, out);
}

void
text_ip(FILE *out, const struct ip *ip)
{
    char text[IP_TEXT_SIZE];
    ip_format(ip, text);
    fputs(text, out);
}

void
text_range(FILE *out, const struct range *range)
{
    text_ip(out, &range->first);
    if (ip_cmp(&range->first, &range->last) == 0)
        return;
    fputc('-', out);
    text_ip(out, &range->last);
}

void
text_time(FILE *out, int64_t when_s)
{
    char text[STATUS_TIME_SIZE];
    status_time(when_s, text);
    fputs(text, out);
}

void
text_a(FILE *out, uint32_t a)
{
    struct ip ip = ip_from_v4(a);
    text_ip(out, &ip);
}

void
text_value(FILE *out, struct slice value)
{
    struct value_element element;
    const char *between = "";
    enum err err;
    while ((err = value_next(&value, &element)) == ERR_OK) {
        fputs(between, out);
        between = "; ";
        if (!element.literal) {
            char names[512];
            reasons_format(element.reasons, names, sizeof names);
            fputs(names, out);
            continue;
        }
        text_a(out, element.a);
        if (element.has_txt) {
            fputc(' ', out);
            text_quoted(out, element.txt);
        }
    }
    if (err != ERR_NOTFOUND)
        fprintf(out, "%sDAMAGED", between);
}

void
text_zone_name(FILE *out, const struct dname *name)
{
    char text[DNAME_TEXT_SIZE];
    size_t n = dname_format(name, text);
    for (size_t i = 0; i < n; i++) {
        bool escaped = text[i] == '\\' && i + 1 < n;
        if (strchr("\"();@$", text[i]) != NULL)
            fputc('\\', out);
        fputc(text[i], out);
        if (escaped)
            fputc(text[++i], out);
    }
}

void
text_zone_strings(FILE *out, struct slice text)
{
    enum { STRING_MAX = 255 };
    const unsigned char *p = text.p;
    fputc('"', out);
    for (size_t i = 0; i < text.n; i++) {
        if (i > 0 && i % STRING_MAX == 0)
            fputs("\" \"", out);
        if (p[i] < ' ' || p[i] > 126)
            fprintf(out, "\\%03u", (unsigned)p[i]);
        else
            fprintf(out, "%s%c", p[i] == '"' || p[i] == '\\' ? "\\" : "", p[i]);
    }
    fputc('"', out);
}

void
text_reasons(FILE *out, unsigned indent, struct reason_set reasons, const char *subject)
{
    while (!reasons_empty(reasons)) {
        enum reason reason = reasons_take(&reasons);
        const struct reason_info *info = reason_info(reason);
        char a[IP_TEXT_SIZE];
        struct ip ip = ip_from_v4(reason_a(reason));
        ip_format(&ip, a);
        fprintf(out, "%*s%-16s  %-11s  ", (int)indent, "", info->name, a);
        for (const char *p = info->text; *p != '\0'; p++)
            if (*p == '$')
                fputs(subject, out);
            else
                fputc(*p, out);
        fputc('\n', out);
    }
}
