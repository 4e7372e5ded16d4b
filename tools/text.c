/* How the tools write things; see tools.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/output.h"
#include "loader/status.h"
#include "tools/tools.h"
#include "zones/be.h"
#include "zones/recordset.h"

void
text_terminal(FILE *out, bool *screen, bool *colours)
{
    const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
    *screen = isatty(fileno(out)) == 1 && term != NULL && strcmp(term, "dumb") != 0;
    *colours = *screen && (none == NULL || none[0] == '\0');
}

const char *
text_colour(bool colours, enum text_colour colour)
{
    static const char *const codes[] = {[TEXT_PLAIN] = "\033[0m",
        [TEXT_BOLD] = "\033[1m",
        [TEXT_RED] = "\033[31m",
        [TEXT_YELLOW] = "\033[33m",
        [TEXT_GREEN] = "\033[32m"};
    return colours ? codes[colour] : "";
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
            output_quoted(out, element.txt);
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

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_TXT = 16 }; /* RFC 1035 3.2.2 */

const char *
text_type(uint16_t type)
{
    return type == TYPE_A ? "A" : type == TYPE_MX ? "MX" : type == TYPE_TXT ? "TXT" : "?";
}

void
text_record(FILE *out, const struct recordset_rr *rr)
{
    const uint8_t *in = rr->rdata.p;
    struct dname name;
    fprintf(out, "%s ", text_type(rr->type));
    if (rr->type == TYPE_A && rr->rdata.n == 4) {
        text_a(out, (uint32_t)be_get(in, 4));
    } else if (rr->type == TYPE_TXT && rr->rdata.n > 0) {
        text_zone_strings(out, slice_of(in + 1, rr->rdata.n - 1));
    } else if (rr->type == TYPE_MX && rr->rdata.n > 2 &&
               dname_from_wire(in + 2, rr->rdata.n - 2, &name) == ERR_OK) {
        fprintf(out, "%u ", (unsigned)be_get(in, 2));
        text_zone_name(out, &name);
        fputs(name.len > 1 ? "." : "", out);
    } else {
        fputs("DAMAGED", out);
    }
}

const char *
text_action(uint32_t a)
{
    static const char *const actions[] = {[ACL_A_IGNORE] = "ignore",
        [ACL_A_REFUSE] = "refuse",
        [ACL_A_EMPTY] = "empty",
        [ACL_A_PASS] = "pass"};
    return a < sizeof actions / sizeof *actions ? actions[a] : NULL;
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
